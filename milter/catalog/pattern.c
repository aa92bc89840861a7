#define PCRE2_CODE_UNIT_WIDTH 8

#include <mailwhy/pattern.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "needles.h"

#define LIMITS "(*LIMIT_MATCH=20000)(*LIMIT_DEPTH=1000)" /* a linear pattern needs a few hundred steps for a reply */
#define CAPTURES (PATTERN_GROUPS_MAX + 1)

struct pattern {
    pcre2_code *code; /* NULL: not compiled yet */
    char *limited; /* the text, behind its limits */
    bool broken; /* it cannot be compiled */
    bool fast; /* machine code was made of it */
    struct needles needles;
};

/* Compile the text of p. 0, or -1 with what is wrong in error. */
static int compile(struct pattern *p, char *error, size_t size)
{
    int code;
    PCRE2_SIZE at = 0;
    p->code = pcre2_compile((PCRE2_SPTR)p->limited, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF, &code,
                            &at, NULL);
    if (!p->code) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof why);
        snprintf(error, size, "%s at octet %zu", (const char *)why, at > strlen(LIMITS) ? (size_t)at - strlen(LIMITS) : 0);
        return -1;
    }
    uint32_t captures = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    if (captures > PATTERN_GROUPS_MAX) {
        snprintf(error, size, "more than %d capturing groups", PATTERN_GROUPS_MAX);
        pcre2_code_free(p->code);
        p->code = NULL;
        return -1;
    }
    return 0;
}

struct pattern *pattern_defer(const char *text)
{
    struct pattern *p = calloc(1, sizeof *p);
    if (!p || !(p->limited = malloc(strlen(LIMITS) + strlen(text) + 1))) {
        pattern_free(p);
        errno = ENOMEM;
        return NULL;
    }
    memcpy(stpcpy(p->limited, LIMITS), text, strlen(text) + 1);
    needles_read(&p->needles, text);
    return p;
}

struct pattern *pattern_compile(const char *text, char *error, size_t size)
{
    struct pattern *p = pattern_defer(text);
    if (!p)
        snprintf(error, size, "out of memory");
    else if (compile(p, error, size) == 0)
        return p;
    pattern_free(p);
    return NULL;
}

void pattern_make_fast(struct pattern *p)
{
    if (p->code) /* where there is no JIT, the interpreter serves */
        p->fast = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p->limited);
    free(p);
}

const char *pattern_text(const struct pattern *p)
{
    return p->limited + strlen(LIMITS);
}

void pattern_filter_fill(struct pattern_filter *f, const char *subject, size_t len)
{
    memset(f, 0, sizeof *f);
    if (len > PATTERN_SUBJECT_MAX)
        len = PATTERN_SUBJECT_MAX;
    uint32_t gram = 0;
    for (size_t i = 0; i < len; i++) { /* the first two set bits of no sequence, which harms nothing */
        gram = gram_add(gram, (unsigned char)subject[i]);
        unsigned hash = gram_bit(gram);
        f->seen[hash / 64] |= (uint64_t)1 << hash % 64;
    }
}

/* Where the alternative that begins at n ends; *holds: the subject has all of it. */
static const uint16_t *pass_alternative(const uint16_t *n, const struct pattern_filter *f, bool *holds)
{
    *holds = true;
    for (;; n++) {
        if (!pattern_filter_has(f, NEEDLE_GRAM(*n))) {
            *holds = false;
            while (!(*n & NEEDLE_ALTERNATIVE_END))
                n++;
        }
        if (*n & NEEDLE_ALTERNATIVE_END)
            return n + 1;
    }
}

/* Where the clause that begins at n ends; *holds: the subject has one of its alternatives. */
static const uint16_t *pass_clause(const uint16_t *n, const struct pattern_filter *f, bool *holds)
{
    n = pass_alternative(n, f, holds);
    while (!*holds && !(n[-1] & NEEDLE_CLAUSE_END))
        n = pass_alternative(n, f, holds);
    while (!(n[-1] & NEEDLE_CLAUSE_END))
        n++;
    return n;
}

bool pattern_may_match(const struct pattern *p, const struct pattern_filter *f)
{
    bool holds = true;
    for (const uint16_t *n = p->needles.needle, *end = n + p->needles.count; holds && n < end;)
        n = pass_clause(n, f, &holds);
    return holds;
}

bool pattern_may_match_at(const struct pattern *p, const struct pattern_key *key, const struct pattern_filter *f)
{
    const uint16_t *table = p->needles.needle, *end = table + p->needles.count;
    bool holds = true;
    if (key->at < p->needles.count)
        pass_alternative(table + key->at, f, &holds);
    for (const uint16_t *n = table; holds && n < end;)
        n = n == table + key->from ? table + key->to : pass_clause(n, f, &holds);
    return holds;
}

/* Note the named groups that took part in the match. */
static void take_groups(const struct pattern *p, const PCRE2_SIZE *ovector, struct pattern_hit *hit)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table;
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &count);
    if (count == 0)
        return;
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count && hit->group_count < PATTERN_GROUPS_MAX; i++, table += size) {
        unsigned number = (unsigned)table[0] << 8 | table[1];
        if (ovector[2 * number] != PCRE2_UNSET && ovector[2 * number] <= ovector[2 * number + 1])
            hit->groups[hit->group_count++] =
                (struct pattern_group){(const char *)table + 2, ovector[2 * number], ovector[2 * number + 1]};
    }
}

