/* What the command line of mailwhyd says. */
#ifndef MAILWHY_DAEMON_ARGUMENTS_H
#define MAILWHY_DAEMON_ARGUMENTS_H

#include <stdbool.h>

struct arguments {
    const char *file;
    bool test, verbose;
};

/* 0: go on; else the exit status and one: what there was to say is said. */
int arguments_parse(struct arguments *a, int argc, char **argv);

#endif
