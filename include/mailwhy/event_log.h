/* The event log that is written: one write(2) to an O_APPEND file for each event.
 *
 * One process writes a log; within it, any thread may call event_log_write(). The log counts what it did and what it failed to do. */
#ifndef MAILWHY_EVENT_LOG_H
#define MAILWHY_EVENT_LOG_H

#include <stdint.h>

#include <mailwhy/event.h>

struct event_log;

struct event_log_counts {
    uint64_t written;
    uint64_t failed; /* events that could not be written; their replies go out without a reference */
};

/* Open or make (mode 0640) the log at path. NULL with errno. A log that ends in the middle of a line, as after a crash of the machine, is
 * continued on a new line, and its last reference is not given out again. */
struct event_log *event_log_open(const char *path);
void event_log_close(struct event_log *log);

/* Open the path anew, after a rotation. 0, or -1 with errno: the file that was open stays in use. */
int event_log_reopen(struct event_log *log);

/* Stamp the event with the time (never before the one before it) and, where with_ref says so, a new reference, and write it. The line is in
 * the file when this returns 0. -1 with errno (ENOSPC ...): nothing of it stands in the file, e->ref is "". */
int event_log_write(struct event_log *log, struct event *e, int with_ref);

struct event_log_counts event_log_counts(const struct event_log *log);

#endif
