#include <string.h>

#include <mailwhy/event_time.h>
#include <mailwhy/json.h>

#include "print.h"
#include "probe_view.h"

static const char *outcome_name(const struct probe_result *r)
{
    static const char *const names[] = {
        [PROBE_NOT_TRIED] = "not-tried", [PROBE_REFUSED] = "refused", [PROBE_NOT_REFUSED] = "not-refused"};
    return names[r->outcome];
}

static const char *why_name(enum word why)
{
    return why == WORD_NO_SIGN_IN         ? "not-offered"
           : why == WORD_SIGN_IN_IN_CLEAR ? "not-encrypted"
           : why == WORD_CONNECTION_ENDED ? "connection-ended"
                                          : NULL;
}

static void add_refusal(const struct probe_result *r, struct buffer *out)
{
    char enhanced[ENHANCED_SIZE];
    json_put_filled(out, "enhanced", enhanced_format(&r->reply.enhanced, enhanced));
    json_put_bool(out, "explained", probe_is_explained(r));
    if (r->left_out)
        json_put_bool(out, "left_out", true);
    json_put_filled(out, "reference", r->ref);
    if (r->event != PROBE_EVENT_UNKNOWN)
        json_put_bool(out, "in_log", r->event == PROBE_EVENT_FOUND);
    if (r->event == PROBE_EVENT_FOUND) {
        json_add_key(out, "event");
        buffer_add_char(out, '{');
        json_put_filled(out, "reason", r->logged.reason);
        json_put_filled(out, "stage", stage_name(r->logged.stage));
        json_put_filled(out, "via", r->logged.via);
        buffer_add_char(out, '}');
    }
    if (probe_is_explained(r))
        return;
    json_add_key(out, "catalogue");
    answer_add_json(&r->answer, out);
}

static void add_result(const struct probe_result *r, struct buffer *out)
{
    buffer_add_char(out, '{');
    json_put_filled(out, "step", r->step->id);
    json_put_filled(out, "outcome", outcome_name(r));
    if (r->outcome == PROBE_NOT_TRIED)
        json_put_filled(out, "why", why_name(r->why));
    json_add_key(out, "sent");
    buffer_add_char(out, '[');
    for (size_t i = 0; i < PROBE_LINES && r->sent[i]; i++) {
        buffer_add_string(out, i ? "," : "");
        json_add_string(out, r->sent[i], strlen(r->sent[i]));
    }
    buffer_add_char(out, ']');
    if (r->reply.line_count) {
        json_put_octets(out, "reply", buffer_string(&r->text), r->text.len);
        json_put_long(out, "code", r->reply.code);
    }
    if (r->outcome == PROBE_REFUSED)
        add_refusal(r, out);
    buffer_add_char(out, '}');
}

static void add_connection(const struct probe *p, struct buffer *out)
{
    char until[EVENT_TIME_SIZE];
    json_put_filled(out, "host", p->target.host);
    json_put_long(out, "port", p->target.port);
    json_put_filled(out, "address", p->address);
    if (!p->tls.version)
        return;
    json_put_filled(out, "tls", p->tls.version);
    json_put_filled(out, "cipher", p->tls.cipher);
    json_put_bool(out, "certificate_good", !p->tls.fault);
    json_put_filled(out, "certificate_fault", p->tls.fault);
    if (p->tls.until && event_time_format(&(struct timespec){.tv_sec = p->tls.until}, until) == 0)
        json_put_filled(out, "certificate_until", until);
}

int probe_print_json(const struct probe *p, int status)
{
    struct buffer all = {0}, *out = &all;
    const struct probe_counts n = probe_count(p);
    buffer_add_char(out, '{');
    add_connection(p, out);
    json_add_key(out, "steps");
    buffer_add_char(out, '[');
    for (size_t i = 0; i < p->count; i++) {
        buffer_add_string(out, i ? "," : "");
        add_result(&p->results[i], out);
    }
    buffer_add_char(out, ']');
    json_put_long(out, "refused", (long)n.refused);
    json_put_long(out, "explained", (long)n.explained);
    if (p->log)
        json_put_long(out, "in_log", (long)n.found);
    json_put_filled(out, "fault", buffer_string(&p->fault));
    json_put_long(out, "status", status);
    int result = buffer_add_char(out, '}');
    if (result == 0)
        print_json(stdout, out->data, out->len);
    buffer_free(out);
    return result;
}
