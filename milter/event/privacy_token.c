#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <unicase.h>

#include <mailwhy/privacy.h>
#include <mailwhy/utf8.h>

#include "privacy_text.h"

#define DIGITS (PRIVACY_TOKEN_SIZE - 3)

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Whether it is UTF-8, and has more than ASCII. */
static bool is_unicode(const char *s, size_t len)
{
    bool any = false;
    uint32_t point;
    for (size_t size; len; s += size, len -= size) {
        size = utf8_decode(s, len, &point);
        if (size == 0)
            return false;
        any |= point > 0x7f;
    }
    return any;
}

/* The name as it is in any case. It is room, or to be freed; NULL: errno ENOMEM. */
static char *fold(const char *name, size_t *len, char *room, size_t size)
{
    if (is_unicode(name, *len))
        return (char *)u8_casefold((const uint8_t *)name, *len, NULL, UNINORM_NFC, NULL, len);
    char *out = *len <= size ? room : malloc(*len);
    for (size_t i = 0; out && i < *len; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    return out;
}

/* Take the quotes of a quoted local part away, and its backslashes (RFC 5321 section 4.1.2): the octets that are left. */
static size_t unquote(char *s, size_t len)
{
    size_t close = 1, to = 0;
    while (close < len && s[close] != '"')
        close += s[close] == '\\' ? 2 : 1;
    if (len < 2 || s[0] != '"' || close + 1 >= len || s[close + 1] != '@')
        return len;
    for (size_t from = 1; from < len; from++) {
        from += from == close || (from < close && s[from] == '\\');
        s[to++] = s[from];
    }
    return to;
}

/* The next character of a text, as it is in any case, and of how many octets it is; what is no UTF-8 is an octet, and no character. */
static size_t next_folded(const char *s, size_t len, uint32_t *point)
{
    size_t size = utf8_decode(s, len, point);
    if (size > 1) {
        *point = uc_tolower(uc_toupper(*point));
    } else if (size) {
        *point |= *point >= 'A' && *point <= 'Z' ? 0x20 : 0;
    } else if (len) {
        *point = UINT32_MAX - (unsigned char)*s;
        size = 1;
    }
    return size;
}

size_t privacy_begins(const char *text, size_t text_len, const char *name, size_t len)
{
    uint32_t there, ours;
    size_t at = 0, in = 0;
    while (in < len) {
        size_t size = next_folded(text + at, text_len - at, &there);
        in += next_folded(name + in, len - in, &ours);
        if (!size || there != ours)
            return 0;
        at += size;
    }
    return at;
}

int privacy_token(const unsigned char key[static PRIVACY_KEY_SIZE], const char *name, size_t len,
                  char out[static PRIVACY_TOKEN_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;
    char room[256];
    if (len > 2 && name[0] == '<' && name[len - 1] == '>') {
        name++;
        len -= 2;
    }
    char *folded = fold(name, &len, room, sizeof room);
    if (!folded)
        return -1;
    len = unquote(folded, len);
    bool done = HMAC(EVP_sha256(), key, PRIVACY_KEY_SIZE, (const unsigned char *)folded, len, digest, &size);
    out[0] = memchr(folded, '@', len) ? 'a' : 'u';
    out[1] = '-';
    if (folded != room)
        free(folded);
    if (!done)
        return -1;
    uint64_t bits = 0;
    for (size_t i = 0; i < sizeof bits; i++)
        bits = bits << 8 | digest[i];
    for (size_t i = 0; i < DIGITS; i++)
        out[2 + i] = alphabet[bits >> (59 - 5 * i) & 31];
    out[PRIVACY_TOKEN_SIZE - 1] = '\0';
    return 0;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

int privacy_key_parse(const char *text, size_t len, unsigned char key[static PRIVACY_KEY_SIZE])
{
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (len != 2 * (size_t)PRIVACY_KEY_SIZE)
        return -1;
    for (size_t i = 0; i < PRIVACY_KEY_SIZE; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        key[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

int privacy_key_make(char text[static 2 * PRIVACY_KEY_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char key[PRIVACY_KEY_SIZE];
    if (RAND_bytes(key, sizeof key) != 1)
        return -1;
    for (size_t i = 0; i < sizeof key; i++) {
        text[2 * i] = digits[key[i] >> 4];
        text[2 * i + 1] = digits[key[i] & 15];
    }
    text[2 * sizeof key] = '\0';
    return 0;
}
