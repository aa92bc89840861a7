#include <string.h>

#include <mailwhy/reply_told.h>

#include "maillog_pieces.h"

static int read_reject(struct maillog *m, struct span text, maillog_find *find, struct event *e, struct maillog_found *f)
{
    struct span s = text, details = text;
    if (!span_pass(&s, "reject: "))
        return MAILLOG_NOTHING;
    e->stage = maillog_stage(s);
    if (!maillog_take_reply(m, text, find, e, f)) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    maillog_take_client_name(text, f);
    if (maillog_pass_last(&details, "; from=<"))
        details.at -= strlen("from=<");
    maillog_take(f, SENDER, details, "from=<", '>');
    if (f->piece[SENDER].at) /* which may have the next names in it */
        details.at = f->piece[SENDER].end;
    maillog_take(f, RECIPIENT, details, " to=<", '>');
    if (f->piece[RECIPIENT].at)
        details.at = f->piece[RECIPIENT].end;
    maillog_take(f, HELO, details, "helo=<", '>');
    maillog_take_last(f, SASL_USER, details, " sasl_username=<", ">");
    return MAILLOG_REFUSED;
}

/* "warning: name[address]: SASL LOGIN authentication failed: TEXT, sasl_username=...". Other warnings have a client's text in them. */
static int read_sasl(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span s = {text.at + strlen("warning: "), text.end}, client = span_until(s, ' ');
    s.at = client.end;
    if (!span_length(client) || client.end[-1] != ':' || !span_starts(s, " SASL "))
        return MAILLOG_NOTHING;
    s.at += strlen(" SASL ");
    struct span method = span_until(s, ' ');
    s.at = method.end;
    if (!span_starts(s, " authentication failed") || !maillog_take_reply(m, text, reply_find_sign_in, e, f))
        return MAILLOG_NOTHING;
    maillog_take_client_name(text, f);
    f->piece[SASL_METHOD] = method;
    maillog_take_last(f, SASL_USER, s, ", sasl_username=", ", sasl_sender=");
    if (f->piece[SASL_USER].at && span_is(f->piece[SASL_USER], "(unavailable)")) /* the client had not said it yet */
        f->piece[SASL_USER] = (struct span){0};
    e->stage = STAGE_AUTH;
    return MAILLOG_REFUSED;
}

/* Words that tell of a refusal without its reply. */
static int read_told(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    const struct reply_told *told = reply_told(text);
    if (!told || !maillog_take_reply(m, text, reply_find_postfix_told, e, f))
        return MAILLOG_NOTHING;
    maillog_take_client_name(text, f);
    e->stage = told->stage ? told->stage : maillog_stage((struct span){text.at + strlen(told->words), text.end});
    return MAILLOG_REFUSED;
}

/* 'warning: proxy addr:port rejected "RCPT TO:<a@b.test>": "REPLY"'. */
static int read_proxied(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span command = text;
    if (!span_pass(&command, " rejected \"") || !maillog_take_reply(m, text, reply_find_postfix_proxy, e, f))
        return MAILLOG_NOTHING;
    e->stage = maillog_stage(command);
    maillog_take(f, e->stage == STAGE_RCPT ? RECIPIENT : SENDER, command, ":<", '>');
    return MAILLOG_REFUSED;
}

static int read_warning(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span words = {text.at + strlen("warning: "), text.end};
    if (span_starts(words, "proxy "))
        return read_proxied(m, text, e, f);
    int kind = read_sasl(m, text, e, f);
    return kind == MAILLOG_NOTHING ? read_told(m, text, e, f) : kind;
}

static int read_lost(struct span text, struct event *e, struct maillog_found *f)
{
    struct span s = text;
    if (!span_starts(text, "lost connection after AUTH from ") || !span_pass(&s, " from "))
        return MAILLOG_NOTHING;
    maillog_take(f, CLIENT_ADDR, s, "[", ']');
    maillog_take_client_name(text, f);
    e->stage = STAGE_AUTH;
    return MAILLOG_LOST;
}

