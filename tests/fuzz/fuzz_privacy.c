/* Any octets as a reply whose names are hidden: no address is left, nor a name that is known, and the codes stay. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/privacy.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
}

/* A token: "Ann" before one is not "Anna". */
static int is_token(const char *s, const char *end)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    return end - s >= PRIVACY_TOKEN_SIZE - 1 && s[1] == '-' && strspn(s + 2, alphabet) >= PRIVACY_TOKEN_SIZE - 3;
}

static void check(const struct event *e)
{
    const char *end = e->reply + e->reply_len;
    for (const char *s = e->reply; s < end; s++) {
        assert(s == e->reply || *s != '@' || !is_word(s[-1]));
        if (end - s >= 4 && strncasecmp(s, "anna", 4) == 0)
            assert((s > e->reply && is_word(s[-1])) || (end - s > 4 && is_word(s[4])) || is_token(s + 3, end));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct privacy p = {PRIVACY_HMAC, PRIVACY_HMAC, "0123456789abcdef0123456789abcde"};
    struct buffer store = {0};
    char *helo = malloc(size + 1);
    assert(helo);
    memcpy(helo, data, size);
    helo[size] = '\0';
    struct event e = {.sender = "Anna@a.test",
                      .sasl_user = helo,
                      .helo = helo,
                      .client_name = helo,
                      .reply = (const char *)data,
                      .reply_len = size};
    privacy_apply(&p, &e, &store);
    if (e.reply && size)
        check(&e);
    struct event again = {.sender = "Anna@a.test", .reply = (const char *)data, .reply_len = size};
    struct buffer second = {0};
    privacy_apply(&p, &again, &second);
    if (size)
        check(&again);
    buffer_free(&store);
    buffer_free(&second);
    free(helo);
    return 0;
}
