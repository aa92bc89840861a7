/* A server of HTTP that has one page, /metrics, in a thread of its own (libmicrohttpd). At most 32 connections are open, each for at most 10 s
 * without a request; further ones wait. */
#ifndef MAILWHY_METRICS_HTTP_H
#define MAILWHY_METRICS_HTTP_H

#include <mailwhy/buffer.h>

struct metrics_http;

/* Append the page; called in the server's thread. */
typedef void metrics_page(void *context, struct buffer *out);

/* Serve the listening socket, which is closed at the end; one that other machines reach is noted. NULL with errno. */
struct metrics_http *metrics_http_start(int listener, metrics_page *page, void *context);
void metrics_http_stop(struct metrics_http *h); /* NULL is allowed */

#endif
