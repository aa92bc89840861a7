#include <mailwhy/columns.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <unilbrk.h>
#include <unistr.h>
#include <uniwidth.h>

#define CHARSET "UTF-8"
#define LINE_MAX_OCTETS 2048 /* that are looked at for one line */

static bool is_ascii(const char *s, size_t len)
{
    uint64_t octets, high = 0;
    size_t i = 0;
    for (; i + sizeof octets <= len; i += sizeof octets) {
        memcpy(&octets, s + i, sizeof octets);
        high |= octets;
    }
    for (; i < len; i++)
        high |= (unsigned char)s[i];
    return !(high & 0x8080808080808080U);
}

static const uint8_t *octets(const char *s)
{
    return (const uint8_t *)s;
}

/* The octets of the first character and its columns; an octet that is no UTF-8 is one of each. */
static size_t character(const char *s, size_t len, size_t *columns)
{
    ucs4_t point;
    int size = u8_mbtoucr(&point, octets(s), len);
    int width = size > 0 ? uc_width(point, CHARSET) : 1;
    *columns = width > 0 ? (size_t)width : 0;
    return size > 0 ? (size_t)size : 1;
}

size_t columns_of(const char *s, size_t len)
{
    size_t sum = 0;
    if (is_ascii(s, len))
        return len;
    for (size_t i = 0, width; i < len; sum += width)
        i += character(s + i, len - i, &width);
    return sum;
}

static size_t break_ascii(const char *s, size_t columns)
{
    for (size_t i = columns; i > columns / 3; i--)
        if (s[i] == ' ')
            return i;
    return columns;
}

static size_t break_anywhere(const char *s, size_t len, size_t columns)
{
    size_t at = 0, used = 0, width;
    size_t size = character(s, len, &width);
    do {
        at += size;
        used += width;
        size = at < len ? character(s + at, len - at, &width) : 0;
    } while (size && used + width <= columns);
    return at;
}

size_t columns_break(const char *s, size_t len, size_t columns)
{
    char breaks[LINE_MAX_OCTETS];
    size_t seen = len < sizeof breaks ? len : sizeof breaks;
    while (seen > 0 && seen < len && ((unsigned char)s[seen] & 0xc0) == 0x80) /* not within a character */
        seen--;
    if (is_ascii(s, len))
        return len <= columns ? len : break_ascii(s, columns);
    if (columns_of(s, len) <= columns)
        return len;
    if (u8_check(octets(s), seen) == NULL) {
        u8_width_linebreaks(octets(s), seen, (int)columns, 0, 0, NULL, CHARSET, breaks);
        for (size_t i = 1; i < seen; i++) {
            if (breaks[i] != UC_BREAK_POSSIBLE && breaks[i] != UC_BREAK_MANDATORY)
                continue;
            while (i > 1 && s[i - 1] == ' ')
                i--;
            if (columns_of(s, i) <= columns)
                return i;
            break;
        }
    }
    return break_anywhere(s, len, columns);
}
