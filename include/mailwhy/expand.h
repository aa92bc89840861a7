/* Filling in the %placeholders of a text. */
#ifndef MAILWHY_EXPAND_H
#define MAILWHY_EXPAND_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>

struct expand_value {
    const char *name; /* without the % */
    const char *text;
    size_t len;
    bool
        foreign; /* may come from a client: shown as printable ASCII, anything else as "?", and cut at 64 octets with the cut marked */
};

/* Values of one kind: a text of ours, and one that may be anybody's. */
struct expand_value expand_ours(const char *name, const char *text);
struct expand_value expand_foreign(const char *name, const char *text, size_t len);

/* Append the text, with each %name that is one of the values filled in, and %% as a percent sign. The first value whose name fits is taken. */
void expand(struct buffer *out, const char *text, const struct expand_value *values, size_t count);

#endif
