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

bool columns_is_plain(const char *s, size_t len)
{
    static const struct {
        ucs4_t first, last;
    } controls[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
    for (size_t at = 0; at < len;) {
        ucs4_t point;
        int size = u8_mbtoucr(&point, octets(s + at), len - at);
        if (size <= 0)
            return false;
        for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
            if (point >= controls[i].first && point <= controls[i].last)
                return false;
        at += (size_t)size;
    }
    return true;
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

/* Where a line may end, looked for by the rules of UAX #14. */
static size_t break_unicode(const char *s, size_t len, size_t columns)
{
    char breaks[LINE_MAX_OCTETS];
    size_t seen = len < sizeof breaks ? len : sizeof breaks;
    while (seen > 0 && seen < len && ((unsigned char)s[seen] & 0xc0) == 0x80) /* not within a character */
        seen--;
    if (u8_check(octets(s), seen) != NULL)
        return break_anywhere(s, len, columns);
    u8_width_linebreaks(octets(s), seen, (int)columns, 0, 0, NULL, CHARSET, breaks);
    for (size_t i = 1; i < seen; i++) {
        if (breaks[i] != UC_BREAK_POSSIBLE && breaks[i] != UC_BREAK_MANDATORY)
            continue;
        while (i > 1 && s[i - 1] == ' ')
            i--;
        return columns_of(s, i) <= columns ? i : break_anywhere(s, len, columns);
    }
    return break_anywhere(s, len, columns);
}

/* Where the URL begins that a break at that place would cut, if it fits on a line of its own; else the place itself. */
static size_t before_url(const char *s, size_t len, size_t at, size_t columns)
{
    size_t start = at, end = at;
    while (start > 0 && s[start - 1] > ' ' && s[start - 1] <= '~')
        start--;
    while (end < len && s[end] > ' ' && s[end] <= '~')
        end++;
    const char *mark = memmem(s + start, end - start, "://", 3);
    if (!mark || at == end)
        return at;
    size_t url = (size_t)(mark - s);
    while (url > start && s[url - 1] >= 'a' && s[url - 1] <= 'z')
        url--;
    if (url == 0 || url >= at || end - url > columns)
        return at;
    while (url > 1 && s[url - 1] == ' ')
        url--;
    return url;
}

size_t columns_break(const char *s, size_t len, size_t columns)
{
    bool ascii = is_ascii(s, len);
    if (ascii ? len <= columns : columns_of(s, len) <= columns)
        return len;
    return before_url(s, len, ascii ? break_ascii(s, columns) : break_unicode(s, len, columns), columns);
}
