#include <mailwhy/explained.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define BUCKETS 2048
#define WAYS 8 /* replies of one bucket; a new one takes the place of the oldest */
#define PRIME 0x100000001b3ULL /* of FNV-1a */

struct explained {
    pthread_mutex_t lock;
    atomic_bool used; /* a reply was added */
    uint64_t seed; /* a secret: nobody can make a reply that is taken for another one */
    uint64_t digests[BUCKETS][WAYS]; /* 0: none */
    uint8_t next[BUCKETS];
};

struct explained *explained_new(void)
{
    struct explained *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    if (getrandom(&x->seed, sizeof x->seed, 0) != sizeof x->seed) {
        free(x);
        return NULL;
    }
    pthread_mutex_init(&x->lock, NULL);
    return x;
}

void explained_free(struct explained *x)
{
    if (!x)
        return;
    pthread_mutex_destroy(&x->lock);
    free(x);
}

static uint64_t add_octet(uint64_t digest, unsigned char octet)
{
    return (digest ^ octet) * PRIME;
}

/* Postfix shows a blank for each octet of a milter's reply that is not printable. */
static unsigned char shown(char octet)
{
    return (unsigned char)(octet > ' ' && octet <= '~' ? octet : ' ');
}

static uint64_t digest_of(const struct explained *x, const struct reply *reply)
{
    uint64_t digest = x->seed;
    for (unsigned i = 0; i < reply->line_count; i++) {
        for (size_t at = 0; at < reply->lines[i].len; at++)
            digest = add_octet(digest, shown(reply->lines[i].text[at]));
        digest = add_octet(digest, '\n');
    }
    digest ^= digest >> 32;
    return digest ? digest : 1;
}

void explained_add(struct explained *x, const struct reply *reply)
{
    uint64_t digest = digest_of(x, reply);
    size_t bucket = digest % BUCKETS;
    atomic_store(&x->used, true);
    pthread_mutex_lock(&x->lock);
    x->digests[bucket][x->next[bucket]] = digest;
    x->next[bucket] = (uint8_t)((x->next[bucket] + 1) % WAYS);
    pthread_mutex_unlock(&x->lock);
}

bool explained_has(struct explained *x, const struct reply *reply)
{
    if (!atomic_load(&x->used))
        return false;
    uint64_t digest = digest_of(x, reply);
    bool found = false;
    pthread_mutex_lock(&x->lock);
    for (int way = 0; way < WAYS; way++)
        found |= x->digests[digest % BUCKETS][way] == digest;
    pthread_mutex_unlock(&x->lock);
    return found;
}
