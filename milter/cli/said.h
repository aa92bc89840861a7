/* What the catalogue says of an event. */
#ifndef SAID_H
#define SAID_H

#include <mailwhy/catalog.h>
#include <mailwhy/event.h>
#include <mailwhy/reply.h>

struct said {
    struct reply reply; /* the event's; without lines where it has none */
    struct catalog_match match; /* of the reply */
    const struct catalog_reason *reason; /* the event's; NULL: it has none, or the catalogue doesn't have it */
    const struct catalog_text *text; /* NULL: nothing is known */
};

/* Look it up; catalog NULL: nothing is known. What is found lives as long as the catalogue, the event and this. */
void said_of(struct said *s, const struct event *e, const struct catalog *catalog, const char *language);

/* The id of the event's reason, or of what its reply matches; "" for none. */
const char *said_reason(const struct said *s, const struct event *e);
void said_free(struct said *s);

#endif
