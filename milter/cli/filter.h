/* Which events somebody wants to see: the options of review. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <time.h>

#include <mailwhy/event.h>

#include "cli.h"

struct filter {
    time_t since, until; /* 0: open */
    unsigned char network[16];
    int family, bits; /* of the client's network; family 0: any */
    const char *user, *sender, *recipient, *code, *reason; /* patterns as the shell has them, in any case; NULL: any */
};

/* Read the options. 0, or -1: what is wrong has been said in the name of the verb. */
int filter_read(struct filter *f, const struct cli_options *options, const char *verb);

/* Whether the event is wanted, its time apart; reason: its id, "" for none. */
bool filter_takes(const struct filter *f, const struct event *e, const char *reason);

#endif
