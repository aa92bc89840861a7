#include "own_text.h"

#include <ctype.h>
#include <string.h>

#include "entries.h"

#define GROUP 5 /* digits of a reference's two */
#define REF_LEN (2 * GROUP + 1)

/* What stands behind "LABEL: " at the beginning of s; 0: something else stands there. */
static size_t pass_label(const char *s, size_t len, const char *label)
{
    size_t size = strlen(label);
    return len > size + 2 && memcmp(s, label, size) == 0 && s[size] == ':' && s[size + 1] == ' ' ? size + 2 : 0;
}

/* Whether the rest of a line is a reference, with an address behind it or none: nothing else follows one. */
static bool is_reference(const char *s, size_t len)
{
    const size_t size = REF_LEN;
    if (len < size || s[GROUP] != '-')
        return false;
    for (size_t i = 0; i < size; i++)
        if (i != GROUP && !isdigit((unsigned char)s[i]) && !isupper((unsigned char)s[i]))
            return false;
    size_t page = size;
    while (page < len && s[page] == ' ')
        page++;
    return len == size || (page > size && !memchr(s + page, ' ', len - page));
}

/* Whether one of the labels with which an addition begins stands at the beginning of s. */
static bool is_label(const struct language *l, const char *s, size_t len)
{
    static const enum word labels[] = {WORD_REASON, WORD_FIX, WORD_CONTACT, WORD_REF};
    for (size_t word = 0; word < sizeof labels / sizeof *labels; word++)
        if (pass_label(s, len, l->words[labels[word]]))
            return true;
    return false;
}

/* A reply as one language's labels part it. */
struct parted {
    size_t own; /* octets of its text that are the server's own: all of them where nothing was added */
    const char *ref; /* with which what was added ends; NULL: nothing was */
};

/* The first line of those that were added, where the last one is a reference; 0: none was. */
static unsigned first_added(const struct language *l, const struct reply *reply, const char **ref)
{
    const struct reply_line *last = &reply->lines[reply->line_count - 1];
    size_t label = pass_label(last->text, last->len, l->words[WORD_REF]);
    if (!label || !is_reference(last->text + label, last->len - label))
        return 0;
    *ref = last->text + label;
    for (unsigned i = 1; i < reply->line_count; i++)
        if (is_label(l, reply->lines[i].text, reply->lines[i].len))
            return i;
    return 0;
}

/* Where "; Reason: ... Ref: REFERENCE" begins on the last line, as an offset in the text; 0: nowhere. A client's text may hold the same before it. */
static size_t added_inline(const struct language *l, const struct reply *reply, const char **ref)
{
    const struct reply_line *last = &reply->lines[reply->line_count - 1];
    size_t begin = 0;
    for (size_t at = 1; at + 2 < last->len; at++) {
        const char *s = last->text + at;
        size_t label;
        if (s[0] == ';' && s[1] == ' ' && is_label(l, s + 2, last->len - at - 2))
            begin = at;
        if (begin && s[0] == ' ' && (label = pass_label(s + 1, last->len - at - 1, l->words[WORD_REF])) &&
            is_reference(s + 1 + label, last->len - at - 1 - label)) {
            *ref = s + 1 + label;
            return reply->text_len - last->len + begin;
        }
    }
    return 0;
}

static struct parted part(const struct catalog *c, const struct reply *reply)
{
    for (size_t i = 0; reply->line_count && i < c->language_count; i++) {
        const struct language *l = &c->languages[i];
        const char *ref = NULL;
        unsigned first = first_added(l, reply, &ref);
        size_t len = 0;
        for (unsigned line = 0; line < first; line++)
            len += reply->lines[line].len + (line > 0);
        if (!first)
            len = added_inline(l, reply, &ref);
        if (len)
            return (struct parted){len, ref};
    }
    return (struct parted){reply->text_len, NULL};
}

size_t own_text_len(const struct catalog *c, const struct reply *reply)
{
    return part(c, reply).own;
}

bool catalog_is_explained(const struct catalog *c, const struct reply *reply)
{
    return part(c, reply).ref;
}

struct span catalog_told_ref(const struct catalog *c, const struct reply *reply)
{
    struct parted p = part(c, reply);
    return (struct span){p.ref, p.ref ? p.ref + REF_LEN : NULL};
}
