#include <mailwhy/ref.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/rand.h>

#define START 1767225600 /* 2026-01-01T00:00:00Z */
#define COUNT_BITS 22
#define COUNT (1U << COUNT_BITS)
#define DIGITS 10
#define GROUP 5

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void format(uint64_t bits, char out[static REF_SIZE])
{
    char *at = out + REF_SIZE;
    *--at = '\0';
    for (int digit = 0; digit < DIGITS; digit++) {
        if (digit == GROUP)
            *--at = '-';
        *--at = alphabet[bits & 31];
        bits >>= 5;
    }
}

/* The value of a digit as it was typed, -1 where it is none. */
static int digit_value(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c == 'O')
        c = '0';
    if (c == 'I' || c == 'L')
        c = '1';
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* 0 to COUNT - 1 are kept as 1 to COUNT, so that an all-zero source is one that has made none yet. */
int ref_make(struct ref_source *source, time_t time, char out[static REF_SIZE])
{
    out[0] = '\0';
    if (source->next == 0 || source->second != time) {
        uint32_t random;
        if (RAND_bytes((unsigned char *)&random, sizeof random) != 1) {
            errno = EIO;
            return -1;
        }
        *source = (struct ref_source){.second = time, .next = random % COUNT + 1, .left = COUNT};
    }
    if (source->left == 0) {
        errno = EAGAIN;
        return -1;
    }
    uint64_t seconds = ((uint64_t)time - START) % REF_PERIOD;
    format(seconds << COUNT_BITS | (source->next - 1), out);
    source->next = source->next % COUNT + 1;
    source->left--;
    return 0;
}

/* Read the digits of a reference however it was typed. */
static bool parse(const char *typed, uint64_t *bits)
{
    int digits = 0;
    *bits = 0;
    for (; *typed; typed++) {
        if (*typed == '-' || *typed == ' ' || *typed == '\t')
            continue;
        int value = digit_value(*typed);
        if (value < 0 || digits == DIGITS)
            return false;
        *bits = *bits << 5 | (uint64_t)value;
        digits++;
    }
    return digits == DIGITS;
}

int ref_parse(const char *typed, char out[static REF_SIZE])
{
    uint64_t bits;
    if (!parse(typed, &bits)) {
        out[0] = '\0';
        errno = EINVAL;
        return -1;
    }
    format(bits, out);
    return 0;
}

time_t ref_time(const char ref[static REF_SIZE], time_t limit)
{
    uint64_t bits = 0;
    parse(ref, &bits);
    uint64_t seconds = bits >> COUNT_BITS;
    return limit - (time_t)(((uint64_t)limit - START - seconds) % REF_PERIOD);
}

void ref_resume(struct ref_source *source, const char ref[static REF_SIZE], time_t time)
{
    uint64_t bits;
    if (parse(ref, &bits)) /* how many came before it is not known: half of a second's, then, are taken as gone */
        *source =
            (struct ref_source){.second = ref_time(ref, time), .next = (uint32_t)((bits + 1) % COUNT) + 1, .left = COUNT / 2};
}
