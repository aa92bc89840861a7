/* What a proxy in user space costs at the least: one thread that waits for octets of either end of a connection and passes them on, whatever they are.
 * It looks at nothing, keeps nothing back, and gives up where an end is slow. usage: relay LISTEN TO, both paths of sockets */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128
#define BATCH 256

struct end {
    int fd;
    struct end *other;
    bool ended;
};

struct pair {
    struct end ends[2];
    struct pair *next; /* among those that ended in this batch */
};

static char piece[128 * 1024];

static int fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    return 1;
}

static int unix_socket(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, strlen(path));
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool watch(int poller, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void begin(int poller, int listener, const char *to)
{
    struct sockaddr_un address;
    int mta = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (mta == -1)
        return;
    int milter = unix_socket(to, &address);
    struct pair *p = calloc(1, sizeof *p);
    if (!p || milter == -1 || connect(milter, (const struct sockaddr *)&address, sizeof address) == -1)
        exit(fail(to));
    p->ends[0] = (struct end){.fd = mta, .other = &p->ends[1]};
    p->ends[1] = (struct end){.fd = milter, .other = &p->ends[0]};
    if (!watch(poller, mta, &p->ends[0]) || !watch(poller, milter, &p->ends[1]))
        exit(fail("epoll_ctl"));
}

/* The pair of an end that has said all; NULL where it goes on. */
static struct pair *pass(struct end *e)
{
    ssize_t len = recv(e->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (len > 0 && send(e->other->fd, piece, (size_t)len, MSG_NOSIGNAL) != len)
        exit(fail("send"));
    if (len > 0 || (len == -1 && errno == EAGAIN))
        return NULL;
    e->ended = e->other->ended = true;
    close(e->fd);
    close(e->other->fd);
    return (struct pair *)(e < e->other ? e : e->other);
}

int main(int argc, char **argv)
{
    struct sockaddr_un address;
    struct epoll_event batch[BATCH];
    if (argc != 3) {
        fputs("usage: relay LISTEN TO\n", stderr);
        return 64;
    }
    umask(0);
    int listener = unix_socket(argv[1], &address), poller = epoll_create1(EPOLL_CLOEXEC), count;
    if (listener == -1 || bind(listener, (const struct sockaddr *)&address, sizeof address) == -1 ||
        listen(listener, BACKLOG) == -1)
        return fail(argv[1]);
    if (poller == -1 || !watch(poller, listener, NULL))
        return fail("epoll");
    while ((count = epoll_wait(poller, batch, BATCH, -1)) != -1 || errno == EINTR) {
        struct pair *over = NULL;
        for (int i = 0; i < count; i++) {
            struct end *e = batch[i].data.ptr;
            struct pair *p = e && !e->ended ? pass(e) : NULL;
            if (!e)
                begin(poller, listener, argv[2]);
            if (p) {
                p->next = over;
                over = p;
            }
        }
        for (struct pair *next; over; over = next) {
            next = over->next;
            free(over);
        }
    }
    return fail("epoll_wait");
}
