/* Loading the catalogue anew, in a thread of its own: what must answer within milliseconds does not wait for it. */
#ifndef MAILWHY_RELOAD_H
#define MAILWHY_RELOAD_H

#include <mailwhy/catalog.h>
#include <mailwhy/catalog_slot.h>
#include <mailwhy/metrics.h>

struct reloader;

/* All three must outlive it. NULL with errno. */
struct reloader *reloader_new(struct catalog_slot *slot, const struct catalog_source *source, struct metrics *metrics);

/* Load and publish soon; a catalogue with faults is noted, and the one of the moment stays. Tells systemd of it. */
void reloader_ask(struct reloader *r);
void reloader_free(struct reloader *r);

#endif
