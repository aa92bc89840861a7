#include <mailwhy/journal.h>

#include <string.h>

#include "journal_fields.h"

#define NAME_MAX_LEN 64
#define SIZE_LEN 8
#define VALUE_MAX ((uint64_t)768 << 20) /* octets of a field, as systemd has it */
#define PRETTY_END "\n}\n"
#define PRETTY_NEXT "\n{\n"

enum got {
    GOT_FIELD,
    GOT_END, /* the empty line behind an entry */
    GOT_DAMAGE, /* neither */
    GOT_LITTLE, /* its end is not there yet */
};

struct field {
    struct span name, value;
    uint64_t missing; /* octets of a binary value that are not there yet, its line end included; 0: not known */
};

/* A binary field, behind its name's line. */
static enum got take_binary(struct span *s, const char *at, struct field *f)
{
    uint64_t len = 0;
    if (s->end - at < SIZE_LEN)
        return GOT_LITTLE;
    for (int i = SIZE_LEN; i-- > 0;)
        len = len << 8 | (unsigned char)at[i];
    at += SIZE_LEN;
    if (len > VALUE_MAX)
        return GOT_DAMAGE;
    size_t there = (size_t)(s->end - at);
    if (len >= there) {
        f->missing = len + 1 - there;
        return GOT_LITTLE;
    }
    f->value = (struct span){at, at + len};
    if (*f->value.end != '\n')
        return GOT_DAMAGE;
    s->at = f->value.end + 1;
    return GOT_FIELD;
}