int pattern_match(struct pattern *p, struct pattern_scratch *scratch, const char *subject, size_t len, struct pattern_hit *hit)
{
    if (!scratch->data)
        scratch->data = pcre2_match_data_create(CAPTURES, NULL);
    if (!scratch->data) {
        errno = ENOMEM;
        return -1;
    }
    char why[200];
    if (!p->code && (p->broken || compile(p, why, sizeof why) == -1)) {
        p->broken = true;
        return 0;
    }
    pcre2_match_data *data = scratch->data;
    if (len > PATTERN_SUBJECT_MAX)
        len = PATTERN_SUBJECT_MAX;
    hit->group_count = 0;
    int rc = p->fast ? pcre2_jit_match(p->code, (PCRE2_SPTR)subject, len, 0, 0, data, NULL)
                     : pcre2_match(p->code, (PCRE2_SPTR)subject, len, 0, 0, data, NULL);
    if (rc > 0) {
        PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(data);
        for (unsigned i = 2 * (unsigned)rc; i < 2 * CAPTURES; i++)
            ovector[i] = PCRE2_UNSET;
        hit->start = ovector[0];
        hit->end = ovector[1];
        take_groups(p, ovector, hit);
    }
    return rc > 0;
}

void pattern_scratch_free(struct pattern_scratch *scratch)
{
    pcre2_match_data_free(scratch->data);
    scratch->data = NULL;
}

/* The rarest sequence of the alternative that begins at n; *n is then behind it. */
static unsigned rarest(const uint16_t **n, const uint32_t uses[PATTERN_GRAMS])
{
    unsigned best = NEEDLE_GRAM(**n);
    bool more;
    do {
        unsigned gram = NEEDLE_GRAM(**n);
        best = uses[gram] < uses[best] ? gram : best;
        more = !(*(*n)++ & NEEDLE_ALTERNATIVE_END);
    } while (more);
    return best;
}

/* The keys of one clause, which begins at *n; *n is then behind it. How many; more than PATTERN_KEYS: too many. */
static size_t clause_keys(const struct pattern *p, const uint16_t **n, const uint32_t uses[PATTERN_GRAMS],
                          struct pattern_key keys[PATTERN_KEYS], uint64_t *cost)
{
    const uint16_t *table = p->needles.needle, *from = *n;
    size_t count = 0;
    *cost = 0;
    do {
        uint8_t at = (uint8_t)(*n - table);
        unsigned bit = rarest(n, uses);
        *cost += uses[bit] + 1;
        if (count++ < PATTERN_KEYS)
            keys[count - 1] = (struct pattern_key){.bit = (uint16_t)bit, .at = at, .from = (uint8_t)(from - table)};
    } while (!((*n)[-1] & NEEDLE_CLAUSE_END));
    for (size_t i = 0; i < count && i < PATTERN_KEYS; i++)
        keys[i].to = (uint8_t)(*n - table);
    return count;
}

/* Take the sequence as the guard where it is another one than the key, and rarer than the guard so far. */
static void guard_with(struct pattern_key *key, unsigned gram, const uint32_t uses[PATTERN_GRAMS])
{
    if (gram != key->bit && (key->guard == key->bit || uses[gram] < uses[key->guard]))
        key->guard = (uint16_t)gram;
}

/* Find the guard of a key: among the sequences of its own alternative, and of the clauses of one alternative. */
static void find_guard(const struct pattern *p, struct pattern_key *key, const uint32_t uses[PATTERN_GRAMS])
{
    const uint16_t *table = p->needles.needle, *end = table + p->needles.count;
    key->guard = key->bit;
    for (const uint16_t *n = table; n < end;) {
        const uint16_t *alternative = n;
        bool first = n == table || (n[-1] & NEEDLE_CLAUSE_END), own = n == table + key->at;
        while (!(*n++ & NEEDLE_ALTERNATIVE_END))
            continue;
        bool alone = first && (n[-1] & NEEDLE_CLAUSE_END);
        for (; (own || alone) && alternative < n; alternative++)
            guard_with(key, NEEDLE_GRAM(*alternative), uses);
    }
}

size_t pattern_keys(const struct pattern *p, const uint32_t uses[PATTERN_GRAMS], struct pattern_key keys[PATTERN_KEYS])
{
    const uint16_t *end = p->needles.needle + p->needles.count;
    size_t best_count = 0;
    uint64_t best_cost = UINT64_MAX;
    for (const uint16_t *n = p->needles.needle; n < end;) {
        struct pattern_key own[PATTERN_KEYS];
        uint64_t cost;
        size_t count = clause_keys(p, &n, uses, own, &cost);
        if (count > PATTERN_KEYS || cost >= best_cost)
            continue;
        best_cost = cost;
        best_count = count;
        memcpy(keys, own, count * sizeof *own);
    }
    for (size_t i = 0; i < best_count; i++)
        find_guard(p, &keys[i], uses);
    return best_count;
}

void pattern_count_uses(const struct pattern *p, uint32_t uses[PATTERN_GRAMS])
{
    for (unsigned i = 0; i < p->needles.count; i++)
        uses[NEEDLE_GRAM(p->needles.needle[i])]++;
}
