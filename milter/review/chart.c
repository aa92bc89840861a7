#include <mailwhy/chart.h>

#include <errno.h>
#include <stdlib.h>

#define HOUR 3600
#define DAY (24 * HOUR)
#define YEARS_MAX 100 /* slots of years */

/* The longest span whose slots are that long. */
static const time_t longest[] = {
    [CHART_HOUR] = 3 * DAY, [CHART_DAY] = 92 * DAY, [CHART_WEEK] = 2 * 366 * DAY, [CHART_MONTH] = (time_t)10 * 366 * DAY};

/* The calendar's day on which a slot begins, at noon, which each day has once. */
static struct tm first_day(time_t time, enum chart_step step)
{
    struct tm tm = {0};
    localtime_r(&time, &tm);
    if (step == CHART_WEEK)
        tm.tm_mday -= (tm.tm_wday + 6) % 7;
    if (step == CHART_MONTH || step == CHART_YEAR)
        tm.tm_mday = 1;
    if (step == CHART_YEAR)
        tm.tm_mon = 0;
    tm.tm_hour = 12;
    tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    mktime(&tm);
    return tm;
}

static time_t midnight(struct tm tm)
{
    tm.tm_hour = 0;
    tm.tm_isdst = -1;
    return mktime(&tm);
}

static int add_slot(struct chart *c, size_t *room, time_t start)
{
    if (c->count == *room) {
        struct chart_slot *more = realloc(c->slots, (*room += 128) * sizeof *more);
        if (!more)
            return -1;
        c->slots = more;
    }
    c->slots[c->count++] = (struct chart_slot){.start = start};
    return 0;
}

static int add_hours(struct chart *c, time_t first, time_t last)
{
    size_t room = 0;
    for (time_t hour = first - first % HOUR; hour <= last; hour += HOUR)
        if (add_slot(c, &room, hour) == -1)
            return -1;
    return 0;
}

static int add_days(struct chart *c, time_t first, time_t last)
{
    size_t room = 0;
    int years = (int)((last - first) / ((time_t)365 * DAY) / YEARS_MAX) + 1;
    struct tm day = first_day(first, c->step);
    for (time_t start = midnight(day); start <= last || c->count == 0; start = midnight(day)) {
        if (add_slot(c, &room, start) == -1)
            return -1;
        day.tm_mday += c->step == CHART_DAY ? 1 : c->step == CHART_WEEK ? 7 : 0;
        day.tm_mon += c->step == CHART_MONTH;
        day.tm_year += c->step == CHART_YEAR ? years : 0;
        day.tm_isdst = -1;
        if (mktime(&day) == -1)
            break;
    }
    return 0;
}

struct filling {
    struct chart *chart;
    size_t series;
};

static struct chart_slot *slot_of(const struct chart *c, time_t time)
{
    size_t low = 0, high = c->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c->slots[middle].start <= time)
            low = middle;
        else
            high = middle;
    }
    return &c->slots[low];
}

static void fill(void *data, time_t hour, unsigned long count)
{
    const struct filling *f = data;
    struct chart *c = f->chart;
    struct chart_slot *slot = slot_of(c, hour);
    struct tm tm = {0};
    slot->counts[f->series] += count;
    slot->sum += count;
    c->most = slot->sum > c->most ? slot->sum : c->most;
    localtime_r(&hour, &tm);
    unsigned long *of_week = &c->week[(tm.tm_wday + 6) % CHART_WEEKDAYS][tm.tm_hour];
    *of_week += count;
    c->week_most = *of_week > c->week_most ? *of_week : c->week_most;
}

int chart_make(struct chart *c, const struct counts *counts, time_t first, time_t last)
{
    size_t count;
    *c = (struct chart){.step = CHART_HOUR};
    while (c->step < CHART_YEAR && last - first > longest[c->step])
        c->step++;
    if ((c->step == CHART_HOUR ? add_hours : add_days)(c, first, last) == -1) {
        chart_free(c);
        errno = ENOMEM;
        return -1;
    }
    struct count **all = counts_sorted(counts, &count);
    for (size_t i = 0; i < count; i++) {
        struct filling f = {c, i < CHART_NAMED ? i : CHART_NAMED};
        if (i < CHART_NAMED)
            c->names[c->named++] = all[i]->name;
        c->sums[f.series] += all[i]->count;
        history_each(&all[i]->history, fill, &f);
    }
    g_free(all);
    return 0;
}

void chart_free(struct chart *c)
{
    free(c->slots);
    *c = (struct chart){0};
}
