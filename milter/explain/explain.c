#include <mailwhy/explain.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "compose.h"

#define REPEATED_FAILURES 3
#define SOFT_AUTH_FAILED 435 /* 535 with soft_bounce */

static const char *const style_names[] = {
    [STYLE_FULL] = "full", [STYLE_SHORT] = "short", [STYLE_INLINE] = "inline", [STYLE_REF] = "ref"};
static_assert(sizeof style_names / sizeof *style_names == STYLE_COUNT, "each style has its name");

int explain_style_from_name(const char *name)
{
    for (int style = 0; style < STYLE_COUNT; style++)
        if (strcmp(style_names[style], name) == 0)
            return style;
    return -1;
}

static enum stage stage_of(const struct catalog_match *match, const struct session_facts *facts)
{
    if ((match->code && match->code->stage == STAGE_AUTH) ||
        (facts && facts->stage == STAGE_AUTH)) /* whatever the text is about */
        return STAGE_AUTH;
    if (match->reason && match->reason->stage)
        return match->reason->stage;
    if (match->enhanced && match->enhanced->stage && !match->enhanced->vague)
        return match->enhanced->stage;
    if (match->code && match->code->stage)
        return match->code->stage;
    return facts ? facts->stage : STAGE_NONE;
}

/* Whether an enhanced code says something of an account: of an address or a mailbox (RFC 3463 section 3), or as its entry has it. */
static bool is_about_account(const struct catalog_enhanced *e)
{
    return e->shown || e->code.subject == 1 || e->code.subject == 2;
}

/* The reason whose text the client gets. A failed sign-in gets none that tells of an account: not that of a reason of other stages (a mailbox that is
 * not there, or full), nor what an enhanced code says of one. */
static const struct catalog_reason *shown_of(const struct explanation *x)
{
    const struct catalog_match *m = &x->match;
    bool masks = x->stage == STAGE_AUTH && (m->reason ? m->reason->stage != STAGE_AUTH && m->reason->shown == m->reason
                                                      : m->enhanced && is_about_account(m->enhanced));
    if (masks)
        return m->code ? m->code->shown : NULL;
    return m->reason ? m->reason->shown : NULL;
}

static bool is_skipped(const struct explanation *x, int code, const struct explain_options *options)
{
    char text[12];
    if (!options->skip_count)
        return false;
    snprintf(text, sizeof text, "%d", code);
    for (size_t i = 0; i < options->skip_count; i++)
        if (strcmp(options->skip[i], text) == 0 || (x->shown && strcmp(options->skip[i], x->shown->id) == 0))
            return true;
    return false;
}

void explain_recognise(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
                       const struct catalog *catalog, const struct explain_options *options)
{
    catalog_match(catalog, reply, &x->match);
    challenge_find(&x->challenge, reply);
    x->stage = stage_of(&x->match, facts);
    x->failed_auth = x->stage == STAGE_AUTH && (reply->code >= 500 || reply->code == SOFT_AUTH_FAILED) && reply->code != 503;
    x->shown = shown_of(x);
    x->skipped = is_skipped(x, reply->code, options);
}

/* The conditions that hold, as bits. */
static unsigned conditions_of(const struct explanation *x, const struct session_facts *facts)
{
    unsigned holds = 0;
    if (!facts)
        return x->failed_auth ? 1U << CONDITION_ANONYMOUS : 0;
    const char *tls = facts->field[SESSION_TLS];
    if (tls)
        holds |= 1U << (strcmp(tls, "none") == 0 ? CONDITION_PLAINTEXT : CONDITION_ENCRYPTED);
    if (facts->daemon_port == 25)
        holds |= 1U << CONDITION_RELAY_PORT;
    if (facts->daemon_port == 465 || facts->daemon_port == 587)
        holds |= 1U << CONDITION_SUBMISSION_PORT;
    if (facts->signed_in)
        holds |= 1U << CONDITION_AUTHENTICATED;
    else if (facts->anonymous || x->failed_auth)
        holds |= 1U << CONDITION_ANONYMOUS;
    if (x->failed_auth && facts->auth_failed + 1 >= REPEATED_FAILURES)
        holds |= 1U << CONDITION_REPEATED;
    return holds;
}

/* The text that a client gets in the language, NULL for none. */
static const struct catalog_text *text_in(const struct explanation *x, const struct catalog *catalog, const char *language)
{
    const struct catalog_match *m = &x->match;
    if (x->shown)
        return catalog_reason_text(catalog, x->shown, language);
    bool masked = m->reason || (x->stage == STAGE_AUTH && m->enhanced && is_about_account(m->enhanced));
    if (masked)
        return m->code ? catalog_code_text(catalog, m->code->code, language) : NULL;
    return catalog_match_text(catalog, m, language);
}

/* Choose the words: the first variant that holds, over the text without it. */
static struct compose_text words_of(const struct catalog_text *text, unsigned holds)
{
    struct compose_text words = {text->reason, text->fix};
    for (size_t i = 0; i < text->variant_count; i++) {
        const struct catalog_variant *v = &text->variants[i];
        if ((v->conditions & holds) != v->conditions)
            continue;
        words.reason = v->reason ? v->reason : words.reason;
        words.fix = v->fix ? v->fix : words.fix;
        break;
    }
    return words;
}

int explain_compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
                    const struct catalog *catalog, const struct explain_options *options, const char *ref)
{
    x->line_count = 0;
    x->joins = false;
    buffer_clear(&x->text);
    if (x->skipped)
        return 1;

    bool ascii = !(facts && facts->smtputf8);
    struct compose_text chosen = {NULL, NULL};
    struct explain_words words = {catalog, options->language};
    const struct catalog_text *text = text_in(x, catalog, words.language);
    bool english = text && text == text_in(x, catalog, CATALOG_LANGUAGE); /* the language lacks it: then all is English */
    if (english || (ascii && !((!text || text->ascii) && catalog_words_are_ascii(catalog, words.language)))) {
        words.language = CATALOG_LANGUAGE;
        text = text_in(x, catalog, words.language);
    }
    if (text)
        chosen = words_of(text, conditions_of(x, facts));
    if (compose(x, reply, facts, options, &chosen, &words, ref) == -1)
        return -1;
    return x->line_count == 0;
}

void explain_free(struct explanation *x)
{
    buffer_free(&x->text);
    x->line_count = 0;
}
