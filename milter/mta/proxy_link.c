#include "proxy_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "proxy_end.h"

struct link {
    TAILQ_ENTRY(link) list;
    struct links *all;
    struct link_list *in; /* the list it is in */
    enum { LINK_WAITING, LINK_CONNECTING, LINK_OPEN } state;
    bool failed; /* there is no memory for its next session */
    struct end mta, milter;
    const struct sockaddr_storage *address;
    socklen_t address_len;
    const char *via;
    struct frame_reader commands, answers;
    struct proxy_session session;
    int64_t last; /* when something was read */
};

static void move_to(struct link *l, struct link_list *list)
{
    if (l->in)
        TAILQ_REMOVE(l->in, l, list);
    l->in = list;
    TAILQ_INSERT_TAIL(list, l, list);
}

static void link_close(struct link *l)
{
    end_close(&l->mta);
    end_close(&l->milter);
    frame_reader_free(&l->commands);
    frame_reader_free(&l->answers);
    proxy_session_end(&l->session);
    TAILQ_REMOVE(l->in, l, list);
    l->all->count--;
    free(l);
}

static void pass_commands(struct link *l, const char *s, size_t len)
{
    const char *rest = s;
    size_t rest_len = len, whole = 0;
    struct frame f;
    while (frame_next(&l->commands, &rest, &rest_len, &f) != FRAME_USED_UP) {
        if (proxy_session_see(&l->session, &f) == -1)
            l->failed = true;
        if (!l->commands.left || l->commands.left > LINK_HELD_MAX)
            whole = (size_t)(rest - s);
    }
    if (whole)
        end_send(&l->milter, s, whole);
    if (whole < len)
        end_hold(&l->milter, s + whole, len - whole);
}

/* Octets on their way to the MTA that lie side by side, to be sent at once. */
struct run {
    const char *at;
    size_t len;
};

static void run_send(struct link *l, struct run *run)
{
    end_send(&l->mta, run->at, run->len);
    run->len = 0;
}

static void run_add(struct link *l, struct run *run, const char *octets, size_t len)
{
    if (run->len && octets != run->at + run->len)
        run_send(l, run);
    if (!run->len)
        run->at = octets;
    run->len += len;
}

static void pass_answers(struct link *l, const char *s, size_t len)
{
    const char *piece = s, *end = s + len;
    struct proxy_reply *reply = &l->all->reply;
    struct run run = {s, 0};
    struct frame f;
    enum frame_event event;
    while ((event = frame_next(&l->answers, &s, &len, &f)) != FRAME_USED_UP) {
        bool refusal = event == FRAME_WHOLE;
        if (refusal && proxy_reply_explain(reply, &l->session, l->via, &f)) {
            run_send(l, &run);
            end_send(&l->mta, reply->frame.data, reply->frame.len);
        } else {
            run_add(l, &run, f.octets, f.size);
            if (f.octets < piece || f.octets >= end) /* they do not outlive the next frame */
                run_send(l, &run);
        }
        if (f.begins)
            proxy_session_answered(&l->session, f.command, refusal);
    }
    run_send(l, &run);
}

/* An end has said all: pass on what was kept back in the hope of more. */
static void end_ends(struct link *l, struct end *e)
{
    struct frame f;
    e->ended = true;
    if (e == &l->milter) {
        frame_rest(&l->answers, &f);
        end_send(&l->mta, f.octets, f.size);
    } else if (l->milter.held) {
        end_flush(&l->milter);
    }
    move_to(l, &l->all->ending);
}

static void end_read(struct link *l, struct end *e)
{
    char *piece = l->all->piece;
    ssize_t n = recv(e->watch.fd, piece, LINK_PIECE, MSG_DONTWAIT);
    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && e == &l->mta)
        pass_commands(l, piece, (size_t)n);
    else if (n > 0)
        pass_answers(l, piece, (size_t)n);
    else
        end_ends(l, e);
    if (n == -1)
        end_is_gone(e);
    l->last = loop_now(l->all->loop);
    if (l->in == &l->all->ending)
        move_to(l, l->in);
}

/* Tell an end that the other has said all, when it has it all. */
static void pass_end(struct end *e, const struct end *other)
{
    if (other->ended && !e->out.len && !e->shut && !e->gone)
        end_shut(e);
}

static bool is_over(const struct end *e, const struct end *other)
{
    return e->ended && !other->out.len && (e->gone || (other->ended && !e->out.len));
}

/* An end that is not read is asked whether it says more than lies there: once, since it would be told again and again. */
static int watch_for_more(struct end *e, const struct end *other)
{
    uint32_t more = e->ended ? 0 : !end_is_full(other) ? EPOLLIN : e->closing ? 0 : EPOLLRDHUP;
    return end_watch(e, more | (end_is_full(e) ? EPOLLOUT : 0));
}

/* After anything has happened to an open link: see what it comes to. */
static void link_settle(struct link *l)
{
    if (l->failed || l->mta.failed || l->milter.failed || is_over(&l->mta, &l->milter) || is_over(&l->milter, &l->mta)) {
        link_close(l);
        return;
    }
    pass_end(&l->mta, &l->milter);
    pass_end(&l->milter, &l->mta);
    if (watch_for_more(&l->mta, &l->milter) == -1 || watch_for_more(&l->milter, &l->mta) == -1)
        link_close(l);
}

