/* The event log that is written: a full disk, a torn line, a clock set back, rotation, threads. */
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mailwhy/event_log.h>

/* The clock of this program, so that a test can set it. */
static struct timespec clock_set; /* 0: the machine's own */

int clock_gettime(clockid_t id, struct timespec *time)
{
    if (id == CLOCK_REALTIME && clock_set.tv_sec) {
        *time = clock_set;
        return 0;
    }
    return (int)syscall(SYS_clock_gettime, id, time);
}

static char folder[] = "/tmp/mailwhy-test-XXXXXX";
static char path[64], rotated[64];

static int make_folder(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(rotated, sizeof rotated, "%s/log.1", folder);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    clock_set = (struct timespec){0};
    unlink(path);
    unlink(rotated);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

/* The whole file, which the caller frees. */
static char *get(const char *name, size_t *len)
{
    struct stat st;
    int fd = open(name, O_RDONLY);
    assert_true(fd != -1 && fstat(fd, &st) == 0);
    char *text = malloc((size_t)st.st_size + 1);
    assert_non_null(text);
    assert_int_equal(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
    text[st.st_size] = '\0';
    *len = (size_t)st.st_size;
    close(fd);
    return text;
}

static void assert_file(const char *name, const char *text)
{
    size_t len;
    char *is = get(name, &len);
    assert_string_equal(is, text);
    free(is);
}

static void assert_counts(const struct event_log *log, unsigned written, unsigned failed)
{
    struct event_log_counts counts = event_log_counts(log);
    assert_int_equal(counts.written, written);
    assert_int_equal(counts.failed, failed);
}

static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static struct start {
    const char *name, *before, *after;
} starts[] = {
    {"no file", NULL, "{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"},
    {"an empty file", "", "{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"},
    {"whole lines", "{}\n", "{}\n{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"},
    {"a torn line", "{}\n{\"ts\":\"20", "{}\n{\"ts\":\"20\n{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"},
};

static void test_start(void **state)
{
    const struct start *row = *state;
    struct event e = {.host = "h"};
    remove_files(NULL);
    clock_set = (struct timespec){1784020353, 999};
    if (row->before)
        put(path, row->before);
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    assert_counts(log, 1, 0);
    event_log_close(log);
    assert_file(path, row->after);
    remove_files(NULL);
}

static void test_mode(void **state)
{
    (void)state;
    mode_t mask = umask(0);
    struct stat st;
    struct event_log *log = event_log_open(path);
    umask(mask);
    assert_non_null(log);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    event_log_close(log);
    event_log_close(NULL);
}

static void test_no_folder(void **state)
{
    (void)state;
    assert_null(event_log_open("/tmp/mailwhy-test-is-not-there/log"));
    assert_int_equal(errno, ENOENT);
    assert_null(event_log_open(folder));
    assert_int_equal(errno, EISDIR);
}

/* The event that was written is the one in the file: its reference, its time, and the reference's time. */
static void test_stamp(void **state)
{
    (void)state;
    struct event e = {.host = "h", .ref = "junk"}, back;
    struct buffer store = {0};
    size_t len;
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    struct timespec before, after; /* not time(2), whose clock is coarser and can be a second behind */
    clock_gettime(CLOCK_REALTIME, &before);
    assert_int_equal(event_log_write(log, &e, 1), 0);
    clock_gettime(CLOCK_REALTIME, &after);
    assert_true(e.time.tv_sec >= before.tv_sec && e.time.tv_sec <= after.tv_sec);
    assert_int_equal(ref_time(e.ref, e.time.tv_sec), e.time.tv_sec);
    char *line = get(path, &len);
    assert_int_equal(event_from_json(&back, &store, line, len), 1);
    assert_string_equal(back.ref, e.ref);
    assert_int_equal(back.time.tv_sec, e.time.tv_sec);
    assert_int_equal(back.time.tv_nsec, e.time.tv_nsec);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    assert_string_equal(e.ref, "");
    free(line);
    buffer_free(&store);
    event_log_close(log);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    clock_set = (struct timespec){2000000000, 500000};
    assert_int_equal(event_log_write(log, &e, 1), 0);
    clock_set = (struct timespec){1999990000, 0};
    assert_int_equal(event_log_write(log, &e, 1), 0);
    assert_int_equal(e.time.tv_sec, 2000000000);
    assert_int_equal(e.time.tv_nsec, 500000);
    assert_int_equal(ref_time(e.ref, 2000000000), 2000000000);
    clock_set = (struct timespec){2000000001, 0};
    assert_int_equal(event_log_write(log, &e, 1), 0);
    assert_int_equal(e.time.tv_sec, 2000000001);
    event_log_close(log);
}

/* Where the disk is full within a line, that line is taken back; what is written later is whole. */
static void test_full_disk(void **state)
{
    (void)state;
    struct event e = {.host = "h", .helo = "a name of some length, so that the line is longer than the room"};
    size_t len, after;
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &e, 1), 0);
    char *before = get(path, &len);
    limit_file_size(len + 50);
    assert_int_equal(event_log_write(log, &e, 1), -1);
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(e.ref, "");
    assert_file(path, before);
    limit_file_size(len);
    assert_int_equal(event_log_write(log, &e, 1), -1);
    assert_int_equal(errno, EFBIG);
    limit_file_size(RLIM_INFINITY);
    assert_counts(log, 1, 2);
    assert_int_equal(event_log_write(log, &e, 1), 0);
    char *text = get(path, &after);
    assert_int_equal(after, 2 * len);
    assert_memory_equal(text, before, len);
    assert_memory_equal(text + len, "{\"ts\":", 6);
    free(text);
    free(before);
    event_log_close(log);
}

