/* Finding the reply within a line of text: a line of a Postfix, Sendmail or Exim log, of a bounce, or the reply itself. */
#ifndef MAILWHY_REPLY_FIND_H
#define MAILWHY_REPLY_FIND_H

#include <stddef.h>

#include <mailwhy/buffer.h>

struct reply_found {
    struct buffer reply; /* for reply_parse_bare(): its lines end with LF but the last; it lacks a code where the line has none */
    const char *client; /* the address of the client that was refused, within the line; NULL: the line doesn't say */
    size_t client_len;
};

/* Look for a reply in one line (without its end). 1; 0: there is none; -1: errno ENOMEM. found is the caller's to clear: what it held is gone. */
int reply_find(struct reply_found *found, const char *line, size_t len);

/* The same for a text that is known to begin with "AUTH failure (" (Sendmail), or with "warning: name[address]: SASL " (Postfix): whatever the user's
 * name in it is, it is taken for nothing else. */
int reply_find_sign_in(struct reply_found *found, const char *text, size_t len);

/* Likewise for a text that begins with "ruleset=" or "Milter" (Sendmail). */
int reply_find_sendmail_reject(struct reply_found *found, const char *text, size_t len);

/* Likewise for a text of Postfix's servers that reply_told() knows. */
int reply_find_postfix_told(struct reply_found *found, const char *text, size_t len);

/* Likewise for one of what the server behind smtpd_proxy_filter said: "QUEUEID: proxy-reject: ", "warning: proxy ". */
int reply_find_postfix_proxy(struct reply_found *found, const char *text, size_t len);

void reply_found_free(struct reply_found *found);

#endif
