/* The sessions that are open while mailwhyd restarts. The MTA tells the next mailwhyd nothing of them, so it gets what is known of each from the one
 * before it: by the service manager's store of file descriptors (FileDescriptorStoreMax= in systemd.service(5)), in memory alone. */
#ifndef MAILWHY_HANDOVER_H
#define MAILWHY_HANDOVER_H

#include <stdint.h>

#include <mailwhy/catalog_slot.h>
#include <mailwhy/loop.h>
#include <mailwhy/session.h>

#define HANDOVER_NAME "sessions" /* in the store */
#define HANDOVER_MAX 16384 /* sessions */
#define HANDOVER_SIZE_MAX ((size_t)16 << 20) /* octets */
#define HANDOVER_AGE_MAX                                                                                                         \
    25 /* seconds; after 30 Postfix gives up a milter that does not answer, and its next session is unknown */
#define HANDOVER_REMEMBER 600 /* seconds that a session is remembered */

struct handover;

/* Append what is known of the sessions. What may have changed before it is read, unseen, is left out: the message; that there is no TLS, that
 * nobody has signed in. now: seconds of CLOCK_MONOTONIC. 0, or -1 with errno ENOMEM. */
int handover_write(struct sessions *all, int64_t now, struct buffer *out);

/* Leave them with the service manager, where there is one that has a store. */
void handover_give(struct sessions *all);

/* Open the sessions of such a text; one that is too old, or none, opens none. They stay open until their process, or client, has another one, or
 * HANDOVER_REMEMBER. Both must outlive it. NULL with errno ENOMEM. */
struct handover *handover_read(struct sessions *all, struct catalog_slot *catalogs, int64_t now, const char *text, size_t len);
size_t handover_count(const struct handover *h); /* of those that are open */
void handover_forget(struct handover *h, int64_t now); /* close those whose time has come */
void handover_free(struct handover *h); /* NULL is allowed */

/* Take what handover_give() left from fd, which is closed (-1: nothing was left), and have the loop forget it in time. NULL with errno. */
struct handover *handover_take(struct sessions *all, struct catalog_slot *catalogs, struct loop *loop, int fd);

#endif
