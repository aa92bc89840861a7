/* The sockets that mailwhyd listens at: those that a service manager passes to it (sd_listen_fds_with_names(3)), else its own. */
#ifndef MAILWHY_LISTENERS_H
#define MAILWHY_LISTENERS_H

#include <stdbool.h>

#include <mailwhy/endpoint.h>
#include <mailwhy/loop.h>

struct listeners;

/* Take over what was passed, once a process; the environment says nothing of it afterwards. NULL with errno ENOMEM. */
struct listeners *listeners_new(void);

/* A socket (non-blocking, close-on-exec) that listens for the endpoint: the passed one of that name ("socketmap", "milter", "wrap-NAME"), else the
 * passed one that is bound there, written as the endpoint is (a host as its address), else one of our own, by endpoint_listen(). The caller
 * closes it, or leaves that to the end of the process. -1 with a sentence in fault. */
int listeners_take(struct listeners *l, const char *name, const char *endpoint, const struct endpoint_owner *owner,
                   struct buffer *fault);

/* Whether the socket was passed: whoever passed it goes on listening there when the process has ended. */
bool listeners_is_passed(const struct listeners *l, int fd);

/* The file that was stored with the service manager under HANDOVER_NAME, for the caller to close; -1 for none. */
int listeners_take_stored(struct listeners *l);

/* What was passed and not taken: note each, and close every connection that comes to it, so that nobody waits there. 0, or -1 with errno. */
int listeners_refuse_rest(struct listeners *l, struct loop *loop);

/* Remove the files of our own unix sockets. Those that were passed stay as they are: connections wait there for our successor. */
void listeners_end(struct listeners *l);

#endif
