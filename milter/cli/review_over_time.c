#include "review_svg.h"

#include <string.h>

#include "html.h"
#include "review_view.h"

#define PLOT_TOP 8 /* pixels */
#define PLOT_HEIGHT 220
#define PLOT_FOOT 38 /* for two lines of labels */
#define LABELS_MAX 6

/* How many slots lie from one label to the next, and what of "2026-11-20 14:00" stands in its two lines: the second only where it changes. */
static const struct {
    size_t apart[6];
    size_t at, length, second_at, second_length;
} axes[] = {
    [CHART_HOUR] = {{1, 3, 6, 12, 24, 24}, 11, 5, 5, 5}, [CHART_DAY] = {{1, 2, 4, 7, 14, 28}, 5, 5, 0, 4},
    [CHART_WEEK] = {{1, 2, 4, 13, 26, 52}, 5, 5, 0, 4},  [CHART_MONTH] = {{1, 3, 6, 12, 24, 48}, 0, 7, 0, 0},
    [CHART_YEAR] = {{1, 2, 5, 10, 20, 50}, 0, 4, 0, 0},
};

static size_t slots_apart(const struct chart *c)
{
    size_t i = 0;
    while (i < 5 && c->count > axes[c->step].apart[i] * LABELS_MAX)
        i++;
    return axes[c->step].apart[i];
}

static bool has_label(const struct chart *c, size_t slot, size_t apart)
{
    struct tm tm;
    if (c->step == CHART_HOUR && apart > 1 && localtime_r(&c->slots[slot].start, &tm))
        return tm.tm_hour % (int)apart == 0;
    return slot % apart == 0;
}

static void put_time_label(const struct sheet *s, long x, int y, const char *text)
{
    fputs("<text text-anchor=\"middle\"", s->to);
    svg_x(s, x, 0);
    html(s->to, " y=\"%d\">%s</text>", y, text);
}

static void put_time_labels(const struct sheet *s)
{
    const struct chart *c = s->chart;
    char time[REPORT_TIME_SIZE], second[REPORT_TIME_SIZE] = "";
    size_t apart = slots_apart(c);
    for (size_t i = 0; i < c->count; i++) {
        long x = (long)(SVG_WHOLE * (2 * i + 1) / (2 * c->count));
        if (!has_label(c, i, apart) || (x > SVG_WHOLE * 95 / 100 && c->count > 1))
            continue;
        review_local_time(c->slots[i].start, time);
        const char *below = time + axes[c->step].second_at;
        size_t length = axes[c->step].second_length;
        if (length && strncmp(below, second, length) != 0) {
            snprintf(second, sizeof second, "%.*s", (int)length, below);
            put_time_label(s, x, PLOT_TOP + PLOT_HEIGHT + 33, second);
        }
        time[axes[c->step].at + axes[c->step].length] = '\0';
        put_time_label(s, x, PLOT_TOP + PLOT_HEIGHT + 17, time + axes[c->step].at);
    }
    fputc('\n', s->to);
}

/* A round distance of the lines across a chart that reaches so far: at most four fit. */
static unsigned long lines_apart(unsigned long most)
{
    static const unsigned long round[] = {1, 2, 5};
    for (unsigned long ten = 1;; ten *= 10)
        for (size_t i = 0; i < 3; i++)
            if (round[i] * ten * 4 >= most || ten > most)
                return round[i] * ten;
}

/* The lines across and their numbers. What the highest of them stands for. */
static unsigned long put_lines(const struct sheet *s, unsigned long most)
{
    unsigned long apart = lines_apart(most), count = (most + apart - 1) / apart;
    char digits[REVIEW_DIGITS_SIZE];
    for (unsigned long i = 0; i <= count; i++) {
        long y = PLOT_TOP + PLOT_HEIGHT - (long)(PLOT_HEIGHT * i / count);
        svg_side_label(s, y + 4);
        html(s->to, "%s</text>\n", review_digits(i * apart, digits));
    }
    for (unsigned long i = 0; i <= count; i++) {
        long y = PLOT_TOP + PLOT_HEIGHT - (long)(PLOT_HEIGHT * i / count);
        fprintf(s->to, "<line class=\"grid%s\" x1=\"0\" x2=\"100%%\" y1=\"%ld\" y2=\"%ld\"/>", i ? "" : " base", y, y);
    }
    fputc('\n', s->to);
    return count * apart;
}

