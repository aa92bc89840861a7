#include <mailwhy/event_session.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log_file.h"
#include "log_search.h"

#define AROUND 600 /* seconds */
#define SPAN ((off_t)32 << 20) /* octets */

static bool has(const char *s)
{
    return s && *s;
}

/* Whether the one says who the user of the other was; or is itself. */
static bool same_refusal(const struct event *e, const struct event *other)
{
    return strcmp(other->ref, e->ref) == 0 || strcmp(other->of, e->ref) == 0;
}

static bool same_session(const struct event *a, const struct event *b)
{
    return a->pid == b->pid && a->client_port == b->client_port && has(b->host) && strcmp(a->host, b->host) == 0 &&
           has(b->client_addr) && strcmp(a->client_addr, b->client_addr) == 0;
}

static int keep(struct event_session *s, const struct line *line)
{
    char **lines = realloc(s->lines, (s->count + 1) * sizeof *lines);
    if (lines)
        s->lines = lines;
    size_t *lens = lines ? realloc(s->lens, (s->count + 1) * sizeof *lens) : NULL;
    if (lens)
        s->lens = lens;
    char *copy = lens ? strndup(line->text, line->len) : NULL;
    if (!copy)
        return -1;
    s->lines[s->count] = copy;
    s->lens[s->count++] = line->len;
    return 0;
}

/* Keep the line where it is an event of that session. mark: what such a line has in it. */
static int look_at(struct event_session *s, const struct line *line, const struct event *e, const char *mark)
{
    if (!line->text || !memmem(line->text, line->len, mark, strlen(mark)))
        return 0;
    struct event other;
    struct buffer store = {0};
    int got = event_from_json(&other, &store, line->text, line->len);
    if (got == 1)
        got = (e->client_port ? same_session(e, &other) : same_refusal(e, &other)) ? keep(s, line) : 0;
    buffer_free(&store);
    return got;
}

static int collect(struct event_session *s, struct lines *l, const struct event *e)
{
    char mark[40];
    struct line line;
    time_t time, until = e->time.tv_sec + AROUND;
    if (e->client_port)
        snprintf(mark, sizeof mark, "\"client_port\":%ld", e->client_port);
    else
        snprintf(mark, sizeof mark, "\"%s\"", e->ref);
    off_t own = log_seek_time(l, e->time.tv_sec), at = log_seek_time(l, e->time.tv_sec - AROUND);
    if (own == -1 || at == -1)
        return -1;
    off_t end = own + SPAN;
    at = at < own - SPAN ? own - SPAN : at;
    int got = 1;
    for (at = lines_start(l, at); got == 1 && at != -1 && at < end; at = line.next) {
        got = lines_get(l, at, &line);
        if (got != 1 || (log_line_time(&line, &time) && time > until))
            break;
        if (look_at(s, &line, e, mark) == -1)
            return -1;
    }
    return got == -1 || at == -1 ? -1 : 0;
}

int event_session_find(struct event_session *s, const char *path, const struct event *e)
{
    struct lines l;
    *s = (struct event_session){0};
    if (e->client_port ? !has(e->host) || !has(e->client_addr) : !*e->ref || e->stage != STAGE_AUTH)
        return 0;
    if (log_open(&l, path) == -1)
        return -1;
    int result = collect(s, &l, e);
    log_close(&l);
    if (result == -1)
        event_session_free(s);
    return result;
}

void event_session_free(struct event_session *s)
{
    int error = errno;
    for (size_t i = 0; i < s->count; i++)
        free(s->lines[i]);
    free(s->lines);
    free(s->lens);
    *s = (struct event_session){0};
    errno = error;
}
