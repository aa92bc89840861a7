#include "authlog_seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEEN_MAX 2048 /* failures that are remembered */
#define TAIL ((off_t)1 << 20) /* octets of the event log that are read at the start */
#define BEFORE_S 1 /* the reply map's event is at most so much earlier than the line, which is written before it */
#define AFTER_S 60 /* and so much later */
#define HOUR_S 3600

/* A refusal that stands in the event log: a failed sign-in that the reply map was asked about, or one of Sendmail's. */
struct seen {
    time_t time;
    long pid, port, attempt;
    int code;
    bool sendmail;
    char ref[REF_SIZE];
    char *line; /* owned; NULL: it is given */
    size_t len;
};

/* What was written of a line. */
struct written {
    struct written *next;
    struct buffer line;
};

struct authlog_seen {
    struct follow *log;
    struct seen ring[SEEN_MAX];
    size_t next; /* in the ring, which is full where a line stands there */
    struct timespec newest;
    struct written *first, **last;
    bool starting; /* what is read was written before the last end */
    struct buffer strings;
};

static bool is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static bool is_sendmail(const struct event *e)
{
    return e->mta && strncmp(e->mta, "Sendmail", strlen("Sendmail")) == 0;
}

static int remember(struct authlog_seen *s, const struct event *e, const char *line, size_t len)
{
    struct seen *at = &s->ring[s->next];
    char *copy = malloc(len + 1);
    if (!copy)
        return -1;
    memcpy(copy, line, len);
    free(at->line);
    *at = (struct seen){e->time.tv_sec, e->pid, e->client_port, e->attempt, e->code, is_sendmail(e), .line = copy, .len = len};
    memcpy(at->ref, e->ref, sizeof at->ref);
    s->next = (s->next + 1) % SEEN_MAX;
    s->newest = e->time;
    return 0;
}

static int keep_written(struct authlog_seen *s, const char *line, size_t len)
{
    struct written *w = calloc(1, sizeof *w);
    if (!w || buffer_add(&w->line, line, len) == -1) {
        free(w);
        return -1;
    }
    *s->last = w;
    s->last = &w->next;
    return 0;
}

static void forget(struct seen *at)
{
    free(at->line);
    at->line = NULL;
}

/* What was given before the last end is not given again: the event that named its user stands in the log. */
static void forget_named(struct authlog_seen *s, const struct event *named)
{
    for (size_t i = 0; i < SEEN_MAX; i++) {
        struct seen *at = &s->ring[(s->next + i) % SEEN_MAX];
        if (at->line && at->pid == named->pid && at->port == named->client_port && at->attempt == named->attempt) {
            forget(at);
            return;
        }
    }
}

/* 0, or -1 with errno ENOMEM. */
static int take_line(struct authlog_seen *s, const char *line, size_t len)
{
    static const char *const marks[] = {"\"stage\":\"auth\"", "\"mta\":\"Sendmail", "\"via\":\"maillog\""};
    struct event e;
    bool marked = false;
    for (size_t i = 0; !marked && i < sizeof marks / sizeof *marks; i++)
        marked = memmem(line, len, marks[i], strlen(marks[i]));
    if (!marked)
        return 0;
    buffer_clear(&s->strings);
    int got = event_from_json(&e, &s->strings, line, len);
    if (got != 1)
        return got;
    if (is_same(e.via, "maillog")) {
        if (s->starting && !e.code)
            forget_named(s, &e);
        return s->starting && s->log ? keep_written(s, line, len) : 0;
    }
    bool sign_in = e.stage == STAGE_AUTH && is_same(e.via, "socketmap") && (e.code == 535 || e.code == 454);
    if ((sign_in || (is_sendmail(&e) && e.code >= 400)) && is_later(&e.time, &s->newest))
        return remember(s, &e, line, len);
    return 0;
}

static int take_lines(struct authlog_seen *s, struct follow *log)
{
    const char *line;
    size_t len;
    int got;
    while ((got = follow_next(log, &line, &len)) == 1)
        if (take_line(s, line, len) == -1)
            return -1;
    return got;
}

/* Remember what the end of the event log tells of failures shortly before. */
static int read_tail(struct authlog_seen *s, const char *path)
{
    struct follow *log = follow_open(path);
    int result = log ? follow_from_tail(log, TAIL) : -1;
    if (result != -1)
        result = take_lines(s, log);
    follow_close(log);
    return result;
}

