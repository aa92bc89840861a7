#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mailwhy/expand.h>
#include <mailwhy/json.h>

#include "print.h"

/* Who must act, as the most specific entry says it. */
static enum catalog_who who_of(const struct catalog_match *m)
{
    if (m->reason)
        return m->reason->who;
    return m->code && !catalog_is_specific(m) ? m->code->who : m->enhanced ? m->enhanced->who : WHO_SENDER;
}

/* Read what was asked about. "X.7.8", as the registry writes enhanced codes, is asked about as 5.7.8. */
static int read_asked(struct answer *a, const struct asked_reply *asked)
{
    struct enhanced e;
    const char *text = asked->text;
    if (asked->len < sizeof a->code && (*text == 'X' || *text == 'x')) {
        memcpy(a->code, text, asked->len + 1);
        *a->code = '5';
        if (enhanced_parse(&e, a->code, asked->len) == asked->len)
            text = a->code;
    }
    return reply_parse_bare(&a->reply, text, asked->len) == -1 && errno == ENOMEM ? -1 : 0;
}

static void match(struct answer *a)
{
    const struct catalog *c = a->words.catalog;
    catalog_match(c, &a->reply, &a->match);
    challenge_find(&a->challenge, &a->reply);
    if (a->reply.code == 0 && a->challenge.step != CHALLENGE_NONE) { /* a challenge alone is what stands behind 334 */
        a->reply.code = 334;
        catalog_match(c, &a->reply, &a->match);
    }
}

int answer_make(struct answer *a, const struct cli_catalog *catalog, const struct asked_reply *asked,
                const struct catalog_reason *reason)
{
    *a = (struct answer){.words = {catalog->catalog, catalog->language}, .asked = asked};
    if (asked && read_asked(a, asked) == -1)
        return -1;
    if (a->reply.line_count)
        match(a);
    if (reason)
        a->match.reason = reason;
    a->text = catalog_match_text(catalog->catalog, &a->match, catalog->language);
    a->who = who_of(&a->match);
    bool codes_alone = a->reply.line_count && a->reply.text_len == 0;
    a->specific = a->text && (catalog_is_specific(&a->match) || codes_alone || a->challenge.step != CHALLENGE_NONE);
    if (a->text) {
        explain_fill(&a->reason, a->text->reason, &a->words, &a->match, asked ? asked->client : NULL);
        explain_fill(&a->fix, a->text->fix, &a->words, &a->match, asked ? asked->client : NULL);
    }
    if (buffer_ok(&a->reason) && buffer_ok(&a->fix))
        return 0;
    answer_free(a);
    errno = ENOMEM;
    return -1;
}

void answer_free(struct answer *a)
{
    reply_free(&a->reply);
    buffer_free(&a->reason);
    buffer_free(&a->fix);
}

/* The rule by which the answer was chosen, and its name for programs. */
static const struct {
    enum word word;
    const char *name;
} rules[] = {
    [RANK_NONE] = {WORD_RULE_NOTHING, "nothing"},
    [RANK_CODE] = {WORD_RULE_REASON_CODE, "reason-by-code"},
    [RANK_ENHANCED] = {WORD_RULE_REASON_ENHANCED, "reason-by-enhanced"},
    [RANK_PATTERN] = {WORD_RULE_PATTERN, "pattern"},
    [RANK_PATTERN_CODE] = {WORD_RULE_PATTERN_CODE, "pattern-and-code"},
    [RANK_PATTERN_BOTH] = {WORD_RULE_PATTERN_BOTH, "pattern-and-both-codes"},
};

static enum word rule_of(const struct answer *a, const char **name)
{
    const struct catalog_match *m = &a->match;
    if (m->rank != RANK_NONE) {
        *name = rules[m->rank].name;
        return rules[m->rank].word;
    }
    bool enhanced = m->enhanced && (!m->enhanced->vague || !m->code);
    *name = enhanced ? "enhanced" : m->code ? "code" : "nothing";
    return enhanced ? WORD_RULE_ENHANCED : m->code ? WORD_RULE_CODE : WORD_RULE_NOTHING;
}

