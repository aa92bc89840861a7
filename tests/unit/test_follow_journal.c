/* Following a journal of real files: what is handed out over their archiving and removal, from places that were kept, and without inotify; and cursors. */
#include "rows.h"
#include "without_inotify.h"

#include <dirent.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/buffer.h>
#include <mailwhy/follow_journal.h>

#include "../../milter/event/journal_cursor.h"

#define REMOTE "/lib/systemd/systemd-journal-remote --split-mode=none --output=mail.journal - >/dev/null 2>&1"
#define SOON_MS 10000

static char folder[] = "/tmp/mailwhy-journal-XXXXXX";

/* A scenario is steps, each with its letter:
 *   "+TEXTS" add entries, each of one letter, ";" being one that is no mail; "=TEXTS" these are handed out now
 *   "a" what was written is archived, "x" what was archived is removed, "d" all is removed, "c" what was written is cut to nothing
 *   "k" the place is kept, "r" the follower ends and begins anew at its place, "R" at the one that was kept, "e" at the end of the journal
 *   "!N" that is the fault now, or a second later */
static struct scenario {
    const char *name;
    const char *steps[24];
} scenarios[] = {
    {"entries", {"+a", "e", "=", "+b", "=b", "+cd", "=cd", "!0"}},
    {"from the end on, also where the last one is another's", {"+ab;", "e", "=", "+;c;", "=c"}},
    {"archived", {"+0", "e", "+ab", "=ab", "a", "=", "+c", "=c", "a", "+d", "a", "+e", "=de"}},
    {"one that comes later", {"e", "=", "!2", "+ab", "=ab", "!0"}},
    {"removed, and what is added then", {"+a", "e", "+b", "=b", "d", "=", "!2", "+c", "=c", "!0"}},
    {"removed before it was read, but open", {"+a", "e", "=", "+b", "a", "x", "=b", "+c", "=c"}},
    {"resumed", {"+0", "e", "+abc", "=abc", "r", "=", "+d", "=d", "r", "+e", "=e"}},
    {"resumed before anything was there", {"e", "=", "r", "+a", "=a", "r", "="}},
    {"resumed, archived meanwhile", {"+0", "e", "+ab", "=ab", "k", "+c", "a", "+d", "a", "+e", "R", "=cde", "R", "=cde"}},
    {"resumed where the entry is gone", {"+0", "e", "+ab", "=ab", "k", "a", "x", "+cd", "R", "=cd"}},
    {"resumed where all is gone", {"+0", "e", "+ab", "=ab", "d", "r", "=", "+c", "=c"}},
    {"cut", {"+0", "e", "+ab", "=ab", "c", "+c", "=c"}},
};

static void write_entries(const char *letters)
{
    FILE *to = popen(REMOTE, "w");
    assert_non_null(to);
    for (; *letters; letters++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        long long time = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
        fprintf(to,
                "__REALTIME_TIMESTAMP=%lld\n__MONOTONIC_TIMESTAMP=%lld\n_BOOT_ID=4e3e6f3c0b7f4f0ea3a1e1e7d0f2a5b1\n"
                "SYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=sm-mta\n_HOSTNAME=mx\nSYSLOG_PID=7\nMESSAGE=%c\n\n",
                time, time - 1700000000000000LL, *letters == ';' ? 3 : 2, *letters);
    }
    assert_int_equal(pclose(to), 0);
}

static void empty(const char *only)
{
    DIR *dir = opendir(".");
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (*entry->d_name != '.' && (!only || strstr(entry->d_name, only)))
            unlink(entry->d_name);
    closedir(dir);
}

static long long now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void expect(struct follow_journal *f, const char *letters)
{
    struct maillog_message m;
    struct buffer got = {0};
    buffer_add_string(&got, "");
    long long begin = now_ms();
    int next = 0;
    while ((next = follow_journal_next(f, &m)) == 1 || (got.len < strlen(letters) && now_ms() - begin < SOON_MS)) {
        struct pollfd polled = {.fd = follow_journal_fd(f), .events = POLLIN};
        assert_int_not_equal(next, -1);
        if (next == 0)
            poll(&polled, 1, 100);
        else if (span_is(m.host, "mx") && span_is(m.program, "sm-mta") && m.pid == 7 && m.timed)
            buffer_add(&got, m.text.at, span_length(m.text));
    }
    assert_string_equal(got.data, letters);
    buffer_free(&got);
}

static void expect_fault(struct follow_journal *f, int fault)
{
    struct maillog_message m;
    for (long long begin = now_ms(); follow_journal_fault(f) != fault && now_ms() - begin < SOON_MS; poll(NULL, 0, 20))
        assert_int_equal(follow_journal_next(f, &m), 0);
    assert_int_equal(follow_journal_fault(f), fault);
}

