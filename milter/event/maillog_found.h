/* What the readers of the mail log's lines share: what was found in one. */
#ifndef MAILLOG_FOUND_H
#define MAILLOG_FOUND_H

#include <mailwhy/maillog.h>

enum piece { HOST, CLIENT_NAME, CLIENT_ADDR, HELO, SENDER, RECIPIENT, QUEUE_ID, SASL_METHOD, SASL_USER, PIECES };

/* An end of NULL: it was not found. */
struct found {
    struct span piece[PIECES];
};

/* Take the value behind the name: an address up to '>', anything else up to another octet. */
void maillog_take(struct found *f, enum piece which, struct span s, const char *name, char end);

/* Take the reply that the line has, by reply_find() or one of its sisters, and the client that it names. False: none. */
typedef int maillog_find(struct reply_found *found, const char *line, size_t len);
bool maillog_take_reply(struct maillog *m, struct span line, maillog_find *find, struct event *e, struct found *f);

/* Let e have what is in m->found.reply, with its codes. */
void maillog_set_reply(struct maillog *m, struct event *e);

/* A line of Sendmail, behind its program: the kind, as of maillog_read(). */
int maillog_read_sendmail(struct maillog *m, struct span text, struct event *e, struct found *f);

#endif
