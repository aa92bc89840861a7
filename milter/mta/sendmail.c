#include <mailwhy/sendmail.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/refusal.h>

#define TIME_LEN 8 /* of a queue id: year, month, day, hour, minute and second, and two that count */

/* Without the command, which may be a password that was typed in the wrong place. */
static const char unknown_reply[] = "500 5.5.1 Command unrecognized";

bool sendmail_is(const char *version)
{
    return version && *version >= '0' && *version <= '9';
}

void sendmail_name_mta(struct session *session, const char *version)
{
    struct buffer name = {0};
    if (sendmail_is(version) && buffer_printf(&name, "Sendmail %s", version) == 0)
        version = name.data;
    session_set(session, SESSION_MTA, version);
    buffer_free(&name);
}

long sendmail_pid(const char *queue_id)
{
    const char *digits = queue_id && strnlen(queue_id, TIME_LEN) == TIME_LEN ? queue_id + TIME_LEN : "";
    if (!*digits || digits[strspn(digits, "0123456789")])
        return 0;
    errno = 0;
    long pid = strtol(digits, NULL, 10);
    return errno == 0 && pid <= INT_MAX ? pid : 0;
}

/* What the session knows, for a reply that it got. */
static void begin_event(struct service *s, struct event *e, const struct session_facts *facts, enum stage stage,
                        const char *reply)
{
    service_event(s, e, facts);
    e->via = "milter";
    e->stage = stage;
    e->reply = reply;
    e->reply_len = strlen(reply);
}

int sendmail_unknown(struct service *s, struct session *session, struct explanation *x, const char **text)
{
    struct session_facts *facts = session_facts_mutable(session);
    struct reply reply;
    struct event e;
    *text = unknown_reply + strlen("500 5.5.1 ");
    if (reply_parse(&reply, unknown_reply, strlen(unknown_reply)) == -1)
        return -1;
    explain_recognise(x, &reply, facts, session_catalog(session), &s->explain);
    begin_event(s, &e, facts, STAGE_UNKNOWN, unknown_reply);
    e.sender = e.recipient = e.queue_id = NULL; /* it has nothing to do with a message */
    int result = refusal_explain(s, x, &e, &reply, facts, session_catalog(session));
    facts->refused++;
    atomic_fetch_add(result == 0 ? &s->explained : &s->plain, 1);
    reply_free(&reply);
    return result;
}

void sendmail_rcpt_refused(struct service *s, struct session *session, const char *enhanced, const char *text)
{
    struct session_facts *facts = session_facts_mutable(session);
    struct buffer line = {0};
    struct explanation x = {0};
    struct reply reply;
    struct enhanced code;
    struct event e;
    if (strspn(text, "0123456789") < 3 && enhanced_parse(&code, enhanced, strlen(enhanced)))
        buffer_printf(&line, "%s %s ", code.class == 4 ? "450" : "550", enhanced);
    buffer_add_string(&line, text);
    if (buffer_ok(&line) && reply_parse(&reply, line.data, line.len) == 0) {
        explain_recognise(&x, &reply, facts, session_catalog(session), &s->explain);
        begin_event(s, &e, facts, STAGE_RCPT, line.data);
        if (reply.code >= 400)
            refusal_log(s, &x, &e, &reply, facts, false);
        facts->refused++;
        reply_free(&reply);
    }
    explain_free(&x);
    buffer_free(&line);
}
