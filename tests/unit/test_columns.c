/* How wide text is, and where a line of it ends: the texts of all languages are wrapped so, in replies and on terminals. */
#include "rows.h"

#include <mailwhy/columns.h>

#define TEXT(s) s, sizeof(s) - 1
#define NIHON "\xe6\x97\xa5\xe6\x9c\xac" /* two wide characters */
#define KANA "\xe3\x81\x93\xe3\x82\x8c\xe3\x81\xaf" /* three */
#define COMMA "\xe3\x80\x81" /* wide, and never at the beginning of a line */

static struct wide {
    const char *name, *text;
    size_t len, columns;
} wides[] = {
    {"nothing", TEXT(""), 0},
    {"ASCII", TEXT("mail now"), 8},
    {"an accent", TEXT("caf\xc3\xa9"), 4},
    {"an accent as a mark of its own", TEXT("cafe\xcc\x81"), 4},
    {"Cyrillic", TEXT("\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0"), 5},
    {"Arabic with a mark", TEXT("\xd8\xa8\xd9\x8e"), 1},
    {"Japanese", TEXT(NIHON KANA), 10},
    {"Japanese and ASCII", TEXT("IP " NIHON), 7},
    {"half-width kana", TEXT("\xef\xbd\xb1"), 1},
    {"full-width letters", TEXT("\xef\xbc\xa1"), 2},
    {"octets that are not UTF-8", TEXT("a\xff\xfe"), 3},
    {"cut in a character", TEXT("a\xe6\x97"), 3},
    {"overlong", TEXT("\xc0\x9b"), 2},
};

static void test_width(void **state)
{
    const struct wide *row = *state;
    assert_int_equal(columns_of(row->text, row->len), row->columns);
}

static struct line {
    const char *name, *text;
    size_t len, columns;
    const char *first; /* what goes on the first line */
} lines[] = {
    {"nothing", TEXT(""), 10, ""},
    {"it fits", TEXT("one two"), 10, "one two"},
    {"it just fits", TEXT("one two"), 7, "one two"},
    {"one too many", TEXT("one two"), 6, "one"},
    {"the blank is the one too many", TEXT("one two three"), 7, "one two"},
    {"a word too long", TEXT("abcdefghijkl"), 5, "abcde"},
    {"a word too long behind a short one", TEXT("a bcdefghijklmnopqrstuvwxyz"), 12, "a bcdefghijk"},
    {"one column", TEXT("abc"), 1, "a"},
    {"accents", TEXT("caf\xc3\xa9 caf\xc3\xa9"), 8, "caf\xc3\xa9"},
    {"accents that just fit", TEXT("caf\xc3\xa9 caf\xc3\xa9"), 9, "caf\xc3\xa9 caf\xc3\xa9"},
    {"Japanese: between characters", TEXT(NIHON KANA), 6, NIHON "\xe3\x81\x93"},
    {"Japanese: an odd number of columns", TEXT(NIHON KANA), 5, NIHON},
    {"Japanese: no comma begins a line", TEXT(NIHON COMMA KANA), 4, "\xe6\x97\xa5"},
    {"Japanese: one column", TEXT(NIHON), 1, "\xe6\x97\xa5"},
    {"a word of ASCII in Japanese", TEXT(NIHON "server" KANA), 8, NIHON},
    {"a mark stays with its letter",
     TEXT("e\xcc\x81"
          "e\xcc\x81"
          "e\xcc\x81"),
     2,
     "e\xcc\x81"
     "e\xcc\x81"},
    {"octets", TEXT("\xff\xfe\xfd\xfc"), 2, "\xff\xfe"},
    {"octets behind words", TEXT("caf\xc3\xa9 \xff\xfe\xfd\xfc\xfb"), 7, "caf\xc3\xa9 \xff\xfe"},
};

static void test_break(void **state)
{
    const struct line *row = *state;
    size_t taken = columns_break(row->text, row->len, row->columns);
    assert_in_range(taken, 0, row->len);
    assert_int_equal(taken, strlen(row->first));
    assert_memory_equal(row->text, row->first, taken);
}

/* Words of all kinds, wrapped at each width from 1 on: the lines are no wider than that (but for one character that is), each takes something, no
 * character is cut, and all of the text but blanks is there. */
static void test_each_width(void **state)
{
    static const char text[] =
        "The caf\xc3\xa9 " NIHON KANA COMMA NIHON " https://example.com/why/550?a=b&c=d e\xcc\x81t\xc3\xa9 "
        "\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0 \xd8\xa8\xd9\x8e\xd8\xb1\xd9\x8a\xd8\xaf  UGFzc3dvcmQ6 100%";
    (void)state;
    for (size_t columns = 1; columns < 120; columns++) {
        size_t solid = 0;
        for (const char *s = text; *s;) {
            size_t taken = columns_break(s, strlen(s), columns);
            assert_true(taken > 0);
            assert_true(((unsigned char)s[taken] & 0xc0) != 0x80);
            assert_true(columns_of(s, taken) <= columns || (columns == 1 && columns_of(s, taken) == 2));
            for (size_t i = 0; i < taken; i++)
                solid += s[i] != ' ';
            s += taken;
            while (*s == ' ')
                s++;
        }
        size_t all = 0;
        for (const char *s = text; *s; s++)
            all += *s != ' ';
        assert_int_equal(solid, all);
    }
}

/* Lines of a text that is longer than what is looked at for one. */
static void test_long(void **state)
{
    static const struct {
        const char *piece;
        size_t columns;
    } rows[] = {{"\xc3\xa9", 400}, {NIHON, 400}, {"e\xcc\x81", 400}, {"mail ", 50}, {"caf\xc3\xa9 ", 50}, {"\xff", 50}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        size_t size = strlen(rows[i].piece), len = size * 4000;
        char *text = malloc(len + 1);
        assert_non_null(text);
        for (size_t at = 0; at < len; at += size)
            memcpy(text + at, rows[i].piece, size);
        text[len] = '\0';
        size_t taken = columns_break(text, len, rows[i].columns);
        assert_in_range(columns_of(text, taken), rows[i].columns * 4 / 5, rows[i].columns);
        assert_true(((unsigned char)text[taken] & 0xc0) != 0x80);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_width), cmocka_unit_test(test_long)};
    int failed = ROWS_RUN(wides, test_width);
    failed += ROWS_RUN(lines, test_break);
    failed += cmocka_run_group_tests_name("columns", tests, NULL, NULL);
    return failed != 0;
}
