#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "page.h"
#include "review_view.h"

struct view {
    const struct page *page;
    const struct report *report;
    struct buffer out; /* one line, paragraph or cell at a time */
};

static const char *word(const struct view *v, enum word which)
{
    return catalog_word(v->report->words.catalog, which, v->report->words.language);
}

static void add_time(struct buffer *out, time_t time)
{
    char text[REPORT_TIME_SIZE];
    buffer_add_string(out, review_local_time(time, text));
}

static void add_number(struct buffer *out, unsigned long n)
{
    char digits[REVIEW_DIGITS_SIZE];
    buffer_add_string(out, review_digits(n, digits));
}

static void add_others(struct buffer *out, const struct report_row *row)
{
    buffer_add_string(out, row->about ? "~" : "");
    add_number(out, row->others);
}

static void add_span(struct buffer *out, time_t first, time_t last)
{
    add_time(out, first);
    if (first == last)
        return;
    buffer_add_string(out, " \xe2\x80\x93 ");
    add_time(out, last);
}

/* Eight heights. */
static void add_trend(struct buffer *out, const struct report_row *row)
{
    unsigned long most = 0;
    for (int i = 0; i < REPORT_TREND; i++)
        most = row->trend[i] > most ? row->trend[i] : most;
    for (int i = 0; i < REPORT_TREND; i++)
        buffer_printf(out, "\xe2\x96%c", (char)(0x81 + (most ? row->trend[i] * 7 / most : 0)));
}

static void view_field(struct view *v, enum word label)
{
    page_field(v->page, word(v, label), LOOK_PLAIN, false, buffer_string(&v->out), v->out.len);
    buffer_clear(&v->out);
}

static void view_numbers(struct view *v)
{
    struct review_number numbers[REVIEW_NUMBERS];
    char change[REPORT_TIME_SIZE];
    review_numbers(v->report, numbers);
    for (size_t i = 0; i < REVIEW_NUMBERS; i++) {
        if (!numbers[i].shown)
            continue;
        buffer_add_string(&v->out, numbers[i].about ? "~" : "");
        add_number(&v->out, numbers[i].value);
        if (numbers[i].label == WORD_SESSIONS_BEFORE)
            buffer_printf(&v->out, " (%s)", review_change(v->report, change));
        view_field(v, numbers[i].label);
    }
}

static void view_head(struct view *v)
{
    const struct tally *t = v->report->tally;
    page_heading(v->page, LOOK_STRONG, word(v, WORD_REVIEW));
    if (t->first) {
        add_span(&v->out, t->first, t->last);
        view_field(v, WORD_SPAN);
    }
    view_numbers(v);
}

static void flush(struct view *v)
{
    page_paragraph(v->page, LOOK_PLAIN, buffer_string(&v->out));
    buffer_clear(&v->out);
}

/* One reason: how often, how it went, from whom and when; what to do, and who can. */
static void view_reason(struct view *v, const struct report_section *s, const struct report_row *row)
{
    add_number(&v->out, row->count);
    buffer_add_string(&v->out, "  ");
    add_trend(&v->out, row);
    buffer_printf(&v->out, "  %s", row->text ? row->text->name : row->reason ? row->name : word(v, WORD_NOT_KNOWN));
    page_heading(v->page, LOOK_STRONG, buffer_string(&v->out));
    buffer_clear(&v->out);
    if (row->reason)
        buffer_printf(&v->out, "%s, ", row->name);
    else if (strcmp(row->name, TALLY_UNKNOWN) != 0)
        buffer_printf(&v->out, "%s, ", row->name);
    buffer_printf(&v->out, "%s: ", word(v, s->other));
    add_others(&v->out, row);
    buffer_add_string(&v->out, ", ");
    add_span(&v->out, row->first, row->last);
    flush(v);
    if (!row->reason || !row->fix)
        return;
    buffer_printf(&v->out, "%s: %s", word(v, (enum word)(WORD_SENDER + (int)row->reason->who)), row->fix);
    flush(v);
}

