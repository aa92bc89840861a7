/* The mail log that is followed: a file (follow.h), or the systemd journal (follow_journal.h). */
#ifndef AUTHLOG_SOURCE_H
#define AUTHLOG_SOURCE_H

#include <mailwhy/follow_journal.h>
#include <mailwhy/maillog.h>

struct authlog_source;

/* A place in the log, as a text of one line without its end. */
#define AUTHLOG_PLACE_SIZE FOLLOW_JOURNAL_PLACE_SIZE

/* Open the log of that name: a path, "journal", or "journal:" and the path of a folder. NULL with errno. */
struct authlog_source *authlog_source_open(const char *log);
void authlog_source_close(struct authlog_source *s); /* NULL is allowed */

/* Begin behind the place, or at the end of the log for NULL. 0, or -1 with errno: EBADMSG, the text is no place in such a log; ENOMEM. */
int authlog_source_begin(struct authlog_source *s, const char *place);

/* The next message; what it points to lives until the next call. 1; 0: there is none now; -1 with errno. */
int authlog_source_next(struct authlog_source *s, struct maillog_message *message);

/* To poll for input, asked anew before each poll. -1: there is none to be had now. */
int authlog_source_fd(const struct authlog_source *s);

/* The place behind the message that was handed out last. */
void authlog_source_place(const struct authlog_source *s, char place[static AUTHLOG_PLACE_SIZE]);

/* Why it cannot be read at the moment, in words. NULL: it is read. */
const char *authlog_source_fault(const struct authlog_source *s);

#endif
