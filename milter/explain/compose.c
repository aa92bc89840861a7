#include "compose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mailwhy/columns.h>
#include <mailwhy/expand.h>

#define LINE_ROOM (EXPLAIN_LINE_MAX - 128) /* octets of a line that its label leaves */
#define PART_LINES_MAX 3 /* of a reason and of a fix: with contact and reference eight at most */
#define REPLY_LINE_MAX 510 /* RFC 5321 section 4.5.3.1.5, without CRLF */

/* The lines as they are set. Where each begins in x->text; they become pointers when the text has stopped growing. */
struct setting {
    struct explanation *x;
    const struct explain_words *words;
    size_t starts[EXPLAIN_LINES_MAX];
    unsigned count;
};

static const struct catalog_fact *fact_find(const struct catalog_match *match, const char *name)
{
    for (size_t i = 0; i < match->fact_count; i++)
        if (match->facts[i].len && strcmp(match->facts[i].name, name) == 0)
            return &match->facts[i];
    return NULL;
}

/* What a match caught under that name, else the language's word for it. */
static struct expand_value caught(const struct explain_words *words, const struct catalog_match *match, const char *name,
                                  enum word word)
{
    const struct catalog_fact *fact = fact_find(match, name);
    return fact ? expand_foreign(name, fact->value, fact->len)
                : expand_ours(name, catalog_word(words->catalog, word, words->language));
}

/* Append the page where the list that a match caught can be asked about the client; a word for it where there is none. */
static void add_page(struct buffer *out, const struct explain_words *words, const struct catalog_match *match,
                     const struct expand_value *client)
{
    const struct catalog_fact *fact = fact_find(match, "list");
    const struct catalog_list *list = fact ? catalog_list_find(words->catalog, fact->value, fact->len) : NULL;
    if (list && list->page && client->foreign)
        expand(out, list->page, client, 1);
    else if (list && list->site)
        buffer_add_string(out, list->site);
    else
        buffer_add_string(out, catalog_word(words->catalog, WORD_ITS_PAGE, words->language));
}

void explain_fill(struct buffer *out, const char *text, const struct explain_words *words, const struct catalog_match *match,
                  const char *client_addr)
{
    struct buffer page = {0};
    if (!strchr(text, '%')) {
        buffer_add_string(out, text);
        return;
    }
    struct expand_value client = caught(words, match, "client", WORD_THIS_ADDRESS);
    if (!client.foreign && client_addr)
        client = expand_foreign("client", client_addr, strlen(client_addr));
    if (strstr(text, "%page"))
        add_page(&page, words, match, &client);
    const struct expand_value values[] = {client, caught(words, match, "list", WORD_A_BLOCKLIST),
                                          caught(words, match, "name", WORD_IT), expand_ours("page", buffer_string(&page))};
    expand(out, text, values, sizeof values / sizeof *values);
    out->failed = out->failed || !buffer_ok(&page);
    buffer_free(&page);
}

/* Fill in the help URL's placeholders: values that are ours, none from a client. */
static void fill_url(struct buffer *out, const struct explain_options *options, const struct explanation *x,
                     const struct reply *reply, const char *language, const char *ref)
{
    char enhanced[ENHANCED_SIZE], code[12];
    if (!*options->help_url)
        return;
    snprintf(code, sizeof code, "%d", reply->code);
    const struct expand_value values[] = {
        expand_ours("code", code), expand_ours("enhanced", enhanced_format(&reply->enhanced, enhanced)),
        expand_ours("reason", x->shown ? x->shown->id : "unknown"), expand_ours("ref", ref), expand_ours("lang", language)};
    expand(out, options->help_url, values, sizeof values / sizeof *values);
}

static const char *word_of(const struct setting *to, enum word word)
{
    return catalog_word(to->words->catalog, word, to->words->language);
}

static void begin_line(struct setting *to)
{
    if (to->count)
        buffer_add_char(&to->x->text, '\0');
    to->starts[to->count++] = to->x->text.len;
}

