/* Sockets, as mailwhy.conf writes them: unix:PATH (or local:PATH), inet:PORT@HOST, inet6:PORT@HOST. */
#ifndef MAILWHY_ENDPOINT_H
#define MAILWHY_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <mailwhy/buffer.h>

struct endpoint_owner {
    uid_t uid; /* (uid_t)-1: leave it */
    gid_t gid; /* (gid_t)-1: leave it */
    mode_t mode; /* of a unix socket */
};

/* What is wrong with the endpoint's form; NULL for nothing. */
const char *endpoint_fault(const char *endpoint);

/* The endpoint's address. A host name is looked up, which may take its time. 0, or -1 with a sentence in fault. */
int endpoint_address(const char *endpoint, struct sockaddr_storage *address, socklen_t *len, struct buffer *fault);

/* Listen. A unix socket that nobody answers at is replaced; one where somebody answers is left alone. A missing folder is made, the last
 * one of its path alone. The socket (non-blocking, close-on-exec), or -1 with a sentence in fault. */
int endpoint_listen(const char *endpoint, const struct endpoint_owner *owner, struct buffer *fault);

/* Write HOST:PORT or [HOST]:PORT (IPv6) as an endpoint. 0, or -1: it is neither; out may hold anything. */
int endpoint_from_host_port(const char *host_port, struct buffer *out);

/* Whether a listening socket can be reached from this machine alone. */
bool endpoint_is_loopback(int fd);

/* Remove a unix socket's file; nothing for another kind. */
void endpoint_unlink(const char *endpoint);

#endif
