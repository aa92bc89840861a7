/* Reading what a verb is given to read, with a limit. */
#ifndef INPUT_H
#define INPUT_H

#include <mailwhy/buffer.h>

#define INPUT_MAX ((size_t)64 << 20) /* octets */

/* Read a file, or standard input for "-". EX_OK, or another exit status: what is wrong has been said in the name of the verb. */
int input_read(struct buffer *out, const char *path, const char *verb);

#endif
