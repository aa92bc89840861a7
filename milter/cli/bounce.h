/* Bounce messages: delivery status notifications (RFC 3464), and those that only say in words what happened. */
#ifndef BOUNCE_H
#define BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "asked.h"

/* Whether the text begins as a message does: with a header field. */
bool bounce_is_message(const char *text, size_t len);

/* Add the replies that the message reports. 1; 0: there are none in it, and it is no report of a delivery that went well; -1: errno ENOMEM. */
int bounce_read(struct asked *a, const char *text, size_t len);

#endif
