/* A reply without what changes from one client to the next, so that replies of one kind are equal. */
#ifndef MAILWHY_MASK_H
#define MAILWHY_MASK_H

#include <stddef.h>

#define MASK_SIZE 1024 /* of a masked reply, which is cut there, its NUL included */

/* Put something of the same shape in the place of what the catalogue does not look at: <addresses and names> of up to 1024 octets, but for words like <CRLF> and URLs; [addresses]; addresses of both kinds, but for those in 127.0.0.0/8, by which lists say why; numbers of six digits and more. Replies
 * that are equal then have the same reason. Returns the length. */
size_t mask_for_match(const char *reply, size_t len, char out[static MASK_SIZE]);

/* Mask for people: also all other numbers behind the codes, and what stands in brackets; control characters are blanks. */
size_t mask_for_people(const char *reply, size_t len, char out[static MASK_SIZE]);

#endif
