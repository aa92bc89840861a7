/* Times without a year: what the file's last change and the order of its lines say of their years. */
#include "rows.h"

#include <stdlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/event_time.h>
#include <mailwhy/maillog.h>

#define NOW "2026-11-21T08:00:00Z"

static char folder[] = "/tmp/mailwhy-log-years-XXXXXX", path[64];

static time_t seconds(const char *time)
{
    struct timespec t = {0};
    assert_int_equal(event_time_parse(time, strlen(time), &t), 0);
    return t.tv_sec;
}

static void write_log(const struct buffer *log, const char *changed)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(log->data, 1, log->len, file), log->len);
    assert_int_equal(fclose(file), 0);
    struct timespec times[2] = {{.tv_sec = seconds(changed)}, {.tv_sec = seconds(changed)}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Add a line of a qmgr at that time. */
static void add_line(struct buffer *log, const char *stamp)
{
    assert_int_equal(
        buffer_printf(log, "%s mx postfix/qmgr[811]: 4XyZ12: from=<b@x.test>, size=450, nrcpt=1 (queue active)\n", stamp), 0);
}

static void begin(struct maillog *m, const char *now)
{
    struct log_years years;
    log_years_find(&years, path, seconds(now));
    maillog_begin(m, &years);
}

/* Read the log's lines, and append "YEAR " of each. */
static void read_years(const struct buffer *log, struct maillog *m, struct buffer *years)
{
    const char *line = log->data;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
        struct event e;
        char time[EVENT_TIME_SIZE];
        if (maillog_read(m, line, (size_t)(end - line), &e) != MAILLOG_ACCEPTED)
            continue;
        assert_int_equal(event_time_format(&e.time, time), 0);
        assert_int_equal(buffer_printf(years, "%.4s ", time), 0);
    }
}

static struct log {
    const char *name, *changed;
    const char *stamps[12];
    const char *years;
} logs[] = {
    {"one year", "2026-11-21T07:00:00Z", {"Jan  2 10:00:00", "Jun  2 10:00:00", "Nov 21 07:00:00"}, "2026 2026 2026 "},
    {"December to January",
     "2026-01-03T00:00:00Z",
     {"Dec 30 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:00", "Jan  2 10:00:00"},
     "2025 2025 2026 2026 "},
    {"a file of long ago", "2023-03-01T00:00:00Z", {"Nov 30 10:00:00", "Jan 31 10:00:00", "Feb 28 10:00:00"}, "2022 2023 2023 "},
    {"a file from the future", "2030-03-01T00:00:00Z", {"Nov 20 10:00:00", "Nov 21 07:00:00"}, "2026 2026 "},
    {"two changes of the year",
     "2026-03-01T00:00:00Z",
     {"Nov 30 10:00:00", "Dec 31 10:00:00", "Jan 31 10:00:00", "Jun 30 10:00:00", "Dec 30 10:00:00", "Jan  1 10:00:00",
      "Feb 28 10:00:00"},
     "2024 2024 2025 2025 2025 2026 2026 "},
    {"four years, of a quiet server",
     "2026-06-01T00:00:00Z",
     {"Nov 30 10:00:00", "May  1 10:00:00", "Nov 10 10:00:00", "Feb  3 10:00:00", "Jul 10 10:00:00", "Nov 10 10:00:00",
      "May 31 10:00:00"},
     "2023 2024 2024 2025 2025 2025 2026 "},
    {"more than a year without a change of it but one",
     "2026-11-21T07:00:00Z",
     {"Mar  1 10:00:00", "Nov 30 10:00:00", "Feb 28 10:00:00", "Nov 21 07:00:00"},
     "2025 2025 2026 2026 "},
    {"29 February within",
     "2025-03-05T00:00:00Z",
     {"Dec 31 10:00:00", "Feb 29 10:00:00", "Jul 31 10:00:00", "Dec 31 10:00:00", "Mar  1 10:00:00"},
     "2023 2024 2024 2024 2025 "},
    {"out of order by days",
     "2026-11-21T07:00:00Z",
     {"Nov 20 10:00:00", "Nov 12 10:00:00", "Nov 21 07:00:00", "Oct 21 10:00:00"},
     "2026 2026 2026 2026 "},
    {"late lines in the new year",
     "2026-01-01T12:00:00Z",
     {"Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58", "Jan  1 00:00:02"},
     "2025 2026 2025 2026 "},
    {"late lines in the new year, and years before",
     "2026-01-01T12:00:00Z",
     {"Dec 31 10:00:00", "Mar  1 10:00:00", "Aug  1 10:00:00", "Dec 31 23:59:59", "Jan  1 00:00:00", "Dec 31 23:59:58",
      "Jan  1 00:00:02"},
     "2024 2025 2025 2025 2026 2025 2026 "},
    {"a clock that was wrong for a while",
     "2026-11-21T07:00:00Z",
     {"Oct 20 10:00:00", "Jan  1 00:00:05", "Jan  1 00:00:06", "Oct 20 11:00:00", "Nov 21 07:00:00"},
     "2026 2026 2026 2026 2026 "},
    {"a clock that was wrong, in a log of years",
     "2026-11-21T07:00:00Z",
     {"Oct 20 10:00:00", "Feb  1 10:00:00", "Jun  1 10:00:00", "Oct 20 10:00:00", "Jan  1 00:00:05", "Oct 20 11:00:00",
      "Jan  1 10:00:00", "May 21 10:00:00", "Nov 21 07:00:00"},
     "2024 2025 2025 2025 2026 2025 2026 2026 2026 "},
    {"a last line that is later than the file",
     "2026-11-21T07:00:00Z",
     {"Nov 20 10:00:00", "Nov 21 06:00:00", "Dec 31 10:00:00"},
     "2026 2026 2025 "},
    {"a first line that is later than the file",
     "2026-11-21T07:00:00Z",
     {"Dec 31 10:00:00", "Nov 20 10:00:00", "Nov 21 06:00:00"},
     "2025 2026 2026 "},
    {"years that are written",
     "2026-03-01T00:00:00Z",
     {"2019-12-31T10:00:00Z", "2020-01-01T10:00:00Z", "2019-05-01T10:00:00Z"},
     "2019 2020 2019 "},
    {"other lines first",
     "2026-03-01T00:00:00Z",
     {"rubbish", "Dec 31 10:00:00", "Jun  1 10:00:00", "soon", "Jan  1 10:00:00", "Jul  1 10:00:00", "Jan  2 10:00:00"},
     "2023 2024 2025 2025 2026 "},
};

