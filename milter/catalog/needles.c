#include "needles.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define RUN_GRAMS 24 /* of one literal run, or of the runs of one alternative */
#define ALTERNATIVE_GRAMS 6 /* that are kept of them, spread over it */

/* The sequences of some literal runs. */
struct grams {
    uint16_t bit[RUN_GRAMS];
    unsigned count;
};

struct reader {
    const char *at;
    struct needles *out;
    bool lost; /* something is not understood */
};

/* A literal run as it is read. */
struct run {
    char text[64];
    size_t len;
};

static void take_run(struct grams *g, struct run *run)
{
    uint32_t gram = 0;
    for (size_t i = 0; i < run->len && g->count < RUN_GRAMS; i++) {
        gram = gram_add(gram, (unsigned char)run->text[i]);
        if (i >= 2)
            g->bit[g->count++] = (uint16_t)gram_bit(gram);
    }
    run->len = 0;
}

/* Append some of the sequences as one alternative. False: there is no room, or there are none. */
static bool add_alternative(struct needles *n, const struct grams *g)
{
    unsigned take = g->count < ALTERNATIVE_GRAMS ? g->count : ALTERNATIVE_GRAMS;
    if (take == 0 || n->count + take > NEEDLES_MAX)
        return false;
    for (unsigned i = 0; i < take; i++)
        n->needle[n->count++] = g->bit[g->count - 1 - i * g->count / take];
    n->needle[n->count - 1] |= NEEDLE_ALTERNATIVE_END;
    return true;
}

/* Make the first clause of the sequences that must all be there: the one that says most goes first. */
static void put_first(struct needles *n, const struct grams *g)
{
    struct needles others = *n;
    n->count = 0;
    if (!add_alternative(n, g))
        return;
    n->needle[n->count - 1] |= NEEDLE_CLAUSE_END;
    unsigned end = 0;
    for (unsigned i = 0; i < others.count && n->count + i < NEEDLES_MAX; i++)
        if (others.needle[i] & NEEDLE_CLAUSE_END)
            end = i + 1;
    memcpy(n->needle + n->count, others.needle, end * sizeof *others.needle);
    n->count += end;
}

/* Make a clause of what was appended since the mark, where all of it is good; else take it back. */
static void end_clause(struct needles *n, unsigned mark, bool good)
{
    if (good && n->count > mark)
        n->needle[n->count - 1] |= NEEDLE_CLAUSE_END;
    else
        n->count = mark;
}

/* Past a class, which begins behind its '['. */
static void skip_class(struct reader *r)
{
    r->at += *r->at == '^';
    r->at += *r->at == ']';
    for (; *r->at && *r->at != ']'; r->at++) {
        r->lost = r->lost || (*r->at == '[' && strchr(":.=", r->at[1]));
        r->at += *r->at == '\\' && r->at[1];
    }
    r->lost = r->lost || !*r->at;
    r->at += *r->at == ']';
}

/* What a group that begins behind its '(' is. */
enum group { GROUP_PLAIN, GROUP_LOOKS, GROUP_OPTION };

static enum group read_group_head(struct reader *r)
{
    static const char *const plain[] = {"?:", "?>", "?|", "?i:", "?-i:"};
    if (*r->at != '?')
        return GROUP_PLAIN;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strncmp(r->at, plain[i], strlen(plain[i])) == 0) {
            r->at += strlen(plain[i]);
            return GROUP_PLAIN;
        }
    }
    if (strncmp(r->at, "?i)", 3) == 0 || strncmp(r->at, "?-i)", 4) == 0) {
        r->at = strchr(r->at, ')');
        return GROUP_OPTION;
    }
    if (r->at[1] == '=' || r->at[1] == '!' || (r->at[1] == '<' && (r->at[2] == '=' || r->at[2] == '!'))) {
        r->at += r->at[1] == '<' ? 3 : 2;
        return GROUP_LOOKS;
    }
    bool named = r->at[1] == '<' || (r->at[1] == 'P' && r->at[2] == '<');
    const char *end = named ? strchr(r->at, '>') : NULL;
    r->lost = r->lost || !end; /* comments, conditions, other options */
    r->at = end ? end + 1 : r->at;
    return GROUP_PLAIN;
}

