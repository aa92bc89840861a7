/* The milter proxy: it stands between MTAs and other milters, and explains what these refuse.
 *
 * One thread of its own with a loop of its own serves all sessions: what it streams (whole messages) and what it explains would else hold up the
 * reply map, which must answer within milliseconds. It shares with the other threads what each of these shares: event log, catalogue, the sessions
 * of mailwhyd's own milter. It takes a third of the files that the process may open, two for each session; beyond that new ones wait
 * in the listener's backlog until one ends. */
#ifndef MAILWHY_MILTER_PROXY_H
#define MAILWHY_MILTER_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include <mailwhy/service.h>

struct milter_proxy;

/* A milter that is wrapped. */
struct milter_route {
    const char *via; /* "wrap:NAME" */
    int listener; /* where the MTA connects */
    struct sockaddr_storage to; /* where the milter listens */
    socklen_t to_len;
};

/* Serve the routes, which must outlive the proxy, as must the service; the listeners stay the caller's. NULL with errno. */
struct milter_proxy *milter_proxy_start(struct service *service, const struct milter_route *routes, size_t count);

/* Whether its thread goes round its loop: at least once in the last two seconds. */
bool milter_proxy_is_alive(const struct milter_proxy *p);

/* End: the connections are closed. NULL is allowed. */
void milter_proxy_stop(struct milter_proxy *p);

#endif
