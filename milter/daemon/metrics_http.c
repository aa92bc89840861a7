#include <mailwhy/metrics_http.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include <microhttpd.h>

#include <mailwhy/endpoint.h>
#include <mailwhy/notes.h>

#define CONNECTIONS 32U
#define IDLE_S 10U
#define REQUEST_MS 10000
#define MEMORY ((size_t)16 << 10) /* octets of a connection, which a request must fit in */

/* A connection that is open. */
struct scrape {
    int fd;
    bool is_open;
    int64_t began; /* when it was opened, or its last request was done: ms of the loop's clock */
};

struct metrics_http {
    struct MHD_Daemon *daemon;
    struct ticker ticker;
    pthread_mutex_t lock; /* over what follows: the server's thread and the loop's use it */
    int64_t now;
    struct scrape scrapes[CONNECTIONS];

    metrics_page *page;
    void *context;
};

/* Answer with a text, which is constant. */
static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *text, const char *allow)
{
    char *constant = (char *)(uintptr_t)text;
    struct MHD_Response *r = MHD_create_response_from_buffer(strlen(text), constant, MHD_RESPMEM_PERSISTENT);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    if (allow)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, allow);
    enum MHD_Result queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result give_page(const struct metrics_http *h, struct MHD_Connection *c)
{
    struct buffer text = {0};
    h->page(h->context, &text);
    struct MHD_Response *r =
        buffer_ok(&text) ? MHD_create_response_from_buffer(text.len, text.data, MHD_RESPMEM_MUST_FREE) : NULL;
    if (!r) {
        buffer_free(&text);
        return say(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n", NULL);
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    enum MHD_Result queued = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *c, const char *path, const char *method, const char *version,
                              const char *body, size_t *body_len, void **request)
{
    static char begun;
    (void)version;
    (void)body;
    (void)body_len;
    if (strcmp(path, "/metrics") != 0)
        return say(c, MHD_HTTP_NOT_FOUND, "The metrics are at /metrics.\n", NULL);
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return say(c, MHD_HTTP_METHOD_NOT_ALLOWED, "The metrics can be read (GET, HEAD), and nothing else.\n", "GET, HEAD");
    if (!*request) { /* it is answered when it is whole, so that the connection can be used again */
        *request = &begun;
        return MHD_YES;
    }
    return give_page(context, c);
}

/* libmicrohttpd knows a limit between two octets alone. */
static void on_tick(struct ticker *t, int64_t now)
{
    struct metrics_http *h = (struct metrics_http *)(void *)((char *)t - offsetof(struct metrics_http, ticker));
    pthread_mutex_lock(&h->lock);
    h->now = now;
    for (struct scrape *s = h->scrapes; s < h->scrapes + CONNECTIONS; s++)
        if (s->is_open && now - s->began > REQUEST_MS)
            shutdown(s->fd, SHUT_RDWR);
    pthread_mutex_unlock(&h->lock);
}

static void on_connection(void *context, struct MHD_Connection *c, void **of_socket, enum MHD_ConnectionNotificationCode what)
{
    struct metrics_http *h = context;
    struct scrape *s = *of_socket;
    pthread_mutex_lock(&h->lock);
    if (what == MHD_CONNECTION_NOTIFY_CLOSED && s) {
        s->is_open = false;
    } else if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        for (s = h->scrapes; s < h->scrapes + CONNECTIONS && s->is_open; s++)
            continue;
        if (s < h->scrapes + CONNECTIONS) {
            *s = (struct scrape){MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd, true, h->now};
            *of_socket = s;
        }
    }
    pthread_mutex_unlock(&h->lock);
}

static void on_request_done(void *context, struct MHD_Connection *c, void **request, enum MHD_RequestTerminationCode how)
{
    struct metrics_http *h = context;
    struct scrape *s = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    (void)request;
    (void)how;
    pthread_mutex_lock(&h->lock);
    if (s)
        s->began = h->now;
    pthread_mutex_unlock(&h->lock);
}

struct metrics_http *metrics_http_start(struct loop *loop, int listener, metrics_page *page, void *context)
{
    struct metrics_http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    if (!endpoint_is_loopback(listener))
        note(LOG_WARNING, "metrics: whoever reaches this address can read them; 127.0.0.1 is safer");
    pthread_mutex_init(&h->lock, NULL);
    h->now = loop_now(loop);
    h->ticker.tick = on_tick;
    h->page = page;
    h->context = context;
    errno = 0;
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, h, MHD_OPTION_LISTEN_SOCKET, listener,
                                 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_request_done, h, MHD_OPTION_END);
    if (!h->daemon) {
        free(h);
        errno = errno ? errno : ENOMEM;
        return NULL;
    }
    loop_add_ticker(loop, &h->ticker);
    return h;
}

void metrics_http_stop(struct metrics_http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
