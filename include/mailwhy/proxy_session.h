/* What a milter proxy knows of a session, from the milter protocol's commands that pass by.
 *
 * A milter is told what it asked for, so some of it may be missing: where mailwhyd's own milter sees the same session too, that is filled in from
 * there. For the thread of the proxy alone. */
#ifndef MAILWHY_PROXY_SESSION_H
#define MAILWHY_PROXY_SESSION_H

#include <mailwhy/milter_frame.h>
#include <mailwhy/service.h>
#include <mailwhy/session.h>

#define PROXY_SESSION_WANTED "CDHMR" /* commands whose whole frames are looked at; of the others only that they begin */

struct proxy_session {
    struct service *service;
    struct session *session;
    char macros_for; /* the command that the macros that came last are for; 0: it has come */
    char asked; /* the command that the milter has the turn to answer; 0: none */
    bool refused_already; /* the recipient under way is one that the MTA itself refused, and the milter is only told of */
};

/* What is known, put together: a view that lives until proxy_session_leave(), and the session that lends it some, with its lock held. */
struct proxy_view {
    struct session_facts facts;
    struct session *lent; /* NULL: none */
};

/* Begin a session, with the catalogue of the moment. 0, or -1 with errno ENOMEM. */
int proxy_session_begin(struct proxy_session *p, struct service *service);
void proxy_session_end(struct proxy_session *p); /* one that was not begun too, where all of it is zero */

/* A frame of the MTA, or the beginning of one, goes to the milter. 0, or -1 with errno ENOMEM: another session should begin, and cannot. */
int proxy_session_see(struct proxy_session *p, const struct frame *f);

/* The milter answers: whether that is the answer to what it was asked, and one that the MTA passes on to its client. */
bool proxy_session_answers(const struct proxy_session *p);

/* An answer of that kind has gone to the MTA; refused: it was a refusal. */
void proxy_session_answered(struct proxy_session *p, char answer, bool refused);

void proxy_session_view(struct proxy_session *p, struct proxy_view *view);
void proxy_session_leave(struct proxy_view *view);

#endif
