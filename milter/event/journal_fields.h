/* The fields of an entry of the journal that are asked for. */
#ifndef JOURNAL_FIELDS_H
#define JOURNAL_FIELDS_H

#include <mailwhy/maillog.h>

enum journal_field {
    JOURNAL_TIME, /* when it was received */
    JOURNAL_SENT, /* when it was sent; not in each */
    JOURNAL_HOST,
    JOURNAL_PROGRAM,
    JOURNAL_SYSLOG_PID,
    JOURNAL_PID,
    JOURNAL_MESSAGE,
    JOURNAL_FIELDS
};

/* JOURNAL_FIELDS: it is another. */
enum journal_field journal_field(const char *name, size_t len);

/* What was found: at NULL is not there. */
void journal_message(const struct span fields[static JOURNAL_FIELDS], struct maillog_message *message);

/* It has what a line of a mail log has. */
bool journal_is_whole(const struct maillog_message *message);

#endif