/* A slot's bar, with what it says when pointed at. */
static void put_slot(const struct sheet *s, size_t i, unsigned long top)
{
    const struct chart_slot *slot = &s->chart->slots[i];
    long x = (long)(SVG_WHOLE * i / s->chart->count), width = (long)(SVG_WHOLE * (i + 1) / s->chart->count) - x;
    long bar = width * 4 / 5 < SVG_WHOLE / 12 ? width * 4 / 5 : SVG_WHOLE / 12;
    unsigned long below = 0;
    char text[REPORT_TIME_SIZE];
    if (!slot->sum)
        return;
    html(s->to, "<g aria-hidden=\"true\"><title>%s: ", review_local_time(slot->start, text));
    sheet_number(s, slot->sum);
    fputs("</title>", s->to);
    svg_rect(s, "slot", x, (long)PLOT_TOP * SVG_PIXEL, width, (long)PLOT_HEIGHT * SVG_PIXEL);
    fputs("/>", s->to);
    for (unsigned k = 0; k <= CHART_NAMED; k++) {
        long floor = (long)((double)below / (double)top * PLOT_HEIGHT * SVG_PIXEL);
        below += slot->counts[k];
        long roof = (long)((double)below / (double)top * PLOT_HEIGHT * SVG_PIXEL);
        if (roof > floor) {
            svg_block(s, 's', k, x + (width - bar) / 2, (long)(PLOT_TOP + PLOT_HEIGHT) * SVG_PIXEL - roof, bar, roof - floor);
            fputs("/>", s->to);
        }
    }
    fputs("</g>\n", s->to);
}

static bool has_series(const struct chart *c, size_t series)
{
    return c->sums[series] > 0;
}

static const char *series_name(const struct sheet *s, size_t series)
{
    return series < CHART_NAMED ? sheet_reason(s, s->chart->names[series]) : sheet_word(s, WORD_OTHER_REASONS);
}

static void show_legend(const struct sheet *s)
{
    fputs("<ul class=\"legend\">\n", s->to);
    for (size_t i = 0; i <= CHART_NAMED; i++) {
        if (!has_series(s->chart, i))
            continue;
        fputs("<li>", s->to);
        sheet_key(s, i);
        html(s->to, "<bdi>%s</bdi> <span class=\"sum\">", series_name(s, i));
        sheet_number(s, s->chart->sums[i]);
        fputs("</span></li>\n", s->to);
    }
    fputs("</ul>\n", s->to);
}

static void show_slots(const struct sheet *s)
{
    const struct chart *c = s->chart;
    svg_numbers_begin(s, sheet_word(s, WORD_OVER_TIME));
    html(s->to, "<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th>", sheet_word(s, WORD_TIME),
         sheet_word(s, WORD_REFUSALS));
    for (size_t i = 0; i <= CHART_NAMED; i++)
        if (has_series(c, i))
            html(s->to, "<th scope=\"col\" class=\"n\">%s</th>", series_name(s, i));
    fputs("</tr></thead>\n<tbody>\n", s->to);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->slots[i].sum)
            continue;
        fputs("<tr><th scope=\"row\" class=\"t\">", s->to);
        sheet_time(s, c->slots[i].start);
        fputs("</th>", s->to);
        svg_number(s, c->slots[i].sum);
        for (size_t k = 0; k <= CHART_NAMED; k++)
            if (has_series(c, k))
                svg_number(s, c->slots[i].counts[k]);
        fputs("</tr>\n", s->to);
    }
    svg_numbers_end(s);
}

void sheet_over_time(const struct sheet *s)
{
    svg_begin(s, "over-time-chart", " plot", sheet_word(s, WORD_OVER_TIME), PLOT_TOP + PLOT_HEIGHT + PLOT_FOOT);
    for (size_t i = 0; i <= CHART_NAMED; i++)
        if (has_series(s->chart, i))
            html(s->to, "%s: %lu. ", series_name(s, i), s->chart->sums[i]);
    fputs("</desc>\n", s->to);
    unsigned long top = put_lines(s, s->chart->most ? s->chart->most : 1);
    for (size_t i = 0; i < s->chart->count; i++)
        put_slot(s, i, top);
    put_time_labels(s);
    fputs("</svg>\n", s->to);
    show_legend(s);
    show_slots(s);
}
