/* Names within a text. */
#ifndef PRIVACY_TEXT_H
#define PRIVACY_TEXT_H

#include <mailwhy/privacy.h>

#define PRIVACY_KNOWN_MAX 6

/* A name that the event knows, without a domain. */
struct privacy_known {
    const char *name;
    size_t len;
    enum privacy_how how;
};

struct privacy_names {
    const struct privacy *privacy;
    struct privacy_known known[PRIVACY_KNOWN_MAX];
    size_t count;
    const char *user; /* who signed in, where that is an address; NULL: nobody, or it is none */
};

/* How many octets of the text are the name, in any case of any script, character by character, where it begins with that; else 0. */
size_t privacy_begins(const char *text, size_t text_len, const char *name, size_t len);

/* Append the name or address, as that is how to be seen. */
void privacy_put(const struct privacy *p, enum privacy_how how, const char *name, size_t len, struct buffer *out);

/* Append a text with the names in it seen to: addresses, percent-encoded ones too; the names that are known. In a reply also what stands in angle
 * brackets, unless the words behind it or its own form say that it is no name; the first word of a line before "..."; what
 * follows some phrases. Its codes stay. */
void privacy_text(const struct privacy_names *names, bool is_reply, const char *s, size_t len, struct buffer *out);

#endif
