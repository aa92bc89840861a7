#include <mailwhy/log_years.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/log_source.h>
#include <mailwhy/span.h>

#include "maillog_time.h"

#define MONTH 31
#define YEAR (12 * MONTH)
#define BACK (3 * MONTH) /* lines are so far out of order at most */
#define BASE (1000 * YEAR) /* where counting begins */
#define YEARS_MAX 50 /* lines that change the year more often have no order */
#define READ_WHOLE ((off_t)16 << 20)
#define SAMPLES 4096
#define SAMPLE_STEP ((off_t)1 << 16)
#define SAMPLE_SIZE 1024
#define DAY_SECONDS 86400

static int day_of_year(int month, int day)
{
    return MONTH * month + day - 1;
}

/* Go on to the next line's day. */
static void step(struct log_years *y, int day)
{
    int at = y->at - y->at % YEAR + day, before = y->before;
    if (at < y->at - BACK) {
        at += YEAR;
        y->before = y->at + YEAR;
        y->landed = at;
    } else if (at > y->at + YEAR - BACK) {
        at -= YEAR; /* written late, after the new year's first lines */
    } else if (before && y->at <= y->landed + MONTH && at > before - 3 && at < before + MONTH) {
        at -= YEAR; /* the clock was wrong */
        y->before = 0;
    }
    y->at = at;
}

/* The time of that hour in that year. -1: there is no such day. */
static time_t time_in(int year, int month, int day, int hour)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month, .tm_mday = day, .tm_hour = hour, .tm_isdst = -1};
    time_t time = mktime(&tm);
    return tm.tm_mon == month && tm.tm_mday == day ? time : -1;
}

static int year_of(time_t time)
{
    struct tm tm;
    return localtime_r(&time, &tm) ? 1900 + tm.tm_year : 1970;
}

/* The latest that is not after the bound, but for a day. -1: there is no such day. */
static time_t latest(time_t bound, int month, int day, int hour)
{
    int year = year_of(bound);
    for (int last = year - 9; year > last; year--) { /* of a 29 February the last but one may be so long ago */
        time_t time = time_in(year, month, day, hour);
        if (time != -1 && time <= bound + DAY_SECONDS)
            return time;
    }
    return -1;
}

time_t log_years_hour(struct log_years *y, int month, int day, int hour)
{
    if (y->at == 0)
        return latest(y->bound, month, day, hour);
    struct log_years next = *y;
    step(&next, day_of_year(month, day));
    time_t time = time_in(next.at / YEAR, month, day, hour);
    if (time == -1 || time > y->bound + DAY_SECONDS)
        return latest(y->bound, month, day, hour);
    *y = next;
    return time;
}

/* What was seen of a file's lines. */
struct seen {
    struct log_years order;
    struct maillog_stamp first, last; /* where order.at is not 0 */
};

static void see_line(struct seen *seen, struct span line)
{
    struct maillog_stamp stamp;
    if (!maillog_stamp_read(&line, &stamp))
        return;
    int day = day_of_year(stamp.month, stamp.day);
    if (seen->order.at == 0) {
        seen->first = stamp;
        seen->order.at = BASE + day;
    } else {
        step(&seen->order, day);
    }
    seen->last = stamp;
}

static void see_lines(struct seen *seen, struct span lines)
{
    while (lines.at < lines.end) {
        struct span line = span_until(lines, '\n');
        see_line(seen, line);
        lines.at = line.end + (line.end < lines.end);
    }
}

/* Look at lines all over a large file, and at one near its end. */
static void see_samples(struct seen *seen, const char *path, off_t size)
{
    char sample[SAMPLE_SIZE];
    off_t step_size = size / SAMPLES > SAMPLE_STEP ? size / SAMPLES : SAMPLE_STEP;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd == -1)
        return;
    for (off_t at = step_size; at < size; at += step_size) {
        if (at + step_size >= size)
            at = size - SAMPLE_SIZE;
        ssize_t n = pread(fd, sample, sizeof sample, at);
        const char *line = n > 0 ? memchr(sample, '\n', (size_t)n) : NULL;
        if (line)
            see_line(seen, (struct span){line + 1, sample + n});
    }
    close(fd);
}

/* The first lines' times, and, where these have no year, those of the others. */
static void see_file(struct seen *seen, const char *path, off_t size)
{
    char *block = NULL;
    ssize_t len;
    struct log_source *s = log_source_open(path);
    if (!s)
        return;
    while ((len = log_source_next(s, &block)) > 0) {
        see_lines(seen, (struct span){block, block + len});
        if (seen->order.at == 0 || (size > READ_WHOLE && log_source_plain(s)))
            break;
    }
    if (seen->order.at && len > 0)
        see_samples(seen, path, size);
    free(block);
    log_source_close(s);
}

void log_years_find(struct log_years *y, const char *path, time_t now)
{
    struct stat st;
    struct seen seen = {0};
    *y = (struct log_years){.bound = now};
    if (strcmp(path, "-") == 0 || stat(path, &st) == -1 || !S_ISREG(st.st_mode))
        return;
    y->bound = st.st_mtime < now ? st.st_mtime : now;
    see_file(&seen, path, st.st_size);
    int years = seen.order.at / YEAR - BASE / YEAR;
    if (years < 1 || years > YEARS_MAX)
        return;
    time_t first = latest(y->bound, seen.first.month, seen.first.day, seen.first.hour);
    time_t last = latest(y->bound, seen.last.month, seen.last.day, seen.last.hour);
    int year = year_of(last) - years;
    if (first != -1 && last != -1 && year < year_of(first))
        y->at = year * YEAR + day_of_year(seen.first.month, seen.first.day);
}
