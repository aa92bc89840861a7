/* The reference: how it is made, typed, and dated. */
#include "rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mailwhy/ref.h>

#define START 1767225600 /* 2026-01-01T00:00:00Z */
#define PER_SECOND (1U << 22)

static struct typed {
    const char *name, *typed, *proper; /* proper NULL: not a reference */
} typed[] = {
    {"proper form", "6Q2F8-KXD3M", "6Q2F8-KXD3M"},
    {"lower case", "6q2f8-kxd3m", "6Q2F8-KXD3M"},
    {"no dash", "6Q2F8KXD3M", "6Q2F8-KXD3M"},
    {"blanks anywhere", " 6Q2 F8 - KX\tD3M ", "6Q2F8-KXD3M"},
    {"dashes elsewhere", "6Q-2F-8K-XD-3M", "6Q2F8-KXD3M"},
    {"O is 0", "OOOOO-ooooo", "00000-00000"},
    {"I and L are 1", "IiLl1-11111", "11111-11111"},
    {"the last one", "ZZZZZ-ZZZZZ", "ZZZZZ-ZZZZZ"},
    {"U is none", "6Q2F8-KXD3U", NULL},
    {"u is none", "u0000-00000", NULL},
    {"too short", "6Q2F8-KXD3", NULL},
    {"too long", "6Q2F8-KXD3M0", NULL},
    {"empty", "", NULL},
    {"dashes alone", "-----------", NULL},
    {"punctuation", "6Q2F8:KXD3M", NULL},
    {"not ASCII", "6Q2F8-KXD3\xc3\xa9", NULL},
    {"a line end", "6Q2F8-KXD3M\n", NULL},
};

static void test_typed(void **state)
{
    const struct typed *row = *state;
    char out[REF_SIZE] = "untouched";
    errno = 0;
    int got = ref_parse(row->typed, out);
    assert_int_equal(got, row->proper ? 0 : -1);
    assert_int_equal(errno, row->proper ? 0 : EINVAL);
    assert_string_equal(out, row->proper ? row->proper : "");
}

static struct dated {
    const char *name;
    time_t made, limit, expected;
} dated[] = {
    {"the same second", START + 1000, START + 1000, START + 1000},
    {"an hour ago", START + 1000, START + 4600, START + 1000},
    {"at the start", START, START, START},
    {"just before the wrap", START + REF_PERIOD - 1, START + REF_PERIOD + 10, START + REF_PERIOD - 1},
    {"just after the wrap", START + REF_PERIOD + 1, START + REF_PERIOD + 10, START + REF_PERIOD + 1},
    {"the limit is older: a period back", START + 1000, START + 999, START + 1000 - REF_PERIOD},
    {"made in the third period, looked for in the first", START + 5 + 2 * REF_PERIOD, START + 6, START + 5},
    {"made before the start", START - 5, START, START - 5},
    {"made at the Epoch", 0, START, 6 * REF_PERIOD},
    {"limit before the Epoch", START + 7, -1, START + 7 - 7 * REF_PERIOD},
};

static void test_dated(void **state)
{
    const struct dated *row = *state;
    struct ref_source source = {0};
    char ref[REF_SIZE];
    assert_int_equal(ref_make(&source, row->made, ref), 0);
    time_t got = ref_time(ref, row->limit);
    assert_int_equal(got, row->expected);
}

static void test_form(void **state)
{
    (void)state;
    struct ref_source source = {0};
    char ref[REF_SIZE], again[REF_SIZE];
    for (time_t t = START; t < START + 2000; t++) {
        assert_int_equal(ref_make(&source, t, ref), 0);
        assert_int_equal(strlen(ref), REF_SIZE - 1);
        assert_int_equal(ref[5], '-');
        assert_int_equal(ref_parse(ref, again), 0);
        assert_string_equal(ref, again);
        assert_int_equal(ref_time(ref, t + 5), t);
    }
}

static uint32_t low_bits(const char *ref)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t bits = 0;
    for (const char *s = ref; *s; s++)
        if (*s != '-')
            bits = bits << 5 | (uint64_t)(strchr(alphabet, *s) - alphabet);
    return (uint32_t)(bits % PER_SECOND);
}

static void test_second_used_up(void **state)
{
    (void)state;
    static unsigned char seen[PER_SECOND];
    struct ref_source source = {0};
    char ref[REF_SIZE];
    for (uint32_t i = 0; i < PER_SECOND; i++) {
        assert_int_equal(ref_make(&source, START, ref), 0);
        uint32_t low = low_bits(ref);
        assert_int_equal(seen[low], 0);
        seen[low] = 1;
    }
    assert_int_equal(ref_make(&source, START, ref), -1);
    assert_int_equal(errno, EAGAIN);
    assert_string_equal(ref, "");
    assert_int_equal(ref_make(&source, START + 1, ref), 0);
    assert_int_equal(ref_time(ref, START + 1), START + 1);
}

static void test_starts_differ(void **state)
{
    (void)state;
    char ref[REF_SIZE], first[REF_SIZE];
    unsigned same = 0;
    struct ref_source source = {0};
    assert_int_equal(ref_make(&source, START, first), 0);
    for (int i = 0; i < 50; i++) {
        source = (struct ref_source){0};
        assert_int_equal(ref_make(&source, START, ref), 0);
        same += strcmp(ref, first) == 0;
    }
    assert_true(same < 2);
}

static void test_sorts_by_time(void **state)
{
    (void)state;
    char before[REF_SIZE], after[REF_SIZE];
    struct ref_source source = {0};
    assert_int_equal(ref_make(&source, START + 12345, before), 0);
    assert_int_equal(ref_make(&source, START + 12346, after), 0);
    assert_true(strcmp(before, after) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_second_used_up),
        cmocka_unit_test(test_starts_differ),
        cmocka_unit_test(test_sorts_by_time),
    };
    int failed = ROWS_RUN(typed, test_typed);
    failed += ROWS_RUN(dated, test_dated);
    failed += cmocka_run_group_tests_name("ref_make", tests, NULL, NULL);
    return failed != 0;
}
