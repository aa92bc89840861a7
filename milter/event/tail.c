#include "tail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <mailwhy/follow.h>

#define READ_SIZE ((size_t)1 << 16)

/* FNV-1a. */
static uint64_t hash_of(const char *s, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)s[i]) * 0x100000001b3;
    return len ? hash : 0;
}

static size_t before(off_t offset)
{
    return offset < (off_t)TAIL_BEFORE ? (size_t)offset : TAIL_BEFORE;
}

static ssize_t read_at(int fd, char *to, size_t len, off_t offset)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, to + done, len - done, offset + (off_t)done);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int tail_hash(int fd, off_t offset, uint64_t *hash)
{
    char block[TAIL_BEFORE];
    size_t len = before(offset);
    ssize_t n = offset < 0 ? 0 : read_at(fd, block, len, offset - (off_t)len);
    if (n == -1)
        return -1;
    errno = 0;
    if (offset < 0 || (size_t)n < len)
        return -1;
    *hash = hash_of(block, len);
    return 0;
}

/* Room for READ_SIZE octets more. 0, or -1 with errno ENOMEM. */
static int make_room(struct tail *t)
{
    size_t room = t->room ? t->room : 2 * READ_SIZE;
    while (room - t->len < READ_SIZE)
        room *= 2;
    if (room == t->room)
        return 0;
    char *block = realloc(t->block, room);
    if (!block)
        return -1;
    t->block = block;
    t->room = room;
    return 0;
}

int tail_begin(struct tail *t, int fd, off_t offset)
{
    size_t len = before(offset);
    tail_end(t);
    t->len = 0;
    ssize_t n = make_room(t) == 0 ? read_at(fd, t->block, len, offset - (off_t)len) : -1;
    if (n == -1) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    t->fd = fd;
    t->len = t->start = t->searched = (size_t)n;
    t->at = offset - (off_t)len;
    return 0;
}

void tail_pass_rest(struct tail *t)
{
    if (t->start == 0 || t->block[t->start - 1] == '\n')
        return;
    t->passed_from = tail_place(t, &t->passed_hash);
    t->passing = t->amid = true;
}

/* Forget what is done with, but for what must stand before the next line. */
static void compact(struct tail *t)
{
    size_t drop = t->start > TAIL_BEFORE ? t->start - TAIL_BEFORE : 0;
    if (drop == 0 || (drop < READ_SIZE && t->len < t->room))
        return;
    t->len -= drop;
    memmove(t->block, t->block + drop, t->len);
    t->at += (off_t)drop;
    t->start -= drop;
    t->searched -= drop;
}

/* What was passed over is at its end. */
static void count_passed(struct tail *t)
{
    t->passed_over += !t->amid;
    t->passing = t->amid = false;
}

/* Pass over what there is of a line that is too long. */
static void pass_on(struct tail *t, size_t to)
{
    if (!t->passing)
        t->passed_from = tail_place(t, &t->passed_hash);
    t->passing = true;
    t->start = t->searched = to;
}

bool tail_line(struct tail *t, const char **line, size_t *len)
{
    for (;;) {
        char *end = t->len > t->searched ? memchr(t->block + t->searched, '\n', t->len - t->searched) : NULL;
        if (!end) {
            t->searched = t->len;
            if (t->passing || t->len - t->start > FOLLOW_LINE_MAX)
                pass_on(t, t->len);
            return false;
        }
        bool passed = t->passing || (size_t)(end - t->block) - t->start > FOLLOW_LINE_MAX;
        *line = t->block + t->start;
        *len = (size_t)(end - *line);
        t->start = t->searched = (size_t)(end - t->block) + 1;
        if (!passed)
            return true;
        count_passed(t);
    }
}

bool tail_rest(struct tail *t, const char **line, size_t *len)
{
    bool any = !t->passing && t->len > t->start;
    *line = t->block + t->start;
    *len = t->len - t->start;
    if (t->passing)
        count_passed(t);
    t->start = t->searched = t->len;
    return any;
}

static enum tail_got read_stream(struct tail *t)
{
    struct pollfd p = {.fd = t->fd, .events = POLLIN};
    if (t->ended || poll(&p, 1, 0) <= 0)
        return TAIL_END;
    ssize_t n = read(t->fd, t->block + t->len, READ_SIZE);
    if (n == -1)
        return errno == EINTR || errno == EAGAIN ? TAIL_END : TAIL_FAILED;
    t->ended = n == 0;
    t->len += (size_t)n;
    return n ? TAIL_MORE : TAIL_END;
}

/* What was read of the line that is not whole yet is gone: whether that is all, and the line can be read again. */
static bool take_back(struct tail *t)
{
    uint64_t hash, now;
    off_t place = tail_place(t, &hash);
    if (t->passing || tail_hash(t->fd, place, &now) == -1 || now != hash)
        return false;
    t->len = t->searched = t->start;
    return true;
}

enum tail_got tail_read(struct tail *t)
{
    char again[TAIL_BEFORE];
    compact(t);
    if (make_room(t) == -1)
        return TAIL_FAILED;
    if (t->stream)
        return read_stream(t);
    off_t end = t->at + (off_t)t->len;
    size_t check = before(end) < t->len ? before(end) : t->len;
    const struct iovec parts[] = {{again, check}, {t->block + t->len, READ_SIZE}};
    ssize_t n;
    do
        n = preadv(t->fd, parts, 2, end - (off_t)check);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return TAIL_FAILED;
    if ((size_t)n < check || memcmp(again, t->block + t->len - check, check) != 0)
        return take_back(t) ? TAIL_MORE : TAIL_CUT;
    t->len += (size_t)n - check;
    return (size_t)n > check ? TAIL_MORE : TAIL_END;
}

off_t tail_place(const struct tail *t, uint64_t *hash)
{
    if (t->passing) {
        *hash = t->passed_hash;
        return t->passed_from;
    }
    size_t len = t->start < TAIL_BEFORE ? t->start : TAIL_BEFORE;
    *hash = len ? hash_of(t->block + t->start - len, len) : 0;
    return t->at + (off_t)t->start;
}

void tail_end(struct tail *t)
{
    if (t->fd != -1 && !t->stream)
        close(t->fd);
    t->fd = -1;
    t->len = t->start = t->searched = 0;
    t->at = 0;
    t->passing = t->amid = false;
}

void tail_free(struct tail *t)
{
    tail_end(t);
    free(t->block);
    t->block = NULL;
}
