#include <mailwhy/tally.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/mask.h>
#include <mailwhy/reply.h>

#define KNOWN_MAX 50000 /* replies whose reason is kept */
#define GROUP_SIZE 64
#define HOUR 3600

const char *const tally_by_names[BY_COUNT] = {"reason", "code",      "client", "network", "user",
                                              "sender", "recipient", "hour",   "day",     "mta"};

void tally_begin(struct tally *t, const struct catalog *catalog, pthread_mutex_t *matching, enum tally_by by,
                 const struct tally_span *span)
{
    *t = (struct tally){.catalog = catalog, .matching = matching, .by = by, .span = *span};
    for (size_t i = 0; i < TALLY_KINDS; i++)
        counts_begin(&t->counts[i], i >= TALLY_REASONS && i <= TALLY_LOCAL ? &distinct_middle : &distinct_small);
    t->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
}

void tally_end(struct tally *t)
{
    for (size_t i = 0; i < TALLY_KINDS; i++)
        counts_end(&t->counts[i]);
    distinct_free(&t->sessions);
    distinct_free(&t->sessions_before);
    distinct_free(&t->accepted);
    if (t->known)
        g_hash_table_destroy(t->known);
    *t = (struct tally){0};
}

/* "192.0.2.0/24", "2001:db8::/64". NULL: no address. */
static const char *network_of(const char *address, char out[static GROUP_SIZE])
{
    unsigned char octets[16];
    char text[INET6_ADDRSTRLEN];
    if (!address)
        return NULL;
    if (inet_pton(AF_INET, address, octets) == 1) {
        snprintf(out, GROUP_SIZE, "%u.%u.%u.0/24", octets[0], octets[1], octets[2]);
        return out;
    }
    if (inet_pton(AF_INET6, address, octets) != 1)
        return NULL;
    memset(octets + 8, 0, 8);
    snprintf(out, GROUP_SIZE, "%s/64", inet_ntop(AF_INET6, octets, text, sizeof text));
    return out;
}

/* The reason that the catalogue has for the reply, "" for none. */
static const char *match(const struct tally *t, const struct event *e)
{
    struct reply r;
    struct catalog_match m;
    if (reply_parse_bare(&r, e->reply, e->reply_len) == -1)
        return "";
    pthread_mutex_lock(t->matching);
    catalog_match(t->catalog, &r, &m);
    pthread_mutex_unlock(t->matching);
    reply_free(&r);
    return m.reason ? m.reason->id : "";
}

const char *tally_reason(struct tally *t, const struct event *e)
{
    char masked[MASK_SIZE];
    if (e->reason && *e->reason)
        return e->reason;
    if (!e->reply || !e->reply_len)
        return "";
    size_t len = mask_for_match(e->reply, e->reply_len, masked);
    if (len == MASK_SIZE - 1) /* it was cut */
        return match(t, e);
    uint64_t hash = distinct_hash(masked, len);
    const char *known = g_hash_table_lookup(t->known, &hash);
    if (known)
        return known;
    known = match(t, e);
    if (g_hash_table_size(t->known) >= KNOWN_MAX)
        g_hash_table_remove_all(t->known);
    g_hash_table_insert(t->known, g_memdup2(&hash, sizeof hash), (char *)(uintptr_t)known);
    return known;
}

/* A mail log has no client port: there a process and a client within an hour are one session. */
static uint64_t session_of(const struct event *e)
{
    struct {
        uint64_t host, client;
        long pid, port_or_hour;
    } key = {0};
    key.host = e->host ? distinct_hash(e->host, strlen(e->host)) : 0;
    key.client = e->client_addr ? distinct_hash(e->client_addr, strlen(e->client_addr)) : 0;
    key.pid = e->pid;
    key.port_or_hour = e->client_port ? e->client_port : (long)(e->time.tv_sec / HOUR);
    return distinct_hash(&key, sizeof key);
}

static const char *by_time(time_t time, bool hour, char out[static GROUP_SIZE])
{
    struct tm tm;
    *out = '\0';
    if (localtime_r(&time, &tm))
        strftime(out, GROUP_SIZE, hour ? "%Y-%m-%d %H:00" : "%Y-%m-%d", &tm);
    return out;
}

static const char *by_code(const struct event *e, char out[static GROUP_SIZE])
{
    if (!e->code)
        return NULL;
    snprintf(out, GROUP_SIZE, "%d%s%s", e->code, e->enhanced ? " " : "", e->enhanced ? e->enhanced : "");
    return out;
}

/* What the event is grouped by. NULL: it lacks that. */
static const char *group_of(const struct tally *t, const struct event *e, const char *reason, char out[static GROUP_SIZE])
{
    switch (t->by) {
    case BY_REASON:
        return reason;
    case BY_CODE:
        return by_code(e, out);
    case BY_CLIENT:
        return e->client_addr;
    case BY_NETWORK:
        return network_of(e->client_addr, out);
    case BY_USER:
        return e->sasl_user;
    case BY_SENDER:
        return e->sender;
    case BY_RECIPIENT:
        return e->recipient;
    case BY_HOUR:
        return by_time(e->time.tv_sec, true, out);
    case BY_DAY:
        return by_time(e->time.tv_sec, false, out);
    default:
        return e->mta;
    }
}

/* Count a name and note what came with it. */
static void count(struct tally *t, enum tally_kind kind, const char *name, time_t time, const char *other)
{
    counts_note_other(&t->counts[kind], counts_add(&t->counts[kind], name, time), other);
}

