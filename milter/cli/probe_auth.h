/* A sign-in with a user and a password that nobody has, made up at random. Neither is ever shown. */
#ifndef PROBE_AUTH_H
#define PROBE_AUTH_H

#include <stdbool.h>

#include <mailwhy/buffer.h>
#include <mailwhy/reply.h>

#define PROBE_AUTH_LINES 3

struct probe_auth {
    char lines[PROBE_AUTH_LINES][160]; /* to be sent, each after a 334; "" behind the last */
    char user[64], password[40];
};

/* The best of the known mechanisms that the reply to EHLO offers: "PLAIN", "LOGIN"; NULL: none. */
const char *probe_auth_mechanism(const struct reply *ehlo);

/* Make up the lines of a sign-in. The user's domain is example.invalid (RFC 6761). 0, or -1: there are no random numbers. */
int probe_auth_make(struct probe_auth *a, const char *mechanism);

/* Blot out, in what a server answered, what was made up. */
void probe_auth_blot(const struct probe_auth *a, struct buffer *text);

/* Whether the reply to EHLO has this keyword; its parameters, up to the line's end, are set where params is not NULL. */
bool probe_offers(const struct reply *ehlo, const char *keyword, struct reply_line *params);

#endif
