/* Replies without what changes from one client to the next: those that are equal then must have the same reason. */
#include "our_catalog.h"
#include "rows.h"

#include <time.h>

#include <mailwhy/mask.h>

static struct row {
    const char *name, *reply, *match, *people;
} rows[] = {
    {"address", "554 5.7.1 <anna@example.net>: Relay access denied", "554 5.7.1 <a@b.c>: Relay access denied",
     "554 5.7.1 <...>: Relay access denied"},
    {"client", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked",
     "554 5.7.1 Service unavailable; Client host [1.1.1.1] blocked", "554 5.7.1 Service unavailable; Client host [...] blocked"},
    {"IPv6", "550 [IPv6:2001:db8::7] no", "550 [::1] no", "550 [...] no"},
    {"a provider's own code", "550 5.7.1 no (S3140) [S3140] 12", "550 5.7.1 no (S3140) [S3140] 12", "550 5.7.1 no (S#) [...] #"},
    {"URL", "550 see <https://a.test/b?c>", "550 see <https://a.test/b?c>", "550 see <https://a.test/b?c>"},
    {"address alone", "554 no, this 192.0.2.255 is on a list", "554 no, this 1.1.1.1 is on a list",
     "554 no, this # is on a list"},
    {"long number", "450 4.2.0 wait 1234567 s of 123", "450 4.2.0 wait 1111111 s of 123", "450 4.2.0 wait # s of #"},
    {"number in a word", "550 5.1.1 no a1234567 x", "550 5.1.1 no a1234567 x", "550 5.1.1 no a# x"},
    {"address without brackets", "577 5.9.3 the daemon is not amused by a.b+c@x-y.test.",
     "577 5.9.3 the daemon is not amused by a@b.c", "577 5.9.3 the daemon is not amused by ..."},
    {"a lone @", "501 5.1.7 no @ or @b or a@ here", "501 5.1.7 no @ or @b or a@ here", "501 5.1.7 no @ or @b or a@ here"},
    {"a line end", "500 5.5.2 bare <LF> or <CRLF>", "500 5.5.2 bare <LF> or <CRLF>", "500 5.5.2 bare <LF> or <CRLF>"},
    {"empty brackets", "501 <> []", "501 <> []", "501 <> []"},
    {"open brackets", "501 5.1.7 <anna [192.0.2.7", "501 5.1.7 <anna [1.1.1.1", "501 5.1.7 <anna [#"},
    {"controls", "550 a\tb\nc", "550 a\tb\nc", "550 a b c"},
    {"nothing", "", "", ""},
};

static void test_row(void **state)
{
    const struct row *row = *state;
    char masked[MASK_SIZE];
    assert_int_equal(mask_for_match(row->reply, strlen(row->reply), masked), strlen(row->match));
    assert_string_equal(masked, row->match);
    assert_int_equal(mask_for_people(row->reply, strlen(row->reply), masked), strlen(row->people));
    assert_string_equal(masked, row->people);
}

/* A reply that is too long is cut. */
static void test_long(void **state)
{
    char reply[3 * MASK_SIZE], masked[MASK_SIZE];
    (void)state;
    for (size_t len = MASK_SIZE - 3; len < sizeof reply; len += 509) {
        memset(reply, 'x', len);
        assert_int_equal(mask_for_match(reply, len, masked), len < MASK_SIZE - 1 ? len : MASK_SIZE - 1);
        assert_int_equal(strlen(masked), len < MASK_SIZE - 1 ? len : MASK_SIZE - 1);
    }
}

/* What opens brackets again and again costs no more than its length. */
static void test_hostile(void **state)
{
    static const char *const ends[] = {"", ">", "]", "://>"};
    static char reply[1 << 20];
    char masked[MASK_SIZE];
    (void)state;
    clock_t start = clock();
    for (size_t i = 0; i < 2 * sizeof ends / sizeof *ends; i++) {
        const char *end = ends[i / 2];
        memset(reply, i % 2 ? '<' : '[', sizeof reply);
        memcpy(reply + sizeof reply - strlen(end), end, strlen(end));
        assert_int_equal(mask_for_match(reply, sizeof reply, masked), MASK_SIZE - 1);
        assert_int_equal(mask_for_people(reply, sizeof reply, masked), MASK_SIZE - 1);
    }
    assert_true(clock() - start < 5 * CLOCKS_PER_SEC);
}

static const struct catalog_reason *reason_of(const char *text, size_t len)
{
    struct reply r;
    struct catalog_match m;
    if (reply_parse_bare(&r, text, len) == -1)
        return NULL;
    catalog_match(catalog, &r, &m);
    reply_free(&r);
    return m.reason;
}

/* The replies of the fixture have the reasons that they have masked. */
static void test_same_reason(void **state)
{
    FILE *f = fopen("tests/fixtures/replies.tsv", "r");
    char *line = NULL, masked[MASK_SIZE];
    size_t room = 0, count = 0;
    (void)state;
    assert_non_null(f);
    while (getline(&line, &room, f) > 0) {
        char *to = line;
        for (const char *from = line; *from && *from != '\t'; to++) {
            bool end = strncmp(from, "\\r\\n", 4) == 0;
            *to = end ? '\n' : *from;
            from += end ? 4 : 1;
        }
        size_t len = mask_for_match(line, (size_t)(to - line), masked);
        if (reason_of(line, (size_t)(to - line)) != reason_of(masked, len))
            fail_msg("another reason when it is masked: %.*s", (int)(to - line), line);
        count++;
    }
    assert_true(count > 2000);
    free(line);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long), cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_same_reason)};
    int failed = ROWS_RUN(rows, test_row);
    return failed + cmocka_run_group_tests_name("mask", tests, load_catalog, release_catalog);
}
