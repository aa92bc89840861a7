#include <mailwhy/metrics_http.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <microhttpd.h>

#include <mailwhy/endpoint.h>
#include <mailwhy/notes.h>

#define CONNECTIONS 32U
#define IDLE_S 10U
#define MEMORY ((size_t)16 << 10) /* octets of a connection, which a request must fit in */

struct metrics_http {
    struct MHD_Daemon *daemon;
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

struct metrics_http *metrics_http_start(int listener, metrics_page *page, void *context)
{
    struct metrics_http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    if (!endpoint_is_loopback(listener))
        note(LOG_WARNING, "metrics: whoever reaches this address can read them; 127.0.0.1 is safer");
    h->page = page;
    h->context = context;
    errno = 0;
    h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, h, MHD_OPTION_LISTEN_SOCKET, listener,
                                 MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, MEMORY, MHD_OPTION_END);
    if (!h->daemon) {
        free(h);
        errno = errno ? errno : ENOMEM;
        return NULL;
    }
    return h;
}

void metrics_http_stop(struct metrics_http *h)
{
    if (!h)
        return;
    MHD_stop_daemon(h->daemon);
    free(h);
}
