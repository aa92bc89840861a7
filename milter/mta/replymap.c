#include <mailwhy/replymap.h>

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mailwhy/footer.h>
#include <mailwhy/refusal.h>
#include <mailwhy/ruleset_map.h>

#define HOST_MAX 255

/* What is used again for each reply, so that nothing is allocated in the common case. */
struct replymap {
    struct service *service;
    struct explanation explanation;
};

struct process {
    long pid;
    char host[HOST_MAX + 1]; /* "": not said */
};

struct replymap *replymap_new(struct service *service)
{
    struct replymap *r = calloc(1, sizeof *r);
    if (r)
        r->service = service;
    return r;
}

void replymap_free(struct replymap *r)
{
    if (!r)
        return;
    explain_free(&r->explanation);
    free(r);
}

/* Read a map name of the form PID or PID@HOST. 0, or -1. */
static int process_parse(struct process *p, const char *name, size_t len)
{
    size_t at = 0;
    p->pid = 0;
    for (; at < len && name[at] >= '0' && name[at] <= '9'; at++) {
        if (p->pid > INT_MAX / 10 - 1)
            return -1;
        p->pid = p->pid * 10 + (name[at] - '0');
    }
    size_t host = at < len ? len - at - 1 : 0;
    if (p->pid == 0 || (at < len && name[at] != '@') || host > HOST_MAX || memchr(name, '\0', len))
        return -1;
    memcpy(p->host, name + len - host, host);
    p->host[host] = '\0';
    return 0;
}

static void answer_status(const struct service *s, struct buffer *answer)
{
    struct event_log_counts counts = event_log_counts(s->log);
    struct catalog *catalog = catalog_slot_take(s->catalogs);
    buffer_printf(answer,
                  "OK mailwhyd %s ok catalog=%s sessions=%zu proxied=%zu explained=%lu plain=%lu events=%" PRIu64
                  " events_failed=%" PRIu64,
                  MAILWHY_VERSION, catalog_version(catalog), sessions_count(s->sessions), sessions_count(s->proxied),
                  atomic_load(&s->explained), atomic_load(&s->plain), counts.written, counts.failed);
    catalog_release(catalog);
}

/* Whether the message that the milter saw last is surely the one that the reply is about. Postfix passes RSET on late, and does not say when a
 * message was taken, so the reply itself must tell; in doubt it is not. */
static bool is_about_message(const struct explanation *x, const struct session_facts *facts)
{
    const struct catalog_reason *reason = x->match.reason;
    if (facts->message_sent) /* DATA was accepted: either this is the reply to the whole of it, or it was taken before */
        return reason ? reason->stage == STAGE_EOM : x->stage == STAGE_EOM;
    return reason ? reason->in_message : x->stage == STAGE_NONE || x->stage > STAGE_MAIL;
}

/* Forget what the session knows of a message that the reply is not about, and with it at what stage that was. */
static void leave_message_out(struct event *e, struct explanation *x)
{
    e->sender = e->recipient = e->queue_id = NULL;
    if (!(x->match.reason && x->match.reason->stage) && !(x->match.code && x->match.code->stage) && x->stage >= STAGE_MAIL &&
        x->stage != STAGE_UNKNOWN)
        x->stage = STAGE_NONE;
}

/* Explain one refusal of a session (NULL: not known). 0: answer has "OK " and the template; 1: nothing to add; -1: errno ENOMEM. */
static int explain_refusal(struct replymap *r, const struct process *p, const struct reply *reply, const char *key,
                           size_t key_len, const struct session_facts *facts, const struct catalog *catalog,
                           struct buffer *answer)
{
    struct service *s = r->service;
    struct explanation *x = &r->explanation;
    struct event e;
    explain_recognise(x, reply, facts, catalog, &s->explain);
    service_event(s, &e, facts);
    if (facts && !is_about_message(x, facts))
        leave_message_out(&e, x);
    if (!facts)
        e.pid = p->pid;
    if (*p->host)
        e.host = p->host;
    e.via = "socketmap";
    e.stage = x->stage;
    e.reply = key;
    e.reply_len = key_len;
    int result = refusal_explain(s, x, &e, reply, facts, catalog);
    if (result == 0) {
        buffer_add_string(answer, "OK ");
        result = footer_add(answer, x);
    }
    return result;
}

static void answer_reply(struct replymap *r, const struct process *p, const char *key, size_t key_len, struct buffer *answer)
{
    struct service *s = r->service;
    struct reply reply;
    bool done = false; /* the proxy has explained it */
    int result = 1;
    if (reply_parse(&reply, key, key_len) == -1) {
        metrics_fault(s->metrics, FAULT_NOT_A_REPLY);
        goto plain;
    }
    if (reply.code < 400) {
        reply_free(&reply);
        goto plain;
    }
    done = explained_has(s->explained_before, &reply);
    struct session *session = session_find(s->sessions, p->pid, p->host);
    if (session) {
        session_lock(session);
        struct session_facts *facts = session_facts_mutable(session);
        if (!done) {
            result = explain_refusal(r, p, &reply, key, key_len, facts, session_catalog(session), answer);
            facts->auth_failed += r->explanation.failed_auth;
        }
        facts->refused++;
        if (facts->message_sent)
            session_message_reset(session);
        session_unlock(session);
        session_release(session);
    } else if (!done) {
        struct catalog *catalog = catalog_slot_take(s->catalogs);
        result = explain_refusal(r, p, &reply, key, key_len, NULL, catalog, answer);
        catalog_release(catalog);
    }
    reply_free(&reply);
    if (result == 0) {
        atomic_fetch_add(&s->explained, 1);
        return;
    }
    if (result == -1)
        metrics_fault(s->metrics, FAULT_MEMORY);

plain:
    if (!done)
        atomic_fetch_add(&s->plain, 1);
    buffer_clear(answer);
    buffer_add_string(answer, "NOTFOUND ");
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool replymap_answer(void *context, const char *name, size_t name_len, const char *key, size_t key_len, struct buffer *answer)
{
    struct replymap *r = context;
    struct metrics *metrics = r->service->metrics;
    struct process p;
    bool answered = true;
    if (name_len == 6 && memcmp(name, "status", 6) == 0) {
        answer_status(r->service, answer);
        return true;
    }
    uint64_t began = clock_ns();
    if (name_len == 8 && memcmp(name, "sendmail", 8) == 0) {
        answered = ruleset_map_answer(r->service, &r->explanation, key, key_len, answer);
    } else if (process_parse(&p, name, name_len) == -1) {
        metrics_fault(metrics, FAULT_MAP_NAME);
        buffer_add_string(answer, "PERM the map name is none of PID, PID@HOST, sendmail, status");
        return true;
    } else {
        answer_reply(r, &p, key, key_len, answer);
    }
    metrics_answered(metrics, clock_ns() - began);
    return answered;
}
