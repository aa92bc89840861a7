/* The counters behind the metrics. */
#ifndef METRICS_COUNTS_H
#define METRICS_COUNTS_H

#include <stdatomic.h>
#include <time.h>

#include <mailwhy/metrics.h>

#define CODE_MIN 400
#define CODES 200 /* 400 to 599 */
#define BUCKETS 12 /* of the answers' times; one more is for those beyond */

typedef _Atomic uint64_t counter;

struct via {
    _Atomic(char *) name; /* NULL: free */
    counter codes[CODES];
};

struct reason {
    _Atomic(char *) id; /* NULL: free */
    counter count;
};

struct metrics {
    struct via vias[METRICS_VIAS + 1]; /* the last is for all others */
    struct reason reasons[METRICS_REASONS]; /* a hash table with linear probing */
    counter no_reason, other_reasons;
    counter without_session;
    counter answers[BUCKETS + 1], answers_ns;
    counter reloads_good, reloads_failed;
    atomic_bool last_reload_failed;
    _Atomic time_t started, loaded;
    counter faults[FAULT_COUNT];
};

/* The upper bounds of the buckets. */
struct metrics_bound {
    uint64_t nanoseconds;
    const char *seconds;
};
extern const struct metrics_bound metrics_bounds[BUCKETS];

uint64_t metrics_reason_count(const struct metrics *m, const char *id);

#endif
