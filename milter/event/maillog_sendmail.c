#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "maillog_pieces.h"

#define STARS 3 /* of a row */

/* A refusal by Sendmail's own code, which it logs without the reply's codes, and some of them in other words. */
struct own {
    const char *text; /* as it is logged; a star is anything */
    const char *codes; /* the reply's */
    const char *reply; /* its text, with the star of that number in place of a "*"; NULL: that which is logged */
    const char *client; /* the client's address stands in brackets behind the last one of these; NULL: the line doesn't name it */
    int star;
    enum stage stage;
};

/* Behind a recipient and three dots. */
static const struct own of_recipient[] = {
    {"User unknown", "550 5.1.1 ", .stage = STAGE_RCPT},
    {"Addressee unknown", "550 5.1.1 ", .stage = STAGE_RCPT},
    {"Cannot mail directly to *s", "550 5.7.1 ", .stage = STAGE_RCPT},
    {"Unbalanced '*'", "553 5.0.0 ", .stage = STAGE_RCPT},
    {"Illegal character *", "553 5.0.0 ", .stage = STAGE_RCPT},
    {"prescan: too many tokens", "553 5.1.0 ", .stage = STAGE_RCPT},
    {"prescan: token too long", "553 5.1.0 ", .stage = STAGE_RCPT},
    {"Address too long", "553 5.1.1 ", .stage = STAGE_RCPT},
    {"User address required", "553 5.1.3 ", .stage = STAGE_RCPT},
    {"Hostname required", "553 5.1.3 ", .stage = STAGE_RCPT},
    {"List:; syntax illegal for recipient addresses", "553 5.1.3 ", .stage = STAGE_RCPT},
    {"Colon illegal in host name part", "553 5.1.3 ", .stage = STAGE_RCPT},
    {"Invalid route address", "553 5.1.3 ", .stage = STAGE_RCPT},
    {"Invalid host name", "553 5.1.2 ", .stage = STAGE_RCPT},
    {"Invalid address", "553 5.1.2 ", .stage = STAGE_RCPT},
};

static const struct own of_session[] = {
    {"Too many recipients", "452 4.5.3 ", .stage = STAGE_RCPT},
    {"Missing recipient", "501 5.0.0 ", .stage = STAGE_RCPT},
    {"Syntax error in parameters scanning \"*\"", "501 5.5.2 ", .stage = STAGE_RCPT},
    {"Syntax error in mailbox address \"*\" (*)", "501 5.1.3 ", .stage = STAGE_RCPT},
    {"Syntax error in ORCPT parameter value", "501 5.5.4 ", .stage = STAGE_RCPT},
    {"Bad argument \"*\"  to NOTIFY", "501 5.5.4 ", .stage = STAGE_RCPT},
    {"* parameter unrecognized", "555 5.5.4 ", .stage = STAGE_RCPT},
    {"message size (*) exceeds maximum (*)", "552 5.2.3 ", "Message exceeds maximum fixed size (*)", NULL, 1, STAGE_EOM},
    {"headers too large (*) from * during message collect", "552 5.6.0 ", "Headers too large (*)", " from ", 0, STAGE_EOM},
    {"AUTH decode64 error [*], relay=*", "501 5.5.4 ", "cannot BASE64 decode", ", relay=", 0, STAGE_AUTH}, /* not what it was */
    {"rejecting commands from * due to pre-greeting traffic after * seconds", "554 ", "ESMTP not accepting messages", " from ", 0,
     STAGE_CONNECT},
};

/* Whether the whole of s is the text; then what its stars stand for. */
static bool is_text(struct span s, const char *text, struct span star[static STARS])
{
    const char *end = strchr(text, '*');
    size_t len = end ? (size_t)(end - text) : strlen(text);
    if (span_length(s) < len || memcmp(s.at, text, len) != 0)
        return false;
    s.at += len;
    for (int i = 0; end; i++) {
        const char *next = end + 1, *from = s.at;
        end = strchr(next, '*');
        len = end ? (size_t)(end - next) : strlen(next);
        if (span_length(s) < len)
            return false;
        const char *at = end ? memmem(s.at, span_length(s), next, len) : s.end - len;
        if (!at || memcmp(at, next, len) != 0)
            return false;
        star[i] = (struct span){from, at};
        s.at = at + len;
    }
    return s.at == s.end;
}

