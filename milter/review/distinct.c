#include <mailwhy/distinct.h>

#include <math.h>
#include <string.h>

#include <glib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define BITS_FIRST 3

const struct distinct_size distinct_small = {.bits = 6, .registers = 9};
const struct distinct_size distinct_middle = {.bits = 13, .registers = 12};
const struct distinct_size distinct_large = {.bits = 20, .registers = 16};

uint64_t distinct_hash(const void *octets, size_t len)
{
    uint64_t hash = XXH3_64bits(octets, len);
    return hash ? hash : 1;
}

/* Put a hash into a table that has a free place. False: it is there already. */
static bool put(uint64_t *places, unsigned bits, uint64_t hash)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1, at = hash & mask;
    while (places[at] && places[at] != hash)
        at = (at + 1) & mask;
    if (places[at] == hash)
        return false;
    places[at] = hash;
    return true;
}

/* A register keeps the longest run of zeros that was seen in the rest of a hash. */
static void note(uint8_t *registers, unsigned bits, uint64_t hash)
{
    uint8_t *kept = &registers[hash >> (64 - bits)];
    uint64_t rest = hash << bits | UINT64_C(1) << (bits - 1);
    uint8_t run = (uint8_t)(__builtin_clzll(rest) + 1);
    *kept = run > *kept ? run : *kept;
}

static void to_registers(struct distinct *d, const struct distinct_size *size)
{
    uint64_t *places = d->data;
    uint8_t *registers = g_malloc0((size_t)1 << size->registers);
    for (size_t i = 0; places && i < (size_t)1 << d->bits; i++)
        if (places[i])
            note(registers, size->registers, places[i]);
    g_free(places);
    *d = (struct distinct){.data = registers, .bits = size->registers, .about = true};
}

/* Twice the places. */
static void grow(struct distinct *d)
{
    uint64_t *old = d->data;
    unsigned bits = old ? d->bits + 1U : BITS_FIRST;
    uint64_t *places = g_new0(uint64_t, (size_t)1 << bits);
    for (size_t i = 0; old && i < (size_t)1 << d->bits; i++)
        if (old[i])
            put(places, bits, old[i]);
    g_free(old);
    d->data = places;
    d->bits = (uint8_t)bits;
}

void distinct_add(struct distinct *d, const struct distinct_size *size, uint64_t hash)
{
    if (d->about) {
        note(d->data, d->bits, hash);
        return;
    }
    if (!d->data)
        grow(d);
    if (!put(d->data, d->bits, hash) || ++d->count <= (1U << d->bits) / 2)
        return;
    if (d->bits < size->bits)
        grow(d);
    else
        to_registers(d, size);
}

void distinct_merge(struct distinct *d, const struct distinct_size *size, const struct distinct *other)
{
    if (other->about) {
        const uint8_t *theirs = other->data;
        if (!d->about)
            to_registers(d, size);
        uint8_t *ours = d->data;
        for (size_t i = 0; i < (size_t)1 << d->bits; i++)
            ours[i] = theirs[i] > ours[i] ? theirs[i] : ours[i];
        return;
    }
    const uint64_t *places = other->data;
    for (size_t i = 0; places && i < (size_t)1 << other->bits; i++)
        if (places[i])
            distinct_add(d, size, places[i]);
}

unsigned long distinct_count(const struct distinct *d)
{
    if (!d->about)
        return d->count;
    const uint8_t *registers = d->data;
    double m = (double)((size_t)1 << d->bits), sum = 0, empty = 0;
    for (size_t i = 0; i < (size_t)1 << d->bits; i++) {
        sum += ldexp(1, -registers[i]);
        empty += registers[i] == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && empty > 0)
        estimate = m * log(m / empty); /* few things: counting the empty registers is better */
    return (unsigned long)(estimate + 0.5);
}

void distinct_free(struct distinct *d)
{
    g_free(d->data);
    *d = (struct distinct){0};
}
