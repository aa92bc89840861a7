/* What the faces towards the MTA share: who is talking, what is known, and where events go. */
#ifndef MAILWHY_SERVICE_H
#define MAILWHY_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <mailwhy/catalog_slot.h>
#include <mailwhy/event_log.h>
#include <mailwhy/explain.h>
#include <mailwhy/explained.h>
#include <mailwhy/metrics.h>
#include <mailwhy/privacy.h>
#include <mailwhy/session.h>

struct service {
    struct sessions *sessions;
    struct sessions *proxied; /* those that pass through the proxy; not found by their process */
    struct explained *explained_before; /* what the proxy explained, for the reply map */
    struct catalog_slot *catalogs;
    struct explain_options explain;
    struct event_log *log;
    struct metrics *metrics;
    void (*tell)(const char *line); /* takes an event's key=value line to syslog; must not block */
    void (*warn)(int priority, const char *format, ...) __attribute__((format(printf, 2, 3))); /* notes trouble; must not block */
    bool log_refused, log_auth, log_accepted;
    struct privacy privacy; /* how names are written; service_set_key() changes its key */
    pthread_mutex_t privacy_lock;
    const char *host; /* this machine's name, for events whose MTA did not say its own */
    atomic_ulong explained; /* replies that got lines */
    atomic_ulong plain; /* replies that stayed as they were */
    atomic_bool log_broken; /* the last event could not be written */
};

/* Fill in what a session knows. facts NULL: nothing but the host. */
void service_event(const struct service *s, struct event *e, const struct session_facts *facts);

/* Have the names of later events written with this key. */
void service_set_key(struct service *s, const unsigned char key[static PRIVACY_KEY_SIZE]);

/* Let e have the names as they are written. The strings that are new are kept in store, which the caller frees, and which must outlive e. */
void service_hide_names(struct service *s, struct event *e, struct buffer *store);

/* Write the event to the log, and tell syslog, with the names in it as s->privacy has them; e itself keeps its own. A refusal is counted, and
 * only that where s->log_refused does not say so. The first event that cannot be written and the first one after it that can are noted. 0: it stands in the log (with e->ref where with_ref says so); -1: it does not. */
int service_record(struct service *s, struct event *e, bool with_ref);

#endif
