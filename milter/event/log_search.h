/* Where a time stands in a log of events that is in order. */
#ifndef LOG_SEARCH_H
#define LOG_SEARCH_H

#include <stdbool.h>
#include <time.h>

#include "lines.h"

/* A line of the log that has a time. */
struct log_place {
    off_t at, next;
    time_t time;
};

/* The time of a line as the log's writer writes it, read from its first octets. False: it has none. */
bool log_line_time(const struct line *line, time_t *time);

/* The first line with a time that starts at from or later, and before to; the last one of the file. 1; 0: none; -1: errno. */
int log_place_after(struct lines *l, off_t from, off_t to, struct log_place *place);
int log_last_place(struct lines *l, struct log_place *last);

/* Where to begin to read so as to miss no line of that time or later, in a log that is in order. -1 with errno. */
off_t log_seek_time(struct lines *l, time_t time);

#endif
