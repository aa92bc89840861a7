/* Filling in placeholders: each once, the first whose name fits, and nothing of a client's but printable ASCII. */
#include "rows.h"

#include <mailwhy/expand.h>

#define X61 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static struct text {
    const char *name, *text, *value, *filled; /* value: of %client, which is foreign */
} texts[] = {
    {"nothing", "", "x", ""},
    {"no placeholder", "no mail", "x", "no mail"},
    {"one", "from %client now", "192.0.2.7", "from 192.0.2.7 now"},
    {"alone", "%client", "192.0.2.7", "192.0.2.7"},
    {"twice", "%client%client", "x", "xx"},
    {"an empty value", "from %client now", "", "from  now"},
    {"ours", "on %list", "x", "on Liste f\xc3\xbcr \xe6\x97\xa5\xe6\x9c\xac"},
    {"a percent sign", "100%% of %client", "x", "100% of x"},
    {"two percent signs", "%%%%", "x", "%%"},
    {"a percent sign before a name", "%%client", "x", "%client"},
    {"a percent sign before a placeholder", "%%%client", "x", "%x"},
    {"a percent sign at the end", "100%", "x", "100%"},
    {"a name nobody knows", "%frob", "x", "%frob"},
    {"a beginning of a name", "%clien", "x", "%clien"},
    {"a longer name", "%clients", "x", "xs"},
    {"the first whose name fits", "%listing", "x", "on"},
    {"capitals", "%CLIENT", "x", "%CLIENT"},
    {"a value is not filled in again", "%client", "%list %client %%", "%list %client %%"},
    {"ESC and line ends", "<%client>", "\033[2J\r\n550 x\t", "<?[2J??550 x?>"},
    {"UTF-8 of a client", "[%client]", "caf\xc3\xa9 \xe2\x80\xae", "[caf?? ???]"},
    {"DEL and octets", "[%client]", "\177\200\377", "[???]"},
    {"64 octets", "%client", X61 "abc", X61 "abc"},
    {"65 octets are cut, and it shows", "%client", X61 "abcd", X61 "..."},
    {"many octets", "<%client>", X61 X61 X61, "<" X61 "...>"},
};

static void test_text(void **state)
{
    const struct text *row = *state;
    const struct expand_value values[] = {expand_foreign("client", row->value, strlen(row->value)), expand_ours("listing", "on"),
                                          expand_ours("list", "Liste f\xc3\xbcr \xe6\x97\xa5\xe6\x9c\xac")};
    struct buffer out = {0};
    expand(&out, row->text, values, ROWS(values));
    assert_true(buffer_ok(&out));
    assert_string_equal(buffer_string(&out), row->filled);
    buffer_free(&out);
}

/* What is there before stays, and a value with a NUL ends where its length says. */
static void test_appends(void **state)
{
    const struct expand_value value = expand_foreign("a", "x\0y and more", 3);
    struct buffer out = {0};
    (void)state;
    buffer_add_string(&out, "before ");
    expand(&out, "<%a>", &value, 1);
    assert_string_equal(buffer_string(&out), "before <x?y>");
    assert_int_equal(out.len, strlen("before <x?y>"));
    expand(&out, " 100% %a %%", NULL, 0);
    assert_string_equal(buffer_string(&out), "before <x?y> 100% %a %");
    buffer_free(&out);
}

/* A text of ours is not cut. */
static void test_ours_is_whole(void **state)
{
    const struct expand_value value = expand_ours("a", X61 X61 X61);
    struct buffer out = {0};
    (void)state;
    expand(&out, "%a", &value, 1);
    assert_string_equal(buffer_string(&out), X61 X61 X61);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_appends), cmocka_unit_test(test_ours_is_whole)};
    int failed = ROWS_RUN(texts, test_text);
    failed += cmocka_run_group_tests_name("expand", tests, NULL, NULL);
    return failed != 0;
}
