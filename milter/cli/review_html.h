/* The parts of a review's HTML page. */
#ifndef REVIEW_HTML_H
#define REVIEW_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include <mailwhy/chart.h>
#include <mailwhy/report.h>

/* The style sheet and the script: review.css, review.js. */
extern const char review_css[], review_js[];

struct sheet {
    FILE *to;
    const struct report *report;
    const struct chart *chart; /* of why this server refused */
    bool rtl;
};

const char *sheet_word(const struct sheet *s, enum word which);

/* The name of a reason as people know it. */
const char *sheet_reason(const struct sheet *s, const char *id);

/* "27 147"; "~27 147" where it is an estimate; a local time; two of them, or one where they are the same. */
void sheet_number(const struct sheet *s, unsigned long n);
void sheet_about(const struct sheet *s, unsigned long n, bool about);
void sheet_time(const struct sheet *s, time_t time);
void sheet_span(const struct sheet *s, time_t first, time_t last);

/* Begin and end a section with its heading. */
void sheet_begin(const struct sheet *s, const char *id, const char *title);
void sheet_end(const struct sheet *s);

/* Charts, each a section with its numbers in a table. */
void sheet_over_time(const struct sheet *s);
void sheet_by_weekday(const struct sheet *s);
void sheet_networks(const struct sheet *s);

/* The sixteen bars of a trend, and a series' colour. */
void sheet_trend(const struct sheet *s, const struct report_row *row);
void sheet_key(const struct sheet *s, size_t series);

/* A question as a section with its table. */
void sheet_section(const struct sheet *s, const struct report_section *section);

/* Begin and end a table. The class tells style sheet and script what it is. */
void sheet_table_begin(const struct sheet *s, const char *class, const char *caption);
void sheet_table_end(const struct sheet *s);

#endif
