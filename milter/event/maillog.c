#include <mailwhy/maillog.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/reply.h>

#include "maillog_time.h"

/* The time at the beginning of a line. */
static bool read_time(struct maillog *m, struct span *s, struct timespec *time)
{
    struct maillog_stamp stamp;
    if (maillog_time_read(s, time))
        return true;
    if (!maillog_stamp_read(s, &stamp))
        return false;
    int key = 1 + stamp.hour + 24 * (stamp.day + 32 * stamp.month);
    if (key != m->hour_key) {
        m->hour_time = log_years_hour(&m->years, stamp.month, stamp.day, stamp.hour);
        m->hour_key = key;
    }
    *time = (struct timespec){.tv_sec = m->hour_time + 60 * stamp.minute + stamp.second};
    return m->hour_time != -1;
}

/* Keep a piece as a string, until the next line. Its place in m->strings, as an offset and one; 0: there is no room. */
static size_t keep(struct maillog *m, struct span s)
{
    size_t at = m->strings.len + 1;
    buffer_add(&m->strings, s.at, span_length(s));
    return buffer_add_char(&m->strings, '\0') == 0 ? at : 0;
}

/* What was found in a line, as offsets: the strings may still move. */
struct found {
    size_t host, client_name, client_addr, helo, sender, recipient, queue_id, sasl_method, sasl_user, reply, enhanced;
    size_t reply_len;
};

static const char *string(const struct maillog *m, size_t offset)
{
    return offset ? m->strings.data + offset - 1 : NULL;
}

/* The value behind the name and before the octet: "from=<" and '>'. 0: there is none. */
static size_t value(struct maillog *m, struct span s, const char *name, char end)
{
    if (!span_pass(&s, name))
        return 0;
    struct span v = span_until(s, end);
    return span_length(v) ? keep(m, v) : 0;
}

static const struct {
    const char *name;
    enum stage stage;
} stages[] = {{"RCPT", STAGE_RCPT},         {"MAIL", STAGE_MAIL},          {"EHLO", STAGE_HELO},       {"HELO", STAGE_HELO},
              {"DATA", STAGE_DATA},         {"END-OF-MESSAGE", STAGE_EOM}, {"CONNECT", STAGE_CONNECT}, {"AUTH", STAGE_AUTH},
              {"STARTTLS", STAGE_STARTTLS}, {"UNKNOWN", STAGE_UNKNOWN},    {"header", STAGE_EOM},      {"body", STAGE_EOM}};

static enum stage stage_of(struct span s)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (span_starts(s, stages[i].name))
            return stages[i].stage;
    return STAGE_NONE;
}

/* The reply that the line has, through reply_find(), and the client that it names. False: none. */
static bool take_reply(struct maillog *m, struct span line, struct event *e, struct found *f)
{
    struct reply r;
    if (reply_find(&m->found, line.at, span_length(line)) != 1)
        return false;
    const struct buffer *reply = &m->found.reply;
    f->reply = keep(m, (struct span){reply->data, reply->data + reply->len});
    f->reply_len = reply->len;
    if (m->found.client)
        f->client_addr = keep(m, (struct span){m->found.client, m->found.client + m->found.client_len});
    if (reply_parse_bare(&r, reply->data, reply->len) == 0) {
        char enhanced[ENHANCED_SIZE];
        const char *text = enhanced_format(&r.enhanced, enhanced);
        e->code = r.code;
        f->enhanced = *text ? keep(m, (struct span){text, text + strlen(text)}) : 0;
        reply_free(&r);
    }
    return true;
}

/* The name before "[address]". */
static void take_client_name(struct maillog *m, struct span s, struct found *f)
{
    struct span name = span_until(s, '[');
    if (name.end < s.end && span_length(name) && !span_starts(name, "unknown"))
        f->client_name = keep(m, name);
}

/* Make s what stands behind the last such word: what stands before may be a client's. */
static bool pass_last(struct span *s, const char *word)
{
    bool any = false;
    while (span_pass(s, word))
        any = true;
    return any;
}

static int read_reject(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text, details = text;
    if (!span_pass(&s, "reject: "))
        return MAILLOG_NOTHING;
    e->stage = stage_of(s);
    if (span_pass(&s, " from "))
        take_client_name(m, s, f);
    if (!take_reply(m, text, e, f)) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    if (pass_last(&details, "; from=<"))
        details.at -= strlen("from=<");
    f->sender = value(m, details, "from=<", '>');
    f->recipient = value(m, details, " to=<", '>');
    f->helo = value(m, details, "helo=<", '>');
    return MAILLOG_REFUSED;
}

