#include "review_svg.h"

#include "html.h"
#include "review_view.h"

#define HEAT_ROW 26 /* pixels */
#define HEAT_LEVELS 5
#define NETWORKS 10
#define NETWORK_ROW 42 /* pixels */

/* ---- Refusals by weekday and hour ------------------------------------------------------------------------------------------ */

static const char *weekday(const struct sheet *s, size_t day)
{
    return sheet_word(s, (enum word)(WORD_MONDAY + (int)day));
}

static void put_heat(const struct sheet *s)
{
    const struct chart *c = s->chart;
    for (size_t day = 0; day < CHART_WEEKDAYS; day++) {
        for (size_t hour = 0; hour < CHART_HOURS; hour++) {
            unsigned long n = c->week[day][hour];
            unsigned level = c->week_most ? (unsigned)((n * HEAT_LEVELS + c->week_most - 1) / c->week_most) : 0;
            long x = (long)(SVG_WHOLE * hour / CHART_HOURS), width = (long)(SVG_WHOLE * (hour + 1) / CHART_HOURS) - x;
            svg_block(s, 'h', level, x, (long)day * HEAT_ROW * SVG_PIXEL, width, HEAT_ROW * SVG_PIXEL);
            html(s->to, "><title>%s %d%d:00: ", weekday(s, day), (int)hour / 10, (int)hour % 10);
            sheet_number(s, n);
            fputs("</title></rect>", s->to);
        }
        fputc('\n', s->to);
    }
}

static void show_heat_legend(const struct sheet *s)
{
    fputs("<p class=\"legend scale\"><span>0</span><svg class=\"keys\" aria-hidden=\"true\">", s->to);
    for (int i = 0; i <= HEAT_LEVELS; i++)
        fprintf(s->to, "<rect class=\"h%d\" x=\"%d\" width=\"20\" height=\"12\"/>", i, 20 * i);
    fputs("</svg><span>", s->to);
    sheet_number(s, s->chart->week_most);
    fputs("</span></p>\n", s->to);
}

static void show_week(const struct sheet *s)
{
    svg_numbers_begin(s, sheet_word(s, WORD_BY_WEEKDAY));
    html(s->to, "<thead><tr><th scope=\"col\">%s</th>", sheet_word(s, WORD_HOUR));
    for (size_t day = 0; day < CHART_WEEKDAYS; day++)
        html(s->to, "<th scope=\"col\" class=\"n\">%s</th>", weekday(s, day));
    fputs("</tr></thead>\n<tbody>\n", s->to);
    for (size_t hour = 0; hour < CHART_HOURS; hour++) {
        fprintf(s->to, "<tr><th scope=\"row\">%02zu:00</th>", hour);
        for (size_t day = 0; day < CHART_WEEKDAYS; day++)
            svg_number(s, s->chart->week[day][hour]);
        fputs("</tr>\n", s->to);
    }
    svg_numbers_end(s);
}

void sheet_by_weekday(const struct sheet *s)
{
    svg_begin(s, "by-weekday-chart", " plot", sheet_word(s, WORD_BY_WEEKDAY), CHART_WEEKDAYS * HEAT_ROW + 20);
    html(s->to, "%s: %lu (0\xe2\x80\x93%lu)</desc>\n", sheet_word(s, WORD_REFUSALS), s->report->tally->refused,
         s->chart->week_most);
    for (size_t day = 0; day < CHART_WEEKDAYS; day++) {
        svg_side_label(s, (long)day * HEAT_ROW + 17);
        html(s->to, "%s</text>\n", weekday(s, day));
    }
    fputs("<g class=\"heat\" aria-hidden=\"true\">\n", s->to);
    put_heat(s);
    fputs("</g>\n", s->to);
    for (int hour = 0; hour < CHART_HOURS; hour += 6) {
        fputs("<text text-anchor=\"middle\"", s->to);
        svg_x(s, SVG_WHOLE * (2L * hour + 1) / (2 * CHART_HOURS), 0);
        fprintf(s->to, " y=\"%d\">%02d:00</text>\n", CHART_WEEKDAYS * HEAT_ROW + 16, hour);
    }
    fputs("</svg>\n", s->to);
    show_heat_legend(s);
    show_week(s);
}

/* ---- Failed sign-ins by network -------------------------------------------------------------------------------------------- */

static void put_network(const struct sheet *s, const struct count *network, long y, unsigned long most)
{
    char digits[REVIEW_DIGITS_SIZE];
    html(s->to, "<text class=\"address\" x=\"%d%%\" text-anchor=\"%s\"", s->rtl ? 100 : 0, s->rtl ? "end" : "start");
    fprintf(s->to, " y=\"%ld\">", y + 16);
    html(s->to, "%s</text><text class=\"value\" x=\"%d%%\" text-anchor=\"%s\"", network->name, s->rtl ? 0 : 100,
         s->rtl ? "start" : "end");
    fprintf(s->to, " y=\"%ld\">", y + 16);
    html(s->to, "%s</text>", review_digits(network->count, digits));
    svg_rect(s, "track", 0, (y + 23) * SVG_PIXEL, SVG_WHOLE, 8L * SVG_PIXEL);
    fputs("/>", s->to);
    svg_rect(s, "bar", 0, (y + 23) * SVG_PIXEL, (long)((double)network->count / (double)most * SVG_WHOLE), 8L * SVG_PIXEL);
    fputs("/>\n", s->to);
}

static void show_networks(const struct sheet *s, struct count *const *all, size_t count)
{
    svg_numbers_begin(s, sheet_word(s, WORD_AUTH_BY_NETWORK));
    html(s->to, "<thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"n\">%s</th></tr></thead>\n<tbody>\n",
         sheet_word(s, WORD_NETWORK), sheet_word(s, WORD_NUMBER));
    for (size_t i = 0; i < count; i++) {
        html(s->to, "<tr><th scope=\"row\"><bdi class=\"code\" dir=\"ltr\">%s</bdi></th>", all[i]->name);
        svg_number(s, all[i]->count);
        fputs("</tr>\n", s->to);
    }
    svg_numbers_end(s);
}

void sheet_networks(const struct sheet *s)
{
    size_t count;
    struct count **all = counts_sorted(&s->report->tally->counts[TALLY_NETWORKS], &count);
    count = count < NETWORKS ? count : NETWORKS;
    svg_begin(s, "auth-by-network-chart", "", sheet_word(s, WORD_AUTH_BY_NETWORK), (int)count * NETWORK_ROW);
    for (size_t i = 0; i < count; i++)
        html(s->to, "%s: %lu. ", all[i]->name, all[i]->count);
    fputs("</desc>\n", s->to);
    for (size_t i = 0; i < count; i++)
        put_network(s, all[i], (long)i * NETWORK_ROW, all[0]->count);
    fputs("</svg>\n", s->to);
    show_networks(s, all, count);
    g_free(all);
}
