/* A review's answers to an operator's questions, in their order: what the pages, the JSON and the CSV of `mailwhy review` show. */
#ifndef MAILWHY_REPORT_H
#define MAILWHY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mailwhy/buffer.h>
#include <mailwhy/catalog.h>
#include <mailwhy/explain.h>
#include <mailwhy/tally.h>
#include <mailwhy/words.h>

#define REPORT_TREND 16 /* columns of a trend */

enum report_question {
    REPORT_GROUPS, /* by what was asked for, else by reason */
    REPORT_REASONS, /* why this server refused */
    REPORT_THEIRS, /* why other servers refused */
    REPORT_LOCAL, /* why agents of this host refused what it had accepted */
    REPORT_OURS, /* of the first, what this server's administrator must mend */
    REPORT_OURS_THERE, /* of the second, likewise */
    REPORT_GUESSERS, /* clients that guess passwords */
    REPORT_NETWORKS, /* networks likewise */
    REPORT_GUESSED, /* users who are guessed at */
    REPORT_OLD_PASSWORDS, /* users with an old password in one program */
    REPORT_CORRESPONDENTS, /* senders with accepted mail who were refused */
    REPORT_UNKNOWN, /* replies that the catalogue does not know */
    REPORT_QUESTIONS
};

struct report_row {
    const char *name; /* id of a reason, address, user, reply; the tally's */
    const struct catalog_reason *reason; /* NULL: none */
    const struct catalog_text *text; /* the reason's; NULL: none */
    char *fix; /* its fix, filled in; NULL: none */
    unsigned long count;
    unsigned long others; /* different ones of what the section says */
    bool about; /* others is an estimate */
    time_t first, last;
    unsigned long trend[REPORT_TREND]; /* from the first event of all to the last; where the section has one */
    const struct history *history; /* likewise; NULL: none */
};

struct report_section {
    const char *key; /* in JSON and CSV */
    enum word title, name; /* of the section, and the head over its names */
    enum word other; /* the head over others; WORD_COUNT: there are none */
    const char *other_key;
    bool trend;
    struct report_row *rows;
    size_t count;
    size_t more; /* rows that were left out */
};

/* What could not be used of what was read. */
struct report_lost {
    unsigned long unread; /* lines of a mail server and entries of a journal that cannot be read */
    unsigned long files; /* that could not be read to their end */
};

struct report {
    const struct tally *tally;
    struct explain_words words;
    struct report_lost lost;
    time_t now;
    unsigned long sessions, sessions_before, accepted;
    bool exact;
    unsigned long bound; /* counts may be too low by so many */
    struct report_section sections[REPORT_QUESTIONS];
};

/* Answer, with at most top rows a section. The tally must outlive the report. 0, or -1 with errno ENOMEM. */
int report_make(struct report *r, const struct tally *tally, const struct explain_words *words, const struct report_lost *lost,
                time_t now, size_t top);
void report_free(struct report *r);

#define REPORT_TIME_SIZE 32

/* A time as RFC 3339 has it, UTC. */
const char *report_time(time_t time, char out[static REPORT_TIME_SIZE]);

#endif
