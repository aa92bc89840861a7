/* One event, for people to read. */
#ifndef REF_VIEW_H
#define REF_VIEW_H

#include <mailwhy/catalog.h>
#include <mailwhy/event.h>
#include <mailwhy/event_session.h>

#include "page.h"

/* Print the event, the other events of its session, and what the catalogue (NULL: there is none) says of its reason, or of its code where it has none. 0, or -1 with errno ENOMEM. */
int ref_view(const struct page *p, const struct event *e, const struct event_session *session, const struct catalog *catalog,
             const char *language);

#endif
