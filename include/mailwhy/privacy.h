/* Names in an event: user names and mail addresses, as they are, masked, or as tokens. mailwhy.conf(5) describes what becomes of which. */
#ifndef MAILWHY_PRIVACY_H
#define MAILWHY_PRIVACY_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>
#include <mailwhy/event.h>

#define PRIVACY_KEY_SIZE 32 /* octets */
#define PRIVACY_TOKEN_SIZE 15 /* "a-", 12 characters, NUL */

/* From the least to the strictest. */
enum privacy_how { PRIVACY_PLAIN, PRIVACY_MASK, PRIVACY_HMAC, PRIVACY_HOWS };

struct privacy {
    enum privacy_how user, address;
    unsigned char key[PRIVACY_KEY_SIZE]; /* of the tokens; nothing without PRIVACY_HMAC */
};

/* "plain", "mask", "hmac". -1 for another name. */
int privacy_how_from_name(const char *name);

/* Put what is to be seen of it in the place of the event's sender, recipient and user, and of names and addresses within its reply, HELO and
 * client's name. The strings that are new are kept in store, which the caller clears and frees, and which must outlive e. Where one cannot be made
 * (no memory), the event lacks what would have it. */
void privacy_apply(const struct privacy *p, struct event *e, struct buffer *store);

/* Append the mask of a name or an address: "a***", "a***@example.com". */
void privacy_mask(const char *name, size_t len, struct buffer *out);

/* The token of a name or an address: "u-" or, with an @ in it, "a-", and 60 bits of its HMAC-SHA256 (RFC 2104) in Crockford's base32. It is the
 * same in any case (Unicode's, in NFC), and with or without angle brackets, or quotes around what is before the @. 0, or -1: OpenSSL refused, or errno ENOMEM. */
int privacy_token(const unsigned char key[static PRIVACY_KEY_SIZE], const char *name, size_t len,
                  char out[static PRIVACY_TOKEN_SIZE]);

/* The key in a text of 64 hexadecimal digits, white space around them; and that text, for a new key. 0, or -1: it is not one; there is no randomness. */
int privacy_key_parse(const char *text, size_t len, unsigned char key[static PRIVACY_KEY_SIZE]);
int privacy_key_make(char text[static 2 * PRIVACY_KEY_SIZE + 1]);

#endif
