/* The events of failed sign-ins that a mail log tells of. */
#ifndef AUTHLOG_RECORD_H
#define AUTHLOG_RECORD_H

#include <mailwhy/service.h>

/* Whether it is Postfix's, of which the reply map has an event, too. */
bool authlog_is_postfix(const struct event *failure);

/* Write the event that says who the user of the reply map's event seen was. */
void authlog_record_user(struct service *s, const struct event *failure, const struct event *seen);

/* Write an event of its own, with what its session knows where that is still open. 0, or -1: it is not written. */
int authlog_record_failure(struct service *s, const struct event *failure);

#endif