/* How many octets of text go on a line of so many columns, and of a legal length. */
static size_t break_at(const char *text, size_t len, size_t columns)
{
    size_t at = columns_break(text, len, columns);
    while (at > LINE_ROOM && columns > 1)
        at = columns_break(text, len, columns /= 2);
    if (at > LINE_ROOM) /* marks that take no column */
        for (at = LINE_ROOM; at > 1 && ((unsigned char)text[at] & 0xc0) == 0x80;)
            at--;
    return at;
}

/* Set a labelled text on at most so many lines; what does not fit is marked. */
static void set_part(struct setting *to, enum word word, const char *text, size_t len, size_t columns, unsigned lines)
{
    struct buffer *out = &to->x->text;
    const char *label = word_of(to, word);
    size_t label_columns = columns_of(label, strlen(label)) + 2;
    for (unsigned n = 0; n < lines && (len || n == 0); n++) {
        begin_line(to);
        size_t used = n == 0 ? label_columns : 2;
        buffer_add_string(out, n == 0 ? label : "  ");
        buffer_add_string(out, n == 0 ? ": " : "");
        size_t taken = break_at(text, len, columns - used);
        bool last = n == lines - 1 && taken < len;
        if (last)
            taken = break_at(text, len, columns - used - strlen(" ..."));
        buffer_add(out, text, taken);
        if (last)
            buffer_add_string(out, " ...");
        while (taken < len && text[taken] == ' ')
            taken++;
        text += taken;
        len -= taken;
    }
}

/* The last line: reference and help page. */
static void set_reference(struct setting *to, const char *ref, const struct buffer *url)
{
    bool with_url = url->len && url->len <= EXPLAIN_LINE_MAX - 24;
    if (!*ref && !with_url)
        return;
    begin_line(to);
    struct buffer *out = &to->x->text;
    buffer_add_string(out, word_of(to, *ref ? WORD_REF : WORD_HELP));
    buffer_add_string(out, ": ");
    buffer_add_string(out, ref);
    if (with_url) {
        buffer_add_string(out, *ref ? "  " : "");
        buffer_add(out, url->data, url->len);
    }
}

static void set_lines(struct setting *to, const struct reply *reply, const struct explain_options *options,
                      const struct buffer parts[2], const struct buffer *url, const char *ref)
{
    char enhanced[ENHANCED_SIZE];
    size_t columns = EXPLAIN_COLUMNS - strlen("535-") - strlen(enhanced_format(&reply->enhanced, enhanced)) - 1;
    if (parts[0].len && options->style != STYLE_REF)
        set_part(to, WORD_REASON, parts[0].data, parts[0].len, columns, PART_LINES_MAX);
    if (parts[1].len && options->style != STYLE_REF && options->style != STYLE_SHORT)
        set_part(to, WORD_FIX, parts[1].data, parts[1].len, columns, PART_LINES_MAX);
    if (*options->contact && options->style != STYLE_REF)
        set_part(to, WORD_CONTACT, options->contact, strlen(options->contact), columns, 1);
    set_reference(to, ref, url);
}

/* What goes on one line: of reason and fix nothing, the first sentence or all. */
enum share { NONE, FIRST, ALL };
struct shares {
    enum share reason, fix;
    bool contact, url;
};

static const struct shares everything = {ALL, ALL, true, true};

/* What is left of it where there is little room, the first that fits. An MTA's own words mostly say something of the reason, and nothing of the fix. */
static const struct shares less[] = {
    {ALL, ALL, false, true},   {ALL, FIRST, false, true},   {FIRST, ALL, false, true},  {FIRST, FIRST, false, true},
    {ALL, ALL, false, false},  {ALL, FIRST, false, false},  {FIRST, ALL, false, false}, {FIRST, FIRST, false, false},
    {NONE, ALL, false, true},  {NONE, FIRST, false, true},  {NONE, ALL, false, false},  {NONE, FIRST, false, false},
    {ALL, NONE, false, false}, {FIRST, NONE, false, false}, {NONE, NONE, false, true},  {NONE, NONE, false, false},
};

