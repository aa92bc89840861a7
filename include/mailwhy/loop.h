/* The event loop: file descriptors that are watched (epoll), and a tick. One thread owns a loop. */
#ifndef MAILWHY_LOOP_H
#define MAILWHY_LOOP_H

#include <stdint.h>

struct loop;

/* Something watched. The owner embeds it and keeps it until loop_remove(). */
struct watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT, as given */
    void (*ready)(struct watch *w, uint32_t events);
};

/* Called at each tick, in the order of adding. */
struct ticker {
    void (*tick)(struct ticker *t, int64_t now);
    struct ticker *next;
};

struct loop *loop_new(void); /* NULL with errno */
void loop_free(struct loop *l); /* what is watched stays its owners'; NULL is allowed */

/* 0, or -1 with errno. A watch that is removed is not called any more, though it was ready. */
int loop_add(struct loop *l, struct watch *w);
int loop_change(struct loop *l, struct watch *w, uint32_t events);
void loop_remove(struct loop *l, struct watch *w);
void loop_close(struct loop *l, struct watch *w); /* and its file descriptor */

/* A ticker is called about every 250 ms; its owner keeps it as long as the loop. */
void loop_add_ticker(struct loop *l, struct ticker *t);

/* Milliseconds of a clock that only goes forward, as of the last wake-up. */
int64_t loop_now(const struct loop *l);

/* Run until loop_stop(), which may be called from within. 0, or -1 with errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
