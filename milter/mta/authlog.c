#include <mailwhy/authlog.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/maillog.h>

#include "authlog_seen.h"
#include "authlog_state.h"

#define PATIENCE_MS 3000 /* for which the reply map's event of a line is waited for */
#define LOOK_MS 100 /* meanwhile the event log is looked at so often */
#define SAVE_MS 1000 /* the state is written at most so often */
#define WAITING_MAX 1000 /* lines */
#define RECENT_S 60 /* of a line: its process may still have the same session */

/* A line of a failed sign-in that is not done yet. */
struct waiting {
    struct waiting *next;
    char *line; /* behind this */
    size_t len;
    int64_t read; /* when, in milliseconds */
    struct follow_position behind;
};

struct authlog {
    struct service *service;
    struct authlog_options options;
    pthread_t thread;
    int stop; /* an eventfd */
    struct follow *log;
    struct authlog_seen *seen;
    struct maillog maillog;
    struct waiting *first, **last;
    size_t count;
    struct authlog_state state;
    bool changed; /* the state is not that of the file */
    int64_t saved;
    bool log_faulty, state_faulty, all_read;
};

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read the line where it is a sign-in that failed. 1; 0; -1: errno ENOMEM. */
static int read_failure(struct authlog *a, const char *line, size_t len, struct event *e)
{
    a->maillog.years = (struct log_years){.bound = time(NULL)};
    int kind = maillog_read(&a->maillog, line, len, e);
    if (kind == -1)
        return -1;
    return kind == MAILLOG_REFUSED && e->stage == STAGE_AUTH && e->sasl_method && *e->sasl_method && e->pid > 0;
}

static bool is_postfix(const struct event *failure)
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

/* The event of the reply map, turned into the one that says who the user was, of which failure. */
static void record_user(struct authlog *a, const struct event *failure, const struct event *seen)
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
    service_record(a->service, &e, false);
}

