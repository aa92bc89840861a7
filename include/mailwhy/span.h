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

/* Where the word first stands in the span, NULL for nowhere. */
static inline const char *span_find(struct span s, const char *word)
{
    return s.at < s.end ? memmem(s.at, span_length(s), word, strlen(word)) : NULL;
}

/* Make s what stands behind the word. False: the word is not there, s is untouched. */
static inline bool span_pass(struct span *s, const char *word)
{
    const char *at = span_find(*s, word);
    if (at)
        s->at = at + strlen(word);
    return at;
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
