/* Configuration files of others: read whole, and replaced at once with their owner and mode. */
#ifndef FILE_EDIT_H
#define FILE_EDIT_H

#include <sys/stat.h>

#include <mailwhy/buffer.h>

#define FILE_EDIT_MAX ((size_t)4 << 20) /* octets */

/* Read a regular file. 0, or -1 with errno (EFBIG: it is larger than FILE_EDIT_MAX). st: what it is; may be NULL. */
int file_edit_read(struct buffer *out, const char *path, struct stat *st);

#define FILE_EDIT_UNFINISHED ".cf.mailwhy-" /* in the name of a Postfix file that was being written when its writer was killed */

/* Put text in place of the file, at once: whoever opens it finds the old or the new, also after a crash. It gets the owner, group and mode of like.
 * Where the path is a symbolic link, what it points to is replaced. 0, or -1 with errno: the file is as it was. */
int file_edit_replace(const char *path, const struct buffer *text, const struct stat *like);

/* True where both hold the same octets. */
bool file_edit_same(const struct buffer *a, const struct buffer *b);

#endif
