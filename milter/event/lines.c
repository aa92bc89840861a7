#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make_room(struct lines *l)
{
    if (l->room - l->len >= (size_t)LINES_BLOCK)
        return 0;
    size_t room = l->room ? 2 * l->room : 2 * (size_t)LINES_BLOCK;
    char *block = realloc(l->block, room);
    if (!block)
        return -1;
    l->block = block;
    l->room = room;
    return 0;
}

/* Read a block more. 1; 0: the file ends; -1 with errno. */
static int read_more(struct lines *l)
{
    off_t from = l->start + (off_t)l->len;
    off_t left = l->size - from;
    if (left <= 0)
        return 0;
    if (make_room(l) == -1)
        return -1;
    ssize_t n;
    do
        n = pread(l->fd, l->block + l->len, (size_t)(left < LINES_BLOCK ? left : LINES_BLOCK), from);
    while (n == -1 && errno == EINTR);
    l->reads++;
    if (n <= 0)
        return (int)n;
    l->len += (size_t)n;
    return 1;
}

/* Make the block begin at that offset; what is there of it already is kept. */
static void begin_at(struct lines *l, off_t at)
{
    off_t skip = at - l->start;
    if (skip < 0 || skip > (off_t)l->len) {
        l->len = 0;
    } else if (skip > 0) {
        l->len -= (size_t)skip;
        memmove(l->block, l->block + skip, l->len);
    }
    l->start = at;
}

/* The end of the line that begins at so many octets into the block, NULL where the block doesn't have it. */
static char *find_end(const struct lines *l, size_t from)
{
    return l->len > from ? memchr(l->block + from, '\n', l->len - from) : NULL;
}

/* Pass the rest of a line that is too long. */
static int pass_line(struct lines *l, struct line *line)
{
    char *end;
    *line = (struct line){0};
    do {
        begin_at(l, l->start + (off_t)l->len);
        int got = read_more(l);
        if (got == -1)
            return -1;
        if (got == 0) {
            line->next = l->size;
            return 1;
        }
        end = find_end(l, 0);
    } while (!end);
    line->next = l->start + (end - l->block) + 1;
    return 1;
}

int lines_get(struct lines *l, off_t at, struct line *line)
{
    bool within = at >= l->start && at - l->start <= (off_t)l->len;
    size_t from = within ? (size_t)(at - l->start) : 0;
    if (!within)
        begin_at(l, at);
    size_t searched = from;
    char *end;
    while (!(end = find_end(l, searched))) {
        begin_at(l, at);
        from = 0;
        searched = l->len;
        if (searched > (size_t)LINES_MAX)
            return pass_line(l, line);
        int got = read_more(l);
        if (got == -1)
            return -1;
        if (got == 0)
            break;
    }
    size_t len = end ? (size_t)(end - l->block) - from : l->len - from;
    if (!end && len == 0)
        return 0;
    *line = (struct line){.text = l->block + from, .len = len, .next = at + (off_t)len + (end ? 1 : 0)};
    return 1;
}

off_t lines_start(struct lines *l, off_t at)
{
    struct line line;
    if (at <= 0)
        return 0;
    int got = lines_get(l, at - 1, &line);
    return got == 1 ? line.next : got == 0 ? l->size : -1;
}
