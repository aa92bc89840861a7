/* Finding an event by its reference in a log of any size: a binary search by time, then a look at the lines around it. */
#ifndef MAILWHY_EVENT_FIND_H
#define MAILWHY_EVENT_FIND_H

#include <mailwhy/event.h>

struct event_found {
    char *line; /* owned by the caller: the line, without its end */
    size_t len;
    unsigned long reads; /* how many blocks were read */
};

/* Find the event of that reference (in its proper form) in the log at path. 1: found; 0: not there; -1: errno. A log whose lines are
 * out of order, as after a clock was set back, is then searched from one end to the other. */
int event_find(const char *path, const char ref[static REF_SIZE], struct event_found *found);

#endif
