/* Reading a whole log: plain, of several gzip members or zstd frames, from standard input; cut and damaged ones as far as they go. */
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include <mailwhy/buffer.h>
#include <mailwhy/log_source.h>

static char folder[] = "/tmp/mailwhy-log-source-XXXXXX";
static char path[sizeof folder + 16];

static void write_file(const char *data, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void pack_plain(struct buffer *out, const char *data, size_t len)
{
    assert_int_equal(buffer_add(out, data, len), 0);
}

static void pack_gzip(struct buffer *out, const char *data, size_t len)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, len);
    char *packed = malloc(room), *copy = malloc(len + 1);
    assert_non_null(packed);
    assert_non_null(copy);
    memcpy(copy, data, len);
    z.next_in = (unsigned char *)copy;
    z.avail_in = (unsigned)len;
    z.next_out = (unsigned char *)packed;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(buffer_add(out, packed, room - z.avail_out), 0);
    deflateEnd(&z);
    free(packed);
    free(copy);
}

static void add_frame(struct buffer *out, const char *data, size_t len, int checksum)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(len);
    char *packed = malloc(room);
    assert_non_null(c);
    assert_non_null(packed);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
    size_t got = ZSTD_compress2(c, packed, room, data, len);
    assert_false(ZSTD_isError(got));
    assert_int_equal(buffer_add(out, packed, got), 0);
    ZSTD_freeCCtx(c);
    free(packed);
}

static void pack_zstd(struct buffer *out, const char *data, size_t len)
{
    add_frame(out, data, len, 1);
}

static void pack_zstd_without_checksum(struct buffer *out, const char *data, size_t len)
{
    add_frame(out, data, len, 0);
}

/* Lines of so many octets in all, from 1 to 200 octets each, which compress neither too well nor too badly. */
static void add_lines(struct buffer *out, size_t size)
{
    unsigned seed = 7;
    while (out->len < size) {
        seed = seed * 1103515245 + 12345;
        size_t end = out->len + 1 + (seed >> 16) % 200;
        while (out->len + 1 < end && out->len + 1 < size) {
            seed = seed * 1103515245 + 12345;
            buffer_add_char(out, (char)('a' + (seed >> 16) % 16));
        }
        buffer_add_char(out, '\n');
    }
    assert_true(buffer_ok(out));
}

/* Read the file to its end. What was handed out; the errno of the end, 0 for a good one. Each block but the last is of whole lines, or of
 * LOG_SOURCE_LINE_MAX octets of one that is too long. */
static int read_all(const char *file, struct buffer *out)
{
    char *block = NULL;
    ssize_t len;
    bool broken = false;
    struct log_source *s = log_source_open(file);
    if (!s)
        return errno;
    while ((len = log_source_next(s, &block)) > 0) {
        assert_false(broken);
        broken = block[len - 1] != '\n' && (size_t)len != LOG_SOURCE_LINE_MAX;
        assert_int_equal(buffer_add(out, block, (size_t)len), 0);
        off_t done, size;
        log_source_progress(s, &done, &size);
        assert_true(done > 0 && (!size || done <= size));
    }
    int error = len == -1 ? errno : 0;
    assert_true(error || log_source_next(s, &block) == 0); /* and so it stays */
    free(block);
    log_source_close(s);
    return error;
}

static void assert_read(const char *data, size_t len)
{
    struct buffer got = {0};
    assert_int_equal(read_all(path, &got), 0);
    assert_int_equal(got.len, len);
    assert_memory_equal(buffer_string(&got), data, len);
    buffer_free(&got);
}

static struct format {
    const char *name;
    void (*pack)(struct buffer *out, const char *data, size_t len);
    bool compressed;
} formats[] = {
    {"plain", pack_plain, false},
    {"gzip", pack_gzip, true},
    {"zstd", pack_zstd, true},
    {"zstd without a checksum", pack_zstd_without_checksum, true},
};

/* Any size is read whole: none, one line, around the sizes of the blocks, and much more. */
static void test_sizes(void **state)
{
    static const size_t sizes[] = {0,      1,      2,       3,       4,       5,       100,     131072, 262143,
                                   262144, 262145, 1048576, 2097152, 2097153, 4194304, 4194305, 9000000};
    const struct format *format = *state;
    for (size_t i = 0; i < ROWS(sizes); i++) {
        struct buffer data = {0}, packed = {0};
        add_lines(&data, sizes[i]);
        format->pack(&packed, buffer_string(&data), data.len);
        write_file(buffer_string(&packed), packed.len);
        assert_read(buffer_string(&data), data.len);
        buffer_free(&data);
        buffer_free(&packed);
    }
}