static struct follow_journal *begin(const char *place)
{
    struct follow_journal *f = follow_journal_open(folder);
    struct maillog_message m;
    assert_non_null(f);
    if (place)
        assert_int_equal(follow_journal_from_place(f, place), 0);
    else
        assert_int_equal(follow_journal_next(f, &m), 0);
    return f;
}

static void run_scenario(void **state)
{
    const struct scenario *s = *state;
    struct follow_journal *f = NULL;
    char kept[FOLLOW_JOURNAL_PLACE_SIZE] = "", name[80];
    int archived = 0;
    empty(NULL);
    for (const char *const *step = s->steps; *step; step++) {
        switch (**step) {
        case '+':
            write_entries(*step + 1);
            break;
        case '=':
            expect(f, *step + 1);
            break;
        case 'a':
            snprintf(name, sizeof name, "mail@%d.journal", ++archived);
            assert_int_equal(rename("mail.journal", name), 0);
            break;
        case 'x':
            empty("@");
            break;
        case 'd':
            empty(NULL);
            break;
        case 'c':
            assert_int_equal(truncate("mail.journal", 0), 0);
            break;
        case 'k':
        case 'r':
            snprintf(kept, sizeof kept, "%s", follow_journal_place(f));
            if (**step == 'k')
                break;
            /* fall through */
        case 'R':
            follow_journal_close(f);
            f = begin(kept);
            break;
        case 'e':
            follow_journal_close(f);
            f = begin(NULL);
            break;
        default:
            expect_fault(f, (*step)[1] - '0');
        }
    }
    follow_journal_close(f);
}

#define ID1 "11111111111111111111111111111111"
#define ID2 "22222222222222222222222222222222"

/* place: the cursor that reading begins behind, and whether the entry is up to it; -1: that is no place. */
static struct cursor {
    const char *name, *place, *entry;
    int passed;
} cursors[] = {
    {"itself", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", 1},
    {"before", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", "s=" ID1 ";i=4;b=" ID2 ";m=8;t=9;x=b", 1},
    {"behind", "s=" ID1 ";i=f;b=" ID2 ";m=7;t=9;x=a", "s=" ID1 ";i=10;b=" ID2 ";m=7;t=9;x=a", 0},
    {"itself, copied to another file", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", "s=" ID2 ";i=6;b=" ID2 ";m=7;t=9;x=a", 1},
    {"another one in another file", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", "s=" ID2 ";i=5;b=" ID2 ";m=7;t=9;x=b", 0},
    {"of another boot", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", "s=" ID2 ";i=5;b=" ID1 ";m=7;t=9;x=a", 0},
    {"a time", "t=60ffffffffff", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a", 0},
    {"the largest numbers", "s=" ID1 ";i=ffffffffffffffff;b=" ID2 ";m=ffffffffffffffff;t=ffffffffffffffff;x=ffffffffffffffff",
     "t=1", 0},
    {"nothing", "", NULL, -1},
    {"a part", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9", NULL, -1},
    {"more", "s=" ID1 ";i=5;b=" ID2 ";m=7;t=9;x=a;y=1", NULL, -1},
    {"another order", "i=5;s=" ID1 ";b=" ID2 ";m=7;t=9;x=a", NULL, -1},
    {"an id that is too short", "s=1;i=5;b=" ID2 ";m=7;t=9;x=a", NULL, -1},
    {"an id that is too long", "s=" ID1 "1;i=5;b=" ID2 ";m=7;t=9;x=a", NULL, -1},
    {"a number that is too large", "t=10000000000000000", NULL, -1},
    {"no number", "t=", NULL, -1},
    {"other digits", "t=1g", NULL, -1},
    {"a file's place", "65024 11001973 2527 4cfd1deec20c271f 1795242262", NULL, -1},
};

static void test_cursor(void **state)
{
    const struct cursor *row = *state;
    struct journal_cursor place, entry;
    struct follow_journal *f = follow_journal_open(folder);
    char before[FOLLOW_JOURNAL_PLACE_SIZE];
    assert_non_null(f);
    snprintf(before, sizeof before, "%s", follow_journal_place(f));
    assert_int_equal(follow_journal_from_place(f, row->place), row->passed == -1 ? -1 : 0);
    assert_string_equal(follow_journal_place(f), row->passed == -1 ? before : row->place);
    follow_journal_close(f);
    if (row->passed == -1)
        return;
    assert_int_equal(journal_cursor_parse(&place, row->place), 0);
    assert_int_equal(journal_cursor_parse(&entry, row->entry), 0);
    assert_int_equal(journal_cursor_passed(&entry, &place), row->passed);
}

int main(void)
{
    if (!mkdtemp(folder) || chdir(folder) == -1)
        return 1;
    int failed = ROWS_RUN(cursors, test_cursor) + ROWS_RUN(scenarios, run_scenario);
    without_inotify = true;
    failed += rows_run_table("without inotify", scenarios, sizeof *scenarios, 4, run_scenario); /* the first ones */
    empty(NULL);
    return chdir("/") == -1 || rmdir(folder) == -1 || failed;
}
