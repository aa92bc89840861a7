#include "log_search.h"

#include <string.h>

#include <mailwhy/event_time.h>

bool log_line_time(const struct line *line, time_t *time)
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

int log_place_after(struct lines *l, off_t from, off_t to, struct log_place *place)
{
    off_t at = lines_start(l, from);
    if (at == -1)
        return -1;
    while (at < to) {
        struct line line;
        int got = lines_get(l, at, &line);
        if (got != 1)
            return got;
        if (log_line_time(&line, &place->time)) {
            place->at = at;
            place->next = line.next;
            return 1;
        }
        at = line.next;
    }
    return 0;
}

/* From one block before the end, from two, from four ... */
int log_last_place(struct lines *l, struct log_place *last)
{
    for (off_t back = LINES_BLOCK;; back *= 2) {
        off_t from = back < l->size ? l->size - back : 0;
        struct log_place place;
        bool any = false;
        int got;
        while ((got = log_place_after(l, from, l->size, &place)) == 1) {
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

off_t log_seek_time(struct lines *l, time_t time)
{
    off_t low = 0, high = l->size;
    while (high - low > LINES_BLOCK) {
        off_t middle = low + (high - low) / 2;
        struct log_place place;
        int got = log_place_after(l, middle, high, &place);
        if (got == -1)
            return -1;
        if (got == 1 && place.time < time)
            low = place.at;
        else
            high = middle;
    }
    return low;
}
