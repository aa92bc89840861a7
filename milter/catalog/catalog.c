#include "entries.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const who_names[] = {
    [WHO_SENDER] = "sender", [WHO_SENDER_ADMIN] = "sender-admin", [WHO_RECEIVER_ADMIN] = "receiver-admin"};
static_assert(sizeof who_names / sizeof *who_names == WHO_COUNT, "each who has its name");

struct catalog *catalog_retain(struct catalog *c)
{
    atomic_fetch_add(&c->users, 1);
    return c;
}

static void texts_free(struct catalog_text *texts, size_t count)
{
    for (size_t i = 0; texts && i < count; i++)
        free((void *)(uintptr_t)texts[i].variants);
    free(texts);
}

void reason_clear(struct reason_entry *r)
{
    for (size_t i = 0; i < r->pattern_count; i++)
        pattern_free(r->patterns[i]);
    free(r->patterns);
    free(r->codes);
    free(r->enhanced);
    *r = (struct reason_entry){0};
}

void catalog_release(struct catalog *c)
{
    if (!c || atomic_fetch_sub(&c->users, 1) != 1)
        return;
    for (size_t i = 0; i < c->reason_count; i++)
        reason_clear(&c->reasons[i]);
    for (size_t i = 0; i < c->language_count; i++) {
        texts_free(c->languages[i].reasons, c->reason_count);
        texts_free(c->languages[i].codes, c->code_count);
    }
    for (struct string_block *block = c->strings, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(c->languages);
    free(c->rows);
    free(c->codes);
    free(c->reasons);
    free(c);
}

static bool has_code(const struct reason_entry *r, int code)
{
    for (size_t i = 0; i < r->code_count; i++)
        if (r->codes[i] == code)
            return true;
    return false;
}

static bool has_enhanced(const struct reason_entry *r, const struct enhanced *e)
{
    for (size_t i = 0; e->class && i < r->enhanced_count; i++)
        if (enhanced_equal(&r->enhanced[i], e))
            return true;
    return false;
}

/* Take the match over where it is more specific than what out holds. */
static void consider(struct catalog_match *out, const struct reason_entry *r, enum catalog_rank rank,
                     const struct pattern *pattern, const struct pattern_hit *hit, const char *text)
{
    size_t len = hit ? hit->end - hit->start : 0;
    if (rank < out->rank || (rank == out->rank && len <= out->end - out->start))
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

/* The rank of a match of one of the reason's patterns. */
static enum catalog_rank pattern_rank(const struct reason_entry *r, const struct reply *reply)
{
    return (enum catalog_rank)(RANK_PATTERN + has_code(r, reply->code) + has_enhanced(r, &reply->enhanced));
}

static void consider_patterns(const struct catalog *c, const struct reply *reply, struct catalog_match *out)
{
    struct pattern_filter filter;
    struct pattern_scratch scratch = {0};
    pattern_filter_fill(&filter, reply->text, reply->text_len);
    for (size_t i = 0; i < c->row_count; i++) {
        const struct pattern_row *row = &c->rows[i];
        struct pattern_hit hit;
        if ((row->gram >= 0 && !pattern_filter_has(&filter, (unsigned)row->gram)) || !pattern_may_match(row->pattern, &filter))
            continue;
        const struct reason_entry *r = &c->reasons[row->reason];
        enum catalog_rank rank = pattern_rank(r, reply);
        if (rank >= out->rank && pattern_match(row->pattern, &scratch, reply->text, reply->text_len, &hit) == 1)
            consider(out, r, rank, row->pattern, &hit, reply->text);
    }
    pattern_scratch_free(&scratch);
}

void catalog_match(const struct catalog *c, const struct reply *reply, struct catalog_match *out)
{
    out->reason = NULL;
    out->code = NULL;
    out->rank = RANK_NONE;
    out->pattern = NULL;
    out->start = out->end = out->fact_count = 0;
    for (size_t i = 0; i < c->code_count; i++)
        if (c->codes[i].code == reply->code)
            out->code = &c->codes[i];
    consider_patterns(c, reply, out);
    for (size_t i = 0; i < c->reason_count && out->rank < RANK_ENHANCED; i++) {
        const struct reason_entry *r = &c->reasons[i];
        if (r->pattern_count)
            continue;
        if (has_enhanced(r, &reply->enhanced))
            consider(out, r, RANK_ENHANCED, NULL, NULL, NULL);
        else if (out->rank < RANK_CODE && has_code(r, reply->code))
            consider(out, r, RANK_CODE, NULL, NULL, NULL);
    }
}

static const struct language *language_find(const struct catalog *c, const char *name)
{
    for (size_t i = 0; i < c->language_count; i++)
        if (strcmp(c->languages[i].name, name) == 0)
            return &c->languages[i];
    return NULL;
}

bool catalog_has_language(const struct catalog *c, const char *language)
{
    return language_find(c, language) != NULL;
}

const struct catalog_text *catalog_reason_text(const struct catalog *c, const struct catalog_reason *reason, const char *language)
{
    size_t index = reason_index(c, reason);
    const struct language *l = language_find(c, language);
    return l && l->reasons[index].name ? &l->reasons[index] : &c->languages[0].reasons[index];
}

const struct catalog_text *catalog_code_text(const struct catalog *c, int code, const char *language)
{
    const struct language *l = language_find(c, language);
    for (size_t i = 0; i < c->code_count; i++)
        if (c->codes[i].code == code)
            return l && l->codes[i].name ? &l->codes[i] : &c->languages[0].codes[i];
    return NULL;
}

const struct catalog_reason *catalog_reason_by_id(const struct catalog *c, const char *id)
{
    for (size_t i = 0; i < c->reason_count; i++)
        if (strcmp(c->reasons[i].reason.id, id) == 0)
            return &c->reasons[i].reason;
    return NULL;
}

size_t catalog_reason_count(const struct catalog *c)
{
    return c->reason_count;
}

const char *catalog_who_name(enum catalog_who who)
{
    return who_names[who];
}
