#include <mailwhy/follow_journal.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include <mailwhy/journal.h>

#include "journal_cursor.h"
#include "journal_fields.h"
#include "journal_folder.h"
#include "journal_guard.h"

#define MATCH "SYSLOG_FACILITY=2" /* mail */
#define LOOK_S 1 /* for a journal that cannot be read */
#define ANEW_S 60 /* it is opened anew so often, lest what inotify missed stay missed */
#define PROCESS 256 /* entries, between which inotify is read */

struct follow_journal {
    char *folder; /* NULL: this machine's journal */
    sd_journal *journal; /* NULL: it is to be opened */
    int fd;
    time_t opened; /* when, or when it was tried */
    char place[FOLLOW_JOURNAL_PLACE_SIZE];
    struct journal_cursor from; /* the place where reading began, */
    bool seeking; /* up to which an entry may come yet */
    bool from_end; /* nothing was tried yet */
    unsigned entries;
    int fault;
    struct buffer store;
};

static time_t clock_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

struct follow_journal *follow_journal_open(const char *folder)
{
    struct follow_journal *f = calloc(1, sizeof *f);
    struct timespec now;
    if (!f)
        return NULL;
    if (folder && !(f->folder = strdup(folder))) {
        free(f);
        errno = ENOMEM;
        return NULL;
    }
    journal_guard_install();
    f->opened = clock_s() - LOOK_S;
    f->fault = ENOENT;
    f->fd = -1;
    f->from_end = true;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(f->place, sizeof f->place, "t=%llx",
             (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    return f;
}

static void close_journal(struct follow_journal *f)
{
    sd_journal_close(f->journal);
    f->journal = NULL;
    f->fd = -1;
}

void follow_journal_close(struct follow_journal *f)
{
    if (!f)
        return;
    close_journal(f);
    buffer_free(&f->store);
    free(f->folder);
    free(f);
}

int follow_journal_from_place(struct follow_journal *f, const char *place)
{
    struct journal_cursor cursor;
    size_t len = strlen(place);
    if (len >= sizeof f->place || journal_cursor_parse(&cursor, place) == -1)
        return -1;
    memcpy(f->place, place, len + 1);
    f->from_end = false;
    return 0;
}

/* Make the place that of the current entry. 0, or less: a negated errno. */
static int keep_place(struct follow_journal *f)
{
    char *cursor;
    int result = sd_journal_get_cursor(f->journal, &cursor);
    if (result < 0)
        return result;
    size_t len = strlen(cursor);
    if (len < sizeof f->place)
        memcpy(f->place, cursor, len + 1);
    free(cursor);
    return len < sizeof f->place ? 0 : -EBADMSG;
}

/* Go to the place, the end for one, in a journal that was opened. 0, or less: a negated errno. */
static int go_to_place(struct follow_journal *f)
{
    int result = f->from_end ? sd_journal_seek_tail(f->journal) : 0;
    if (result == 0 && f->from_end && (result = sd_journal_previous(f->journal)) > 0)
        result = keep_place(f);
    if (result < 0 || (result = sd_journal_add_match(f->journal, MATCH, 0)) < 0 ||
        (result = sd_journal_seek_cursor(f->journal, f->place)) < 0)
        return result;
    f->seeking = true;
    return journal_cursor_parse(&f->from, f->place) == 0 ? 0 : -EBADMSG;
}

/* 0, or less: a negated errno. */
static int open_journal(struct follow_journal *f)
{
    uint64_t octets = 0;
    int result = f->folder ? sd_journal_open_directory(&f->journal, f->folder, 0)
                           : sd_journal_open(&f->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
    if (result < 0) {
        f->journal = NULL;
        return result;
    }
    f->fd = sd_journal_get_fd(f->journal);
    sd_journal_set_data_threshold(f->journal, JOURNAL_ENTRY_MAX);
    result = sd_journal_get_usage(f->journal, &octets);
    if (result >= 0 && octets == 0)
        result = -journal_folder_fault(f->folder);
    return result < 0 ? result : go_to_place(f);
}

/* Have the journal open, where it can be; it is tried once a second. */
static bool have_journal(struct follow_journal *f)
{
    time_t now = clock_s();
    char before[FOLLOW_JOURNAL_PLACE_SIZE];
    if (f->journal || now - f->opened < LOOK_S)
        return f->journal;
    f->opened = now;
    memcpy(before, f->place, sizeof before);
    int result = open_journal(f);
    if (journal_guard_hit())
        result = -EIO;
    f->fault = -result;
    f->from_end = false;
    if (result < 0) {
        close_journal(f);
        memcpy(f->place, before, sizeof before);
    }
    return f->journal;
}

/* The journal is at its end. True: there may be more all the same. */
static bool look_again(struct follow_journal *f)
{
    uint64_t octets;
    int event = sd_journal_process(f->journal);
    bool gone = event == SD_JOURNAL_INVALIDATE && sd_journal_get_usage(f->journal, &octets) >= 0 && octets == 0;
    bool changed = event != SD_JOURNAL_NOP;
    if (event < 0 || gone || clock_s() - f->opened >= (f->fd < 0 ? LOOK_S : ANEW_S)) {
        close_journal(f);
        changed = true;
    }
    return changed;
}

/* The fields of the current entry. 1; 0: it lacks what is needed; -1: errno ENOMEM. */
static int read_entry(struct follow_journal *f, struct maillog_message *message)
{
    size_t place[JOURNAL_FIELDS] = {0}, len[JOURNAL_FIELDS], size;
    struct span fields[JOURNAL_FIELDS] = {{0}};
    uint64_t time;
    const void *data;
    buffer_clear(&f->store);
    SD_JOURNAL_FOREACH_DATA(f->journal, data, size)
    {
        const char *equals = memchr(data, '=', size);
        size_t name = equals ? (size_t)(equals - (const char *)data) : 0;
        enum journal_field field = journal_field(data, name);
        if (!equals || field == JOURNAL_FIELDS || f->store.len > JOURNAL_ENTRY_MAX)
            continue;
        place[field] = f->store.len + 1;
        len[field] = size - name - 1;
        buffer_add(&f->store, equals + 1, len[field]);
    }
    if (sd_journal_get_realtime_usec(f->journal, &time) >= 0) {
        place[JOURNAL_TIME] = f->store.len + 1;
        buffer_printf(&f->store, "%llu", (unsigned long long)time);
        len[JOURNAL_TIME] = f->store.len + 1 - place[JOURNAL_TIME];
    }
    if (!buffer_ok(&f->store)) {
        errno = ENOMEM;
        return -1;
    }
    for (size_t i = 0; i < JOURNAL_FIELDS; i++)
        if (place[i])
            fields[i] = (struct span){f->store.data + place[i] - 1, f->store.data + place[i] - 1 + len[i]};
    journal_message(fields, message);
    return journal_is_whole(message);
}

/* Leave a journal that cannot be read, and try again in a second. */
static void fail(struct follow_journal *f, int fault)
{
    close_journal(f);
    f->opened = clock_s();
    f->fault = fault;
}

/* Take the current entry. 1; 0: it is passed over; -1: errno ENOMEM. What was not read, for want of memory or of the file, comes again. */
static int take_entry(struct follow_journal *f, struct maillog_message *message)
{
    struct journal_cursor cursor;
    char before[FOLLOW_JOURNAL_PLACE_SIZE];
    memcpy(before, f->place, sizeof before);
    bool placed = keep_place(f) == 0 && journal_cursor_parse(&cursor, f->place) == 0;
    bool passed = placed && f->seeking && journal_cursor_passed(&cursor, &f->from);
    int got = placed && !passed ? read_entry(f, message) : 0;
    bool broken = journal_guard_hit();
    if (!placed || passed || got == -1 || broken)
        memcpy(f->place, before, sizeof before);
    else
        f->seeking = false;
    if (got == -1 || broken)
        fail(f, broken ? EIO : ENOMEM);
    return broken ? 0 : got;
}

static int next_entry(struct follow_journal *f, struct maillog_message *message)
{
    while (have_journal(f)) {
        int got = sd_journal_next(f->journal);
        if (journal_guard_hit())
            got = -EIO;
        if (got < 0)
            fail(f, -got);
        else if (got == 0 && !look_again(f))
            return 0;
        if (got > 0 && ++f->entries % PROCESS == 0)
            sd_journal_process(f->journal);
        if (got > 0 && (got = take_entry(f, message)) != 0)
            return got;
    }
    return 0;
}

int follow_journal_next(struct follow_journal *f, struct maillog_message *message)
{
    journal_guard_begin();
    int got = next_entry(f, message);
    journal_guard_end();
    return got;
}

int follow_journal_fd(const struct follow_journal *f)
{
    return f->fd < 0 ? -1 : f->fd;
}

const char *follow_journal_place(const struct follow_journal *f)
{
    return f->place;
}

int follow_journal_fault(const struct follow_journal *f)
{
    return f->fault;
}