/* By what has a history. */
static void count_timed(struct tally *t, enum tally_kind kind, const char *reason, time_t time, const char *other)
{
    struct count *c = counts_add(&t->counts[kind], reason, time);
    counts_note_other(&t->counts[kind], c, other);
    count_note_time(c, time);
}

static void add_refusal(struct tally *t, const struct event *e, const char *reason)
{
    char text[GROUP_SIZE];
    time_t time = e->time.tv_sec;
    t->refused++;
    distinct_add(&t->sessions, &distinct_large, session_of(e));
    count_timed(t, TALLY_REASONS, reason, time, e->client_addr);
    if (t->by != BY_REASON)
        count(t, TALLY_GROUPS, group_of(t, e, reason, text), time, e->client_addr);
    counts_add(&t->counts[TALLY_SENDERS], e->sender, time);
    if (e->stage != STAGE_AUTH || (e->code && (e->code < 500 || e->code == 503)))
        return;
    count(t, TALLY_GUESSERS, e->client_addr, time, e->sasl_user);
    count(t, TALLY_GUESSED, e->sasl_user, time, e->client_addr);
    count(t, TALLY_NETWORKS, network_of(e->client_addr, text), time, e->client_addr);
}

/* The user of a failure that is counted with its client already, or will be, but not among the users. */
static void add_user(struct tally *t, const struct event *e)
{
    time_t time = e->time.tv_sec;
    if (t->by == BY_USER)
        count(t, TALLY_GROUPS, e->sasl_user, time, e->client_addr);
    counts_note_other(&t->counts[TALLY_GUESSERS], counts_get(&t->counts[TALLY_GUESSERS], e->client_addr, time), e->sasl_user);
    count(t, TALLY_GUESSED, e->sasl_user, time, e->client_addr);
}

/* A message is queued again each time it is tried again. */
static void add_accepted(struct tally *t, const struct event *e)
{
    if (e->queue_id)
        distinct_add(&t->accepted, &distinct_large, distinct_hash(e->queue_id, strlen(e->queue_id)));
    else
        t->accepted_bare++;
    counts_add(&t->counts[TALLY_CORRESPONDENTS], e->sender, e->time.tv_sec);
}

static const char *reason_or_unknown(struct tally *t, const struct event *e)
{
    char masked[MASK_SIZE];
    const char *reason = tally_reason(t, e);
    if (*reason)
        return reason;
    if (e->reply && e->reply_len) {
        mask_for_people(e->reply, e->reply_len, masked);
        counts_add(&t->counts[TALLY_NOT_KNOWN], masked, e->time.tv_sec);
    }
    return TALLY_UNKNOWN;
}

void tally_add(struct tally *t, const struct event *e, enum maillog_kind kind)
{
    time_t time = e->time.tv_sec;
    if (t->span.until && time >= t->span.until)
        return;
    if (time < t->span.since) {
        if (kind == MAILLOG_REFUSED && time >= t->span.before)
            distinct_add(&t->sessions_before, &distinct_large, session_of(e));
        return;
    }
    t->first = t->first && t->first < time ? t->first : time;
    t->last = t->last > time ? t->last : time;
    if (kind == MAILLOG_ACCEPTED) {
        add_accepted(t, e);
    } else if (kind == MAILLOG_LOST) { /* mostly after a failure that was counted */
        t->lost++;
    } else if (kind == MAILLOG_DELIVERY) {
        t->deliveries++;
        count_timed(t, TALLY_THEIRS, reason_or_unknown(t, e), time, e->recipient);
    } else if (kind == MAILLOG_LOCAL) {
        t->local++;
        count_timed(t, TALLY_LOCAL, reason_or_unknown(t, e), time, e->recipient);
    } else if (kind == MAILLOG_USER) {
        add_user(t, e);
    } else if (kind == MAILLOG_REFUSED) {
        add_refusal(t, e, reason_or_unknown(t, e));
    }
}

void tally_merge(struct tally *t, struct tally *other)
{
    t->refused += other->refused;
    t->deliveries += other->deliveries;
    t->local += other->local;
    t->lost += other->lost;
    t->accepted_bare += other->accepted_bare;
    if (other->first)
        t->first = t->first && t->first < other->first ? t->first : other->first;
    t->last = t->last > other->last ? t->last : other->last;
    distinct_merge(&t->sessions, &distinct_large, &other->sessions);
    distinct_merge(&t->sessions_before, &distinct_large, &other->sessions_before);
    distinct_merge(&t->accepted, &distinct_large, &other->accepted);
    for (size_t i = 0; i < TALLY_KINDS; i++)
        counts_merge(&t->counts[i], &other->counts[i]);
    tally_end(other);
}

bool tally_any(const struct tally *t)
{
    return t->refused || t->deliveries || t->local;
}

unsigned long tally_accepted(const struct tally *t)
{
    return distinct_count(&t->accepted) + t->accepted_bare;
}

unsigned long tally_bound(const struct tally *t)
{
    unsigned long most = 0;
    for (size_t i = 0; i < TALLY_KINDS; i++)
        most = t->counts[i].bound > most ? t->counts[i].bound : most;
    return most;
}

bool tally_is_exact(const struct tally *t)
{
    return !t->sessions.about && !t->sessions_before.about && !t->accepted.about && tally_bound(t) == 0;
}