static void view_brief(struct view *v, const struct report_row *row)
{
    add_number(&v->out, row->count);
    buffer_printf(&v->out, " %s (%s)", row->text->name, row->name);
    flush(v);
}

static void add_cell(struct buffer *cells, const struct buffer *text)
{
    buffer_add(cells, buffer_string(text), text->len + 1);
}

static void add_head(const struct view *v, struct buffer *cells, enum word which)
{
    const char *head = word(v, which);
    buffer_add(cells, head, strlen(head) + 1);
}

/* The cells of a table, each with its NUL. */
static void add_cells(struct view *v, struct buffer *cells, const struct report_section *s)
{
    bool has_others = s->other != WORD_COUNT;
    add_head(v, cells, WORD_NUMBER);
    add_head(v, cells, WORD_LAST);
    if (has_others)
        add_head(v, cells, s->other);
    add_head(v, cells, s->name);
    for (size_t i = 0; i < s->count; i++) {
        const struct report_row *row = &s->rows[i];
        add_number(&v->out, row->count);
        add_cell(cells, &v->out);
        buffer_clear(&v->out);
        add_time(&v->out, row->last);
        add_cell(cells, &v->out);
        buffer_clear(&v->out);
        if (has_others) {
            add_others(&v->out, row);
            add_cell(cells, &v->out);
            buffer_clear(&v->out);
        }
        buffer_add(cells, row->name, strlen(row->name) + 1);
    }
}

static void view_table(struct view *v, const struct report_section *s)
{
    struct buffer cells = {0};
    size_t columns = s->other != WORD_COUNT ? 4 : 3, count = (s->count + 1) * columns;
    add_cells(v, &cells, s);
    const char **cell = buffer_ok(&cells) ? g_new(const char *, count) : NULL, *at = cells.data;
    for (size_t i = 0; cell && i < count; i++, at += strlen(at) + 1)
        cell[i] = at;
    if (cell)
        page_table(v->page, cell, s->count + 1, columns);
    else
        v->out.failed = true;
    g_free(cell);
    buffer_free(&cells);
}

static void view_section(struct view *v, enum report_question which)
{
    const struct report_section *s = &v->report->sections[which];
    if (s->count == 0)
        return;
    page_title(v->page, word(v, s->title));
    if (which == REPORT_REASONS || which == REPORT_THEIRS || which == REPORT_LOCAL)
        for (size_t i = 0; i < s->count; i++)
            view_reason(v, s, &s->rows[i]);
    else if (which == REPORT_OURS || which == REPORT_OURS_THERE)
        for (size_t i = 0; i < s->count; i++)
            view_brief(v, &s->rows[i]);
    else
        view_table(v, s);
    if (s->more) {
        buffer_printf(&v->out, "%s: ", word(v, WORD_LEFT_OUT));
        add_number(&v->out, s->more);
        flush(v);
    }
}

int review_text(const struct report *r, const struct cli_options *o)
{
    struct page page = page_on_stdout(o->color);
    struct view v = {.page = &page, .report = r};
    struct review_number numbers[REVIEW_NUMBERS];
    page_fit_label(&page, word(&v, WORD_SPAN));
    review_numbers(r, numbers);
    for (size_t i = 0; i < REVIEW_NUMBERS; i++)
        if (numbers[i].shown)
            page_fit_label(&page, word(&v, numbers[i].label));
    view_head(&v);
    if (!tally_any(r->tally) && !r->lost.files)
        page_paragraph(&page, LOOK_PLAIN, word(&v, WORD_NOTHING));
    for (int i = o->by ? REPORT_GROUPS : REPORT_REASONS; i < (o->by ? REPORT_REASONS : REPORT_QUESTIONS); i++)
        view_section(&v, (enum report_question)i);
    int result = buffer_ok(&v.out) ? EX_OK : EX_OSERR;
    buffer_free(&v.out);
    return result;
}
