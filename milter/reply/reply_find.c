#include <mailwhy/reply_find.h>

#include <stdbool.h>
#include <string.h>

#include "find.h"

void find_end_at(struct span *s, const char *word)
{
    const char *at = span_find(*s, word);
    if (at)
        s->end = at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool find_is_refusal(struct span s)
{
    return span_length(s) >= 5 && (s.at[0] == '4' || s.at[0] == '5') && is_digit(s.at[1]) && is_digit(s.at[2]) &&
           (s.at[3] == '-' || s.at[3] == ' ') && s.at[4] != ' ';
}

static void trim(struct span *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
    while (s->at < s->end && strchr(" \t\r\n", s->end[-1]))
        s->end--;
}

/* What stands between two lines of a reply in a log: a blank, or what is written for the CRLF of another program's reply: "??" by Postfix, "\r\n" with its
 * backslashes by Sendmail. Its octets, 0 for none. */
static size_t gap_at(struct span s)
{
    static const char *const gaps[] = {" ", "??", "\\r\\n"};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++)
        if (span_starts(s, gaps[i]))
            return strlen(gaps[i]);
    return 0;
}

void find_add_reply(struct buffer *out, struct span s)
{
    trim(&s);
    struct span cut = s;
    const char *code = s.at;
    bool continues = find_is_refusal(s) && s.at[3] == '-';
    if (!find_is_refusal(s) && span_pass(&cut, "??") && find_is_refusal(cut)) { /* Postfix's cleanup leaves the first code out */
        code = cut.at;
        buffer_add(out, code, 3);
        buffer_add_char(out, '-');
        continues = true;
    }
    for (const char *at = s.at; continues && at < s.end; at++) {
        size_t gap = gap_at((struct span){at, s.end});
        struct span next = {at + gap, s.end};
        if (at == s.at || !gap || !find_is_refusal(next) || memcmp(next.at, code, 3) != 0)
            continue;
        buffer_add(out, s.at, (size_t)(at - s.at));
        buffer_add_char(out, '\n');
        continues = next.at[3] == '-';
        s.at = next.at;
        at = next.at;
    }
    buffer_add(out, s.at, span_length(s));
}

bool find_take_client(struct reply_found *found, struct span *s)
{
    struct span address = *s;
    if (!span_pass(&address, "["))
        return false;
    const char *end = span_find(address, "]");
    if (!end)
        return false;
    if (span_starts(address, "IPv6:"))
        address.at += strlen("IPv6:");
    found->client = address.at;
    found->client_len = (size_t)(end - address.at);
    s->at = end + 1;
    return true;
}

void find_add_status(struct buffer *out, struct span line, struct span text)
{
    struct span status = line;
    if (span_pass(&status, "dsn=")) {
        find_end_at(&status, ",");
        buffer_add(out, status.at, span_length(status));
        buffer_add_char(out, ' ');
    }
    buffer_add(out, text.at, span_length(text));
}

/* A reply's code that stands free in the line: at its beginning, or behind what may stand before one. */
static bool find_code(struct reply_found *found, struct span s)
{
    for (const char *at = s.at; at < s.end; at++) {
        struct span here = {at, s.end};
        if (!find_is_refusal(here) || (at > s.at && !strchr(" =:(\"'<>", at[-1])))
            continue;
        struct span rest = {at + 4, s.end};
        bool said = at == s.at || (at > s.at + 1 && at[-2] == ':') || at[-1] == ':';
        bool status = span_length(rest) > 4 && strchr("45", *rest.at) && rest.at[1] == '.' && is_digit(rest.at[2]);
        if (!said && !status)
            continue;
        find_end_at(&here, " (in reply to ");
        if (at > s.at && strchr("\"'", at[-1]) && here.end[-1] == at[-1])
            here.end--;
        find_add_reply(&found->reply, here);
        return true;
    }
    return false;
}

/* Exim: "H=name (helo) [addr] F=<> rejected RCPT <a@b>: TEXT". The name that the client gave stands in parentheses, and may be anything. */
static bool find_exim_rejected(struct reply_found *found, struct span s)
{
    struct span before = s;
    if (!span_pass(&s, " rejected ") || !span_find(before, "H="))
        return false;
    before.end = s.at;
    const char *address = span_find_last(before, ") [");
    if (!span_pass(&s, ">: ") && !span_pass(&s, ": "))
        return false;
    if (address)
        before.at = address;
    find_take_client(found, &before);
    find_add_reply(&found->reply, s);
    return true;
}

static bool (*const finders[])(struct reply_found *found, struct span s) = {
    find_postfix_reject,    find_postfix_sasl, find_postfix_delivery, find_postfix_proxy,
    find_postfix_proxied,   find_postfix_told, find_sendmail_auth,    find_sendmail_reject,
    find_sendmail_delivery, find_code,         find_exim_rejected,
};

static void clear(struct reply_found *found)
{
    found->client = NULL;
    found->client_len = 0;
    buffer_clear(&found->reply);
}

int reply_find(struct reply_found *found, const char *line, size_t len)
{
    struct span s = {line, line + len};
    trim(&s);
    for (size_t i = 0; i < sizeof finders / sizeof *finders; i++) {
        clear(found);
        if (finders[i](found, s) && found->reply.len)
            break;
    }
    return !buffer_ok(&found->reply) ? -1 : found->reply.len > 0;
}

static int find_by(bool (*find)(struct reply_found *found, struct span s), struct reply_found *found, const char *text,
                   size_t len)
{
    struct span s = {text, text + len};
    trim(&s);
    clear(found);
    bool got = find(found, s);
    return !buffer_ok(&found->reply) ? -1 : got && found->reply.len > 0;
}

int reply_find_sign_in(struct reply_found *found, const char *text, size_t len)
{
    bool sendmail = span_starts((struct span){text, text + len}, "AUTH ");
    return find_by(sendmail ? find_sendmail_auth : find_postfix_sasl, found, text, len);
}

int reply_find_sendmail_reject(struct reply_found *found, const char *text, size_t len)
{
    return find_by(find_sendmail_reject, found, text, len);
}

int reply_find_postfix_told(struct reply_found *found, const char *text, size_t len)
{
    return find_by(find_postfix_told, found, text, len);
}

int reply_find_postfix_proxy(struct reply_found *found, const char *text, size_t len)
{
    bool warning = span_starts((struct span){text, text + len}, "warning: ");
    return find_by(warning ? find_postfix_proxied : find_postfix_proxy, found, text, len);
}

void reply_found_free(struct reply_found *found)
{
    buffer_free(&found->reply);
    found->client = NULL;
    found->client_len = 0;
}
