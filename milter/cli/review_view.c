#include "review_view.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/explain.h>
#include <mailwhy/json.h>

#include "print.h"

#define TREND 16 /* columns of a trend */
#define MANY_FAILURES 10 /* failed sign-ins of a client that look like guessing, whatever the users */
#define FEW_FAILURES 3 /* of one user from one client: an old password that a program keeps sending */
#define MANY_CLIENTS 3 /* of one user: somebody guesses from many places */

struct view {
    const struct page *page;
    struct tally *t;
    const struct cli_catalog *catalog;
    size_t top;
    struct buffer out; /* one line or paragraph at a time */
};

static const struct catalog_reason *reason_of(const struct view *v, const struct tally_count *c)
{
    return catalog_reason_by_id(v->catalog->catalog, c->name);
}

static size_t others(const struct tally_count *c)
{
    return c->others ? g_hash_table_size(c->others) : 0;
}

static void add_time(struct buffer *out, time_t time)
{
    char text[40] = "";
    struct tm tm;
    if (localtime_r(&time, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    buffer_add_string(out, text);
}

static void add_number(struct buffer *out, unsigned long n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lu", n);
    for (int i = 0; i < len; i++) {
        buffer_add_char(out, digits[i]);
        if (i + 1 < len && (len - i - 1) % 3 == 0)
            buffer_add_char(out, ',');
    }
}

/* How a count went over the span, from its first event to its last: eight heights. */
static void add_trend(struct buffer *out, const struct tally *t, const struct tally_count *c)
{
    unsigned long columns[TREND] = {0}, most = 0;
    time_t span = t->last - t->first + 1;
    GHashTableIter iter;
    void *hour, *count;
    if (!c->hours)
        return;
    g_hash_table_iter_init(&iter, c->hours);
    while (g_hash_table_iter_next(&iter, &hour, &count)) {
        time_t time = (time_t)GPOINTER_TO_INT(hour) * 3600;
        time = time < t->first ? t->first : time > t->last ? t->last : time;
        unsigned long *column = &columns[(time - t->first) * TREND / span];
        *column += (unsigned long)GPOINTER_TO_INT(count);
        most = *column > most ? *column : most;
    }
    for (int i = 0; i < TREND; i++)
        buffer_printf(out, "\xe2\x96%c", (char)(0x81 + (most ? columns[i] * 7 / most : 0)));
}

static void flush(struct view *v)
{
    page_paragraph(v->page, LOOK_PLAIN, buffer_string(&v->out));
    buffer_clear(&v->out);
}

static void view_head(struct view *v, const struct review_lost *lost)
{
    const struct tally *t = v->t;
    add_number(&v->out, t->refused);
    buffer_add_string(&v->out, " refusals in ");
    add_number(&v->out, t->sessions);
    buffer_add_string(&v->out, " sessions");
    if (t->first) {
        buffer_add_string(&v->out, ", ");
        add_time(&v->out, t->first);
        buffer_add_string(&v->out, " to ");
        add_time(&v->out, t->last);
    }
    page_heading(v->page, LOOK_STRONG, buffer_string(&v->out));
    buffer_clear(&v->out);
    if (t->since && t->sessions_before) {
        buffer_add_string(&v->out, "In the span before, as long: ");
        add_number(&v->out, t->sessions_before);
        buffer_printf(&v->out, " sessions (%+.0f %%).", 100.0 * ((double)t->sessions / (double)t->sessions_before - 1));
        flush(v);
    }
    if (t->accepted || t->deliveries) {
        add_number(&v->out, t->accepted);
        buffer_add_string(&v->out, " messages were accepted; other servers refused or put off ");
        add_number(&v->out, t->deliveries);
        buffer_add_string(&v->out, " deliveries.");
        flush(v);
    }
    if (lost->unread || lost->files || t->overflow) {
        if (lost->unread)
            buffer_printf(&v->out, "%lu lines of a mail server have no time that can be read, and were left out. ", lost->unread);
        if (lost->files)
            buffer_printf(&v->out, "%lu files could not be read to their end. ", lost->files);
        if (t->overflow)
            buffer_printf(&v->out, "There were more than %d names of a kind: those that came after are not listed.", TALLY_NAMES);
        flush(v);
    }
}

/* One reason: how often, how it went, from whom and when; what to do, and who can. */
static void view_reason(struct view *v, const struct tally_count *c, const char *whose)
{
    static const struct catalog_match nothing = {0};
    const struct catalog_reason *reason = reason_of(v, c);
    const struct explain_words words = {v->catalog->catalog, v->catalog->language};
    add_number(&v->out, c->count);
    buffer_add_string(&v->out, "  ");
    add_trend(&v->out, v->t, c);
    const struct catalog_text *text = reason ? catalog_reason_text(words.catalog, reason, words.language) : NULL;
    buffer_printf(&v->out, "  %s", text ? text->name : c->name);
    page_heading(v->page, LOOK_STRONG, buffer_string(&v->out));
    buffer_clear(&v->out);
    buffer_printf(&v->out, "%s: %zu %s, ", c->name, others(c), whose);
    add_time(&v->out, c->first);
    if (c->last != c->first) {
        buffer_add_string(&v->out, " to ");
        add_time(&v->out, c->last);
    }
    flush(v);
    if (!text)
        return;
    buffer_printf(&v->out, "%s: ", catalog_word(words.catalog, (enum word)(WORD_SENDER + (int)reason->who), words.language));
    explain_fill(&v->out, text->fix, &words, &nothing, NULL);
    flush(v);
}

static void view_reasons(struct view *v, GHashTable *table, const char *title, const char *whose)
{
    size_t count;
    struct tally_count **all = tally_sorted(table, &count);
    if (count)
        page_title(v->page, title);
    for (size_t i = 0; i < count && i < v->top; i++)
        view_reason(v, all[i], whose);
    if (count > v->top)
        fprintf(v->page->to, "  ... and %zu more (--top)\n", count - v->top);
    g_free(all);
}

/* Whether this side can mend it: refusals that the receiver's administrator must act on, and deliveries that the sender's must. */
static bool is_ours(const struct view *v, const struct tally_count *c, bool delivery)
{
    const struct catalog_reason *r = reason_of(v, c);
    return r && (delivery ? r->who == WHO_SENDER_ADMIN : r->who == WHO_RECEIVER_ADMIN);
}

static void view_ours(struct view *v, GHashTable *table, bool delivery, const char *title)
{
    size_t count, shown = 0;
    struct tally_count **all = tally_sorted(table, &count);
    for (size_t i = 0; i < count && shown < v->top; i++) {
        if (!is_ours(v, all[i], delivery))
            continue;
        if (shown++ == 0)
            page_title(v->page, title);
        const struct catalog_text *text = catalog_reason_text(v->catalog->catalog, reason_of(v, all[i]), v->catalog->language);
        add_number(&v->out, all[i]->count);
        buffer_printf(&v->out, " %s (%s)", text->name, all[i]->name);
        flush(v);
    }
    g_free(all);
}

/* A table of counts that pass the test: name, how often, how many others (where that has a head), last time. */
static void view_counts(struct view *v, GHashTable *table, const char *title, const char *name, const char *other,
                        bool (*takes)(const struct view *v, const struct tally_count *c))
{
    size_t count, rows = 0;
    struct tally_count **all = tally_sorted(table, &count);
    GPtrArray *cells = g_ptr_array_new_with_free_func(g_free);
    const char *const heads[] = {name, "Count", "Last", other};
    size_t columns = other ? 4 : 3;
    for (size_t k = 0; k < columns; k++)
        g_ptr_array_add(cells, g_strdup(heads[k]));
    for (size_t i = 0; i < count && rows < v->top; i++) {
        if (!takes(v, all[i]))
            continue;
        add_time(&v->out, all[i]->last);
        g_ptr_array_add(cells, g_strdup(all[i]->name));
        g_ptr_array_add(cells, g_strdup_printf("%lu", all[i]->count));
        g_ptr_array_add(cells, g_strdup(buffer_string(&v->out)));
        if (other)
            g_ptr_array_add(cells, g_strdup_printf("%zu", others(all[i])));
        buffer_clear(&v->out);
        rows++;
    }
    if (rows) {
        page_title(v->page, title);
        page_table(v->page, (const char *const *)(const void *)cells->pdata, rows + 1, columns);
    }
    g_ptr_array_free(cells, TRUE);
    g_free(all);
}

static bool any_count(const struct view *v, const struct tally_count *c)
{
    (void)v;
    (void)c;
    return true;
}

static bool is_guesser(const struct view *v, const struct tally_count *c)
{
    (void)v;
    return c->count >= MANY_FAILURES || others(c) >= MANY_CLIENTS;
}

static bool is_guessed(const struct view *v, const struct tally_count *c)
{
    (void)v;
    return others(c) >= MANY_CLIENTS;
}

/* One client, one user, again and again: a program with an old password. */
static bool is_old_password(const struct view *v, const struct tally_count *c)
{
    if (others(c) != 1 || c->count < FEW_FAILURES)
        return false;
    GHashTableIter iter;
    void *client;
    g_hash_table_iter_init(&iter, c->others);
    g_hash_table_iter_next(&iter, &client, NULL);
    const struct tally_count *guesser = g_hash_table_lookup(v->t->guessing, client);
    return !guesser || others(guesser) == 1;
}

static bool is_correspondent(const struct view *v, const struct tally_count *c)
{
    return g_hash_table_contains(v->t->correspondents, c->name);
}

int review_print(const struct page *p, struct tally *t, const struct cli_catalog *catalog, const struct review_lost *lost,
                 size_t top, bool grouped)
{
    struct view v = {.page = p, .t = t, .catalog = catalog, .top = top};
    view_head(&v, lost);
    if (grouped) {
        view_counts(&v, t->groups, "Refusals", tally_by_names[t->by], "Clients", any_count);
    } else {
        view_reasons(&v, t->reasons, "Why this server refused", "clients");
        view_reasons(&v, t->theirs, "Why other servers refused", "recipients");
        view_ours(&v, t->reasons, false, "Ours to fix: refusals by this server");
        view_ours(&v, t->theirs, true, "Ours to fix: what other servers refuse from us");
        view_counts(&v, t->guessing, "Clients with many failed sign-ins", "Client", "Users", is_guesser);
        view_counts(&v, t->guessed, "Users that are guessed at from many clients", "User", "Clients", is_guessed);
        view_counts(&v, t->guessed, "Users with an old password in one program", "User", "Clients", is_old_password);
        view_counts(&v, t->senders, "Real correspondents that were refused, too", "Sender", NULL, is_correspondent);
        view_counts(&v, t->unknown, "Replies that the catalogue does not know", "Reply", NULL, any_count);
    }
    int result = buffer_ok(&v.out) ? EX_OK : EX_OSERR;
    buffer_free(&v.out);
    return result;
}

static void add_long(struct buffer *out, const char *key, unsigned long n)
{
    json_add_key(out, key);
    json_add_long(out, (long)n);
}

static void add_timestamp(struct buffer *out, const char *key, time_t time)
{
    char text[40] = "";
    struct tm tm;
    if (!time || !gmtime_r(&time, &tm))
        return;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    json_add_key(out, key);
    json_add_string(out, text, strlen(text));
}

/* Append a table's counts, those that pass the test. */
static void add_counts(struct view *v, struct buffer *out, const char *key, GHashTable *table, const char *other,
                       bool (*takes)(const struct view *v, const struct tally_count *c))
{
    size_t count, added = 0;
    struct tally_count **all = tally_sorted(table, &count);
    json_add_key(out, key);
    buffer_add_char(out, '[');
    for (size_t i = 0; i < count && added < v->top; i++) {
        if (!takes(v, all[i]))
            continue;
        buffer_add_string(out, added++ ? ",{" : "{");
        json_add_key(out, "name");
        json_add_string(out, all[i]->name, strlen(all[i]->name));
        add_long(out, "count", all[i]->count);
        if (other)
            add_long(out, other, others(all[i]));
        add_timestamp(out, "first", all[i]->first);
        add_timestamp(out, "last", all[i]->last);
        const struct catalog_reason *r = reason_of(v, all[i]);
        if (r) {
            const char *who = catalog_who_name(r->who);
            json_add_key(out, "who");
            json_add_string(out, who, strlen(who));
        }
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
    g_free(all);
}

int review_print_json(struct tally *t, const struct cli_catalog *catalog, const struct review_lost *lost, size_t top)
{
    struct view v = {.t = t, .catalog = catalog, .top = top};
    struct buffer *out = &v.out;
    buffer_add_char(out, '{');
    add_timestamp(out, "first", t->first);
    add_timestamp(out, "last", t->last);
    add_long(out, "refused", t->refused);
    add_long(out, "sessions", t->sessions);
    add_long(out, "sessions_before", t->sessions_before);
    add_long(out, "accepted", t->accepted);
    add_long(out, "deliveries_refused", t->deliveries);
    add_long(out, "lost_in_auth", t->lost);
    add_long(out, "unread_lines", lost->unread);
    add_long(out, "unread_files", lost->files);
    json_add_key(out, "exact");
    buffer_add_string(out, t->overflow ? "false" : "true");
    add_counts(&v, out, "groups", t->groups, "clients", any_count);
    add_counts(&v, out, "reasons", t->reasons, "clients", any_count);
    add_counts(&v, out, "refused_by_others", t->theirs, "recipients", any_count);
    add_counts(&v, out, "guessing_clients", t->guessing, "users", is_guesser);
    add_counts(&v, out, "guessed_users", t->guessed, "clients", is_guessed);
    add_counts(&v, out, "old_passwords", t->guessed, "clients", is_old_password);
    add_counts(&v, out, "correspondents", t->senders, NULL, is_correspondent);
    add_counts(&v, out, "unknown", t->unknown, NULL, any_count);
    bool ok = buffer_add_char(out, '}') == 0;
    if (ok)
        print_json(stdout, out->data, out->len);
    buffer_free(out);
    return ok ? EX_OK : EX_OSERR;
}
