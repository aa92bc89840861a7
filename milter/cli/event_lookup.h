/* Finding an event in a log and in what was rotated from it. */
#ifndef EVENT_LOOKUP_H
#define EVENT_LOOKUP_H

#include <stddef.h>

#include <mailwhy/event_find.h>
#include <mailwhy/log_files.h>

/* Find the event in the log, else in the ones that were rotated. 1: in files->paths[*which]; 0: not there; -1: errno, of the log itself. */
int event_lookup(const struct log_files *files, const char *ref, struct event_found *found, size_t *which);

#endif
