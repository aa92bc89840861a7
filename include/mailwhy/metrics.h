/* What mailwhyd counts, for those who watch over it. Any thread may count, without a lock; where there are no metrics (NULL), nothing is. */
#ifndef MAILWHY_METRICS_H
#define MAILWHY_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include <mailwhy/buffer.h>

struct metrics;
struct service;

enum metrics_fault {
    FAULT_MAP_NAME, /* a request for a map that there is not */
    FAULT_NOT_A_REPLY, /* a key that is no reply */
    FAULT_MEMORY, /* no memory for an explanation */
    FAULT_LOG_REOPEN, /* the event log could not be opened anew */
    FAULT_KEY, /* the key of the names could not be read again */
    FAULT_COUNT
};

struct metrics *metrics_new(void); /* NULL with errno ENOMEM */
void metrics_free(struct metrics *m); /* nobody may count any more */

/* Count a refusal: its code, how it came ("socketmap", "wrap:NAME"), the id of its reason (NULL: none), and whether its session was known. Of via
 * METRICS_VIAS different ones are told apart, of reasons METRICS_REASONS; what is beyond is counted as "other". */
#define METRICS_VIAS 16
#define METRICS_REASONS 1024
void metrics_refused(struct metrics *m, int code, const char *via, const char *reason, bool has_session);

/* Count an answer of the reply map, which took so many nanoseconds. */
void metrics_answered(struct metrics *m, uint64_t nanoseconds);

/* Count that the catalogue was loaded anew, or could not be. */
void metrics_reloaded(struct metrics *m, bool good);
void metrics_fault(struct metrics *m, enum metrics_fault fault);

/* Append all that is counted, and what the service is like now, in the text format of Prometheus (version 0.0.4). Where there is no memory out
 * says so (buffer_ok()). */
void metrics_text(const struct service *s, struct buffer *out);

#endif