static const char *word(const struct answer *a, enum word which)
{
    return catalog_word(a->words.catalog, which, a->words.language);
}

/* The page of an answer: its scratch holds one value at a time. */
struct view {
    const struct answer *a;
    struct page page;
    struct buffer scratch;
};

static void field(struct view *v, enum word label, enum page_look look)
{
    page_field(&v->page, word(v->a, label), look, true, buffer_string(&v->scratch), v->scratch.len);
    buffer_clear(&v->scratch);
}

/* The same for words of ours, which are wrapped. */
static void words(struct view *v, enum word label, enum page_look look)
{
    page_words(&v->page, word(v->a, label), look, buffer_string(&v->scratch));
    buffer_clear(&v->scratch);
}

static void view_codes(struct view *v)
{
    const struct answer *a = v->a;
    const struct catalog_match *m = &a->match;
    char enhanced[ENHANCED_SIZE];
    if (a->reply.code) {
        const struct catalog_text *text = catalog_code_text(a->words.catalog, a->reply.code, a->words.language);
        buffer_printf(&v->scratch, "%d", a->reply.code);
        if (text)
            buffer_printf(&v->scratch, " %s", text->name);
        buffer_printf(&v->scratch, " (%s)", word(a, (enum word)(WORD_CLASS_2 + a->reply.code / 100 - 2)));
        words(v, WORD_CODE, page_look_of(a->reply.code));
    }
    if (a->reply.enhanced.class) {
        buffer_add_string(&v->scratch, enhanced_format(&a->reply.enhanced, enhanced));
        if (m->enhanced)
            buffer_printf(&v->scratch, " %s", catalog_enhanced_text(a->words.catalog, m->enhanced, a->words.language)->name);
        words(v, WORD_ENHANCED, LOOK_PLAIN);
    }
    if (m->reason) {
        buffer_add_string(&v->scratch, m->reason->id);
        field(v, WORD_ID, LOOK_PLAIN);
    }
}

static void section(struct view *v, enum word title, const char *text)
{
    page_title(&v->page, word(v->a, title));
    page_paragraph(&v->page, LOOK_PLAIN, text);
}

/* What stands in the reply instead of a reason: "UGFzc3dvcmQ6" is "Password:". */
static void view_challenge(struct view *v)
{
    const struct answer *a = v->a;
    if (!*a->challenge.text || a->reply.text_len == 0)
        return;
    const char *end = a->reply.text + a->reply.text_len, *start = end;
    while (start > a->reply.text && start[-1] != ' ')
        start--;
    const struct expand_value values[] = {expand_foreign("a", start, (size_t)(end - start)),
                                          expand_foreign("x", a->challenge.text, strlen(a->challenge.text))};
    expand(&v->scratch, word(a, WORD_CHALLENGE), values, sizeof values / sizeof *values);
    page_paragraph(&v->page, LOOK_PLAIN, buffer_string(&v->scratch));
    buffer_clear(&v->scratch);
}

static void view_text(struct view *v)
{
    const struct answer *a = v->a;
    section(v, WORD_DESCRIPTION, buffer_string(&a->reason));
    view_challenge(v);
    section(v, WORD_WHEN, a->text->when);
    section(v, WORD_HOW_TO_FIX, buffer_string(&a->fix));
    section(v, WORD_WHO_ACTS, word(a, (enum word)(WORD_SENDER + (int)a->who)));
    if (a->match.reason && a->match.reason->wrong_port)
        page_paragraph(&v->page, LOOK_PLAIN, word(a, WORD_WRONG_PORT));
}

