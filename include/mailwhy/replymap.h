/* The reply map: what a socketmap request is answered with. Map names: PID or PID@HOST (Postfix: the footer template for the reply that is
 * the key), "sendmail" (Sendmail's rulesets: ruleset_map.h), "status" (one line on the daemon's health). */
#ifndef MAILWHY_REPLYMAP_H
#define MAILWHY_REPLYMAP_H

#include <mailwhy/service.h>
#include <mailwhy/socketmap.h>

struct replymap;

struct replymap *replymap_new(struct service *service); /* NULL with errno ENOMEM */
void replymap_free(struct replymap *r);

/* For socketmap_new(), with a struct replymap as its context. */
socketmap_answer replymap_answer;

#endif
