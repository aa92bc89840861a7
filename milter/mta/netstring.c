#include <mailwhy/netstring.h>

#include <string.h>

#define DIGITS_MAX 6

int netstring_parse(const char *s, size_t len, const char **body, size_t *body_len, size_t *taken)
{
    size_t at = 0, length = 0;
    while (at < len && s[at] >= '0' && s[at] <= '9') {
        if (at == DIGITS_MAX)
            return -1;
        length = length * 10 + (size_t)(s[at++] - '0');
    }
    if (at == len)
        return 0;
    if (at == 0 || s[at] != ':' || length > NETSTRING_MAX || (at > 1 && s[0] == '0'))
        return -1;
    at++;
    if (len - at <= length)
        return 0;
    if (s[at + length] != ',')
        return -1;
    *body = s + at;
    *body_len = length;
    *taken = at + length + 1;
    return 1;
}

int netstring_add(struct buffer *out, const char *head, const char *text, size_t len)
{
    buffer_printf(out, "%zu:%s", strlen(head) + len, head);
    buffer_add(out, text, len);
    return buffer_add_char(out, ',');
}
