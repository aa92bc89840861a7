/* The files of a log that is rotated: events.jsonl, events.jsonl.1, events.jsonl-20261120, events.jsonl.2.gz ... */
#ifndef MAILWHY_LOG_FILES_H
#define MAILWHY_LOG_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct log_files {
    char **paths; /* the log itself first, whether it is there or not; then the others, the one that was written last first */
    size_t count;
};

/* Find them. Of the rotated ones those are left out that were written last before that time (0: none). 0, or -1 with errno ENOMEM. */
int log_files_find(struct log_files *files, const char *path, time_t since);

/* Whether that file is what a compression is making of another one of them, which is there, too, so that one of the two is to be read. A path that is NULL
 * is passed over. */
bool log_files_is_double(const struct log_files *files, size_t which);
void log_files_free(struct log_files *files);

#endif
