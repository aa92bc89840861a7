/* How often each name of a kind came, in bounded memory.
 *
 * All is exact until there are COUNTS_MAX names. Then the rarer half is dropped, and a name that comes (again) after that may be counted too low, by at
 * most counts_bound(): the heavy ones stay (lossy counting, Manku and Motwani 2002). */
#ifndef MAILWHY_COUNTS_H
#define MAILWHY_COUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <glib.h>

#include <mailwhy/distinct.h>

#define COUNTS_MAX 16384
#define COUNTS_NAME_MAX 1024 /* octets that are kept of a name */

/* How often something came in each second; where these are many, in each minute, then in each five minutes, then in each hour. */
struct history {
    GHashTable *table; /* step since the Epoch -> how often */
    int step; /* seconds */
    long last; /* the one that came last, */
    unsigned count; /* which is not in the table yet */
};

struct count {
    uint64_t hash; /* of the name */
    unsigned long count;
    unsigned long missed; /* at most so many more came before it was kept */
    time_t first, last;
    struct distinct others; /* that came with it */
    char *other; /* the first of them; NULL: none */
    struct history history; /* where it is noted */
    char name[]; /* what is too long is cut */
};

struct counts {
    GHashTable *table; /* hash -> struct count */
    const struct distinct_size *others; /* the size of their sets */
    unsigned long bound;
};

void counts_begin(struct counts *c, const struct distinct_size *others);
void counts_end(struct counts *c);

/* Count a name. NULL where name is NULL or "". The count lives until the next call. */
struct count *counts_add(struct counts *c, const char *name, time_t time);

/* The count of a name, for what is to be noted of it: where there is none yet, it is 0. */
struct count *counts_get(struct counts *c, const char *name, time_t time);

/* Note what came with a count of c (count NULL: nothing is done; name NULL or "": likewise), and when it came. */
void counts_note_other(const struct counts *c, struct count *count, const char *name);
void count_note_time(struct count *c, time_t time);

/* Add what others counted; other is empty then. */
void counts_merge(struct counts *c, struct counts *other);

/* The count of a name, NULL for none. */
const struct count *counts_find(const struct counts *c, const char *name);

/* All, the greatest first, among equals by name. The array is the caller's to g_free(). */
struct count **counts_sorted(const struct counts *c, size_t *count);

/* Call back for each step of h->step seconds, with its beginning and how often. */
void history_each(const struct history *h, void (*take)(void *data, time_t step, unsigned long count), void *data);

#endif
