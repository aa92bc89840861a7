#include "maillog_time.h"

#include <string.h>

#include <mailwhy/event_time.h>

/* A number of so many digits. -1: none. */
static int number(const char *s, size_t digits)
{
    int n = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s[i] == ' ' && i == 0)
            continue;
        if (s[i] < '0' || s[i] > '9')
            return -1;
        n = 10 * n + (s[i] - '0');
    }
    return n;
}

bool maillog_stamp_read(struct span *s, struct maillog_stamp *stamp)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *at = s->at;
    if (span_length(*s) < 16 || at[3] != ' ' || at[6] != ' ' || at[9] != ':' || at[12] != ':' || at[15] != ' ')
        return false;
    int month = 0;
    while (month < 12 && memcmp(months + 3 * (size_t)month, at, 3) != 0)
        month++;
    *stamp = (struct maillog_stamp){month, number(at + 4, 2), number(at + 7, 2), number(at + 10, 2), number(at + 13, 2)};
    if (month == 12 || stamp->day < 1 || stamp->day > 31 || stamp->hour < 0 || stamp->hour > 23 || stamp->minute < 0 ||
        stamp->minute > 59 || stamp->second < 0 || stamp->second > 60)
        return false;
    s->at += 16;
    return true;
}

bool maillog_time_read(struct span *s, struct timespec *time)
{
    char utc[40];
    struct span t = span_until(*s, ' ');
    size_t len = span_length(t);
    if (len < 20 || len >= sizeof utc || t.end == s->end || t.at[4] != '-' || t.at[10] != 'T')
        return false;
    long offset = 0;
    if (t.end[-1] == 'Z') {
        memcpy(utc, t.at, len);
    } else {
        bool colon = t.end[-3] == ':'; /* systemd's short-iso has none */
        const char *zone = t.end - (colon ? 6 : 5);
        int hours = number(zone + 1, 2), minutes = number(t.end - 2, 2);
        if ((*zone != '+' && *zone != '-') || hours < 0 || minutes < 0)
            return false;
        offset = (*zone == '-' ? 1 : -1) * (3600L * hours + 60L * minutes);
        len = (size_t)(zone - t.at);
        memcpy(utc, t.at, len);
        utc[len++] = 'Z';
    }
    if (event_time_parse(utc, len, time) == -1)
        return false;
    time->tv_sec += offset;
    s->at = t.end + 1;
    return true;
}
