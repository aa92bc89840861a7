#include <mailwhy/json.h>

#include <stdint.h>
#include <string.h>

#include <mailwhy/utf8.h>

/* Octets that stand in a string as they are. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Append an octet, or a control character, that must not stand as it is. */
static int add_escape(struct buffer *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letter[256] = {['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (letter[c])
        return buffer_add(out, (const char[]){'\\', letter[c]}, 2);
    return buffer_add(out, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* The octets at the start of s that stand as they are. */
static size_t plain_run(const char *s, size_t len)
{
    size_t run = 0;
    while (run < len) {
        uint32_t point = 0;
        size_t size = 1;
        if ((unsigned char)s[run] >= 0x80) {
            size = utf8_decode(s + run, len - run, &point);
            if (size == 0 || point < 0xa0)
                break;
        } else if (!is_plain((unsigned char)s[run])) {
            break;
        }
        run += size;
    }
    return run;
}

int json_add_string(struct buffer *out, const char *s, size_t len)
{
    buffer_add_char(out, '"');
    for (size_t i = 0; i < len;) {
        size_t run = plain_run(s + i, len - i);
        buffer_add(out, s + i, run);
        i += run;
        if (i == len)
            break;
        uint32_t point = (unsigned char)s[i];
        size_t size = utf8_decode(s + i, len - i, &point);
        add_escape(out, (unsigned char)point);
        i += size ? size : 1;
    }
    return buffer_add_char(out, '"');
}

int json_add_key(struct buffer *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        buffer_add_char(out, ',');
    json_add_string(out, key, strlen(key));
    return buffer_add_char(out, ':');
}

int json_add_long(struct buffer *out, long n)
{
    char digits[3 * sizeof n + 1];
    char *at = digits + sizeof digits;
    unsigned long rest = n < 0 ? -(unsigned long)n : (unsigned long)n;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0)
        *--at = '-';
    return buffer_add(out, at, (size_t)(digits + sizeof digits - at));
}

int json_put_text(struct buffer *out, const char *key, const char *text)
{
    if (!text)
        return 0;
    json_add_key(out, key);
    return json_add_string(out, text, strlen(text));
}

int json_put_filled(struct buffer *out, const char *key, const char *text)
{
    return json_put_text(out, key, text && *text ? text : NULL);
}

int json_put_octets(struct buffer *out, const char *key, const char *octets, size_t len)
{
    if (!len)
        return 0;
    json_add_key(out, key);
    return json_add_string(out, octets, len);
}

int json_put_long(struct buffer *out, const char *key, long n)
{
    json_add_key(out, key);
    return json_add_long(out, n);
}

int json_put_bool(struct buffer *out, const char *key, bool is)
{
    json_add_key(out, key);
    return buffer_add_string(out, is ? "true" : "false");
}
