/* What a text must hold for a pattern to match it: clauses that must all be met, each by one at least of its alternatives, an alternative being
 * three-letter sequences that are all there. Read from the pattern's literal runs and its groups of alternatives. */
#ifndef MAILWHY_CATALOG_NEEDLES_H
#define MAILWHY_CATALOG_NEEDLES_H

#include <stddef.h>
#include <stdint.h>

#include <mailwhy/pattern.h>

#define NEEDLES_MAX 120

/* Sequences by their bit of a pattern_filter, in a row: flags on the last one of an alternative and of a clause. */
#define NEEDLE_ALTERNATIVE_END 0x4000U
#define NEEDLE_CLAUSE_END 0x8000U
#define NEEDLE_GRAM(needle) ((needle)&0x3fffU)

struct needles {
    uint16_t needle[NEEDLES_MAX];
    unsigned count; /* 0: any text may match */
};

/* A sequence of three octets as it grows, letters of ASCII in lower case, as a caseless pattern of octets takes them; its bit of a filter. */
static inline uint32_t gram_add(uint32_t gram, unsigned char c)
{
    return (gram << 8 | c | (uint32_t)((unsigned)c - 'A' < 26) << 5) & 0xFFFFFF;
}
static inline unsigned gram_bit(uint32_t gram)
{
    return gram * 2654435761U >> 21;
}

/* Read the pattern. What is not understood asks for nothing. */
void needles_read(struct needles *n, const char *pattern);

#endif
