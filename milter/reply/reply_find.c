#include <mailwhy/reply_find.h>

#include <stdbool.h>
#include <string.h>

#include <mailwhy/reply_told.h>
#include <mailwhy/span.h>

static const char *find_last(struct span s, const char *word)
{
    const char *last = NULL;
    for (const char *at; (at = span_find(s, word)); s.at = at + 1)
        last = at;
    return last;
}

/* Let s end where the word begins, if it is there. */
static void end_at(struct span *s, const char *word)
{
    const char *at = span_find(*s, word);
    if (at)
        s->end = at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a line of a reply of the classes 4 and 5 begins at s: three digits, then '-' or a blank and something. */
static bool is_refusal(struct span s)
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

/* Append the reply. Logs write the lines of a long one behind each other: "550-5.7.1 one 550-5.7.1 two 550 5.7.1 three". */
static void add_reply(struct buffer *out, struct span s)
{
    trim(&s);
    struct span cut = s;
    const char *code = s.at;
    bool continues = is_refusal(s) && s.at[3] == '-';
    if (!is_refusal(s) && span_pass(&cut, "??") && is_refusal(cut)) { /* Postfix's cleanup leaves the first code out */
        code = cut.at;
        buffer_add(out, code, 3);
        buffer_add_char(out, '-');
        continues = true;
    }
    for (const char *at = s.at; continues && at < s.end; at++) {
        size_t gap = gap_at((struct span){at, s.end});
        struct span next = {at + gap, s.end};
        if (at == s.at || !gap || !is_refusal(next) || memcmp(next.at, code, 3) != 0)
            continue;
        buffer_add(out, s.at, (size_t)(at - s.at));
        buffer_add_char(out, '\n');
        continues = next.at[3] == '-';
        s.at = next.at;
        at = next.at;
    }
    buffer_add(out, s.at, span_length(s));
}

/* Note the address in "name[192.0.2.1]" or "name [192.0.2.1]", and pass it. */
static bool take_client(struct reply_found *found, struct span *s)
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

/* End the reply where Postfix's own words about the session begin: "; from=<", or what comes first of them. */
static void end_at_session(struct span *s)
{
    static const char *const words[] = {"from=<", "to=<", "proto=", "helo=<", "sasl_method="};
    for (struct span rest = *s; span_pass(&rest, "; ");) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            if (!span_starts(rest, words[i]))
                continue;
            s->end = rest.at - strlen("; ");
            return;
        }
    }
}

/* "reject: header Subject: what a client wrote from name[addr]; from=<> helo=<>: 5.7.1 TEXT". */
static bool find_postfix_header(struct reply_found *found, struct span s)
{
    const char *behind = find_last(s, "; from=<"), *reply = behind ? find_last((struct span){behind, s.end}, ">: ") : NULL;
    if (!reply)
        return false;
    const char *from = find_last((struct span){s.at, behind}, " from ");
    struct span client = {from ? from : s.at, behind};
    take_client(found, &client); /* "from local": there is none */
    s.at = reply + strlen(">: ");
    add_reply(&found->reply, s);
    return true;
}

/* "reject: mime-error TEXT: what a client wrote from name[addr]; from=<> to=<>", without a code: that is 5.6.0 for each of them. */
static bool find_postfix_mime_error(struct reply_found *found, struct span s)
{
    const char *behind = find_last(s, "; from=<"), *from = behind ? find_last((struct span){s.at, behind}, " from ") : NULL;
    struct span client = {from, behind}, text = span_until(s, ':');
    if (!from)
        return false;
    take_client(found, &client);
    buffer_add_string(&found->reply, "5.6.0 ");
    buffer_add(&found->reply, text.at, span_length(text));
    return true;
}

/* "proxy-reject: END-OF-MESSAGE: REPLY; from=<>", of the server behind smtpd_proxy_filter: the client is not in it. */
static bool find_postfix_proxy(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "proxy-reject: ") || !span_pass(&s, ": "))
        return false;
    end_at_session(&s);
    add_reply(&found->reply, s);
    return true;
}

