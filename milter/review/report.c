#include <mailwhy/report.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MANY_FAILURES 10 /* failed sign-ins of a client that look like guessing, whatever the users */
#define FEW_FAILURES 3 /* of one user from one client: an old password that a program keeps sending */
#define MANY_OTHERS 3 /* users of one client, clients of one user or network: somebody guesses */
#define STEADY_SECONDS 20 /* between two failures of a program with an old password, on average: a guesser has no such patience */

static bool any(const struct report *r, const struct count *c)
{
    (void)r;
    (void)c;
    return true;
}

static enum catalog_who who_of(const struct report *r, const struct count *c)
{
    const struct catalog_reason *reason = catalog_reason_by_id(r->words.catalog, c->name);
    return reason ? reason->who : WHO_COUNT;
}

static bool is_ours(const struct report *r, const struct count *c)
{
    return who_of(r, c) == WHO_RECEIVER_ADMIN;
}

static bool is_ours_there(const struct report *r, const struct count *c)
{
    return who_of(r, c) == WHO_SENDER_ADMIN;
}

static unsigned long others(const struct count *c)
{
    return distinct_count(&c->others);
}

/* One client, one user, again and again, without haste. */
static bool is_old_password(const struct report *r, const struct count *c)
{
    if (others(c) != 1 || c->count < FEW_FAILURES || c->last - c->first < STEADY_SECONDS * (time_t)(c->count - 1))
        return false;
    const struct count *client = counts_find(&r->tally->counts[TALLY_GUESSERS], c->other);
    return !client || others(client) == 1;
}

static bool is_guesser(const struct report *r, const struct count *c)
{
    if (others(c) >= MANY_OTHERS)
        return true;
    if (c->count < MANY_FAILURES)
        return false;
    const struct count *user = c->other ? counts_find(&r->tally->counts[TALLY_GUESSED], c->other) : NULL;
    return !user || !is_old_password(r, user);
}

static bool has_many_others(const struct report *r, const struct count *c)
{
    (void)r;
    return others(c) >= MANY_OTHERS;
}

static bool is_correspondent(const struct report *r, const struct count *c)
{
    return counts_find(&r->tally->counts[TALLY_CORRESPONDENTS], c->name);
}

static const struct question {
    const char *key;
    enum word title, name, other;
    const char *other_key;
    enum tally_kind kind;
    bool trend;
    bool (*takes)(const struct report *r, const struct count *c);
} questions[REPORT_QUESTIONS] = {
    [REPORT_GROUPS] = {"groups", WORD_REFUSALS, WORD_ID, WORD_CLIENTS, "clients", TALLY_GROUPS, false, any},
    [REPORT_REASONS] = {"reasons", WORD_WHY_HERE, WORD_ID, WORD_CLIENTS, "clients", TALLY_REASONS, true, any},
    [REPORT_THEIRS] = {"refused_by_others", WORD_WHY_THERE, WORD_ID, WORD_RECIPIENTS, "recipients", TALLY_THEIRS, true, any},
    [REPORT_LOCAL] = {"refused_here", WORD_WHY_UNDELIVERED, WORD_ID, WORD_RECIPIENTS, "recipients", TALLY_LOCAL, true, any},
    [REPORT_OURS] = {"ours", WORD_OURS_HERE, WORD_ID, WORD_CLIENTS, "clients", TALLY_REASONS, true, is_ours},
    [REPORT_OURS_THERE] = {"ours_elsewhere", WORD_OURS_THERE, WORD_ID, WORD_RECIPIENTS, "recipients", TALLY_THEIRS, true,
                           is_ours_there},
    [REPORT_GUESSERS] = {"guessing_clients", WORD_GUESSERS, WORD_CLIENT, WORD_USERS, "users", TALLY_GUESSERS, false, is_guesser},
    [REPORT_NETWORKS] = {"guessing_networks", WORD_GUESSING_NETWORKS, WORD_NETWORK, WORD_CLIENTS, "clients", TALLY_NETWORKS,
                         false, has_many_others},
    [REPORT_GUESSED] = {"guessed_users", WORD_GUESSED, WORD_USER, WORD_CLIENTS, "clients", TALLY_GUESSED, false, has_many_others},
    [REPORT_OLD_PASSWORDS] = {"old_passwords", WORD_OLD_PASSWORDS, WORD_USER, WORD_CLIENTS, "clients", TALLY_GUESSED, false,
                              is_old_password},
    [REPORT_CORRESPONDENTS] = {"correspondents", WORD_CORRESPONDENTS, WORD_FROM, WORD_COUNT, NULL, TALLY_SENDERS, false,
                               is_correspondent},
    [REPORT_UNKNOWN] = {"unknown", WORD_NOT_IN_CATALOGUE, WORD_REPLY, WORD_COUNT, NULL, TALLY_NOT_KNOWN, false, any},
};

