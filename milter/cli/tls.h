/* TLS over a connected, non-blocking socket, as a client: OpenSSL. The certificate is checked: name, chain, dates. */
#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mailwhy/buffer.h>

struct tls_options {
    const char *name; /* whom the certificate must be for: a host name or an address */
    const char *ca_file; /* NULL: the system's */
    bool insecure; /* go on where the certificate is not good */
};

struct tls_facts {
    const char *version; /* "TLSv1.3"; NULL: not encrypted */
    const char *cipher;
    const char *fault; /* why the certificate is not good; NULL: it is */
    time_t until; /* the certificate's end; 0: not known */
};

struct tls;

/* What a call came to, where it is not a number of octets. */
enum { TLS_ENDED = 0, TLS_FAILED = -1, TLS_WANTS_READ = -2, TLS_WANTS_WRITE = -3 };

/* Prepare it for the socket, which stays the caller's. options must outlive it. NULL: a sentence in fault. */
struct tls *tls_new(int fd, const struct tls_options *options, struct buffer *fault);

/* Shake hands, read, write: how many octets (of a handshake 1), TLS_ENDED where the server ended the connection, TLS_WANTS_READ and TLS_WANTS_WRITE
 * where the call must be made again once the socket is ready for that, TLS_FAILED with a sentence in fault, which may hold text of the server. */
int tls_connect(struct tls *t, struct buffer *fault);
int tls_read(struct tls *t, char *to, size_t size, struct buffer *fault);
int tls_write(struct tls *t, const char *octets, size_t len, struct buffer *fault);

/* After the handshake. They live as long as t. */
struct tls_facts tls_facts(const struct tls *t);

void tls_free(struct tls *t); /* says so to the server after a handshake that succeeded; NULL is allowed */

#endif
