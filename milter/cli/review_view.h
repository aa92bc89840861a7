/* A review as people and programs read it. */
#ifndef REVIEW_VIEW_H
#define REVIEW_VIEW_H

#include <mailwhy/report.h>

#include "cli.h"

/* Print it to standard output: a page of text, JSON, CSV, a page of HTML. EX_OK, or EX_OSERR. */
int review_text(const struct report *r, const struct cli_options *o);
int review_json(const struct report *r, const struct cli_options *o);
int review_csv(const struct report *r, const struct cli_options *o);
int review_html(const struct report *r, const struct cli_options *o);

/* The numbers that people are told first. */
struct review_number {
    enum word label;
    unsigned long value;
    bool about; /* it is an estimate */
    bool shown; /* else it is 0 and says nothing */
};
#define REVIEW_NUMBERS 10
void review_numbers(const struct report *r, struct review_number out[static REVIEW_NUMBERS]);

/* How much another span's number of sessions differs, in percent: "+12 %". */
const char *review_change(const struct report *r, char out[static REPORT_TIME_SIZE]);

#define REVIEW_DIGITS_SIZE 128

/* A number with a narrow blank between thousands; a local time, to the minute. */
const char *review_digits(unsigned long n, char out[static REVIEW_DIGITS_SIZE]);
const char *review_local_time(time_t time, char out[static REPORT_TIME_SIZE]);

#endif
