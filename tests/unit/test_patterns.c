/* What each pattern of the catalogue keeps to. None backtracks without bounds: texts made to be almost what it matches, over and over, cost it a
 * bounded number of steps an octet, counted by PCRE2's callouts, so that no time is measured. And none is passed over where it matches. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "our_catalog.h"

#include <string.h>

#include <pcre2.h>

#include <mailwhy/pattern.h>
#include <mailwhy/pattern_example.h>

#define SUBJECT 1024 /* octets; a long reply has about as many */
#define STEPS_AN_OCTET 300

struct meter {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    unsigned long steps, limit;
};

static int count_step(pcre2_callout_block *block, void *context)
{
    struct meter *m = context;
    (void)block;
    return ++m->steps > m->limit ? PCRE2_ERROR_CALLOUT : 0;
}

/* Match the subject as often as it takes. False: it took too many steps. */
static bool is_cheap(struct meter *m, const char *subject, size_t len)
{
    m->steps = 0;
    m->limit = STEPS_AN_OCTET * (len + 64);
    pcre2_match(m->code, (PCRE2_SPTR)subject, len, 0, 0, m->data, m->context);
    return m->steps <= m->limit;
}

/* Append the piece until the subject is full. */
static void fill(struct buffer *subject, const char *piece, size_t len)
{
    while (len && subject->len + len <= SUBJECT)
        buffer_add(subject, piece, len);
}

/* Try what the pattern almost matches. The number of subjects that cost too much. */
static unsigned try_near_misses(struct meter *m, const char *pattern, const struct buffer *example)
{
    static const char *const tails[] = {"a", " ", "a ", "1.", "x@", "mail ", "<a@b>: ", "aaaaaaaa ", "mailbox user account "};
    unsigned dear = 0;
    for (size_t cut = 0; cut <= example->len; cut += example->len / 6 + 1) {
        for (size_t i = 0; i <= ROWS(tails); i++) {
            struct buffer subject = {0};
            if (i == ROWS(tails)) {
                fill(&subject, example->data, example->len - cut);
            } else {
                buffer_add(&subject, example->data, example->len - cut);
                fill(&subject, tails[i], strlen(tails[i]));
            }
            if (subject.len && !is_cheap(m, subject.data, subject.len)) {
                print_error("%s: more than %lu steps for %zu octets: %.80s\n", pattern, m->limit, subject.len, subject.data);
                dear++;
            }
            buffer_free(&subject);
        }
    }
    return dear;
}

static unsigned try_pattern(const char *pattern)
{
    int error;
    PCRE2_SIZE at;
    struct meter m = {.data = pcre2_match_data_create(16, NULL), .context = pcre2_match_context_create(NULL)};
    m.code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                           PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_UTF | PCRE2_AUTO_CALLOUT | PCRE2_NO_START_OPTIMIZE, &error,
                           &at, NULL);
    assert_non_null(m.code);
    pcre2_set_callout(m.context, count_step, &m);
    unsigned dear = 0;
    for (unsigned n = 0; n < 2 && !dear; n++) {
        struct buffer example = {0};
        if (pattern_example(pattern, n, &example) == 1 && example.len)
            dear = try_near_misses(&m, pattern, &example);
        buffer_free(&example);
    }
    pcre2_match_context_free(m.context);
    pcre2_match_data_free(m.data);
    pcre2_code_free(m.code);
    return dear;
}

static void test_near_misses(void **state)
{
    unsigned dear = 0, patterns = 0;
    const struct catalog_reason *r;
    (void)state;
    for (size_t i = 0; (r = catalog_reason_at(catalog, i)); i++) {
        const char *pattern;
        for (size_t n = 0; (pattern = catalog_reason_pattern_at(catalog, r, n)); n++, patterns++)
            dear += try_pattern(pattern) > 0;
    }
    assert_true(patterns > 500);
    assert_int_equal(dear, 0);
}

/* Whether an example that the pattern matches is passed over, by the filter or by the keys. */
static bool is_passed_over(struct pattern *p, const struct buffer *example)
{
    static const uint32_t uses[PATTERN_GRAMS];
    struct pattern_key keys[PATTERN_KEYS];
    struct pattern_filter filter;
    struct pattern_scratch scratch = {0};
    struct pattern_hit hit;
    bool matches = pattern_match(p, &scratch, example->data, example->len, &hit) == 1;
    pattern_scratch_free(&scratch);
    if (!matches)
        return false;
    pattern_filter_fill(&filter, example->data, example->len);
    size_t count = pattern_keys(p, uses, keys);
    bool found = count == 0;
    for (size_t i = 0; i < count; i++)
        found = found || (pattern_filter_has(&filter, keys[i].bit) && pattern_filter_has(&filter, keys[i].guard) &&
                          pattern_may_match_at(p, &keys[i], &filter));
    return !found || !pattern_may_match(p, &filter);
}

static void test_filter(void **state)
{
    unsigned passed_over = 0, examples = 0;
    const struct catalog_reason *r;
    (void)state;
    for (size_t i = 0; (r = catalog_reason_at(catalog, i)); i++) {
        const char *text;
        for (size_t n = 0; (text = catalog_reason_pattern_at(catalog, r, n)); n++) {
            char why[200];
            struct pattern *p = pattern_compile(text, why, sizeof why);
            assert_non_null(p);
            for (unsigned k = 0; k < 20; k++) {
                struct buffer example = {0};
                bool made = pattern_example(text, k, &example) == 1 && example.len;
                examples += made;
                if (made && is_passed_over(p, &example)) {
                    print_error("%s is passed over for %s\n", text, example.data);
                    passed_over++;
                }
                buffer_free(&example);
            }
            pattern_free(p);
        }
    }
    assert_true(examples > 5000);
    assert_int_equal(passed_over, 0);
}

/* The meter finds what it is there for. */
static void test_meter(void **state)
{
    (void)state;
    assert_true(try_pattern("(?:a+ ?)+ended") > 0);
    assert_int_equal(try_pattern("relay (?:access )?denied"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_near_misses), cmocka_unit_test(test_meter),
                                       cmocka_unit_test(test_filter)};
    return cmocka_run_group_tests(tests, load_catalog, release_catalog);
}
