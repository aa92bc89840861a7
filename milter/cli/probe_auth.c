#include "probe_auth.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RANDOM_OCTETS 12
#define RANDOM_SIZE (2 * RANDOM_OCTETS + 1)

bool probe_offers(const struct reply *ehlo, const char *keyword, struct reply_line *params)
{
    size_t len = strlen(keyword);
    for (unsigned i = 1; i < ehlo->line_count; i++) { /* the first is the greeting */
        const struct reply_line *line = &ehlo->lines[i];
        if (line->len < len || strncasecmp(line->text, keyword, len) != 0 || (line->len > len && line->text[len] != ' '))
            continue;
        if (params)
            *params = (struct reply_line){.text = line->text + len, .len = line->len - len};
        return true;
    }
    return false;
}

const char *probe_auth_mechanism(const struct reply *ehlo)
{
    static const char *const known[] = {"PLAIN", "LOGIN"};
    struct reply_line offered;
    if (!probe_offers(ehlo, "AUTH", &offered))
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t len = strlen(known[i]);
        for (size_t at = 0; at + len < offered.len; at++) {
            size_t end = at + 1 + len;
            if (offered.text[at] == ' ' && strncasecmp(offered.text + at + 1, known[i], len) == 0 &&
                (end == offered.len || offered.text[end] == ' '))
                return known[i];
        }
    }
    return NULL;
}

/* 0 or -1. */
static int make_random(char out[static RANDOM_SIZE])
{
    unsigned char octets[RANDOM_OCTETS];
    if (RAND_bytes(octets, sizeof octets) != 1)
        return -1;
    for (size_t i = 0; i < sizeof octets; i++)
        snprintf(out + 2 * i, 3, "%02x", octets[i]);
    return 0;
}

static void encode(char *out, const char *octets, size_t len)
{
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)octets, (int)len);
}

int probe_auth_make(struct probe_auth *a, const char *mechanism)
{
    char random[RANDOM_SIZE], both[sizeof a->user + sizeof a->password + 2];
    *a = (struct probe_auth){0};
    if (make_random(random) == -1 || make_random(a->password) == -1)
        return -1;
    snprintf(a->user, sizeof a->user, "mailwhy-probe-%s@example.invalid", random);
    if (strcmp(mechanism, "LOGIN") == 0) {
        snprintf(a->lines[0], sizeof a->lines[0], "AUTH LOGIN");
        encode(a->lines[1], a->user, strlen(a->user));
        encode(a->lines[2], a->password, strlen(a->password));
        return 0;
    }
    int len = snprintf(both, sizeof both, "%c%s%c%s", '\0', a->user, '\0', a->password); /* RFC 4616 */
    snprintf(a->lines[0], sizeof a->lines[0], "AUTH PLAIN ");
    encode(a->lines[0] + strlen(a->lines[0]), both, (size_t)len);
    return 0;
}

static void blot(struct buffer *text, const char *secret)
{
    size_t len = strlen(secret);
    for (char *at = text->data; len && at && (at = memmem(at, text->len - (size_t)(at - text->data), secret, len)); at += len)
        memset(at, '*', len);
}

void probe_auth_blot(const struct probe_auth *a, struct buffer *text)
{
    char user[128], password[128];
    encode(user, a->user, strlen(a->user));
    encode(password, a->password, strlen(a->password));
    const char *plain = strrchr(a->lines[0], ' ');
    const char *random = strrchr(a->user, '-') + 1; /* up to the @ */
    char made_up[RANDOM_SIZE] = "";
    memcpy(made_up, random, RANDOM_SIZE - 1);
    const char *const secrets[] = {made_up, a->password, user, password, plain && !*a->lines[1] ? plain + 1 : ""};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        blot(text, secrets[i]);
}
