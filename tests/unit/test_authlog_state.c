/* How far a mail log was read: the file that says so, and the places that it names. */
#include "rows.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../milter/mta/authlog_state.h"

#define FIRST "mailwhyd: how far a mail log was read, 1\n"
#define CURSOR "s=11111111111111111111111111111111;i=5;b=22222222222222222222222222222222;m=7;t=9;x=a"
#define PLACE "65024 77 2527 4cfd1deec20c271f 1795242262"
#define NAME_255 /* too long for a place */                                                                                      \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789" \
    "abcdef"                                                                                                                     \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789" \
    "abcdef"

static char path[] = "/tmp/mailwhy-state-XXXXXX";

/* What stands in the file (NULL: there is none), the log that is asked for, and what is read: 1, 0, or -1 with that errno. */
static struct row {
    const char *name, *text, *log;
    int got, error;
} rows[] = {
    {"a file", FIRST "/var/log/mail.log\n" PLACE "\n" PLACE "\n", "/var/log/mail.log", 1, 0},
    {"the journal", FIRST "journal\n" CURSOR "\n" PLACE "\n", "journal", 1, 0},
    {"a journal in a folder", FIRST "journal:/srv/j\n" CURSOR "\n" PLACE "\n", "journal:/srv/j", 1, 0},
    {"none", NULL, "journal", 0, 0},
    {"a file, the journal asked for", FIRST "/var/log/mail.log\n" PLACE "\n" PLACE "\n", "journal", -1, ESTALE},
    {"the journal, a file asked for", FIRST "journal\n" CURSOR "\n" PLACE "\n", "/var/log/mail.log", -1, ESTALE},
    {"a journal in another folder", FIRST "journal:/srv/j\n" CURSOR "\n" PLACE "\n", "journal:/srv/k", -1, ESTALE},
    {"empty", "", "journal", -1, EBADMSG},
    {"another first line", "nonsense\njournal\n" CURSOR "\n" PLACE "\n", "journal", -1, EBADMSG},
    {"cut", FIRST "journal\n" CURSOR "\n" PLACE, "journal", -1, EBADMSG},
    {"no place in the event log", FIRST "journal\n" CURSOR "\n" CURSOR "\n", "journal", -1, EBADMSG},
    {"a place that is too long", FIRST "journal\n" NAME_255 "\n" PLACE "\n", "journal", -1, EBADMSG},
};

static void test_read(void **state)
{
    const struct row *row = *state;
    struct authlog_state got = {.log = "untouched"};
    unlink(path);
    if (row->text) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(row->text, file) >= 0 && fclose(file) == 0);
    }
    errno = 0;
    assert_int_equal(authlog_state_read(&got, path, row->log), row->got);
    if (row->got != 1) {
        assert_string_equal(got.log, "untouched");
        assert_int_equal(row->got == -1 ? errno : 0, row->error);
        return;
    }
    struct authlog_state again;
    assert_int_equal(authlog_state_write(&got, path, row->log), 0);
    assert_int_equal(authlog_state_read(&again, path, row->log), 1);
    assert_string_equal(again.log, got.log);
    assert_int_equal(again.events.offset, 2527);
}

static struct begins {
    const char *name, *log, *place;
    int error; /* 0: it is a place there */
} begins[] = {
    {"a file: its place", "/nonexistent/mail.log", PLACE, 0},
    {"a file: a cursor", "/nonexistent/mail.log", CURSOR, EBADMSG},
    {"a file: its end", "/nonexistent/mail.log", NULL, 0},
    {"a journal: a cursor", "journal:/nonexistent", CURSOR, 0},
    {"a journal: a time", "journal:/nonexistent", "t=9", 0},
    {"a journal: a file's place", "journal:/nonexistent", PLACE, EBADMSG},
    {"a journal: its end", "journal:/nonexistent", NULL, 0},
    {"this machine's journal: a cursor", "journal", CURSOR, 0},
};

static void test_begin(void **state)
{
    const struct begins *row = *state;
    struct authlog_source *s = authlog_source_open(row->log);
    struct maillog_message message;
    char place[AUTHLOG_PLACE_SIZE];
    assert_non_null(s);
    errno = 0;
    assert_int_equal(authlog_source_begin(s, row->place), row->error ? -1 : 0);
    assert_int_equal(errno * !!row->error, row->error);
    authlog_source_place(s, place);
    if (!row->error && row->place && strncmp(row->log, "journal", strlen("journal")) == 0)
        assert_string_equal(place, row->place);
    if (strcmp(row->log, "journal") != 0) {
        assert_int_equal(authlog_source_next(s, &message), 0);
        assert_non_null(authlog_source_fault(s));
    }
    authlog_source_close(s);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd == -1)
        return 1;
    close(fd);
    int failed = ROWS_RUN(rows, test_read) + ROWS_RUN(begins, test_begin);
    unlink(path);
    return failed;
}
