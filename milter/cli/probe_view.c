#include "probe_view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mailwhy/expand.h>

static const char *word(const struct probe *p, enum word which)
{
    return catalog_word(p->catalog.catalog, which, p->catalog.language);
}

/* Append a word with its %x filled in. */
static void add_word(const struct probe *p, struct buffer *out, enum word which, const char *x)
{
    const struct expand_value value = expand_ours("x", x);
    expand(out, word(p, which), &value, 1);
}

/* The page with room for the labels. */
static struct page with_labels(const struct probe *p, const struct page *page)
{
    static const enum word labels[] = {WORD_SENT,      WORD_REPLY,       WORD_EXPLAINED,  WORD_REFERENCE,   WORD_EVENT,
                                       WORD_CATALOGUE, WORD_DESCRIPTION, WORD_HOW_TO_FIX, WORD_CERTIFICATE, WORD_MTA};
    struct page wide = *page;
    wide.label_columns = 0;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        page_fit_label(&wide, word(p, labels[i]));
    return wide;
}

/* Print "Label:   text" and empty the text. */
static void field(const struct probe *p, const struct page *page, enum word label, enum page_look look, struct buffer *text)
{
    page_field(page, word(p, label), look, true, buffer_string(text), text->len);
    buffer_clear(text);
}

static int done(struct buffer *text)
{
    int result = buffer_ok(text) ? 0 : -1;
    buffer_free(text);
    fflush(stdout);
    return result;
}

int probe_view_plan(const struct probe *p, const struct page *page)
{
    struct buffer text = {0}, target = {0};
    buffer_printf(&target, strchr(p->target.host, ':') ? "[%s]:%ld" : "%s:%ld", p->target.host, p->target.port);
    add_word(p, &text, WORD_PROBE, buffer_string(&target));
    page_heading(page, LOOK_STRONG, buffer_string(&text));
    buffer_clear(&text);
    buffer_clear(&target);
    buffer_printf(&target, "%ld", p->options->auth_failures);
    add_word(p, &text, WORD_PROBE_PLAN, buffer_string(&target));
    page_paragraph(page, LOOK_PLAIN, buffer_string(&text));
    for (size_t i = 0; i < p->count; i++) {
        char mark[24];
        snprintf(mark, sizeof mark, "%zu.", i + 1);
        page_item(page, mark, word(p, p->results[i].step->title));
    }
    text.failed = text.failed || !buffer_ok(&target);
    buffer_free(&target);
    return done(&text);
}

int probe_view_connection(const struct probe *p, const struct page *page)
{
    const struct page wide = with_labels(p, page);
    struct buffer text = {0};
    char day[32] = "?";
    struct tm tm;
    fputc('\n', page->to);
    buffer_printf(&text, "%s %s %ld", p->address, word(p, WORD_PORT), p->target.port);
    field(p, &wide, WORD_MTA, LOOK_PLAIN, &text);
    if (!p->tls.version) {
        buffer_add_string(&text, word(p, WORD_NOT_ENCRYPTED));
        field(p, &wide, WORD_TLS, LOOK_PLAIN, &text);
        return done(&text);
    }
    buffer_printf(&text, "%s, %s", p->tls.version, p->tls.cipher);
    field(p, &wide, WORD_TLS, LOOK_PLAIN, &text);
    if (gmtime_r(&p->tls.until, &tm))
        strftime(day, sizeof day, "%Y-%m-%d", &tm);
    add_word(p, &text, p->tls.fault ? WORD_NOT_GOOD : WORD_GOOD_UNTIL, p->tls.fault ? p->tls.fault : day);
    field(p, &wide, WORD_CERTIFICATE, p->tls.fault ? LOOK_BAD : LOOK_PLAIN, &text);
    return done(&text);
}

static void add_explained(const struct probe *p, const struct probe_result *r, struct buffer *text)
{
    static const enum word labels[PROBE_LABELS] = {WORD_REASON, WORD_FIX, WORD_REF};
    const char *before = " (";
    if (r->left_out) {
        buffer_add_string(text, word(p, WORD_BY_CONFIGURATION));
        return;
    }
    buffer_add_string(text, word(p, probe_is_explained(r) ? WORD_YES : WORD_NO));
    for (size_t i = 0; i < PROBE_LABELS; i++) {
        if (!r->has[i])
            continue;
        buffer_printf(text, "%s%s", before, word(p, labels[i]));
        before = ", ";
    }
    buffer_add_string(text, probe_is_explained(r) ? ")" : "");
}

