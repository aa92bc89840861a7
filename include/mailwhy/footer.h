/* Postfix's footer templates (postconf(5), smtpd_reject_footer; MTA-FACTS: what it does not say). */
#ifndef MAILWHY_FOOTER_H
#define MAILWHY_FOOTER_H

#include <mailwhy/buffer.h>
#include <mailwhy/explain.h>

/* Append the explanation's lines as a template that expands to just these lines: "$" doubled, "\n" between the lines, "\c" first where they
 * join the reply's own; nothing in a line can begin another one. 0; 1: it would be empty, which Postfix does not survive; -1: errno
 * ENOMEM. */
int footer_add(struct buffer *out, const struct explanation *x);

#endif