/* An end that is not read will say no more than lies there. */
static void end_closes(struct link *l, struct end *e)
{
    e->closing = true;
    l->last = loop_now(l->all->loop);
    move_to(l, &l->all->ending);
}

static void end_ready(struct end *e, uint32_t events)
{
    struct link *l = e->link;
    bool is_read = e->watch.events & EPOLLIN;
    if (events & EPOLLOUT)
        end_flush(e);
    if (events & (EPOLLHUP | EPOLLERR)) {
        end_is_gone(e);
        if (!is_read) /* it would be told again and again */
            end_unwatch(e);
    }
    if (!is_read && events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        end_closes(l, e);
    if (events & EPOLLIN)
        end_read(l, e);
    link_settle(l);
}

static void link_is_open(struct link *l)
{
    l->state = LINK_OPEN;
    move_to(l, &l->all->open);
    link_settle(l);
}

static void set_options(int fd, int family)
{
    const int on = 1, idle = LINK_ASKED_S, again = LINK_ASKED_S / 3;
    if (family == AF_UNIX)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &again, sizeof again);
}

/* Connect to the milter, or close the link where that is no use. False where there is no room for it yet. */
static bool link_connect(struct link *l)
{
    int family = l->address->ss_family;
    l->milter.watch.fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->milter.watch.fd == -1) {
        link_close(l);
        return true;
    }
    set_options(l->milter.watch.fd, family);
    if (connect(l->milter.watch.fd, (const struct sockaddr *)l->address, l->address_len) == 0) {
        link_is_open(l);
    } else if (errno == EINPROGRESS) {
        l->state = LINK_CONNECTING;
        move_to(l, &l->all->open);
        if (end_watch(&l->milter, EPOLLOUT) == -1 || end_watch(&l->mta, EPOLLRDHUP) == -1)
            link_close(l);
    } else if (errno == EAGAIN) {
        end_close(&l->milter);
        return false;
    } else {
        link_close(l);
    }
    return true;
}

/* Connect those that wait, as long as there is room. */
static void retry(struct links *all)
{
    struct link *l;
    while ((l = TAILQ_FIRST(&all->waiting)))
        if (!link_connect(l)) // NOLINT(clang-analyzer-unix.Malloc): it is out of the list before it is freed
            return;
}

static void mta_ready(struct watch *w, uint32_t events)
{
    struct end *e = (struct end *)w;
    struct link *l = e->link;
    if (l->state == LINK_OPEN)
        end_ready(e, events);
    else
        link_close(l); /* it does not want to wait */
}

static void milter_ready(struct watch *w, uint32_t events)
{
    struct end *e = (struct end *)w;
    struct link *l = e->link;
    struct links *all = l->all;
    int error = 0;
    socklen_t len = sizeof error;
    if (l->state == LINK_OPEN)
        end_ready(e, events);
    else if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        link_is_open(l);
    else
        link_close(l);
    if (!TAILQ_EMPTY(&all->waiting)) /* it may have taken one from its backlog */
        retry(all);
}

void links_begin(struct links *all, struct loop *loop, struct service *service)
{
    all->loop = loop;
    all->service = service;
    all->reply = (struct proxy_reply){.service = service};
    all->count = 0;
    TAILQ_INIT(&all->open);
    TAILQ_INIT(&all->ending);
    TAILQ_INIT(&all->waiting);
}

void links_end(struct links *all)
{
    struct link *l;
    while ((l = TAILQ_FIRST(&all->waiting)) || (l = TAILQ_FIRST(&all->ending)) || (l = TAILQ_FIRST(&all->open)))
        link_close(l); // NOLINT(clang-analyzer-unix.Malloc): as above
    proxy_reply_free(&all->reply);
}

void link_begin(struct links *all, int mta, int family, const struct sockaddr_storage *address, socklen_t address_len,
                const char *via)
{
    struct link *l = calloc(1, sizeof *l);
    if (!l || proxy_session_begin(&l->session, all->service) == -1) {
        free(l);
        close(mta);
        return;
    }
    l->all = all;
    l->address = address;
    l->address_len = address_len;
    l->via = via;
    l->commands.wanted = PROXY_SESSION_WANTED;
    l->answers.wanted = PROXY_REPLY_WANTED;
    l->mta = (struct end){.watch = {.fd = mta, .ready = mta_ready}, .loop = all->loop, .link = l};
    l->milter = (struct end){.watch = {.fd = -1, .ready = milter_ready}, .loop = all->loop, .link = l};
    l->last = loop_now(all->loop);
    all->count++;
    set_options(mta, family);
    bool others_wait = !TAILQ_EMPTY(&all->waiting);
    move_to(l, &all->waiting);
    bool waits = others_wait || !link_connect(l);
    if (waits && end_watch(&l->mta, EPOLLRDHUP) == -1)
        link_close(l);
}

void links_tick(struct links *all, int64_t now)
{
    struct link *l;
    retry(all);
    while ((l = TAILQ_FIRST(&all->ending)) && now - l->last > LINK_ENDING_MS) // NOLINT(clang-analyzer-unix.Malloc): as above
        link_close(l);
}