static const struct own *find_own(struct span s, const struct own *rows, size_t count, struct span star[static STARS])
{
    for (size_t i = 0; i < count; i++)
        if (is_text(s, rows[i].text, star))
            return &rows[i];
    return NULL;
}

/* The address in the brackets that come next, as {client_addr} has it but for "IPv6:". */
static void take_client(struct maillog_found *f, struct span text, const char *behind)
{
    for (struct span s = text; span_pass(&s, behind);)
        text = s;
    if (!span_pass(&text, "["))
        return;
    if (span_starts(text, "IPv6:"))
        text.at += strlen("IPv6:");
    f->piece[CLIENT_ADDR] = span_until(text, ']');
}

/* "name [192.0.2.7]: EXPN TEXT": what a client asked, whose words may be any. "[rejected]" behind them is Sendmail's own, or the client's: nothing tells. */
static bool is_asked(struct span text)
{
    static const char *const commands[] = {"EXPN", "VRFY", "ETRN"};
    struct span name = span_until(text, '[');
    if (span_starts(name, "<") || name.end == text.end ||
        (span_length(name) && memchr(name.at, ' ', span_length(name)) != name.end - 1))
        return false;
    if (!span_pass(&text, "]"))
        return false;
    if (span_starts(text, " (may be forged)"))
        text.at += strlen(" (may be forged)");
    if (!span_starts(text, ": "))
        return false;
    text.at += strlen(": ");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (span_length(text) >= strlen(commands[i]) && strncasecmp(text.at, commands[i], strlen(commands[i])) == 0)
            return true;
    return false;
}

/* What Sendmail's own code refused. text: behind the queue id. */
static int read_own(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span star[STARS] = {{0}}, about = text, recipient = text;
    const struct own *own = NULL;
    struct buffer *reply = &m->found.reply;
    if (is_asked(text))
        return MAILLOG_NOTHING;
    while (span_pass(&about, "... "))
        ;
    if (about.at != text.at)
        own = find_own(about, of_recipient, sizeof of_recipient / sizeof *of_recipient, star);
    recipient.end = own ? about.at - strlen("... ") : text.end;
    if (own && span_starts(recipient, "<"))
        maillog_take(f, RECIPIENT, recipient, "<", '>');
    else if (own)
        f->piece[RECIPIENT] = recipient;
    else if (!(own = find_own(text, of_session, sizeof of_session / sizeof *of_session, star)))
        return MAILLOG_NOTHING;
    e->stage = own->stage;
    if (own->client)
        take_client(f, text, own->client);
    const char *fill = own->reply ? strchr(own->reply, '*') : NULL;
    buffer_clear(reply);
    buffer_add_string(reply, own->codes);
    if (!own->reply)
        buffer_add(reply, text.at, span_length(text));
    else if (!fill)
        buffer_add_string(reply, own->reply);
    else
        buffer_printf(reply, "%.*s%.*s%s", (int)(fill - own->reply), own->reply, (int)span_length(star[own->star]),
                      star[own->star].at, fill + 1);
    if (!buffer_ok(reply))
        return -1;
    maillog_set_reply(m, e);
    return MAILLOG_REFUSED;
}

/* What Sendmail's rulesets are about. */
static void take_ruleset(struct span text, struct event *e, struct maillog_found *f)
{
    struct span ruleset = text;
    if (!span_pass(&ruleset, "ruleset="))
        return;
    if (span_starts(ruleset, "check_rcpt"))
        e->stage = STAGE_RCPT, maillog_take(f, RECIPIENT, ruleset, "arg1=<", '>');
    else if (span_starts(ruleset, "check_mail"))
        e->stage = STAGE_MAIL, maillog_take(f, SENDER, ruleset, "arg1=<", '>');
    else if (span_starts(ruleset, "check_relay"))
        e->stage = STAGE_CONNECT;
}

