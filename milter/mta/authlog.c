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

#include "authlog_record.h"
#include "authlog_seen.h"
#include "authlog_source.h"
#include "authlog_state.h"

#define PATIENCE_MS 3000 /* for which the reply map's event of a line is waited for */
#define LOOK_MS 100 /* meanwhile the event log is looked at so often */
#define SAVE_MS 1000 /* the state is written at most so often */
#define WAITING_MAX 1000 /* lines */
#define ROUND_MAX 10000 /* lines, between which it is looked whether to stop */

/* A line of a refusal that is not done yet. */
struct waiting {
    struct waiting *next;
    struct maillog_message message;
    char *strings; /* of the message, owned */
    struct session *session; /* held from when it was read, since the client may go; NULL: not known */
    char *sender, *recipient; /* of its message then; NULL: not known */
    int64_t read; /* when, in milliseconds */
    char behind[AUTHLOG_PLACE_SIZE];
};

struct authlog {
    struct service *service;
    struct authlog_options options;
    pthread_t thread;
    int stop; /* an eventfd */
    struct authlog_source *log;
    struct authlog_seen *seen;
    struct maillog maillog;
    struct waiting *first, **last;
    size_t count;
    struct authlog_state state;
    bool changed; /* the state is not that of the file */
    int64_t saved;
    bool log_faulty, state_faulty, all_read, more;
};

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Read the line where it tells of a sign-in that failed, or of anything that Sendmail refused. 1; 0; -1: errno ENOMEM. */
static int read_failure(struct authlog *a, const struct maillog_message *message, struct event *e)
{
    int kind = maillog_read_message(&a->maillog, message, e);
    if (kind != MAILLOG_REFUSED || e->pid <= 0)
        return kind == -1 ? -1 : 0;
    return authlog_is_sign_in(e) || (!authlog_is_postfix(e) && e->code >= 400);
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

/* Let a failure on Sendmail have the reference that its reply ends with, where mailwhyd has explained it: what a client put into it is none. 0, or -1 with
 * errno ENOMEM. */
static int set_told(struct authlog *a, struct event *failure)
{
    struct reply reply;
    if (authlog_is_postfix(failure))
        return 0;
    if (reply_parse(&reply, failure->reply, failure->reply_len) == -1)
        return errno == ENOMEM ? -1 : 0;
    struct catalog *catalog = catalog_slot_take(a->service->catalogs);
    struct span told = catalog_told_ref(catalog, &reply);
    if (span_length(told) == REF_SIZE - 1)
        memcpy(failure->ref, told.at, REF_SIZE - 1);
    catalog_release(catalog);
    reply_free(&reply);
    return 0;
}

/* The event that the log has of it; as of authlog_seen_claim(). */
static int claim(struct authlog *a, const struct event *failure, struct event *seen)
{
    struct event shown = *failure;
    struct buffer store = {0};
    if (set_told(a, &shown) == -1)
        return -1;
    service_hide_names(a->service, &shown, &store);
    int got = authlog_seen_claim(a->seen, &shown, seen);
    buffer_free(&store);
    return got;
}

/* Take the line that waits first. 1: it is done; 0: it is to be looked at later; -1: errno ENOMEM. */
static int take_first(struct authlog *a)
{
    const struct waiting *w = a->first;
    struct event failure, seen;
    int got = read_failure(a, &w->message, &failure);
    if (got == -1)
        return -1;
    if (got == 0 || is_written(a, &failure))
        return 1;
    if (authlog_is_postfix(&failure) || !authlog_is_sign_in(&failure)) {
        got = claim(a, &failure, &seen);
        if (got == 1 && authlog_is_postfix(&failure) && failure.sasl_user && *failure.sasl_user)
            authlog_record_user(a->service, &failure, &seen);
        if (got != 0 || clock_ms() - w->read < PATIENCE_MS)
            return got;
    }
    failure.sender = failure.sender ? failure.sender : w->sender;
    failure.recipient = failure.recipient ? failure.recipient : w->recipient;
    return authlog_record(a->service, &failure, w->session) == 0;
}

static void drop_first(struct authlog *a)
{
    struct waiting *w = a->first;
    memcpy(a->state.log, w->behind, sizeof w->behind);
    a->changed = true;
    a->first = w->next;
    if (!a->first)
        a->last = &a->first;
    a->count--;
    free(w->strings);
    session_release(w->session);
    free(w->sender);
    free(w->recipient);
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

/* Let the span have the string, which has room behind it. Where that goes on. */
static char *keep(struct span *s, char *to)
{
    size_t len = span_length(*s);
    if (!s->at)
        return to;
    memcpy(to, s->at, len);
    *s = (struct span){to, to + len};
    return to + len;
}

static int add_waiting(struct authlog *a, const struct maillog_message *message, const struct event *failure)
{
    struct waiting *w = calloc(1, sizeof *w);
    size_t len = span_length(message->host) + span_length(message->program) + span_length(message->text);
    if (!w || !(w->strings = malloc(len + 1))) {
        free(w);
        return -1;
    }
    w->message = *message;
    keep(&w->message.text, keep(&w->message.program, keep(&w->message.host, w->strings)));
    w->session = authlog_session(a->service, failure);
    authlog_message(w->session, failure, &w->sender, &w->recipient);
    w->read = clock_ms();
    authlog_source_place(a->log, w->behind);
    *a->last = w;
    a->last = &w->next;
    a->count++;
    return 0;
}

/* Read what the log has, as far as there is room for what waits. 0, or -1 with errno. */
static int read_log(struct authlog *a)
{
    struct maillog_message message;
    struct event failure;
    int got = 0, round = 0;
    while (round < ROUND_MAX && a->count < WAITING_MAX && (got = authlog_source_next(a->log, &message)) == 1) {
        got = read_failure(a, &message, &failure);
        if (got == -1 || (got == 1 && add_waiting(a, &message, &failure) == -1))
            return -1;
        a->changed = true;
        round++;
    }
    a->more = round == ROUND_MAX;
    if (!a->first)
        authlog_source_place(a->log, a->state.log);
    if (got == 0 && !a->more && !a->first) {
        if (!a->all_read)
            authlog_seen_forget_written(a->seen);
        a->all_read = true;
    }
    return got == -1 ? -1 : 0;
}

/* Say it once while it lasts. */
static void tell_faults(struct authlog *a)
{
    const char *fault = authlog_source_fault(a->log);
    if (fault && !a->log_faulty)
        a->service->warn(LOG_WARNING, "%s: the mail log cannot be read: %s; it is tried again each second", a->options.log,
                         fault);
    a->log_faulty = fault != NULL;
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

/* Read the state and go to its place in the log. 1; 0: to the log's end; -1 with errno. */
static int begin_log(struct authlog *a)
{
    int got = authlog_state_read(&a->state, a->options.state, a->options.log);
    if (got == 1 && authlog_source_begin(a->log, a->state.log) == 0)
        return 1;
    if (got != 0 && errno == ENOMEM)
        return -1;
    if (got != 0)
        a->service->warn(LOG_WARNING, "%s: %s; %s is followed from its end on", a->options.state,
                         errno == EBADMSG  ? "is damaged"
                         : errno == ESTALE ? "is of another mail log"
                                           : strerror(errno),
                         a->options.log);
    return authlog_source_begin(a->log, NULL);
}

/* Open both logs where the state says. 0, or -1 with errno. */
static int begin(struct authlog *a)
{
    a->log = authlog_source_open(a->options.log);
    int got = a->log ? begin_log(a) : -1;
    if (got == -1)
        return -1;
    a->seen = authlog_seen_new(a->options.event_log, got == 1 ? &a->state.events : NULL);
    if (!a->seen)
        return -1;
    authlog_source_place(a->log, a->state.log);
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
    do {
        if (read_log(a) == -1 || take_waiting(a) == -1)
            a->service->warn(LOG_WARNING, "%s: %s", a->options.log, strerror(errno));
        tell_faults(a);
        save(a, false);
        polled[1] = (struct pollfd){.fd = authlog_source_fd(a->log), .events = a->count < WAITING_MAX ? POLLIN : 0};
        bool look = a->first && !atomic_load(&a->service->log_broken);
        poll(polled, 2, a->more ? 0 : look ? LOOK_MS : FOLLOW_POLL_MS);
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
    authlog_source_close(a->log);
    authlog_seen_free(a->seen);
    maillog_free(&a->maillog);
    close(a->stop);
    free(a);
}
