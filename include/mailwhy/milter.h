/* The milter (libmilter): what an MTA tells of each session. It observes; it never refuses, delays or changes mail. */
#ifndef MAILWHY_MILTER_H
#define MAILWHY_MILTER_H

#include <mailwhy/service.h>

/* Serve the listening socket in threads of its own, until milter_stop(). libmilter serves one socket a process. The service must outlive it.
 * Returns when it answers. 0, or -1 with errno. Should it end by itself, the process gets SIGTERM. */
int milter_start(struct service *service, int listener);

/* Stop serving, where it was started. 1: every thread has ended; 0: sessions are still open after wait_ms. */
int milter_stop(int wait_ms);

#endif
