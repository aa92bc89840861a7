#include "review_view.h"

#include <stdio.h>
#include <string.h>

void review_numbers(const struct report *r, struct review_number out[static REVIEW_NUMBERS])
{
    const struct tally *t = r->tally;
    const struct review_number all[REVIEW_NUMBERS] = {
        {WORD_REFUSALS, t->refused, false, true},
        {WORD_SESSIONS, r->sessions, t->sessions.about, true},
        {WORD_SESSIONS_BEFORE, r->sessions_before, t->sessions_before.about, r->sessions_before > 0},
        {WORD_ACCEPTED, r->accepted, t->accepted.about, r->accepted > 0},
        {WORD_DELIVERIES, t->deliveries, false, t->deliveries > 0},
        {WORD_DELIVERIES_HERE, t->local, false, t->local > 0},
        {WORD_LOST, t->lost, false, t->lost > 0},
        {WORD_UNREAD_LINES, r->lost.unread, false, r->lost.unread > 0},
        {WORD_UNREAD_FILES, r->lost.files, false, r->lost.files > 0},
        {WORD_BOUND, r->bound, false, r->bound > 0},
    };
    memcpy(out, all, sizeof all);
}

const char *review_change(const struct report *r, char out[static REPORT_TIME_SIZE])
{
    snprintf(out, REPORT_TIME_SIZE, "%+.0f %%", 100.0 * ((double)r->sessions / (double)r->sessions_before - 1));
    return out;
}

const char *review_digits(unsigned long n, char out[static REVIEW_DIGITS_SIZE])
{
    char digits[32], *to = out;
    int len = snprintf(digits, sizeof digits, "%lu", n);
    for (int i = 0; i < len; i++) {
        *to++ = digits[i];
        if (i + 1 < len && (len - i - 1) % 3 == 0)
            to = stpcpy(to, "\xe2\x80\xaf"); /* U+202F: no line breaks there */
    }
    *to = '\0';
    return out;
}

const char *review_local_time(time_t time, char out[static REPORT_TIME_SIZE])
{
    struct tm tm;
    if (!localtime_r(&time, &tm) || !strftime(out, REPORT_TIME_SIZE, "%Y-%m-%d %H:%M", &tm))
        *out = '\0';
    return out;
}
