#include <mailwhy/json.h>

#include <endian.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <mailwhy/utf8.h>

#define NUL_PICTURE 0x2400

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void json_white(struct json *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\r' || *j->at == '\n'))
        j->at++;
}

bool json_token(struct json *j, char c)
{
    json_white(j);
    if (j->at == j->end || *j->at != c)
        return false;
    j->at++;
    return true;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits after a \u. */
static bool hex4(struct json *j, uint32_t *unit)
{
    if (j->end - j->at < 4)
        return false;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int value = hex_value(*j->at++);
        if (value < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)value;
    }
    return true;
}

/* What follows a \u: one unit, or two that are a pair of surrogates. A low one that is not there leaves what follows to be read anew. */
static bool unicode_escape(struct json *j, uint32_t *point)
{
    if (!hex4(j, point))
        return false;
    if (*point < 0xd800 || *point > 0xdbff || j->end - j->at < 6 || j->at[0] != '\\' || j->at[1] != 'u')
        return true;
    struct json ahead = {j->at + 2, j->end};
    uint32_t low;
    if (!hex4(&ahead, &low))
        return false;
    if (low >= 0xdc00 && low <= 0xdfff) {
        *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
        j->at = ahead.at;
    }
    return true;
}

/* What follows a backslash. */
static bool escape(struct json *j, uint32_t *point)
{
    static const char letter[256] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    if (j->at == j->end)
        return false;
    unsigned char c = (unsigned char)*j->at++;
    if (c == 'u')
        return unicode_escape(j, point);
    *point = (unsigned char)letter[c];
    return letter[c] != '\0';
}

static int add_point(struct buffer *out, uint32_t point, bool nul)
{
    char octets[UTF8_MAX];
    if (point == 0 && !nul)
        point = NUL_PICTURE;
    return buffer_add(out, octets, utf8_encode(point, octets));
}

/* Of each octet the top bit is set where it is 0; those above the first such one may be set wrongly. */
static uint64_t zeros(uint64_t octets)
{
    return (octets - UINT64_C(0x0101010101010101)) & ~octets & UINT64_C(0x8080808080808080);
}

/* The first octet that a string's run of plain octets ends at, eight at a time; in the last few one by one. */
static const char *end_of_run(const char *s, const char *end)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    for (uint64_t octets; end - s >= (ptrdiff_t)sizeof octets; s += sizeof octets) {
        memcpy(&octets, s, sizeof octets);
        octets = le64toh(octets);
        uint64_t ends =
            ((octets - each * 0x20) & ~octets & each * 0x80) | zeros(octets ^ each * '"') | zeros(octets ^ each * '\\');
        if (ends)
            return s + __builtin_ctzll(ends) / 8;
    }
    while (s < end && (unsigned char)*s >= 0x20 && *s != '"' && *s != '\\')
        s++;
    return s;
}

bool json_plain_string(struct json *j, const char **s, size_t *len)
{
    if (j->at == j->end || *j->at != '"')
        return false;
    const char *end = end_of_run(j->at + 1, j->end);
    if (end == j->end || *end != '"')
        return false;
    *s = j->at + 1;
    *len = (size_t)(end - *s);
    j->at = end + 1;
    return true;
}

int json_string(struct json *j, struct buffer *out, bool nul)
{
    if (!json_token(j, '"'))
        return 0;
    for (;;) {
        const char *run = j->at;
        j->at = end_of_run(run, j->end);
        if (out && buffer_add(out, run, (size_t)(j->at - run)) == -1)
            return -1;
        if (j->at == j->end || (unsigned char)*j->at < 0x20)
            return 0;
        if (*j->at++ == '"')
            return 1;
        uint32_t point;
        if (!escape(j, &point))
            return 0;
        if (out && add_point(out, point, nul) == -1)
            return -1;
    }
}

static bool digits(struct json *j)
{
    const char *start = j->at;
    while (j->at < j->end && is_digit(*j->at))
        j->at++;
    return j->at > start;
}

static bool one_of(struct json *j, const char *set)
{
    if (j->at == j->end || *j->at == '\0' || !strchr(set, *j->at))
        return false;
    j->at++;
    return true;
}

static bool number(struct json *j)
{
    one_of(j, "-");
    if (!one_of(j, "0") && !digits(j))
        return false;
    if (one_of(j, ".") && !digits(j))
        return false;
    if (!one_of(j, "eE"))
        return true;
    one_of(j, "+-");
    return digits(j);
}

static bool literal(struct json *j)
{
    static const char *const names[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        if ((size_t)(j->end - j->at) >= len && memcmp(j->at, names[i], len) == 0) {
            j->at += len;
            return true;
        }
    }
    return false;
}

static bool value(struct json *j, int depth);

/* The members of an object or the values of an array, after its bracket. */
static bool container(struct json *j, char close, int depth)
{
    if (depth > JSON_DEPTH_MAX)
        return false;
    if (json_token(j, close))
        return true;
    do {
        if (close == '}' && (json_string(j, NULL, false) != 1 || !json_token(j, ':')))
            return false;
        if (!value(j, depth))
            return false;
    } while (json_token(j, ','));
    return json_token(j, close);
}

static bool value(struct json *j, int depth)
{
    if (json_token(j, '{'))
        return container(j, '}', depth + 1);
    if (json_token(j, '['))
        return container(j, ']', depth + 1);
    if (j->at == j->end)
        return false;
    if (*j->at == '"')
        return json_string(j, NULL, false) == 1;
    return *j->at == '-' || is_digit(*j->at) ? number(j) : literal(j);
}

bool json_skip(struct json *j)
{
    return value(j, 0);
}

bool json_long(const char *text, size_t len, long *n)
{
    bool negative = len > 0 && text[0] == '-';
    unsigned long most = negative ? -(unsigned long)LONG_MIN : LONG_MAX;
    unsigned long sum = 0;
    size_t i = negative;
    if (i == len)
        return false;
    for (; i < len; i++) {
        if (!is_digit(text[i]))
            return false;
        unsigned long digit = (unsigned long)(text[i] - '0');
        if (sum > (most - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *n = negative && sum ? -(long)(sum - 1) - 1 : (long)sum;
    return true;
}
