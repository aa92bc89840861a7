/* The time that a line of a mail log begins with. */
#ifndef MAILLOG_TIME_H
#define MAILLOG_TIME_H

#include <stdbool.h>
#include <time.h>

#include <mailwhy/span.h>

/* Of a time without a year. */
struct maillog_stamp {
    int month, day, hour, minute, second; /* month from 0, day from 1 */
};

/* Read "Nov 20 10:00:01 " or "2026-11-20T10:00:01.123456+01:00 ", with its blank. False: there is none, s is untouched. */
bool maillog_stamp_read(struct span *s, struct maillog_stamp *stamp);
bool maillog_time_read(struct span *s, struct timespec *time);

#endif
