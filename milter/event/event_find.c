#include <mailwhy/event_find.h>

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "log_file.h"
#include "log_search.h"

#define SLACK 2 /* seconds that are looked at before and after the reference's own */

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
        if (log_line_time(&line, &time) && time > until)
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
    struct log_place first = {0}, last = {0};
    int got = log_place_after(l, 0, l->size, &first);
    if (got == 1)
        got = log_last_place(l, &last);
    if (got != 1)
        return got;
    got = 0;
    for (time_t time = ref_time(ref, last.time + SLACK); got == 0 && time >= first.time - SLACK; time -= REF_PERIOD) {
        off_t from = log_seek_time(l, time - SLACK);
        got = from == -1 ? -1 : scan(l, from, time + SLACK, ref, found);
    }
    return got;
}

int event_find(const char *path, const char ref[static REF_SIZE], struct event_found *found)
{
    static_assert(sizeof(time_t) == sizeof(int64_t), "a time_t counts past 2038");
    *found = (struct event_found){0};
    struct lines l = {0};
    if (log_open(&l, path) == -1)
        return -1;
    int got = find_by_time(&l, ref, found);
    if (got == 0)
        got = scan(&l, 0, (time_t)INT64_MAX, ref, found);
    found->reads = l.reads;
    log_close(&l);
    return got;
}
