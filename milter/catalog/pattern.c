#define PCRE2_CODE_UNIT_WIDTH 8

#include <mailwhy/pattern.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#define MATCH_LIMIT 20000 /* a linear pattern needs a few hundred steps for a reply */
#define NEEDLE_GRAMS 16
#define NEEDLE_MAX 256
#define CAPTURES (PATTERN_GROUPS_MAX + 1)

struct pattern {
    pcre2_code *code;
    pcre2_match_context *context;
    char *text;
    uint16_t grams[NEEDLE_GRAMS]; /* hashes of three-letter sequences that every match holds */
    unsigned gram_count;
};

/* A sequence of three octets, as it grows: the letters of ASCII in lower case, as a caseless pattern of octets takes them. */
static uint32_t gram_add(uint32_t gram, unsigned char c)
{
    return (gram << 8 | (c >= 'A' && c <= 'Z' ? c | 0x20U : c)) & 0xFFFFFF;
}

static unsigned gram_hash(uint32_t gram)
{
    return gram * 2654435761U >> 22;
}

/* Past a group or a class that opens at s. NULL where it does not end. */
static const char *skip_bracketed(const char *s)
{
    int depth = 0;
    bool class = false;
    do {
        if (*s == '\\' && s[1])
            s++;
        else if (class)
            class = *s != ']';
        else if (*s == '[')
            class = true;
        else if (*s == '(')
            depth++;
        else if (*s == ')')
            depth--;
        s++;
    } while (*s && (depth > 0 || class));
    return depth > 0 || class ? NULL : s;
}

/* The three-letter sequences of a pattern's literal runs. */
struct grams {
    uint16_t hash[NEEDLE_MAX];
    unsigned count;
};

static void add_run(struct grams *g, const char *run, size_t len)
{
    uint32_t gram = 0;
    for (size_t i = 0; i < len && g->count < NEEDLE_MAX; i++) {
        gram = gram_add(gram, (unsigned char)run[i]);
        if (i >= 2)
            g->hash[g->count++] = (uint16_t)gram_hash(gram);
    }
}

/* Whether the text uses what find_grams() does not read: comments, verbs, odd classes, and options but the harmless (?i), under which blanks may
 * mean nothing. */
static bool is_intricate(const char *text)
{
    static const char *const odd[] = {"(*", "\\Q", "[]", "[:", "[^]", "(?#"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (strstr(text, odd[i]))
            return true;
    for (const char *s = text; (s = strstr(s, "(?")); s += 2)
        if ((isalpha((unsigned char)s[2]) || s[2] == '^' || s[2] == '-') && s[2] != 'P' && strncmp(s, "(?i)", 4) != 0)
            return true;
    return false;
}

/* Find the three-letter sequences that each match must hold: those of the literal runs outside of groups. Where in doubt there are none. */
static void find_grams(const char *text, struct grams *g)
{
    char run[128];
    size_t len = 0;
    g->count = 0;
    if (is_intricate(text))
        return;
    for (const char *s = text; *s;) {
        bool ends = true;
        if (*s == '|') {
            g->count = 0;
            return;
        } else if (*s == '\\' && s[1] && strchr("bBAzZGdDsSwW", s[1])) {
            s += 2;
        } else if (*s == '\\' && (!s[1] || isalnum((unsigned char)s[1]))) {
            g->count = 0;
            return;
        } else if (*s == '(' || *s == '[') {
            s = skip_bracketed(s);
        } else if (*s == '*' || *s == '?' || *s == '{') { /* the octet before it may be missing */
            len -= len > 0;
            s += *s == '{' ? strcspn(s, "}") : 1;
        } else if (strchr(".^$+}", *s)) {
            s++;
        } else {
            s += *s == '\\';
            run[len++] = *s++;
            ends = len == sizeof run;
        }
        if (!s) {
            g->count = 0;
            return;
        }
        if (!ends && *s)
            continue;
        if (*s && strchr("*?{", *s))
            len -= len > 0;
        add_run(g, run, len);
        len = 0;
    }
}

/* Take some of them, spread over the pattern: what many patterns begin with tells little. The last one comes first. */
static void take_grams(struct pattern *p)
{
    struct grams g;
    find_grams(p->text, &g);
    unsigned take = g.count < NEEDLE_GRAMS ? g.count : NEEDLE_GRAMS;
    for (unsigned i = 0; i < take; i++)
        p->grams[p->gram_count++] = g.hash[g.count - 1 - i * g.count / take];
}

struct pattern *pattern_compile(const char *text, char *error, size_t size)
{
    int code;
    PCRE2_SIZE at = 0;
    struct pattern *p = calloc(1, sizeof *p);
    if (!p || !(p->text = strdup(text)) || !(p->context = pcre2_match_context_create(NULL))) {
        snprintf(error, size, "out of memory");
        goto fail;
    }
    p->code =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF, &code, &at, NULL);
    if (!p->code) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof why);
        snprintf(error, size, "%s at octet %zu", (const char *)why, (size_t)at);
        goto fail;
    }
    uint32_t captures = 0;
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &captures);
    if (captures > PATTERN_GROUPS_MAX) {
        snprintf(error, size, "more than %d capturing groups", PATTERN_GROUPS_MAX);
        goto fail;
    }
    pcre2_set_match_limit(p->context, MATCH_LIMIT);
    pcre2_set_depth_limit(p->context, 1000);
    take_grams(p);
    return p;

fail:
    pattern_free(p);
    return NULL;
}

void pattern_make_fast(struct pattern *p)
{
    pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* where there is no JIT, the interpreter serves */
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_match_context_free(p->context);
    pcre2_code_free(p->code);
    free(p->text);
    free(p);
}

const char *pattern_text(const struct pattern *p)
{
    return p->text;
}

void pattern_filter_fill(struct pattern_filter *f, const char *subject, size_t len)
{
    memset(f, 0, sizeof *f);
    if (len > PATTERN_SUBJECT_MAX)
        len = PATTERN_SUBJECT_MAX;
    uint32_t gram = 0;
    for (size_t i = 0; i < len; i++) { /* the first two set bits of no sequence, which harms nothing */
        gram = gram_add(gram, (unsigned char)subject[i]);
        unsigned hash = gram_hash(gram);
        f->seen[hash / 64] |= (uint64_t)1 << hash % 64;
    }
}

bool pattern_may_match(const struct pattern *p, const struct pattern_filter *f)
{
    for (unsigned i = 0; i < p->gram_count; i++)
        if (!pattern_filter_has(f, p->grams[i]))
            return false;
    return true;
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

int pattern_match(const struct pattern *p, struct pattern_scratch *scratch, const char *subject, size_t len,
                  struct pattern_hit *hit)
{
    if (!scratch->data)
        scratch->data = pcre2_match_data_create(CAPTURES, NULL);
    if (!scratch->data) {
        errno = ENOMEM;
        return -1;
    }
    pcre2_match_data *data = scratch->data;
    if (len > PATTERN_SUBJECT_MAX)
        len = PATTERN_SUBJECT_MAX;
    hit->group_count = 0;
    int rc = pcre2_match(p->code, (PCRE2_SPTR)subject, len, 0, 0, data, p->context);
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

int pattern_first_gram(const struct pattern *p)
{
    return p->gram_count ? p->grams[0] : -1;
}
