#include <mailwhy/challenge.h>

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

static const char *const step_names[] = {
    [CHALLENGE_NONE] = NULL, [CHALLENGE_USERNAME] = "username", [CHALLENGE_PASSWORD] = "password", [CHALLENGE_OTHER] = "other"};
static_assert(sizeof step_names / sizeof *step_names == CHALLENGE_STEPS, "each step has its name");

/* What a decoded challenge begins with, in any case, and what it asks for. */
static const struct {
    const char *prefix;
    enum challenge_step step;
    const char *mechanism;
} known[] = {
    {"username", CHALLENGE_USERNAME, "LOGIN"}, {"user name", CHALLENGE_USERNAME, "LOGIN"}, {"login", CHALLENGE_USERNAME, "LOGIN"},
    {"password", CHALLENGE_PASSWORD, "LOGIN"}, {"realm=", CHALLENGE_OTHER, "DIGEST-MD5"}, /* RFC 2831 section 2.1.1 */
    {"nonce=", CHALLENGE_OTHER, "DIGEST-MD5"}, {"r=", CHALLENGE_OTHER, "SCRAM"}, /* RFC 5802 section 7, server-first-message */
    {"<", CHALLENGE_OTHER, "CRAM-MD5"}, /* RFC 2195 section 2: a msg-id */
};

/* Sentences of the SASL layer that say a client broke off, without saying at which challenge. */
static const char broken_off[] = "another step is needed in authentication";

const char *challenge_step_name(enum challenge_step step)
{
    return step_names[step];
}

/* Decode base64 (RFC 4648 section 4) to printable text. Its length, 0 where it is anything else. */
static size_t decode(char out[static CHALLENGE_TEXT_SIZE], const char *s, size_t len)
{
    unsigned char octets[CHALLENGE_TEXT_SIZE + 3];
    if (len < 8 || len % 4 || len / 4 * 3 >= CHALLENGE_TEXT_SIZE)
        return 0;
    for (size_t i = 0; i < len; i++) /* EVP_DecodeBlock() forgives blanks; a reply's words are not a challenge */
        if ((unsigned char)s[i] <= ' ' || (s[i] == '=' && i < len - 2))
            return 0;
    int n = EVP_DecodeBlock(octets, (const unsigned char *)s, (int)len);
    if (n < 0)
        return 0;
    size_t text = (size_t)n - (s[len - 1] == '=') - (s[len - 2] == '=');
    while (text && octets[text - 1] == '\0') /* "User Name" comes with its NUL from some servers */
        text--;
    for (size_t i = 0; i < text; i++)
        if (octets[i] < ' ' || octets[i] > '~')
            return 0;
    memcpy(out, octets, text);
    out[text] = '\0';
    return text;
}

static void classify(struct challenge *c)
{
    c->step = CHALLENGE_OTHER;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncasecmp(c->text, known[i].prefix, strlen(known[i].prefix)) == 0) {
            c->step = known[i].step;
            c->mechanism = known[i].mechanism;
            return;
        }
    }
}

void challenge_find(struct challenge *c, const struct reply *r)
{
    c->step = CHALLENGE_NONE;
    c->mechanism = NULL;
    c->text[0] = '\0';
    bool bare = r->code == 0;
    if (r->code != 535 && r->code != 501 && r->code != 454 && r->code != 334 && !bare)
        return;
    const char *end = r->text + r->text_len;
    while (end > r->text && end[-1] == ' ')
        end--;
    const char *word = end;
    while (word > r->text && word[-1] != ' ')
        word--;
    if (decode(c->text, word, (size_t)(end - word)))
        classify(c);
    else if (r->text_len && memmem(r->text, r->text_len, broken_off, sizeof broken_off - 1))
        c->step = CHALLENGE_OTHER;
    if (bare && (!c->mechanism || word > r->text)) /* any word may be base64 */
        *c = (struct challenge){.step = CHALLENGE_NONE};
}
