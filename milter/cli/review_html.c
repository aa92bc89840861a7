#include "review_html.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "html.h"
#include "review_view.h"

#define EN_DASH " \xe2\x80\x93 "
#define ZONE_SIZE 16

const char *sheet_word(const struct sheet *s, enum word which)
{
    return catalog_word(s->report->words.catalog, which, s->report->words.language);
}

const char *sheet_reason(const struct sheet *s, const char *id)
{
    const struct explain_words *words = &s->report->words;
    const struct catalog_reason *reason = catalog_reason_by_id(words->catalog, id);
    if (reason)
        return catalog_reason_text(words->catalog, reason, words->language)->name;
    return strcmp(id, TALLY_UNKNOWN) == 0 ? sheet_word(s, WORD_NOT_KNOWN) : id;
}

void sheet_number(const struct sheet *s, unsigned long n)
{
    char digits[REVIEW_DIGITS_SIZE];
    html(s->to, "%s", review_digits(n, digits));
}

void sheet_about(const struct sheet *s, unsigned long n, bool about)
{
    fputs(about ? "<bdi dir=\"ltr\">~" : "", s->to);
    sheet_number(s, n);
    fputs(about ? "</bdi>" : "", s->to);
}

void sheet_time(const struct sheet *s, time_t time)
{
    char utc[REPORT_TIME_SIZE], local[REPORT_TIME_SIZE];
    char *blank = strchr(review_local_time(time, local), ' ');
    if (blank)
        *blank = '\0';
    html(s->to, "<time datetime=\"%s\" dir=\"ltr\"><span>%s</span> <span>%s</span></time>", report_time(time, utc), local,
         blank ? blank + 1 : "");
}

void sheet_span(const struct sheet *s, time_t first, time_t last)
{
    sheet_time(s, first);
    if (first == last)
        return;
    fputs(EN_DASH, s->to);
    sheet_time(s, last);
}

void sheet_begin(const struct sheet *s, const char *id, const char *title)
{
    html(s->to, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n", id, id, id, title);
}

void sheet_end(const struct sheet *s)
{
    fputs("</section>\n", s->to);
}

/* ---- What the page has, in its order -------------------------------------------------------------------------------------- */

struct part {
    const char *id;
    enum word title;
    void (*chart)(const struct sheet *s); /* NULL: a section of the report */
    enum report_question which; /* it, or that before which the chart stands */
};

static const struct part parts[] = {
    {"over-time", WORD_OVER_TIME, sheet_over_time, REPORT_REASONS},
    {"by-weekday", WORD_BY_WEEKDAY, sheet_by_weekday, REPORT_REASONS},
    {"auth-by-network", WORD_AUTH_BY_NETWORK, sheet_networks, REPORT_GUESSERS},
};
#define PARTS (sizeof parts / sizeof *parts)

static bool has_chart(const struct sheet *s, const struct part *part)
{
    const struct tally *t = s->report->tally;
    return part->chart == sheet_networks ? g_hash_table_size(t->counts[TALLY_NETWORKS].table) > 0 : s->chart->count > 0;
}

/* Call back for each chart and question that has something to say. */
static void each_part(const struct sheet *s, const struct cli_options *o,
                      void (*take)(const struct sheet *s, const struct part *part))
{
    for (int i = o->by ? REPORT_GROUPS : REPORT_REASONS; i < (o->by ? REPORT_REASONS : REPORT_QUESTIONS); i++) {
        const struct report_section *section = &s->report->sections[i];
        for (size_t k = 0; k < PARTS; k++)
            if ((int)parts[k].which == i && has_chart(s, &parts[k]))
                take(s, &parts[k]);
        if (section->count)
            take(s, &(struct part){section->key, section->title, NULL, (enum report_question)i});
    }
}

static void show_link(const struct sheet *s, const struct part *part)
{
    html(s->to, "<li><a href=\"#%s\">%s</a></li>\n", part->id, sheet_word(s, part->title));
}

static void show_part(const struct sheet *s, const struct part *part)
{
    sheet_begin(s, part->id, sheet_word(s, part->title));
    if (part->chart)
        part->chart(s);
    else
        sheet_section(s, &s->report->sections[part->which]);
    sheet_end(s);
}

/* ---- The page ------------------------------------------------------------------------------------------------------------- */

static const char *zone(time_t time, char out[static ZONE_SIZE])
{
    char offset[8] = "";
    struct tm tm;
    if (localtime_r(&time, &tm))
        strftime(offset, sizeof offset, "%z", &tm);
    snprintf(out, ZONE_SIZE, "UTC%.3s:%.2s", offset, strlen(offset) > 3 ? offset + 3 : "");
    return out;
}

/* 0 or -1. */
static int show_head(const struct sheet *s)
{
    const struct report *r = s->report;
    char first[REPORT_TIME_SIZE] = "", last[REPORT_TIME_SIZE] = "";
    html(s->to, "<!DOCTYPE html>\n<html lang=\"%s\" dir=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n", r->words.language,
         s->rtl ? "rtl" : "ltr");
    if (html_policy(s->to, review_css, review_js) == -1)
        return -1;
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
          s->to);
    html(s->to, "<title>%s", sheet_word(s, WORD_REVIEW));
    if (r->tally->first) {
        review_local_time(r->tally->first, first);
        review_local_time(r->tally->last, last);
        html(s->to, ": %s%s%s", first, strcmp(first, last) == 0 ? "" : EN_DASH, strcmp(first, last) == 0 ? "" : last);
    }
    fputs("</title>\n", s->to);
    html_style(s->to, review_css);
    fputs("</head>\n", s->to);
    return 0;
}

