/* What the logs of the benchmarks are made of: numbers that repeat with their seed, and names made of numbers. A name is written without a NUL; what is
 * returned is the place behind it. */
#ifndef INVENTED_H
#define INVENTED_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define MAILBOX_SIZE 80 /* more than a mailbox or a domain takes */

/* Always the same for the same number, and as good as any other number. */
static inline uint64_t mixed(uint64_t x)
{
    x += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
}

/* A random number: from 0 to less than 1. */
static inline double share_of(uint64_t random)
{
    return (double)(random >> 11) / 9007199254740992.0;
}

/* One of so many, from 1: the n-th about 1/n as often as the first. */
static inline uint64_t pick(uint64_t random, uint64_t count)
{
    return (uint64_t)exp(share_of(random) * log((double)count));
}

static inline char *word(uint64_t n, char *out)
{
    uint64_t h = mixed(n);
    for (int syllables = 2 + (int)(h >> 62); syllables--; h /= 100) {
        *out++ = "bcdfghjklmnprstvwxyz"[h % 20];
        *out++ = "aeiou"[h / 20 % 5];
    }
    return out;
}

static inline char *domain(uint64_t n, char *out)
{
    static const char endings[][13] = {".com", ".net", ".org", ".de", ".example.com", ".info", ".co.uk", ".fr"};
    const char *ending = endings[n % 8];
    out = word(n, out);
    *out++ = '-';
    out = word(n ^ 0xD0, out);
    return (char *)memcpy(out, ending, strlen(ending)) + strlen(ending);
}

static inline char *mailbox(uint64_t user, uint64_t of_domain, char *out)
{
    out = word(user, out);
    if (user % 3 == 0) {
        *out++ = '.';
        out = word(user ^ 0x5E, out);
    }
    *out++ = '@';
    return domain(of_domain, out);
}

#endif
