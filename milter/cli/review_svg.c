#include "review_svg.h"

#include "html.h"

/* A length in hundredths. */
static void svg_length(const struct sheet *s, const char *before, long hundredths, const char *after)
{
    fprintf(s->to, "%s%ld.%02ld%s", before, hundredths / 100, hundredths % 100, after);
}

void svg_x(const struct sheet *s, long x, long width)
{
    svg_length(s, " x=\"", s->rtl ? SVG_WHOLE - x - width : x, "%\"");
}

void svg_rect(const struct sheet *s, const char *class, long x, long y, long width, long height)
{
    html(s->to, "<rect class=\"%s\"", class);
    svg_x(s, x, width);
    svg_length(s, " y=\"", y, "\"");
    svg_length(s, " width=\"", width, "%\"");
    svg_length(s, " height=\"", height, "\"");
}

void svg_block(const struct sheet *s, char kind, unsigned digit, long x, long y, long width, long height)
{
    char class[] = {kind, (char)('0' + digit), '\0'};
    svg_rect(s, class, x, y, width, height);
}

void svg_begin(const struct sheet *s, const char *id, const char *class, const char *title, int height)
{
    html(s->to,
         "<figure>\n<svg class=\"chart%s\" role=\"img\" aria-labelledby=\"%s-name %s-text\" width=\"100%%\" height=\"%d\">\n",
         class, id, id, height);
    html(s->to, "<title id=\"%s-name\">%s</title>\n<desc id=\"%s-text\">", id, title, id);
}

void svg_side_label(const struct sheet *s, long y)
{
    fprintf(s->to, s->rtl ? "<text x=\"100%%\" dx=\"8\" y=\"%ld\">" : "<text x=\"-8\" y=\"%ld\" text-anchor=\"end\">", y);
}

void svg_numbers_begin(const struct sheet *s, const char *title)
{
    html(s->to, "<details>\n<summary>%s</summary>\n", sheet_word(s, WORD_AS_TABLE));
    sheet_table_begin(s, "data", title);
}

void svg_numbers_end(const struct sheet *s)
{
    sheet_table_end(s);
    fputs("</details>\n</figure>\n", s->to);
}

void svg_number(const struct sheet *s, unsigned long n)
{
    fputs("<td class=\"n\">", s->to);
    sheet_number(s, n);
    fputs("</td>", s->to);
}

void sheet_trend(const struct sheet *s, const struct report_row *row)
{
    unsigned long most = 1;
    for (int i = 0; i < REPORT_TREND; i++)
        most = row->trend[i] > most ? row->trend[i] : most;
    fputs("<svg class=\"trend\" role=\"img\" viewBox=\"0 0 80 22\"><title>", s->to);
    for (int i = 0; i < REPORT_TREND; i++)
        html(s->to, "%s%lu", i ? ", " : "", row->trend[i]);
    fputs("</title><path d=\"", s->to);
    for (int i = 0; i < REPORT_TREND; i++) {
        int height = (int)((double)row->trend[i] / (double)most * 21) + 1;
        fprintf(s->to, "M%d 22v-%dh4v%dz", 5 * i, height, height);
    }
    fputs("\"/></svg>", s->to);
}

void sheet_key(const struct sheet *s, size_t series)
{
    fprintf(s->to, "<svg class=\"key\" aria-hidden=\"true\"><rect class=\"s%zu\" width=\"100%%\" height=\"100%%\"/></svg>",
            series);
}