static bool is_note(enum word label)
{
    return label == WORD_UNREAD_LINES || label == WORD_UNREAD_FILES || label == WORD_BOUND;
}

/* The sessions, and under them how many there were before. */
static void show_before(const struct sheet *s, const struct review_number *before)
{
    char change[REPORT_TIME_SIZE];
    html(s->to, "<dd class=\"note\">%s: ", sheet_word(s, WORD_SESSIONS_BEFORE));
    sheet_about(s, before->value, before->about);
    html(s->to, " (<bdi dir=\"ltr\">%s</bdi>)</dd>", review_change(s->report, change));
}

static void show_numbers(const struct sheet *s)
{
    struct review_number numbers[REVIEW_NUMBERS];
    bool notes = false;
    review_numbers(s->report, numbers);
    fputs("<dl class=\"figures\">\n", s->to);
    for (size_t i = 0; i < REVIEW_NUMBERS; i++) {
        const struct review_number *n = &numbers[i];
        notes |= n->shown && is_note(n->label);
        if (!n->shown || is_note(n->label) || n->label == WORD_SESSIONS_BEFORE)
            continue;
        html(s->to, "<div><dt>%s</dt><dd class=\"number%s\">", sheet_word(s, n->label), n->label == WORD_REFUSALS ? " main" : "");
        sheet_about(s, n->value, n->about);
        fputs("</dd>", s->to);
        if (n->label == WORD_SESSIONS && numbers[i + 1].shown)
            show_before(s, &numbers[i + 1]);
        fputs("</div>\n", s->to);
    }
    fputs(notes ? "</dl>\n<ul class=\"notes\">\n" : "</dl>\n", s->to);
    for (size_t i = 0; notes && i < REVIEW_NUMBERS; i++) {
        if (!numbers[i].shown || !is_note(numbers[i].label))
            continue;
        html(s->to, "<li>%s: ", sheet_word(s, numbers[i].label));
        sheet_about(s, numbers[i].value, numbers[i].about);
        fputs("</li>\n", s->to);
    }
    fputs(notes ? "</ul>\n" : "", s->to);
}

static void show_header(const struct sheet *s)
{
    const struct tally *t = s->report->tally;
    char text[ZONE_SIZE];
    html(s->to, "<header>\n<h1>%s</h1>\n", sheet_word(s, WORD_REVIEW));
    if (t->first) {
        fputs("<p class=\"span\">", s->to);
        sheet_span(s, t->first, t->last);
        html(s->to, " \xc2\xb7 %s (<bdi dir=\"ltr\">%s</bdi>)</p>\n", sheet_word(s, WORD_LOCAL_TIME), zone(t->last, text));
    }
    show_numbers(s);
    fputs("</header>\n", s->to);
}

static void show_nav(const struct sheet *s, const struct cli_options *o)
{
    html(s->to, "<nav aria-label=\"%s\">\n<ol>\n", sheet_word(s, WORD_CONTENTS));
    each_part(s, o, show_link);
    html(s->to,
         "</ol>\n<div class=\"filter\" hidden><label for=\"filter\">%s</label>"
         "<input type=\"search\" id=\"filter\" dir=\"auto\" autocomplete=\"off\" autocapitalize=\"off\" spellcheck=\"false\">"
         "<output id=\"shown\" for=\"filter\" data-label=\"%s\"></output></div>\n</nav>\n",
         sheet_word(s, WORD_FILTER), sheet_word(s, WORD_ROWS_SHOWN));
}

static void show_footer(const struct sheet *s)
{
    char text[ZONE_SIZE];
    html(s->to, "<footer>\n<p>%s ", sheet_word(s, WORD_MADE));
    sheet_time(s, s->report->now);
    html(s->to, " (<bdi dir=\"ltr\">%s</bdi>)</p>\n</footer>\n", zone(s->report->now, text));
}

static int show_page(const struct sheet *s, const struct cli_options *o)
{
    const struct tally *t = s->report->tally;
    if (show_head(s) == -1)
        return EX_OSERR;
    fputs("<body>\n", s->to);
    show_header(s);
    fputs("<div class=\"columns\">\n", s->to);
    if (tally_any(t))
        show_nav(s, o);
    fputs("<main>\n", s->to);
    if (!tally_any(t) && !s->report->lost.files)
        html(s->to, "<p class=\"none\">%s</p>\n", sheet_word(s, WORD_NOTHING));
    each_part(s, o, show_part);
    fputs("</main>\n</div>\n", s->to);
    show_footer(s);
    html_script(s->to, review_js);
    fputs("</body>\n</html>\n", s->to);
    return EX_OK;
}

int review_html(const struct report *r, const struct cli_options *o)
{
    struct chart chart = {0};
    const struct sheet sheet = {
        .to = stdout, .report = r, .chart = &chart, .rtl = strcmp(html_direction(r->words.language), "rtl") == 0};
    if (r->tally->refused && chart_make(&chart, &r->tally->counts[TALLY_REASONS], r->tally->first, r->tally->last) == -1)
        return EX_OSERR;
    int status = show_page(&sheet, o);
    chart_free(&chart);
    return status;
}
