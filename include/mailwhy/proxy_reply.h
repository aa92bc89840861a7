/* What stands in the place of a milter's refusal: the same reply with our lines behind its own.
 *
 * SMFIR_REPLYCODE: its lines stay as they are, octet for octet, but for the hyphen that says that more follow. SMFIR_REJECT and SMFIR_TEMPFAIL become
 * the reply that the MTA would give by itself, where the catalogue knows what a filter's refusal without a reason is, and where the MTA takes the
 * one for the other: Sendmail does not at CONNECT and HELO. What a milter replies at CONNECT Sendmail shows no client: it is logged without a
 * reference, and stays as it is. So does a reply that the MTA would not take either (of another class than its enhanced code, with a '%' that is not
 * doubled, not a reply at all), or that has no room for more lines. */
#ifndef MAILWHY_PROXY_REPLY_H
#define MAILWHY_PROXY_REPLY_H

#include <mailwhy/milter_frame.h>
#include <mailwhy/proxy_session.h>
#include <mailwhy/service.h>

#define PROXY_REPLY_WANTED "rty" /* answers whose whole frames are looked at */
#define PROXY_REPLY_LINES_MAX 32 /* of libmilter's smfi_setmlreply() */

/* What is used again for each refusal; all zero at the start. */
struct proxy_reply {
    struct service *service;
    struct explanation explanation;
    struct buffer text; /* the milter's reply as its client would see it */
    struct buffer whole; /* with our lines */
    struct buffer frame;
};

/* Log a refusal, of a milter that is known as via ("wrap:NAME"), in the session, and explain it. True: r->frame goes to the MTA in its place. False: it
 * goes as it came. */
bool proxy_reply_explain(struct proxy_reply *r, struct proxy_session *session, const char *via, const struct frame *f);

void proxy_reply_free(struct proxy_reply *r);

#endif
