/* What stands in the event log of failed sign-ins that the reply map was asked about, of what Sendmail refused, and what was written of the mail log. */
#ifndef AUTHLOG_SEEN_H
#define AUTHLOG_SEEN_H

#include <stdbool.h>

#include <mailwhy/event.h>
#include <mailwhy/follow.h>

struct authlog_seen;

/* Read the event log: its end, and then on from the place (NULL: from the end on). What was written of the mail log behind the place is kept for
 * authlog_seen_written(). NULL with errno. */
struct authlog_seen *authlog_seen_new(const char *event_log, const struct follow_position *from);
void authlog_seen_free(struct authlog_seen *s); /* NULL is allowed */

/* Read on, to the end of the event log. 0, or -1 with errno. */
int authlog_seen_read(struct authlog_seen *s);

/* Where that is. */
void authlog_seen_position(const struct authlog_seen *s, struct follow_position *p);

/* Whether an event was written for this failure before the last end. It is then kept no longer, and neither are those before it, whose lines are gone from the
 * log. */
bool authlog_seen_written(struct authlog_seen *s, const struct event *failure);

/* Keep none of these any longer: the lines that are read now are new ones. */
void authlog_seen_forget_written(struct authlog_seen *s);

/* The event of this failure that was not written of the log: on Postfix the reply map's, of the same process and client, at about its time; on Sendmail
 * one of the same code and client, whose reference failure->ref is; where that is "", one of the same message or client at about its time. The failure's
 * names are as they are written. Each is given once. Its strings live until the next call. 1; 0: there is none, or not yet; -1: errno ENOMEM. */
int authlog_seen_claim(struct authlog_seen *s, const struct event *failure, struct event *e);

#endif
