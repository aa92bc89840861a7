/* The times of a mail log's lines: both kinds, years that are not written, zones, and lines out of order. */
#include "maillog_line.h"
#include "rows.h"

#define QUEUED "4XyZ12: from=<b@x.test>, size=450, nrcpt=1 (queue active)"

static struct stamp {
    const char *name, *stamp, *now;
    const char *time; /* NULL: none that can be read */
} stamps[] = {
    {"old", "Nov 20 22:26:01", NOW, "2026-11-20T22:26:01Z"},
    {"old: one digit", "Nov  2 02:06:01", NOW, "2026-11-02T02:06:01Z"},
    {"old: 29 February two years ago", "Feb 29 12:00:00", NOW, "2024-02-29T12:00:00Z"},
    {"old: no 31 February", "Feb 31 12:00:00", NOW, NULL},
    {"new: offset without a colon", "2026-11-20T22:26:01+0100", NOW, "2026-11-20T21:26:01Z"},
    {"old: a leap second", "Jun 30 23:59:60", NOW, "2026-07-01T00:00:00Z"},
    {"old: December in January", "Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59Z"},
    {"old: January in December", "Jan  1 00:00:00", "2026-12-31T23:59:59Z", "2026-01-01T00:00:00Z"},
    {"old: a clock that goes ahead", "Nov 21 20:00:00", NOW, "2026-11-21T20:00:00Z"},
    {"old: next year's already, by a clock that goes ahead", "Nov 23 20:00:00", NOW, "2025-11-23T20:00:00Z"},
    {"old: 29 February", "Feb 29 12:00:00", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00Z"},
    {"old: 29 February of the year before", "Feb 29 12:00:00", "2029-01-10T00:00:00Z", "2028-02-29T12:00:00Z"},
    {"old: no such month", "Foo 20 22:26:01", NOW, NULL},
    {"old: no such day", "Nov 32 22:26:01", NOW, NULL},
    {"old: day 0", "Nov  0 22:26:01", NOW, NULL},
    {"old: no such hour", "Nov 20 24:26:01", NOW, NULL},
    {"old: no such minute", "Nov 20 22:60:01", NOW, NULL},
    {"old: no such second", "Nov 20 22:26:61", NOW, NULL},
    {"old: letters", "Nov 20 2x:26:01", NOW, NULL},
    {"old: a sign", "Nov -2 22:26:01", NOW, NULL},
    {"new: Z", "2026-11-20T22:26:01Z", NOW, "2026-11-20T22:26:01Z"},
    {"new: an offset", "2026-11-20T22:26:01+01:00", NOW, "2026-11-20T21:26:01Z"},
    {"new: an offset to the west", "2026-11-20T22:26:01-09:30", NOW, "2026-11-21T07:56:01Z"},
    {"new: an offset into the next year", "2026-12-31T22:26:01-05:00", NOW, "2027-01-01T03:26:01Z"},
    {"new: microseconds", "2026-11-20T22:26:01.123456+00:00", NOW, "2026-11-20T22:26:01.123456Z"},
    {"new: nanoseconds", "2026-11-20T22:26:01.123456789Z", NOW, "2026-11-20T22:26:01.123456789Z"},
    {"new: one decimal", "2026-11-20T22:26:01.5+01:00", NOW, "2026-11-20T21:26:01.5Z"},
    {"new: long ago", "1999-12-31T23:59:59Z", NOW, "1999-12-31T23:59:59Z"},
    {"new: from the future", "2099-01-01T00:00:00Z", NOW, "2099-01-01T00:00:00Z"},
    {"new: 29 February", "2028-02-29T00:00:00Z", NOW, "2028-02-29T00:00:00Z"},
    {"new: no 29 February", "2027-02-29T00:00:00Z", NOW, NULL},
    {"new: no such month", "2026-13-20T22:26:01Z", NOW, NULL},
    {"new: no zone", "2026-11-20T22:26:01", NOW, NULL},
    {"new: no zone but decimals", "2026-11-20T22:26:01.123456", NOW, NULL},
    {"new: a zone of letters", "2026-11-20T22:26:01+aa:bb", NOW, NULL},
    {"new: too long", "2026-11-20T22:26:01.12345678901234567890123456789012345678901234567890Z", NOW, NULL},
    {"none", "", NOW, NULL},
    {"seconds since the Epoch", "1795200000.000", NOW, NULL},
};

static void test_stamp(void **state)
{
    const struct stamp *row = *state;
    struct event e;
    struct buffer line = {0};
    struct maillog m = {.years.bound = seconds(row->now)};
    assert_int_equal(
        buffer_printf(&line, "%s mx postfix/smtpd[811]: lost connection after AUTH from c.test[192.0.2.7]", row->stamp), 0);
    assert_int_equal(read_line(&m, line.data, line.len, &e), row->time ? MAILLOG_LOST : MAILLOG_NOTHING);
    assert_int_equal(m.unread, row->time ? 0 : 1);
    if (row->time) {
        struct timespec time = {0};
        assert_int_equal(event_time_parse(row->time, strlen(row->time), &time), 0);
        assert_int_equal(e.time.tv_sec, time.tv_sec);
        assert_int_equal(e.time.tv_nsec, time.tv_nsec);
    }
    buffer_free(&line);
    maillog_free(&m);
}

/* An old time is that of this machine, in summer and in winter. */
static void test_zone(void **state)
{
    struct event e;
    struct maillog m = {.years.bound = seconds(NOW)};
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    static const char winter[] = "Nov 20 22:26:00 mx postfix/qmgr[1]: " QUEUED,
                      summer[] = "Jul 20 22:26:00 mx postfix/qmgr[1]: " QUEUED;
    assert_int_equal(read_line(&m, winter, strlen(winter), &e), MAILLOG_ACCEPTED);
    assert_int_equal(e.time.tv_sec, seconds("2026-11-20T21:26:00Z"));
    assert_int_equal(read_line(&m, summer, strlen(summer), &e), MAILLOG_ACCEPTED);
    assert_int_equal(e.time.tv_sec, seconds("2026-07-20T20:26:00Z"));
    setenv("TZ", "UTC", 1);
    tzset();
    maillog_free(&m);
}

/* Lines out of order, of several years and with both kinds of time: each has its own time. */
static void test_order(void **state)
{
    static const char *const order[][2] = {
        {"Nov 20 22:26:00", "2026-11-20T22:26:00Z"}, {"Dec 20 22:26:00", "2025-12-20T22:26:00Z"},
        {"Nov 20 22:25:59", "2026-11-20T22:25:59Z"}, {"2024-11-20T22:26:00Z", "2024-11-20T22:26:00Z"},
        {"Nov 20 22:59:59", "2026-11-20T22:59:59Z"}, {"2099-11-20T22:26:00+00:00", "2099-11-20T22:26:00Z"},
        {"Nov 20 23:00:00", "2026-11-20T23:00:00Z"}, {"Jan  1 22:00:00", "2026-01-01T22:00:00Z"},
    };
    struct maillog m = {.years.bound = seconds(NOW)};
    (void)state;
    for (size_t i = 0; i < ROWS(order); i++) {
        struct event e;
        struct buffer line = {0};
        assert_int_equal(buffer_printf(&line, "%s mx postfix/qmgr[811]: %s", order[i][0], QUEUED), 0);
        assert_int_equal(read_line(&m, line.data, line.len, &e), MAILLOG_ACCEPTED);
        assert_int_equal(e.time.tv_sec, seconds(order[i][1]));
        buffer_free(&line);
    }
    maillog_free(&m);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_zone), cmocka_unit_test(test_order)};
    int failed = ROWS_RUN(stamps, test_stamp);
    failed += cmocka_run_group_tests_name("maillog_time", tests, NULL, NULL);
    return failed != 0;
}
