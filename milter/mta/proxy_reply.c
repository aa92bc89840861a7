#include <mailwhy/proxy_reply.h>

#include <string.h>

#include <mailwhy/refusal.h>

#define TEXT_MAX 8192 /* octets of a milter's reply that is explained: of a much longer one Sendmail loses the last lines */

/* How the catalogue knows that a filter refused without a reason, whatever words the MTA has for it. */
static const char rejected[] = "550 5.7.1 Command rejected";
static const char put_off[] = "451 4.7.1 Service unavailable - try again later";

/* What an MTA makes of a bare answer; NULL where it does more than to send a reply. */
static const char *words_of_mta(const struct session_facts *facts, char answer)
{
    const char *mta = facts->field[SESSION_MTA];
    if (mta && strncmp(mta, "Postfix", 7) == 0)
        return answer == FRAME_REJECT ? rejected : put_off;
    if (facts->stage == STAGE_CONNECT || facts->stage == STAGE_HELO)
        return NULL;
    if (answer == FRAME_TEMPFAIL)
        return "451 4.3.2 Please try again later";
    return facts->stage == STAGE_EOM ? "554 5.7.1 Command rejected" : rejected;
}

static bool is_postfix(const struct session_facts *facts)
{
    return facts->field[SESSION_MTA] && strncmp(facts->field[SESSION_MTA], "Postfix", 7) == 0;
}

/* Append the text with each "%%" made one. False where a '%' is not doubled. */
static bool undouble(struct buffer *out, const char *s, size_t len)
{
    while (len) {
        const char *mark = memchr(s, '%', len);
        size_t plain = mark ? (size_t)(mark - s) : len;
        if (mark && (plain + 1 == len || mark[1] != '%'))
            return false;
        buffer_add(out, s, plain + (mark != NULL));
        plain += mark ? 2 : 0;
        s += plain;
        len -= plain;
    }
    return true;
}

static void double_up(struct buffer *out, const char *s, size_t len)
{
    while (len) {
        const char *mark = memchr(s, '%', len);
        size_t plain = mark ? (size_t)(mark - s) + 1 : len;
        buffer_add(out, s, plain);
        if (mark)
            buffer_add_char(out, '%');
        s += plain;
        len -= plain;
    }
}

/* Whether these are the lines of one refusal as it goes over the wire, the last one without its end. */
static bool is_proper(const struct buffer *text)
{
    const char *s = text->data, *end = s + text->len;
    if (!text->len || (s[0] != '4' && s[0] != '5'))
        return false;
    while (s) {
        const char *lf = memchr(s, '\n', (size_t)(end - s));
        const char *stop = lf ? lf - 1 : end;
        if (stop - s < 4 || memcmp(s, text->data, 3) != 0 || s[3] != (lf ? '-' : ' '))
            return false;
        if ((lf && *stop != '\r') || memchr(s, '\r', (size_t)(stop - s)))
            return false;
        s = lf ? lf + 1 : NULL;
    }
    return true;
}

/* Put the reply that the client would get in r->text, as far as it can be explained. */
static bool take_text(struct proxy_reply *r, const struct frame *f, const struct session_facts *facts)
{
    buffer_clear(&r->text);
    if (f->command != FRAME_REPLY) {
        const char *words = words_of_mta(facts, f->command);
        return f->len == 0 && buffer_add_string(&r->text, words ? words : f->command == FRAME_REJECT ? rejected : put_off) == 0;
    }
    return f->len > 1 && f->len <= TEXT_MAX && memchr(f->data, '\0', f->len) == f->data + f->len - 1 &&
           undouble(&r->text, f->data, f->len - 1) && buffer_ok(&r->text) && is_proper(&r->text);
}

