#include "unit.h"

#include <errno.h>

#include <mailwhy/reply.h>

static void test_parse(void **state)
{
    static const struct {
        const char *name, *reply;
        int code;
        const char *enhanced;
        unsigned lines;
        const char *text;
    } rows[] = {
        {"one line", "535 5.7.8 Error: no", 535, "5.7.8", 1, "Error: no"},
        {"with CRLF", "503 5.5.1 Error\r\n", 503, "5.5.1", 1, "Error"},
        {"several lines", "550-5.1.1 one\r\n550-5.1.1 two\r\n550 5.1.1 three", 550, "5.1.1", 3, "one two three"},
        {"lines ended by LF", "550-a\n550 b\n", 550, "", 2, "a b"},
        {"no enhanced code", "500 what", 500, "", 1, "what"},
        {"an address is no enhanced code", "554 192.0.2.1 is listed", 554, "", 1, "192.0.2.1 is listed"},
        {"a version is no enhanced code", "554 5.7.1.2 x", 554, "", 1, "5.7.1.2 x"},
        {"class 3 is no enhanced code", "554 3.7.1 x", 554, "", 1, "3.7.1 x"},
        {"four digits are no enhanced code", "554 5.7.1234 x", 554, "", 1, "5.7.1234 x"},
        {"enhanced code alone", "554 5.7.1", 554, "5.7.1", 1, ""},
        {"code alone", "421", 421, "", 1, ""},
        {"code and dash alone", "421-", 421, "", 1, ""},
        {"several blanks", "450  4.7.1\t greylisted", 450, "4.7.1", 1, "greylisted"},
        {"a later line without a code", "554 5.7.1 one\r\ntwo", 554, "5.7.1", 2, "one two"},
        {"enhanced on a later line alone", "554-one\r\n554 5.7.1 two", 554, "5.7.1", 2, "one two"},
        {"unusual second digit", "571 5.7.1 no", 571, "5.7.1", 1, "no"},
        {"8-bit text", "550 5.1.1 caf\xc3\xa9", 550, "5.1.1", 1, "caf\xc3\xa9"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reply r;
        char enhanced[ENHANCED_SIZE];
        print_message("%s\n", rows[i].name);
        assert_int_equal(reply_parse(&r, rows[i].reply, strlen(rows[i].reply)), 0);
        assert_int_equal(r.code, rows[i].code);
        assert_string_equal(enhanced_format(&r.enhanced, enhanced), rows[i].enhanced);
        assert_int_equal(r.line_count, rows[i].lines);
        assert_int_equal(r.text_len, strlen(rows[i].text));
        assert_memory_equal(r.text, rows[i].text, r.text_len);
        reply_free(&r);
    }
}

static void test_not_a_reply(void **state)
{
    static const char *const rows[] = {"",       "\r\n",   "hello",  "53",       "5355 x",        "535x",
                                       "199 no", "600 no", "0535 x", "55\xc3 x", "550-a\r\n551 b"};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reply r;
        print_message("\"%s\"\n", rows[i]);
        errno = 0;
        assert_int_equal(reply_parse(&r, rows[i], strlen(rows[i])), -1);
        assert_int_equal(errno, EINVAL);
        assert_int_equal(r.line_count, 0);
        reply_free(&r);
    }
}

static void test_differing_enhanced(void **state)
{
    static const char same[] = "550-5.1.1 a\r\n550 5.1.1 b", other[] = "550-5.1.1 a\r\n550-5.7.1 b\r\n550 c";
    struct reply r;
    (void)state;
    assert_int_equal(reply_parse(&r, same, strlen(same)), 0);
    assert_false(r.enhanced_differs);
    reply_free(&r);
    assert_int_equal(reply_parse(&r, other, strlen(other)), 0);
    assert_true(r.enhanced_differs);
    assert_int_equal(r.enhanced.subject, 1);
    reply_free(&r);
}

static void test_many_lines(void **state)
{
    char text[8 * (REPLY_LINES_MAX + 1) + 1] = "";
    struct reply r;
    (void)state;
    for (int i = 0; i < REPLY_LINES_MAX; i++)
        strcat(text, "550-ab\r\n");
    assert_int_equal(reply_parse(&r, text, strlen(text)), 0);
    assert_int_equal(r.line_count, REPLY_LINES_MAX);
    assert_int_equal(r.text_len, 3 * REPLY_LINES_MAX - 1);
    reply_free(&r);
    strcat(text, "550 ab\r\n");
    assert_int_equal(reply_parse(&r, text, strlen(text)), -1);
}

static void test_nul_octets(void **state)
{
    static const char text[] = "550 5.1.1 a\0b";
    struct reply r;
    (void)state;
    assert_int_equal(reply_parse(&r, text, sizeof text - 1), 0);
    assert_int_equal(r.text_len, 3);
    assert_memory_equal(r.text, "a\0b", 3);
    reply_free(&r);
}

static void test_class(void **state)
{
    (void)state;
    assert_string_equal(reply_class_name(235), "Positive Completion");
    assert_string_equal(reply_class_name(334), "Positive Intermediate");
    assert_string_equal(reply_class_name(421), "Transient Negative");
    assert_string_equal(reply_class_name(554), "Permanent Negative");
    assert_null(reply_class_name(199));
    assert_null(reply_class_name(600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),      cmocka_unit_test(test_not_a_reply), cmocka_unit_test(test_differing_enhanced),
        cmocka_unit_test(test_many_lines), cmocka_unit_test(test_nul_octets),  cmocka_unit_test(test_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
