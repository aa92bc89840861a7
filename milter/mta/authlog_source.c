#include "authlog_source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mailwhy/follow.h>

#define JOURNAL "journal"

struct authlog_source {
    struct follow_journal *journal; /* NULL: it is a file */
    bool own; /* it is this machine's */
    struct follow *file;
    struct maillog times; /* of the file's lines */
};

static_assert(FOLLOW_POSITION_SIZE <= AUTHLOG_PLACE_SIZE, "a place is that of either");

struct authlog_source *authlog_source_open(const char *log)
{
    static const char in_folder[] = JOURNAL ":";
    struct authlog_source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->own = strcmp(log, JOURNAL) == 0;
    if (s->own)
        s->journal = follow_journal_open(NULL);
    else if (strncmp(log, in_folder, sizeof in_folder - 1) == 0)
        s->journal = follow_journal_open(log + sizeof in_folder - 1);
    else
        s->file = follow_open(log);
    if (s->journal || s->file)
        return s;
    free(s);
    errno = ENOMEM;
    return NULL;
}

void authlog_source_close(struct authlog_source *s)
{
    if (!s)
        return;
    follow_journal_close(s->journal);
    follow_close(s->file);
    maillog_free(&s->times);
    free(s);
}

int authlog_source_begin(struct authlog_source *s, const char *place)
{
    struct follow_position position;
    if (!place)
        return s->file && follow_from_tail(s->file, 0) == -1 ? -1 : 0;
    if (s->journal ? follow_journal_from_place(s->journal, place) == -1 : follow_position_parse(place, &position) == -1) {
        errno = EBADMSG;
        return -1;
    }
    return s->file && follow_from_position(s->file, &position) == -1 ? -1 : 0;
}

static int next_of_file(struct authlog_source *s, struct maillog_message *message)
{
    const char *line;
    size_t len;
    int got;
    s->times.years = (struct log_years){.bound = time(NULL)};
    while ((got = follow_next(s->file, &line, &len)) == 1) {
        len -= len && line[len - 1] == '\r';
        if (maillog_split(&s->times, line, len, message))
            return 1;
    }
    return got;
}

int authlog_source_next(struct authlog_source *s, struct maillog_message *message)
{
    return s->journal ? follow_journal_next(s->journal, message) : next_of_file(s, message);
}

int authlog_source_fd(const struct authlog_source *s)
{
    return s->journal ? follow_journal_fd(s->journal) : follow_fd(s->file);
}

void authlog_source_place(const struct authlog_source *s, char place[static AUTHLOG_PLACE_SIZE])
{
    struct follow_position position;
    if (s->journal) {
        snprintf(place, AUTHLOG_PLACE_SIZE, "%s", follow_journal_place(s->journal));
        return;
    }
    follow_position(s->file, &position);
    follow_position_format(&position, place);
}

const char *authlog_source_fault(const struct authlog_source *s)
{
    int fault = s->journal ? follow_journal_fault(s->journal) : follow_fault(s->file);
    if (s->journal && fault == ENOENT)
        return "there are no files of a journal";
    if (s->journal && fault == EACCES)
        return s->own ? "permission denied: mailwhyd must run in the group systemd-journal"
                      : "permission denied: mailwhyd runs in no group that may read it";
    if (s->journal && fault == EBADMSG)
        return "no file of the journal is whole";
    if (fault == ESPIPE)
        return "it is no file";
    return fault ? strerror(fault) : NULL;
}
