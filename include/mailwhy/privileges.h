/* The user that mailwhyd runs as. */
#ifndef MAILWHY_PRIVILEGES_H
#define MAILWHY_PRIVILEGES_H

#include <sys/types.h>

#include <mailwhy/buffer.h>

struct privileges {
    char *user; /* owned; NULL: stay who started it */
    uid_t uid; /* (uid_t)-1 with user NULL */
    gid_t gid;
    gid_t socket_gid; /* (gid_t)-1: leave the sockets' group */
};

/* Look the user and the sockets' group up ("": none). 0, or -1 with a sentence in fault. */
int privileges_find(struct privileges *p, const char *user, const char *socket_group, struct buffer *fault);

/* Become the user for good. 0, or -1 with a sentence in fault. */
int privileges_drop(const struct privileges *p, struct buffer *fault);
void privileges_free(struct privileges *p);

/* Make the folder of a file that mailwhyd writes, where it is missing, owned by the user. What goes wrong shows when the file is opened. */
void privileges_make_folder(const struct privileges *p, const char *file);

#endif
