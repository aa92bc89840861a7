/* Following a log: what is handed out over rotations, truncations, restarts and long lines; each line once, whole and in order. */
#include "rows.h"
#include "without_inotify.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include <mailwhy/buffer.h>
#include <mailwhy/follow.h>

static char folder[] = "/tmp/mailwhy-follow-XXXXXX";

/* A scenario is steps, each with its letter:
 *   "+TEXT" append to the log, "1TEXT" to log.1, "-N" take N octets back; "&" is a line end
 *   "=LINES" these are handed out now, each with "&" behind it
 *   "m" the log is renamed to log.1 (and that to log.2), "n" it is made anew, "c" it is copied to log.1 and truncated
 *   "t" it is truncated, "d" deleted, "w" written anew with what it had, "x" log.1 is deleted, "i" log and log.1 change their names
 *   "z" log.1 is compressed, "Z" likewise, but the plain one is still there; "p" log.1 was written long ago
 *   "k" the position is kept, "r" the follower ends and begins anew there, "R" from the position kept last, "e" at the end of the log
 *   "T" from the oldest file on, "l" a line that is too long is appended, "L" one without its end, "?" as many were passed over as LINES says */
static struct scenario {
    const char *name;
    const char *steps[24];
} scenarios[] = {
    {"lines", {"+a&b&", "=a&b&", "+c&", "=c&"}},
    {"an empty line", {"+&a&&", "=&a&&"}},
    {"a line in two writes", {"+a&b", "=a&", "+b", "=", "+b&c&", "=bbb&c&"}},
    {"a log that comes later", {"=", "n", "=", "+a&", "=a&"}},
    {"renamed and made anew", {"+a&", "=a&", "+b&", "m", "n", "+c&", "=b&c&", "+d&", "=d&"}},
    {"renamed, and the writer still has the old one",
     {"+a&", "=a&", "m", "=", "1b&", "=b&", "n", "=", "1c&", "=c&", "+d&", "=d&"}},
    {"renamed, written to both before they are looked at", {"+a&", "=a&", "m", "n", "1b&", "+c&", "=b&c&"}},
    {"renamed in the middle of a line", {"+a&b", "=a&", "m", "n", "1b&", "+c&", "=bb&c&"}},
    {"renamed, and the last line has no end", {"+a&b", "=a&", "m", "n", "+c&", "=b&c&"}},
    {"renamed twice between two looks", {"+a&", "=a&", "+b&", "m", "n", "+c&", "m", "n", "+d&", "=b&c&d&"}},
    {"renamed three times, one of them compressed", {"+a&", "=a&", "m", "+b&", "m", "z", "+c&", "m", "+d&", "=b&c&d&"}},
    {"renamed, and only made anew later", {"+a&", "=a&", "m", "=", "=", "n", "+b&", "=b&"}},
    {"renamed, compressed at once", {"+a&", "=a&", "+b&", "m", "z", "+c&", "=b&c&"}},
    {"being compressed when it is left", {"+a&", "=a&", "+b&", "m", "Z", "+c&", "=b&c&", "x", "+d&", "=d&"}},
    {"older files are not looked at", {"+old&", "m", "p", "+a&", "=a&", "m", "+b&", "=b&"}},
    {"deleted", {"+a&", "=a&", "+b&", "d", "=b&", "n", "+c&", "=c&"}},
    {"deleted before it was looked at", {"+a&", "=a&", "d", "n", "+c&", "=c&"}},
    {"written anew with what it had", {"+a&b&", "=a&b&", "w", "+c&", "=c&"}},
    {"truncated", {"+aaaa&", "=aaaa&", "t", "+b&", "=b&", "+c&", "=c&"}},
    {"truncated and as long again", {"+a&b&", "=a&b&", "t", "+c&d&e&", "=c&d&e&"}},
    {"truncated in the middle of a line", {"+a&bb", "=a&", "t", "+c&", "=c&"}},
    {"copied and truncated", {"+a&", "=a&", "c", "=", "+b&", "=b&"}},
    {"copied and truncated before it was read", {"+a&", "=a&", "+b&", "c", "+c&", "=b&c&"}},
    {"copied and truncated in the middle of a line", {"+a&b", "=a&", "+b&c&", "c", "+d&", "=bb&c&d&"}},
    {"copied and truncated, and as long again", {"+a&", "=a&", "+b&", "c", "+c&d&e&", "=b&c&d&e&"}},
    {"copied and truncated, and compressed", {"+a&", "=a&", "+b&", "c", "z", "+c&", "=b&c&"}},
    {"copied and truncated twice", {"+a&", "=a&", "+b&", "c", "+c&", "c", "+d&", "=b&c&d&"}},
    {"a part of a line taken back", {"+a&bbbb", "=a&", "-4", "+c&", "=c&"}},
    {"resumed", {"+a&", "=a&", "r", "=", "+b&", "=b&"}},
    {"resumed before anything was there", {"=", "r", "+a&", "=a&"}},
    {"resumed in the middle of a line", {"+a&b", "=a&", "r", "+b&", "=bb&"}},
    {"resumed at a place before the last", {"+a&", "=a&", "k", "+b&", "=b&", "R", "=b&"}},
    {"resumed after a rotation", {"+a&", "=a&", "k", "+b&", "m", "n", "+c&", "R", "=b&c&"}},
    {"resumed after a rotation, nothing new yet", {"+a&", "=a&", "k", "+b&", "m", "n", "R", "=b&", "1c&", "=c&", "+d&", "=d&"}},
    {"resumed after a rotation, without a new one", {"+a&", "=a&", "k", "+b&", "m", "R", "=b&", "+c&", "=c&"}},
    {"resumed after two rotations", {"+a&", "=a&", "k", "+b&", "m", "+c&", "m", "+d&", "R", "=b&c&d&"}},
    {"resumed in the rotated one", {"+a&", "=a&", "m", "n", "1b&", "=b&", "r", "1c&", "+d&", "=c&d&"}},
    {"resumed after a rotation with compression", {"+a&", "=a&", "k", "+b&", "m", "z", "+c&", "R", "=b&c&"}},
    {"resumed after a truncation", {"+aaaa&", "=aaaa&", "k", "t", "+b&", "R", "=b&"}},
    {"resumed after a truncation, and as long again", {"+a&", "=a&", "k", "t", "+b&c&", "R", "=b&c&"}},
    {"resumed after a copy and truncation", {"+a&", "=a&", "k", "+b&", "c", "+c&d&e&", "R", "=b&c&d&e&"}},
    {"resumed, and the old inode is a new file's", {"+a&", "=a&", "k", "+b&", "m", "+c&d&e&", "i", "R", "=b&c&d&e&"}},
    {"resumed, and the file is gone", {"+a&", "=a&", "k", "d", "+b&", "R", "=b&"}},
    {"resumed, and was written anew with what it had", {"+a&", "=a&", "k", "w", "+b&", "R", "=b&"}},
    {"from the end", {"+a&b&", "e", "=", "+c&", "=c&"}},
    {"from the end, in the middle of a line", {"+a&b", "e", "=", "+b&c&", "=c&", "?0"}},
    {"from the end, and it is not there", {"e", "+a&", "=a&"}},
    {"from the oldest on", {"+a&", "m", "+b&", "m", "z", "+c&", "T", "=a&b&c&", "+d&", "=d&"}},
    {"from the oldest on, one being compressed", {"+a&", "m", "Z", "+b&", "T", "=a&b&"}},
    {"a line that is too long", {"+a&", "l", "+b&", "=a&b&", "?1"}},
    {"a line that is too long, in pieces", {"+a&", "L", "=a&", "L", "=", "+b&c&", "=c&", "?1"}},
    {"a line that is too long, and a restart in it", {"+a&", "L", "=a&", "r", "=", "L", "+b&c&", "=c&", "?1"}},
    {"a line that is too long, and a rotation in it", {"+a&", "L", "=a&", "m", "n", "+b&", "=b&", "?1"}},
};