struct authlog_seen *authlog_seen_new(const char *event_log, const struct follow_position *from)
{
    struct authlog_seen *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->last = &s->first;
    s->starting = true;
    if (read_tail(s, event_log) == -1 || !(s->log = follow_open(event_log)) ||
        (from ? follow_from_position(s->log, from) : follow_from_tail(s->log, 0)) == -1 || authlog_seen_read(s) == -1) {
        int error = errno;
        authlog_seen_free(s);
        errno = error;
        return NULL;
    }
    s->starting = false;
    return s;
}

void authlog_seen_free(struct authlog_seen *s)
{
    if (!s)
        return;
    authlog_seen_forget_written(s);
    follow_close(s->log);
    for (size_t i = 0; i < SEEN_MAX; i++)
        free(s->ring[i].line);
    buffer_free(&s->strings);
    free(s);
}

int authlog_seen_read(struct authlog_seen *s)
{
    return take_lines(s, s->log);
}

void authlog_seen_position(const struct authlog_seen *s, struct follow_position *p)
{
    follow_position(s->log, p);
}

static void drop_first(struct authlog_seen *s)
{
    struct written *w = s->first;
    s->first = w->next;
    if (!s->first)
        s->last = &s->first;
    buffer_free(&w->line);
    free(w);
}

static bool is_of(struct authlog_seen *s, const struct written *w, const struct event *failure)
{
    struct event e;
    buffer_clear(&s->strings);
    return event_from_json(&e, &s->strings, w->line.data, w->line.len) == 1 && e.pid == failure->pid &&
           (!failure->client_addr || is_same(e.client_addr, failure->client_addr)) && is_same(e.sasl_user, failure->sasl_user) &&
           is_same(e.sasl_method, failure->sasl_method) && (!e.code || e.code == failure->code);
}

bool authlog_seen_written(struct authlog_seen *s, const struct event *failure)
{
    const struct written *own = s->first;
    while (own && !is_of(s, own, failure))
        own = own->next;
    if (!own)
        return false;
    while (s->first != own)
        drop_first(s);
    drop_first(s);
    return true;
}

void authlog_seen_forget_written(struct authlog_seen *s)
{
    while (s->first)
        drop_first(s);
}

static bool is_near(time_t event, time_t line)
{
    return event >= line - BEFORE_S && event <= line + AFTER_S;
}

/* Whether the event may be the line's. In the last hour before the clocks are put back a line's time is read as that of the next hour. */
static bool is_then(time_t event, time_t line)
{
    return is_near(event, line) || is_near(event, line - HOUR_S);
}

/* Whether an event may be the failure's, by what is known without reading it. */
static bool may_be(const struct seen *at, const struct event *failure)
{
    bool sendmail = is_sendmail(failure);
    if (!at->line || at->sendmail != sendmail || (sendmail ? at->code != failure->code : at->pid != failure->pid))
        return false;
    return *failure->ref ? strcmp(at->ref, failure->ref) == 0 : is_then(at->time, failure->time.tv_sec);
}

/* Whether two values that both are known are the same; where one is not, it is as if they were. */
static bool agree(const char *a, const char *b)
{
    return !a || !b || strcmp(a, b) == 0;
}

/* Whether the event is the failure's: what both know is the same, and on Sendmail it is the same message's or client's. */
static bool is_own(const struct seen *at, const struct event *e, const struct event *failure)
{
    bool known = (e->queue_id && failure->queue_id) || (e->client_addr && failure->client_addr);
    if (!agree(e->client_addr, failure->client_addr))
        return false;
    return !at->sendmail || *failure->ref ||
           (known && agree(e->queue_id, failure->queue_id) && agree(e->recipient, failure->recipient));
}

int authlog_seen_claim(struct authlog_seen *s, const struct event *failure, struct event *e)
{
    for (size_t i = 0; i < SEEN_MAX; i++) {
        struct seen *at = &s->ring[(s->next + i) % SEEN_MAX];
        if (!may_be(at, failure))
            continue;
        buffer_clear(&s->strings);
        int got = event_from_json(e, &s->strings, at->line, at->len);
        if (got == -1)
            return -1;
        if (!is_own(at, e, failure))
            continue;
        forget(at);
        return 1;
    }
    return 0;
}
