/* What mailwhyd itself has to say: to syslog (facility mail) and, unless that is the journal too, to stderr.
 *
 * Both can block on a stuck reader, so a thread of its own writes them; the lines for it wait in a queue of 1 MiB, beyond which they are
 * dropped and counted, and the count is said when there is room again. */
#ifndef MAILWHY_NOTES_H
#define MAILWHY_NOTES_H

#include <stdbool.h>

/* Begin; until then notes go to stderr alone. verbose: notes of LOG_DEBUG too. 0, or -1 with errno. */
int notes_start(bool verbose);

/* Send what is queued, for at most wait_ms, and end. */
void notes_stop(int wait_ms);

/* Say something, with a priority of syslog(3). Never blocks once notes_start() has returned. */
void note(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line for syslog alone: an event. */
void note_event(const char *line);

#endif
