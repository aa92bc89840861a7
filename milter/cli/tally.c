#include "tally.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/reply.h>

#define SESSIONS_MAX 500000 /* that are told apart */
#define HOUR 3600

const char *const tally_by_names[BY_COUNT] = {"reason", "code",      "client", "network", "user",
                                              "sender", "recipient", "hour",   "day",     "mta"};

static void count_free(void *data)
{
    struct tally_count *c = data;
    if (c->others)
        g_hash_table_destroy(c->others);
    if (c->hours)
        g_hash_table_destroy(c->hours);
    free(c->name);
    free(c);
}

static GHashTable *counts_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, count_free);
}

void tally_begin(struct tally *t, const struct catalog *catalog, enum tally_by by)
{
    *t = (struct tally){.catalog = catalog, .by = by};
    GHashTable **counts[] = {&t->groups,  &t->reasons, &t->theirs,         &t->guessing,
                             &t->guessed, &t->senders, &t->correspondents, &t->unknown};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = counts_new();
    t->known = g_hash_table_new_full(g_str_hash, g_str_equal, free, free);
    t->queued = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL);
    t->seen = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL);
    t->seen_before = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL);
}

void tally_end(struct tally *t)
{
    GHashTable *all[] = {t->groups,         t->reasons, t->theirs, t->guessing, t->guessed,     t->senders,
                         t->correspondents, t->unknown, t->known,  t->seen,     t->seen_before, t->queued};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i])
            g_hash_table_destroy(all[i]);
    *t = (struct tally){0};
}

/* The count of that name, made where there is none yet. NULL: there are too many names. */
static struct tally_count *count_of(struct tally *t, GHashTable *table, const char *name)
{
    struct tally_count *c = g_hash_table_lookup(table, name);
    if (c)
        return c;
    if (g_hash_table_size(table) >= TALLY_NAMES) {
        t->overflow = true;
        return NULL;
    }
    c = g_new0(struct tally_count, 1);
    c->name = g_strdup(name);
    g_hash_table_insert(table, c->name, c);
    return c;
}

static struct tally_count *count(struct tally *t, GHashTable *table, const char *name, time_t time)
{
    struct tally_count *c = name && *name ? count_of(t, table, name) : NULL;
    if (!c)
        return NULL;
    c->count++;
    c->first = c->first && c->first < time ? c->first : time;
    c->last = c->last > time ? c->last : time;
    return c;
}

/* Note another name that came with it. */
static void note_other(struct tally *t, struct tally_count *c, const char *name)
{
    if (!c || !name || !*name)
        return;
    if (!c->others)
        c->others = g_hash_table_new_full(g_str_hash, g_str_equal, free, NULL);
    if (g_hash_table_size(c->others) < TALLY_NAMES / 10)
        g_hash_table_add(c->others, g_strdup(name));
    else
        t->overflow = true;
}

static void note_hour(struct tally_count *c, time_t time)
{
    if (!c)
        return;
    if (!c->hours)
        c->hours = g_hash_table_new(g_direct_hash, g_direct_equal);
    void *hour = GINT_TO_POINTER((int)(time / HOUR));
    g_hash_table_insert(c->hours, hour, GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(c->hours, hour)) + 1));
}

char *tally_network(const char *address)
{
    unsigned char octets[16];
    char text[INET6_ADDRSTRLEN];
    if (!address)
        return NULL;
    if (inet_pton(AF_INET, address, octets) == 1)
        return g_strdup_printf("%u.%u.%u.0/24", octets[0], octets[1], octets[2]);
    if (inet_pton(AF_INET6, address, octets) != 1)
        return NULL;
    memset(octets + 8, 0, 8);
    return g_strdup_printf("%s/64", inet_ntop(AF_INET6, octets, text, sizeof text));
}

/* A reply without what changes from one to the next: what stands in <> and [], and numbers behind its codes. The caller frees it. */
static char *without_details(const char *reply, size_t len)
{
    GString *out = g_string_sized_new(len);
    for (size_t i = 0; i < len; i++) {
        char c = reply[i];
        const char *end = c == '<' ? memchr(reply + i, '>', len - i) : c == '[' ? memchr(reply + i, ']', len - i) : NULL;
        bool number = i > 10 && g_ascii_isdigit(c);
        if (end) {
            g_string_append_c(out, c);
            g_string_append(out, "...");
            i = (size_t)(end - reply);
            g_string_append_c(out, *end);
        } else if (number) {
            g_string_append_c(out, '#');
            while (i + 1 < len && (g_ascii_isxdigit(reply[i + 1]) || reply[i + 1] == '.'))
                i++;
        } else {
            g_string_append_c(out, g_ascii_iscntrl(c) ? ' ' : c);
        }
    }
    return g_string_free(out, FALSE);
}

/* The reason that the catalogue has for the reply, "" for none. */
static const char *match(const struct tally *t, const struct event *e)
{
    struct reply r;
    struct catalog_match m;
    if (reply_parse_bare(&r, e->reply, e->reply_len) == -1)
        return "";
    catalog_match(t->catalog, &r, &m);
    reply_free(&r);
    return m.reason ? m.reason->id : "";
}

