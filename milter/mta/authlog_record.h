/* What becomes of a line of the mail log that tells of a refusal: its event. */
#ifndef AUTHLOG_RECORD_H
#define AUTHLOG_RECORD_H

#include <stdbool.h>

#include <mailwhy/event.h>
#include <mailwhy/service.h>

bool authlog_is_postfix(const struct event *failure);
bool authlog_is_sign_in(const struct event *failure); /* one that failed */

/* The session that a line of Sendmail is about, with a reference for session_release(). NULL: it is over, or not known; or the line is Postfix's. */
struct session *authlog_session(struct service *s, const struct event *failure);

/* Copy what the session knows of the message that the line is about, and the line does not say; both are the caller's, and untouched where there is none. */
void authlog_message(struct session *session, const struct event *failure, char **sender, char **recipient);

/* The event of the reply map, turned into the one that says who the user was, of which failure. */
void authlog_record_user(struct service *s, const struct event *failure, const struct event *seen);

/* An event of its own, with what its session knows: the one given, else one that is found. A refusal that was explained before has one, and none
 * is written of a line without a client whose session is not known: it may be about mail that a program here handed in. 0; -1: it could not be written. */
int authlog_record(struct service *s, const struct event *failure, struct session *session);

#endif
