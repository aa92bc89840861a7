#include <mailwhy/milter_proxy.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "proxy_link.h"

#define ACCEPT_BATCH 64
#define SHARE_OF_FILES 6 /* a third of them: each link has two */
#define LINKS_MIN 4
#define ALIVE_MS 2000

struct door {
    struct watch watch;
    struct milter_proxy *proxy;
    const struct milter_route *route;
};

struct milter_proxy {
    struct loop *loop;
    struct door *doors;
    size_t door_count;
    struct ticker ticker;
    struct watch stop; /* an eventfd: the end */
    pthread_t thread;
    size_t most; /* links */
    _Atomic int64_t ticked; /* ms */
    struct links links;
};

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void door_ready(struct watch *w, uint32_t events)
{
    struct door *d = (struct door *)w;
    struct milter_proxy *p = d->proxy;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = p->links.count < p->most ? accept4(w->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
        if (fd != -1) {
            link_begin(&p->links, fd, from.ss_family, &d->route->to, d->route->to_len, d->route->via);
        } else if (p->links.count >= p->most || (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)) {
            loop_change(p->loop, w, 0); /* until the next tick: one that cannot be served would keep the loop spinning */
            return;
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static void on_tick(struct ticker *t, int64_t now)
{
    struct milter_proxy *p = (struct milter_proxy *)(void *)((char *)t - offsetof(struct milter_proxy, ticker));
    atomic_store(&p->ticked, now);
    links_tick(&p->links, now);
    for (size_t i = 0; i < p->door_count && p->links.count < p->most; i++)
        loop_change(p->loop, &p->doors[i].watch, EPOLLIN);
}

static void on_stop(struct watch *w, uint32_t events)
{
    struct milter_proxy *p = (struct milter_proxy *)(void *)((char *)w - offsetof(struct milter_proxy, stop));
    (void)events;
    loop_stop(p->loop);
}

static void *run(void *context)
{
    struct milter_proxy *p = context;
    if (loop_run(p->loop) == -1) {
        p->links.service->warn(LOG_ERR, "the milter proxy has ended by itself: %s; so does mailwhyd", strerror(errno));
        kill(getpid(), SIGTERM);
    }
    return NULL;
}

static void proxy_free(struct milter_proxy *p)
{
    if (p->loop)
        links_end(&p->links);
    if (p->stop.fd != -1)
        close(p->stop.fd);
    loop_free(p->loop);
    free(p->doors);
    free(p);
}

/* Watch the doors. 0, or -1 with errno. */
static int open_doors(struct milter_proxy *p, const struct milter_route *routes, size_t count)
{
    p->doors = calloc(count, sizeof *p->doors);
    if (!p->doors)
        return -1;
    for (; p->door_count < count; p->door_count++) {
        struct door *d = &p->doors[p->door_count];
        const struct milter_route *route = &routes[p->door_count];
        *d = (struct door){.watch = {.fd = route->listener, .events = EPOLLIN, .ready = door_ready}, .proxy = p, .route = route};
        if (loop_add(p->loop, &d->watch) == -1)
            return -1;
    }
    return 0;
}

struct milter_proxy *milter_proxy_start(struct service *service, const struct milter_route *routes, size_t count)
{
    struct rlimit files;
    int error;
    struct milter_proxy *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->stop = (struct watch){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .events = EPOLLIN, .ready = on_stop};
    p->most = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur / SHARE_OF_FILES : LINKS_MIN;
    p->most = p->most < LINKS_MIN ? LINKS_MIN : p->most;
    p->loop = loop_new();
    if (!p->loop)
        goto fail;
    links_begin(&p->links, p->loop, service);
    if (p->stop.fd == -1 || loop_add(p->loop, &p->stop) == -1 || open_doors(p, routes, count) == -1)
        goto fail;
    p->ticker.tick = on_tick;
    loop_add_ticker(p->loop, &p->ticker);
    atomic_store(&p->ticked, clock_ms());
    error = pthread_create(&p->thread, NULL, run, p);
    if (error) {
        errno = error;
        goto fail;
    }
    return p;

fail:
    error = errno;
    proxy_free(p);
    errno = error;
    return NULL;
}

bool milter_proxy_is_alive(const struct milter_proxy *p)
{
    return clock_ms() - atomic_load(&p->ticked) < ALIVE_MS;
}

void milter_proxy_stop(struct milter_proxy *p)
{
    const uint64_t one = 1;
    if (!p)
        return;
    ssize_t written = write(p->stop.fd, &one, sizeof one);
    (void)written;
    pthread_join(p->thread, NULL);
    proxy_free(p);
}
