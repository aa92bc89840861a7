/* The lines of a file of any size, from any place in it, read in blocks. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LINES_BLOCK 65536L
#define LINES_MAX (16L << 20) /* a longer line is not an event, and is passed over */

/* All zero but for fd and size; free block in the end. */
struct lines {
    int fd;
    off_t size; /* what lies behind it is not looked at */
    char *block;
    size_t room, len;
    off_t start; /* of the block in the file */
    unsigned long reads;
};

struct line {
    const char *text; /* without its end; NULL: longer than LINES_MAX. Valid until the next call */
    size_t len;
    off_t next; /* where the next line starts */
};

/* The line from offset at on. 1; 0: there is none; -1 with errno. */
int lines_get(struct lines *l, off_t at, struct line *line);

/* The first start of a line that is not before at: the size of the file where there is none. -1 with errno. */
off_t lines_start(struct lines *l, off_t at);

#endif
