#include <stdlib.h>
#include <string.h>

#include "metrics_counts.h"

const struct metrics_bound metrics_bounds[BUCKETS] = {
    {10000, "1e-05"},   {25000, "2.5e-05"},  {50000, "5e-05"},   {100000, "0.0001"}, {250000, "0.00025"}, {500000, "0.0005"},
    {1000000, "0.001"}, {2500000, "0.0025"}, {5000000, "0.005"}, {10000000, "0.01"}, {100000000, "0.1"},  {1000000000, "1"}};

static void add(counter *c, uint64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

struct metrics *metrics_new(void)
{
    struct metrics *m = calloc(1, sizeof *m);
    if (m) {
        time_t now = time(NULL);
        atomic_init(&m->started, now);
        atomic_init(&m->loaded, now);
    }
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < METRICS_VIAS; i++)
        free(m->vias[i].name);
    for (size_t i = 0; i < METRICS_REASONS; i++)
        free(m->reasons[i].id);
    free(m);
}

/* Whether the place has the name: it had it, or was free and took it. */
static bool is_place(_Atomic(char *) *place, const char *name)
{
    char *there = atomic_load_explicit(place, memory_order_acquire);
    if (!there) {
        char *copy = strdup(name);
        if (!copy)
            return false;
        if (atomic_compare_exchange_strong(place, &there, copy))
            return true;
        free(copy);
    }
    return strcmp(there, name) == 0;
}

static uint32_t hash(const char *s)
{
    uint32_t h = 2166136261U; /* FNV-1a */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619U;
    return h;
}

static void count_reason(struct metrics *m, const char *id)
{
    uint32_t at = hash(id);
    for (size_t i = 0; i < METRICS_REASONS; i++) {
        struct reason *r = &m->reasons[(at + i) % METRICS_REASONS];
        if (is_place(&r->id, id)) {
            add(&r->count, 1);
            return;
        }
    }
    add(&m->other_reasons, 1);
}

uint64_t metrics_reason_count(const struct metrics *m, const char *id)
{
    uint32_t at = hash(id);
    for (size_t i = 0; i < METRICS_REASONS; i++) {
        const struct reason *r = &m->reasons[(at + i) % METRICS_REASONS];
        const char *there = atomic_load_explicit(&r->id, memory_order_acquire);
        if (!there)
            return 0;
        if (strcmp(there, id) == 0)
            return atomic_load_explicit(&r->count, memory_order_relaxed);
    }
    return 0;
}

void metrics_refused(struct metrics *m, int code, const char *via, const char *reason, bool has_session)
{
    size_t i = 0;
    if (!m || code < CODE_MIN || code >= CODE_MIN + CODES)
        return;
    while (i < METRICS_VIAS && !is_place(&m->vias[i].name, via))
        i++;
    add(&m->vias[i].codes[code - CODE_MIN], 1);
    if (reason && *reason)
        count_reason(m, reason);
    else
        add(&m->no_reason, 1);
    if (!has_session)
        add(&m->without_session, 1);
}

void metrics_answered(struct metrics *m, uint64_t nanoseconds)
{
    size_t i = 0;
    if (!m)
        return;
    while (i < BUCKETS && nanoseconds > metrics_bounds[i].nanoseconds)
        i++;
    add(&m->answers[i], 1);
    add(&m->answers_ns, nanoseconds);
}

void metrics_reloaded(struct metrics *m, bool good)
{
    add(good ? &m->reloads_good : &m->reloads_failed, 1);
    atomic_store(&m->last_reload_failed, !good);
    if (good)
        atomic_store(&m->loaded, time(NULL));
}

void metrics_fault(struct metrics *m, enum metrics_fault fault)
{
    if (m)
        add(&m->faults[fault], 1);
}