const char *tally_reason(struct tally *t, const struct event *e)
{
    if (e->reason && *e->reason)
        return e->reason;
    if (!e->reply || !e->reply_len)
        return "";
    char *key = without_details(e->reply, e->reply_len);
    const char *known = g_hash_table_lookup(t->known, key);
    if (known) {
        free(key);
        return known;
    }
    char *reason = g_strdup(match(t, e));
    if (g_hash_table_size(t->known) >= TALLY_NAMES)
        g_hash_table_remove_all(t->known);
    g_hash_table_insert(t->known, key, reason);
    return reason;
}

/* Whether the session is a new one. A mail log has no client port: there a process and a client within an hour are one. */
static bool is_new_session(struct tally *t, GHashTable *seen, const struct event *e)
{
    char key[256];
    if (g_hash_table_size(seen) >= SESSIONS_MAX) { /* hardly one comes again after so many */
        g_hash_table_remove_all(seen);
        t->overflow = true;
    }
    snprintf(key, sizeof key, "%s/%ld/%s/%ld", e->host ? e->host : "", e->pid, e->client_addr ? e->client_addr : "",
             e->client_port ? e->client_port : (long)(e->time.tv_sec / HOUR));
    return g_hash_table_add(seen, g_strdup(key));
}

static char *by_time(time_t time, bool hour)
{
    char text[40] = "";
    struct tm tm;
    if (localtime_r(&time, &tm))
        strftime(text, sizeof text, hour ? "%Y-%m-%d %H:00" : "%Y-%m-%d", &tm);
    return g_strdup(text);
}

/* What the event is grouped by. The caller frees it; NULL: it lacks that. */
static char *group_of(const struct tally *t, const struct event *e, const char *reason)
{
    switch (t->by) {
    case BY_REASON:
        return g_strdup(*reason ? reason : "(not known)");
    case BY_CODE:
        return e->code ? g_strdup_printf("%d%s%s", e->code, e->enhanced ? " " : "", e->enhanced ? e->enhanced : "") : NULL;
    case BY_CLIENT:
        return g_strdup(e->client_addr);
    case BY_NETWORK:
        return tally_network(e->client_addr);
    case BY_USER:
        return g_strdup(e->sasl_user);
    case BY_SENDER:
        return g_strdup(e->sender);
    case BY_RECIPIENT:
        return g_strdup(e->recipient);
    case BY_HOUR:
        return by_time(e->time.tv_sec, true);
    case BY_DAY:
        return by_time(e->time.tv_sec, false);
    default:
        return g_strdup(e->mta);
    }
}

static void add_refusal(struct tally *t, const struct event *e, const char *reason)
{
    time_t time = e->time.tv_sec;
    struct tally_count *c = count(t, t->reasons, *reason ? reason : "(not known)", time);
    t->refused++;
    t->sessions += is_new_session(t, t->seen, e);
    note_other(t, c, e->client_addr);
    note_hour(c, time);
    char *group = group_of(t, e, reason);
    note_other(t, count(t, t->groups, group, time), e->client_addr);
    free(group);
    count(t, t->senders, e->sender, time);
    if (e->stage == STAGE_AUTH && e->code >= 500 && e->code != 503) {
        note_other(t, count(t, t->guessing, e->client_addr, time), e->sasl_user);
        note_other(t, count(t, t->guessed, e->sasl_user, time), e->client_addr);
    }
}

/* A message is queued again each time it is tried again. */
static void add_accepted(struct tally *t, const struct event *e)
{
    if (g_hash_table_size(t->queued) >= SESSIONS_MAX)
        g_hash_table_remove_all(t->queued);
    if (e->queue_id && !g_hash_table_add(t->queued, g_strdup(e->queue_id)))
        return;
    t->accepted++;
    count(t, t->correspondents, e->sender, e->time.tv_sec);
}

static void note_unknown(struct tally *t, const struct event *e)
{
    char *reply = e->reply && e->reply_len ? without_details(e->reply, e->reply_len) : NULL;
    count(t, t->unknown, reply, e->time.tv_sec);
    free(reply);
}

void tally_add(struct tally *t, struct event *e, enum maillog_kind kind)
{
    time_t time = e->time.tv_sec;
    if (t->until && time >= t->until)
        return;
    if (time < t->since) {
        if (kind == MAILLOG_REFUSED && time >= t->since - t->length)
            t->sessions_before += is_new_session(t, t->seen_before, e);
        return;
    }
    t->first = t->first && t->first < time ? t->first : time;
    t->last = t->last > time ? t->last : time;
    if (kind == MAILLOG_ACCEPTED) {
        add_accepted(t, e);
        return;
    }
    if (kind == MAILLOG_LOST) { /* mostly after a failure that was counted */
        t->lost++;
        return;
    }
    const char *reason = tally_reason(t, e);
    if (!*reason)
        note_unknown(t, e);
    if (kind == MAILLOG_DELIVERY) {
        t->deliveries++;
        struct tally_count *c = count(t, t->theirs, *reason ? reason : "(not known)", time);
        note_other(t, c, e->recipient);
        note_hour(c, time);
    } else {
        add_refusal(t, e, reason);
    }
}

static int by_count(const void *a, const void *b)
{
    const struct tally_count *x = *(struct tally_count *const *)a, *y = *(struct tally_count *const *)b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

struct tally_count **tally_sorted(GHashTable *table, size_t *count)
{
    GHashTableIter iter;
    void *value;
    size_t n = 0;
    struct tally_count **all = g_new(struct tally_count *, g_hash_table_size(table) + 1);
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        all[n++] = value;
    qsort(all, n, sizeof *all, by_count);
    *count = n;
    return all;
}
