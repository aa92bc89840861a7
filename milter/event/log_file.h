/* The files of a log: opening one, compressed or not. */
#ifndef LOG_FILE_H
#define LOG_FILE_H

#include "lines.h"

/* Open a log to read its lines; what gzip or zstd made of it is unpacked into a temporary file first. l is all zero but for fd and size then. 0, or -1
 * with errno: EISDIR and ESPIPE where it is no file, EBADMSG where its compressed data are damaged before their first line, EPROTONOSUPPORT where
 * another program compressed it. */
int log_open(struct lines *l, const char *path);

/* errno is kept. */
void log_close(struct lines *l);

#endif
