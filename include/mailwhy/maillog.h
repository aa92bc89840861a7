/* The mail log of Postfix and Sendmail, line by line, as events: refusals that the server gave, failed sign-ins, deliveries that other servers
 * refused, and accepted messages. Syslog lines with old or RFC 3339 timestamps, and what a journal says in their place. */
#ifndef MAILWHY_MAILLOG_H
#define MAILWHY_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mailwhy/event.h>
#include <mailwhy/log_years.h>
#include <mailwhy/reply.h>
#include <mailwhy/reply_find.h>
#include <mailwhy/span.h>

enum maillog_kind {
    MAILLOG_NOTHING, /* none of these; or a line of something else */
    MAILLOG_REFUSED, /* by this server: e->reply, which may lack a code (e->code is 0 then) */
    MAILLOG_DELIVERY, /* a delivery that another server refused or put off, likewise */
    MAILLOG_LOCAL, /* a delivery that an agent of this host refused or put off, likewise */
    MAILLOG_ACCEPTED, /* a message, by its sender */
    MAILLOG_LOST, /* a client that broke off after AUTH */
    MAILLOG_USER, /* not of a mail log: an event of ours that says who the user of a failed sign-in was, which is another event */
};

/* What is kept from line to line; all zero but years at the start. */
struct maillog {
    struct log_years years; /* of times without one; those of a file whose years.at is not 0 are read in order, by one */
    unsigned long known; /* lines of Postfix or Sendmail that were read, whatever they say */
    unsigned long
        unread; /* lines of Postfix or Sendmail without a time that can be read, and refusals without a reply: cut lines */
    int hour_key; /* month, day and hour of hour_time */
    time_t hour_time;
    struct reply_found found;
    char enhanced[ENHANCED_SIZE];
    struct buffer strings;
};

/* What stands in a line behind its time, in pieces: "host program[pid]: text". */
struct maillog_message {
    struct span host, program, text; /* text.at NULL: it is missing */
    long pid; /* 0: none */
    struct timespec time;
    bool timed;
};

/* Another file begins, whose lines have these years. */
void maillog_begin(struct maillog *m, const struct log_years *years);

/* Take a line apart, without its end: *message points into it. False: it is none of a log. */
bool maillog_split(struct maillog *m, const char *line, size_t len, struct maillog_message *message);

/* Read one line, without its end, or one message. Strings of e live until the next call. The kind, or -1: errno ENOMEM. */
int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e);
int maillog_read_message(struct maillog *m, const struct maillog_message *message, struct event *e);
void maillog_free(struct maillog *m);

#endif