/* The octets of a text's first sentence: up to a full stop behind a word of three characters or more, a blank and a capital. */
static size_t first_sentence(const char *s)
{
    for (const char *at = s; (at = strstr(at, ". ")); at++) {
        const char *word = at;
        while (word > s && word[-1] != ' ' && word[-1] != '.')
            word--;
        if (at - word >= 3 && at[2] >= 'A' && at[2] <= 'Z')
            return (size_t)(at - s) + 1;
    }
    return strlen(s);
}

static void add_inline(struct setting *to, enum word label, enum share share, const char *text)
{
    struct buffer *out = &to->x->text;
    if (*text && share != NONE)
        buffer_printf(out, "%s%s: %.*s", out->len ? " " : "; ", word_of(to, label),
                      (int)(share == ALL ? strlen(text) : first_sentence(text)), text);
}

/* Set these shares as one line that continues the reply's own last line, where that is not longer than max then. */
static bool set_inline(struct setting *to, const struct reply *reply, const struct explain_options *options,
                       const struct buffer parts[2], const struct buffer *url, const char *ref, const struct shares *shares)
{
    struct buffer *out = &to->x->text;
    size_t used = reply->lines[reply->line_count - 1].whole, max = options->one_line ? options->one_line : REPLY_LINE_MAX;
    begin_line(to);
    add_inline(to, WORD_REASON, shares->reason, buffer_string(&parts[0]));
    add_inline(to, WORD_FIX, shares->fix, buffer_string(&parts[1]));
    add_inline(to, WORD_CONTACT, shares->contact ? ALL : NONE, options->contact);
    add_inline(to, WORD_REF, ALL, ref);
    if (url->len && shares->url)
        buffer_printf(out, "%s%s", out->len ? " " : "; ", url->data);
    if (used + out->len <= max && out->len <= EXPLAIN_LINE_MAX) {
        to->x->joins = out->len > 0;
        to->count = out->len > 0;
        return true;
    }
    buffer_clear(out);
    to->count = 0;
    return false;
}

/* Set one line, be it with less than everything, or none. */
static void set_one_line(struct setting *to, const struct reply *reply, const struct explain_options *options,
                         const struct buffer parts[2], const struct buffer *url, const char *ref)
{
    static const struct buffer nothing[2];
    struct explain_options o = *options;
    const struct buffer said[2] = {o.style == STYLE_REF ? nothing[0] : parts[0],
                                   o.style == STYLE_REF || o.style == STYLE_SHORT ? nothing[1] : parts[1]};
    if (o.style == STYLE_REF)
        o.contact = "";
    bool set = set_inline(to, reply, &o, said, url, ref, &everything);
    for (size_t i = 0; !set && i < sizeof less / sizeof *less; i++)
        set = set_inline(to, reply, &o, said, url, ref, &less[i]);
}

int compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
            const struct explain_options *options, const struct compose_text *text, const struct explain_words *words,
            const char *ref)
{
    struct setting to = {.x = x, .words = words};
    struct buffer parts[2] = {{0}, {0}}, url = {0};
    const char *client = facts ? facts->field[SESSION_CLIENT_ADDR] : NULL;
    if (text->reason)
        explain_fill(&parts[0], text->reason, words, &x->match, client);
    if (text->fix)
        explain_fill(&parts[1], text->fix, words, &x->match, client);
    fill_url(&url, options, x, reply, words->language, ref);
    if (options->one_line)
        set_one_line(&to, reply, options, parts, &url, ref);
    else if (options->style != STYLE_INLINE || !set_inline(&to, reply, options, parts, &url, ref, &everything))
        set_lines(&to, reply, options, parts, &url, ref);

    bool ok = buffer_ok(&parts[0]) && buffer_ok(&parts[1]) && buffer_ok(&url) && buffer_ok(&x->text);
    buffer_free(&parts[0]);
    buffer_free(&parts[1]);
    buffer_free(&url);
    if (!ok) {
        errno = ENOMEM;
        return -1;
    }
    for (unsigned i = 0; i < to.count; i++)
        x->lines[i] = x->text.data + to.starts[i];
    x->line_count = to.count;
    return 0;
}
