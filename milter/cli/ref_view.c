#include "ref_view.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mailwhy/explain.h>

#include "said.h"

#define SESSION_COLUMNS 7
#define NEAR 64 /* events behind a failure among which that of its user is looked for */

struct view {
    struct page page;
    const struct event *event;
    const struct catalog *catalog; /* NULL: there is none */
    const struct catalog_reason *reason; /* NULL: the catalogue doesn't have it */
    const struct catalog_text *text; /* likewise */
    const char *language;
    struct catalog_match match; /* for the facts in the reply */
};

static bool has(const char *s)
{
    return s && *s;
}

/* The word in the language; without a catalogue its key. */
static const char *word(const struct view *v, int which)
{
    static const char *const keys[WORD_COUNT] = {
#define WORD_KEY(name, key) [WORD_##name] = key,
        WORDS(WORD_KEY)
#undef WORD_KEY
    };
    return v->catalog ? catalog_word(v->catalog, (enum word)which, v->language) : keys[which];
}

/* Append "BEFORE text AFTER" where the text is known. */
static void add(struct buffer *out, const char *before, const char *text, const char *after)
{
    if (!has(text))
        return;
    buffer_add_string(out, out->len ? before : "");
    buffer_add_string(out, text);
    buffer_add_string(out, after);
}

static void add_ref(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->ref, "");
}

static void add_time(const struct view *v, struct buffer *out)
{
    char utc[64], local[64], zone[64];
    struct tm tm;
    if (gmtime_r(&v->event->time.tv_sec, &tm) && strftime(utc, sizeof utc, "%Y-%m-%d %H:%M:%S UTC", &tm))
        add(out, "", utc, "");
    if (!localtime_r(&v->event->time.tv_sec, &tm) || !strftime(local, sizeof local, "%Y-%m-%d %H:%M:%S", &tm) ||
        !strftime(zone, sizeof zone, "%Z", &tm))
        return;
    if (strcmp(zone, "UTC") == 0) {
        buffer_printf(out, " (%s)", word(v, WORD_LOCAL_TIME));
        return;
    }
    add(out, "\n", local, " ");
    buffer_add_string(out, zone);
    buffer_printf(out, " (%s)", word(v, WORD_LOCAL_TIME));
}

static void add_code(const struct view *v, struct buffer *out)
{
    if (v->event->code)
        buffer_printf(out, "%d", v->event->code);
    add(out, " ", v->event->enhanced, "");
}

static void add_reason(const struct view *v, struct buffer *out)
{
    const char *id = v->event->reason;
    if (v->reason || !has(id))
        add(out, "", v->text ? v->text->name : NULL, "");
    if (!has(id))
        return;
    buffer_add_string(out, out->len ? " (" : "");
    buffer_add_string(out, id);
    if (out->len > strlen(id))
        buffer_add_char(out, ')');
    else if (v->catalog && !v->reason)
        buffer_printf(out, " (%s)", word(v, WORD_NOT_KNOWN));
}

static void add_client(const struct view *v, struct buffer *out)
{
    const struct event *e = v->event;
    add(out, "", e->client_name, "");
    if (has(e->client_addr)) {
        buffer_add_string(out, out->len ? " [" : "[");
        add(out, "", e->client_addr, "]");
    }
    if (e->client_port)
        buffer_printf(out, " %s %ld", word(v, WORD_PORT), e->client_port);
}

static void add_helo(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->helo, "");
}

static void add_tls(const struct view *v, struct buffer *out)
{
    bool none = has(v->event->tls) && strcmp(v->event->tls, "none") == 0;
    add(out, "", v->event->tls, "");
    if (none)
        buffer_printf(out, " (%s)", word(v, WORD_NOT_ENCRYPTED));
}

static void add_user(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->sasl_user, "");
    add(out, ", ", v->event->sasl_method, "");
}

static void add_challenge(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->challenge, "");
}

static void add_sender(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->sender, "");
}

static void add_recipient(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->recipient, "");
}

static void add_queue_id(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->queue_id, "");
}

static void add_attempt(const struct view *v, struct buffer *out)
{
    if (v->event->attempt)
        buffer_printf(out, "%ld", v->event->attempt);
}