/* 'warning: proxy addr:port rejected "MAIL FROM:<a@b.test>": "REPLY"', likewise. */
static bool find_postfix_proxied(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "warning: proxy ") || !span_pass(&s, " rejected \""))
        return false;
    const char *reply = NULL; /* the last: an address in the command may have the like in it */
    for (struct span rest = s; span_pass(&rest, "\": \"");)
        reply = is_refusal(rest) ? rest.at : reply;
    if (!reply || s.end[-1] != '"')
        return false;
    s = (struct span){reply, s.end - 1};
    add_reply(&found->reply, s);
    return true;
}

/* What is told without its reply. */
static bool find_postfix_told(struct reply_found *found, struct span s)
{
    struct span message = s;
    span_pass(&message, "]: "); /* of the process */
    const struct reply_told *told = reply_told(s);
    if (!told && !(told = reply_told(message)))
        return false;
    bool client = span_pass(&s, " from ") && take_client(found, &s);
    buffer_add_string(&found->reply, told->reply);
    if (client && told->with_client) {
        buffer_add_string(&found->reply, " from ");
        buffer_add(&found->reply, found->client, found->client_len);
    }
    return true;
}

/* Postfix: "reject: RCPT from name[addr]: REPLY; from=<>"; likewise milter-reject, and reject_warning, which only would have. */
static bool find_postfix_reject(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "reject: ") && !span_pass(&s, "reject_warning: "))
        return false;
    if (span_starts(s, "header ") || span_starts(s, "body ") || span_starts(s, "content "))
        return find_postfix_header(found, s);
    if (span_starts(s, "mime-error "))
        return span_pass(&s, " ") && find_postfix_mime_error(found, s);
    if (!span_pass(&s, " from ") || !take_client(found, &s) || !span_pass(&s, ": "))
        return false;
    end_at_session(&s);
    add_reply(&found->reply, s);
    return true;
}

/* Postfix: "name[addr]: SASL LOGIN authentication failed: TEXT, sasl_username=...". */
static bool find_postfix_sasl(struct reply_found *found, struct span s)
{
    struct span before = s;
    if (!span_pass(&s, ": SASL ") || !span_pass(&s, " authentication failed"))
        return false;
    if (!span_pass(&before, "warning: "))
        before.at = s.at;
    take_client(found, &before);
    end_at(&s, ", sasl_username=");
    buffer_add_string(&found->reply, "535 5.7.8 Error: authentication failed");
    buffer_add(&found->reply, s.at, span_length(s));
    return true;
}

/* Append "5.1.1 TEXT": what a delivery's log line says of a reply that it does not show. */
static void add_status(struct buffer *out, struct span line, struct span text)
{
    struct span status = line;
    if (span_pass(&status, "dsn=")) {
        end_at(&status, ",");
        buffer_add(out, status.at, span_length(status));
        buffer_add_char(out, ' ');
    }
    buffer_add(out, text.at, span_length(text));
}

/* Whether a status is that of a delivery that went well. */
static bool is_delivered(struct span s)
{
    return span_starts(s, "sent") || span_starts(s, "deliverable") || span_starts(s, "relayed") || span_starts(s, "expanded");
}

/* Postfix: "dsn=5.1.1, status=bounced (host x[addr] said: REPLY (in reply to RCPT TO command))". */
static bool find_postfix_delivery(struct reply_found *found, struct span s)
{
    struct span line = s;
    if (!span_pass(&s, "status=") || is_delivered(s) || !span_pass(&s, " ("))
        return false;
    const char *end = find_last(s, ")");
    s.end = end ? end : s.end;
    if (span_pass(&s, " said: ") || span_pass(&s, " refused to talk to me: ")) {
        end_at(&s, " (in reply to ");
        add_reply(&found->reply, s);
    } else {
        add_status(&found->reply, line, s);
    }
    return true;
}

