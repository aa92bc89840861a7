#include "authlog_record.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define RECENT_S 60 /* of a line: its process may still have the same session */

bool authlog_is_postfix(const struct event *failure)
{
    return strcmp(failure->mta, "Postfix") == 0;
}

/* Take over from the line what the session doesn't know, or knows of somebody who had signed in. */
static void take_over(struct event *e, const struct event *failure)
{
    e->via = "maillog";
    e->stage = STAGE_AUTH;
    e->pid = failure->pid;
    e->mta = e->mta ? e->mta : failure->mta;
    e->client_addr = e->client_addr ? e->client_addr : failure->client_addr;
    e->client_name = e->client_name ? e->client_name : failure->client_name;
    e->sasl_method = failure->sasl_method;
    e->sasl_user = failure->sasl_user;
    e->sender = e->recipient = e->queue_id = NULL;
}

void authlog_record_user(struct service *s, const struct event *failure, const struct event *seen)
{
    struct event e = *seen;
    e.code = 0;
    e.enhanced = e.reason = e.challenge = e.reply = NULL;
    e.reply_len = 0;
    take_over(&e, failure);
    service_record(s, &e, false);
}

/* An event of its own. facts NULL: no session is known. */
static int record_failure(struct service *s, const struct event *failure, const struct session_facts *facts,
                          const struct catalog *catalog)
{
    struct explanation x = {0};
    struct reply reply;
    struct event e;
    if (reply_parse(&reply, failure->reply, failure->reply_len) == -1)
        return errno == ENOMEM ? -1 : 0;
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
    e.reply = failure->reply;
    e.reply_len = failure->reply_len;
    int result = service_record(s, &e, true);
    explain_free(&x);
    reply_free(&reply);
    return result;
}

/* The session of the failure, with a reference and its lock. NULL: it is not known, or the process has another one by now. */
static struct session *find_session(const struct service *s, const struct event *failure)
{
    long age = (long)(time(NULL) - failure->time.tv_sec);
    struct session *session = NULL;
    if (age <= RECENT_S && failure->client_addr)
        session = authlog_is_postfix(failure) ? session_find(s->sessions, failure->pid, "")
                                              : session_find_logged(s->sessions, failure->pid, failure->client_addr);
    if (!session)
        return NULL;
    session_lock(session);
    const char *addr = session_facts(session)->field[SESSION_CLIENT_ADDR];
    if (addr && strcmp(addr, failure->client_addr) == 0)
        return session;
    session_unlock(session);
    session_release(session);
    return NULL;
}

int authlog_record_failure(struct service *s, const struct event *failure)
{
    struct session *session = find_session(s, failure);
    if (!session) {
        struct catalog *catalog = catalog_slot_take(s->catalogs);
        int result = record_failure(s, failure, NULL, catalog);
        catalog_release(catalog);
        return result;
    }
    struct session_facts *facts = session_facts_mutable(session);
    int result = record_failure(s, failure, facts, session_catalog(session));
    if (result == 0) {
        facts->refused++;
        facts->auth_failed++;
    }
    session_unlock(session);
    session_release(session);
    return result;
}