static void add_stage(const struct view *v, struct buffer *out)
{
    add(out, "", stage_name(v->event->stage), "");
}

static void add_server(const struct view *v, struct buffer *out)
{
    add(out, "", v->event->host, "");
    add(out, ", ", v->event->mta, "");
    if (v->event->pid)
        buffer_printf(out, "%s%s %ld", out->len ? ", " : "", word(v, WORD_PROCESS), v->event->pid);
    if (has(v->event->via))
        buffer_printf(out, "%s%s %s", out->len ? ", " : "", word(v, WORD_THROUGH), v->event->via);
}

static void add_reply(const struct view *v, struct buffer *out)
{
    if (v->event->reply)
        buffer_add(out, v->event->reply, v->event->reply_len);
}

static const struct {
    enum word label;
    enum page_look look;
    bool split;
    void (*add)(const struct view *v, struct buffer *out);
} rows[] = {
    {WORD_REFERENCE, LOOK_STRONG, false, add_ref},
    {WORD_TIME, LOOK_PLAIN, true, add_time},
    {WORD_CODE, LOOK_BAD, false, add_code},
    {WORD_ID, LOOK_STRONG, false, add_reason},
    {WORD_CLIENT, LOOK_PLAIN, false, add_client},
    {WORD_HELO, LOOK_PLAIN, false, add_helo},
    {WORD_TLS, LOOK_PLAIN, false, add_tls},
    {WORD_USER, LOOK_PLAIN, false, add_user},
    {WORD_ASKED_FOR, LOOK_PLAIN, false, add_challenge},
    {WORD_FROM, LOOK_PLAIN, false, add_sender},
    {WORD_RECIPIENT, LOOK_PLAIN, false, add_recipient},
    {WORD_QUEUE_ID, LOOK_PLAIN, false, add_queue_id},
    {WORD_ATTEMPT, LOOK_PLAIN, false, add_attempt},
    {WORD_STAGE, LOOK_PLAIN, false, add_stage},
    {WORD_MTA, LOOK_PLAIN, false, add_server},
    {WORD_REPLY, LOOK_PLAIN, true, add_reply},
};

static void view_words(const struct view *v, enum word label, const char *text, struct buffer *scratch)
{
    if (!has(text))
        return;
    buffer_clear(scratch);
    explain_fill(scratch, text, &(struct explain_words){v->catalog, v->language}, &v->match, v->event->client_addr);
    page_words(&v->page, word(v, (int)label), LOOK_PLAIN, buffer_string(scratch));
}

static void view_text(const struct view *v, struct buffer *scratch)
{
    fputc('\n', v->page.to);
    view_words(v, WORD_DESCRIPTION, v->text->reason, scratch);
    view_words(v, WORD_WHEN, v->text->when, scratch);
    view_words(v, WORD_HOW_TO_FIX, v->text->fix, scratch);
    if (!v->reason)
        return;
    page_words(&v->page, word(v, WORD_WHO_ACTS), LOOK_PLAIN, word(v, WORD_SENDER + (int)v->reason->who));
    if (v->reason->wrong_port)
        page_words(&v->page, "", LOOK_PLAIN, word(v, WORD_WRONG_PORT));
}

/* Read the event of the session that says who the user was of this one: a failed sign-in, which the mail log told of. It is looked for among so many
 * lines from that one on. Its strings are in store. */
static bool find_user(const struct event *e, const struct event_session *session, size_t from, size_t most, struct event *named,
                      struct buffer *store)
{
    if (has(e->sasl_user) || e->stage != STAGE_AUTH || !has(e->ref))
        return false;
    for (size_t i = from; i < session->count && i - from < most; i++) {
        buffer_clear(store);
        if (event_from_json(named, store, session->lines[i], session->lens[i]) == 1 && event_names_user(named) &&
            strcmp(named->of, e->ref) == 0)
            return true;
    }
    return false;
}

