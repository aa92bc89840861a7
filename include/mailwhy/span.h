/* A piece of a line of text: what readers of logs take apart. */
#ifndef MAILWHY_SPAN_H
#define MAILWHY_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at, *end;
};

static inline size_t span_length(struct span s)
{
    return (size_t)(s.end - s.at);
}

/* How common an octet is in the log of a mail server. */
static const unsigned char span_common[256] = {
    ['a'] = 8,  ['b'] = 2,  ['c'] = 5,  ['d'] = 5,  ['e'] = 10, ['f'] = 4,  ['g'] = 2,  ['h'] = 2,  ['i'] = 9, ['l'] = 5,
    ['m'] = 9,  ['n'] = 9,  ['o'] = 10, ['p'] = 5,  ['r'] = 6,  ['s'] = 8,  ['t'] = 9,  ['u'] = 8,  ['v'] = 2, ['w'] = 1,
    ['x'] = 5,  ['z'] = 1,  [' '] = 10, ['.'] = 10, [':'] = 7,  ['='] = 4,  ['/'] = 4,  ['['] = 4,  [']'] = 4, ['0'] = 10,
    ['1'] = 10, ['2'] = 10, ['3'] = 10, ['4'] = 10, ['5'] = 10, ['6'] = 10, ['7'] = 10, ['8'] = 10, ['9'] = 10};

/* Where the word first stands in the span, NULL for nowhere: its rarest octet is looked for. */
static inline const char *span_find(struct span s, const char *word)
{
    size_t len = strlen(word), rare = 0;
    for (size_t i = 1; i < len; i++)
        rare = span_common[(unsigned char)word[i]] < span_common[(unsigned char)word[rare]] ? i : rare;
    if (s.at >= s.end || span_length(s) < len)
        return NULL;
    const char *last = s.end - (len - rare); /* where the rare octet of a word can stand */
    for (const char *at = s.at + rare; at <= last && (at = memchr(at, word[rare], (size_t)(last - at) + 1)); at++)
        if (memcmp(at - rare, word, len) == 0)
            return at - rare;
    return NULL;
}

/* Where the word stands for the last time; NULL: nowhere. */
static inline const char *span_find_last(struct span s, const char *word)
{
    const char *last = NULL;
    for (const char *at; (at = span_find(s, word)); s.at = at + 1)
        last = at;
    return last;
}

/* Make s what stands behind the word. False: the word is not there, s is untouched. */
static inline bool span_pass(struct span *s, const char *word)
{
    const char *at = span_find(*s, word);
    if (at)
        s->at = at + strlen(word);
    return at;
}

static inline bool span_is(struct span s, const char *word)
{
    size_t len = strlen(word);
    return span_length(s) == len && memcmp(s.at, word, len) == 0;
}

static inline bool span_starts(struct span s, const char *word)
{
    size_t len = strlen(word);
    return span_length(s) >= len && memcmp(s.at, word, len) == 0;
}

/* The piece up to that octet; all where it is not there. */
static inline struct span span_until(struct span s, char end)
{
    const char *at = s.at < s.end ? memchr(s.at, end, span_length(s)) : NULL;
    return (struct span){s.at, at ? at : s.end};
}

#endif
