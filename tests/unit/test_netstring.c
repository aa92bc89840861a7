#include "unit.h"

#include <mailwhy/netstring.h>

static void test_parse(void **state)
{
    static const struct {
        const char *name, *text;
        int result;
        const char *body;
        size_t taken;
    } rows[] = {
        {"complete", "5:hello,", 1, "hello", 8},
        {"more behind", "2:hi,3:you,", 1, "hi", 5},
        {"empty body", "0:,", 1, "", 3},
        {"nothing", "", 0, NULL, 0},
        {"only digits", "12", 0, NULL, 0},
        {"body missing", "5:hel", 0, NULL, 0},
        {"comma missing", "5:hello", 0, NULL, 0},
        {"wrong end", "5:hello;", -1, NULL, 0},
        {"wrong length", "4:hello,", -1, NULL, 0},
        {"no length", ":hello,", -1, NULL, 0},
        {"a word", "hello", -1, NULL, 0},
        {"leading zero", "05:hello,", -1, NULL, 0},
        {"negative", "-1:x,", -1, NULL, 0},
        {"too long", "100001:", -1, NULL, 0},
        {"a thousand million", "1000000000:", -1, NULL, 0},
        {"seven digits are enough to refuse", "1234567", -1, NULL, 0},
        {"the most", "100000:", 0, NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const char *body = NULL;
        size_t len = 0, taken = 0;
        print_message("%s\n", rows[i].name);
        assert_int_equal(netstring_parse(rows[i].text, strlen(rows[i].text), &body, &len, &taken), rows[i].result);
        if (rows[i].result == 1) {
            assert_int_equal(len, strlen(rows[i].body));
            assert_memory_equal(body, rows[i].body, len);
            assert_int_equal(taken, rows[i].taken);
        }
    }
}

static void test_add(void **state)
{
    struct buffer out = {0};
    (void)state;
    assert_int_equal(netstring_add(&out, "OK ", "a\0b", 3), 0);
    assert_int_equal(out.len, 9);
    assert_memory_equal(out.data, "6:OK a\0b,", 9);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse), cmocka_unit_test(test_add)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
