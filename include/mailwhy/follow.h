/* Following a log that grows, line by line: over its rotation (renamed and made anew, or copied and truncated), before it is there, and from a place
 * that was kept. Nothing blocks but the disk, and no thread is started.
 *
 * A log that was renamed is read to its end, and left when another file has its name and something is in it: a writer that still has the old one
 * open loses no line. What was written between a log and its place by the time that this is looked at, also several files, is found among the files
 * that were rotated from it (log_files.h), by inode or, where they were copied or compressed, by what stands before the place. */
#ifndef MAILWHY_FOLLOW_H
#define MAILWHY_FOLLOW_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <sys/types.h>

#define FOLLOW_LINE_MAX ((size_t)1 << 20) /* octets; a longer line is passed over and counted */
#define FOLLOW_POLL_MS 1000 /* call follow_next() so often at least, whether follow_fd() says something or not */

struct follow;

/* A place in a log: behind a line. */
struct follow_position {
    dev_t device; /* of the file that was read */
    ino_t inode;
    off_t offset;
    uint64_t hash; /* of up to 1024 octets before it: by this a new file with the inode of an old one is told from that */
    time_t time; /* when the file was written last */
};

/* Follow the log at path, from its beginning on; it need not be there. NULL with errno ENOMEM. */
struct follow *follow_open(const char *path);

/* Follow a pipe, a terminal or the like, which the caller keeps open: it is neither rotated nor has it positions. NULL with errno ENOMEM. */
struct follow *follow_stream(int fd);
void follow_close(struct follow *f); /* NULL is allowed */

/* Where to begin instead, before the first follow_next(). */

/* At a place that was kept. 1; 0: it is in none of the files any more, so at the beginning of the log; -1: errno ENOMEM. */
int follow_from_position(struct follow *f, const struct follow_position *p);

/* At the first line that begins within the last so many octets of the log. 1; 0: the log is not longer, or not there; -1: errno ENOMEM. */
int follow_from_tail(struct follow *f, off_t octets);

/* At the beginning of the oldest file rotated from it that was written at that time or later. 0, or -1: errno ENOMEM. */
int follow_from_time(struct follow *f, time_t since);

/* The next line, without its end; it lives until the next call. 1; 0: there is none now; -1 with errno: ENOMEM, EIO ... A file is left in the middle of
 * a line, which is handed out then. */
int follow_next(struct follow *f, const char **line, size_t *len);

/* To poll for input: something may have changed. -1: there is none to be had; then only the time says when to look. */
int follow_fd(const struct follow *f);

/* The place behind the line that was handed out last. */
void follow_position(const struct follow *f, struct follow_position *p);

/* Why nothing is read at the moment: the errno of opening the log, ENOENT where it is not there; 0: it is read. */
int follow_fault(const struct follow *f);
int follow_ended(const struct follow *f); /* whether a stream is at its end */
unsigned long follow_passed_over(const struct follow *f); /* lines that were too long */

/* A position as a text of one line without its end, and back. 0, or -1: it is none, and *p is untouched. */
#define FOLLOW_POSITION_SIZE 112
void follow_position_format(const struct follow_position *p, char out[static FOLLOW_POSITION_SIZE]);
int follow_position_parse(const char *text, struct follow_position *p);

#endif
