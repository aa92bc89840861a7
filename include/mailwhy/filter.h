/* Which events somebody wants to see: the options of `mailwhy review` and `mailwhy watch`. */
#ifndef MAILWHY_FILTER_H
#define MAILWHY_FILTER_H

#include <stdbool.h>
#include <time.h>

#include <mailwhy/buffer.h>
#include <mailwhy/event.h>
#include <mailwhy/privacy.h>

/* As they were given; NULL: not given. */
struct filter_options {
    const char *since, *until, *client, *user, *sender, *recipient, *code, *reason;
};

#define FILTER_MASK_SIZE 340 /* of a mask, its NUL included; a longer one fits nothing */

/* A name that is asked for, and as what it stands where names are hidden; "": nothing. */
struct filter_name {
    const char *pattern; /* NULL: any */
    char mask[FILTER_MASK_SIZE];
    char token[PRIVACY_TOKEN_SIZE];
};

struct filter {
    time_t since, until; /* 0: open */
    bool any; /* nothing but the time is asked for */
    unsigned char network[16];
    int family, bits; /* of the client's network; family 0: any */
    struct filter_name user, sender, recipient; /* patterns as the shell has them, in any case */
    const char *code, *reason; /* likewise; NULL: any */
};

/* Read the options, whose patterns must outlive the filter. 0, or -1: fault says what is wrong, "--since takes ..., not: " and the value. */
int filter_read(struct filter *f, const struct filter_options *options, time_t now, struct buffer *fault);

/* Whether a name without wildcards is asked for. */
bool filter_asks_name(const struct filter *f);

/* Take events, too, in which such a name stands as its mask, or, with a key, as its token. */
void filter_take_hidden(struct filter *f, const unsigned char key[PRIVACY_KEY_SIZE]);

/* Whether the event is wanted, its time apart; reason: its id, "" for none. */
bool filter_takes(const struct filter *f, const struct event *e, const char *reason);

#endif
