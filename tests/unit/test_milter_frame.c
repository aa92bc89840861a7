#include "unit.h"

#include <mailwhy/milter_frame.h>

#define WANTED "Cy"

/* A stream, and what is found in it: whole frames in "<>" as their command and data, other octets as they are (a NUL as '0', other controls
 * as '.'). */
struct row {
    const char *name, *stream;
    size_t len;
    const char *found, *rest;
};
#define S(text) text, sizeof text - 1

static const struct row rows[] = {
    {"nothing", S(""), "", ""},
    {"one that is wanted", S("\0\0\0\4Cabc"), "<Cabc>", ""},
    {"one that is not", S("\0\0\0\4Xabc"), "000.Xabc", ""},
    {"both", S("\0\0\0\2Xa\0\0\0\2Cb\0\0\0\1X"), "000.Xa<Cb>000.X", ""},
    {"wanted without data", S("\0\0\0\1y\0\0\0\1y"), "<y><y>", ""},
    {"length 0", S("\0\0\0\0\0\0\0\2Ca"), "0000<Ca>", ""},
    {"only zeros", S("\0\0\0\0\0\0\0\0"), "00000000", ""},
    {"command NUL", S("\0\0\0\2\0a"), "000.0a", ""},
    {"head in part", S("\0\0\0"), "", "000"},
    {"head without command", S("\0\0\0\5"), "", "000."},
    {"truncated, wanted", S("\0\0\0\5Cab"), "", "000.Cab"},
    {"truncated, not wanted", S("\0\0\0\5Xab"), "000.Xab", ""},
    {"2^32-1, wanted by its command",
     S("\xff\xff\xff\xff"
       "Cab"),
     "....Cab", ""},
    {"2^32-1",
     S("\xff\xff\xff\xff"
       "Xab"),
     "....Xab", ""},
    {"one octet too long to be wanted", S("\0\1\0\2Cab"), "0.0.Cab", ""},
    {"the longest that is wanted", S("\0\1\0\1Cab"), "", "0.0.Cab"},
};

static void show(struct buffer *out, const char *octets, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buffer_add_char(out, octets[i] == '\0' ? '0' : octets[i] < ' ' ? '.' : octets[i]);
}

/* Read the stream in pieces of that many octets. */
static void check(const struct row *row, size_t piece)
{
    struct frame_reader r = {.wanted = WANTED};
    struct buffer found = {0}, rest = {0};
    struct frame f;
    for (size_t at = 0; at < row->len; at += piece) {
        size_t len = row->len - at < piece ? row->len - at : piece;
        char *copy = malloc(len); /* of its own, so that the sanitizer sees who reads beyond it */
        assert_non_null(copy);
        memcpy(copy, row->stream + at, len);
        const char *s = copy;
        enum frame_event event;
        while ((event = frame_next(&r, &s, &len, &f)) != FRAME_USED_UP) {
            if (event == FRAME_WHOLE) {
                assert_true(f.begins);
                assert_int_equal(f.size, f.len + FRAME_HEAD);
                assert_int_equal(f.octets[FRAME_HEAD - 1], f.command);
                buffer_printf(&found, "<%c", f.command);
                show(&found, f.data, f.len);
                buffer_add_char(&found, '>');
            } else {
                assert_true(f.size > 0);
                show(&found, f.octets, f.size);
            }
        }
        assert_int_equal(len, 0);
        free(copy);
    }
    frame_rest(&r, &f);
    show(&rest, f.octets, f.size);
    assert_string_equal(buffer_string(&found), row->found);
    assert_string_equal(buffer_string(&rest), row->rest);
    frame_reader_free(&r);
    buffer_free(&found);
    buffer_free(&rest);
}

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i].name);
        for (size_t piece = 1; piece <= rows[i].len; piece++)
            check(&rows[i], piece);
    }
}

static void test_strings(void **state)
{
    const char data[] = "one\0\0three\0open", *at = data;
    size_t len = sizeof data - 1;
    (void)state;
    assert_string_equal(frame_string(&at, &len), "one");
    assert_string_equal(frame_string(&at, &len), "");
    assert_string_equal(frame_string(&at, &len), "three");
    assert_null(frame_string(&at, &len));
    assert_int_equal(len, 4);
}

static void test_begin(void **state)
{
    struct buffer out = {0};
    (void)state;
    assert_int_equal(frame_begin(&out, FRAME_REPLY, 0x010203), 0);
    assert_int_equal(out.len, FRAME_HEAD);
    assert_memory_equal(out.data, "\0\1\2\4y", FRAME_HEAD);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_strings), cmocka_unit_test(test_begin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
