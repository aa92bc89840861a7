/* The time of an event as its `ts` has it: RFC 3339, UTC. */
#ifndef MAILWHY_EVENT_TIME_H
#define MAILWHY_EVENT_TIME_H

#include <stddef.h>
#include <time.h>

#define EVENT_TIME_SIZE 28 /* "2026-07-14T09:12:33.000042Z" and its NUL */

/* 0, or -1 with errno EINVAL: before the year 0 or after 9999, or no nanoseconds; out is "" then. */
int event_time_format(const struct timespec *time, char out[static EVENT_TIME_SIZE]);

/* Read a time that ends in "Z", with any number of decimals from none to nine. The whole text must be the time.
 * 0, or -1 with errno EINVAL; *time is untouched then. */
int event_time_parse(const char *s, size_t len, struct timespec *time);

#endif
