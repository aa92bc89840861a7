/* What Sendmail makes of a map's value in $#error ... $: value, as it was measured (8.17.1): percent signs and backslashes are taken for what they are to
 * map_rewrite(), to stripquotes() and, for check_relay, to usrerr(). For tests. */
#ifndef MAILWHY_TESTS_SENDMAIL_TOKEN_H
#define MAILWHY_TESTS_SENDMAIL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define SENDMAIL_TEXT_SIZE 260
#define SENDMAIL_TOKEN_MAX 256

/* 0, or -1: it is not one quoted token that Sendmail takes, or has something in it that means more than itself. */
static int sendmail_token(const char *value, bool is_format, char text[SENDMAIL_TEXT_SIZE])
{
    char token[SENDMAIL_TOKEN_MAX + 1];
    size_t len = 0, out = 0;
    for (; *value; value++) {
        if (*value == '%' && *++value != '%')
            return -1; /* an argument of the lookup */
        if (len == SENDMAIL_TOKEN_MAX || *value < ' ' || *value > '~')
            return -1;
        token[len++] = *value;
    }
    if (len < 2 || token[0] != '"' || token[len - 1] != '"')
        return -1;
    for (size_t i = 1; i < len - 1; i++) {
        if (token[i] == '"' || (token[i] == '\\' && ++i == len - 1))
            return -1; /* the token ends here, or never */
        if (is_format && token[i] == '%' && token[++i] != '%')
            return -1;
        text[out++] = token[i];
    }
    text[out] = '\0';
    return 0;
}

#endif
