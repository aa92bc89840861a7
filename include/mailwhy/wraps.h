/* The wrapped milters of a configuration: their sockets, and the proxy that serves them. */
#ifndef MAILWHY_WRAPS_H
#define MAILWHY_WRAPS_H

#include <mailwhy/config.h>
#include <mailwhy/listeners.h>
#include <mailwhy/milter_proxy.h>

struct wraps;

/* Listen for each, by listeners_take() as "wrap-NAME", and find out where it is passed on to. NULL with a sentence in fault. What the configuration names must stay. */
struct wraps *wraps_listen(const struct config *config, struct listeners *listeners, const struct endpoint_owner *owner,
                           struct buffer *fault);

/* Serve them, where there are any. 0, or -1 with errno. */
int wraps_start(struct wraps *w, struct service *service);

/* What serves them; NULL for none. */
const struct milter_proxy *wraps_proxy(const struct wraps *w);

/* End. NULL is allowed. */
void wraps_end(struct wraps *w);

#endif
