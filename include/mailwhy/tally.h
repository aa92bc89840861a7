/* What a review counts of the events of a span of time. */
#ifndef MAILWHY_TALLY_H
#define MAILWHY_TALLY_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include <mailwhy/catalog.h>
#include <mailwhy/counts.h>
#include <mailwhy/distinct.h>
#include <mailwhy/event.h>
#include <mailwhy/maillog.h>

#define TALLY_UNKNOWN "-" /* the reason of what the catalogue does not know */

/* What events are grouped by. */
enum tally_by { BY_REASON, BY_CODE, BY_CLIENT, BY_NETWORK, BY_USER, BY_SENDER, BY_RECIPIENT, BY_HOUR, BY_DAY, BY_MTA, BY_COUNT };
extern const char *const tally_by_names[BY_COUNT];

/* The events that are counted. */
struct tally_span {
    time_t since, until; /* 0: open */
    time_t
        before; /* refused sessions are counted from then on too, for comparison; since where there is nothing to compare with */
};

/* Names that are counted, each with what is noted beside it. */
enum tally_kind {
    TALLY_GROUPS, /* refusals by what was asked for; clients */
    TALLY_REASONS, /* refusals by this server, by reason; clients, history */
    TALLY_THEIRS, /* deliveries that other servers refused, by reason; recipients, history */
    TALLY_LOCAL, /* deliveries that an agent of this host refused, likewise */
    TALLY_GUESSERS, /* failed AUTH, by client; users */
    TALLY_NETWORKS, /* failed AUTH, by network; clients */
    TALLY_GUESSED, /* failed AUTH, by user; clients */
    TALLY_SENDERS, /* refused mail, by sender */
    TALLY_CORRESPONDENTS, /* accepted mail, by sender */
    TALLY_NOT_KNOWN, /* replies that the catalogue does not know, as mask_for_people() has them */
    TALLY_KINDS
};

struct tally {
    const struct catalog *catalog;
    pthread_mutex_t *matching; /* held while the catalogue is used; not ours */
    enum tally_by by;
    struct tally_span span;
    unsigned long refused, deliveries, local, lost;
    struct distinct sessions, sessions_before; /* with refusals; in the span, and before it */
    struct distinct accepted; /* messages, by queue id */
    unsigned long accepted_bare; /* of events without one */
    time_t first, last;
    struct counts counts[TALLY_KINDS];
    GHashTable *known; /* the hash of a masked reply -> its reason's id, "" for none */
};

void tally_begin(struct tally *t, const struct catalog *catalog, pthread_mutex_t *matching, enum tally_by by,
                 const struct tally_span *span);
void tally_end(struct tally *t);

/* Count an event of that kind. */
void tally_add(struct tally *t, const struct event *e, enum maillog_kind kind);

/* The reason of an event: its own, else the catalogue's for its reply; "" for none. */
const char *tally_reason(struct tally *t, const struct event *e);

/* Add what another counted, which is empty then. */
void tally_merge(struct tally *t, struct tally *other);

/* Whether anything was refused, here or elsewhere. */
bool tally_any(const struct tally *t);

unsigned long tally_accepted(const struct tally *t);

/* Whether some number is an estimate, or too low by so many at most. */
bool tally_is_exact(const struct tally *t);
unsigned long tally_bound(const struct tally *t);

#endif
