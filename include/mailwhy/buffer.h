/* A growable text, always NUL-terminated. Failure to grow is remembered, so that a composer appends freely and asks once.
 *
 * A buffer that is all zero is empty and usable. After a failed append the contents are what they were before it, and
 * buffer_ok() says false until buffer_clear(). */
#ifndef MAILWHY_BUFFER_H
#define MAILWHY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *data; /* NULL until the first append */
    size_t len; /* octets, without the final NUL */
    size_t room;
    bool failed;
};

/* Append octets, a string, one octet, or printf-formatted text. 0, or -1 with errno ENOMEM. */
int buffer_add(struct buffer *b, const void *octets, size_t len);
int buffer_add_string(struct buffer *b, const char *s);
int buffer_add_char(struct buffer *b, char c);
int buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Make room for so many octets behind the contents, which may move, and say where they go: the caller's to write until the next change. NULL with errno
 * ENOMEM. */
char *buffer_reserve(struct buffer *b, size_t more);

/* The contents as a string: "" where there are none. Valid until the next change. */
const char *buffer_string(const struct buffer *b);

/* True when no append has failed since the last buffer_clear(). */
bool buffer_ok(const struct buffer *b);

/* Take back what was appended since there were so many octets. */
void buffer_cut(struct buffer *b, size_t len);

void buffer_clear(struct buffer *b); /* empty again; keeps the memory */
void buffer_free(struct buffer *b); /* empty again; gives the memory back */

#endif
