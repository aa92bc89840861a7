/* The server that is probed: HOST[:PORT], its addresses, and whether they can be anybody else's. */
#ifndef PROBE_TARGET_H
#define PROBE_TARGET_H

#include <netdb.h>
#include <stdbool.h>

#include <mailwhy/buffer.h>

#define PROBE_HOST_MAX 255 /* octets of a name */
#define PROBE_ADDRESS_SIZE NI_MAXHOST

struct probe_target {
    char host[PROBE_HOST_MAX + 1]; /* without brackets */
    long port;
    struct addrinfo *addresses; /* owned */
};

/* Read HOST, HOST:PORT, ADDRESS, [ADDRESS] or [ADDRESS]:PORT; the port is 25 where none is given. 0, or -1: it is none of these. */
int probe_target_parse(struct probe_target *t, const char *operand);

/* Find its addresses, within so many seconds. 0, or -1 with a sentence in fault. */
int probe_target_resolve(struct probe_target *t, long timeout, struct buffer *fault);

/* An address that is not private; NULL: all are loopback (127.0.0.0/8, ::1), link-local (169.254.0.0/16, fe80::/10), of RFC 1918, or of
 * RFC 4193 (fc00::/7). */
const struct addrinfo *probe_target_public(const struct probe_target *t);

/* Is this address private, as above? A mapped one (::ffff:0:0/96) is as the one it maps. */
bool probe_address_is_private(const struct sockaddr *address);

/* "192.0.2.1", "2001:db8::1". */
const char *probe_address(const struct addrinfo *address, char out[static PROBE_ADDRESS_SIZE]);

void probe_target_free(struct probe_target *t);

#endif
