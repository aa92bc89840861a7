#include <mailwhy/follow.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "rotated.h"
#include "tail.h"

#define AGAIN 2 /* look for a line anew */

struct follow {
    char *path; /* NULL: a stream */
    char *folder;
    struct tail tail;
    struct follow_position place; /* of the file that is read: device, inode, time; of one that was left: all */
    bool is_log; /* what is read is not a rotated file */
    bool leaving; /* what comes next was there, and this file may have grown before that */
    struct rotated rotated;
    int fault;
    int notify; /* -1: there is no inotify */
    int folder_watch, file_watch, next_watch; /* -1: none */
    ino_t next; /* what next_watch is of */
};

struct follow *follow_open(const char *path)
{
    struct follow *f = calloc(1, sizeof *f);
    const char *slash = strrchr(path, '/');
    if (!f)
        return NULL;
    f->tail.fd = -1;
    f->folder_watch = f->file_watch = f->next_watch = -1;
    f->path = strdup(path);
    f->folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    f->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    f->fault = ENOENT;
    if (f->path && f->folder)
        return f;
    follow_close(f);
    errno = ENOMEM;
    return NULL;
}

struct follow *follow_stream(int fd)
{
    struct follow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->notify = f->folder_watch = f->file_watch = f->next_watch = -1;
    f->tail.fd = fd;
    f->tail.stream = true;
    return f;
}

void follow_close(struct follow *f)
{
    if (!f)
        return;
    rotated_clear(&f->rotated);
    tail_free(&f->tail);
    if (f->notify != -1)
        close(f->notify);
    free(f->folder);
    free(f->path);
    free(f);
}

static void unwatch(const struct follow *f, int *watch)
{
    if (*watch != -1)
        inotify_rm_watch(f->notify, *watch);
    *watch = -1;
}

/* Be told when something is made in the log's folder, or taken from it. */
static void watch_folder(struct follow *f)
{
    if (f->notify != -1 && f->folder_watch == -1)
        f->folder_watch = inotify_add_watch(f->notify, f->folder, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
}

/* Be told when the file that is read changes, whatever its name has become. */
static void watch_file(struct follow *f)
{
    char path[32];
    if (f->notify == -1)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", f->tail.fd);
    int watch = inotify_add_watch(f->notify, path, IN_MODIFY);
    if (f->file_watch != watch)
        unwatch(f, &f->file_watch);
    f->file_watch = watch;
    if (f->next_watch == watch)
        f->next_watch = -1;
    f->next = 0;
}

/* Be told when something is written to the file that has the log's name now. */
static void watch_next(struct follow *f, const struct stat *st)
{
    if (f->notify == -1 || f->next == st->st_ino)
        return;
    unwatch(f, &f->next_watch);
    f->next_watch = inotify_add_watch(f->notify, f->path, IN_MODIFY);
    f->next = st->st_ino;
}

/* Take in what inotify has said: that it said something is enough, but for a folder that is gone. */
static void take_notes(struct follow *f)
{
    char notes[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;
    while (f->notify != -1 && (n = read(f->notify, notes, sizeof notes)) > 0) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *note = (const void *)(notes + at);
            if ((note->mask & IN_IGNORED) && note->wd == f->folder_watch)
                f->folder_watch = -1;
            if ((note->mask & IN_IGNORED) && note->wd == f->file_watch)
                f->file_watch = -1;
            if ((note->mask & IN_IGNORED) && note->wd == f->next_watch)
                f->next_watch = -1;
            at += (ssize_t)(sizeof *note + note->len);
        }
    }
    watch_folder(f);
}

static void note_time(struct follow *f)
{
    struct stat st;
    if (f->is_log && fstat(f->tail.fd, &st) == 0)
        f->place.time = st.st_mtime;
}

/* Read the file from there on. 0, or -1 with errno. */
static int begin(struct follow *f, const struct rotated_file *file, off_t offset)
{
    f->leaving = false;
    f->is_log = file->is_log;
    f->place = (struct follow_position){.device = file->st.st_dev, .inode = file->st.st_ino, .time = file->st.st_mtime};
    if (tail_begin(&f->tail, file->fd, offset) == -1)
        return -1;
    f->fault = 0;
    watch_file(f);
    return 0;
}

/* Open the log itself. 1; 0: it can't be, and fault says why. */
static int open_log(struct follow *f, struct rotated_file *file)
{
    *file = (struct rotated_file){.fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), .is_log = true};
    if (file->fd != -1 && fstat(file->fd, &file->st) == 0 && S_ISREG(file->st.st_mode))
        return 1;
    f->fault = file->fd == -1 ? errno : S_ISDIR(file->st.st_mode) ? EISDIR : ESPIPE;
    if (file->fd != -1)
        close(file->fd);
    return 0;
}

/* AGAIN: a file is read; 0: there is none; -1 with errno. */
static int open_next(struct follow *f)
{
    struct rotated_file file;
    if (!rotated_next(&f->rotated, &file) && !open_log(f, &file))
        return 0;
    return begin(f, &file, 0) == -1 ? -1 : AGAIN;
}