static void view_why(struct view *v)
{
    const struct answer *a = v->a;
    const struct catalog_match *m = &a->match;
    const char *name;
    page_title(&v->page, word(a, WORD_WHY));
    buffer_add_string(&v->scratch, word(a, rule_of(a, &name)));
    words(v, WORD_RULE, LOOK_PLAIN);
    if (!m->pattern)
        return;
    buffer_add_string(&v->scratch, m->pattern);
    field(v, WORD_PATTERN, LOOK_PLAIN);
    buffer_add(&v->scratch, a->reply.text + m->start, m->end - m->start);
    field(v, WORD_MATCHED, LOOK_STRONG);
    for (size_t i = 0; i < m->fact_count; i++) {
        buffer_printf(&v->scratch, "%%%s = ", m->facts[i].name);
        buffer_add(&v->scratch, m->facts[i].value, m->facts[i].len);
        page_field(&v->page, "", LOOK_PLAIN, false, buffer_string(&v->scratch), v->scratch.len);
        buffer_clear(&v->scratch);
    }
}

int answer_print(const struct answer *a, const struct page *p, bool with_reply, bool why)
{
    static const enum word labels[] = {WORD_CODE, WORD_ENHANCED, WORD_ID, WORD_REPLY, WORD_RULE, WORD_PATTERN, WORD_MATCHED};
    struct view v = {.a = a, .page = *p};
    v.page.label_columns = 0;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        page_fit_label(&v.page, word(a, labels[i]));
    page_heading(&v.page, a->reply.code ? page_look_of(a->reply.code) : LOOK_STRONG,
                 a->text ? a->text->name : word(a, WORD_RULE_NOTHING));
    if (with_reply) {
        buffer_add(&v.scratch, a->asked->text, a->asked->len);
        field(&v, WORD_REPLY, LOOK_PLAIN);
    }
    view_codes(&v);
    if (a->text)
        view_text(&v);
    if (why && a->asked)
        view_why(&v);
    int result = buffer_ok(&v.scratch) ? 0 : -1;
    buffer_free(&v.scratch);
    return result;
}

static void add_why(const struct answer *a, struct buffer *out)
{
    const struct catalog_match *m = &a->match;
    const char *name;
    rule_of(a, &name);
    json_add_key(out, "why");
    buffer_add_char(out, '{');
    json_put_filled(out, "rule", name);
    json_put_filled(out, "pattern", m->pattern);
    if (m->pattern)
        json_put_octets(out, "matched", a->reply.text + m->start, m->end - m->start);
    for (size_t i = 0; i < m->fact_count; i++)
        json_put_octets(out, m->facts[i].name, m->facts[i].value, m->facts[i].len);
    buffer_add_char(out, '}');
}

static void add_codes(const struct answer *a, struct buffer *out)
{
    char enhanced[ENHANCED_SIZE];
    if (a->reply.code) {
        json_put_long(out, "code", a->reply.code);
        json_put_filled(out, "class", reply_class_name(a->reply.code));
    }
    json_put_filled(out, "enhanced", enhanced_format(&a->reply.enhanced, enhanced));
    json_put_filled(out, "reason", a->match.reason ? a->match.reason->id : NULL);
}

static void add_text(const struct answer *a, struct buffer *out)
{
    json_put_filled(out, "lang", a->words.language);
    json_put_filled(out, "name", a->text->name);
    json_put_filled(out, "description", buffer_string(&a->reason));
    json_put_filled(out, "when", a->text->when);
    json_put_filled(out, "fix", buffer_string(&a->fix));
    json_put_filled(out, "who", catalog_who_name(a->who));
    json_put_bool(out, "wrong_port", a->match.reason && a->match.reason->wrong_port);
}

int answer_add_json(const struct answer *a, struct buffer *out)
{
    buffer_add_char(out, '{');
    if (a->asked) {
        json_put_octets(out, "asked", a->asked->text, a->asked->len);
        json_put_long(out, "count", (long)a->asked->count);
    }
    add_codes(a, out);
    json_put_bool(out, "specific", a->specific);
    if (a->text)
        add_text(a, out);
    json_put_filled(out, "challenge", a->challenge.text);
    if (a->asked)
        add_why(a, out);
    else
        buffer_add_string(out, ",\"why\":{\"rule\":\"id\"}");
    return buffer_add_char(out, '}');
}

int answer_print_json(const struct answer *a, FILE *to)
{
    struct buffer out = {0};
    int result = answer_add_json(a, &out);
    if (result == 0)
        print_json(to, out.data, out.len);
    buffer_free(&out);
    return result;
}
