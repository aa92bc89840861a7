#include <mailwhy/counts.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHTS 1024
#define STEPS_MAX 4096 /* of a step that can be made longer */
#define HOURS_MAX 65536 /* seven years: a log with more is none of a mail server */

static void count_free(void *data)
{
    struct count *c = data;
    distinct_free(&c->others);
    g_free(c->other);
    if (c->history.table)
        g_hash_table_destroy(c->history.table);
    g_free(c);
}

void counts_begin(struct counts *c, const struct distinct_size *others)
{
    *c = (struct counts){.table = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, count_free), .others = others};
}

void counts_end(struct counts *c)
{
    if (c->table)
        g_hash_table_destroy(c->table);
    *c = (struct counts){0};
}

static struct count **all_of(const struct counts *c, size_t *count)
{
    GHashTableIter iter;
    void *value;
    size_t n = 0;
    struct count **all = g_new(struct count *, g_hash_table_size(c->table) + 1);
    g_hash_table_iter_init(&iter, c->table);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        all[n++] = value;
    *count = n;
    return all;
}

static unsigned long weight(const struct count *c)
{
    return c->count + c->missed;
}

/* The weight that half of them have at most; WEIGHTS where it is more. */
static unsigned long middle_weight(struct count *const *all, size_t count)
{
    size_t of[WEIGHTS] = {0}, sum = 0;
    for (size_t i = 0; i < count; i++)
        of[weight(all[i]) < WEIGHTS ? weight(all[i]) : 0]++;
    for (unsigned long w = 1; w < WEIGHTS; w++)
        if ((sum += of[w]) >= count / 2)
            return w;
    return WEIGHTS;
}

static int by_weight(const void *a, const void *b)
{
    unsigned long x = weight(*(struct count *const *)a), y = weight(*(struct count *const *)b);
    return (x > y) - (x < y);
}

/* Drop the rarer half. */
static void prune(struct counts *c)
{
    size_t count, dropped = 0;
    struct count **all = all_of(c, &count);
    unsigned long most = middle_weight(all, count);
    if (most == WEIGHTS) { /* all are heavy */
        qsort(all, count, sizeof *all, by_weight);
        most = weight(all[count / 2]);
    }
    for (size_t i = 0; i < count && dropped < count / 2; i++) {
        if (weight(all[i]) > most)
            continue;
        c->bound = weight(all[i]) > c->bound ? weight(all[i]) : c->bound;
        g_hash_table_remove(c->table, &all[i]->hash);
        dropped++;
    }
    g_free(all);
}

static struct count *insert(struct counts *c, uint64_t hash, const char *name, size_t len)
{
    if (g_hash_table_size(c->table) >= COUNTS_MAX)
        prune(c);
    struct count *new = g_malloc0(sizeof *new + len + 1);
    new->hash = hash;
    new->missed = c->bound;
    memcpy(new->name, name, len);
    g_hash_table_insert(c->table, &new->hash, new);
    return new;
}

static size_t kept_length(const char *name)
{
    return strnlen(name, COUNTS_NAME_MAX);
}

struct count *counts_get(struct counts *c, const char *name, time_t time)
{
    if (!name || !*name)
        return NULL;
    size_t len = kept_length(name);
    uint64_t hash = distinct_hash(name, len);
    struct count *found = g_hash_table_lookup(c->table, &hash);
    if (!found)
        found = insert(c, hash, name, len);
    found->first = found->first && found->first < time ? found->first : time;
    found->last = found->last > time ? found->last : time;
    return found;
}

struct count *counts_add(struct counts *c, const char *name, time_t time)
{
    struct count *count = counts_get(c, name, time);
    if (count)
        count->count++;
    return count;
}

void counts_note_other(const struct counts *c, struct count *count, const char *name)
{
    if (!count || !name || !*name)
        return;
    if (!count->other)
        count->other = g_strndup(name, COUNTS_NAME_MAX);
    distinct_add(&count->others, c->others, distinct_hash(name, kept_length(name)));
}

/* A second, a minute, five, an hour. */
static int longer(int step)
{
    return step == 1 ? 60 : step == 60 ? 300 : 3600;
}

/* A step as a key, and back. */
static void *key_of(long at)
{
    static_assert(sizeof(long) == sizeof(void *), "a pointer holds any time");
    return (void *)(intptr_t)at;
}