static bool is_read(const struct follow *f, const struct stat *st)
{
    return st->st_dev == f->place.device && st->st_ino == f->place.inode;
}

/* Whether there is something to read behind the file that is read. */
static bool next_is_there(struct follow *f)
{
    struct stat st;
    if (f->rotated.count)
        return true;
    if (stat(f->path, &st) == -1 || !S_ISREG(st.st_mode) || is_read(f, &st))
        return false;
    if (st.st_size == 0) {
        watch_next(f, &st);
        if (stat(f->path, &st) == -1)
            return false;
    }
    return st.st_size > 0;
}

/* What was read is gone from the file: go on in what it was copied to before, else at its beginning. AGAIN, or -1 with errno. */
static int find_again(struct follow *f)
{
    struct follow_position p;
    struct rotated_file file;
    follow_position(f, &p);
    tail_end(&f->tail);
    f->place = p;
    int got = rotated_find(&f->rotated, f->path, &p, &file);
    if (got == 1)
        got = begin(f, &file, p.offset);
    return got == -1 ? -1 : AGAIN;
}

/* Leave a file that is at its end for those that were made after it. 1: with what stands behind its last line end; AGAIN; -1 with errno. */
static int leave(struct follow *f, const char **line, size_t *len)
{
    struct rotated_file file;
    struct follow_position p;
    bool rest = tail_rest(&f->tail, line, len);
    follow_position(f, &p);
    tail_end(&f->tail);
    f->place = p;
    f->leaving = false;
    int got = f->rotated.count ? 0 : rotated_find(&f->rotated, f->path, &p, &file);
    if (got == 1 && file.is_log && !rest)
        got = begin(f, &file, p.offset);
    else if (got == 1)
        close(file.fd);
    return got == -1 ? -1 : rest ? 1 : AGAIN;
}

static int read_on(struct follow *f, const char **line, size_t *len)
{
    take_notes(f);
    if (f->tail.fd == -1)
        return open_next(f);
    switch (tail_read(&f->tail)) {
    case TAIL_MORE:
        note_time(f);
        f->leaving = false;
        return AGAIN;
    case TAIL_FAILED:
        return -1;
    case TAIL_CUT:
        return find_again(f);
    case TAIL_END:
        break;
    }
    if (!f->path)
        return f->tail.ended && tail_rest(&f->tail, line, len);
    if (!next_is_there(f))
        return 0;
    if (f->leaving)
        return leave(f, line, len);
    f->leaving = true;
    return AGAIN;
}

int follow_next(struct follow *f, const char **line, size_t *len)
{
    int got = AGAIN;
    while (got == AGAIN)
        got = f->tail.fd != -1 && tail_line(&f->tail, line, len) ? 1 : read_on(f, line, len);
    return got;
}

int follow_from_position(struct follow *f, const struct follow_position *p)
{
    struct rotated_file file;
    int got = rotated_find(&f->rotated, f->path, p, &file);
    if (got == 1)
        return begin(f, &file, p->offset) == -1 ? -1 : 1;
    return got;
}

int follow_from_tail(struct follow *f, off_t octets)
{
    struct rotated_file file;
    if (!open_log(f, &file))
        return 0;
    off_t offset = file.st.st_size > octets ? file.st.st_size - octets : 0;
    if (begin(f, &file, offset) == -1)
        return -1;
    tail_pass_rest(&f->tail);
    return offset > 0;
}

int follow_from_time(struct follow *f, time_t since)
{
    return rotated_since(&f->rotated, f->path, since);
}

int follow_fd(const struct follow *f)
{
    return f->path ? f->notify : f->tail.fd;
}

void follow_position(const struct follow *f, struct follow_position *p)
{
    *p = f->place;
    if (f->tail.fd != -1)
        p->offset = tail_place(&f->tail, &p->hash);
}

int follow_fault(const struct follow *f)
{
    return f->tail.fd == -1 ? f->fault : 0;
}

int follow_ended(const struct follow *f)
{
    return f->tail.ended;
}

unsigned long follow_passed_over(const struct follow *f)
{
    return f->tail.passed_over;
}

void follow_position_format(const struct follow_position *p, char out[static FOLLOW_POSITION_SIZE])
{
    snprintf(out, FOLLOW_POSITION_SIZE, "%ju %ju %jd %016" PRIx64 " %jd", (uintmax_t)p->device, (uintmax_t)p->inode,
             (intmax_t)p->offset, p->hash, (intmax_t)p->time);
}

int follow_position_parse(const char *text, struct follow_position *p)
{
    uintmax_t device, inode;
    intmax_t offset, time;
    uint64_t hash;
    int end = 0;
    if (strlen(text) >= FOLLOW_POSITION_SIZE ||
        sscanf(text, "%ju %ju %jd %16" SCNx64 " %jd%n", &device, &inode, &offset, &hash, &time, &end) != 5 || text[end] ||
        offset < 0)
        return -1;
    *p = (struct follow_position){(dev_t)device, (ino_t)inode, (off_t)offset, hash, (time_t)time};
    return 0;
}
