/* Following the systemd journal: the entries of the mail programs (facility mail), as they come, over its rotation, and from a place that was kept.
 * Nothing blocks but the disk, and no thread is started.
 *
 * While the journal is not there or must not be read it is looked for each second. What was removed before it was read is lost. */
#ifndef MAILWHY_FOLLOW_JOURNAL_H
#define MAILWHY_FOLLOW_JOURNAL_H

#include <mailwhy/maillog.h>

/* A place: behind an entry, as the journal's cursor of it (sd_journal_get_cursor(3)), or of its time alone, "t=" and microseconds in hexadecimal. One
 * line, without its end. */
#define FOLLOW_JOURNAL_PLACE_SIZE 256

struct follow_journal;

/* Follow the journal of this machine's system (folder NULL), or that in a folder, as journalctl --directory= has it; neither need be there. The folder is copied. It
 * begins at the end, or where that is not to be had with what comes from now on. The process handles SIGBUS from then on. NULL with errno. */
struct follow_journal *follow_journal_open(const char *folder);
void follow_journal_close(struct follow_journal *f); /* NULL is allowed */

/* Begin behind that place instead, before the first follow_journal_next(); where its entry is gone, with the first one later. 0, or -1: it is none. */
int follow_journal_from_place(struct follow_journal *f, const char *place);

/* The next entry; what message points to lives until the next call. 1; 0: there is none now; -1: errno ENOMEM. */
int follow_journal_next(struct follow_journal *f, struct maillog_message *message);

/* To poll for input, asked anew before each poll; and follow_journal_next() is to be called each second at least. -1: there is none to be had now. */
int follow_journal_fd(const struct follow_journal *f);

/* The place behind the entry that was handed out last, or passed over since; valid until the next call. */
const char *follow_journal_place(const struct follow_journal *f);

/* Why nothing is read at the moment: ENOENT: there are no files; EACCES: none may be read; EBADMSG: none has the form of one; another errno. 0: it is read. */
int follow_journal_fault(const struct follow_journal *f);

#endif
