#include <mailwhy/event_time.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DAY 86400

/* Where each number of "2026-07-14T09:12:33" stands, and its bounds. */
enum part { YEAR, MONTH, MONTHDAY, HOUR, MINUTE, SECOND, PARTS };
static const struct {
    unsigned char at, width;
    int least, most;
} parts[PARTS] = {
    [YEAR] = {0, 4, 0, 9999}, [MONTH] = {5, 2, 1, 12},   [MONTHDAY] = {8, 2, 1, 31},
    [HOUR] = {11, 2, 0, 23},  [MINUTE] = {14, 2, 0, 59}, [SECOND] = {17, 2, 0, 60},
};
static const char shape[] = "0000-00-00T00:00:00";
#define SHAPE_LEN (sizeof shape - 1)
#define MICROSECONDS 6

/* A year that begins in March ends in its leap day; 400 such years are an era of 146,097 days, and 719,468 of them lie between the
 * era's beginning in the year 0 and the Epoch. */
static int64_t days_of_date(int year, int month, int day)
{
    int64_t from_march = (month + 9) % 12;
    int64_t y = year - (month <= 2) + 400;
    int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468 - 146097;
}

static void date_of_days(int64_t days, int out[static PARTS])
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day = days - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t day_of_year = day - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153;
    out[MONTH] = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    out[MONTHDAY] = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    out[YEAR] = (int)(year + era * 400 + (out[MONTH] <= 2));
}

static void put_number(char *out, int width, long n)
{
    while (width-- > 0) {
        out[width] = (char)('0' + n % 10);
        n /= 10;
    }
}

int event_time_format(const struct timespec *time, char out[static EVENT_TIME_SIZE])
{
    int64_t first = days_of_date(0, 1, 1) * DAY, after = days_of_date(10000, 1, 1) * DAY;
    if (time->tv_sec < first || time->tv_sec >= after || time->tv_nsec < 0 || time->tv_nsec > 999999999) {
        out[0] = '\0';
        errno = EINVAL;
        return -1;
    }
    int64_t days = (time->tv_sec - first) / DAY + first / DAY;
    int second = (int)(time->tv_sec - days * DAY);
    int values[PARTS] = {[HOUR] = second / 3600, [MINUTE] = second / 60 % 60, [SECOND] = second % 60};
    date_of_days(days, values);
    memcpy(out, shape, SHAPE_LEN);
    for (int part = 0; part < PARTS; part++)
        put_number(out + parts[part].at, parts[part].width, values[part]);
    out[SHAPE_LEN] = '.';
    put_number(out + SHAPE_LEN + 1, MICROSECONDS, time->tv_nsec / 1000);
    memcpy(out + SHAPE_LEN + 1 + MICROSECONDS, "Z", 2);
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int days_of_month(int year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Read date and time of day; s has SHAPE_LEN octets. */
static bool parse_parts(const char *s, int values[static PARTS])
{
    if (s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
        return false;
    for (int part = 0; part < PARTS; part++) {
        const char *at = s + parts[part].at;
        int n = 0;
        for (int i = 0; i < parts[part].width; i++) {
            if (!is_digit(at[i]))
                return false;
            n = n * 10 + (at[i] - '0');
        }
        if (n < parts[part].least || n > parts[part].most)
            return false;
        values[part] = n;
    }
    return values[MONTHDAY] <= days_of_month(values[YEAR], values[MONTH]);
}

/* Read the decimals after the seconds, "" or ".1" to ".123456789". */
static bool parse_fraction(const char *s, size_t len, long *nanoseconds)
{
    *nanoseconds = 0;
    if (len == 0)
        return true;
    if (s[0] != '.' || len < 2 || len > 10)
        return false;
    for (size_t i = 1; i < 10; i++) {
        if (i < len && !is_digit(s[i]))
            return false;
        *nanoseconds = *nanoseconds * 10 + (i < len ? s[i] - '0' : 0);
    }
    return true;
}

int event_time_parse(const char *s, size_t len, struct timespec *time)
{
    int values[PARTS];
    long nanoseconds;
    if (len <= SHAPE_LEN || s[len - 1] != 'Z' || !parse_parts(s, values) ||
        !parse_fraction(s + SHAPE_LEN, len - 1 - SHAPE_LEN, &nanoseconds)) {
        errno = EINVAL;
        return -1;
    }
    int64_t days = days_of_date(values[YEAR], values[MONTH], values[MONTHDAY]);
    time->tv_sec = days * DAY + values[HOUR] * 3600 + values[MINUTE] * 60 + values[SECOND];
    time->tv_nsec = nanoseconds;
    return 0;
}
