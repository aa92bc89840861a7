#include <mailwhy/event.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <mailwhy/event_time.h>
#include <mailwhy/json.h>

#include "event_fields.h"

/* Strings move while the store grows, so they are places in it until all is read. */
struct reading {
    struct json json;
    struct buffer *store;
    struct event *event;
    size_t place[EVENT_FIELDS]; /* plus 1; 0: there is none */
    bool has_time;
};

static void forget_from(struct buffer *store, size_t mark)
{
    store->len = mark;
    if (store->data)
        store->data[mark] = '\0';
}

static void take_time(struct reading *r, const char *text, size_t len)
{
    if (event_time_parse(text, len, &r->event->time) == 0)
        r->has_time = true;
}

/* A reference is taken only in its proper form. */
static void take_ref(struct reading *r, const char *text, size_t len)
{
    char ref[REF_SIZE];
    if (len == REF_SIZE - 1 && ref_parse(text, ref) == 0 && memcmp(ref, text, REF_SIZE) == 0)
        memcpy(r->event->ref, ref, REF_SIZE);
}

static void take_stage(struct reading *r, const char *text, size_t len)
{
    (void)len;
    r->event->stage = stage_from_name(text);
}

static void (*const take_text[FIELD_KINDS])(struct reading *r, const char *text, size_t len) = {
    [FIELD_TIME] = take_time, [FIELD_REF] = take_ref, [FIELD_STAGE] = take_stage};

/* Read the string that is the value of a key; what it says is kept in the store only where the event points to it. */
static int read_text(struct reading *r, size_t index)
{
    enum field_kind kind = event_fields[index].kind;
    size_t mark = r->store->len;
    int got = json_string(&r->json, r->store, kind == FIELD_REPLY);
    if (got != 1)
        return got;
    size_t len = r->store->len - mark;
    if (kind != FIELD_TEXT && kind != FIELD_REPLY) {
        if (take_text[kind])
            take_text[kind](r, buffer_string(r->store) + mark, len);
        forget_from(r->store, mark);
        return 1;
    }
    r->place[index] = mark + 1;
    if (kind == FIELD_REPLY)
        r->event->reply_len = len;
    return buffer_add_char(r->store, '\0') == -1 ? -1 : 1;
}

static int read_number(struct reading *r, const struct event_field *f)
{
    json_white(&r->json);
    const char *start = r->json.at;
    if (!json_skip(&r->json))
        return 0;
    long n;
    void *member = (char *)r->event + f->offset;
    if (!json_long(start, (size_t)(r->json.at - start), &n))
        return 1;
    if (f->kind == FIELD_LONG)
        *(long *)member = n;
    else if (f->kind == FIELD_INT && n >= INT_MIN && n <= INT_MAX)
        *(int *)member = (int)n;
    return 1;
}

static int read_member(struct reading *r)
{
    size_t mark = r->store->len;
    int got = json_string(&r->json, r->store, false);
    if (got != 1)
        return got;
    size_t index = event_field_index(buffer_string(r->store) + mark, r->store->len - mark);
    forget_from(r->store, mark);
    if (!json_token(&r->json, ':'))
        return 0;
    if (index == EVENT_FIELDS)
        return json_skip(&r->json);
    json_white(&r->json);
    if (r->json.at < r->json.end && *r->json.at == '"')
        return read_text(r, index);
    return read_number(r, &event_fields[index]);
}

/* 1: the whole line is one object. */
static int read_object(struct reading *r)
{
    if (!json_token(&r->json, '{'))
        return 0;
    if (!json_token(&r->json, '}')) {
        do {
            int got = read_member(r);
            if (got != 1)
                return got;
        } while (json_token(&r->json, ','));
        if (!json_token(&r->json, '}'))
            return 0;
    }
    json_white(&r->json);
    return r->json.at == r->json.end;
}

int event_from_json(struct event *e, struct buffer *store, const char *line, size_t len)
{
    *e = (struct event){0};
    if (len == 0)
        return 0;
    struct reading r = {.json = {line, line + len}, .store = store, .event = e};
    int got = read_object(&r);
    if (got != 1 || !r.has_time) {
        *e = (struct event){0};
        if (got == -1)
            errno = ENOMEM;
        return got == -1 ? -1 : 0;
    }
    for (size_t i = 0; i < EVENT_FIELDS; i++)
        if (r.place[i])
            *(const char **)(void *)((char *)e + event_fields[i].offset) = store->data + r.place[i] - 1;
    return 1;
}
