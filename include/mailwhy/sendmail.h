/* What the milter does for Sendmail alone, which has no reply map for what its own code refuses. */
#ifndef MAILWHY_SENDMAIL_H
#define MAILWHY_SENDMAIL_H

#include <stdbool.h>

#include <mailwhy/buffer.h>
#include <mailwhy/service.h>

/* Whether the macro v is Sendmail's: a bare version number. NULL: no. */
bool sendmail_is(const char *version);

/* Keep the macro v as the session's MTA, Sendmail with its name: "Sendmail 8.17.1". For one who has the session's lock. */
void sendmail_name_mta(struct session *session, const char *version);

/* The process that the queue id, the macro i, names: what stands behind its eight characters of time. 0: none; it may be NULL. */
long sendmail_pid(const char *queue_id);

/* An unknown command: 500 5.5.1. Explain it for this session, which the caller has locked; x, empty at first, has the lines that come after text, or,
 * where it joins, on the same line. 0; else there is nothing to add, and Sendmail's own reply is as good. */
int sendmail_unknown(struct service *s, struct session *session, struct explanation *x, const char **text);

/* A recipient that Sendmail itself has refused, as its macros {rcpt_host} (the enhanced code) and {rcpt_addr} (the text) tell: it can be logged, and no
 * more. */
void sendmail_rcpt_refused(struct service *s, struct session *session, const char *enhanced, const char *text);

#endif
