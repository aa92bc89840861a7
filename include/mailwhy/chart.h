/* What the charts of a review show: refusals over time by reason, and by weekday and hour of the day. */
#ifndef MAILWHY_CHART_H
#define MAILWHY_CHART_H

#include <stddef.h>
#include <time.h>

#include <mailwhy/counts.h>

#define CHART_NAMED 6 /* the most frequent names have a series each; one more is for all others */
#define CHART_WEEKDAYS 7 /* the first is Monday */
#define CHART_HOURS 24

enum chart_step { CHART_HOUR, CHART_DAY, CHART_WEEK, CHART_MONTH, CHART_YEAR };

/* From start to the next one's: an hour, or a day, week (from Monday), month or so many years of local time. */
struct chart_slot {
    time_t start;
    unsigned long counts[CHART_NAMED + 1]; /* the others' last */
    unsigned long sum;
};

struct chart {
    enum chart_step step;
    const char *names[CHART_NAMED]; /* of the counts, the most frequent first */
    unsigned long sums[CHART_NAMED + 1]; /* of each series; the others' last */
    size_t named; /* names in use */
    struct chart_slot *slots; /* all from the first event to the last, also those without a count */
    size_t count;
    unsigned long most; /* the greatest sum of a slot */
    unsigned long week[CHART_WEEKDAYS][CHART_HOURS]; /* local time */
    unsigned long week_most;
};

/* Make the charts of counts that have their history, from the first event to the last. The counts must outlive them. 0, or -1 with errno ENOMEM. */
int chart_make(struct chart *c, const struct counts *counts, time_t first, time_t last);
void chart_free(struct chart *c);

#endif
