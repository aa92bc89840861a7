/* A Postfix's configuration, as postconf(1) tells it: the parameters that wiring is about, and the smtpd and postscreen services of master.cf. */
#ifndef POSTCONF_H
#define POSTCONF_H

#include <stdbool.h>

#include <glib.h>

#include <mailwhy/buffer.h>

struct postconf_value {
    char *raw; /* as it was written, on one line */
    char *expanded; /* with each $name filled in */
    char process_id[24]; /* what $process_id is in expanded */
    bool is_set; /* it stands in main.cf, or as -o in master.cf; else it is Postfix's default */
};

struct postconf_service {
    char *key; /* "submission/inet" */
    char *program; /* "smtpd" or "postscreen" */
    char *entry; /* as postconf -M prints it */
    char *changed; /* the entry with the changes that were planned so far; NULL: none */
    bool chroot;
};

struct postconf {
    char *asked; /* the folder, absolute; NULL: Postfix's own */
    char *version; /* "3.7.11" */
    long version_number; /* 3007: major times 1000, and minor */
    GHashTable *values; /* struct postconf_value by "NAME" or "SERVICE/NAME" */
    GPtrArray *services; /* struct postconf_service */
};

#define POSTCONF_VERSION 3004 /* the first with reject footer maps */

/* Read it. EX_OK, or another exit status, and a sentence in fault: EX_UNAVAILABLE where there is no postconf, or a Postfix before
 * POSTCONF_VERSION; EX_NOINPUT where there is no such configuration. postconf_free() in any case. */
int postconf_read(struct postconf *p, const char *dir, struct buffer *fault);
void postconf_free(struct postconf *p);

/* A parameter: as the service overrides it, NULL where it does not; service NULL: in main.cf, NULL where this Postfix does not have it. */
const struct postconf_value *postconf_override(const struct postconf *p, const char *service, const char *name);

/* What holds for a service: its override, else main.cf. Its expanded value; "" where there is none. */
const char *postconf_effective(const struct postconf *p, const char *service, const char *name);

/* A parameter of main.cf, expanded; "" where there is none. */
const char *postconf_main(const struct postconf *p, const char *name);

/* Run postconf -c dir with an option and an argument, to change what is there. 0, or -1 with a sentence in fault. */
int postconf_edit(const char *dir, const char *option, const char *argument, struct buffer *fault);

#endif
