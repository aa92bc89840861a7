/* Finding an event by its reference: few reads in a log that is in order, and found all the same in one that is not. */
#include "rows.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include <mailwhy/event_find.h>

#define START 1784020353 /* 2026-07-14T09:12:33Z */
#define READS_MAX 40

static const char reply[] = "535 5.7.8 Error: authentication failed: authentication failure\r\n";
#define BYTES(s) s, sizeof s - 1

static char path[] = "/tmp/mailwhy-test-XXXXXX";

/* A log in the making. */
struct writer {
    FILE *file;
    struct ref_source refs;
    struct buffer line;
    long written;
    char last[REF_SIZE];
};

static void writer_begin(struct writer *w)
{
    *w = (struct writer){.file = fopen(path, "w")};
    assert_non_null(w->file);
}

/* Write the event of that second; its pid says the how-manieth it is. */
static void writer_add(struct writer *w, time_t second, const char *helo)
{
    struct event e = {.time = {second, 1000 * (w->written % 1000000)},
                      .host = "mx1.example.com",
                      .pid = ++w->written,
                      .stage = STAGE_AUTH,
                      .code = 535,
                      .client_addr = "192.0.2.1",
                      .helo = helo,
                      .reply = reply,
                      .reply_len = sizeof reply - 1};
    assert_int_equal(ref_make(&w->refs, second, e.ref), 0);
    memcpy(w->last, e.ref, REF_SIZE);
    buffer_clear(&w->line);
    assert_int_equal(event_to_json(&e, &w->line), 0);
    assert_int_equal(fwrite(w->line.data, 1, w->line.len, w->file), w->line.len);
}

static void writer_junk(struct writer *w, const char *junk, size_t len, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_int_equal(fwrite(junk, 1, len, w->file), len);
}

static void writer_end(struct writer *w)
{
    buffer_free(&w->line);
    assert_int_equal(fclose(w->file), 0);
}

/* Find the reference: it must be the event of that number. The reads it took. */
static unsigned long assert_found(const char *ref, long number)
{
    struct event_found found;
    struct buffer store = {0};
    struct event e;
    assert_int_equal(event_find(path, ref, &found), 1);
    assert_int_equal(strlen(found.line), found.len);
    assert_int_equal(event_from_json(&e, &store, found.line, found.len), 1);
    assert_string_equal(e.ref, ref);
    assert_int_equal(e.pid, number);
    buffer_free(&store);
    free(found.line);
    return found.reads;
}

static void assert_not_found(const char *ref)
{
    struct event_found found = {.line = path, .len = 7};
    assert_int_equal(event_find(path, ref, &found), 0);
    assert_null(found.line);
    assert_int_equal(found.len, 0);
}

/* A log of so many lines, per_second in each second. */
static struct large {
    const char *name;
    long lines, per_second;
    long every; /* which are looked for */
} larges[] = {
    {"200,000 lines, 50 a second", 200000, 50, 997},
    {"200,000 lines, one an hour", 200000, 0, 997},
    {"20,000 lines within one second", 20000, 20000, 1999},
    {"ten lines", 10, 1, 1},
    {"one line", 1, 1, 1},
};

static void test_large(void **state)
{
    const struct large *row = *state;
    char(*refs)[REF_SIZE] = calloc((size_t)row->lines, REF_SIZE);
    struct writer w;
    assert_non_null(refs);
    writer_begin(&w);
    for (long i = 0; i < row->lines; i++) {
        writer_add(&w, row->per_second ? START + i / row->per_second : START + i * 3600, "client.example.net");
        memcpy(refs[i], w.last, REF_SIZE);
    }
    writer_end(&w);
    bool bounded = row->per_second < 1000;
    for (long i = 0; i < row->lines; i += row->every) {
        unsigned long reads = assert_found(refs[i], i + 1);
        if (bounded && reads > READS_MAX)
            fail_msg("%lu reads for line %ld", reads, i + 1);
    }
    assert_found(refs[row->lines - 1], row->lines);
    assert_not_found("00000-00000");
    assert_not_found("ZZZZZ-ZZZZZ");
    free(refs);
}

