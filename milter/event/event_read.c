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
    size_t next; /* the field that is expected: our own lines have them in their order */
};

/* Where the field stands in the event. */
static void *member_of(const struct reading *r, size_t index)
{
    return (char *)r->event + event_fields[index].offset;
}

static void take_time(struct reading *r, void *member, const char *text, size_t len)
{
    if (event_time_parse(text, len, member) == 0)
        r->has_time = true;
}

/* A reference is taken only in its proper form. */
static void take_ref(struct reading *r, void *member, const char *text, size_t len)
{
    char ref[REF_SIZE];
    (void)r;
    if (len == REF_SIZE - 1 && ref_parse(text, ref) == 0 && memcmp(ref, text, REF_SIZE) == 0)
        memcpy(member, ref, REF_SIZE);
}

static void take_stage(struct reading *r, void *member, const char *text, size_t len)
{
    (void)r;
    (void)len;
    *(enum stage *)member = stage_from_name(text);
}

static void (*const take_text[FIELD_KINDS])(struct reading *r, void *member, const char *text, size_t len) = {
    [FIELD_TIME] = take_time, [FIELD_REF] = take_ref, [FIELD_STAGE] = take_stage};

/* Keep a text that was put into the store behind mark, where the event points to it; else take what it says. */
static int keep_text(struct reading *r, size_t index, size_t mark)
{
    enum field_kind kind = event_fields[index].kind;
    size_t len = r->store->len - mark;
    if (kind != FIELD_TEXT && kind != FIELD_REPLY) {
        if (take_text[kind])
            take_text[kind](r, member_of(r, index), buffer_string(r->store) + mark, len);
        buffer_cut(r->store, mark);
        return 1;
    }
    r->place[index] = mark + 1;
    if (kind == FIELD_REPLY)
        r->event->reply_len = len;
    return buffer_add_char(r->store, '\0') == -1 ? -1 : 1;
}

/* Read the string that is the value of a key. */
static int read_text(struct reading *r, size_t index)
{
    const char *text;
    size_t len, mark = r->store->len;
    int got = 1;
    if (!json_plain_string(&r->json, &text, &len)) {
        got = json_string(&r->json, r->store, event_fields[index].kind == FIELD_REPLY);
    } else if (event_fields[index].kind == FIELD_TIME) {
        take_time(r, member_of(r, index), text, len);
        return 1;
    } else if (buffer_add(r->store, text, len) == -1) {
        return -1;
    }
    return got == 1 ? keep_text(r, index, mark) : got;
}

/* The digits of an integer with nothing but a comma or brace behind it. False: something else stands there; nothing was passed. */
static bool plain_number(struct json *j, long *n)
{
    const char *at = j->at;
    for (*n = 0; at < j->end && *at >= '0' && *at <= '9' && at - j->at < 10; at++)
        *n = 10 * *n + (*at - '0');
    if (at == j->at || at == j->end || (*at != ',' && *at != '}') || (*j->at == '0' && at - j->at > 1))
        return false;
    j->at = at;
    return true;
}

static int read_number(struct reading *r, size_t index)
{
    const struct event_field *f = &event_fields[index];
    void *member = member_of(r, index);
    const char *start = r->json.at;
    long n;
    if (!plain_number(&r->json, &n)) {
        if (!json_skip(&r->json))
            return 0;
        if (!json_long(start, (size_t)(r->json.at - start), &n))
            return 1;
    }
    if (f->kind == FIELD_LONG)
        *(long *)member = n;
    else if (f->kind == FIELD_INT && n >= INT_MIN && n <= INT_MAX)
        *(int *)member = (int)n;
    return 1;
}

static int read_value(struct reading *r, size_t index)
{
    json_white(&r->json);
    if (r->json.at < r->json.end && *r->json.at == '"')
        return read_text(r, index);
    return read_number(r, index);
}

/* The field whose comma and key stand next as our own writer writes them, which are passed; EVENT_FIELDS: something else does. */
static size_t pass_key(struct reading *r)
{
    size_t left = (size_t)(r->json.end - r->json.at);
    for (size_t i = r->next; i < EVENT_FIELDS; i++) {
        if (left <= event_fields[i].json_len || memcmp(r->json.at, event_fields[i].json, event_fields[i].json_len) != 0)
            continue;
        r->json.at += event_fields[i].json_len;
        return i;
    }
    return EVENT_FIELDS;
}

static int read_member(struct reading *r)
{
    size_t mark = r->store->len;
    int got = json_string(&r->json, r->store, false);
    if (got != 1)
        return got;
    size_t index = event_field_index(buffer_string(r->store) + mark, r->store->len - mark);
    buffer_cut(r->store, mark);
    if (!json_token(&r->json, ':'))
        return 0;
    if (index == EVENT_FIELDS)
        return json_skip(&r->json);
    return read_value(r, index);
}

/* Read the members behind the first. */
static int read_members(struct reading *r)
{
    for (;;) {
        size_t index = pass_key(r);
        if (index == EVENT_FIELDS && !json_token(&r->json, ','))
            return 1;
        int got = index == EVENT_FIELDS ? read_member(r) : read_value(r, index);
        if (got != 1)
            return got;
        r->next = index == EVENT_FIELDS ? r->next : index + 1;
    }
}

/* 1: the whole line is one object. */
static int read_object(struct reading *r)
{
    if (!json_token(&r->json, '{'))
        return 0;
    if (!json_token(&r->json, '}')) {
        int got = read_member(r);
        if (got == 1)
            got = read_members(r);
        if (got != 1)
            return got;
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
            *(const char **)member_of(&r, i) = store->data + r.place[i] - 1;
    return 1;
}
