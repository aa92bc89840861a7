/* Reading a whole log once, from its beginning: plain, made by gzip or zstd, or standard input. */
#ifndef MAILWHY_LOG_SOURCE_H
#define MAILWHY_LOG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

#include <mailwhy/journal.h>

#define LOG_SOURCE_LINE_MAX ((size_t)1 << 20) /* octets; a longer line is handed out in pieces of so many */

struct log_source;

/* Open a file, or standard input for "-". NULL with errno: EISDIR for a folder, EPROTONOSUPPORT for what xz, bzip2 or lz4 made. */
struct log_source *log_source_open(const char *path);

/* The next octets: whole lines, but for the last of a file without a final line end and for lines that are too long; or whole entries of a
 * journal. *block is NULL or a block that was handed out before, by any source: it is taken back, and the caller gets another one, to be given
 * back or freed in the end.
 * How many octets; 0: the end; -1 with errno, EBADMSG where compressed data are damaged (what was before has been handed out); *block is untouched then. */
ssize_t log_source_next(struct log_source *s, char **block);

/* What was handed out; told by the first call of log_source_next(). And how many entries of a journal were passed over. */
enum journal_format log_source_format(const struct log_source *s);
unsigned long log_source_lost(const struct log_source *s);

bool log_source_plain(const struct log_source *s); /* the file is not compressed */

/* Whether a file that begins with these octets (the first four) is compressed. 0: no; 1: by gzip or zstd; -1: by xz, bzip2 or lz4, which is not read. */
int log_source_packed(const char *start, size_t len);

/* How much of the file was read, and how large it is (0: not known), in its own octets: for showing progress. */
void log_source_progress(const struct log_source *s, off_t *done, off_t *size);
void log_source_close(struct log_source *s);

#endif