/* What compresses to almost nothing is read whole, too. */
static void test_same(void **state)
{
    const struct format *format = *state;
    static const char line[] = "Nov 20 22:26:00 mx postfix/smtpd[811]: connect from c.test[192.0.2.7]\n";
    struct buffer data = {0}, packed = {0};
    while (data.len < ((size_t)9 << 20))
        buffer_add_string(&data, line);
    format->pack(&packed, data.data, data.len);
    write_file(packed.data, packed.len);
    assert_read(data.data, data.len);
    buffer_free(&data);
    buffer_free(&packed);
}

/* Several members or frames behind each other are one log, even where one ends within a line or is empty. */
static void test_several(void **state)
{
    const struct format *format = *state;
    static const char *const parts[] = {"one\n", "", "two is ", "continued\n", "", "three"};
    struct buffer data = {0}, packed = {0};
    for (size_t i = 0; i < ROWS(parts); i++) {
        buffer_add_string(&data, parts[i]);
        format->pack(&packed, parts[i], strlen(parts[i]));
    }
    for (int i = 0; i < 20; i++) {
        struct buffer more = {0};
        add_lines(&more, 200000);
        pack_plain(&data, more.data, more.len);
        format->pack(&packed, more.data, more.len);
        buffer_free(&more);
    }
    write_file(packed.data, packed.len);
    assert_read(data.data, data.len);
    buffer_free(&data);
    buffer_free(&packed);
}

/* A line that is too long comes in pieces; the lines around it are whole. NUL octets and line ends of any kind are left as they are. */
static void test_long(void **state)
{
    static const size_t lengths[] = {LOG_SOURCE_LINE_MAX - 1, LOG_SOURCE_LINE_MAX, LOG_SOURCE_LINE_MAX + 1,
                                     5 * LOG_SOURCE_LINE_MAX + 7};
    const struct format *format = *state;
    for (size_t i = 0; i < ROWS(lengths); i++) {
        struct buffer data = {0}, packed = {0};
        static const char nul[] = "a\0b\r\n\r\n\n";
        buffer_add(&data, nul, sizeof nul - 1);
        for (size_t k = 0; k < lengths[i]; k++)
            buffer_add_char(&data, (char)('a' + k % 23));
        buffer_add_string(&data, "\nafter\n");
        assert_true(buffer_ok(&data));
        format->pack(&packed, data.data, data.len);
        write_file(packed.data, packed.len);
        assert_read(data.data, data.len);
        buffer_free(&data);
        buffer_free(&packed);
    }
}

/* Compressed data that end too early, wherever: what was before is handed out, and the end is EBADMSG. */
static void test_cut(void **state)
{
    const struct format *format = *state;
    struct buffer first = {0}, data = {0}, packed = {0};
    add_lines(&first, 5000);
    pack_plain(&data, first.data, first.len);
    format->pack(&packed, first.data, first.len);
    size_t member = packed.len;
    add_lines(&data, 10000);
    format->pack(&packed, data.data + first.len, data.len - first.len);
    for (size_t len = 4; len<packed.len; len += len> 40 && len + 40 < member ? 31 : 1) {
        struct buffer got = {0};
        write_file(packed.data, len);
        assert_int_equal(read_all(path, &got), format->compressed && len != member ? EBADMSG : 0);
        assert_true(got.len <= data.len);
        assert_memory_equal(buffer_string(&got), data.data, got.len);
        if (len >= member)
            assert_true(got.len >= first.len);
        buffer_free(&got);
    }
    buffer_free(&first);
    buffer_free(&data);
    buffer_free(&packed);
}

/* An octet that is another one: no crash and an end, and what was packed apart before it is there. */
static void test_damaged(void **state)
{
    const struct format *format = *state;
    struct buffer data = {0}, packed = {0};
    add_lines(&data, 3000);
    format->pack(&packed, data.data, data.len);
    size_t member = packed.len;
    format->pack(&packed, data.data, data.len);
    for (size_t at = 0; at < packed.len; at++) {
        struct buffer got = {0};
        packed.data[at] = (char)~packed.data[at];
        write_file(packed.data, packed.len);
        read_all(path, &got);
        if (at >= member) {
            assert_true(got.len >= data.len);
            assert_memory_equal(got.data, data.data, data.len);
        }
        packed.data[at] = (char)~packed.data[at];
        buffer_free(&got);
    }
    buffer_free(&data);
    buffer_free(&packed);
}