static int read_sasl(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text, client = text;
    if (!span_pass(&s, ": SASL ") || !span_find(s, " authentication failed") || !take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    span_pass(&client, "warning: ");
    take_client_name(m, client, f);
    f->sasl_method = keep(m, span_until(s, ' '));
    f->sasl_user = value(m, s, "sasl_username=", ',');
    e->stage = STAGE_AUTH;
    return MAILLOG_REFUSED;
}

static int read_lost(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    if (!span_starts(text, "lost connection after AUTH from ") || !span_pass(&s, " from "))
        return MAILLOG_NOTHING;
    take_client_name(m, s, f);
    f->client_addr = value(m, s, "[", ']');
    e->stage = STAGE_AUTH;
    return MAILLOG_LOST;
}

static int read_delivery(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    bool delivery =
        span_pass(&s, " status=") && (span_starts(s, "bounced") || span_starts(s, "deferred") || span_starts(s, "expired"));
    if (!delivery || !span_find(text, " relay=") || !take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    f->client_addr = f->client_name = 0;
    f->recipient = value(m, text, "to=<", '>');
    return MAILLOG_DELIVERY;
}

static int read_queued(struct maillog *m, struct span text, struct found *f)
{
    if (!span_find(text, "(queue active)"))
        return MAILLOG_NOTHING;
    f->sender = value(m, text, "from=<", '>');
    return f->sender ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

/* A line of one of Postfix's services. */
static int read_postfix(struct maillog *m, struct span service, struct span text, struct event *e, struct found *f)
{
    bool qmgr = span_length(service) >= 4 && memcmp(service.end - 4, "qmgr", 4) == 0;
    struct span id = span_until(text, ':');
    if (span_length(id) >= 6 && span_length(id) < 24 && !span_starts(id, "NOQUEUE") && !span_starts(id, "warning"))
        f->queue_id = keep(m, id);
    if (qmgr)
        return read_queued(m, text, f);
    if (span_starts(text, "warning: "))
        return read_sasl(m, text, e, f);
    if (span_starts(text, "lost "))
        return read_lost(m, text, e, f);
    struct span verb = text;
    if (span_pass(&verb, ": ") && (span_starts(verb, "reject: ") || span_starts(verb, "milter-reject: ")))
        return read_reject(m, text, e, f);
    return read_delivery(m, text, e, f);
}

static int read_sendmail(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span id = span_until(text, ':');
    if (span_length(id) >= 8 && span_length(id) < 24)
        f->queue_id = keep(m, id);
    bool delivery = span_find(text, "stat="), auth = span_find(text, "AUTH failure (");
    if (!delivery && !auth && !span_find(text, "reject="))
        return span_find(text, "nrcpts=") && !span_find(text, "nrcpts=0") && (f->sender = value(m, text, "from=<", '>'))
                   ? MAILLOG_ACCEPTED
                   : MAILLOG_NOTHING;
    if (!take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    f->recipient = delivery ? value(m, text, "to=<", '>') : 0;
    if (span_find(text, "ruleset=check_rcpt"))
        e->stage = STAGE_RCPT, f->recipient = value(m, text, "arg1=<", '>');
    else if (span_find(text, "ruleset=check_mail"))
        e->stage = STAGE_MAIL, f->sender = value(m, text, "arg1=<", '>');
    else if (span_find(text, "ruleset=check_relay"))
        e->stage = STAGE_CONNECT;
    else if (auth)
        e->stage = STAGE_AUTH, f->sasl_method = value(m, text, "AUTH failure (", ')'),
        f->sasl_user = value(m, text, ", user=", ',');
    return delivery ? MAILLOG_DELIVERY : MAILLOG_REFUSED;
}

/* Take apart what stands behind the time: "host program[pid]: text". False: it is not that. */
static bool split(struct span s, struct maillog_message *message)
{
    struct span host = span_until(s, ' '), tag = {host.end + 1, s.end};
    if (host.end >= s.end)
        return false;
    tag = span_until(tag, ':');
    if (tag.end + 2 > s.end || span_length(tag) > 80)
        return false;
    message->host = host;
    message->program = span_until(tag, '[');
    message->text = (struct span){tag.end + 2, s.end};
    if (message->program.end < tag.end)
        message->pid = strtol(message->program.end + 1, NULL, 10);
    return true;
}

static void set_strings(const struct maillog *m, const struct found *f, struct event *e)
{
    e->host = string(m, f->host);
    e->client_name = string(m, f->client_name);
    e->client_addr = string(m, f->client_addr);
    e->helo = string(m, f->helo);
    e->sender = string(m, f->sender);
    e->recipient = string(m, f->recipient);
    e->queue_id = string(m, f->queue_id);
    e->sasl_method = string(m, f->sasl_method);
    e->sasl_user = string(m, f->sasl_user);
    e->enhanced = string(m, f->enhanced);
    e->reply = string(m, f->reply);
    e->reply_len = f->reply_len;
}

int maillog_read_message(struct maillog *m, const struct maillog_message *message, struct event *e)
{
    struct span program = message->program, text = message->text;
    struct found f = {0};
    *e = (struct event){.time = message->time, .pid = message->pid};
    buffer_clear(&m->strings);
    bool postfix = span_starts(program, "postfix"), sendmail = span_starts(program, "sendmail") || span_starts(program, "sm-");
    if (!postfix && !sendmail)
        return MAILLOG_NOTHING;
    if (!text.at || !message->timed) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    f.host = keep(m, message->host);
    e->mta = postfix ? "Postfix" : "Sendmail";
    int kind = postfix ? read_postfix(m, program, text, e, &f) : read_sendmail(m, text, e, &f);
    if (!buffer_ok(&m->strings)) {
        errno = ENOMEM;
        return -1;
    }
    if (kind != MAILLOG_NOTHING)
        set_strings(m, &f, e);
    return kind;
}

int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e)
{
    struct span s = {line, line + len};
    struct maillog_message message = {.timed = true};
    if (!read_time(m, &s, &message.time))
        m->unread += span_find(s, " postfix/") || span_find(s, " sendmail[") || span_find(s, " sm-mta[");
    else if (split(s, &message))
        return maillog_read_message(m, &message, e);
    *e = (struct event){0};
    return MAILLOG_NOTHING;
}

void maillog_begin(struct maillog *m, const struct log_years *years)
{
    m->years = *years;
    m->hour_key = 0;
}

void maillog_free(struct maillog *m)
{
    reply_found_free(&m->found);
    buffer_free(&m->strings);
}
