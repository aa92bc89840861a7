#include <mailwhy/watchdog.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include <mailwhy/netstring.h>

#define ASKS_PER_INTERVAL 3
static const char question[] = "7:status ,";

struct watchdog {
    struct loop *loop;
    struct ticker ticker;
    struct watch watch; /* the question under way; fd -1: there is none */
    int listener;
    const struct milter_proxy *proxy;
    int64_t every, next; /* ms */
    char answer[512];
    size_t answer_len;
};

static struct watchdog *of_ticker(struct ticker *t)
{
    return (struct watchdog *)(void *)((char *)t - offsetof(struct watchdog, ticker));
}

static struct watchdog *of_watch(struct watch *w)
{
    return (struct watchdog *)(void *)((char *)w - offsetof(struct watchdog, watch));
}

static void end_question(struct watchdog *w)
{
    if (w->watch.fd == -1)
        return;
    loop_remove(w->loop, &w->watch);
    close(w->watch.fd);
    w->watch.fd = -1;
}

static bool is_answered(const struct watchdog *w)
{
    const char *body = "";
    size_t len = 0, taken;
    return netstring_parse(w->answer, w->answer_len, &body, &len, &taken) == 1 && len > 3 && memcmp(body, "OK ", 3) == 0;
}

static void on_answer(struct watch *watch, uint32_t events)
{
    struct watchdog *w = of_watch(watch);
    if (events & EPOLLOUT) {
        if (send(watch->fd, question, sizeof question - 1, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof question - 1 ||
            loop_change(w->loop, watch, EPOLLIN) == -1)
            end_question(w);
        return;
    }
    ssize_t n = recv(watch->fd, w->answer + w->answer_len, sizeof w->answer - w->answer_len, MSG_DONTWAIT);
    if (n > 0)
        w->answer_len += (size_t)n;
    if (is_answered(w))
        sd_notify(0, "WATCHDOG=1");
    if (n <= 0 || is_answered(w) || w->answer_len == sizeof w->answer)
        end_question(w);
}

static void ask(struct watchdog *w)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    end_question(w); /* one that was not answered in time */
    if (getsockname(w->listener, (struct sockaddr *)&address, &len) == -1)
        return;
    w->answer_len = 0;
    w->watch = (struct watch){
        .fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .events = EPOLLOUT, .ready = on_answer};
    if (w->watch.fd == -1)
        return;
    bool asked = connect(w->watch.fd, (struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS;
    if (!asked || loop_add(w->loop, &w->watch) == -1) {
        close(w->watch.fd);
        w->watch.fd = -1;
    }
}

static void on_tick(struct ticker *t, int64_t now)
{
    struct watchdog *w = of_ticker(t);
    if (!w->every || now < w->next)
        return;
    w->next = now + w->every;
    if (w->proxy && !milter_proxy_is_alive(w->proxy))
        return;
    if (w->listener == -1)
        sd_notify(0, "WATCHDOG=1");
    else
        ask(w);
}

struct watchdog *watchdog_new(struct loop *loop, int listener, const struct milter_proxy *proxy)
{
    uint64_t interval = 0;
    struct watchdog *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = loop;
    w->listener = listener;
    w->proxy = proxy;
    w->watch.fd = -1;
    if (sd_watchdog_enabled(0, &interval) > 0)
        w->every = (int64_t)(interval / 1000 / ASKS_PER_INTERVAL);
    w->ticker.tick = on_tick;
    loop_add_ticker(loop, &w->ticker);
    return w;
}

void watchdog_free(struct watchdog *w)
{
    if (!w)
        return;
    end_question(w);
    free(w);
}
