/* A server of HTTP that has one page, /metrics, in a thread of its own (libmicrohttpd). At most 32 connections are open, each for at most 10 s
 * without a request, and for a request of at most 10 s, its answer included; further ones wait. */
#ifndef MAILWHY_METRICS_HTTP_H
#define MAILWHY_METRICS_HTTP_H

#include <mailwhy/buffer.h>
#include <mailwhy/loop.h>

struct metrics_http;

/* Append the page; called in the server's thread. */
typedef void metrics_page(void *context, struct buffer *out);

/* Serve the listening socket, which is closed at the end; one that other machines reach is noted. The loop's ticks end what takes too long. NULL with
 * errno. */
struct metrics_http *metrics_http_start(struct loop *loop, int listener, metrics_page *page, void *context);
void metrics_http_stop(struct metrics_http *h); /* the loop runs no more; NULL is allowed */

#endif
