#include "compose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PART_LINES_MAX 3 /* of a reason and of a fix: with contact and reference eight at most */
#define VALUE_MAX 64 /* octets of a value that is put into a text */
#define REPLY_LINE_MAX 510 /* RFC 5321 section 4.5.3.1.5, without CRLF */

/* Where each line begins in x->text; they become pointers when the text has stopped growing. */
struct setting {
    struct explanation *x;
    size_t starts[EXPLAIN_LINES_MAX];
    unsigned count;
};

/* Append text that may come from a client: printable ASCII as it is, anything else as "?", a long one with its cut marked. */
static void add_value(struct buffer *out, const char *s, size_t len)
{
    size_t shown = len > VALUE_MAX ? VALUE_MAX - 3 : len;
    for (size_t i = 0; i < shown; i++)
        buffer_add_char(out, s[i] >= ' ' && s[i] <= '~' ? s[i] : '?');
    if (shown < len)
        buffer_add_string(out, "...");
}

static const struct catalog_fact *fact_find(const struct catalog_match *match, const char *name)
{
    for (size_t i = 0; i < match->fact_count; i++)
        if (match->facts[i].len && strcmp(match->facts[i].name, name) == 0)
            return &match->facts[i];
    return NULL;
}

/* What a placeholder stands for. */
struct value {
    const char *name, *text;
    size_t len;
};

static struct value value_of(const char *name, const char *text)
{
    return (struct value){name, text, strlen(text)};
}

/* What a match caught under that name, else text. */
static struct value caught(const struct catalog_match *match, const char *name, const char *text)
{
    const struct catalog_fact *fact = fact_find(match, name);
    return fact ? (struct value){name, fact->value, fact->len} : value_of(name, text);
}

/* Append the text, with each %name that is one of the values filled in, and %% as a percent sign. */
static void expand(struct buffer *out, const char *text, const struct value *values, size_t count)
{
    while (*text) {
        size_t plain = strcspn(text, "%"), taken = 0;
        buffer_add(out, text, plain);
        text += plain;
        for (size_t i = 0; *text && !taken && i < count; i++) {
            if (strncmp(text + 1, values[i].name, strlen(values[i].name)) == 0) {
                add_value(out, values[i].text, values[i].len);
                taken = 1 + strlen(values[i].name);
            }
        }
        if (*text && !taken) {
            buffer_add_char(out, '%');
            taken = text[1] == '%' ? 2 : 1;
        }
        text += taken;
    }
}

void explain_fill(struct buffer *out, const char *text, const struct catalog_match *match, const char *client)
{
    const struct value values[] = {caught(match, "client", client ? client : "this address"),
                                   caught(match, "list", "a blocklist"), caught(match, "name", "it")};
    expand(out, text, values, sizeof values / sizeof *values);
}

/* Fill in the help URL's placeholders: values that are ours, none from a client. */
static void fill_url(struct buffer *out, const struct explain_options *options, const struct explanation *x,
                     const struct reply *reply, const char *language, const char *ref)
{
    char enhanced[ENHANCED_SIZE], code[12];
    if (!*options->help_url)
        return;
    snprintf(code, sizeof code, "%d", reply->code);
    const struct value values[] = {value_of("code", code), value_of("enhanced", enhanced_format(&reply->enhanced, enhanced)),
                                   value_of("reason", x->match.reason ? x->match.reason->shown->id : "unknown"),
                                   value_of("ref", ref), value_of("lang", language)};
    expand(out, options->help_url, values, sizeof values / sizeof *values);
}

static void begin_line(struct setting *to)
{
    if (to->count)
        buffer_add_char(&to->x->text, '\0');
    to->starts[to->count++] = to->x->text.len;
}

/* How many octets of text go on a line of so many columns: up to a blank, or, where a word is longer than a line, all that fit. */
static size_t break_at(const char *text, size_t len, size_t columns)
{
    if (len <= columns)
        return len;
    for (size_t i = columns; i > columns / 3; i--)
        if (text[i] == ' ')
            return i;
    size_t at = columns;
    while (at > 1 && ((unsigned char)text[at] & 0xC0) == 0x80) /* not within a UTF-8 character */
        at--;
    return at;
}

/* Set a labelled text on at most so many lines; what does not fit is marked. */
static void set_part(struct setting *to, const char *label, const char *text, size_t len, size_t columns, unsigned lines)
{
    struct buffer *out = &to->x->text;
    for (unsigned n = 0; n < lines && (len || n == 0); n++) {
        begin_line(to);
        size_t used = n == 0 ? strlen(label) : 2;
        buffer_add_string(out, n == 0 ? label : "  ");
        bool last = n == lines - 1 && used + len > columns;
        size_t taken = break_at(text, len, columns - used - (last ? 4 : 0));
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
    buffer_add_string(out, *ref ? "Ref: " : "Help: ");
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
        set_part(to, "Reason: ", parts[0].data, parts[0].len, columns, PART_LINES_MAX);
    if (parts[1].len && options->style != STYLE_REF && options->style != STYLE_SHORT)
        set_part(to, "Fix: ", parts[1].data, parts[1].len, columns, PART_LINES_MAX);
    if (*options->contact && options->style != STYLE_REF)
        set_part(to, "Contact: ", options->contact, strlen(options->contact), columns, 1);
    set_reference(to, ref, url);
}

/* Set all as one line that continues the reply's own last line, where that stays a legal line. */
static bool set_inline(struct setting *to, const struct reply *reply, const struct explain_options *options,
                       const struct buffer parts[2], const struct buffer *url, const char *ref)
{
    struct buffer *out = &to->x->text;
    size_t used = reply->lines[reply->line_count - 1].whole;
    begin_line(to);
    if (parts[0].len)
        buffer_printf(out, "; Reason: %s", parts[0].data);
    if (parts[1].len)
        buffer_printf(out, " Fix: %s", parts[1].data);
    if (*options->contact)
        buffer_printf(out, " Contact: %s", options->contact);
    if (*ref)
        buffer_printf(out, "%sRef: %s", out->len ? " " : "; ", ref);
    if (url->len)
        buffer_printf(out, "%s%s", out->len ? " " : "; ", url->data);
    if (used + out->len <= REPLY_LINE_MAX && out->len <= EXPLAIN_LINE_MAX) {
        to->x->joins = out->len > 0;
        to->count = out->len > 0;
        return true;
    }
    buffer_clear(out);
    to->count = 0;
    return false;
}

int compose(struct explanation *x, const struct reply *reply, const struct session_facts *facts,
            const struct explain_options *options, const struct compose_words *words, const char *language, const char *ref)
{
    struct setting to = {.x = x};
    struct buffer parts[2] = {{0}, {0}}, url = {0};
    const char *client = facts ? facts->field[SESSION_CLIENT_ADDR] : NULL;
    if (words->reason)
        explain_fill(&parts[0], words->reason, &x->match, client);
    if (words->fix)
        explain_fill(&parts[1], words->fix, &x->match, client);
    fill_url(&url, options, x, reply, language, ref);
    if (options->style != STYLE_INLINE || !set_inline(&to, reply, options, parts, &url, ref))
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
