/* What the readers of Postfix's and of Sendmail's lines share: the pieces of a line that an event is made of. */
#ifndef MAILLOG_PIECES_H
#define MAILLOG_PIECES_H

#include <mailwhy/maillog.h>

/* What was found in a line. An end of NULL: it was not. */
enum maillog_piece { HOST, CLIENT_NAME, CLIENT_ADDR, HELO, SENDER, RECIPIENT, QUEUE_ID, SASL_METHOD, SASL_USER, PIECES };

struct maillog_found {
    struct span piece[PIECES];
};

/* Take the value behind the name: an address up to '>', anything else up to another octet. */
void maillog_take(struct maillog_found *f, enum maillog_piece which, struct span s, const char *name, char end);

/* Take the value behind the name that goes on to the end of the line, but for what stands there: the last end. A client chose it, and it may have
 * anything in it. */
void maillog_take_last(struct maillog_found *f, enum maillog_piece which, struct span s, const char *name, const char *end);

/* The stage whose name as Postfix writes it begins there. */
enum stage maillog_stage(struct span s);

/* Take the reply that the line has, by reply_find() or one of its sisters, and the client that it names. False: none. */
typedef int maillog_find(struct reply_found *found, const char *line, size_t len);
bool maillog_take_reply(struct maillog *m, struct span line, maillog_find *find, struct event *e, struct maillog_found *f);

/* Let e have what is in m->found.reply, with its codes. */
void maillog_set_reply(struct maillog *m, struct event *e);

/* Postfix's "name[address]": the name before the address that was found. */
void maillog_take_client_name(struct span line, struct maillog_found *f);

/* Make s what stands behind the last such word: what stands before may be a client's. */
bool maillog_pass_last(struct span *s, const char *word);

/* A line of one of Postfix's services ("postfix/smtpd", "postfix-out/submission/smtpd"); one of Sendmail. The kind. */
int maillog_postfix(struct maillog *m, struct span program, struct span text, struct event *e, struct maillog_found *f);
int maillog_sendmail(struct maillog *m, struct span text, struct event *e, struct maillog_found *f);

#endif
