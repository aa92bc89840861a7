#include <mailwhy/buffer.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int grow(struct buffer *b, size_t more)
{
    if (b->failed)
        return -1;
    size_t room = b->room ? b->room : 512;
    while (room <= b->len || room - b->len <= more) {
        if (room > (size_t)-1 / 2) {
            b->failed = true;
            errno = ENOMEM;
            return -1;
        }
        room *= 2;
    }
    char *data = realloc(b->data, room);
    if (!data) {
        b->failed = true;
        return -1;
    }
    b->data = data;
    b->room = room;
    return 0;
}

/* Make room for so many octets more and the NUL. */
static inline int reserve(struct buffer *b, size_t more)
{
    return !b->failed && more < b->room && b->len < b->room - more ? 0 : grow(b, more);
}

int buffer_add(struct buffer *b, const void *octets, size_t len)
{
    if (reserve(b, len) == -1)
        return -1;
    if (len)
        memcpy(b->data + b->len, octets, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

char *buffer_reserve(struct buffer *b, size_t more)
{
    return reserve(b, more) == -1 ? NULL : b->data + b->len;
}

int buffer_add_string(struct buffer *b, const char *s)
{
    return buffer_add(b, s, strlen(s));
}

int buffer_add_char(struct buffer *b, char c)
{
    if (reserve(b, 1) == -1)
        return -1;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}

int buffer_printf(struct buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || reserve(b, (size_t)len) == -1)
        return -1;
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
    va_end(args);
    b->len += (size_t)len;
    return 0;
}

const char *buffer_string(const struct buffer *b)
{
    return b->data ? b->data : "";
}

bool buffer_ok(const struct buffer *b)
{
    return !b->failed;
}

void buffer_cut(struct buffer *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

void buffer_clear(struct buffer *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}
