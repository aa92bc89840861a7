/* What the finders of reply_find() share. Each looks for a reply in a line as one program writes it; what it found of a line that is none of its own does
 * not count. */
#ifndef REPLY_FIND_FINDERS_H
#define REPLY_FIND_FINDERS_H

#include <stdbool.h>
#include <string.h>

#include <mailwhy/reply_find.h>
#include <mailwhy/span.h>

/* Let s end where the word begins, if it is there. */
void find_end_at(struct span *s, const char *word);

/* Whether a line of a reply of the classes 4 and 5 begins at s: three digits, then '-' or a blank and something. */
bool find_is_refusal(struct span s);

/* Append the reply. Logs write the lines of a long one behind each other: "550-5.7.1 one 550-5.7.1 two 550 5.7.1 three". */
void find_add_reply(struct buffer *out, struct span s);

/* Append "5.1.1 TEXT": what a delivery's log line says of a reply that it does not show. */
void find_add_status(struct buffer *out, struct span line, struct span text);

/* Note the address in "name[192.0.2.1]" or "name [192.0.2.1]", and pass it. */
bool find_take_client(struct reply_found *found, struct span *s);

bool find_postfix_reject(struct reply_found *found, struct span s);
bool find_postfix_sasl(struct reply_found *found, struct span s);
bool find_postfix_delivery(struct reply_found *found, struct span s);
bool find_postfix_proxy(struct reply_found *found, struct span s);
bool find_postfix_proxied(struct reply_found *found, struct span s);
bool find_postfix_told(struct reply_found *found, struct span s);
bool find_sendmail_auth(struct reply_found *found, struct span s);
bool find_sendmail_reject(struct reply_found *found, struct span s);
bool find_sendmail_delivery(struct reply_found *found, struct span s);

#endif
