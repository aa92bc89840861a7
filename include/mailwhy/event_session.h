/* The events of one session in a log. */
#ifndef MAILWHY_EVENT_SESSION_H
#define MAILWHY_EVENT_SESSION_H

#include <mailwhy/event.h>

struct event_session {
    char **lines; /* in their order, the event itself among them; without their ends */
    size_t *lens;
    size_t count;
};

/* Find the events of the session that e belongs to, in the log at path: those of its host, process, client address and port, at most ten minutes
 * from it, and within 32 MiB of the log before and after it; an MTA may not tell its process. Of a failed sign-in whose session is not known: the event
 * and the one that says who its user was. None where the event lacks one of these. 0, or -1 with errno. */
int event_session_find(struct event_session *s, const char *path, const struct event *e);
void event_session_free(struct event_session *s);

#endif
