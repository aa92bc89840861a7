/* A connection to an SMTP server, as its client: one command, one reply; in clear or over TLS. Whatever the server does, each call ends: within so
 * many seconds, and with no more than SMTP_REPLY_MAX octets.
 *
 * What fails returns -1 with a sentence in fault, which may hold text of the server: it is for print_string(). The connection is then of no more use.
 * The program must ignore SIGPIPE. */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>
#include <sys/socket.h>

#include <mailwhy/buffer.h>
#include <mailwhy/reply.h>

#include "tls.h"

#define SMTP_LINE_MAX 8192 /* octets of a reply's line; RFC 5321 section 4.5.3.1.5 allows 512 */
#define SMTP_REPLY_MAX 65536 /* octets of a reply */

struct smtp_client;

/* Connect to an address. Each wait, for the connection, for a handshake, for a command to be taken, for a whole reply, takes at most timeout
 * seconds. NULL: fault. */
struct smtp_client *smtp_client_connect(const struct sockaddr *to, socklen_t len, long timeout, struct buffer *fault);

/* Shake hands. What came in clear after the last reply is a fault, and so is a certificate that is not good. options must outlive c. */
int smtp_client_start_tls(struct smtp_client *c, const struct tls_options *options, struct buffer *fault);

/* Whether something came that was not read: before a line is sent, a reply that nobody asked for. Does not wait. */
bool smtp_client_has_more(struct smtp_client *c);

/* Send a line and its end. */
int smtp_client_send(struct smtp_client *c, const char *line, struct buffer *fault);

/* Read a reply. text is what came, without the last line's end, also where that is a fault; reply points into it, and is the caller's to free. */
int smtp_client_read(struct smtp_client *c, struct buffer *text, struct reply *reply, struct buffer *fault);

struct tls_facts smtp_client_tls(const struct smtp_client *c);

/* Append our own address in this connection, as EHLO has it where there is no name: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
void smtp_client_literal(const struct smtp_client *c, struct buffer *out);

/* Whether the server's address is one of this machine. */
bool smtp_client_is_local(const struct smtp_client *c);

void smtp_client_close(struct smtp_client *c); /* NULL is allowed */

#endif