static void view_event(const struct probe *p, const struct page *page, const struct probe_result *r, struct buffer *text)
{
    static const enum word words[] = {
        [PROBE_EVENT_UNKNOWN] = WORD_NOT_LOOKED_FOR, [PROBE_EVENT_FOUND] = WORD_IN_LOG, [PROBE_EVENT_MISSING] = WORD_NOT_IN_LOG};
    const char *const parts[] = {r->logged.reason, stage_name(r->logged.stage), r->logged.via};
    const char *before = " (";
    buffer_add_string(text, word(p, words[r->event]));
    for (size_t i = 0; r->event == PROBE_EVENT_FOUND && i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i] || !*parts[i])
            continue;
        buffer_printf(text, "%s%s", before, parts[i]);
        before = ", ";
    }
    buffer_add_string(text, *before == ',' ? ")" : "");
    field(p, page, WORD_EVENT, r->event == PROBE_EVENT_MISSING ? LOOK_BAD : LOOK_PLAIN, text);
}

/* What the catalogue says of a reply that was not explained. */
static void view_answer(const struct probe *p, const struct page *page, const struct probe_result *r, struct buffer *text)
{
    const struct answer *a = &r->answer;
    if (!a->text) {
        page_words(page, word(p, WORD_CATALOGUE), LOOK_PLAIN, word(p, WORD_RULE_NOTHING));
        return;
    }
    buffer_add_string(text, a->text->name);
    if (a->match.reason)
        buffer_printf(text, " (%s)", a->match.reason->id);
    field(p, page, WORD_CATALOGUE, LOOK_PLAIN, text);
    page_words(page, word(p, WORD_DESCRIPTION), LOOK_PLAIN, buffer_string(&a->reason));
    page_words(page, word(p, WORD_HOW_TO_FIX), LOOK_PLAIN, buffer_string(&a->fix));
}

static void view_refusal(const struct probe *p, const struct page *page, const struct probe_result *r, struct buffer *text)
{
    bool explained = probe_is_explained(r);
    add_explained(p, r, text);
    field(p, page, WORD_EXPLAINED, explained ? LOOK_GOOD : r->left_out ? LOOK_PLAIN : LOOK_BAD, text);
    if (*r->ref) {
        buffer_add_string(text, r->ref);
        field(p, page, WORD_REFERENCE, LOOK_STRONG, text);
        view_event(p, page, r, text);
    } else if (explained) {
        page_field(page, word(p, WORD_REFERENCE), LOOK_BAD, false, word(p, WORD_NO), strlen(word(p, WORD_NO)));
    }
    if (!explained)
        view_answer(p, page, r, text);
}

int probe_view_result(const struct probe *p, const struct page *page, const struct probe_result *r)
{
    const struct page wide = with_labels(p, page);
    struct buffer text = {0};
    buffer_printf(&text, "%zu. %s", (size_t)(r - p->results) + 1, word(p, r->step->title));
    page_title(page, buffer_string(&text));
    buffer_clear(&text);
    for (size_t i = 0; i < PROBE_LINES && r->sent[i]; i++)
        buffer_printf(&text, "%s%s", i ? "\n" : "", r->sent[i]);
    if (text.len && probe_is_sign_in(r->step))
        buffer_printf(&text, " %s", word(p, WORD_MADE_UP));
    field(p, &wide, WORD_SENT, LOOK_PLAIN, &text);
    if (r->reply.line_count)
        page_field(&wide, word(p, WORD_REPLY), page_look_of(r->reply.code), true, buffer_string(&r->text), r->text.len);
    if (r->outcome == PROBE_REFUSED) {
        view_refusal(p, &wide, r, &text);
    } else if (r->outcome == PROBE_NOT_REFUSED) {
        page_paragraph(page, r->step->may_succeed ? LOOK_PLAIN : LOOK_BAD, word(p, WORD_NOT_REFUSED));
    } else {
        buffer_add_string(&text, word(p, WORD_NOT_TRIED));
        if (r->why != WORD_NOT_TRIED)
            buffer_printf(&text, ": %s", word(p, r->why));
        page_paragraph(page, LOOK_PLAIN, buffer_string(&text));
    }
    return done(&text);
}

int probe_view_end(const struct probe *p, const struct page *page)
{
    const struct probe_counts n = probe_count(p);
    const struct {
        enum word label;
        size_t count;
        bool shown;
    } rows[] = {{WORD_REFUSALS, n.refused, true}, {WORD_EXPLAINED, n.explained, true}, {WORD_IN_LOG, n.found, p->log != NULL}};
    struct page wide = *page;
    struct buffer text = {0};
    wide.label_columns = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        page_fit_label(&wide, word(p, rows[i].label));
    fputc('\n', page->to);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].shown)
            buffer_printf(&text, "%zu", rows[i].count);
        field(p, &wide, rows[i].label, LOOK_PLAIN, &text);
    }
    page_heading(page, n.good ? LOOK_GOOD : LOOK_BAD, word(p, n.good ? WORD_ALL_EXPLAINED : WORD_NOT_ALL_EXPLAINED));
    return done(&text);
}