/* Where the part of a line can't be taken back, what comes next stands on a line of its own. */
static void test_full_disk_no_way_back(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    char name[64];
    size_t len;
    int fd = memfd_create("log", MFD_ALLOW_SEALING);
    assert_true(fd != -1 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    clock_set = (struct timespec){1784020353, 0};
    struct event_log *log = event_log_open(name);
    assert_non_null(log);
    limit_file_size(20);
    assert_int_equal(event_log_write(log, &e, 0), -1);
    assert_int_equal(event_log_write(log, &e, 0), -1);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    char *text = get(name, &len);
    assert_string_equal(text, "{\"ts\":\"2026-07-14T09\n{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"
                              "{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n");
    assert_counts(log, 2, 2);
    free(text);
    event_log_close(log);
    close(fd);
}

static void test_device_full(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    struct event_log *log = event_log_open("/dev/full");
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &e, 1), -1);
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(e.ref, "");
    assert_counts(log, 0, 1);
    event_log_close(log);
}

/* A pipe that nobody empties holds up nothing. */
static void test_fifo_does_not_block(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    assert_int_equal(mkfifo(path, 0600), 0);
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    int got = 0;
    for (int i = 0; i < 5000 && got == 0; i++)
        got = event_log_write(log, &e, 1);
    assert_int_equal(got, -1);
    event_log_close(log);
}

static void test_rotation(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    clock_set = (struct timespec){1784020353, 0};
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    assert_int_equal(rename(path, rotated), 0);
    assert_int_equal(event_log_write(log, &e, 0), 0);
    put(path, "torn");
    assert_int_equal(event_log_reopen(log), 0);
    clock_set.tv_sec -= 100;
    assert_int_equal(event_log_write(log, &e, 0), 0);
    assert_int_equal(event_log_write(log, &e, 0), 0);
#define ONE "{\"ts\":\"2026-07-14T09:12:33.000000Z\",\"host\":\"h\"}\n"
    assert_file(rotated, ONE ONE);
    assert_file(path, "torn\n" ONE ONE);
    event_log_close(log);
}

