#include <mailwhy/listeners.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include <mailwhy/handover.h>
#include <mailwhy/notes.h>

#define REFUSE_BATCH 64

struct passed {
    struct watch watch; /* its fd is the socket; -1: it was taken, or is none to listen at */
    int taken; /* -1: it was not */
    char *name;
    struct buffer endpoint; /* where it is bound, as mailwhy.conf would have it; empty where that cannot be said */
};

struct listeners {
    struct passed *passed;
    size_t passed_count;
    char **own; /* endpoints */
    size_t own_count;
    int stored; /* -1: nothing */
};

/* Where the socket is bound. */
static void describe(int fd, struct buffer *endpoint)
{
    union {
        struct sockaddr_storage storage;
        struct sockaddr_un un;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    socklen_t len = sizeof a.storage;
    char host[INET6_ADDRSTRLEN];
    if (getsockname(fd, (struct sockaddr *)&a.storage, &len) == -1)
        return;
    if (a.storage.ss_family == AF_UNIX && *a.un.sun_path)
        buffer_printf(endpoint, "unix:%.*s", (int)sizeof a.un.sun_path, a.un.sun_path);
    else if (a.storage.ss_family == AF_INET && inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof host))
        buffer_printf(endpoint, "inet:%u@%s", ntohs(a.in.sin_port), host);
    else if (a.storage.ss_family == AF_INET6 && inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof host))
        buffer_printf(endpoint, "inet6:%u@%s", ntohs(a.in6.sin6_port), host);
}

/* True where the endpoint, which may be written "local:", is where the socket is bound. */
static bool is_bound_to(const struct passed *p, const char *endpoint)
{
    const char *bound = buffer_string(&p->endpoint);
    if (strncmp(endpoint, "local:", 6) == 0)
        return strncmp(bound, "unix:", 5) == 0 && strcmp(bound + 5, endpoint + 6) == 0;
    return *bound && strcmp(bound, endpoint) == 0;
}

/* Leave a unix socket whose file somebody has removed, which nobody finds any more. */
static void leave_gone(struct passed *p)
{
    const char *bound = buffer_string(&p->endpoint);
    if (strncmp(bound, "unix:", 5) != 0 || access(bound + 5, F_OK) == 0 || errno != ENOENT)
        return;
    note(LOG_WARNING,
         "%s was passed to mailwhyd, but is not there any more: mailwhyd opens its own where mailwhy.conf says; "
         "\"systemctl restart mailwhyd.socket mailwhyd\" brings it back",
         bound);
    close(p->watch.fd);
    p->watch.fd = -1;
}

static void take_over(struct listeners *l, struct passed *p, int fd, char *name)
{
    p->name = name;
    p->watch.fd = p->taken = -1;
    if (l->stored == -1 && strcmp(name, HANDOVER_NAME) == 0 && sd_is_socket(fd, AF_UNSPEC, 0, -1) == 0) {
        l->stored = fd;
    } else if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 && fcntl(fd, F_SETFL, O_NONBLOCK) != -1) {
        p->watch.fd = fd;
        describe(fd, &p->endpoint);
        leave_gone(p);
    } else {
        note(LOG_WARNING, "what was passed as \"%s\" is no stream socket that listens; it is not used", name);
        close(fd);
    }
}

struct listeners *listeners_new(void)
{
    char **names = NULL;
    struct listeners *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->stored = -1;
    int count = sd_listen_fds_with_names(1, &names);
    if (count == -ENOMEM)
        goto fail;
    if (count > 0) {
        l->passed = calloc((size_t)count, sizeof *l->passed);
        if (!l->passed)
            goto fail;
        for (; l->passed_count < (size_t)count; l->passed_count++)
            take_over(l, &l->passed[l->passed_count], SD_LISTEN_FDS_START + (int)l->passed_count, names[l->passed_count]);
    }
    free(names);
    return l;

fail:
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
    free(l);
    errno = ENOMEM;
    return NULL;
}

static struct passed *find_passed(struct listeners *l, const char *name, const char *endpoint)
{
    for (size_t i = 0; i < l->passed_count; i++)
        if (l->passed[i].watch.fd != -1 && strcmp(l->passed[i].name, name) == 0)
            return &l->passed[i];
    for (size_t i = 0; i < l->passed_count; i++)
        if (l->passed[i].watch.fd != -1 && is_bound_to(&l->passed[i], endpoint))
            return &l->passed[i];
    return NULL;
}

int listeners_take(struct listeners *l, const char *name, const char *endpoint, const struct endpoint_owner *owner,
                   struct buffer *fault)
{
    struct passed *p = find_passed(l, name, endpoint);
    if (p) {
        p->taken = p->watch.fd;
        p->watch.fd = -1;
        return p->taken;
    }
    char *copy = strdup(endpoint);
    char **own = reallocarray(l->own, l->own_count + 1, sizeof *own);
    if (own)
        l->own = own;
    int fd = copy && own ? endpoint_listen(endpoint, owner, fault) : -1;
    if (fd == -1) {
        if (!copy || !own)
            buffer_add_string(fault, strerror(ENOMEM));
        free(copy);
        return -1;
    }
    l->own[l->own_count++] = copy;
    return fd;
}

bool listeners_is_passed(const struct listeners *l, int fd)
{
    for (size_t i = 0; i < l->passed_count; i++)
        if (fd != -1 && l->passed[i].taken == fd)
            return true;
    return false;
}

int listeners_take_stored(struct listeners *l)
{
    int fd = l->stored;
    l->stored = -1;
    return fd;
}

static void refuse(struct watch *w, uint32_t events)
{
    (void)events;
    for (int i = 0; i < REFUSE_BATCH; i++) {
        int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd == -1)
            return;
        close(fd);
    }
}

int listeners_refuse_rest(struct listeners *l, struct loop *loop)
{
    for (size_t i = 0; i < l->passed_count; i++) {
        struct passed *p = &l->passed[i];
        if (p->watch.fd == -1)
            continue;
        note(
            LOG_WARNING,
            "%s was passed to mailwhyd, but mailwhy.conf has no such endpoint: whoever connects there is turned away. Name it in "
            "mailwhy.conf, or take it out of mailwhyd.socket",
            buffer_string(&p->endpoint));
        p->watch.events = EPOLLIN;
        p->watch.ready = refuse;
        if (loop_add(loop, &p->watch) == -1)
            return -1;
    }
    return 0;
}

void listeners_end(struct listeners *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->own_count; i++) {
        endpoint_unlink(l->own[i]);
        free(l->own[i]);
    }
    for (size_t i = 0; i < l->passed_count; i++) {
        free(l->passed[i].name);
        buffer_free(&l->passed[i].endpoint);
    }
    free(l->own);
    free(l->passed);
    free(l);
}
