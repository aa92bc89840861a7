/* The mail log of Postfix and Sendmail, line by line, as events: refusals that the server gave, failed sign-ins, deliveries that other servers
 * refused, and accepted messages. Syslog lines with old or RFC 3339 timestamps. */
#ifndef MAILWHY_MAILLOG_H
#define MAILWHY_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mailwhy/event.h>
#include <mailwhy/reply_find.h>

enum maillog_kind {
    MAILLOG_NOTHING, /* none of these; or a line of something else */
    MAILLOG_REFUSED, /* by this server: e->reply, which may lack a code (e->code is 0 then) */
    MAILLOG_DELIVERY, /* a delivery that another server refused or put off, likewise */
    MAILLOG_ACCEPTED, /* a message, by its sender */
    MAILLOG_LOST, /* a client that broke off after AUTH */
};

/* What is kept from line to line; all zero but now at the start. */
struct maillog {
    time_t now; /* a time without a year is the latest that is not after it (but for a day) */
    unsigned long unread; /* lines of Postfix or Sendmail without a time that can be read */
    int hour_key; /* month, day and hour of hour_time */
    time_t hour_time;
    struct reply_found found;
    struct buffer strings;
};

/* Read one line, without its end. Strings of e live until the next call. The kind, or -1: errno ENOMEM. */
int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e);
void maillog_free(struct maillog *m);

#endif