static void test_reopen_fails(void **state)
{
    (void)state;
    struct event e = {.host = "h"};
    size_t len;
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(rename(path, rotated), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(event_log_reopen(log), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(event_log_write(log, &e, 1), 0);
    free(get(rotated, &len));
    assert_true(len > 0);
    assert_int_equal(rmdir(path), 0);
    event_log_close(log);
}

#define THREADS 2
#define EACH 20000

struct worker {
    struct event_log *log;
    pthread_t thread;
    char (*refs)[REF_SIZE];
    unsigned failed;
};

static void *work(void *of)
{
    struct worker *w = of;
    for (int i = 0; i < EACH; i++) {
        struct event e = {.host = "mx.example.com", .pid = i + 1, .helo = "x"};
        w->failed += event_log_write(w->log, &e, 1) != 0;
        memcpy(w->refs[i], e.ref, REF_SIZE);
    }
    return NULL;
}

static int compare_refs(const void *a, const void *b)
{
    return memcmp(a, b, REF_SIZE);
}

/* Every line of the text is an event, and none is before the one before it. The references are put into refs. */
static size_t read_all(const char *text, size_t len, char (*refs)[REF_SIZE], size_t most)
{
    struct buffer store = {0};
    struct timespec last = {0};
    size_t count = 0;
    for (const char *at = text, *end; at < text + len; at = end + 1) {
        struct event e;
        end = memchr(at, '\n', (size_t)(text + len - at));
        assert_non_null(end);
        buffer_clear(&store);
        assert_int_equal(event_from_json(&e, &store, at, (size_t)(end - at)), 1);
        assert_true(e.time.tv_sec > last.tv_sec || (e.time.tv_sec == last.tv_sec && e.time.tv_nsec >= last.tv_nsec));
        last = e.time;
        assert_true(count < most);
        memcpy(refs[count++], e.ref, REF_SIZE);
    }
    buffer_free(&store);
    return count;
}

static void test_threads(void **state)
{
    (void)state;
    static char given[THREADS * EACH][REF_SIZE], logged[THREADS * EACH][REF_SIZE];
    struct worker workers[THREADS];
    size_t len;
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.log = log, .refs = given + i * EACH};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 500; i++)
        assert_int_equal(event_log_reopen(log), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].failed, 0);
    }
    assert_counts(log, THREADS * EACH, 0);
    event_log_close(log);
    char *text = get(path, &len);
    assert_int_equal(read_all(text, len, logged, THREADS * EACH), THREADS * EACH);
    free(text);
    qsort(given, THREADS * EACH, REF_SIZE, compare_refs);
    qsort(logged, THREADS * EACH, REF_SIZE, compare_refs);
    assert_memory_equal(given, logged, sizeof given);
    assert_int_equal(strlen(given[0]), REF_SIZE - 1);
    for (size_t i = 1; i < THREADS * EACH; i++)
        assert_string_not_equal(given[i - 1], given[i]);
}

/* A reference as a number. */
static uint64_t number_of(const char *ref)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t number = 0;
    for (; *ref; ref++)
        if (*ref != '-')
            number = number * 32 + (uint64_t)(strchr(digits, *ref) - digits);
    return number;
}

/* A daemon that is killed and started again within one second goes on counting: no reference is given out twice. */
static void test_goes_on(void **state)
{
    struct event before = {.host = "h"}, after = {.host = "h"}, without = {.host = "h"}, later = {.host = "h"};
    (void)state;
    clock_set = (struct timespec){1784020353, 0};
    struct event_log *log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &before, 1), 0);
    assert_int_equal(event_log_write(log, &without, 0), 0);
    event_log_close(log);
    log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &after, 1), 0);
    if (number_of(before.ref) % (1 << 22) != (1 << 22) - 1)
        assert_true(number_of(after.ref) == number_of(before.ref) + 1);
    event_log_close(log);
    clock_set.tv_sec++;
    log = event_log_open(path);
    assert_non_null(log);
    assert_int_equal(event_log_write(log, &later, 1), 0);
    assert_true(number_of(later.ref) >> 22 == (number_of(after.ref) >> 22) + 1);
    event_log_close(log);
}

#define TEST(function) cmocka_unit_test_teardown(function, remove_files)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mode),        TEST(test_no_folder),
        TEST(test_stamp),       TEST(test_clock_set_back),
        TEST(test_full_disk),   TEST(test_full_disk_no_way_back),
        TEST(test_device_full), TEST(test_fifo_does_not_block),
        TEST(test_rotation),    TEST(test_reopen_fails),
        TEST(test_threads),     TEST(test_goes_on),
    };
    if (make_folder(NULL) == -1)
        return 1;
    int failed = ROWS_RUN(starts, test_start);
    failed += cmocka_run_group_tests_name("event_log", tests, NULL, remove_folder);
    return failed != 0;
}