/* Whether the service delivers on this host, or the text names a host that is this one. */
static bool is_own(struct span service, struct span text)
{
    static const char *const agents[] = {"local", "virtual", "pipe", "discard"};
    static const char *const here[] = {"[private/", "[public/", "[/", "[127.", "[::1]"};
    bool own = span_is(service, "error") && !span_find(text, "temporarily suspended");
    for (size_t i = 0; i < sizeof agents / sizeof *agents && !own; i++)
        own = span_is(service, agents[i]);
    for (size_t i = 0; i < sizeof here / sizeof *here && !own && span_is(service, "lmtp"); i++)
        own = span_find(text, here[i]);
    return own;
}

static int read_delivery(struct maillog *m, struct span service, struct span text, struct event *e, struct maillog_found *f)
{
    struct span s = text;
    bool delivery =
        span_pass(&s, " status=") && (span_starts(s, "bounced") || span_starts(s, "deferred") || span_starts(s, "expired"));
    if (!delivery || !span_find(text, " relay=") || !maillog_take_reply(m, text, reply_find, e, f))
        return MAILLOG_NOTHING;
    f->piece[CLIENT_ADDR] = (struct span){0};
    maillog_take(f, RECIPIENT, text, "to=<", '>');
    return is_own(service, text) ? MAILLOG_LOCAL : MAILLOG_DELIVERY;
}

static int read_queued(struct span text, struct maillog_found *f)
{
    static const char active[] = "(queue active)";
    if (span_length(text) < sizeof active || memcmp(text.end - (sizeof active - 1), active, sizeof active - 1) != 0)
        return MAILLOG_NOTHING;
    maillog_take(f, SENDER, text, "from=<", '>');
    return f->piece[SENDER].at ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

/* A line of smtpd, postscreen or cleanup, behind its queue id. */
static int read_server(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    if (span_starts(text, "connect ") || span_starts(text, "disconnect "))
        return MAILLOG_NOTHING;
    if (span_starts(text, "warning: "))
        return read_warning(m, text, e, f);
    if (span_starts(text, "lost "))
        return read_lost(text, e, f);
    if (span_starts(text, "too many errors "))
        return read_told(m, text, e, f);
    struct span verb = text;
    if (span_starts(text, "reject: ") || span_starts(text, "proxy-reject: ") || !span_pass(&verb, ": "))
        verb = text;
    if (span_starts(verb, "proxy-reject: "))
        return read_reject(m, text, reply_find_postfix_proxy, e, f);
    if (span_starts(verb, "reject: ") || span_starts(verb, "milter-reject: "))
        return read_reject(m, text, reply_find, e, f);
    return span_starts(verb, "message rejected: ") ? read_told(m, text, e, f) : MAILLOG_NOTHING;
}

static bool is_queue_id(struct span s)
{
    size_t len = span_length(s);
    bool is = len >= 6 && len < 24 && !span_is(s, "NOQUEUE") && !span_is(s, "warning") && !span_is(s, "reject");
    for (const char *at = s.at; at < s.end && is; at++)
        is = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z');
    return is;
}

/* A line of one of Postfix's services: "postfix/smtpd", "postfix-out/submission/smtpd". */
int maillog_postfix(struct maillog *m, struct span program, struct span text, struct event *e, struct maillog_found *f)
{
    static const char *const servers[] = {"smtpd", "cleanup", "postscreen"};
    const char *slash = memrchr(program.at, '/', span_length(program));
    struct span service = {slash ? slash + 1 : program.at, program.end}, id = span_until(text, ':');
    bool server = false, queue = span_length(service) >= 4 && memcmp(service.end - 4, "qmgr", 4) == 0; /* oqmgr, too */
    for (size_t i = 0; i < sizeof servers / sizeof *servers && !server; i++)
        server = span_is(service, servers[i]);
    int kind = server ? read_server(m, text, e, f) : queue ? read_queued(text, f) : read_delivery(m, service, text, e, f);
    if (kind != MAILLOG_NOTHING && is_queue_id(id))
        f->piece[QUEUE_ID] = id;
    return kind;
}
