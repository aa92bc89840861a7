/* The entries of a systemd journal, as journalctl(1) writes them with -o export, json, json-seq, json-sse or json-pretty: for each what stands in a
 * line of a mail log. The fields come in any order, binary ones hold any octets; of a field that stands several times the last counts. */
#ifndef MAILWHY_JOURNAL_H
#define MAILWHY_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mailwhy/buffer.h>
#include <mailwhy/maillog.h>
#include <mailwhy/span.h>

#define JOURNAL_ENTRY_MAX ((size_t)1 << 20) /* octets; a larger entry is passed over */

enum journal_format {
    JOURNAL_NONE, /* lines; one of them may be an object of -o json, json-seq or json-sse: journal_read_json() */
    JOURNAL_EXPORT,
    JOURNAL_PRETTY, /* objects over several lines */
};

/* What the beginning of a stream is of. Some line in it begins with __CURSOR= or __REALTIME_TIMESTAMP=: export format; or is a bracket, before the
 * name of a field: JOURNAL_PRETTY. */
enum journal_format journal_format(const char *data, size_t len);

/* A stream that is split into pieces of whole entries, each piece to be read by itself. All zero but format at the start; no format but
 * JOURNAL_EXPORT and JOURNAL_PRETTY has entries to split. */
struct journal_split {
    enum journal_format format;
    bool passing; /* an entry that is too large */
    bool blind; /* it is damaged, too: only its end is looked for */
    bool in_line; /* in the middle of a line of it */
    uint64_t skip; /* octets of a binary field of it */
    unsigned long lost; /* entries that were too large or damaged */
};

/* Split off what can be from the octets, the last of the stream or not; *whole is the piece, and may be empty. How many octets are done with,
 * which the piece is the end of; the others are to be given again with more behind them. Of JOURNAL_ENTRY_MAX octets, and of the last, some are always done with. */
size_t journal_split(struct journal_split *s, const char *data, size_t len, bool last, struct span *whole);

/* What is kept from entry to entry. All zero at the start. */
struct journal {
    unsigned long lost; /* entries that were cut, and lack what is needed */
    struct buffer store;
};

/* Take the next entry off a piece of whole entries (the last of a stream may be cut). message points into the piece or into j->store, valid until
 * the next call. 1; 0: there is no more; -1: errno ENOMEM. */
int journal_next(struct journal *j, enum journal_format format, struct span *piece, struct maillog_message *message);

/* Read one object, or the line that has it, to which a cut line belongs, too. 1: it is an entry; 0: it is not; -1: errno ENOMEM. */
int journal_read_json(struct journal *j, const char *object, size_t len, struct maillog_message *message);
void journal_free(struct journal *j);

#endif
