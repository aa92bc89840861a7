#include "watch_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mailwhy/columns.h>
#include <mailwhy/explain.h>

#include "page.h"

#define CODE_COLUMNS 3
#define REASON_COLUMNS 26
#define WHO_MIN 16
#define GAP 2
#define LABEL_INDENT "  "

static void add(struct buffer *out, const char *label, const char *value)
{
    if (!value || !*value)
        return;
    buffer_printf(out, "%s%s", out->len ? " " : "", label);
    buffer_add_string(out, value);
}

/* "192.0.2.7 user=anna from=anna@example.com to=joe@example.net". */
static void add_who(struct buffer *out, const struct event *e, enum maillog_kind kind)
{
    add(out, "", kind == MAILLOG_DELIVERY ? "delivery" : kind == MAILLOG_LOCAL ? "delivery here" : NULL);
    add(out, "", e->client_addr && *e->client_addr ? e->client_addr : e->client_name);
    add(out, "user=", e->sasl_user);
    add(out, "from=", e->sender);
    add(out, "to=", e->recipient);
}

static void put_gap(const struct page *p)
{
    fprintf(p->to, "%*s", GAP, "");
}

/* The id of the reason; where there is none, the stage. */
static void add_what(struct buffer *out, const struct event *e, const char *reason)
{
    const char *stage = stage_name(e->stage);
    if (*reason)
        buffer_add_string(out, reason);
    else if (stage && *stage)
        buffer_printf(out, "(%s)", stage);
    else
        buffer_add_string(out, "-");
}

/* The time of day under its day on a terminal; elsewhere each line has both, for it may be the only one that somebody greps. The columns that it takes. */
static size_t put_time(struct watch_view *v, const struct page *p, const struct event *e)
{
    char day[16] = "", hour[16] = "", both[40];
    struct tm tm;
    if (localtime_r(&e->time.tv_sec, &tm)) {
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
        strftime(hour, sizeof hour, "%H:%M:%S", &tm);
    }
    if (!p->fits) {
        snprintf(both, sizeof both, "%s %s", day, hour);
        return page_cut(p, LOOK_LABEL, both, 0);
    }
    if (strcmp(day, v->day) != 0) {
        page_cut(p, LOOK_STRONG, day, 0);
        fputc('\n', p->to);
        memcpy(v->day, day, sizeof day);
    }
    return page_cut(p, LOOK_LABEL, hour, 0);
}

static void put_line(struct watch_view *v, const struct page *p, const struct event *e, const char *what, const char *who)
{
    char code[12] = "-";
    if (e->code)
        snprintf(code, sizeof code, "%d", e->code);
    size_t used = put_time(v, p, e) + GAP + CODE_COLUMNS + GAP;
    size_t room = p->columns > used + GAP ? p->columns - used - GAP : 0;
    size_t columns =
        p->fits && room < REASON_COLUMNS + WHO_MIN ? (room > 2 * WHO_MIN ? room - WHO_MIN : room / 2) : REASON_COLUMNS;
    put_gap(p);
    page_cell(p, e->code ? page_look_of(e->code) : LOOK_PLAIN, code, CODE_COLUMNS);
    put_gap(p);
    page_cell(p, LOOK_STRONG, what, columns);
    put_gap(p);
    page_cut(p, LOOK_PLAIN, who, p->fits ? (room > columns ? room - columns : 1) : 0);
    fputc('\n', p->to);
}

static void put_words(const struct page *p, enum word label, const char *text, const struct explain_words *words,
                      const struct said *said, const char *client_addr)
{
    struct buffer title = {0}, filled = {0};
    struct page under = *p;
    if (!text || !*text)
        return;
    buffer_printf(&title, LABEL_INDENT "%s", catalog_word(words->catalog, label, words->language));
    explain_fill(&filled, text, words, &said->match, client_addr);
    under.label_columns = 0;
    page_fit_label(&under, buffer_string(&title));
    page_words(&under, buffer_string(&title), LOOK_PLAIN, buffer_string(&filled));
    buffer_free(&title);
    buffer_free(&filled);
}

static void put_explanation(const struct page *p, const struct event *e, const struct said *said,
                            const struct cli_catalog *catalog)
{
    const struct explain_words words = {catalog->catalog, catalog->language};
    if (e->code < 400)
        return;
    if (said->text) {
        put_words(p, WORD_REASON, said->text->reason, &words, said, e->client_addr);
        put_words(p, WORD_FIX, said->text->fix, &words, said, e->client_addr);
    }
    put_words(p, WORD_REF, e->ref, &words, said, NULL);
}

int watch_view(struct watch_view *v, const struct event *e, const struct said *said, enum maillog_kind kind,
               const struct cli_options *o, const struct cli_catalog *catalog)
{
    struct buffer who = {0}, what = {0};
    const struct page page = page_on_stdout(o->color); /* a terminal may have another size now */
    add_who(&who, e, kind);
    add_what(&what, e, said_reason(said, e));
    bool ok = buffer_ok(&who) && buffer_ok(&what);
    if (ok)
        put_line(v, &page, e, buffer_string(&what), buffer_string(&who));
    if (ok && o->explain)
        put_explanation(&page, e, said, catalog);
    buffer_free(&what);
    buffer_free(&who);
    if (!ok)
        errno = ENOMEM;
    return ok ? 0 : -1;
}
