/* The files that were rotated from a log, in the order in which a follower reads them. */
#ifndef ROTATED_H
#define ROTATED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include <mailwhy/follow.h>

/* Those that are still to be read, before the log itself; all zero at the start. */
struct rotated {
    char **paths; /* the next one last */
    size_t count;
};

/* A file that was opened: unpacked where it was compressed. */
struct rotated_file {
    int fd; /* the caller's */
    struct stat st; /* as its path has it */
    bool is_log; /* not a rotated one */
};

/* Find the file that a position is in, and open it; what was rotated after it is then to be read. 1; 0: there is none, and nothing to be read; -1: errno ENOMEM. */
int rotated_find(struct rotated *r, const char *log, const struct follow_position *p, struct rotated_file *file);

/* All that were written at that time or later are to be read. 0, or -1: errno ENOMEM. */
int rotated_since(struct rotated *r, const char *log, time_t since);

/* Open the next one, passing over those that can't be read. False: there is no more. */
bool rotated_next(struct rotated *r, struct rotated_file *file);
void rotated_clear(struct rotated *r);

#endif
