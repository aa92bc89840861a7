/* What the tool prints of what clients said: nothing that does anything to a terminal. */
#include "rows.h"

#include "../../milter/cli/page.c"
#include "../../milter/cli/print.c"

#define LABEL 14 /* columns */
#define BYTES(s) s, sizeof s - 1

static struct hostile {
    const char *name, *text;
    size_t len;
    const char *shown, *json, *html;
} hostiles[] = {
    {"plain", BYTES("joe"), "joe", "joe", "joe"},
    {"letters of other scripts", BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"ESC", BYTES("\033[2J"), "\\x1b[2J", "\\u001b[2J", "\\x1b[2J"},
    {"NUL, BEL, DEL", BYTES("a\0\a\177"), "a\\x00\\x07\\x7f", "a\\u0000\\u0007\\u007f", "a\\x00\\x07\\x7f"},
    {"line ends", BYTES("\r\n"), "\\x0d\\x0a", " \\u000a", "\\x0d\\x0a"},
    {"CSI in UTF-8",
     BYTES("\xc2\x9b"
           "2J"),
     "\\u009b2J", "\\u009b2J", "\\u009b2J"},
    {"CSI as an octet",
     BYTES("\x9b"
           "2J"),
     "\\x9b2J", "\\u009b2J", "\\x9b2J"},
    {"an override of direction", BYTES("\xe2\x80\xae"), "\\u202e", "\\u202e", "\\u202e"},
    {"an isolate", BYTES("\xe2\x81\xa6"), "\\u2066", "\\u2066", "\\u2066"},
    {"a line separator", BYTES("\xe2\x80\xa8"), "\\u2028", "\\u2028", "\\u2028"},
    {"a tag", BYTES("\xf3\xa0\x81\x81"), "\\U000e0041", "\\udb40\\udc41", "\\U000e0041"},
    {"cut in a character", BYTES("a\xe2\x82"), "a\\xe2\\x82", "a\\u00e2\\u0082", "a\\xe2\\x82"},
    {"overlong ESC", BYTES("\xc0\x9b"), "\\xc0\\x9b", "\\u00c0\\u009b", "\\xc0\\x9b"},
    {"a script", BYTES("<script>alert('x')</script>"), "<script>alert('x')</script>", "<script>alert('x')</script>",
     "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;"},
    {"the end of an attribute", BYTES("\"> <img src=x>"), "\"> <img src=x>", "\"> <img src=x>",
     "&#34;&#62; &#60;img src&#61;x&#62;"},
    {"a reference", BYTES("&lt;"), "&lt;", "&lt;", "&#38;lt;"},
    {"a template", BYTES("`${x}`{{y}}"), "`${x}`{{y}}", "`${x}`{{y}}", "&#96;$&#123;x&#125;&#96;&#123;&#123;y&#125;&#125;"},
};

/* What was printed, which the caller frees. */
static char *printed(void (*print)(FILE *, const char *, size_t), const char *text, size_t len)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    assert_non_null(f);
    print(f, text, len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(strlen(out), size);
    return out;
}

static void test_hostile(void **state)
{
    const struct hostile *row = *state;
    char *text = printed(print_text, row->text, row->len), *json = printed(print_json, row->text, row->len),
         *html = printed(print_html, row->text, row->len);
    assert_string_equal(text, row->shown);
    assert_int_equal(json[strlen(json) - 1], '\n');
    json[strlen(json) - 1] = '\0';
    assert_string_equal(json, row->json);
    assert_string_equal(html, row->html);
    free(text);
    free(json);
    free(html);
}

static struct field {
    const char *name, *label, *value;
    bool split, color;
    const char *shown;
} fields[] = {
    {"nothing", "HELO", "", false, false, ""},
    {"a value", "HELO", "x", false, false, "HELO:         x\n"},
    {"a long label", "A label of length", "x", false, false, "A label of length: x\n"},
    {"a line forged", "HELO", "x\nUser: y", false, false, "HELO:         x\\x0aUser: y\n"},
    {"lines", "Reply", "535-a\r\n535 b\r\n", true, false, "Reply:        535-a\n              535 b\n"},
    {"a CR alone within a line", "Reply", "535 a\rb\n", true, false, "Reply:        535 a\\x0db\n"},
    {"colours", "HELO", "x\033", false, true, "\033[2mHELO:\033[0m         \033[1mx\\x1b\033[0m\n"},
};

static void test_field(void **state)
{
    const struct field *row = *state;
    char *out = NULL;
    size_t size = 0;
    const struct page p = {.to = open_memstream(&out, &size), .color = row->color, .columns = 80, .label_columns = LABEL};
    assert_non_null(p.to);
    page_field(&p, row->label, row->color ? LOOK_STRONG : LOOK_PLAIN, row->split, row->value, strlen(row->value));
    assert_int_equal(fclose(p.to), 0);
    assert_string_equal(out, row->shown);
    free(out);
}

static void test_words(void **state)
{
    (void)state;
    char *out = NULL, words[400] = "";
    size_t size = 0, longest = 0, count = 0;
    for (int i = 0; i < 40; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%sw\xc3\xb6rd%d", i ? " " : "", i);
    const struct page p = {.to = open_memstream(&out, &size), .columns = 80, .label_columns = LABEL};
    assert_non_null(p.to);
    page_words(&p, "Fix", LOOK_PLAIN, words);
    assert_int_equal(fclose(p.to), 0);
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
        size_t columns = columns_of(line, strlen(line));
        longest = columns > longest ? columns : longest;
        assert_memory_equal(line, count ? "              " : "Fix:          ", LABEL);
        count++;
    }
    assert_true(longest <= 80 && longest > 80 - 12);
    assert_true(count > 2);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    int failed = ROWS_RUN(hostiles, test_hostile);
    failed += ROWS_RUN(fields, test_field);
    failed += cmocka_run_group_tests_name("print", tests, NULL, NULL);
    return failed != 0;
}
