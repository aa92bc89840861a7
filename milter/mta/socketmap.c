#include <mailwhy/socketmap.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mailwhy/netstring.h>

#define REQUEST_MS 10000
#define IDLE_MS 120000
#define READ_SIZE (NETSTRING_MAX + 16)
#define ACCEPT_BATCH 64
#define CLIENTS_MIN 4

/* A connection, in the list of all. */
struct client {
    struct watch watch;
    struct socketmap *map;
    TAILQ_ENTRY(client) list;
    int64_t since; /* when its last request was answered, or it came */
    int64_t begun; /* when the unfinished request began; 0: there is none */
    struct buffer in; /* an unfinished request */
    struct buffer out; /* an answer that the peer does not take yet */
    size_t sent; /* octets of out */
};

struct listener {
    struct watch watch;
    struct socketmap *map;
};

struct socketmap {
    struct loop *loop;
    struct listener *listeners;
    size_t listener_count;
    socketmap_answer *answer;
    void *context;
    TAILQ_HEAD(, client) clients; /* the longest silent first */
    struct ticker ticker;
    size_t open, most; /* connections */
    struct buffer reply;
    char read[READ_SIZE];
};

static void client_close(struct client *c)
{
    struct socketmap *map = c->map;
    TAILQ_REMOVE(&map->clients, c, list);
    loop_remove(map->loop, &c->watch);
    close(c->watch.fd);
    buffer_free(&c->in);
    buffer_free(&c->out);
    free(c);
    map->open--;
}

/* Answer one request. 0, or -1: it is not a request, or ends the connection. */
static int answer_request(struct client *c, const char *request, size_t len)
{
    struct socketmap *map = c->map;
    const char *blank = memchr(request, ' ', len);
    if (!blank)
        return -1;
    buffer_clear(&map->reply);
    size_t name_len = (size_t)(blank - request);
    if (!map->answer(map->context, request, name_len, blank + 1, len - name_len - 1, &map->reply))
        return -1;
    return netstring_add(&c->out, "", buffer_string(&map->reply), map->reply.len);
}

/* Send what is waiting. 0: sent, or the peer is slow; -1: the connection is broken. */
static int client_flush(struct client *c)
{
    while (c->sent < c->out.len) {
        ssize_t n = send(c->watch.fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno != EAGAIN)
            return -1;
        if (n == -1)
            return loop_change(c->map->loop, &c->watch, EPOLLOUT); /* nothing more is read until it is taken */
        c->sent += (size_t)n;
    }
    c->sent = 0;
    if (c->out.room > 4096)
        buffer_free(&c->out);
    else
        buffer_clear(&c->out);
    return loop_change(c->map->loop, &c->watch, EPOLLIN);
}

/* Keep what is left of a request behind s, which may stand in c->in itself. */
static int keep_rest(struct client *c, const char *s, size_t len)
{
    if (s == c->in.data)
        return 0;
    struct buffer rest = {0};
    if (len && buffer_add(&rest, s, len) == -1)
        return -1;
    buffer_free(&c->in);
    c->in = rest;
    return 0;
}

/* Answer the complete requests in s; keep the rest. 0, or -1: the connection must be closed. */
static int client_take(struct client *c, const char *s, size_t len)
{
    const char *body;
    size_t body_len, taken;
    int complete;
    bool asked = false;
    while ((complete = netstring_parse(s, len, &body, &body_len, &taken)) == 1) {
        complete = answer_request(c, body, body_len);
        if (complete == -1)
            break;
        asked = true;
        s += taken;
        len -= taken;
    }
    if (complete == -1) {
        client_flush(c);
        return -1;
    }
    int64_t now = loop_now(c->map->loop);
    if (keep_rest(c, s, len) == -1)
        return -1;
    if (!len)
        c->begun = 0;
    else if (asked || !c->begun)
        c->begun = now;
    if (asked) {
        c->since = now;
        TAILQ_REMOVE(&c->map->clients, c, list);
        TAILQ_INSERT_TAIL(&c->map->clients, c, list);
    }
    return client_flush(c);
}

/* Read once and answer. 0, or -1: the connection is over. */
static int client_read(struct client *c)
{
    struct socketmap *map = c->map;
    ssize_t n = recv(c->watch.fd, map->read, READ_SIZE, MSG_DONTWAIT);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    if (!c->in.len)
        return client_take(c, map->read, (size_t)n);
    if (buffer_add(&c->in, map->read, (size_t)n) == -1)
        return -1;
    return client_take(c, c->in.data, c->in.len);
}

