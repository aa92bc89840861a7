/* The end of one file that grows, as lines. */
#ifndef TAIL_H
#define TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAIL_BEFORE ((size_t)1024) /* octets before a place that tell it from others */

/* All zero but fd, which is -1, at the start. */
struct tail {
    int fd; /* owned unless it is a stream; -1: none */
    bool stream, ended;
    bool passing; /* a line that is too long, */
    bool amid; /* or the rest of one that began before the place, which is not counted */
    char *block;
    size_t room, len;
    size_t start; /* of the next line in the block; at least TAIL_BEFORE octets stand before it, where the file has them */
    size_t searched; /* in the block there is no line end between start and this */
    off_t at; /* of the block in the file */
    off_t passed_from; /* where the line began that is being passed over, and the hash before it */
    uint64_t passed_hash;
    unsigned long passed_over;
};

enum tail_got { TAIL_FAILED = -1, TAIL_END, TAIL_MORE, TAIL_CUT };

/* The hash of what stands before the offset, 0 for nothing. 0, or -1: the file is not so long, or can't be read (errno then; 0 where it is shorter). */
int tail_hash(int fd, off_t offset, uint64_t *hash);

/* Read fd, which is then the tail's, from there on. 0, or -1 with errno: fd is closed. */
int tail_begin(struct tail *t, int fd, off_t offset);

/* Pass over the rest of a line that began before the place where the tail begins. */
void tail_pass_rest(struct tail *t);

/* The next whole line of what was read. */
bool tail_line(struct tail *t, const char **line, size_t *len);

/* What stands behind the last line end; false for nothing. It counts as handed out. */
bool tail_rest(struct tail *t, const char **line, size_t *len);

/* Read on. TAIL_CUT: what was read is no longer there, the file was truncated or written anew. TAIL_FAILED: errno. */
enum tail_got tail_read(struct tail *t);

/* Where the next line begins, and the hash before it. */
off_t tail_place(const struct tail *t, uint64_t *hash);
void tail_end(struct tail *t); /* close the file; the block and the count are kept */
void tail_free(struct tail *t);

#endif
