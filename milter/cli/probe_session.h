/* The connection of a probe: from the first reply to QUIT. */
#ifndef PROBE_SESSION_H
#define PROBE_SESSION_H

#include "probe_plan.h"
#include "smtp_client.h"

#define PROBE_SAID_MAX 200 /* octets of what the server said that are shown with a fault */

struct probe_session {
    struct smtp_client *client;
    struct tls_options tls;
    struct buffer helo; /* our name */
    struct buffer said; /* the last reply outside of a step; with a fault, what the server said */
    struct reply reply; /* in said */
    const char *mechanism; /* of a sign-in; NULL: none is offered */
    bool ended; /* no more can be sent */
};

/* Connect, say EHLO, begin TLS as the options ask for it. EX_OK; EX_UNAVAILABLE, EX_PROTOCOL: p->fault says what happened. */
int probe_session_begin(struct probe *p);

/* Play a step, where the connection lasts, and fill its result in. What ends the connection but a 421 is in p->fault. */
void probe_session_play(struct probe *p, struct probe_result *r);

bool probe_session_is_local(const struct probe_session *s);
void probe_session_quit(struct probe *p);
void probe_session_end(struct probe_session *s);

#endif
