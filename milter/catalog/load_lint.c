#include "load.h"

#include <errno.h>
#include <string.h>

#include <mailwhy/conf_file.h>

#include <mailwhy/pattern_example.h>

#define EXAMPLES 48 /* of each pattern, that are tried */

/* One reason's claim to an example. */
struct claim {
    const struct reason_entry *reason; /* NULL: none */
    const struct pattern *pattern;
    enum catalog_rank rank;
    size_t len;
};

static bool is_better(const struct claim *a, const struct claim *b)
{
    return a->rank > b->rank || (a->rank == b->rank && a->len > b->len);
}

/* The best claim of each reason but one to the reply that a reason's pattern was written for: with its first code and enhanced code. */
struct contest {
    struct loader *loader;
    const struct reason_entry *reason;
    struct reply reply;
    struct pattern_filter filter;
    struct pattern_scratch scratch;
    struct claim own, rival;
};

/* Let each reason make its claim. */
static void hold_contest(struct contest *x)
{
    const struct catalog *c = x->loader->c;
    x->own = x->rival = (struct claim){0};
    pattern_filter_fill(&x->filter, x->reply.text, x->reply.text_len);
    for (const struct reason_entry *r = c->reasons; r < c->reasons + c->reason_count; r++) {
        for (size_t n = 0; n < r->pattern_count; n++) {
            struct pattern_hit hit;
            if (!pattern_may_match(r->patterns[n], &x->filter) ||
                pattern_match(r->patterns[n], &x->scratch, x->reply.text, x->reply.text_len, &hit) != 1)
                continue;
            struct claim claim = {r, r->patterns[n], reason_rank(r, &x->reply), hit.end - hit.start};
            struct claim *best = r == x->reason ? &x->own : &x->rival;
            if (is_better(&claim, best))
                *best = claim;
        }
    }
}

/* What the examples of a pattern have shown. */
struct verdict {
    unsigned tried, won;
    struct claim winner; /* that took one of them */
    struct claim twin; /* that matched one equally well */
};

static void try_example(struct contest *x, const char *text, size_t len, struct verdict *v)
{
    x->reply.text = text;
    x->reply.text_len = len;
    hold_contest(x);
    if (!x->own.reason)
        return; /* not an example after all */
    v->tried++;
    if (x->rival.reason && x->rival.rank == x->own.rank && x->rival.len == x->own.len)
        v->twin = x->rival;
    else if (x->rival.reason && is_better(&x->rival, &x->own))
        v->winner = x->rival;
    else
        v->won++;
}

static void fault(const struct contest *x, const struct pattern *p, const char *how, const struct claim *other)
{
    buffer_printf(x->loader->faults, "%s:%d: reason %s: pattern '%s' %s reason %s (%s:%d) with '%s'\n",
                  x->reason->section->filename, conf_file_section_line(x->reason->section, x->reason->section->filename),
                  x->reason->reason.id, pattern_text(p), how, other->reason->reason.id, other->reason->section->filename,
                  conf_file_section_line(other->reason->section, other->reason->section->filename), pattern_text(other->pattern));
}

/* 0, or -1 with errno ENOMEM. */
static int judge_pattern(struct contest *x, const struct pattern *p)
{
    struct buffer example = {0};
    struct verdict v = {0};
    for (unsigned i = 0; i < EXAMPLES && buffer_ok(&example); i++) {
        buffer_clear(&example);
        if (pattern_example(pattern_text(p), i, &example) == 1)
            try_example(x, example.data, example.len, &v);
    }
    bool ok = buffer_ok(&example);
    buffer_free(&example);
    if (!ok) {
        errno = ENOMEM;
        return -1;
    }
    if (v.twin.reason)
        fault(x, p, "matches the same words equally well as", &v.twin);
    else if (!v.won && v.winner.reason)
        fault(x, p, "never wins: what it matches is taken by", &v.winner);
    return 0;
}

/* Two reasons without patterns must not wait for the same code. */
static void judge_bare(struct loader *l, const struct reason_entry *a, const struct reason_entry *b)
{
    char text[ENHANCED_SIZE];
    for (size_t i = 0; i < a->enhanced_count; i++)
        if (reason_knows_enhanced(b, &a->enhanced[i]))
            buffer_printf(l->faults, "%s:%d: reason %s: the enhanced code %s alone is already reason %s\n", b->section->filename,
                          conf_file_section_line(b->section, b->section->filename), b->reason.id,
                          enhanced_format(&a->enhanced[i], text), a->reason.id);
    for (size_t i = 0; i < a->code_count && !a->enhanced_count && !b->enhanced_count; i++)
        if (reason_knows_code(b, a->codes[i]))
            buffer_printf(l->faults, "%s:%d: reason %s: the code %d alone is already reason %s\n", b->section->filename,
                          conf_file_section_line(b->section, b->section->filename), b->reason.id, a->codes[i], a->reason.id);
}

int load_lint(struct loader *l)
{
    const struct catalog *c = l->c;
    struct contest x = {.loader = l};
    int result = 0;
    for (size_t i = 0; i < c->reason_count && result == 0; i++) {
        const struct reason_entry *r = &c->reasons[i];
        x.reason = r;
        x.reply.code = r->code_count ? r->codes[0] : 0;
        x.reply.enhanced = r->enhanced_count ? r->enhanced[0] : (struct enhanced){0};
        for (size_t n = 0; n < r->pattern_count && result == 0; n++)
            result = judge_pattern(&x, r->patterns[n]);
        for (size_t n = 0; n < i && !r->pattern_count; n++)
            if (!c->reasons[n].pattern_count)
                judge_bare(l, &c->reasons[n], r);
    }
    pattern_scratch_free(&x.scratch);
    return result;
}
