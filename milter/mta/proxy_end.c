#include "proxy_end.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int end_watch(struct end *e, uint32_t events)
{
    if (e->watched)
        return loop_change(e->loop, &e->watch, events);
    if (!events)
        return 0;
    e->watch.events = events;
    e->watched = loop_add(e->loop, &e->watch) == 0;
    return e->watched ? 0 : -1;
}

void end_unwatch(struct end *e)
{
    if (e->watched)
        loop_remove(e->loop, &e->watch);
    e->watched = false;
}

void end_close(struct end *e)
{
    if (e->watch.fd != -1)
        loop_close(e->loop, &e->watch);
    e->watched = false;
    buffer_free(&e->out);
}

void end_is_gone(struct end *e)
{
    e->gone = true;
    e->held = false;
    e->sent = 0;
    buffer_free(&e->out);
}

/* Keep octets for it. */
static void keep(struct end *e, const char *octets, size_t len)
{
    if (!e->gone && buffer_add(&e->out, octets, len) == -1)
        e->failed = true;
}

void end_send(struct end *e, const char *octets, size_t len)
{
    if (e->held) {
        keep(e, octets, len);
        end_flush(e);
        return;
    }
    while (len && !e->gone && !e->out.len) {
        ssize_t n = send(e->watch.fd, octets, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == -1 && errno == EAGAIN)
            break;
        if (n == -1 && errno != EINTR)
            end_is_gone(e);
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        }
    }
    if (len)
        keep(e, octets, len);
}

void end_hold(struct end *e, const char *octets, size_t len)
{
    e->held = !e->gone && (e->held || !e->out.len);
    keep(e, octets, len);
}

bool end_is_full(const struct end *e)
{
    return e->out.len && !e->held;
}

void end_flush(struct end *e)
{
    e->held = false;
    while (e->sent < e->out.len) {
        ssize_t n = send(e->watch.fd, e->out.data + e->sent, e->out.len - e->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == -1 && errno == EAGAIN)
            return;
        if (n == -1 && errno != EINTR) {
            end_is_gone(e);
            return;
        }
        if (n > 0)
            e->sent += (size_t)n;
    }
    e->sent = 0;
    buffer_free(&e->out);
}

void end_shut(struct end *e)
{
    shutdown(e->watch.fd, SHUT_WR);
    e->shut = true;
}
