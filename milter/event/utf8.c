#include <mailwhy/utf8.h>

#include <stdbool.h>

/* The leading octets, by the number of octets they announce: the bits that mark them, the bits that count, the least character allowed. */
static const struct {
    unsigned char mask, mark;
    uint32_t least;
} leads[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

static bool is_character(uint32_t point)
{
    return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

size_t utf8_decode(const char *s, size_t len, uint32_t *point)
{
    if (len == 0)
        return 0;
    unsigned char first = (unsigned char)s[0];
    size_t size = 1;
    while (size <= UTF8_MAX && (first & leads[size - 1].mask) != leads[size - 1].mark)
        size++;
    if (size > UTF8_MAX || size > len)
        return 0;
    uint32_t value = first & (unsigned char)~leads[size - 1].mask;
    for (size_t i = 1; i < size; i++) {
        unsigned char next = (unsigned char)s[i];
        if ((next & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (next & 0x3f);
    }
    if (value < leads[size - 1].least || !is_character(value))
        return 0;
    *point = value;
    return size;
}

size_t utf8_encode(uint32_t point, char out[static UTF8_MAX])
{
    if (!is_character(point))
        point = UTF8_REPLACEMENT;
    size_t size = UTF8_MAX;
    while (size > 1 && point < leads[size - 1].least)
        size--;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (char)(leads[size - 1].mark | point);
    return size;
}
