#include <mailwhy/event.h>

#include <stdbool.h>
#include <string.h>

#include <mailwhy/event_time.h>
#include <mailwhy/json.h>

#include "event_fields.h"

/* What an event says under one key. */
struct value {
    bool is_number;
    long number;
    const char *text;
    size_t len;
    char scratch[EVENT_TIME_SIZE];
};

static void get_time(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    event_time_format(member, v->scratch);
    v->text = v->scratch;
}

static void get_ref(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    v->text = member;
}

static void get_text(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    v->text = *(const char *const *)member;
}

static void get_reply(const struct event *e, const void *member, struct value *v)
{
    (void)member;
    v->text = e->reply;
    v->len = e->reply_len;
}

static void get_int(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    v->number = *(const int *)member;
}

static void get_long(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    v->number = *(const long *)member;
}

static void get_stage(const struct event *e, const void *member, struct value *v)
{
    (void)e;
    v->text = stage_name(*(const enum stage *)member);
}

static const struct {
    bool is_number;
    void (*get)(const struct event *e, const void *member, struct value *v);
} kinds[FIELD_KINDS] = {
    [FIELD_TIME] = {false, get_time},   [FIELD_REF] = {false, get_ref}, [FIELD_TEXT] = {false, get_text},
    [FIELD_REPLY] = {false, get_reply}, [FIELD_INT] = {true, get_int},  [FIELD_LONG] = {true, get_long},
    [FIELD_STAGE] = {false, get_stage},
};

/* False: the event doesn't have it. */
static bool value_of(const struct event *e, const struct event_field *f, struct value *v)
{
    v->is_number = kinds[f->kind].is_number;
    v->number = 0;
    v->text = NULL;
    v->len = 0;
    kinds[f->kind].get(e, (const char *)e + f->offset, v);
    if (v->is_number)
        return v->number != 0;
    if (v->text && f->kind != FIELD_REPLY)
        v->len = strlen(v->text);
    return v->text && v->len > 0;
}

bool event_names_user(const struct event *e)
{
    return !e->code && e->stage == STAGE_AUTH && e->sasl_user && *e->sasl_user;
}

struct event event_of_failure(const struct event *e)
{
    struct event of = *e;
    memcpy(of.ref, e->of, sizeof of.ref);
    of.code = e->of_code;
    of.enhanced = e->of_enhanced;
    of.reason = e->of_reason;
    of.of[0] = '\0';
    of.of_code = 0;
    of.of_enhanced = of.of_reason = NULL;
    return of;
}

int event_to_json(const struct event *e, struct buffer *out)
{
    struct value v;
    bool any = false;
    buffer_add_char(out, '{');
    for (const struct event_field *f = event_fields; f < event_fields + EVENT_FIELDS; f++) {
        if (!value_of(e, f, &v))
            continue;
        buffer_add(out, f->json + !any, f->json_len - !any);
        any = true;
        if (v.is_number)
            json_add_long(out, v.number);
        else
            json_add_string(out, v.text, v.len);
    }
    return buffer_add(out, "}\n", 2);
}

static bool is_bare(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= ':') || c == '@' || c == '_' || c == '+';
}

/* Whether it stands as it is within quotes. */
static bool stands_quoted(unsigned char c)
{
    return c >= 0x20 && c <= 126 && c != '"' && c != '\\';
}

static void add_quoted(struct buffer *out, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    buffer_add_char(out, '"');
    for (size_t i = 0, run; i < len; i += run) {
        for (run = 0; i + run < len && stands_quoted((unsigned char)s[i + run]);)
            run++;
        buffer_add(out, s + i, run);
        if (i + run == len)
            break;
        unsigned char c = (unsigned char)s[i + run++];
        buffer_add(out, (const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
    }
    buffer_add_char(out, '"');
}

static void add_bare_or_quoted(struct buffer *out, const char *s, size_t len)
{
    size_t bare = 0;
    while (bare < len && is_bare((unsigned char)s[bare]))
        bare++;
    if (bare == len)
        buffer_add(out, s, len);
    else
        add_quoted(out, s, len);
}

int event_to_line(const struct event *e, struct buffer *out)
{
    struct value v;
    bool any = false;
    for (const struct event_field *f = event_fields; f < event_fields + EVENT_FIELDS; f++) {
        if (!value_of(e, f, &v))
            continue;
        if (any)
            buffer_add_char(out, ' ');
        any = true;
        buffer_add(out, f->key, f->key_len);
        buffer_add_char(out, '=');
        if (v.is_number)
            json_add_long(out, v.number);
        else
            add_bare_or_quoted(out, v.text, v.len);
    }
    return buffer_ok(out) ? 0 : -1;
}
