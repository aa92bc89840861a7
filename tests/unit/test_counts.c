/* Counting in bounded memory: exact while there are few names, and never more wrong than it says when there are many. */
#include "unit.h"

#include <mailwhy/counts.h>

static struct counts of(unsigned long first, unsigned long last)
{
    struct counts c;
    char name[32];
    counts_begin(&c, &distinct_small);
    for (unsigned long i = first; i < last; i++) {
        snprintf(name, sizeof name, "%lu", i);
        counts_add(&c, name, (time_t)(1000 + i));
    }
    return c;
}

/* Sets of all sizes: exact up to the size's number, then near. */
static void test_distinct(void **state)
{
    static const struct {
        const struct distinct_size *size;
        unsigned long exact;
        double error; /* four times the standard error */
    } sizes[] = {{&distinct_small, 32, 0.20}, {&distinct_middle, 4096, 0.065}, {&distinct_large, 524288, 0.016}};
    (void)state;
    for (size_t s = 0; s < ROWS(sizes); s++) {
        struct distinct d = {0};
        for (unsigned long i = 1; i <= 4 * sizes[s].exact; i++) {
            uint64_t hash = distinct_hash(&i, sizeof i);
            distinct_add(&d, sizes[s].size, hash);
            distinct_add(&d, sizes[s].size, hash);
            if (i <= sizes[s].exact) {
                assert_int_equal(distinct_count(&d), i);
                assert_false(d.about);
            } else if (i % sizes[s].exact == 0) { /* counting what is not exact takes long */
                assert_true(d.about);
                double off = (double)distinct_count(&d) - (double)i;
                assert_true(off < sizes[s].error * (double)i && -off < sizes[s].error * (double)i);
            }
        }
        distinct_free(&d);
    }
}

/* Two sets in one: what is in both counts once, whichever of them is exact. */
static void test_distinct_merge(void **state)
{
    static const unsigned long ends[][2] = {{10, 20}, {10, 500}, {500, 10}, {500, 600}, {0, 20}, {20, 0}};
    (void)state;
    for (size_t row = 0; row < ROWS(ends); row++) {
        struct distinct d[2] = {0}, both = {0};
        for (int which = 0; which < 2; which++)
            for (unsigned long i = 0; i < ends[row][which]; i++) {
                distinct_add(&d[which], &distinct_small, distinct_hash(&i, sizeof i));
                distinct_add(&both, &distinct_small, distinct_hash(&i, sizeof i));
            }
        distinct_merge(&d[0], &distinct_small, &d[1]);
        assert_int_equal(distinct_count(&d[0]), distinct_count(&both));
        assert_int_equal(d[0].about, both.about);
        distinct_free(&d[0]);
        distinct_free(&d[1]);
        distinct_free(&both);
    }
}

/* A name's count, first and last time, and what came with it. */
static void test_count(void **state)
{
    struct counts c;
    (void)state;
    counts_begin(&c, &distinct_small);
    assert_null(counts_add(&c, NULL, 1));
    assert_null(counts_add(&c, "", 1));
    counts_note_other(&c, NULL, "x");
    count_note_time(NULL, 1);
    counts_note_other(&c, counts_add(&c, "a", 20), "x");
    counts_note_other(&c, counts_add(&c, "a", 10), "y");
    counts_note_other(&c, counts_add(&c, "a", 15), "x");
    counts_add(&c, "b", 30);
    const struct count *a = counts_find(&c, "a");
    assert_int_equal(a->count, 3);
    assert_int_equal(a->first, 10);
    assert_int_equal(a->last, 20);
    assert_int_equal(distinct_count(&a->others), 2);
    assert_string_equal(a->other, "x");
    assert_null(counts_find(&c, "c"));
    size_t count;
    struct count **sorted = counts_sorted(&c, &count);
    assert_int_equal(count, 2);
    assert_string_equal(sorted[0]->name, "a");
    g_free(sorted);
    counts_end(&c);
}

