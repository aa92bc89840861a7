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
struct pattern_filter {
    uint64_t seen[16];
};

/* Compile, caseless. NULL with what is wrong in error (at most size octets with its NUL). */
struct pattern *pattern_compile(const char *text, char *error, size_t size);

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
int pattern_match(const struct pattern *p, struct pattern_scratch *scratch, const char *subject, size_t len,
                  struct pattern_hit *hit);
void pattern_scratch_free(struct pattern_scratch *scratch);

/* One bit of the filter without which p cannot match, -1 where there is none; and whether it is set. For tables that pass over patterns without
 * touching them. */
int pattern_first_gram(const struct pattern *p);
static inline bool pattern_filter_has(const struct pattern_filter *f, unsigned gram)
{
    return f->seen[gram / 64] >> gram % 64 & 1;
}

#endif
