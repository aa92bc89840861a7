#include <mailwhy/event_find.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/event_time.h>

#include "lines.h"

#define SLACK 2 /* seconds that are looked at before and after the reference's own */

/* A line of the log that has a time. */
struct place {
    off_t at, next;
    time_t time;
};

/* The time of a line as the log's writer writes it, read from its first octets. */
static bool line_time(const struct line *line, time_t *time)
{
    static const char before[] = "{\"ts\":\"";
    const size_t skip = sizeof before - 1;
    struct timespec ts;
    if (!line->text || line->len <= skip || memcmp(line->text, before, skip) != 0)
        return false;
    size_t most = line->len - skip < EVENT_TIME_SIZE + 3 ? line->len - skip : EVENT_TIME_SIZE + 3;
    const char *end = memchr(line->text + skip, '"', most);
    if (!end || event_time_parse(line->text + skip, (size_t)(end - line->text) - skip, &ts) == -1)
        return false;
    *time = ts.tv_sec;
    return true;
}

/* The first line with a time that starts at from or later, and before to. 1; 0: none; -1: errno. */
static int place_after(struct lines *l, off_t from, off_t to, struct place *place)
{
    off_t at = lines_start(l, from);
    if (at == -1)
        return -1;
    while (at < to) {
        struct line line;
        int got = lines_get(l, at, &line);
        if (got != 1)
            return got;
        if (line_time(&line, &place->time)) {
            place->at = at;
            place->next = line.next;
            return 1;
        }
        at = line.next;
    }
    return 0;
}

/* The last line with a time: looked for from one block before the end, from two, from four ... */
static int last_place(struct lines *l, struct place *last)
{
    for (off_t back = LINES_BLOCK;; back *= 2) {
        off_t from = back < l->size ? l->size - back : 0;
        struct place place;
        bool any = false;
        int got;
        while ((got = place_after(l, from, l->size, &place)) == 1) {
            *last = place;
            any = true;
            from = place.next;
        }
        if (got == -1 || any)
            return got == -1 ? -1 : 1;
        if (back >= l->size)
            return 0;
    }
}

/* Where to begin to read so as to miss no line of that time or later, in a log that is in order. -1 with errno. */
static off_t seek_time(struct lines *l, time_t time)
{
    off_t low = 0, high = l->size;
    while (high - low > LINES_BLOCK) {
        off_t middle = low + (high - low) / 2;
        struct place place;
        int got = place_after(l, middle, high, &place);
        if (got == -1)
            return -1;
        if (got == 1 && place.time < time)
            low = place.at;
        else
            high = middle;
    }
    return low;
}

/* Whether the line is the event of that reference. 1, 0, or -1 with errno. */
static int is_event(const struct line *line, const char *ref)
{
    if (!line->text || !memmem(line->text, line->len, ref, REF_SIZE - 1))
        return 0;
    struct event e;
    struct buffer store = {0};
    int got = event_from_json(&e, &store, line->text, line->len);
    if (got == 1)
        got = strcmp(e.ref, ref) == 0;
    buffer_free(&store);
    return got;
}

static int take(struct event_found *found, const struct line *line)
{
    found->line = malloc(line->len + 1);
    if (!found->line)
        return -1;
    memcpy(found->line, line->text, line->len);
    found->line[line->len] = '\0';
    found->len = line->len;
    return 1;
}

/* Look at the lines from there to the first one after that time. 1, 0, or -1 with errno. */
static int scan(struct lines *l, off_t from, time_t until, const char *ref, struct event_found *found)
{
    struct line line;
    int got;
    off_t at = lines_start(l, from);
    if (at == -1)
        return -1;
    for (; (got = lines_get(l, at, &line)) == 1; at = line.next) {
        time_t time;
        if (line_time(&line, &time) && time > until)
            return 0;
        int same = is_event(&line, ref);
        if (same == 1)
            return take(found, &line);
        if (same == -1)
            return -1;
    }
    return got;
}

/* Look where a reference can stand in a log that is in order: at its time, and each period earlier. */
static int find_by_time(struct lines *l, const char *ref, struct event_found *found)
{
    struct place first = {0}, last = {0};
    int got = place_after(l, 0, l->size, &first);
    if (got == 1)
        got = last_place(l, &last);
    if (got != 1)
        return got;
    got = 0;
    for (time_t time = ref_time(ref, last.time + SLACK); got == 0 && time >= first.time - SLACK; time -= REF_PERIOD) {
        off_t from = seek_time(l, time - SLACK);
        got = from == -1 ? -1 : scan(l, from, time + SLACK, ref, found);
    }
    return got;
}

int event_find(const char *path, const char ref[static REF_SIZE], struct event_found *found)
{
    static_assert(sizeof(time_t) == sizeof(int64_t), "a time_t counts past 2038");
    *found = (struct event_found){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return -1;
    struct stat st;
    struct lines l = {.fd = fd};
    int got = -1;
    if (fstat(fd, &st) == -1)
        goto close_file;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
        goto close_file;
    }
    l.size = st.st_size;
    got = find_by_time(&l, ref, found);
    if (got == 0)
        got = scan(&l, 0, (time_t)INT64_MAX, ref, found);
close_file:;
    int error = errno;
    found->reads = l.reads;
    free(l.block);
    close(fd);
    errno = error;
    return got;
}
