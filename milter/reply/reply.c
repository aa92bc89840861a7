#include <mailwhy/reply.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* reply-code of RFC 5321 section 4.2, more liberal in its second digit: some servers answer 571. 0 where there is none. */
static int code_parse(const char *s, size_t len)
{
    if (len < 3 || !is_digit(s[0]) || !is_digit(s[1]) || !is_digit(s[2]))
        return 0;
    if (len > 3 && s[3] != '-' && !is_blank(s[3]))
        return 0;
    int code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
    return code >= 200 && code <= 599 ? code : 0;
}

/* One to three digits. How many octets they take, 0 for none. */
static size_t subcode_parse(int *value, const char *s, size_t len)
{
    size_t n = 0;
    *value = 0;
    while (n < len && n < 3 && is_digit(s[n]))
        *value = *value * 10 + (s[n++] - '0');
    return n;
}

size_t enhanced_parse(struct enhanced *e, const char *s, size_t len)
{
    *e = (struct enhanced){0};
    if (len < 5 || (s[0] != '2' && s[0] != '4' && s[0] != '5') || s[1] != '.')
        return 0;
    size_t at = 2;
    int subject, detail;
    size_t n = subcode_parse(&subject, s + at, len - at);
    at += n;
    if (n == 0 || at >= len || s[at] != '.')
        return 0;
    at++;
    n = subcode_parse(&detail, s + at, len - at);
    at += n;
    if (n == 0 || (at < len && !is_blank(s[at])))
        return 0;
    *e = (struct enhanced){s[0] - '0', subject, detail};
    return at;
}

/* Write a number from 0 to 999. Where it ends. */
static char *put_number(char *to, int n)
{
    if (n >= 100)
        *to++ = (char)('0' + n / 100 % 10);
    if (n >= 10)
        *to++ = (char)('0' + n / 10 % 10);
    *to++ = (char)('0' + n % 10);
    return to;
}

const char *enhanced_format(const struct enhanced *e, char out[static ENHANCED_SIZE])
{
    char *to = out;
    if (e->class) {
        to = put_number(to, e->class);
        *to++ = '.';
        to = put_number(to, e->subject);
        *to++ = '.';
        to = put_number(to, e->detail);
    }
    *to = '\0';
    return out;
}

bool enhanced_equal(const struct enhanced *a, const struct enhanced *b)
{
    return a->class == b->class && a->subject == b->subject && a->detail == b->detail;
}

const char *reply_class_name(int code)
{
    static const char *const names[] = {
        [2] = "Positive Completion", "Positive Intermediate", "Transient Negative", "Permanent Negative"};
    return code >= 200 && code <= 599 ? names[code / 100] : NULL;
}

/* Read one line, without its end, as the next of r. bare: it may lack a code. */
static int line_parse(struct reply *r, const char *s, size_t len, bool bare)
{
    int code = code_parse(s, len);
    if (r->line_count == REPLY_LINES_MAX || (r->line_count == 0 && !code && !bare) ||
        (r->line_count > 0 && code && code != r->code))
        return -1;
    size_t at = 0;
    if (code) {
        r->code = code;
        at = len > 3 ? 4 : 3;
    }
    while (at < len && is_blank(s[at]))
        at++;
    struct enhanced e;
    size_t taken = code || bare ? enhanced_parse(&e, s + at, len - at) : 0;
    if (taken) {
        if (!r->enhanced.class)
            r->enhanced = e;
        else if (!enhanced_equal(&r->enhanced, &e))
            r->enhanced_differs = true;
        for (at += taken; at < len && is_blank(s[at]);)
            at++;
    }
    r->lines[r->line_count++] = (struct reply_line){s + at, len - at, len};
    return 0;
}

/* Point text at the lines' texts, joined. */
static int join(struct reply *r)
{
    r->text = r->lines[0].text;
    r->text_len = r->lines[0].len;
    if (r->line_count == 1)
        return 0;
    size_t len = 0;
    for (unsigned i = 0; i < r->line_count; i++)
        len += r->lines[i].len + 1;
    r->joined = malloc(len);
    if (!r->joined)
        return -1;
    char *to = r->joined;
    for (unsigned i = 0; i < r->line_count; i++) {
        if (i)
            *to++ = ' ';
        memcpy(to, r->lines[i].text, r->lines[i].len);
        to += r->lines[i].len;
    }
    r->text = r->joined;
    r->text_len = (size_t)(to - r->joined);
    return 0;
}

static int parse(struct reply *r, const char *s, size_t len, bool bare)
{
    r->code = 0;
    r->enhanced = (struct enhanced){0};
    r->enhanced_differs = false;
    r->line_count = 0;
    r->text = NULL;
    r->text_len = 0;
    r->joined = NULL;

    const char *end = s + len;
    while (s < end || r->line_count == 0) {
        const char *lf = s < end ? memchr(s, '\n', (size_t)(end - s)) : NULL;
        const char *stop = lf ? lf : end;
        size_t line = (size_t)(stop - s);
        if (line && stop[-1] == '\r')
            line--;
        if (line_parse(r, s, line, bare) == -1) {
            errno = EINVAL;
            goto fail;
        }
        s = lf ? lf + 1 : end;
    }
    if (join(r) == -1)
        goto fail;
    return 0;

fail:
    r->code = 0;
    r->line_count = 0;
    return -1;
}

int reply_parse(struct reply *r, const char *s, size_t len)
{
    return parse(r, s, len, false);
}

int reply_parse_bare(struct reply *r, const char *s, size_t len)
{
    return parse(r, s, len, true);
}

void reply_free(struct reply *r)
{
    free(r->joined);
    r->joined = NULL;
    r->text = NULL;
    r->text_len = 0;
    r->line_count = 0;
}
