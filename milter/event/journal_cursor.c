#include "journal_cursor.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789abcdef"

/* Read "NAME=" and hexadecimal digits, at most so many, with what ends them. How many there are; 0: it is not that. */
static size_t take_part(const char **at, char name, char end, char *digits, size_t max)
{
    size_t len;
    if ((*at)[0] != name || (*at)[1] != '=' || (len = strspn(*at + 2, DIGITS)) == 0 || len > max || (*at)[2 + len] != end)
        return 0;
    memcpy(digits, *at + 2, len);
    digits[len] = '\0';
    *at += 2 + len + (end != '\0');
    return len;
}

static bool take_id(const char **at, char name, char id[static JOURNAL_ID_SIZE])
{
    return take_part(at, name, ';', id, JOURNAL_ID_SIZE - 1) == JOURNAL_ID_SIZE - 1;
}

static bool take_number(const char **at, char name, char end, uint64_t *n)
{
    char digits[17];
    if (!take_part(at, name, end, digits, sizeof digits - 1))
        return false;
    *n = strtoull(digits, NULL, 16);
    return true;
}

int journal_cursor_parse(struct journal_cursor *c, const char *text)
{
    struct journal_cursor got = {0};
    const char *at = text;
    bool whole = take_number(&at, 't', '\0', &got.realtime) ||
                 (take_id(&at, 's', got.sequence) && take_number(&at, 'i', ';', &got.number) && take_id(&at, 'b', got.boot) &&
                  take_number(&at, 'm', ';', &got.monotonic) && take_number(&at, 't', ';', &got.realtime) &&
                  take_number(&at, 'x', '\0', &got.hash));
    if (!whole)
        return -1;
    *c = got;
    return 0;
}

bool journal_cursor_passed(const struct journal_cursor *c, const struct journal_cursor *place)
{
    if (!*place->sequence || !*c->sequence)
        return false;
    if (strcmp(c->sequence, place->sequence) == 0)
        return c->number <= place->number;
    return strcmp(c->boot, place->boot) == 0 && c->monotonic == place->monotonic && c->realtime == place->realtime &&
           c->hash == place->hash;
}
