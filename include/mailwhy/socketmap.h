/* A server of the socketmap protocol (socketmap_table(5)) for many thousands of connections, in one thread.
 *
 * Limits: a request of NETSTRING_MAX octets, which must be complete 10 s after its first octet; a connection that asks nothing for 120 s is
 * closed (Postfix closes its own after 10 s). It takes half of the files that the process may open; beyond that the connection that has been
 * silent longest makes room. */
#ifndef MAILWHY_SOCKETMAP_H
#define MAILWHY_SOCKETMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailwhy/buffer.h>
#include <mailwhy/loop.h>

struct socketmap;

/* Answer a request: fill answer with "OK value", "NOTFOUND " ... as the protocol has it, without its netstring. Must not block. False:
 * there is no answer, and the connection is closed. */
typedef bool socketmap_answer(void *context, const char *name, size_t name_len, const char *key, size_t key_len,
                              struct buffer *answer);

/* Serve the listening sockets, which stay the caller's. NULL with errno. */
struct socketmap *socketmap_new(struct loop *loop, const int *listeners, size_t count, socketmap_answer *answer, void *context);

/* Answer the requests that have arrived at the connections that are open, for the last time before the end. */
void socketmap_finish(struct socketmap *map);
void socketmap_free(struct socketmap *map);

#endif
