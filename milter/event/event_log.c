#include <mailwhy/event_log.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0640
#define TAIL_SIZE 65536 /* of the log, where its last reference is looked for */

struct event_log {
    char *path;
    pthread_mutex_t lock; /* of all that follows, the counters apart */
    int fd;
    bool torn; /* the file ends in the middle of a line */
    struct timespec last;
    struct ref_source refs;
    struct buffer line;
    _Atomic uint64_t written, failed;
};

/* O_RDWR, for the last octet is read; O_NONBLOCK, for a FIFO or a terminal must not hold up mail. */
static int open_file(const char *path)
{
    return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, LOG_MODE);
}

/* Whether the file ends in the middle of a line. Not while it is written: a line that comes over a page's end is half there for a moment.
 * 0, or -1 with errno. */
static int look_at_end(int fd, bool *torn)
{
    struct stat st;
    char end = '\n';
    if (fstat(fd, &st) == -1)
        return -1;
    if (S_ISREG(st.st_mode) && st.st_size > 0 && pread(fd, &end, 1, st.st_size - 1) == -1)
        return -1;
    *torn = end != '\n';
    return 0;
}

/* Go on behind the last reference in the file, which a process that was killed within this second may have made. */
static void resume(struct event_log *log)
{
    static const char key[] = "\"ref\":\"";
    char tail[TAIL_SIZE], ref[REF_SIZE];
    struct timespec now;
    struct stat st;
    if (fstat(log->fd, &st) == -1 || !S_ISREG(st.st_mode) || clock_gettime(CLOCK_REALTIME, &now) == -1)
        return;
    ssize_t len = pread(log->fd, tail, sizeof tail, st.st_size > TAIL_SIZE ? st.st_size - TAIL_SIZE : 0);
    const size_t need = sizeof key - 1 + REF_SIZE - 1;
    for (ssize_t at = len - (ssize_t)need; at >= 0; at--) {
        if (memcmp(tail + at, key, sizeof key - 1) != 0)
            continue;
        memcpy(ref, tail + at + sizeof key - 1, REF_SIZE - 1);
        ref[REF_SIZE - 1] = '\0';
        ref_resume(&log->refs, ref, now.tv_sec + 1);
        return;
    }
}

struct event_log *event_log_open(const char *path)
{
    int error;
    struct event_log *log = calloc(1, sizeof *log);
    if (!log)
        return NULL;
    log->path = strdup(path);
    if (!log->path)
        goto free_log;
    log->fd = open_file(path);
    if (log->fd == -1)
        goto free_path;
    if (look_at_end(log->fd, &log->torn) == -1)
        goto close_file;
    error = pthread_mutex_init(&log->lock, NULL);
    if (error) {
        errno = error;
        goto close_file;
    }
    resume(log);
    return log;
close_file:
    error = errno;
    close(log->fd);
    errno = error;
free_path:
    free(log->path);
free_log:
    free(log);
    return NULL;
}

void event_log_close(struct event_log *log)
{
    if (!log)
        return;
    pthread_mutex_destroy(&log->lock);
    close(log->fd);
    buffer_free(&log->line);
    free(log->path);
    free(log);
}

int event_log_reopen(struct event_log *log)
{
    int fd = open_file(log->path);
    if (fd == -1)
        return -1;
    pthread_mutex_lock(&log->lock);
    int close_this = log->fd, done = look_at_end(fd, &log->torn);
    int error = errno;
    if (done == 0)
        log->fd = fd;
    else
        close_this = fd;
    pthread_mutex_unlock(&log->lock);
    close(close_this);
    errno = error;
    return done;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int stamp(struct event_log *log, struct event *e, bool with_ref)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) == -1)
        return -1;
    now.tv_nsec -= now.tv_nsec % 1000;
    if (is_before(&log->last, &now))
        log->last = now;
    if (with_ref && ref_make(&log->refs, log->last.tv_sec, e->ref) == -1) {
        if (errno != EAGAIN)
            return -1;
        log->last = (struct timespec){.tv_sec = log->last.tv_sec + 1};
        if (ref_make(&log->refs, log->last.tv_sec, e->ref) == -1)
            return -1;
    }
    e->time = log->last;
    return 0;
}

/* Take back the part of a line that was written, unless another one has written since. */
static bool take_back(int fd, size_t part)
{
    struct stat st;
    off_t end = lseek(fd, 0, SEEK_CUR);
    return end != -1 && fstat(fd, &st) == 0 && st.st_size == end && ftruncate(fd, end - (off_t)part) == 0;
}

static int write_line(struct event_log *log)
{
    ssize_t n;
    do
        n = write(log->fd, log->line.data, log->line.len);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -1;
    if ((size_t)n < log->line.len) {
        if (n > 0 && !take_back(log->fd, (size_t)n))
            log->torn = true;
        errno = ENOSPC;
        return -1;
    }
    log->torn = false;
    return 0;
}

static int stamp_and_write(struct event_log *log, struct event *e, bool with_ref)
{
    buffer_clear(&log->line);
    if (stamp(log, e, with_ref) == -1 || (log->torn && buffer_add_char(&log->line, '\n') == -1) ||
        event_to_json(e, &log->line) == -1)
        return -1;
    return write_line(log);
}

int event_log_write(struct event_log *log, struct event *e, int with_ref)
{
    e->ref[0] = '\0';
    pthread_mutex_lock(&log->lock);
    int done = stamp_and_write(log, e, with_ref);
    int error = errno;
    pthread_mutex_unlock(&log->lock);
    atomic_fetch_add_explicit(done == 0 ? &log->written : &log->failed, 1, memory_order_relaxed);
    if (done == -1)
        e->ref[0] = '\0';
    errno = error;
    return done;
}

struct event_log_counts event_log_counts(const struct event_log *log)
{
    return (struct event_log_counts){
        .written = atomic_load_explicit(&log->written, memory_order_relaxed),
        .failed = atomic_load_explicit(&log->failed, memory_order_relaxed),
    };
}