/* Add the cells of one event of the session, its user with it; nothing for an event that only names one. 1; 0; -1 with errno ENOMEM. */
static int add_session_row(struct buffer *cells, const struct event_session *session, size_t which, const char *own)
{
    struct event e, named;
    struct buffer store = {0}, names = {0};
    char when[16] = "", code[16] = "";
    struct tm tm;
    int got = event_from_json(&e, &store, session->lines[which], session->lens[which]);
    if (got == 1 && has(e.of))
        got = 0;
    if (got == 1) {
        bool same = strcmp(e.ref, own) == 0;
        if (gmtime_r(&e.time.tv_sec, &tm))
            strftime(when, sizeof when, "%H:%M:%S", &tm);
        if (e.code)
            snprintf(code, sizeof code, "%d", e.code);
        if (find_user(&e, session, which + 1, NEAR, &named, &names))
            e.sasl_user = named.sasl_user;
        const char *const row[] = {same ? "*" : "", when, code, stage_name(e.stage), e.reason, e.ref, e.sasl_user};
        for (size_t i = 0; i < SESSION_COLUMNS; i++)
            buffer_add(cells, row[i] ? row[i] : "", row[i] ? strlen(row[i]) + 1 : 1);
    }
    buffer_free(&names);
    buffer_free(&store);
    return got;
}

/* The session's events in their order, this one marked. */
static int view_session(const struct view *v, const struct event_session *session)
{
    const char *const heads[SESSION_COLUMNS] = {
        "", "UTC", word(v, WORD_CODE), word(v, WORD_STAGE), word(v, WORD_ID), word(v, WORD_REFERENCE), word(v, WORD_USER)};
    struct buffer cells = {0};
    size_t count = 1;
    for (size_t i = 0; i < SESSION_COLUMNS; i++)
        buffer_add(&cells, heads[i], strlen(heads[i]) + 1);
    for (size_t i = 0; i < session->count; i++) {
        int got = add_session_row(&cells, session, i, v->event->ref);
        if (got == -1)
            cells.failed = true;
        count += got == 1;
    }
    const char **cell = calloc(count * SESSION_COLUMNS, sizeof *cell), *at = cells.data;
    bool ok = cell && buffer_ok(&cells);
    if (ok && count > 2) {
        for (size_t i = 0; i < count * SESSION_COLUMNS; i++, at += strlen(at) + 1)
            cell[i] = at;
        page_title(&v->page, word(v, WORD_SESSION));
        page_table(&v->page, cell, count, SESSION_COLUMNS);
    }
    free(cell);
    buffer_free(&cells);
    return ok ? 0 : -1;
}

int ref_view(const struct page *p, const struct event *e, const struct event_session *session, const struct catalog *catalog,
             const char *language)
{
    static const enum word titles[] = {WORD_DESCRIPTION, WORD_WHEN, WORD_HOW_TO_FIX, WORD_WHO_ACTS};
    struct view v = {.page = *p, .event = e, .catalog = catalog, .language = language};
    struct buffer scratch = {0}, store = {0};
    struct event named, whole = *e;
    struct said said;
    if (find_user(e, session, 0, session->count, &named, &store)) {
        whole.sasl_user = named.sasl_user;
        whole.sasl_method = named.sasl_method;
        v.event = &whole;
    }
    said_of(&said, e, catalog, language);
    v.reason = said.reason;
    v.text = said.text;
    v.match = said.match;
    for (size_t i = 0; v.text && i < sizeof titles / sizeof *titles; i++)
        page_fit_label(&v.page, word(&v, (int)titles[i]));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        page_fit_label(&v.page, word(&v, (int)rows[i].label));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buffer_clear(&scratch);
        rows[i].add(&v, &scratch);
        if (!buffer_ok(&scratch))
            goto done;
        page_field(&v.page, word(&v, (int)rows[i].label), rows[i].look, rows[i].split, buffer_string(&scratch), scratch.len);
    }
    if (v.text)
        view_text(&v, &scratch);
    if (view_session(&v, session) == -1)
        scratch.failed = true;
done:;
    int result = buffer_ok(&scratch) ? 0 : -1;
    buffer_free(&scratch);
    buffer_free(&store);
    said_free(&said);
    if (result == -1)
        errno = ENOMEM;
    return result;
}
