#include <mailwhy/journal.h>

#include <errno.h>
#include <string.h>

#include <mailwhy/json.h>

#include "journal_fields.h"

#define MICROSECONDS 1000000
#define TIME_MAX (253402300799L * MICROSECONDS) /* the end of the year 9999 */

static const char *const names[JOURNAL_FIELDS] = {
    [JOURNAL_TIME] = "__REALTIME_TIMESTAMP", [JOURNAL_SENT] = "_SOURCE_REALTIME_TIMESTAMP", [JOURNAL_HOST] = "_HOSTNAME",
    [JOURNAL_PROGRAM] = "SYSLOG_IDENTIFIER", [JOURNAL_SYSLOG_PID] = "SYSLOG_PID",           [JOURNAL_PID] = "_PID",
    [JOURNAL_MESSAGE] = "MESSAGE",
};

enum journal_field journal_field(const char *name, size_t len)
{
    int field = 0;
    while (field < JOURNAL_FIELDS && (strlen(names[field]) != len || memcmp(names[field], name, len) != 0))
        field++;
    return (enum journal_field)field;
}

/* Set the time, where the field is one. */
static void take_time(struct span field, struct maillog_message *message)
{
    long microseconds;
    if (!field.at || !json_long(field.at, span_length(field), &microseconds) || microseconds < 0 || microseconds > TIME_MAX)
        return;
    message->time = (struct timespec){microseconds / MICROSECONDS, microseconds % MICROSECONDS * 1000};
    message->timed = true;
}

void journal_message(const struct span fields[static JOURNAL_FIELDS], struct maillog_message *message)
{
    struct span pid = fields[fields[JOURNAL_SYSLOG_PID].at ? JOURNAL_SYSLOG_PID : JOURNAL_PID];
    *message = (struct maillog_message){fields[JOURNAL_HOST], fields[JOURNAL_PROGRAM], fields[JOURNAL_MESSAGE], .timed = false};
    if (pid.at)
        json_long(pid.at, span_length(pid), &message->pid);
    take_time(fields[JOURNAL_TIME], message);
    take_time(fields[JOURNAL_SENT], message);
}

bool journal_is_whole(const struct maillog_message *message)
{
    return message->timed && message->program.at && message->text.at;
}

/* An object that is read: its fields are places in the store until all is read, for that may move. */
struct object {
    struct json json;
    struct buffer *store;
    size_t place[JOURNAL_FIELDS], len[JOURNAL_FIELDS]; /* plus 1; 0: there is none */
    bool named; /* a name as the journal has them was read */
};

/* The octet that an array has next. False: what is there is none. */
static bool octet(struct json *j, char *c)
{
    long n;
    json_white(j);
    struct json ahead = *j;
    if (!json_skip(&ahead) || !json_long(j->at, (size_t)(ahead.at - j->at), &n) || n < 0 || n > 255)
        return false;
    *c = (char)n;
    *j = ahead;
    return true;
}

/* Keep a value in the store: a string, or an array of octets. 1; 0: it is none of them (null for one) and was passed; -1: not JSON, or ENOMEM. */
static int keep_value(struct object *o, size_t *place, size_t *len)
{
    size_t mark = o->store->len;
    char c;
    int got = json_string(&o->json, o->store, true);
    if (got == 1)
        goto kept;
    if (got == -1 || !json_token(&o->json, '['))
        return got == 0 && json_skip(&o->json) ? 0 : -1;
    if (!json_token(&o->json, ']')) {
        do
            if (!octet(&o->json, &c) || buffer_add_char(o->store, c) == -1)
                return -1;
        while (json_token(&o->json, ','));
        if (!json_token(&o->json, ']'))
            return -1;
    }
kept:
    *place = mark + 1;
    *len = o->store->len - mark;
    return 1;
}

/* A field's values: one, or an array of several strings and arrays of octets. 0, or -1: not JSON, or ENOMEM. */
static int read_values(struct object *o, size_t *place, size_t *len)
{
    struct json ahead = o->json;
    bool several = json_token(&ahead, '[') && (json_white(&ahead), ahead.at < ahead.end) && strchr("[\"n", *ahead.at);
    if (!several || *ahead.at == '\0')
        return keep_value(o, place, len) == -1 ? -1 : 0;
    o->json = ahead;
    do
        if (keep_value(o, place, len) == -1)
            return -1;
    while (json_token(&o->json, ','));
    return json_token(&o->json, ']') ? 0 : -1;
}

/* 0, or -1: not JSON, or ENOMEM. */
static int read_member(struct object *o)
{
    size_t mark = o->store->len;
    if (json_string(&o->json, o->store, false) != 1 || !json_token(&o->json, ':'))
        return -1;
    const char *name = buffer_string(o->store) + mark;
    size_t len = o->store->len - mark;
    enum journal_field field = journal_field(name, len);
    o->named |= len > 0 && (*name == '_' || (*name >= 'A' && *name <= 'Z'));
    buffer_cut(o->store, mark);
    if (field == JOURNAL_FIELDS)
        return json_skip(&o->json) ? 0 : -1;
    return read_values(o, &o->place[field], &o->len[field]);
}

/* True: all of it is one object. */
static bool read_object(struct object *o)
{
    if (!json_token(&o->json, '{'))
        return false;
    if (!json_token(&o->json, '}')) {
        do
            if (read_member(o) == -1)
                return false;
        while (json_token(&o->json, ','));
        if (!json_token(&o->json, '}'))
            return false;
    }
    json_white(&o->json);
    return o->json.at == o->json.end;
}

/* Read the object that stands in the span. */
static int read_entry(struct journal *j, struct span s, struct maillog_message *message)
{
    struct span fields[JOURNAL_FIELDS] = {{0}};
    struct object o = {.json = {s.at, s.end}, .store = &j->store};
    buffer_clear(&j->store);
    bool whole = read_object(&o);
    if (!buffer_ok(&j->store)) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < JOURNAL_FIELDS; i++)
        if (o.place[i])
            fields[i] = (struct span){j->store.data + o.place[i] - 1, j->store.data + o.place[i] - 1 + o.len[i]};
    journal_message(fields, message);
    if (!whole && !journal_is_whole(message)) {
        j->lost += o.named;
        return 0;
    }
    return message->program.at != NULL;
}

int journal_read_json(struct journal *j, const char *object, size_t len, struct maillog_message *message)
{
    struct span s = {object, object + len};
    if (len == 0 || (*object != '{' && *object != '\x1e' && *object != 'd'))
        return 0;
    if (*object == '\x1e') /* json-seq */
        s.at++;
    else if (span_starts(s, "data: ")) /* json-sse */
        s.at += strlen("data: ");
    return span_starts(s, "{") ? read_entry(j, s, message) : 0;
}

void journal_free(struct journal *j)
{
    buffer_free(&j->store);
}
