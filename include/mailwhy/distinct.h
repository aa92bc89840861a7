/* How many different things there are of a kind, in bounded memory: exact up to a number, then estimated by HyperLogLog (Flajolet and others, 2007). */
#ifndef MAILWHY_DISTINCT_H
#define MAILWHY_DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero at the start. */
struct distinct {
    void *data; /* of exact: hashes, 0 for a free place; else registers */
    uint32_t count; /* of exact */
    uint8_t bits; /* log2 of the places or registers */
    bool about; /* no longer exact */
};

/* The size of a set: exact up to 2^(bits-1) things, then 2^registers octets. The standard error is then 5 %, 1.6 % and 0.4 %. */
struct distinct_size {
    uint8_t bits, registers;
};
extern const struct distinct_size distinct_small; /* 32 things, then 512 octets: of each of very many sets */
extern const struct distinct_size distinct_middle; /* 4,096 things, then 4 KiB */
extern const struct distinct_size distinct_large; /* half a million things, 8 MiB; then 64 KiB */

/* A thing's hash; never 0. */
uint64_t distinct_hash(const void *octets, size_t len);

/* Out of memory ends the program, as everywhere in this room. */
void distinct_add(struct distinct *d, const struct distinct_size *size, uint64_t hash);
void distinct_merge(struct distinct *d, const struct distinct_size *size, const struct distinct *other); /* of the same size */
unsigned long distinct_count(const struct distinct *d);
void distinct_free(struct distinct *d);

#endif
