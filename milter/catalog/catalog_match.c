#include "entries.h"
#include "own_text.h"

#include <assert.h>

#define CANDIDATES 64 /* that are taken before they are matched */

bool reason_knows_code(const struct reason_entry *r, int code)
{
    for (size_t i = 0; i < r->code_count; i++)
        if (r->codes[i] == code)
            return true;
    return false;
}

bool reason_knows_enhanced(const struct reason_entry *r, const struct enhanced *e)
{
    for (size_t i = 0; e->class && i < r->enhanced_count; i++)
        if (enhanced_equal(&r->enhanced[i], e))
            return true;
    return false;
}

/* Whether a match of that rank and length goes before the one that out holds. */
static bool is_better(const struct catalog_match *out, const struct reason_entry *r, enum catalog_rank rank, size_t len)
{
    size_t held = out->end - out->start;
    if (rank != out->rank)
        return rank > out->rank;
    return len > held || (len == held && out->reason && &r->reason < out->reason);
}

/* Take the match over where it is more specific than what out holds. */
static void consider(struct catalog_match *out, const struct reason_entry *r, enum catalog_rank rank,
                     const struct pattern *pattern, const struct pattern_hit *hit, const char *text)
{
    if (!is_better(out, r, rank, hit ? hit->end - hit->start : 0))
        return;
    out->reason = &r->reason;
    out->rank = rank;
    out->pattern = pattern ? pattern_text(pattern) : NULL;
    out->start = hit ? hit->start : 0;
    out->end = hit ? hit->end : 0;
    out->fact_count = 0;
    for (size_t i = 0; hit && i < hit->group_count; i++) {
        const struct pattern_group *g = &hit->groups[i];
        out->facts[out->fact_count++] = (struct catalog_fact){g->name, text + g->start, g->end - g->start};
    }
}
static_assert(CATALOG_FACTS_MAX == PATTERN_GROUPS_MAX, "each group can be a fact");

enum catalog_rank reason_rank(const struct reason_entry *r, const struct reply *reply)
{
    return (enum catalog_rank)(RANK_PATTERN + reason_knows_code(r, reply->code) + reason_knows_enhanced(r, &reply->enhanced));
}

/* A pattern that the filter lets pass. */
struct candidate {
    struct pattern *pattern;
    const struct reason_entry *reason;
    enum catalog_rank rank; /* if it matches */
};

/* The reply, and what a match of it needs. */
struct matching {
    const struct catalog *c;
    const struct reply *reply;
    size_t len; /* of the reply's text, without what mailwhy added to it */
    struct pattern_filter filter;
    struct pattern_scratch scratch;
    struct candidate candidates[CANDIDATES];
    size_t count;
    struct catalog_match *out;
};

/* Match the candidates, those of a higher rank first: where one of them matches, the rest need not be looked at. */
static void match_candidates(struct matching *m)
{
    for (enum catalog_rank rank = RANK_PATTERN_BOTH; rank >= RANK_PATTERN && rank >= m->out->rank; rank--) {
        for (const struct candidate *k = m->candidates; k < m->candidates + m->count; k++) {
            struct pattern_hit hit;
            if (k->rank == rank && pattern_match(k->pattern, &m->scratch, m->reply->text, m->len, &hit) == 1)
                consider(m->out, k->reason, rank, k->pattern, &hit, m->reply->text);
        }
    }
    m->count = 0;
}

/* Take what may match of the patterns of one key. */
static void take_candidates(struct matching *m, unsigned key)
{
    const struct pattern_row *end = m->c->rows + m->c->key_rows[key + 1];
    for (const struct pattern_row *row = m->c->rows + m->c->key_rows[key]; row < end; row++) {
        if (key < PATTERN_GRAMS && !pattern_filter_has(&m->filter, row->key.guard))
            continue;
        if (!pattern_may_match_at(row->pattern, &row->key, &m->filter))
            continue;
        if (m->count == CANDIDATES)
            match_candidates(m);
        const struct reason_entry *r = &m->c->reasons[row->reason];
        m->candidates[m->count++] = (struct candidate){row->pattern, r, reason_rank(r, m->reply)};
    }
}

static void consider_patterns(const struct catalog *c, const struct reply *reply, struct catalog_match *out)
{
    struct matching m;
    m.c = c;
    m.reply = reply;
    m.len = own_text_len(c, reply);
    m.scratch = (struct pattern_scratch){0};
    m.count = 0;
    m.out = out;
    pattern_filter_fill(&m.filter, reply->text, m.len);
    for (unsigned word = 0; word < PATTERN_GRAMS / 64; word++)
        for (uint64_t bits = m.filter.seen[word]; bits; bits &= bits - 1)
            take_candidates(&m, word * 64 + (unsigned)__builtin_ctzll(bits));
    take_candidates(&m, PATTERN_GRAMS);
    match_candidates(&m);
    pattern_scratch_free(&m.scratch);
}

void catalog_match(const struct catalog *c, const struct reply *reply, struct catalog_match *out)
{
    out->reason = NULL;
    out->code = NULL;
    out->rank = RANK_NONE;
    out->pattern = NULL;
    out->start = out->end = out->fact_count = 0;
    out->code = catalog_code_find(c, reply->code);
    out->enhanced = catalog_enhanced_find(c, &reply->enhanced);
    consider_patterns(c, reply, out);
    bool by_code = !out->enhanced || out->enhanced->vague;
    for (size_t i = 0; c->has_bare && i < c->reason_count && out->rank < RANK_ENHANCED; i++) {
        const struct reason_entry *r = &c->reasons[i];
        if (r->pattern_count)
            continue;
        if (reason_knows_enhanced(r, &reply->enhanced))
            consider(out, r, RANK_ENHANCED, NULL, NULL, NULL);
        else if (by_code && out->rank < RANK_CODE && reason_knows_code(r, reply->code))
            consider(out, r, RANK_CODE, NULL, NULL, NULL);
    }
}

bool catalog_is_specific(const struct catalog_match *match)
{
    return match->reason || (match->enhanced && !match->enhanced->vague);
}
