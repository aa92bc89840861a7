/* Reading one file of libconfuse syntax: what is wrong is collected as lines "FILE:LINE: what". */
#ifndef MAILWHY_CONF_FILE_H
#define MAILWHY_CONF_FILE_H

#include <confuse.h>

#include <mailwhy/buffer.h>

/* Append the whole file to the text, and end it with a line end. NULL for no fault; else what is wrong, and the text is of no use: the file
 * cannot be read, is a pipe, has more than 16 MiB, or a NUL octet. */
const char *conf_file_read(struct buffer *text, const char *path);

/* Parse the file by the options, which must be static; prepare (NULL: none) sets validating callbacks. The tree, which cfg_free() frees; NULL
 * where the file cannot be read or its syntax is wrong: faults has grown then. A validating callback reports a fault with cfg_error() and
 * returns 0, so that the rest is read too: faults has grown though a tree is returned. libconfuse keeps state of its own: one file at a
 * time in a process. */
cfg_t *conf_file_parse(const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *), struct buffer *faults);

/* The line on which a section begins, looked for in its file; libconfuse knows where it ends. */
int conf_file_section_line(cfg_t *section, const char *file);

#endif
