/* Netstrings, as the socketmap protocol wraps requests and answers: LENGTH ":" OCTETS "," (socketmap_table(5)). */
#ifndef MAILWHY_NETSTRING_H
#define MAILWHY_NETSTRING_H

#include <stddef.h>

#include <mailwhy/buffer.h>

#define NETSTRING_MAX 100000 /* octets of one, as Postfix has it */

/* Find the netstring at the start of s. 1: complete: *body, *body_len, and the octets it takes in *taken; 0: not complete yet; -1: not a
 * netstring, or one longer than NETSTRING_MAX. */
int netstring_parse(const char *s, size_t len, const char **body, size_t *body_len, size_t *taken);

/* Append the netstring of the two texts joined. 0, or -1 with errno ENOMEM. */
int netstring_add(struct buffer *out, const char *head, const char *text, size_t len);

#endif
