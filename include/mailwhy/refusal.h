/* A refusal on its way to a client: what every face towards the MTA does with one. */
#ifndef MAILWHY_REFUSAL_H
#define MAILWHY_REFUSAL_H

#include <mailwhy/service.h>

/* Put a refusal that explain_recognise() has looked at in the log, and then compose what is added to it, with its reference. e has what the face
 * knows (service_event(), via, stage, reply); what the reply says is filled in. As explain_compose(): 0, 1 for nothing to add, -1 with errno ENOMEM.
 * e->ref is the reference that stands in the log; "" for none. */
int refusal_explain(struct service *s, struct explanation *x, struct event *e, const struct reply *reply,
                    const struct session_facts *facts, const struct catalog *catalog);

/* The same without the lines: the event alone, with a reference where with_ref says so. */
void refusal_log(struct service *s, const struct explanation *x, struct event *e, const struct reply *reply,
                 const struct session_facts *facts, bool with_ref);

#endif