/* Of many more names than are kept the heavy ones are there, and no count is too high, nor lower than is said. */
static void test_bound(void **state)
{
    enum { HEAVY = 100, LIGHT = 20 * COUNTS_MAX };
    struct counts c;
    char name[32];
    (void)state;
    counts_begin(&c, &distinct_small);
    for (unsigned i = 0; i < LIGHT; i++) {
        snprintf(name, sizeof name, "light-%u", i);
        counts_add(&c, name, 1);
        snprintf(name, sizeof name, "heavy-%u", i % HEAVY);
        counts_add(&c, name, 1);
        if (i % 3 == 0) { /* one that comes late, and often */
            counts_add(&c, "third", 1);
        }
    }
    assert_in_range(g_hash_table_size(c.table), COUNTS_MAX / 4, COUNTS_MAX);
    assert_in_range(c.bound, 1, 50);
    for (unsigned i = 0; i < HEAVY; i++) {
        snprintf(name, sizeof name, "heavy-%u", i);
        const struct count *found = counts_find(&c, name);
        unsigned real = LIGHT / HEAVY + (i < LIGHT % HEAVY);
        assert_non_null(found);
        assert_in_range(found->count, real - c.bound, real);
    }
    counts_end(&c);
}

/* Two counts in one say what one would have said. */
static void test_merge(void **state)
{
    (void)state;
    struct counts a = of(0, 100), b = of(50, 150), both = of(0, 150);
    struct count *c = counts_add(&a, "60", 7200);
    count_note_time(c, 7200);
    c = counts_add(&b, "60", 10800);
    counts_note_other(&b, c, "x");
    count_note_time(c, 10800);
    counts_merge(&a, &b);
    assert_null(b.table);
    assert_int_equal(g_hash_table_size(a.table), 150);
    assert_int_equal(a.bound, 0);
    const struct count *sixty = counts_find(&a, "60");
    assert_int_equal(sixty->count, 4);
    assert_int_equal(sixty->first, 1060);
    assert_int_equal(sixty->last, 10800);
    assert_string_equal(sixty->other, "x");
    counts_end(&a);
    counts_end(&both);
    a = of(0, 3 * COUNTS_MAX);
    b = of(COUNTS_MAX, 5 * COUNTS_MAX);
    unsigned long bound = a.bound + b.bound;
    counts_merge(&a, &b);
    assert_in_range(g_hash_table_size(a.table), 1, COUNTS_MAX);
    assert_true(a.bound >= bound);
    counts_end(&a);
}

static void add_up(void *data, time_t step, unsigned long count)
{
    unsigned long *sums = data;
    assert_in_range(step / 3600, 0, 499);
    sums[step / 3600] += count;
}

/* Times in any order: by the second while there are few, by the hour when they are many, and none is lost. */
static void test_history(void **state)
{
    static const int spreads[] = {1, 7, 60, 100, 600}, steps[] = {1, 1, 60, 300, 3600};
    (void)state;
    for (size_t row = 0; row < ROWS(spreads); row++) {
        struct counts c, other;
        unsigned long sums[500] = {0};
        counts_begin(&c, &distinct_small);
        counts_begin(&other, &distinct_small);
        for (int i = 0; i < 300000; i++)
            count_note_time(counts_add(i % 3 ? &c : &other, "a", 1), (time_t)(i * 37 % 500) * 3600 + i / 500 % spreads[row] * 6);
        counts_merge(&c, &other);
        const struct history *h = &counts_find(&c, "a")->history;
        history_each(h, add_up, sums);
        assert_int_equal(h->step, steps[row]);
        for (size_t i = 0; i < ROWS(sums); i++)
            assert_int_equal(sums[i], 600);
        counts_end(&c);
    }
}

static void note_steps(void *data, time_t step, unsigned long count)
{
    time_t *steps = data;
    assert_int_equal(count, 1);
    steps[step != 253402300799] = step;
}

/* Up to the year 9999, and seconds apart. */
static void test_far_times(void **state)
{
    static const time_t far = 253402300799;
    (void)state;
    struct counts c;
    time_t steps[2] = {0};
    counts_begin(&c, &distinct_small);
    count_note_time(counts_add(&c, "a", far), far);
    count_note_time(counts_add(&c, "a", far - 1), far - 1);
    history_each(&counts_find(&c, "a")->history, note_steps, steps);
    assert_true(steps[0] == far && steps[1] == far - 1);
    counts_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distinct),  cmocka_unit_test(test_distinct_merge), cmocka_unit_test(test_count),
        cmocka_unit_test(test_bound),     cmocka_unit_test(test_merge),          cmocka_unit_test(test_history),
        cmocka_unit_test(test_far_times),
    };
    return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
