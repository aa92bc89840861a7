/* The signals that mailwhyd acts on: SIGHUP, SIGTERM, SIGINT and SIGCONT, as octets of a pipe. */
#ifndef MAILWHY_DAEMON_SIGNALS_H
#define MAILWHY_DAEMON_SIGNALS_H

#include <stdbool.h>

/* Have each arrive as an octet, its number, at the file descriptor that is returned (it does not block), once a process. -1 with errno. */
int signals_catch(void);

/* Let the calling thread take them, or neither it nor a thread that it starts meanwhile. */
void signals_block(bool block);

#endif
