/* Another program, run with an argument vector: no shell reads anything of it. */
#ifndef COMMAND_H
#define COMMAND_H

#include <mailwhy/buffer.h>

#define COMMAND_OUTPUT_MAX ((size_t)4 << 20) /* octets of its output, and as many of its complaints */
#define COMMAND_SECONDS 120 /* after which it is killed */

struct command {
    long pid; /* what process it was */
    int status; /* its exit status; 128 and the signal's number where a signal ended it */
    struct buffer out, err; /* what it wrote; no NUL octets */
};

/* Run argv[0], found in PATH, else in /usr/sbin, to its end; standard input is empty. 0: it ended, by itself or by a signal; -1 with errno: it is
 * not there (ENOENT), wrote too much (EFBIG), took too long (ETIMEDOUT), or could not be run. command_free() in any case. */
int command_run(struct command *c, const char *const *argv);
void command_free(struct command *c);

#endif
