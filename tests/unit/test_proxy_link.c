/* The links of the milter proxy, and the time that they have. */
#include "our_catalog.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../milter/mta/proxy_link.h"

static struct service service;
static struct links links;

/* An MTA that says as much as is taken of it, and then vanishes. */
struct mta {
    struct ticker ticker;
    struct loop *loop;
    int fd; /* -1: it has vanished */
    int64_t gone; /* when its end is known */
};

static void say_more(struct ticker *t, int64_t now)
{
    static const char body[65536];
    struct mta *m = (struct mta *)(void *)t;
    ssize_t said = 0, n;
    if (m->fd == -1) {
        m->gone = now;
        loop_stop(m->loop);
        return;
    }
    while ((n = send(m->fd, body, sizeof body, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        said += n;
    assert_int_equal(errno, EAGAIN);
    if (said)
        return;
    close(m->fd);
    m->fd = -1;
}

static int listen_at(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/tmp/mailwhy-link-%ld", (long)getpid());
    unlink(address->sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

/* A milter takes nothing any more, and the MTA vanishes in mid-body: the link is closed in time, and not kept as long as the milter hangs. */
static void test_vanishes(void **state)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_un path;
    int pair[2], listener = listen_at(&path);
    struct mta m = {.ticker.tick = say_more, .loop = loop_new()};
    (void)state;
    memcpy(&address, &path, sizeof path);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    m.fd = pair[1];
    links_begin(&links, m.loop, &service);
    link_begin(&links, pair[0], AF_UNIX, &address, sizeof path, "wrap:unit");
    loop_add_ticker(m.loop, &m.ticker);
    assert_int_equal(loop_run(m.loop), 0);
    assert_int_equal(links.count, 1);
    links_tick(&links, m.gone + 1000);
    assert_int_equal(links.count, 1);
    links_tick(&links, m.gone + LINK_ENDING_MS + 1);
    assert_int_equal(links.count, 0);
    links_end(&links);
    loop_free(m.loop);
    close(listener);
    unlink(path.sun_path);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vanishes)};
    return cmocka_run_group_tests(tests, begin, end);
}