static void client_ready(struct watch *w, uint32_t events)
{
    struct client *c = (struct client *)w;
    int result = -1;
    if (events & EPOLLOUT)
        result = client_flush(c);
    else if (events & EPOLLIN)
        result = client_read(c);
    if (result == -1)
        client_close(c);
}

/* The connection that has been silent longest makes room. */
static void make_room(struct socketmap *map)
{
    if (!TAILQ_EMPTY(&map->clients))
        client_close(TAILQ_FIRST(&map->clients)); // NOLINT(clang-analyzer-unix.Malloc): it is out of the list before it is freed
}

static void client_open(struct socketmap *map, int fd)
{
    if (map->open >= map->most)
        make_room(map);
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    *c = (struct client){.watch = {.fd = fd, .events = EPOLLIN, .ready = client_ready}, .map = map, .since = loop_now(map->loop)};
    if (loop_add(map->loop, &c->watch) == -1) {
        close(fd);
        free(c);
        return;
    }
    TAILQ_INSERT_TAIL(&map->clients, c, list);
    map->open++;
}

static void listener_ready(struct watch *w, uint32_t events)
{
    struct socketmap *map = ((struct listener *)w)->map;
    (void)events;
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1)
            client_open(map, fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != ECONNABORTED && errno != EINTR) {
            make_room(map);
            loop_change(map->loop, w, 0); /* until the next tick: a listener that cannot be served would keep the loop spinning */
            return;
        }
    }
}

/* Close what has passed its limit. */
static void check_limits(struct ticker *t, int64_t now)
{
    struct socketmap *map = (struct socketmap *)(void *)((char *)t - offsetof(struct socketmap, ticker));
    for (size_t i = 0; i < map->listener_count; i++)
        loop_change(map->loop, &map->listeners[i].watch, EPOLLIN);
    for (struct client *c = TAILQ_FIRST(&map->clients), *next; c; c = next) {
        next = TAILQ_NEXT(c, list);
        bool idle = now - c->since > IDLE_MS,
             stuck = (c->begun && now - c->begun > REQUEST_MS) || (c->out.len && now - c->since > REQUEST_MS);
        if (idle || stuck)
            client_close(c);
    }
}

struct socketmap *socketmap_new(struct loop *loop, const int *listeners, size_t count, socketmap_answer *answer, void *context)
{
    struct rlimit files;
    struct socketmap *map = calloc(1, sizeof *map);
    if (!map)
        return NULL;
    TAILQ_INIT(&map->clients);
    map->loop = loop;
    map->answer = answer;
    map->context = context;
    map->most = getrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur / 2 : CLIENTS_MIN;
    map->most = map->most < CLIENTS_MIN ? CLIENTS_MIN : map->most;
    map->listeners = calloc(count, sizeof *map->listeners);
    if (!map->listeners)
        goto fail;
    for (; map->listener_count < count; map->listener_count++) {
        struct listener *l = &map->listeners[map->listener_count];
        *l = (struct listener){.watch = {.fd = listeners[map->listener_count], .events = EPOLLIN, .ready = listener_ready},
                               .map = map};
        if (loop_add(loop, &l->watch) == -1)
            goto fail;
    }
    map->ticker.tick = check_limits;
    loop_add_ticker(loop, &map->ticker);
    return map;

fail:
    socketmap_free(map);
    return NULL;
}

void socketmap_finish(struct socketmap *map)
{
    size_t count = map->open; /* a connection that is answered goes to the end of the list */
    for (struct client *c = TAILQ_FIRST(&map->clients), *next; c && count; c = next, count--) {
        next = TAILQ_NEXT(c, list);
        if (client_read(c) == -1)
            client_close(c);
    }
}

void socketmap_free(struct socketmap *map)
{
    if (!map)
        return;
    while (!TAILQ_EMPTY(&map->clients))
        client_close(TAILQ_FIRST(&map->clients)); // NOLINT(clang-analyzer-unix.Malloc): as above
    for (size_t i = 0; i < map->listener_count; i++)
        loop_remove(map->loop, &map->listeners[i].watch);
    buffer_free(&map->reply);
    free(map->listeners);
    free(map);
}