/* What may lie between, before and after the events of a log: so many times a piece of it. */
static struct junk {
    const char *name, *piece;
    size_t len, times;
    const char *end;
} junks[] = {
    {"nothing", BYTES(""), 0, ""},
    {"a torn line", BYTES("{\"ts\":\"2026-07-14T09:1"), 1, "\n"},
    {"a line torn after its time", BYTES("{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"he"), 1, "\n"},
    {"empty lines", BYTES("\n"), 300000, ""},
    {"a block of NULs", BYTES("\0\0\0\0"), 50000, "\n"},
    {"a line of 1 MiB", BYTES("0123456789abcdef"), 65536, "\n"},
    {"a line of 20 MiB", BYTES("0123456789abcdef"), 20 * 65536, "\n"},
    {"other JSON", BYTES("{\"ref\":1}\n"), 20000, ""},
    {"a time out of range", BYTES("{\"ts\":\"2026-99-14T09:12:33.000000Z\"}\n"), 5000, ""},
    {"a time without an end", BYTES("{\"ts\":\"2026-07-14T09:12:33.0000000000000000000000000000000000000000\n"), 5000, ""},
};

static void test_junk(void **state)
{
    const struct junk *row = *state;
    enum { PARTS = 5, EACH = 400 };
    static char refs[PARTS * EACH][REF_SIZE];
    struct writer w;
    writer_begin(&w);
    for (int i = 0; i < PARTS * EACH; i++) {
        if (i % EACH == 0) {
            writer_junk(&w, row->piece, row->len, row->times);
            writer_junk(&w, row->end, strlen(row->end), 1);
        }
        writer_add(&w, START + i, "x");
        memcpy(refs[i], w.last, REF_SIZE);
    }
    writer_junk(&w, row->piece, row->len, row->times);
    writer_end(&w);
    for (int i = 0; i < PARTS * EACH; i += i % EACH == EACH - 1 ? 1 : EACH - 1) {
        unsigned long reads = assert_found(refs[i], i + 1);
        if (row->len * row->times < 65536 && reads > READS_MAX)
            fail_msg("%lu reads for line %d", reads, i + 1);
    }
    assert_not_found("00000-00000");
}

/* The same second in three periods. */
static void test_periods(void **state)
{
    (void)state;
    enum { PERIODS = 3, EACH = 20000 };
    char refs[PERIODS][REF_SIZE];
    struct writer w;
    writer_begin(&w);
    for (int period = 0; period < PERIODS; period++)
        for (int i = 0; i < EACH; i++) {
            writer_add(&w, START + period * REF_PERIOD + i, "x");
            if (i == EACH / 2)
                memcpy(refs[period], w.last, REF_SIZE);
        }
    writer_end(&w);
    for (int period = 0; period < PERIODS; period++)
        assert_true(assert_found(refs[period], period * EACH + EACH / 2 + 1) <= 2 * READS_MAX);
}

/* Over the end of a period the references' time begins anew, and the log's goes on. */
static void test_wrap(void **state)
{
    (void)state;
    const time_t wrap = 1767225600 + REF_PERIOD;
    char refs[2000][REF_SIZE];
    struct writer w;
    writer_begin(&w);
    for (int i = 0; i < 2000; i++) {
        writer_add(&w, wrap - 1000 + i, "x");
        memcpy(refs[i], w.last, REF_SIZE);
    }
    writer_end(&w);
    for (int i = 0; i < 2000; i += i < 990 || i > 1010 ? 99 : 1)
        assert_true(assert_found(refs[i], i + 1) <= READS_MAX);
}

/* A clock set back by days between two runs. */
static void test_out_of_order(void **state)
{
    (void)state;
    static char refs[30000][REF_SIZE];
    struct writer w;
    writer_begin(&w);
    for (int i = 0; i < 30000; i++) {
        writer_add(&w, START + i - (i > 10000) * 500000 + (i > 20000) * 800000, "x");
        memcpy(refs[i], w.last, REF_SIZE);
    }
    writer_end(&w);
    for (int i = 0; i < 30000; i += 999)
        assert_found(refs[i], i + 1);
}

/* A client that says what an event looks like is not taken for one. */
static void test_forged(void **state)
{
    (void)state;
    char helo[128], ref[REF_SIZE];
    struct ref_source refs = {0};
    struct writer w;
    assert_int_equal(ref_make(&refs, START + 5, ref), 0);
    snprintf(helo, sizeof helo, "x\",\"ref\":\"%s\"}\n{\"ts\":\"2026-07-14T09:12:38.000000Z\",\"ref\":\"%s\"}", ref, ref);
    writer_begin(&w);
    for (int i = 0; i < 10; i++)
        writer_add(&w, START + i, helo);
    writer_junk(&w, BYTES("{\"ts\":\"2026-07-14T09:12:43Z\",\"x\":{\"ref\":\""), 1);
    writer_junk(&w, ref, REF_SIZE - 1, 1);
    writer_junk(&w, BYTES("\"}}\n"), 1);
    writer_end(&w);
    assert_not_found(ref);
}

/* A line that another program wrote, its keys in another order, counts where it is an event. */
static void test_foreign(void **state)
{
    (void)state;
    struct writer w;
    writer_begin(&w);
    for (int i = 0; i < 1000; i++)
        writer_add(&w, START + i, "x");
    static const char foreign[] = "{ \"ref\": \"6Q2F8-KXD3M\", \"pid\": 77, \"ts\": \"2026-07-14T09:12:33Z\" }\r\n";
    writer_junk(&w, foreign, sizeof foreign - 1, 1);
    for (int i = 0; i < 1000; i++)
        writer_add(&w, START + 1000 + i, "x");
    writer_end(&w);
    assert_found("6Q2F8-KXD3M", 77);
}

/* The last line lacks its end, as while it is written: whole it counts. */
static void test_last_line(void **state)
{
    (void)state;
    struct writer w;
    writer_begin(&w);
    writer_add(&w, START, "x");
    writer_add(&w, START + 1, "x");
    writer_end(&w);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    fclose(f);
    assert_int_equal(truncate(path, size - 1), 0);
    assert_found(w.last, 2);
    assert_int_equal(truncate(path, size - 2), 0);
    assert_not_found(w.last);
}

static void test_no_log(void **state)
{
    (void)state;
    struct event_found found;
    assert_int_equal(event_find("/tmp/mailwhy-test-is-not-there/log", "6Q2F8-KXD3M", &found), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(event_find("/tmp", "6Q2F8-KXD3M", &found), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(event_find("/dev/null", "6Q2F8-KXD3M", &found), -1);
    assert_int_equal(errno, ESPIPE);
    assert_int_equal(truncate(path, 0), 0);
    assert_not_found("6Q2F8-KXD3M");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_periods), cmocka_unit_test(test_wrap),    cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_forged),  cmocka_unit_test(test_foreign), cmocka_unit_test(test_last_line),
        cmocka_unit_test(test_no_log),
    };
    int fd = mkstemp(path);
    if (fd == -1)
        return 1;
    close(fd);
    int failed = ROWS_RUN(larges, test_large);
    failed += ROWS_RUN(junks, test_junk);
    failed += cmocka_run_group_tests_name("event_find", tests, NULL, NULL);
    unlink(path);
    return failed != 0;
}
