#include "review_html.h"

#include <string.h>

#include "html.h"

void sheet_table_begin(const struct sheet *s, const char *class, const char *caption)
{
    html(s->to,
         "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"%s\">\n<table class=\"%s\">\n"
         "<caption class=\"unseen\">%s</caption>\n",
         caption, class, caption);
}

void sheet_table_end(const struct sheet *s)
{
    fputs("</tbody>\n</table>\n</div>\n", s->to);
}

/* ---- Heads ---------------------------------------------------------------------------------------------------------------- */

/* A head, with attributes of ours. */
static void show_head(const struct sheet *s, const char *attributes, enum word which)
{
    fprintf(s->to, "<th scope=\"col\"%s>", attributes);
    html(s->to, "%s</th>", sheet_word(s, which));
}

static void show_heads(const struct sheet *s, const struct report_section *section, bool by_reason)
{
    fputs("<thead>\n<tr>", s->to);
    show_head(s, "", section->name);
    show_head(s, " class=\"n\" aria-sort=\"descending\"", WORD_NUMBER);
    if (by_reason && section->trend)
        show_head(s, " data-fixed", WORD_TREND);
    if (section->other != WORD_COUNT)
        show_head(s, " class=\"n\"", section->other);
    if (by_reason)
        show_head(s, " class=\"fix\"", WORD_HOW_TO_FIX);
    show_head(s, " class=\"t\"", WORD_FIRST);
    show_head(s, " class=\"t\"", WORD_LAST);
    fputs("</tr>\n</thead>\n<tbody>\n", s->to);
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------------- */

static void show_number(const struct sheet *s, const char *class, enum word head, unsigned long n, bool about)
{
    html(s->to, "<td class=\"%s\" data-value=\"%lu\" data-head=\"%s\">", class, n, sheet_word(s, head));
    sheet_about(s, n, about);
    fputs("</td>", s->to);
}

static void show_time(const struct sheet *s, enum word head, time_t time)
{
    fprintf(s->to, "<td class=\"t\" data-value=\"%lld\"", (long long)time);
    html(s->to, " data-head=\"%s\">", sheet_word(s, head));
    sheet_time(s, time);
    fputs("</td>", s->to);
}

static void show_fix(const struct sheet *s, const struct report_row *row)
{
    fputs("<td class=\"fix\">", s->to);
    if (row->reason && row->fix)
        html(s->to, "<span class=\"who\">%s</span> %s", sheet_word(s, (enum word)(WORD_SENDER + (int)row->reason->who)),
             row->fix);
    fputs("</td>", s->to);
}

/* The series of a reason in the chart; CHART_NAMED where it has none of its own. */
static size_t series_of(const struct sheet *s, const char *name)
{
    size_t i = 0;
    while (i < s->chart->named && strcmp(s->chart->names[i], name) != 0)
        i++;
    return i < s->chart->named ? i : CHART_NAMED;
}

static void show_reason(const struct sheet *s, const struct report_section *section, const struct report_row *row)
{
    bool here = section == &s->report->sections[REPORT_REASONS] || section == &s->report->sections[REPORT_OURS];
    fputs("<th scope=\"row\">", s->to);
    if (here)
        sheet_key(s, series_of(s, row->name));
    html(s->to, "<bdi>%s</bdi>", sheet_reason(s, row->name));
    if (row->reason)
        html(s->to, " <code><bdi dir=\"ltr\">%s</bdi></code>", row->name);
    fputs("</th>", s->to);
}

static void show_row(const struct sheet *s, const struct report_section *section, const struct report_row *row, bool by_reason)
{
    fputs("<tr>", s->to);
    if (by_reason)
        show_reason(s, section, row);
    else
        html(s->to, "<th scope=\"row\"><bdi class=\"code\" dir=\"ltr\">%s</bdi></th>", row->name);
    show_number(s, "n count", WORD_NUMBER, row->count, false);
    if (by_reason && section->trend) {
        html(s->to, "<td data-head=\"%s\">", sheet_word(s, WORD_TREND));
        sheet_trend(s, row);
        fputs("</td>", s->to);
    }
    if (section->other != WORD_COUNT)
        show_number(s, "n", section->other, row->others, row->about);
    if (by_reason)
        show_fix(s, row);
    show_time(s, WORD_FIRST, row->first);
    show_time(s, WORD_LAST, row->last);
    fputs("</tr>\n", s->to);
}

void sheet_section(const struct sheet *s, const struct report_section *section)
{
    bool by_reason = section->name == WORD_ID;
    bool is_long = section->name == WORD_REPLY;
    sheet_table_begin(s,
                      by_reason ? "sortable reasons"
                      : is_long ? "sortable names long"
                                : "sortable names",
                      sheet_word(s, section->title));
    show_heads(s, section, by_reason);
    for (size_t i = 0; i < section->count; i++)
        show_row(s, section, &section->rows[i], by_reason);
    sheet_table_end(s);
    if (!section->more)
        return;
    html(s->to, "<p class=\"more\">%s: ", sheet_word(s, WORD_LEFT_OUT));
    sheet_number(s, section->more);
    fputs("</p>\n", s->to);
}