static long step_of(const void *key)
{
    return (long)(intptr_t)key;
}

static void add_step(struct history *h, long at, unsigned count);

/* Make the steps longer, and add up what falls into one. */
static void lengthen(struct history *h, int step)
{
    GHashTable *old = h->table;
    GHashTableIter iter;
    void *at, *count;
    int factor = step / h->step;
    h->table = NULL;
    h->step = step;
    h->last /= factor;
    if (!old)
        return;
    g_hash_table_iter_init(&iter, old);
    while (g_hash_table_iter_next(&iter, &at, &count))
        add_step(h, step_of(at) / factor, GPOINTER_TO_UINT(count));
    g_hash_table_destroy(old);
}

static void add_step(struct history *h, long at, unsigned count)
{
    if (!h->table)
        h->table = g_hash_table_new(g_direct_hash, g_direct_equal);
    void *key = key_of(at);
    unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(h->table, key));
    if (!before && h->step < 3600 && g_hash_table_size(h->table) >= STEPS_MAX) {
        int step = longer(h->step);
        at /= step / h->step;
        lengthen(h, step);
        add_step(h, at, count);
    } else if (before || g_hash_table_size(h->table) < HOURS_MAX) {
        g_hash_table_insert(h->table, key, GUINT_TO_POINTER(before + count));
    }
}

/* Put the step that came last into the table. */
static void settle(struct history *h)
{
    unsigned count = h->count;
    h->count = 0;
    if (count)
        add_step(h, h->last, count);
}

void count_note_time(struct count *c, time_t time)
{
    if (!c)
        return;
    struct history *h = &c->history;
    if (!h->step)
        h->step = 1;
    if (time / h->step != h->last)
        settle(h);
    h->last = time / h->step; /* settling may have made it another */
    h->count++;
}

void history_each(const struct history *h, void (*take)(void *data, time_t step, unsigned long count), void *data)
{
    GHashTableIter iter;
    void *at, *count;
    if (h->count)
        take(data, (time_t)h->last * h->step, h->count);
    if (!h->table)
        return;
    g_hash_table_iter_init(&iter, h->table);
    while (g_hash_table_iter_next(&iter, &at, &count))
        take(data, (time_t)step_of(at) * h->step, GPOINTER_TO_UINT(count));
}

static void merge_step(void *data, time_t step, unsigned long count)
{
    struct history *h = data;
    add_step(h, step / h->step, (unsigned)count);
}

static void merge_history(struct history *h, struct history *other)
{
    settle(h);
    if (!other->step)
        return;
    if (!h->step)
        h->step = other->step;
    else if (h->step < other->step)
        lengthen(h, other->step);
    history_each(other, merge_step, h);
}

static void merge_count(struct count *c, struct count *other, const struct distinct_size *others)
{
    c->count += other->count;
    c->missed += other->missed;
    c->first = c->first < other->first ? c->first : other->first;
    c->last = c->last > other->last ? c->last : other->last;
    distinct_merge(&c->others, others, &other->others);
    if (!c->other)
        c->other = g_steal_pointer(&other->other);
    merge_history(&c->history, &other->history);
}

void counts_merge(struct counts *c, struct counts *other)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, c->table);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (!g_hash_table_contains(other->table, value))
            ((struct count *)value)->missed += other->bound;
    g_hash_table_iter_init(&iter, other->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct count *ours = g_hash_table_lookup(c->table, value);
        if (ours) {
            merge_count(ours, value, c->others);
            continue;
        }
        g_hash_table_iter_steal(&iter);
        ((struct count *)value)->missed += c->bound;
        g_hash_table_insert(c->table, value, value);
    }
    c->bound += other->bound;
    counts_end(other);
    while (g_hash_table_size(c->table) > COUNTS_MAX)
        prune(c);
}

const struct count *counts_find(const struct counts *c, const char *name)
{
    uint64_t hash = distinct_hash(name, kept_length(name));
    return g_hash_table_lookup(c->table, &hash);
}

static int by_count(const void *a, const void *b)
{
    const struct count *x = *(struct count *const *)a, *y = *(struct count *const *)b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

struct count **counts_sorted(const struct counts *c, size_t *count)
{
    struct count **all = all_of(c, count);
    qsort(all, *count, sizeof *all, by_count);
    return all;
}
