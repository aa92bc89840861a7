#include "privacy_text.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 4096 /* octets within which quotes and brackets are closed */

struct scan {
    const struct privacy_names *names;
    const char *start, *at, *end;
    const char *clear_to; /* no address begins before it */
    const char *decoded_to; /* no percent-encoded one begins before it */
    bool is_reply;
    struct buffer *out;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
}

/* What an address has before its @, without quotes (RFC 5322 section 3.2.3, RFC 6532). */
static bool is_local(char c)
{
    return is_word(c) || (c && strchr(".!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_domain(char c)
{
    return is_word(c) || c == '.' || c == '-' || c == '_';
}

static bool begins(const char *s, const char *end, const char *what)
{
    size_t len = strlen(what);
    return (size_t)(end - s) >= len && strncasecmp(s, what, len) == 0;
}

void privacy_put(const struct privacy *p, enum privacy_how how, const char *name, size_t len, struct buffer *out)
{
    char token[PRIVACY_TOKEN_SIZE];
    if (how == PRIVACY_PLAIN || len == 0 || (len == 2 && memcmp(name, "<>", 2) == 0))
        buffer_add(out, name, len);
    else if (how == PRIVACY_HMAC && privacy_token(p->key, name, len, token) == 0)
        buffer_add_string(out, token);
    else if (how == PRIVACY_HMAC)
        buffer_add_string(out, "***");
    else
        privacy_mask(name, len, out);
}

/* How an address in a text is seen, and a name there of which it is not known whose it is. */
static enum privacy_how how_of(const struct privacy_names *n, const char *name, size_t len)
{
    const struct privacy *p = n->privacy;
    enum privacy_how strictest = p->user > p->address ? p->user : p->address;
    if (!memchr(name, '@', len))
        return strictest;
    return n->user && privacy_begins(name, len, n->user, strlen(n->user)) == len ? strictest : p->address;
}

static void put(struct scan *s, const char *name, size_t len)
{
    privacy_put(s->names->privacy, how_of(s->names, name, len), name, len, s->out);
    s->at = name + len;
}

static void copy_to(struct scan *s, const char *to)
{
    buffer_add(s->out, s->at, (size_t)(to - s->at));
    s->at = to;
}

/* "535-5.7.8 " at the start of a line. */
static bool take_codes(struct scan *s)
{
    const char *c = s->at;
    if (!s->is_reply || (c > s->start && c[-1] != '\n') || s->end - c < 4 || !is_digit(c[0]) || !is_digit(c[1]) ||
        !is_digit(c[2]) || (c[3] != ' ' && c[3] != '-'))
        return false;
    const char *enhanced = c + 4;
    for (c = enhanced; c < s->end && (is_digit(*c) || *c == '.'); c++)
        continue;
    copy_to(s, c < s->end && *c == ' ' ? c + 1 : enhanced);
    const char *word = s->at; /* Sendmail: "anna... User unknown" */
    while (word<s->end && * word> ' ' && *word != '<' && *word != '@')
        word++;
    if (word - s->at > 3 && memcmp(word - 3, "...", 3) == 0)
        put(s, s->at, (size_t)(word - 3 - s->at));
    return true;
}

/* Whether what stands in angle brackets is no name; behind: what comes after the bracket. */
static bool is_no_name(const char *s, size_t len, const char *behind, const char *end)
{
    static const char *const words[] = {"CR", "LF", "CRLF", "NUL", "DATA", "END-OF-MESSAGE"};
    static const char *const verdicts[] = {
        ": Helo command rejected", ": Client host rejected", ": Unverified Client host rejected",
        ": Data command rejected", ": End-of-data rejected", ": Etrn command rejected"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (begins(behind, end, verdicts[i]))
            return true;
    return memmem(s, len, "://", 3) || (s[len - 1] == ']' && memchr(s, '[', len) && !memchr(s, '@', len));
}

static size_t window(const struct scan *s, const char *from)
{
    size_t left = (size_t)(s->end - from);
    return left < NAME_MAX_LEN ? left : NAME_MAX_LEN;
}

/* The end of the quoted string that begins there (RFC 5321 section 4.1.2), behind its quote; NULL: it has none. */
static const char *quoted_end(const struct scan *s, const char *from)
{
    const char *end = from + window(s, from);
    for (const char *c = from + 1; c < end && *c != '\n'; c++) {
        if (*c == '"')
            return c + 1;
        c += *c == '\\';
    }
    return NULL;
}

static bool take_brackets(struct scan *s)
{
    if (!s->is_reply || *s->at != '<')
        return false;
    const char *name = s->at + 1, *quoted = name < s->end && *name == '"' ? quoted_end(s, name) : NULL;
    const char *from = quoted && quoted < s->end && *quoted == '@' ? quoted : name;
    const char *close = memchr(from, '>', window(s, from));
    if (!close || close == name || memchr(name, '\n', (size_t)(close - name)) ||
        is_no_name(name, (size_t)(close - name), close + 1, s->end))
        return false;
    copy_to(s, name);
    put(s, name, (size_t)(close - name));
    return true;
}

/* What stands before an address without a blank: a parameter, "id=", or a page's address, "//a.test/?". How many octets. */
static size_t prefix(const char *s, const char *end)
{
    static const char *const names[] = {"s=",      "r=",         "id=",   "to=",      "from=",  "user=",   "username=",
                                        "sender=", "recipient=", "rcpt=", "address=", "email=", "mailto=", "sasl_username="};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (begins(s, end, names[i]))
            return strlen(names[i]);
    const char *last = s;
    for (const char *c = s; begins(s, end, "//") && c < end; c++)
        if (strchr("/?=&", *c))
            last = c;
    return (size_t)(last - s);
}

/* The end of the domain that begins there. */
static const char *domain_end(const char *s, const char *end)
{
    const char *d = s;
    if (d < end && *d == '[') {
        const char *close = memchr(d, ']', (size_t)(end - d));
        return close ? close + 1 : d;
    }
    while (d < end && is_domain(*d))
        d++;
    while (d > s && (d[-1] == '.' || d[-1] == '-' || d[-1] == '_'))
        d--;
    return d;
}

/* The end of "@example.com", or of several. */
static const char *domains_end(const char *at, const char *end)
{
    while (at < end && *at == '@')
        at = domain_end(at + 1, end);
    return at;
}

static bool take_address(struct scan *s)
{
    const char *name = s->at, *at = name;
    if (name < s->clear_to)
        return false;
    if (*name == '"') {
        at = quoted_end(s, name);
        if (!at || at == s->end || *at != '@')
            return false;
    } else {
        while (at < s->end && is_local(*at))
            at++;
        if (at == name || at == s->end || *at != '@') {
            s->clear_to = at;
            return false;
        }
        name += prefix(name, at);
        while (name < at && !is_word(*name) && *name != '_')
            name++;
    }
    if (name == at)
        return false;
    copy_to(s, name);
    put(s, name, (size_t)(domains_end(at, s->end) - name));
    return true;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "anna%40example.com", as in the address of a page. */
static bool take_encoded(struct scan *s)
{
    static const char marks[] = ".~%+-_";
    const char *end = s->at, *at = NULL;
    struct buffer name = {0};
    if (s->at < s->decoded_to)
        return false;
    while (end < s->end && (is_word(*end) || memchr(marks, *end, sizeof marks - 1))) {
        if (begins(end, s->end, "%40"))
            at = end;
        end++;
    }
    if (!at || at == s->at) {
        s->decoded_to = end;
        return false;
    }
    for (const char *c = s->at; c < end; c++) {
        int high = end - c > 2 && *c == '%' ? hex_value(c[1]) : -1, low = high < 0 ? -1 : hex_value(c[2]);
        buffer_add_char(&name, low < 0 ? *c : (char)(high << 4 | low));
        c += low < 0 ? 0 : 2;
    }
    if (buffer_ok(&name))
        put(s, name.data, name.len);
    else
        buffer_add_string(s->out, "***");
    buffer_free(&name);
    s->at = end;
    return true;
}

static bool take_known(struct scan *s)
{
    for (const struct privacy_known *k = s->names->known; k < s->names->known + s->names->count; k++) {
        size_t len = privacy_begins(s->at, (size_t)(s->end - s->at), k->name, k->len);
        if (!len)
            continue;
        const char *behind = s->at + len;
        if (behind < s->end && is_word(*behind) && is_word(behind[-1]))
            continue;
        if (behind < s->end && *behind == '@') {
            put(s, s->at, (size_t)(domains_end(behind, s->end) - s->at));
            return true;
        }
        privacy_put(s->names->privacy, k->how, k->name, k->len, s->out);
        s->at = behind;
        return true;
    }
    return false;
}

/* A name behind words that only a name follows. */
static bool take_phrase(struct scan *s)
{
    static const char *const phrases[] = {"owned by user ", "user=", "username=", "unknown user: ", "login name "};
    static const char firsts[] = "oul", marks[] = "\"'<[(";
    if (!s->is_reply || !memchr(firsts, *s->at | 0x20, sizeof firsts - 1))
        return false;
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (!begins(s->at, s->end, phrases[i]))
            continue;
        const char *name = s->at + strlen(phrases[i]), *end;
        while (name < s->end && memchr(marks, *name, sizeof marks - 1))
            name++;
        for (end = name; end<s->end && * end> ' ' && !strchr("\"'<>[](),;", *end); end++)
            continue;
        while (end > name && (end[-1] == '.' || end[-1] == ':'))
            end--;
        if (end == name || begins(name, end, "rejected"))
            continue;
        copy_to(s, name);
        put(s, name, (size_t)(end - name));
        return true;
    }
    return false;
}

void privacy_text(const struct privacy_names *names, bool is_reply, const char *text, size_t len, struct buffer *out)
{
    struct scan s = {.names = names, .start = text, .at = text, .end = text + len, .is_reply = is_reply, .out = out};
    s.clear_to = s.decoded_to = text;
    while (s.at < s.end) {
        if (take_codes(&s) || take_brackets(&s) || take_phrase(&s) || take_address(&s) || take_encoded(&s) || take_known(&s))
            continue;
        const char *to = s.at + 1;
        while (is_word(*s.at) && to < s.end && is_word(*to))
            to++;
        copy_to(&s, to);
    }
}