/* What a milter was about that refused. Of "data" Sendmail does not tell whether it is the command or the end of the message. */
static void take_milter(struct span text, struct event *e, struct maillog_found *f)
{
    if (!span_starts(text, "Milter: "))
        return;
    text.at += strlen("Milter: ");
    if (span_starts(text, "from="))
        e->stage = STAGE_MAIL, maillog_take(f, SENDER, text, "from=<", '>');
    else if (span_starts(text, "to="))
        e->stage = STAGE_RCPT, maillog_take(f, RECIPIENT, text, "to=<", '>');
}

/* A line that has no reply: a message that was accepted, or what Sendmail's own code refused. */
static int read_plain(struct maillog *m, struct span text, struct span said, struct event *e, struct maillog_found *f)
{
    struct span behind = text;
    if (span_starts(said, "from=") && span_find(said, "nrcpts=")) {
        if (!span_find(said, "nrcpts=0"))
            maillog_take(f, SENDER, said, "from=<", '>');
        return f->piece[SENDER].at ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
    }
    if (!span_pass(&behind, ": "))
        return MAILLOG_NOTHING;
    const char *at = behind.at;
    while (at < behind.end && isalnum((unsigned char)*at))
        at++;
    if (at >= behind.at + 8 && at < behind.end && *at == ':')
        return MAILLOG_NOTHING; /* "QUEUE-ID: DSN: User unknown": of a bounce */
    return read_own(m, behind, e, f);
}

/* "AUTH failure (LOGIN): TEXT, user=..., relay=name [address]". The user may be any text. */
static int read_auth_failure(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    if (!maillog_take_reply(m, text, reply_find_sign_in, e, f))
        return MAILLOG_NOTHING;
    e->stage = STAGE_AUTH;
    maillog_take(f, SASL_METHOD, text, "AUTH failure (", ')');
    maillog_take_last(f, SASL_USER, text, ", user=", ", relay=");
    return MAILLOG_REFUSED;
}

/* Whether the mailer delivers on this host. */
static bool is_own(struct span text)
{
    static const char *const mailers[] = {"local,", "prog,", "*file*,", "*include*,", "procmail,", "cyrus"};
    bool own = false;
    if (!span_pass(&text, ", mailer="))
        return false;
    for (size_t i = 0; i < sizeof mailers / sizeof *mailers && !own; i++)
        own = span_starts(text, mailers[i]);
    return own;
}

/* What a line is shows only at its beginning, behind the queue id where it has one: further on a client's text may stand. */
int maillog_sendmail(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span id = span_until(text, ':'), said = {id.end + (text.end - id.end < 2 ? 0 : 2), text.end};
    if (span_length(id) >= 8 && span_length(id) < 24)
        f->piece[QUEUE_ID] = id;
    if (span_starts(text, "ruleset="))
        said = text;
    if (span_starts(said, "AUTH failure ("))
        return read_auth_failure(m, said, e, f);
    bool delivery = span_starts(said, "to=") && span_find(said, "stat=");
    bool reject = span_starts(said, "ruleset=") || span_starts(said, "Milter") || span_starts(said, "milter=");
    if (!delivery && !(reject && span_find(said, "reject=")))
        return read_plain(m, text, said, e, f);
    if (delivery && !span_find(said, ", mailer=") && !span_find(said, ", relay="))
        return MAILLOG_NOTHING; /* a message that was refused here, once more for each recipient */
    if (!maillog_take_reply(m, said, delivery ? reply_find : reply_find_sendmail_reject, e, f))
        return MAILLOG_NOTHING;
    if (delivery) {
        maillog_take(f, RECIPIENT, said, "to=<", '>');
        return is_own(said) ? MAILLOG_LOCAL : MAILLOG_DELIVERY;
    }
    take_ruleset(said, e, f);
    take_milter(said, e, f);
    return MAILLOG_REFUSED;
}