/* Set the reply with our lines, and the frame that holds it. False where memory is short. */
static bool set_frame(struct proxy_reply *r, const struct reply *reply)
{
    char enhanced[ENHANCED_SIZE];
    struct buffer *out = &r->whole;
    const struct explanation *x = &r->explanation;
    const char *last = memrchr(r->text.data, '\n', r->text.len);
    size_t last_line = last ? (size_t)(last + 1 - r->text.data) : 0;
    buffer_clear(out);
    buffer_add(out, r->text.data, r->text.len);
    enhanced_format(&reply->enhanced, enhanced);
    for (unsigned i = 0; i < x->line_count && buffer_ok(out); i++) {
        if (i || !x->joins) {
            out->data[last_line + 3] = '-';
            buffer_add_string(out, "\r\n");
            last_line = out->len;
            buffer_printf(out, "%d %s%s", reply->code, enhanced, *enhanced ? " " : "");
        }
        buffer_add_string(out, x->lines[i]);
    }
    if (!buffer_ok(out))
        return false;
    size_t doubled = 0;
    for (size_t i = 0; i < out->len; i++)
        doubled += out->data[i] == '%';
    buffer_clear(&r->frame);
    frame_begin(&r->frame, FRAME_REPLY, out->len + doubled + 1);
    double_up(&r->frame, out->data, out->len);
    buffer_add_char(&r->frame, '\0');
    return buffer_ok(&r->frame);
}

/* The reply map will be asked about the reply too: remember that it has its lines. */
static void remember(const struct proxy_reply *r)
{
    struct reply reply;
    if (reply_parse(&reply, r->whole.data, r->whole.len) == 0) {
        explained_add(r->service->explained_before, &reply);
        reply_free(&reply);
    }
}

/* Recognise the refusal. False where it is to be left alone: somebody else logs it, or nothing is known of it. */
static bool recognise(struct proxy_reply *r, const struct frame *f, const struct reply *reply, const struct session_facts *facts,
                      const struct catalog *catalog)
{
    struct explanation *x = &r->explanation;
    struct reply bare;
    const char *means = f->command == FRAME_REJECT ? rejected : put_off;
    if (f->command == FRAME_REPLY) {
        explain_recognise(x, reply, facts, catalog, &r->service->explain);
        if (is_postfix(facts))
            return !x->skipped;
        x->skipped = x->skipped || facts->stage == STAGE_CONNECT; /* Sendmail shows no client these words */
        return true;
    }
    if (reply_parse(&bare, means, strlen(means)) == -1)
        return false;
    explain_recognise(x, &bare, facts, catalog, &r->service->explain);
    reply_free(&bare);
    x->match.fact_count = 0;
    if (!catalog_is_specific(&x->match) || (x->skipped && is_postfix(facts)))
        return false;
    x->skipped = x->skipped || !words_of_mta(facts, f->command);
    return true;
}

static bool explain(struct proxy_reply *r, const struct frame *f, const struct session_facts *facts,
                    const struct catalog *catalog, const char *via)
{
    struct reply reply;
    struct event e;
    bool explained = false;
    if (!take_text(r, f, facts) || reply_parse(&reply, r->text.data, r->text.len) == -1)
        return false;
    bool differs = reply.enhanced.class && reply.enhanced.class != reply.code / 100;
    if (differs || reply.line_count > PROXY_REPLY_LINES_MAX - EXPLAIN_LINES_MAX || !recognise(r, f, &reply, facts, catalog))
        goto done;
    service_event(r->service, &e, facts);
    e.via = via;
    e.stage = facts->stage;
    e.reply = r->text.data;
    e.reply_len = r->text.len;
    explained = refusal_explain(r->service, &r->explanation, &e, &reply, facts, catalog) == 0 && set_frame(r, &reply);
    if (explained) {
        atomic_fetch_add(&r->service->explained, 1);
        remember(r);
    }

done:
    reply_free(&reply);
    return explained;
}

bool proxy_reply_explain(struct proxy_reply *r, struct proxy_session *session, const char *via, const struct frame *f)
{
    struct proxy_view view;
    if (!proxy_session_answers(session))
        return false;
    proxy_session_view(session, &view);
    bool explained = explain(r, f, &view.facts, session_catalog(session->session), via);
    proxy_session_leave(&view);
    return explained;
}

void proxy_reply_free(struct proxy_reply *r)
{
    explain_free(&r->explanation);
    buffer_free(&r->text);
    buffer_free(&r->whole);
    buffer_free(&r->frame);
}
