/* Replies that were explained before they reach the reply map: what the proxy handed to an MTA, which asks about the very same reply again.
 *
 * The last 16384 are remembered, by what they say: apart from codes, which an MTA may change (soft_bounce), and octets that are not printable, for which
 * Postfix shows blanks. Any thread may ask and add. */
#ifndef MAILWHY_EXPLAINED_H
#define MAILWHY_EXPLAINED_H

#include <stdbool.h>

#include <mailwhy/reply.h>

struct explained;

struct explained *explained_new(void); /* NULL with errno */
void explained_free(struct explained *x);

void explained_add(struct explained *x, const struct reply *reply);

/* Whether that whole reply was added: not one that merely has a line of it. */
bool explained_has(struct explained *x, const struct reply *reply);

#endif