/* Damage at the very end costs nothing of what was before it, and is said; padding with zeros is none. */
static void test_last_octet(void **state)
{
    const struct format *format = *state;
    struct buffer data = {0}, packed = {0}, got = {0};
    if (!format->compressed)
        return;
    add_lines(&data, 3000);
    format->pack(&packed, data.data, data.len);
    if (strcmp(format->name, "gzip") == 0) {
        packed.data[packed.len - 6] = (char)~packed.data[packed.len - 6]; /* of its checksum */
        write_file(packed.data, packed.len);
        assert_int_equal(read_all(path, &got), EBADMSG);
        assert_int_equal(got.len, data.len);
        packed.data[packed.len - 6] = (char)~packed.data[packed.len - 6];
        buffer_clear(&got);
        for (int i = 0; i < 512; i++)
            buffer_add_char(&packed, '\0');
        write_file(packed.data, packed.len);
        assert_int_equal(read_all(path, &got), 0);
        assert_int_equal(got.len, data.len);
    }
    buffer_free(&data);
    buffer_free(&packed);
    buffer_free(&got);
}

/* Something else behind the compressed data is a fault, after what was before it. */
static void test_more(void **state)
{
    const struct format *format = *state;
    static const char text[] = "one\ntwo\n";
    struct buffer packed = {0}, got = {0};
    format->pack(&packed, text, strlen(text));
    buffer_add_string(&packed, "and now for something else\n");
    write_file(packed.data, packed.len);
    assert_int_equal(read_all(path, &got), format->compressed ? EBADMSG : 0);
    assert_true(got.len >= strlen(text));
    assert_memory_equal(got.data, text, strlen(text));
    buffer_free(&packed);
    buffer_free(&got);
}

static void test_stdin(void **state)
{
    const struct format *format = *state;
    struct buffer data = {0}, packed = {0}, got = {0};
    add_lines(&data, 700000);
    format->pack(&packed, data.data, data.len);
    write_file(packed.data, packed.len);
    int saved = dup(STDIN_FILENO), fd = open(path, O_RDONLY);
    assert_true(saved >= 0 && fd >= 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    int error = read_all("-", &got);
    struct stat st;
    int still = fstat(STDIN_FILENO, &st); /* it is not closed with the source */
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(error, 0);
    assert_int_equal(still, 0);
    assert_int_equal(got.len, data.len);
    assert_memory_equal(got.data, data.data, data.len);
    buffer_free(&data);
    buffer_free(&packed);
    buffer_free(&got);
}

/* A pipe that gives an octet at a time. */
static void test_pipe(void **state)
{
    const struct format *format = *state;
    struct buffer packed = {0}, got = {0};
    static const char text[] = "one\ntwo\nthree";
    int ends[2];
    format->pack(&packed, text, strlen(text));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        for (size_t i = 0; i < packed.len; i++) {
            if (write(ends[1], packed.data + i, 1) != 1)
                _exit(1);
            usleep(200);
        }
        _exit(0);
    }
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    int error = read_all("-", &got);
    dup2(saved, STDIN_FILENO);
    close(saved);
    assert_int_equal(error, 0);
    assert_string_equal(buffer_string(&got), text);
    buffer_free(&packed);
    buffer_free(&got);
}

/* What is no file to read is said by errno. */
static void test_others(void **state)
{
    (void)state;
    assert_null(log_source_open(folder));
    assert_int_equal(errno, EISDIR);
    assert_null(log_source_open("/nowhere/maillog"));
    assert_int_equal(errno, ENOENT);
    assert_null(log_source_open(""));
    assert_int_equal(errno, ENOENT);
    log_source_close(NULL);
    write_file("", 0);
    assert_read("", 0);
}

/* Progress is counted in the file's own octets. */
static void test_progress(void **state)
{
    struct buffer data = {0}, packed = {0};
    char *block = NULL;
    off_t done, size;
    (void)state;
    add_lines(&data, 5000000);
    pack_gzip(&packed, data.data, data.len);
    write_file(packed.data, packed.len);
    struct log_source *s = log_source_open(path);
    assert_non_null(s);
    off_t before = 0;
    while (log_source_next(s, &block) > 0) {
        log_source_progress(s, &done, &size);
        assert_true(done >= before);
        assert_int_equal(size, packed.len);
        before = done;
    }
    assert_int_equal(before, packed.len);
    free(block);
    log_source_close(s);
    buffer_free(&data);
    buffer_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_others), cmocka_unit_test(test_progress)};
    static CMUnitTestFunction of_format[] = {test_sizes, test_same,       test_several, test_long,  test_cut,
                                             test_more,  test_last_octet, test_damaged, test_stdin, test_pipe};
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/log", folder);
    int failed = cmocka_run_group_tests_name("log_source", tests, NULL, NULL);
    for (size_t i = 0; i < ROWS(of_format); i++)
        failed += ROWS_RUN(formats, of_format[i]);
    unlink(path);
    rmdir(folder);
    return failed != 0;
}
