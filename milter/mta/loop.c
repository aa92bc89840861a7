#include <mailwhy/loop.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 250
#define BATCH 256

struct loop {
    int fd;
    bool stopped;
    int64_t now;
    int64_t next_tick;
    struct ticker *tickers, **last_ticker;
    struct epoll_event batch[BATCH];
    int batch_count, batch_at;
};

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->fd == -1) {
        free(l);
        return NULL;
    }
    l->last_ticker = &l->tickers;
    l->now = clock_ms();
    l->next_tick = l->now + TICK_MS;
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    close(l->fd);
    free(l);
}

int loop_add(struct loop *l, struct watch *w)
{
    struct epoll_event event = {.events = w->events, .data.ptr = w};
    return epoll_ctl(l->fd, EPOLL_CTL_ADD, w->fd, &event);
}

int loop_change(struct loop *l, struct watch *w, uint32_t events)
{
    if (events == w->events)
        return 0;
    struct epoll_event event = {.events = events, .data.ptr = w};
    if (epoll_ctl(l->fd, EPOLL_CTL_MOD, w->fd, &event) == -1)
        return -1;
    w->events = events;
    return 0;
}

/* Let none of what the last wake-up brought reach it. */
static void forget(struct loop *l, const struct watch *w)
{
    for (int i = l->batch_at; i < l->batch_count; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
}

void loop_remove(struct loop *l, struct watch *w)
{
    epoll_ctl(l->fd, EPOLL_CTL_DEL, w->fd, NULL);
    forget(l, w);
}

void loop_close(struct loop *l, struct watch *w)
{
    close(w->fd); /* the kernel forgets it with that */
    forget(l, w);
    w->fd = -1;
}

void loop_add_ticker(struct loop *l, struct ticker *t)
{
    t->next = NULL;
    *l->last_ticker = t;
    l->last_ticker = &t->next;
}

int64_t loop_now(const struct loop *l)
{
    return l->now;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

static void run_tickers(struct loop *l)
{
    if (l->now < l->next_tick)
        return;
    l->next_tick = l->now + TICK_MS;
    for (struct ticker *t = l->tickers; t; t = t->next)
        t->tick(t, l->now);
}

int loop_run(struct loop *l)
{
    while (!l->stopped) {
        int64_t wait = l->next_tick - clock_ms();
        int count = epoll_wait(l->fd, l->batch, BATCH, wait > 0 ? (int)wait : 0);
        if (count == -1 && errno != EINTR)
            return -1;
        l->now = clock_ms();
        l->batch_count = count > 0 ? count : 0;
        for (l->batch_at = 0; l->batch_at < l->batch_count && !l->stopped;) {
            struct epoll_event *event = &l->batch[l->batch_at++];
            struct watch *w = event->data.ptr;
            if (w)
                w->ready(w, event->events);
        }
        run_tickers(l);
    }
    return 0;
}