/* Behind the address that begins at s with '<', in which quoted strings and other brackets may stand; the end where it is not closed. */
static const char *behind_address(struct span s)
{
    bool quoted = false;
    int depth = 0;
    for (; s.at < s.end; s.at++) {
        if (*s.at == '\\')
            s.at++;
        else if (*s.at == '"')
            quoted = !quoted;
        else if (!quoted && (*s.at == '<' || *s.at == '>'))
            depth += *s.at == '<' ? 1 : -1;
        if (depth == 0)
            return s.at < s.end ? s.at + 1 : s.end;
    }
    return s.end;
}

/* Sendmail: "ruleset=check_rcpt, arg1=<ADDRESS>, relay=name [addr], reject=REPLY", "Milter: to=<ADDRESS>, reject=REPLY". The address may be any text,
 * and so may what stands in its place in a ruleset of a command. */
static bool find_sendmail_reject(struct reply_found *found, struct span s)
{
    struct span about = s;
    bool ruleset = span_pass(&about, "ruleset=");
    if (ruleset)
        about.at = span_until(about, ',').end;
    else
        span_pass(&about, "Milter: ");
    bool address = span_starts(about, ", arg1=<") || span_starts(about, "to=<") || span_starts(about, "from=<");
    if (address)
        about.at = behind_address((struct span){span_find(about, "<"), about.end});
    const char *reject = ruleset && !address ? find_last(about, ", reject=") : span_find(about, "reject=");
    if (!reject)
        return false;
    struct span client = {about.at, reject};
    const char *relay = address ? span_find(client, "relay=") : find_last(client, "relay=");
    if (relay) {
        client.at = relay;
        take_client(found, &client);
    }
    s.at = reject;
    span_pass(&s, "reject=");
    add_reply(&found->reply, s);
    return true;
}

/* Sendmail: "AUTH failure (LOGIN): TEXT (-20) SASL(-13): DETAIL, user=NAME, relay=name [addr]". The user's name may be any text. */
static bool find_sendmail_auth(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "AUTH failure (") || !span_pass(&s, "): "))
        return false;
    const char *end = find_last(s, ", relay=");
    if (end) {
        struct span relay = {end, s.end};
        s.end = end;
        take_client(found, &relay);
    }
    buffer_add_string(&found->reply, "535 5.7.0 authentication failed: ");
    buffer_add(&found->reply, s.at, span_length(s));
    return true;
}

/* Sendmail: "dsn=5.1.1, reply=REPLY, stat=User unknown", "dsn=4.2.0, stat=Deferred: REPLY". */
static bool find_sendmail_delivery(struct reply_found *found, struct span s)
{
    struct span line = s, reply = s;
    if (!span_pass(&s, "stat=") || span_starts(s, "Sent") || span_starts(s, "queued"))
        return false;
    if (span_pass(&reply, ", reply=")) {
        end_at(&reply, ", stat=");
        add_reply(&found->reply, reply);
        return true;
    }
    if (span_starts(s, "Deferred: "))
        s.at += strlen("Deferred: ");
    if (is_refusal(s))
        add_reply(&found->reply, s);
    else
        add_status(&found->reply, line, s);
    return true;
}

/* A reply's code that stands free in the line: at its beginning, or behind what may stand before one. */
static bool find_code(struct reply_found *found, struct span s)
{
    for (const char *at = s.at; at < s.end; at++) {
        struct span here = {at, s.end};
        if (!is_refusal(here) || (at > s.at && !strchr(" =:(\"'<>", at[-1])))
            continue;
        struct span rest = {at + 4, s.end};
        bool said = at == s.at || (at > s.at + 1 && at[-2] == ':') || at[-1] == ':';
        bool status = span_length(rest) > 4 && strchr("45", *rest.at) && rest.at[1] == '.' && is_digit(rest.at[2]);
        if (!said && !status)
            continue;
        end_at(&here, " (in reply to ");
        if (at > s.at && strchr("\"'", at[-1]) && here.end[-1] == at[-1])
            here.end--;
        add_reply(&found->reply, here);
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
    const char *address = find_last(before, ") [");
    if (!span_pass(&s, ">: ") && !span_pass(&s, ": "))
        return false;
    if (address)
        before.at = address;
    take_client(found, &before);
    add_reply(&found->reply, s);
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