/* Take a field off: "NAME=value", or "NAME", the value's length and the value. */
static enum got take_field(struct span *s, struct field *f)
{
    const char *at = s->at;
    *f = (struct field){0};
    if (at < s->end && *at == '\n') {
        s->at++;
        return GOT_END;
    }
    while (at < s->end && at - s->at <= NAME_MAX_LEN && (*at == '_' || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')))
        at++;
    f->name = (struct span){s->at, at};
    if (at == s->end)
        return GOT_LITTLE;
    if (span_length(f->name) == 0 || (*at != '=' && *at != '\n'))
        return GOT_DAMAGE;
    if (*at == '\n')
        return take_binary(s, at + 1, f);
    f->value = span_until((struct span){at + 1, s->end}, '\n');
    if (f->value.end == s->end)
        return GOT_LITTLE;
    s->at = f->value.end + 1;
    return GOT_FIELD;
}

/* Pass the next empty line. False: there is none. */
static bool pass_empty_line(struct span *s)
{
    if (span_starts(*s, "\n")) {
        s->at++;
        return true;
    }
    return span_pass(s, "\n\n");
}

/* Take an entry off, without its fields. GOT_END, GOT_DAMAGE, or GOT_LITTLE: s is untouched then, but for what is the last. */
static enum got take_entry(struct span *s, bool last, struct span fields[static JOURNAL_FIELDS])
{
    struct span at = *s;
    struct field f;
    enum got got;
    while ((got = take_field(&at, &f)) == GOT_FIELD) {
        enum journal_field field = journal_field(f.name.at, span_length(f.name));
        if (field < JOURNAL_FIELDS)
            fields[field] = f.value;
    }
    if (got == GOT_DAMAGE && !pass_empty_line(&at))
        got = GOT_LITTLE;
    if (got == GOT_LITTLE && last)
        at.at = at.end;
    if (got != GOT_LITTLE || last)
        *s = at;
    return got;
}

static int next_entry(struct journal *j, struct span *piece, struct maillog_message *message)
{
    struct span fields[JOURNAL_FIELDS] = {{0}};
    enum got got = take_entry(piece, true, fields);
    journal_message(fields, message);
    j->lost += got != GOT_END && !journal_is_whole(message);
    return journal_is_whole(message) || (got == GOT_END && message->program.at);
}

static int next_object(struct journal *j, struct span *piece, struct maillog_message *message)
{
    struct span object = *piece, next = *piece;
    if (span_pass(&next, PRETTY_END))
        object.end = next.at;
    piece->at = object.end;
    for (next = object; span_pass(&next, PRETTY_NEXT); object.at = next.at -= 2) /* another begins: what is before it was cut */
        j->lost += *object.at == '{';
    return journal_read_json(j, object.at, span_length(object), message);
}

int journal_next(struct journal *j, enum journal_format format, struct span *piece, struct maillog_message *message)
{
    while (piece->at < piece->end) {
        int got = format == JOURNAL_PRETTY ? next_object(j, piece, message) : next_entry(j, piece, message);
        if (got != 0)
            return got;
    }
    return 0;
}

/* Pass a line, or what there is of it. */
static void pass_line(struct journal_split *s, struct span *at)
{
    struct span line = span_until(*at, '\n');
    s->in_line = line.end == at->end;
    at->at = line.end + !s->in_line;
}

/* Pass over what there is of a large entry in export format. */
static void pass_export(struct journal_split *s, struct span *at)
{
    struct field f;
    while (s->passing) {
        size_t skip = s->skip < span_length(*at) ? (size_t)s->skip : span_length(*at);
        at->at += skip;
        s->skip -= skip;
        if (at->at == at->end)
            return;
        if (s->in_line) {
            pass_line(s, at);
            continue;
        }
        enum got got = s->blind && *at->at != '\n' ? GOT_DAMAGE : take_field(at, &f);
        if (got == GOT_END) {
            s->passing = s->blind = false;
        } else if (got == GOT_DAMAGE) {
            s->blind = s->in_line = true;
        } else if (got == GOT_LITTLE && f.missing) {
            s->skip = span_length(*at) + f.missing;
        } else if (got == GOT_LITTLE) {
            if (f.name.end == at->end || *f.name.end == '\n')
                return; /* its name, or its length */
            s->in_line = true;
        }
    }
}

/* Pass over what there is of a large object. */
static void pass_pretty(struct journal_split *s, struct span *at)
{
    s->passing = !span_pass(at, PRETTY_END);
    if (s->passing && span_length(*at) > strlen(PRETTY_END))
        at->at = at->end - strlen(PRETTY_END);
}

/* Make the piece the entries from its beginning on that are there. Damaged ones are none of it: before the others they are passed. */
static void find_entries(struct journal_split *s, struct span *piece, struct span all, bool last)
{
    struct span at = all, fields[JOURNAL_FIELDS];
    *piece = (struct span){all.at, all.at};
    while (at.at < at.end) {
        enum got got = take_entry(&at, last, fields);
        if (at.at - piece->end > (ptrdiff_t)JOURNAL_ENTRY_MAX)
            got = GOT_DAMAGE;
        if (got == GOT_DAMAGE && piece->end > piece->at)
            return;
        if (got == GOT_LITTLE && !last)
            return;
        if (got == GOT_DAMAGE) {
            s->lost++;
            piece->at = at.at;
        }
        piece->end = at.at;
    }
}

static void find_objects(struct journal_split *s, struct span *piece, struct span all, bool last)
{
    struct span at = all;
    *piece = (struct span){all.at, all.at};
    while (at.at < at.end && (span_pass(&at, PRETTY_END) || last)) {
        bool rest = at.at == piece->end; /* no end was found */
        at.at = rest ? at.end : at.at;
        bool large = at.at - piece->end > (ptrdiff_t)JOURNAL_ENTRY_MAX;
        if (large && piece->end > piece->at)
            return;
        s->lost += large;
        piece->at = large ? at.at : piece->at;
        piece->end = at.at;
    }
}

size_t journal_split(struct journal_split *s, const char *data, size_t len, bool last, struct span *whole)
{
    struct span at = {data, data + len};
    if (s->passing && s->format == JOURNAL_EXPORT)
        pass_export(s, &at);
    else if (s->passing)
        pass_pretty(s, &at);
    *whole = (struct span){at.at, at.at};
    if (s->passing && last)
        *whole = (struct span){at.end, at.end};
    if (s->passing)
        return (size_t)(whole->end - data);
    if (s->format == JOURNAL_PRETTY)
        find_objects(s, whole, at, last);
    else
        find_entries(s, whole, at, last);
    if (whole->end == data && len >= JOURNAL_ENTRY_MAX) {
        s->passing = true;
        s->lost++;
        return journal_split(s, data, len, last, whole);
    }
    return (size_t)(whole->end - data);
}

static bool is_name_start(char c)
{
    return c == '_' || (c >= 'A' && c <= 'Z');
}

/* It begins with an object over several lines, the first of which names a field. */
static bool object_starts(struct span s)
{
    if (!span_starts(s, "{\n"))
        return false;
    s.at++;
    while (s.at < s.end && (*s.at == ' ' || *s.at == '\t' || *s.at == '\n'))
        s.at++;
    return span_length(s) > 1 && *s.at == '"' && is_name_start(s.at[1]);
}

enum journal_format journal_format(const char *data, size_t len)
{
    struct span line = {data, data + len};
    do {
        if (span_starts(line, "__CURSOR=") || span_starts(line, "__REALTIME_TIMESTAMP="))
            return JOURNAL_EXPORT;
        if (object_starts(line))
            return JOURNAL_PRETTY;
    } while (span_pass(&line, "\n"));
    return JOURNAL_NONE;
}
