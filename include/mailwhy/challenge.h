/* The base64 SASL challenge that stands as the reason of some 535 replies: the last thing the server said before the client
 * broke off. "UGFzc3dvcmQ6" is "Password:" (RFC 4954 section 4; the LOGIN mechanism has no RFC). */
#ifndef MAILWHY_CHALLENGE_H
#define MAILWHY_CHALLENGE_H

#include <mailwhy/reply.h>

#define CHALLENGE_TEXT_SIZE 256

enum challenge_step {
    CHALLENGE_NONE,
    CHALLENGE_USERNAME, /* LOGIN, asked for the user name */
    CHALLENGE_PASSWORD, /* LOGIN, asked for the password */
    CHALLENGE_OTHER, /* another mechanism's challenge, or a step that the reply does not name */
    CHALLENGE_STEPS
};

struct challenge {
    enum challenge_step step;
    const char *mechanism; /* "LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM", or NULL: not known; static */
    char text[CHALLENGE_TEXT_SIZE]; /* the challenge decoded, printable ASCII; "" where the reply shows none */
};

/* Find the challenge in an AUTH failure (535, 501, 454), in a 334, or in a text without a code that is a challenge and nothing else. Only what a *server* says is looked at: a client's response never
 * stands in a reply. c->step is CHALLENGE_NONE where there is none. */
void challenge_find(struct challenge *c, const struct reply *r);

/* "username", "password", "other"; NULL for CHALLENGE_NONE. */
const char *challenge_step_name(enum challenge_step step);

#endif