/* Pass a quantifier. Whether what it belongs to may be missing; *any: there is one. */
static bool pass_quantifier(struct reader *r, bool *any)
{
    bool missing = *r->at == '?' || *r->at == '*';
    *any = missing || *r->at == '+' || (*r->at == '{' && isdigit((unsigned char)r->at[1]));
    if (!*any)
        return false;
    if (*r->at == '{') {
        const char *end = r->at + 1 + strspn(r->at + 1, "0123456789,");
        r->lost = r->lost || *end != '}';
        missing = r->at[1 + strspn(r->at + 1, "0")] < '1' || r->at[1 + strspn(r->at + 1, "0")] > '9';
        r->at = end;
    }
    r->at += !r->lost;
    r->at += *r->at == '?' || *r->at == '+';
    return missing;
}

static void read_sequence(struct reader *r, struct grams *own, bool clauses);

/* Pass a group behind its '(' and make a clause of its alternatives, where clauses are wanted and it cannot be missing. */
static void read_group(struct reader *r, bool clauses)
{
    unsigned mark = r->out->count;
    bool good = clauses, any;
    enum group kind = read_group_head(r);
    while (kind != GROUP_OPTION && !r->lost) {
        struct grams g = {.count = 0};
        read_sequence(r, &g, false);
        good = good && kind == GROUP_PLAIN && add_alternative(r->out, &g);
        if (*r->at != '|')
            break;
        r->at++;
    }
    r->lost = r->lost || *r->at != ')';
    r->at += *r->at == ')';
    if (pass_quantifier(r, &any) || kind != GROUP_PLAIN)
        good = false;
    end_clause(r->out, mark, good);
}

/* Read one literal octet, with its quantifier, into the run. The run is to be taken then where this returns true. */
static bool read_literal(struct reader *r, struct run *run)
{
    char c = *r->at++;
    bool any;
    if (pass_quantifier(r, &any))
        return true;
    run->text[run->len++] = c;
    return any || run->len == sizeof run->text;
}

/* Read up to the end of an alternative. The literal runs go to own; groups make clauses where these are wanted. */
static void read_sequence(struct reader *r, struct grams *own, bool clauses)
{
    struct run run = {.len = 0};
    bool any;
    while (*r->at && *r->at != '|' && *r->at != ')' && !r->lost) {
        char c = *r->at;
        bool ends = true;
        if (c == '\\' && r->at[1] && strchr("bBAzZK", r->at[1])) {
            r->at += 2;
        } else if (c == '\\' && r->at[1] && strchr("dDsSwWhHtnr", r->at[1])) {
            r->at += 2;
            pass_quantifier(r, &any);
        } else if (c == '\\' && (!r->at[1] || isalnum((unsigned char)r->at[1]))) {
            r->lost = true;
        } else if (c == '(' || c == '[') {
            r->at++;
            take_run(own, &run);
            if (c == '(') {
                read_group(r, clauses);
            } else {
                skip_class(r);
                pass_quantifier(r, &any);
            }
        } else if (c == '.') {
            r->at++;
            pass_quantifier(r, &any);
        } else if (c == '^' || c == '$') {
            r->at++;
        } else {
            r->at += c == '\\';
            ends = read_literal(r, &run);
        }
        if (ends)
            take_run(own, &run);
    }
    take_run(own, &run);
}

/* The alternatives of the whole pattern: one is a clause beside those of its groups; several are one clause. */
static void read_pattern(struct reader *r)
{
    struct grams own = {.count = 0};
    read_sequence(r, &own, true);
    if (*r->at != '|') {
        if (own.count)
            put_first(r->out, &own);
        return;
    }
    r->out->count = 0;
    bool good = add_alternative(r->out, &own);
    while (*r->at == '|' && !r->lost) {
        r->at++;
        own.count = 0;
        read_sequence(r, &own, false);
        good = add_alternative(r->out, &own) && good;
    }
    end_clause(r->out, 0, good);
}

void needles_read(struct needles *n, const char *pattern)
{
    struct reader r = {.at = pattern, .out = n};
    n->count = 0;
    if (!strstr(pattern, "(*") && !strstr(pattern, "\\Q") && !strstr(pattern, "[[:"))
        read_pattern(&r);
    else
        r.lost = true;
    if (r.lost || *r.at)
        n->count = 0;
}
