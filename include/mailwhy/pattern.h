/* One regular expression of the catalogue (PCRE2 with JIT), bounded in what a match may cost, and a filter that knows quickly
 * which patterns cannot match. */
#ifndef MAILWHY_PATTERN_H
#define MAILWHY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_GROUPS_MAX 8
#define PATTERN_SUBJECT_MAX 16384 /* octets of a subject that are looked at */

struct pattern;

struct pattern_group {
    const char *name;
    size_t start, end; /* in the subject */
};

struct pattern_hit {
    size_t start, end;
    struct pattern_group groups[PATTERN_GROUPS_MAX]; /* the named ones that took part */
    size_t group_count;
};

/* Which three-letter sequences a subject has, letters in lower case, hashed into a bit map. */
#define PATTERN_GRAMS 2048
struct pattern_filter {
    uint64_t seen[PATTERN_GRAMS / 64];
};

/* Compile, caseless. NULL with what is wrong in error (at most size octets with its NUL). */
struct pattern *pattern_compile(const char *text, char *error, size_t size);

/* The same, but it is compiled when it is first matched: for one of which few are ever matched, and no two threads at once. What is wrong with it is
 * not found out; it then matches nothing. NULL: errno ENOMEM. */
struct pattern *pattern_defer(const char *text);

/* Make machine code of it: for one that is to be matched often. Before it is shared. */
void pattern_make_fast(struct pattern *p);
void pattern_free(struct pattern *p);
const char *pattern_text(const struct pattern *p);

void pattern_filter_fill(struct pattern_filter *f, const char *subject, size_t len);

/* False where p cannot match the subject that f was filled from. */
bool pattern_may_match(const struct pattern *p, const struct pattern_filter *f);

/* The memory of a row of matches: all zero at first, freed once at the end. */
struct pattern_scratch {
    void *data;
};

/* 1: matches; 0: does not, or not within its limits; -1: errno ENOMEM. */
int pattern_match(struct pattern *p, struct pattern_scratch *scratch, const char *subject, size_t len, struct pattern_hit *hit);
void pattern_scratch_free(struct pattern_scratch *scratch);

/* For tables that pass over patterns without touching them: p can match only where one of its keys' bits is set in the filter, and then only if
 * pattern_may_match_at() says so for one such key. */
#define PATTERN_KEYS 32
struct pattern_key {
    uint16_t bit;
    uint16_t guard; /* another bit that must be set, too; the same one where there is none */
    uint8_t at, from, to; /* within the pattern's own table: the alternative that the bit stands for, and its clause */
};

static inline bool pattern_filter_has(const struct pattern_filter *f, unsigned bit)
{
    return f->seen[bit / 64] >> bit % 64 & 1;
}

/* What stands for the key of a pattern that has none. */
#define PATTERN_KEY_NONE                                                                                                         \
    ((struct pattern_key){.bit = PATTERN_GRAMS, .guard = PATTERN_GRAMS, .at = UINT8_MAX, .from = UINT8_MAX, .to = UINT8_MAX})

/* The keys of p, as many as are returned; 0: any subject may match. Of what could serve, the bits are taken that the fewest patterns use, as
 * pattern_count_uses() has counted. */
size_t pattern_keys(const struct pattern *p, const uint32_t uses[PATTERN_GRAMS], struct pattern_key keys[PATTERN_KEYS]);
bool pattern_may_match_at(const struct pattern *p, const struct pattern_key *key, const struct pattern_filter *f);
void pattern_count_uses(const struct pattern *p, uint32_t uses[PATTERN_GRAMS]);

#endif
