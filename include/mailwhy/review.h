/* Reading logs into a tally: our event logs and mail logs, told apart line by line, and journals, by several threads. */
#ifndef MAILWHY_REVIEW_H
#define MAILWHY_REVIEW_H

#include <sys/types.h>

#include <mailwhy/filter.h>
#include <mailwhy/tally.h>

struct review;

struct review_options {
    const struct catalog *catalog;
    const struct filter *filter;
    enum tally_by by;
    time_t now;
    unsigned threads; /* at most; 0: as many as there are processors, up to 4 */
    void (*progress)(void *data, off_t done,
                     off_t size); /* called every now and then by review_read(); size 0: not known. NULL: none */
    void *data;
};

/* The options' catalogue and filter must outlive the review. Out of memory ends the program. */
struct review *review_begin(const struct review_options *options);

/* Read a log, or standard input for "-". 0, or -1 with errno as log_source says: what could be read was counted. */
int review_read(struct review *r, const char *path);

/* Lines and entries that were read so far, and those of them that are events or a mail server's. */
struct review_lines {
    unsigned long all, known;
};
struct review_lines review_lines(const struct review *r);

/* All that was counted; it is the review's. Nothing can be read after it. */
const struct tally *review_tally(struct review *r);

/* Lines of a mail server, and entries of a journal, that could not be read: without a time, cut or damaged. */
unsigned long review_unread(const struct review *r);
void review_end(struct review *r);

#endif
