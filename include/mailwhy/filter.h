/* Which events somebody wants to see: the options of `mailwhy review` and `mailwhy watch`. */
#ifndef MAILWHY_FILTER_H
#define MAILWHY_FILTER_H

#include <stdbool.h>
#include <time.h>

#include <mailwhy/buffer.h>
#include <mailwhy/event.h>

/* As they were given; NULL: not given. */
struct filter_options {
    const char *since, *until, *client, *user, *sender, *recipient, *code, *reason;
};

struct filter {
    time_t since, until; /* 0: open */
    bool any; /* nothing but the time is asked for */
    unsigned char network[16];
    int family, bits; /* of the client's network; family 0: any */
    const char *user, *sender, *recipient, *code, *reason; /* patterns as the shell has them, in any case; NULL: any */
};

/* Read the options, whose patterns must outlive the filter. 0, or -1: fault says what is wrong, "--since takes ..., not: " and the value. */
int filter_read(struct filter *f, const struct filter_options *options, time_t now, struct buffer *fault);

/* Whether the event is wanted, its time apart; reason: its id, "" for none. */
bool filter_takes(const struct filter *f, const struct event *e, const char *reason);

#endif
