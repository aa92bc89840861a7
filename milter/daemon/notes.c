#include <mailwhy/notes.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/buffer.h>

#define QUEUE_MAX (1U << 20)
#define LINE_SIZE 2048 /* of a note; a longer one has its cut marked */
#define BATCH_NS 20000000L /* the thread gathers lines for so long, and so wakes at most 50 times a second */

/* The queue: lines, each the priority's octet (with FOR_STDERR where stderr gets it too), text, NUL. One process has one syslog. */
#define FOR_STDERR 8
static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t thread;
    atomic_bool running;
    bool stopping, verbose, quiet_stderr;
    struct buffer lines;
    uint64_t dropped, dropped_told;
} q = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void send_lines(const struct buffer *lines)
{
    bool heard = access(_PATH_LOG, F_OK) == 0; /* without a logger syslog(3) would look for one at each line */
    for (const char *s = lines->data, *end = s + lines->len; s < end; s += strlen(s) + 1) {
        int priority = *s++ - 'A';
        if (priority & FOR_STDERR)
            fprintf(stderr, "mailwhyd: %s\n", s);
        if (heard)
            syslog(priority & ~FOR_STDERR, "%s", s);
    }
}

static void *run(void *unused)
{
    (void)unused;
    struct buffer taken = {0};
    pthread_mutex_lock(&q.lock);
    while (!q.stopping || q.lines.len) {
        if (!q.lines.len) {
            pthread_cond_wait(&q.filled, &q.lock);
            continue;
        }
        if (!q.stopping) {
            pthread_mutex_unlock(&q.lock);
            nanosleep(&(struct timespec){.tv_nsec = BATCH_NS}, NULL);
            pthread_mutex_lock(&q.lock);
        }
        struct buffer lines = q.lines;
        q.lines = taken;
        uint64_t dropped = q.dropped - q.dropped_told;
        q.dropped_told = q.dropped;
        pthread_mutex_unlock(&q.lock);
        send_lines(&lines);
        if (dropped)
            syslog(LOG_WARNING, "%llu lines for syslog were dropped: it did not take them in time", (unsigned long long)dropped);
        buffer_clear(&lines);
        taken = lines;
        pthread_mutex_lock(&q.lock);
    }
    pthread_mutex_unlock(&q.lock);
    buffer_free(&taken);
    return NULL;
}

int notes_start(bool verbose)
{
    q.verbose = verbose;
    q.quiet_stderr = getenv("JOURNAL_STREAM") != NULL;
    openlog("mailwhyd", LOG_PID, LOG_MAIL);
    int error = pthread_create(&q.thread, NULL, run, NULL);
    q.running = error == 0;
    return error ? -1 : 0;
}

void notes_stop(int wait_ms)
{
    struct timespec limit;
    if (!q.running)
        return;
    pthread_mutex_lock(&q.lock);
    q.stopping = true;
    pthread_cond_signal(&q.filled);
    pthread_mutex_unlock(&q.lock);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += wait_ms / 1000 + 1;
    if (pthread_timedjoin_np(q.thread, NULL, &limit) != 0)
        return;
    q.running = false;
    buffer_free(&q.lines);
}

static void enqueue(int priority, const char *line)
{
    pthread_mutex_lock(&q.lock);
    size_t before = q.lines.len, len = strlen(line) + 1;
    if (!q.running || before + len + 1 > QUEUE_MAX) {
        q.dropped += q.running;
    } else {
        buffer_add_char(&q.lines, (char)('A' + priority));
        if (buffer_add(&q.lines, line, len) == -1) {
            q.lines.len = before;
            q.lines.failed = false;
            q.dropped++;
        }
        if (before == 0)
            pthread_cond_signal(&q.filled);
    }
    pthread_mutex_unlock(&q.lock);
}

void note(int priority, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list args;
    if (priority == LOG_DEBUG && !q.verbose)
        return;
    va_start(args, format);
    if (vsnprintf(line, sizeof line, format, args) >= LINE_SIZE)
        memcpy(line + sizeof line - 4, "...", 4);
    va_end(args);
    if (q.running)
        enqueue(priority | (q.quiet_stderr ? 0 : FOR_STDERR), line);
    else
        fprintf(stderr, "mailwhyd: %s\n", line);
}

void note_event(const char *line)
{
    enqueue(LOG_INFO, line);
}
