/* The milter (libmilter): what an MTA tells of each session. It observes; it never refuses, delays or changes mail. */
#ifndef MAILWHY_MILTER_H
#define MAILWHY_MILTER_H

#include <mailwhy/service.h>

/* Serve the listening socket in threads of its own, to the end of the process: libmilter cannot be stopped without races of its own, and the end of
 * the process harms nothing, so that is how it ends. It serves one socket a process. The service, and all in it, must stay. Returns when it
 * answers. 0, or -1 with errno. Should it end by itself, the process gets SIGTERM. */
int milter_start(struct service *service, int listener);

/* Have libmilter see at once whether it was told to end: a signal that comes to a stopped process may have gone to a thread of its own, and it looks every
 * five seconds. */
void milter_wake(void);

/* Take no more sessions: who connects from now on waits at the socket for the next process that listens at it. 0, or -1 with errno. */
int milter_leave_listener(void);

#endif
