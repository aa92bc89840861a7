/* What a review counts of the events of a span of time. All is exact up to TALLY_NAMES names of a kind; of more only the sum is kept, and overflow says
 * so. */
#ifndef TALLY_H
#define TALLY_H

#include <stdbool.h>
#include <time.h>

#include <glib.h>

#include <mailwhy/catalog.h>
#include <mailwhy/event.h>
#include <mailwhy/maillog.h>

#define TALLY_NAMES 50000

/* How often something came, and from when to when. */
struct tally_count {
    char *name;
    unsigned long count;
    time_t first, last;
    GHashTable *others; /* names that came with it: of a reason and a user its clients, of a client its users; NULL: none */
    GHashTable *hours; /* of a reason: hour since the Epoch -> how often */
};

/* What events are grouped by. */
enum tally_by { BY_REASON, BY_CODE, BY_CLIENT, BY_NETWORK, BY_USER, BY_SENDER, BY_RECIPIENT, BY_HOUR, BY_DAY, BY_MTA, BY_COUNT };
extern const char *const tally_by_names[BY_COUNT];

struct tally {
    const struct catalog *catalog;
    enum tally_by by;
    time_t since, until; /* until 0: open */
    time_t length; /* of the span before since that it is compared with */
    unsigned long refused, accepted, deliveries, lost;
    unsigned long sessions, sessions_before; /* with refusals; in the span, and in one as long before it */
    time_t first, last;
    GHashTable *groups; /* by what was asked for */
    GHashTable *reasons; /* refusals by this server */
    GHashTable *theirs; /* deliveries that other servers refused, by reason */
    GHashTable *guessing; /* clients with failed AUTH */
    GHashTable *guessed; /* users with failed AUTH */
    GHashTable *senders; /* with refused mail */
    GHashTable *correspondents; /* with accepted mail */
    GHashTable *unknown; /* replies that the catalogue does not know, without what changes in them */
    GHashTable *known; /* such a reply -> its reason's id, or "" */
    GHashTable *seen, *seen_before; /* sessions */
    GHashTable *queued; /* ids of accepted messages */
    bool overflow;
};

void tally_begin(struct tally *t, const struct catalog *catalog, enum tally_by by);
void tally_end(struct tally *t);

/* Count an event of that kind. The event's reason is looked up where it has none. */
void tally_add(struct tally *t, struct event *e, enum maillog_kind kind);

/* The reason of an event: its own, else the catalogue's for its reply; "" for none. */
const char *tally_reason(struct tally *t, const struct event *e);

/* The counts of a table, the greatest first. The array is the caller's to free; the counts stay the table's. */
struct tally_count **tally_sorted(GHashTable *table, size_t *count);

/* "192.0.2.0/24", "2001:db8::/64" (in its long form). NULL: no address. The caller frees it. */
char *tally_network(const char *address);

#endif