/* An event of its own. facts NULL: no session is known. */
static int record_failure(struct authlog *a, const struct event *failure, const struct session_facts *facts,
                          const struct catalog *catalog)
{
    struct service *s = a->service;
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
static struct session *find_session(const struct authlog *a, const struct event *failure)
{
    long age = (long)(time(NULL) - failure->time.tv_sec);
    struct session *session = NULL;
    if (age <= RECENT_S && failure->client_addr)
        session = is_postfix(failure) ? session_find(a->service->sessions, failure->pid, "")
                                      : session_find_logged(a->service->sessions, failure->pid, failure->client_addr);
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

static int record_of_session(struct authlog *a, const struct event *failure)
{
    struct session *session = find_session(a, failure);
    if (!session) {
        struct catalog *catalog = catalog_slot_take(a->service->catalogs);
        int result = record_failure(a, failure, NULL, catalog);
        catalog_release(catalog);
        return result;
    }
    struct session_facts *facts = session_facts_mutable(session);
    int result = record_failure(a, failure, facts, session_catalog(session));
    if (result == 0) {
        facts->refused++;
        facts->auth_failed++;
    }
    session_unlock(session);
    session_release(session);
    return result;
}

/* Whether its event is in the log from before the last end. */
static bool is_written(struct authlog *a, const struct event *failure)
{
    struct event shown = *failure;
    struct buffer store = {0};
    service_hide_names(a->service, &shown, &store);
    bool written = authlog_seen_written(a->seen, &shown);
    buffer_free(&store);
    return written;
}

/* Take the line that waits first. 1: it is done; 0: it is to be looked at later; -1: errno ENOMEM. */
static int take_first(struct authlog *a)
{
    const struct waiting *w = a->first;
    struct event failure, seen;
    int got = read_failure(a, w->line, w->len, &failure);
    if (got == -1)
        return -1;
    if (got == 0 || is_written(a, &failure))
        return 1;
    if (is_postfix(&failure)) {
        got = authlog_seen_claim(a->seen, &failure, &seen);
        if (got == 1 && (!failure.sasl_user || !*failure.sasl_user))
            return 1;
        if (got == 1) {
            record_user(a, &failure, &seen);
            return 1;
        }
        if (got == -1 || clock_ms() - w->read < PATIENCE_MS)
            return got;
    }
    return record_of_session(a, &failure) == 0;
}

static void drop_first(struct authlog *a)
{
    struct waiting *w = a->first;
    a->state.log = w->behind;
    a->changed = true;
    a->first = w->next;
    if (!a->first)
        a->last = &a->first;
    a->count--;
    free(w->line);
    free(w);
}

/* 0, or -1 with errno ENOMEM. */
static int take_waiting(struct authlog *a)
{
    int got = a->first ? authlog_seen_read(a->seen) : 0;
    while (got != -1 && a->first && (got = take_first(a)) == 1)
        drop_first(a);
    return got == -1 ? -1 : 0;
}

static int add_waiting(struct authlog *a, const char *line, size_t len)
{
    struct waiting *w = calloc(1, sizeof *w);
    if (!w || !(w->line = malloc(len + 1))) {
        free(w);
        return -1;
    }
    memcpy(w->line, line, len);
    w->len = len;
    w->read = clock_ms();
    follow_position(a->log, &w->behind);
    *a->last = w;
    a->last = &w->next;
    a->count++;
    return 0;
}

/* Read what the log has, as far as there is room for what waits. 0, or -1 with errno. */
static int read_log(struct authlog *a)
{
    const char *line;
    size_t len;
    struct event failure;
    int got = 0;
    while (a->count < WAITING_MAX && (got = follow_next(a->log, &line, &len)) == 1) {
        len -= len && line[len - 1] == '\r';
        got = read_failure(a, line, len, &failure);
        if (got == -1 || (got == 1 && add_waiting(a, line, len) == -1))
            return -1;
        a->changed = true;
    }
    if (got == 0 && !a->first) {
        follow_position(a->log, &a->state.log);
        if (!a->all_read)
            authlog_seen_forget_written(a->seen);
        a->all_read = true;
    }
    return got;
}

/* Say it once while it lasts. */
static void tell_faults(struct authlog *a)
{
    int fault = follow_fault(a->log);
    if (fault && !a->log_faulty)
        a->service->warn(LOG_WARNING, "%s: the mail log cannot be read: %s; it is tried again each second", a->options.log,
                         strerror(fault));
    a->log_faulty = fault != 0;
}

/* Write the state where it has changed. */
static void save(struct authlog *a, bool now)
{
    if (!a->changed || (!now && clock_ms() - a->saved < SAVE_MS) || authlog_seen_read(a->seen) == -1)
        return;
    a->saved = clock_ms();
    authlog_seen_position(a->seen, &a->state.events);
    if (authlog_state_write(&a->state, a->options.state, a->options.log) == 0) {
        a->changed = a->state_faulty = false;
    } else if (!a->state_faulty) {
        a->service->warn(LOG_WARNING, "%s: cannot be written: %s; after a restart lines of the mail log may be taken twice",
                         a->options.state, strerror(errno));
        a->state_faulty = true;
    }
}

/* Open both logs where the state says. 0, or -1 with errno. */
static int begin(struct authlog *a)
{
    int got = authlog_state_read(&a->state, a->options.state, a->options.log);
    if (got == -1)
        a->service->warn(LOG_WARNING, "%s: %s; the mail log is followed from its end on", a->options.state,
                         errno == EBADMSG ? "is damaged" : strerror(errno));
    a->log = follow_open(a->options.log);
    a->seen = authlog_seen_new(a->options.event_log, got == 1 ? &a->state.events : NULL);
    if (!a->log || !a->seen || (got == 1 ? follow_from_position(a->log, &a->state.log) : follow_from_tail(a->log, 0)) == -1)
        return -1;
    follow_position(a->log, &a->state.log);
    a->changed = true;
    return 0;
}

static void *run(void *context)
{
    struct authlog *a = context;
    struct pollfd polled[] = {{.fd = a->stop, .events = POLLIN}, {.events = POLLIN}};
    if (begin(a) == -1) {
        a->service->warn(LOG_ERR, "the mail log is not followed: %s", strerror(errno));
        return NULL;
    }
    polled[1].fd = follow_fd(a->log);
    do {
        if (read_log(a) == -1 || take_waiting(a) == -1)
            a->service->warn(LOG_WARNING, "%s: %s", a->options.log, strerror(errno));
        tell_faults(a);
        save(a, false);
        polled[1].events = a->count < WAITING_MAX ? POLLIN : 0;
        poll(polled, 2, a->first && !atomic_load(&a->service->log_broken) ? LOOK_MS : FOLLOW_POLL_MS);
    } while (!(polled[0].revents & POLLIN));
    save(a, true);
    return NULL;
}

struct authlog *authlog_start(struct service *service, const struct authlog_options *options)
{
    struct authlog *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->service = service;
    a->options = *options;
    a->last = &a->first;
    a->stop = eventfd(0, EFD_CLOEXEC);
    int error = a->stop == -1 ? errno : pthread_create(&a->thread, NULL, run, a);
    if (!error)
        return a;
    if (a->stop != -1)
        close(a->stop);
    free(a);
    errno = error;
    return NULL;
}

void authlog_stop(struct authlog *a)
{
    if (!a)
        return;
    eventfd_write(a->stop, 1);
    pthread_join(a->thread, NULL);
    while (a->first)
        drop_first(a);
    follow_close(a->log);
    authlog_seen_free(a->seen);
    maillog_free(&a->maillog);
    close(a->stop);
    free(a);
}
