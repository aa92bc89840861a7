/* The links of the milter proxy, and the time that they have. */
#include "our_catalog.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../milter/mta/proxy_link.h"

static struct service service;
static struct links links;

/* An MTA that says more than the milter takes, until nothing is read of it any more, and then closes its connection, or its half of it; and the milter. */
struct mta {
    struct ticker ticker;
    struct loop *loop;
    int fd, theirs; /* its end, and the proxy's. -1: it is closed */
    bool half; /* it closes its half */
    int64_t closed; /* when it has closed */
    clock_t used; /* CPU time until then */
    size_t said, heard; /* octets */
    int listener, milter; /* the milter's; -1: it has taken none yet */
    bool answered;
};

static const char answer[] = {0, 0, 0, 1, 'c'};

/* The milter reads on to the end, answers, and closes. */
static void hear(struct mta *m)
{
    static char piece[65536];
    ssize_t n;
    if (m->milter == -1)
        m->milter = accept4(m->listener, NULL, NULL, SOCK_NONBLOCK);
    while ((n = recv(m->milter, piece, sizeof piece, 0)) > 0)
        m->heard += (size_t)n;
    if (n == 0) {
        assert_int_equal(send(m->milter, answer, sizeof answer, 0), sizeof answer);
        close(m->milter);
        m->answered = true;
    }
}

static void say_more(struct ticker *t, int64_t now)
{
    static const char body[65536];
    struct mta *m = (struct mta *)(void *)t;
    int unread = 0;
    if (m->closed && m->half && !m->answered)
        hear(m);
    if (m->closed && (m->half ? m->answered && links.count == 0 : now - m->closed >= 1000))
        loop_stop(m->loop);
    if (m->closed)
        return;
    assert_int_equal(ioctl(m->theirs, FIONREAD, &unread), 0);
    if (!unread) {
        assert_int_equal(send(m->fd, body, sizeof body, MSG_NOSIGNAL), sizeof body);
        m->said += sizeof body;
        return;
    }
    if (m->half)
        shutdown(m->fd, SHUT_WR);
    else
        close(m->fd);
    m->closed = now;
    m->used = clock();
}

/* Connect both ends over the loopback, or over a socket of no address. */
static void connect_pair(int family, int pair[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    if (family == AF_UNIX) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        return;
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(pair[1], (const struct sockaddr *)&address, len), 0);
    pair[0] = accept(listener, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listener);
}

static int listen_at(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/tmp/mailwhy-link-%ld", (long)getpid());
    unlink(address->sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* Play it to the end of the loop. */
static void play(struct mta *m, int family, bool half)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_un path;
    int pair[2];
    *m = (struct mta){.ticker.tick = say_more, .loop = loop_new(), .half = half, .milter = -1, .listener = listen_at(&path)};
    memcpy(&address, &path, sizeof path);
    connect_pair(family, pair);
    m->theirs = pair[0];
    m->fd = pair[1];
    links_begin(&links, m->loop, &service);
    link_begin(&links, m->theirs, family, &address, sizeof path, "wrap:unit");
    loop_add_ticker(m->loop, &m->ticker);
    assert_int_equal(loop_run(m->loop), 0);
    close(m->listener);
    unlink(path.sun_path);
}

/* A connection over TCP whose other side has vanished without a word, or behind what is not read, is found out. */
static void assert_is_asked(int fd)
{
    int idle = 0;
    socklen_t len = sizeof idle;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &len), 0);
    assert_int_equal(idle, LINK_ASKED_S);
}

/* A milter takes nothing any more, and the MTA vanishes in mid-body: the link is closed in time, and not kept as long as the milter hangs. */
static void test_vanishes(void **state)
{
    static const int families[] = {AF_UNIX, AF_INET};
    struct mta m;
    (void)state;
    for (size_t i = 0; i < ROWS(families); i++) {
        play(&m, families[i], false);
        if (families[i] == AF_INET)
            assert_is_asked(m.theirs);
        assert_true(clock() - m.used < CLOCKS_PER_SEC / 4); /* of a second: it is told once */
        assert_int_equal(links.count, 1);
        links_tick(&links, m.closed + 900);
        assert_int_equal(links.count, 1);
        links_tick(&links, m.closed + 1000 + LINK_ENDING_MS + 1);
        assert_int_equal(links.count, 0);
        links_end(&links);
        loop_free(m.loop);
    }
}

/* An MTA that closes its half alone meanwhile is heard to its end, and answered. */
static void test_half_closed(void **state)
{
    static const int families[] = {AF_UNIX, AF_INET};
    struct mta m;
    char got[sizeof answer + 1];
    (void)state;
    for (size_t i = 0; i < ROWS(families); i++) {
        play(&m, families[i], true);
        assert_true(m.heard == m.said);
        assert_int_equal(recv(m.fd, got, sizeof got, MSG_WAITALL), sizeof answer);
        assert_memory_equal(got, answer, sizeof answer);
        close(m.fd);
        links_end(&links);
        loop_free(m.loop);
    }
}

static int begin(void **state)
{
    if (load_catalog(state) == -1)
        return -1;
    service = (struct service){
        .sessions = sessions_new(), .proxied = sessions_new(), .catalogs = catalog_slot_new(catalog_retain(catalog))};
    return service.catalogs ? 0 : -1;
}

static int end(void **state)
{
    sessions_free(service.sessions);
    sessions_free(service.proxied);
    catalog_release(catalog_slot_take(service.catalogs));
    return release_catalog(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vanishes), cmocka_unit_test(test_half_closed)};
    return cmocka_run_group_tests(tests, begin, end);
}
