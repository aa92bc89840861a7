#include "authlog_record.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define RECENT_S 60 /* of a line: its process may still have the same session */

bool authlog_is_postfix(const struct event *failure)
{
    return strcmp(failure->mta, "Postfix") == 0;
}

bool authlog_is_sign_in(const struct event *failure)
{
    return failure->stage == STAGE_AUTH && failure->sasl_method && *failure->sasl_method;
}

static bool is_in_message(const struct event *failure)
{
    return failure->stage == STAGE_RCPT || failure->stage == STAGE_DATA || failure->stage == STAGE_EOM;
}

/* Take over from the line what the session doesn't know, or knows of somebody who had signed in. */
static void take_over(struct event *e, const struct event *failure)
{
    e->via = "maillog";
    e->stage = failure->stage;
    e->pid = failure->pid;
    e->mta = e->mta ? e->mta : failure->mta;
    e->client_addr = e->client_addr ? e->client_addr : failure->client_addr;
    e->client_name = e->client_name ? e->client_name : failure->client_name;
    e->sender = failure->sender;
    e->recipient = failure->recipient;
    e->queue_id = is_in_message(failure) ? failure->queue_id : NULL;
    if (failure->stage != STAGE_AUTH)
        return;
    e->sasl_method = failure->sasl_method;
    e->sasl_user = failure->sasl_user;
}

void authlog_record_user(struct service *s, const struct event *failure, const struct event *seen)
{
    struct event e = *seen;
    memcpy(e.of, seen->ref, sizeof e.of);
    e.of_code = seen->code;
    e.of_enhanced = seen->enhanced;
    e.of_reason = seen->reason;
    e.code = 0;
    e.enhanced = e.reason = e.challenge = e.reply = NULL;
    e.reply_len = 0;
    take_over(&e, failure);
    service_record(s, &e, false);
}

/* The reply with the line ends that an event has: a line of the log has LF between them. */
static void add_lines(struct buffer *out, const struct event *failure)
{
    for (size_t i = 0; i < failure->reply_len; i++) {
        if (failure->reply[i] == '\n')
            buffer_add_char(out, '\r');
        buffer_add_char(out, failure->reply[i]);
    }
}

/* 1: written; 0: there is none to write; -1. facts NULL: no session is known. */
static int record(struct service *s, const struct event *failure, const struct session_facts *facts,
                  const struct catalog *catalog)
{
    struct explanation x = {0};
    struct buffer lines = {0};
    struct reply reply;
    struct event e;
    if (reply_parse(&reply, failure->reply, failure->reply_len) == -1)
        return errno == ENOMEM ? -1 : 0;
    int result = 0;
    if (catalog_is_explained(catalog, &reply))
        goto done;
    explain_recognise(&x, &reply, facts, catalog, &s->explain);
    service_event(s, &e, facts);
    if (!facts && failure->host)
        e.host = failure->host;
    take_over(&e, failure);
    e.code = failure->code;
    e.enhanced = failure->enhanced;
    e.reason = x.match.reason ? x.match.reason->id : NULL;
    e.challenge = challenge_step_name(x.challenge.step);
    e.attempt = facts ? (long)facts->refused + 1 : 0;
    add_lines(&lines, failure);
    e.reply = buffer_ok(&lines) ? lines.data : failure->reply;
    e.reply_len = buffer_ok(&lines) ? lines.len : failure->reply_len;
    result = service_record(s, &e, true) == 0 ? 1 : -1;
    buffer_free(&lines);
    explain_free(&x);

done:
    reply_free(&reply);
    return result;
}

static bool is_recent(const struct event *failure)
{
    return (long)(time(NULL) - failure->time.tv_sec) <= RECENT_S;
}

struct session *authlog_session(struct service *s, const struct event *failure)
{
    if (authlog_is_postfix(failure) || !is_recent(failure))
        return NULL;
    return session_find_logged(s->sessions, failure->pid, failure->client_addr);
}

void authlog_message(struct session *session, const struct event *failure, char **sender, char **recipient)
{
    if (!session || !is_in_message(failure))
        return;
    session_lock(session);
    const char *const *field = session_facts(session)->field;
    if (field[SESSION_QUEUE_ID] && failure->queue_id && strcmp(field[SESSION_QUEUE_ID], failure->queue_id) == 0) {
        if (field[SESSION_SENDER])
            *sender = strdup(field[SESSION_SENDER]);
        if (field[SESSION_RECIPIENT] && failure->stage != STAGE_RCPT) /* which has the one before */
            *recipient = strdup(field[SESSION_RECIPIENT]);
    }
    session_unlock(session);
}

/* Lock the session. False: it is one that the process has by now with another client. */
static bool lock_own(struct session *session, const struct event *failure)
{
    session_lock(session);
    const char *addr = session_facts(session)->field[SESSION_CLIENT_ADDR];
    if (addr && (!failure->client_addr || strcmp(addr, failure->client_addr) == 0))
        return true;
    session_unlock(session);
    return false;
}

static int record_alone(struct service *s, const struct event *failure)
{
    if (!failure->client_addr)
        return 0;
    struct catalog *catalog = catalog_slot_take(s->catalogs);
    int result = record(s, failure, NULL, catalog);
    catalog_release(catalog);
    return result;
}

int authlog_record(struct service *s, const struct event *failure, struct session *session)
{
    struct session *found = NULL;
    if (!session && authlog_is_postfix(failure) && failure->client_addr && is_recent(failure))
        session = found = session_find(s->sessions, failure->pid, "");
    if (!session || !lock_own(session, failure)) {
        session_release(found);
        return record_alone(s, failure) == -1 ? -1 : 0;
    }
    struct session_facts *facts = session_facts_mutable(session);
    int result = record(s, failure, facts, session_catalog(session));
    if (result == 1) {
        facts->refused++;
        facts->auth_failed += authlog_is_sign_in(failure);
    }
    session_unlock(session);
    session_release(found);
    return result == -1 ? -1 : 0;
}
