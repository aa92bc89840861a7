/* One connection of an MTA with the one to the milter that it is passed on to. For the thread of the proxy alone.
 *
 * What the MTA says goes on frame by frame, but for a frame that is too long: an MTA writes a message's body in pieces of a page, and to pass on each would wake the
 * milter for nothing. What the milter says goes on as it comes.
 *
 * Each direction has at most one piece in memory: while one end does not take what there is for it, nothing is read from the other. An end that says
 * no more is passed on as such (shutdown(2)) and the other direction goes on; one that is gone ends the link as soon as what it had said is with the
 * other. Where the milter cannot be reached, the MTA's connection is closed. */
#ifndef MAILWHY_PROXY_LINK_H
#define MAILWHY_PROXY_LINK_H

#include <sys/queue.h>
#include <sys/socket.h>

#include <mailwhy/loop.h>
#include <mailwhy/proxy_reply.h>

#define LINK_HELD_MAX 65536 /* octets of a frame that are waited for */
#define LINK_PIECE (128 * 1024) /* octets that are read at once */
#define LINK_ASKED_S 60 /* a connection over TCP that is silent for so long is asked whether it is still there */
#define LINK_ENDING_MS 60000 /* a link of which one end has said all is closed after this time without an octet */

struct link;
TAILQ_HEAD(link_list, link);

/* What all links share. */
struct links {
    struct loop *loop;
    struct service *service;
    struct proxy_reply reply;
    struct link_list open;
    struct link_list ending; /* one end has said all; the longest silent first */
    struct link_list waiting; /* for room in the milter's backlog; the oldest first */
    size_t count;
    char piece[LINK_PIECE];
};

void links_begin(struct links *all, struct loop *loop, struct service *service);
void links_end(struct links *all); /* closes them */

/* Link an MTA's connection (of that address family), which is the link's from now on, to the milter at the address, known as via; both outlive it. */
void link_begin(struct links *all, int mta, int family, const struct sockaddr_storage *address, socklen_t address_len,
                const char *via);

/* Try again what waits, and close what has passed its limit. */
void links_tick(struct links *all, int64_t now);

#endif