struct state {
    char log[64], one[64], two[64], packed[64];
    struct follow *f;
    char kept[FOLLOW_POSITION_SIZE];
    struct buffer found;
};

static void put(const char *path, const char *mode, const char *data, size_t len)
{
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void put_text(const char *path, const char *text)
{
    char out[64];
    size_t len = strlen(text);
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '&' ? '\n' : text[i];
    put(path, "ab", out, len);
}

static void load(const char *path, struct buffer *out)
{
    char block[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buffer_add(out, block, n);
    fclose(f);
}

/* Move what was rotated before on by one. */
static void age(const struct state *s)
{
    static const char *const ends[][2] = {{".2", ".3"}, {".2.gz", ".3.gz"}, {".1", ".2"}, {".1.gz", ".2.gz"}};
    for (size_t i = 0; i < ROWS(ends); i++) {
        char from[80], to[80];
        snprintf(from, sizeof from, "%s%s", s->log, ends[i][0]);
        snprintf(to, sizeof to, "%s%s", s->log, ends[i][1]);
        rename(from, to);
    }
}

static void compress_one(struct state *s, bool keep)
{
    struct buffer data = {0};
    struct stat st;
    load(s->one, &data);
    assert_int_equal(stat(s->one, &st), 0);
    gzFile z = gzopen(s->packed, "wb");
    assert_int_equal(gzwrite(z, data.data, (unsigned)data.len), (int)data.len);
    assert_int_equal(gzclose(z), Z_OK);
    if (!keep) {
        struct timespec times[2] = {st.st_atim, st.st_mtim};
        utimensat(AT_FDCWD, s->packed, times, 0);
        unlink(s->one);
    }
    buffer_free(&data);
}

static void swap(struct state *s)
{
    struct buffer log = {0}, one = {0};
    load(s->log, &log);
    load(s->one, &one);
    put(s->log, "r+b", one.data, one.len);
    put(s->one, "r+b", log.data, log.len);
    assert_int_equal(truncate(s->log, (off_t)one.len), 0);
    assert_int_equal(truncate(s->one, (off_t)log.len), 0);
    char third[80];
    snprintf(third, sizeof third, "%s-away", s->log);
    rename(s->log, third);
    rename(s->one, s->log);
    rename(third, s->one);
    buffer_free(&log);
    buffer_free(&one);
}

static void begin(struct state *s)
{
    follow_close(s->f);
    s->f = follow_open(s->log);
    assert_non_null(s->f);
}

static void keep(struct state *s)
{
    struct follow_position p;
    follow_position(s->f, &p);
    follow_position_format(&p, s->kept);
}

static void resume(struct state *s)
{
    struct follow_position p;
    assert_int_equal(follow_position_parse(s->kept, &p), 0);
    begin(s);
    assert_int_not_equal(follow_from_position(s->f, &p), -1);
}

static void expect(struct state *s, const char *lines)
{
    const char *line;
    size_t len;
    int got;
    buffer_clear(&s->found);
    while ((got = follow_next(s->f, &line, &len)) == 1) {
        buffer_add(&s->found, line, len);
        buffer_add_char(&s->found, '&');
    }
    assert_int_equal(got, 0);
    assert_string_equal(buffer_string(&s->found), lines);
}

static void add_long(struct state *s, bool end)
{
    static char text[FOLLOW_LINE_MAX + 10];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = end ? '\n' : 'x';
    put(s->log, "ab", text, sizeof text);
}

static void rewrite(struct state *s)
{
    struct buffer data = {0};
    load(s->log, &data);
    unlink(s->log);
    put(s->two, "wb", "", 0); /* so that the inode is another one */
    put(s->log, "wb", data.data, data.len);
    unlink(s->two);
    buffer_free(&data);
}

static void step(struct state *s, const char *what)
{
    struct buffer data = {0};
    struct stat st;
    const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    switch (*what) {
    case '+':
        put_text(s->log, what + 1);
        break;
    case '1':
        put_text(s->one, what + 1);
        break;
    case '=':
        expect(s, what + 1);
        break;
    case '?':
        assert_int_equal(follow_passed_over(s->f), what[1] - '0');
        break;
    case '-':
        assert_int_equal(stat(s->log, &st), 0);
        assert_int_equal(truncate(s->log, st.st_size - (what[1] - '0')), 0);
        break;
    case 'm':
        age(s);
        assert_int_equal(rename(s->log, s->one), 0);
        break;
    case 'n':
        put(s->log, "ab", "", 0);
        break;
    case 'c':
        age(s);
        load(s->log, &data);
        put(s->one, "wb", data.data, data.len);
        assert_int_equal(truncate(s->log, 0), 0);
        break;
    case 't':
        assert_int_equal(truncate(s->log, 0), 0);
        break;
    case 'd':
        assert_int_equal(unlink(s->log), 0);
        break;
    case 'w':
        rewrite(s);
        break;
    case 'x':
        assert_int_equal(unlink(s->one), 0);
        break;
    case 'i':
        swap(s);
        break;
    case 'z':
    case 'Z':
        compress_one(s, *what == 'Z');
        break;
    case 'p':
        assert_int_equal(utimensat(AT_FDCWD, s->one, old, 0), 0);
        break;
    case 'k':
        keep(s);
        break;
    case 'r':
        keep(s);
        resume(s);
        break;
    case 'R':
        resume(s);
        break;
    case 'e':
        begin(s);
        assert_int_not_equal(follow_from_tail(s->f, 0), -1);
        break;
    case 'T':
        begin(s);
        assert_int_equal(follow_from_time(s->f, 0), 0);
        break;
    case 'l':
    case 'L':
        add_long(s, *what == 'l');
        break;
    default:
        fail_msg("no step: %s", what);
    }
    buffer_free(&data);
}

static void clear_folder(const struct state *s)
{
    static const char *const ends[] = {"", ".1", ".2", ".3", ".1.gz", ".2.gz", ".3.gz"};
    for (size_t i = 0; i < ROWS(ends); i++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", s->log, ends[i]);
        unlink(path);
    }
}

static void set_up(struct state *s)
{
    *s = (struct state){0};
    snprintf(s->log, sizeof s->log, "%s/log", folder);
    snprintf(s->one, sizeof s->one, "%s/log.1", folder);
    snprintf(s->two, sizeof s->two, "%s/log.2", folder);
    snprintf(s->packed, sizeof s->packed, "%s/log.1.gz", folder);
    clear_folder(s);
    begin(s);
}

static void tear_down(struct state *s)
{
    follow_close(s->f);
    buffer_free(&s->found);
    clear_folder(s);
}

static void test_scenario(void **state)
{
    const struct scenario *row = *state;
    struct state s;
    set_up(&s);
    for (size_t i = 0; i < ROWS(row->steps) && row->steps[i]; i++)
        step(&s, row->steps[i]);
    tear_down(&s);
}

/* Whether the descriptor says within a while that there is something to look at. */
static bool is_told(const struct state *s)
{
    struct pollfd p = {.fd = follow_fd(s->f), .events = POLLIN};
    assert_int_not_equal(p.fd, -1);
    return poll(&p, 1, 0) == 1;
}

/* Each change that brings lines is told at once, and what was looked at is not told again. */
static void test_told(void **unused)
{
    static const char *const changes[] = {"+a&", "+b&", "m", "1c&", "n", "1d&", "+e&", "+f&", "c", "+g&", "m", "+h&", "+i&"};
    (void)unused;
    struct state s;
    set_up(&s);
    expect(&s, "");
    assert_false(is_told(&s));
    for (size_t i = 0; i < ROWS(changes); i++) {
        step(&s, changes[i]);
        if (*changes[i] != 'm' && *changes[i] != 'n')
            assert_true(is_told(&s));
        const char *line;
        size_t len;
        while (follow_next(s.f, &line, &len) == 1)
            continue;
        assert_false(is_told(&s));
    }
    tear_down(&s);
}

/* A log in a folder that is not there yet; a folder in its place; a file that can't be read is said. */
static void test_fault(void **unused)
{
    char path[80], dir[80];
    const char *line;
    size_t len;
    (void)unused;
    snprintf(dir, sizeof dir, "%s/later", folder);
    snprintf(path, sizeof path, "%s/later/log", folder);
    struct follow *f = follow_open(path);
    assert_int_equal(follow_next(f, &line, &len), 0);
    assert_int_equal(follow_fault(f), ENOENT);
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(follow_next(f, &line, &len), 0);
    assert_int_equal(follow_fault(f), EISDIR);
    assert_int_equal(rmdir(path), 0);
    put(path, "wb", "a\n", 2);
    assert_int_equal(follow_next(f, &line, &len), 1);
    assert_int_equal(len, 1);
    assert_int_equal(follow_fault(f), 0);
    follow_close(f);
    unlink(path);
    rmdir(dir);
}

static void test_stream(void **unused)
{
    int ends[2];
    const char *line;
    size_t len;
    (void)unused;
    assert_int_equal(pipe(ends), 0);
    struct follow *f = follow_stream(ends[0]);
    assert_int_equal(follow_fd(f), ends[0]);
    assert_int_equal(follow_next(f, &line, &len), 0);
    assert_int_equal(write(ends[1], "a\nb", 3), 3);
    assert_int_equal(follow_next(f, &line, &len), 1);
    assert_memory_equal(line, "a", len);
    assert_int_equal(follow_next(f, &line, &len), 0);
    assert_false(follow_ended(f));
    assert_int_equal(write(ends[1], "c", 1), 1);
    close(ends[1]);
    assert_int_equal(follow_next(f, &line, &len), 1);
    assert_int_equal(len, 2);
    assert_memory_equal(line, "bc", 2);
    assert_int_equal(follow_next(f, &line, &len), 0);
    assert_true(follow_ended(f));
    follow_close(f);
    close(ends[0]);
}

static struct text {
    const char *name, *text;
} texts[] = {
    {"nothing", ""},
    {"words", "one two three four five"},
    {"too few", "1 2 3 4"},
    {"more behind it", "1 2 3 0000000000000004 5 6"},
    {"a negative offset", "1 2 -3 0000000000000004 5"},
};

static void test_no_position(void **state)
{
    const struct text *row = *state;
    struct follow_position p = {.offset = 7};
    assert_int_equal(follow_position_parse(row->text, &p), -1);
    assert_int_equal(p.offset, 7);
}

static void test_position_text(void **unused)
{
    (void)unused;
    struct follow_position p = {~(dev_t)0, ~(ino_t)0, INT64_MAX, UINT64_MAX, INT64_MAX}, back;
    char text[FOLLOW_POSITION_SIZE];
    follow_position_format(&p, text);
    assert_int_equal(follow_position_parse(text, &back), 0);
    assert_true(back.device == p.device && back.inode == p.inode && back.offset == p.offset && back.hash == p.hash &&
                back.time == p.time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_told), cmocka_unit_test(test_fault), cmocka_unit_test(test_stream),
                                       cmocka_unit_test(test_position_text)};
    if (!mkdtemp(folder))
        return 1;
    int failed = ROWS_RUN(scenarios, test_scenario) + ROWS_RUN(texts, test_no_position) +
                 cmocka_run_group_tests_name("follow", tests, NULL, NULL);
    without_inotify = true;
    failed += ROWS_RUN(scenarios, test_scenario);
    rmdir(folder);
    return failed;
}
