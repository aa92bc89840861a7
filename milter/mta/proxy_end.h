/* One end of a link: a connection, and what it does not take yet. */
#ifndef MAILWHY_PROXY_END_H
#define MAILWHY_PROXY_END_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>
#include <mailwhy/loop.h>

struct end {
    struct watch watch; /* its fd: -1 for none */
    struct loop *loop;
    void *link;
    struct buffer out; /* what it does not take yet, or is not offered yet */
    size_t sent; /* octets of out */
    bool held; /* out is not offered yet */
    bool watched; /* by the loop */
    bool closing; /* it says no more than lies there; known of one that is not read */
    bool ended; /* it has said all */
    bool gone; /* it hears nothing any more */
    bool shut; /* it was told that the other end has said all */
    bool failed; /* something for it was lost for lack of memory */
};

/* Watch for these events; an end that is not watched is not watched for none. 0, or -1 with errno. */
int end_watch(struct end *e, uint32_t events);
void end_unwatch(struct end *e);
void end_close(struct end *e); /* one without a connection too */

/* Nothing can be said to it any more: what waits for it is dropped, and what comes. */
void end_is_gone(struct end *e);

/* Send octets, and keep what is not taken; send what was kept. Held octets wait for others to be sent: they make no sense to it without what follows. */
void end_send(struct end *e, const char *octets, size_t len);
void end_hold(struct end *e, const char *octets, size_t len);
void end_flush(struct end *e);

/* Whether something waits for it to take it. */
bool end_is_full(const struct end *e);

/* Say that there is nothing more to come. */
void end_shut(struct end *e);

#endif