static void test_log(void **state)
{
    const struct log *row = *state;
    struct buffer log = {0}, years = {0};
    struct maillog m = {0};
    for (size_t i = 0; i < ROWS(row->stamps) && row->stamps[i]; i++)
        add_line(&log, row->stamps[i]);
    write_log(&log, row->changed);
    begin(&m, NOW);
    read_years(&log, &m, &years);
    assert_string_equal(buffer_string(&years), row->years);
    buffer_free(&log);
    buffer_free(&years);
    maillog_free(&m);
}

/* A log of four years, day by day: its size asks for samples, its compressed form is read whole. */
static void test_large(void **state)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct buffer log = {0}, command = {0};
    struct maillog m = {0};
    struct event e;
    (void)state;
    for (int day = 0; day < 4 * 12 * 28; day++) {
        char stamp[32];
        snprintf(stamp, sizeof stamp, "%s %2d 10:00:00", months[day / 28 % 12], day % 28 + 1);
        for (int i = 0; i < 150; i++)
            add_line(&log, stamp);
    }
    assert_true(log.len > (size_t)17 << 20);
    write_log(&log, "2026-12-28T11:00:00Z");
    size_t first = (size_t)(strchr(log.data, '\n') - log.data);
    for (int packed = 0; packed < 2; packed++) {
        begin(&m, "2027-01-10T00:00:00Z");
        assert_int_equal(maillog_read(&m, log.data, first, &e), MAILLOG_ACCEPTED);
        assert_int_equal(e.time.tv_sec, seconds("2023-01-01T10:00:00Z"));
        struct buffer years = {0};
        read_years(&log, &m, &years);
        assert_string_equal(years.data + years.len - 5, "2026 ");
        buffer_free(&years);
        buffer_printf(&command, "gzip -1 <%s >%s.gz && touch -r %s %s.gz && mv %s.gz %s", path, path, path, path, path, path);
        assert_int_equal(packed ? 0 : system(command.data), 0);
    }
    buffer_free(&log);
    buffer_free(&command);
    maillog_free(&m);
}

/* Of what is no regular file only the present is known. */
static void test_others(void **state)
{
    static const char *const others[] = {"-", "/dev/null", "/nowhere/maillog", folder};
    (void)state;
    for (size_t i = 0; i < ROWS(others); i++) {
        struct log_years y;
        log_years_find(&y, others[i], seconds(NOW));
        assert_int_equal(y.bound, seconds(NOW));
        assert_int_equal(y.at, 0);
    }
}

/* The next file's years are its own. */
static void test_next(void **state)
{
    struct buffer log = {0}, years = {0};
    struct maillog m = {0};
    (void)state;
    add_line(&log, "Jun  1 10:00:00");
    for (int year = 2019; year < 2027; year += 3) {
        char changed[32];
        snprintf(changed, sizeof changed, "%d-06-02T00:00:00Z", year);
        write_log(&log, changed);
        begin(&m, NOW);
        read_years(&log, &m, &years);
    }
    assert_string_equal(buffer_string(&years), "2019 2022 2025 ");
    buffer_free(&log);
    buffer_free(&years);
    maillog_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_others), cmocka_unit_test(test_next), cmocka_unit_test(test_large)};
    setenv("TZ", "UTC", 1);
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/log", folder);
    int failed = cmocka_run_group_tests_name("log_years", tests, NULL, NULL);
    failed += ROWS_RUN(logs, test_log);
    unlink(path);
    rmdir(folder);
    return failed != 0;
}