/* The head over the names of what was grouped. */
static const enum word by_heads[BY_COUNT] = {WORD_ID,   WORD_CODE,      WORD_CLIENT, WORD_NETWORK, WORD_USER,
                                             WORD_FROM, WORD_RECIPIENT, WORD_HOUR,   WORD_DAY,     WORD_MTA};

struct trend {
    const struct tally *tally;
    unsigned long *columns;
    int step;
};

/* Where a time stands in the span, in columns. */
static double column_of(const struct tally *t, time_t time)
{
    time = time < t->first ? t->first : time > t->last + 1 ? t->last + 1 : time;
    return (double)REPORT_TREND * (double)(time - t->first) / (double)(t->last + 1 - t->first);
}

/* Add a step's count to the columns that it covers, to each its share. */
static void add_to_trend(void *data, time_t step, unsigned long count)
{
    struct trend *t = data;
    double from = column_of(t->tally, step), to = column_of(t->tally, step + t->step);
    unsigned long done = 0;
    int last = to > from ? (int)(to - 1e-9) : (int)from;
    last = last < REPORT_TREND ? last : REPORT_TREND - 1;
    for (int i = (int)from < last ? (int)from : last; i < last; i++) {
        unsigned long sum = (unsigned long)((double)count * (i + 1 - from) / (to - from));
        t->columns[i] += sum - done;
        done = sum;
    }
    t->columns[last] += count - done;
}

/* 0, or -1 with errno ENOMEM. */
static int fill_row(const struct report *r, const struct question *q, const struct count *c, struct report_row *row)
{
    static const struct catalog_match nothing = {0};
    struct buffer fix = {0};
    bool by_reason = q->name == WORD_ID && (q->kind != TALLY_GROUPS || r->tally->by == BY_REASON);
    *row = (struct report_row){.name = c->name, .count = c->count, .first = c->first, .last = c->last};
    row->others = others(c);
    row->about = c->others.about;
    if (q->trend) {
        row->history = &c->history;
        history_each(&c->history, add_to_trend, &(struct trend){r->tally, row->trend, c->history.step});
    }
    row->reason = by_reason ? catalog_reason_by_id(r->words.catalog, c->name) : NULL;
    if (!row->reason)
        return 0;
    row->text = catalog_reason_text(r->words.catalog, row->reason, r->words.language);
    explain_fill(&fix, row->text->fix, &r->words, &nothing, NULL);
    row->fix = fix.data;
    return buffer_ok(&fix) ? 0 : -1;
}

static int answer(struct report *r, enum report_question which, size_t top)
{
    const struct question *q = &questions[which];
    struct report_section *s = &r->sections[which];
    bool by_reason = which == REPORT_GROUPS && r->tally->by == BY_REASON;
    size_t count;
    *s = (struct report_section){q->key, q->title, q->name, q->other, q->other_key, .trend = q->trend};
    if (!q->other_key)
        s->other = WORD_COUNT;
    if (which == REPORT_GROUPS)
        s->name = by_heads[r->tally->by];
    struct count **all = counts_sorted(&r->tally->counts[by_reason ? TALLY_REASONS : q->kind], &count);
    int result = 0;
    s->rows = calloc(count < top ? count + 1 : top, sizeof *s->rows);
    if (!s->rows)
        result = -1;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (!q->takes(r, all[i]))
            continue;
        if (s->count == top)
            s->more++;
        else
            result = fill_row(r, q, all[i], &s->rows[s->count++]);
    }
    g_free(all);
    return result;
}

int report_make(struct report *r, const struct tally *tally, const struct explain_words *words, const struct report_lost *lost,
                time_t now, size_t top)
{
    *r = (struct report){.tally = tally, .words = *words, .lost = *lost, .now = now};
    r->sessions = distinct_count(&tally->sessions);
    r->sessions_before = distinct_count(&tally->sessions_before);
    r->accepted = tally_accepted(tally);
    r->exact = tally_is_exact(tally);
    r->bound = tally_bound(tally);
    for (int i = 0; i < REPORT_QUESTIONS; i++) {
        if (answer(r, (enum report_question)i, top) == -1) {
            report_free(r);
            errno = ENOMEM;
            return -1;
        }
    }
    return 0;
}

void report_free(struct report *r)
{
    for (size_t i = 0; i < REPORT_QUESTIONS; i++) {
        for (size_t k = 0; k < r->sections[i].count; k++)
            free(r->sections[i].rows[k].fix);
        free(r->sections[i].rows);
    }
    *r = (struct report){0};
}

const char *report_time(time_t time, char out[static REPORT_TIME_SIZE])
{
    struct tm tm;
    if (!gmtime_r(&time, &tm) || !strftime(out, REPORT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
        *out = '\0';
    return out;
}
