#include <mailwhy/maillog.h>

#include <string.h>

#include <mailwhy/reply.h>

#include "maillog_time.h"

/* The time at the beginning of a line. */
static bool read_time(struct maillog *m, struct span *s, struct timespec *time)
{
    struct maillog_stamp stamp;
    if (maillog_time_read(s, time))
        return true;
    if (!maillog_stamp_read(s, &stamp))
        return false;
    int key = 1 + stamp.hour + 24 * (stamp.day + 32 * stamp.month);
    if (key != m->hour_key) {
        m->hour_time = log_years_hour(&m->years, stamp.month, stamp.day, stamp.hour);
        m->hour_key = key;
    }
    *time = (struct timespec){.tv_sec = m->hour_time + 60 * stamp.minute + stamp.second};
    return m->hour_time != -1;
}

/* What was found in a line. An end of NULL: it was not. */
enum piece { HOST, CLIENT_NAME, CLIENT_ADDR, HELO, SENDER, RECIPIENT, QUEUE_ID, SASL_METHOD, SASL_USER, PIECES };

struct found {
    struct span piece[PIECES];
};

/* An address as the mail system writes it in angle brackets: one that begins with a quoted string may hold any of these within it. */
static struct span address(struct span s)
{
    struct span whole = s;
    if (s.at < s.end && *s.at == '"') {
        for (s.at++; s.at < s.end && *s.at != '"'; s.at++)
            s.at += *s.at == '\\' && s.at + 1 < s.end;
        whole.end = span_until(s, '>').end;
        return whole;
    }
    return span_until(s, '>');
}

/* Take the value behind the name: an address up to '>', anything else up to another octet. */
static void take(struct found *f, enum piece which, struct span s, const char *name, char end)
{
    if (!span_pass(&s, name))
        return;
    struct span v = end == '>' ? address(s) : span_until(s, end);
    if (span_length(v))
        f->piece[which] = v;
}

static const struct {
    const char *name;
    enum stage stage;
} stages[] = {{"RCPT", STAGE_RCPT},         {"MAIL", STAGE_MAIL},          {"EHLO", STAGE_HELO},       {"HELO", STAGE_HELO},
              {"DATA", STAGE_DATA},         {"END-OF-MESSAGE", STAGE_EOM}, {"CONNECT", STAGE_CONNECT}, {"AUTH", STAGE_AUTH},
              {"STARTTLS", STAGE_STARTTLS}, {"UNKNOWN", STAGE_UNKNOWN},    {"header", STAGE_EOM},      {"body", STAGE_EOM}};

static enum stage stage_of(struct span s)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (span_starts(s, stages[i].name))
            return stages[i].stage;
    return STAGE_NONE;
}

/* The reply that the line has, through reply_find(), and the client that it names. False: none. */
static bool take_reply(struct maillog *m, struct span line, struct event *e, struct found *f)
{
    struct reply r;
    if (reply_find(&m->found, line.at, span_length(line)) != 1)
        return false;
    const struct buffer *reply = &m->found.reply;
    e->reply = reply->data;
    e->reply_len = reply->len;
    if (m->found.client)
        f->piece[CLIENT_ADDR] = (struct span){m->found.client, m->found.client + m->found.client_len};
    if (reply_parse_bare(&r, reply->data, reply->len) == 0) {
        e->code = r.code;
        e->enhanced = r.enhanced.class ? enhanced_format(&r.enhanced, m->enhanced) : NULL;
        reply_free(&r);
    }
    return true;
}

/* Postfix's "name[address]": the name before the address that was found. */
static void take_client_name(struct span line, struct found *f)
{
    const char *end = f->piece[CLIENT_ADDR].at;
    if (!end || end - line.at < 2 || *--end != '[')
        return;
    struct span name = {end, end};
    while (name.at > line.at && name.at[-1] != ' ')
        name.at--;
    if (span_length(name) && !span_is(name, "unknown"))
        f->piece[CLIENT_NAME] = name;
}

/* Take the value behind the name that goes on to the end of the line, but for what stands there: the last end. A client chose it, and it may have anything in it. */
static void take_last(struct found *f, enum piece which, struct span s, const char *name, const char *end)
{
    if (!span_pass(&s, name))
        return;
    const char *last = NULL;
    for (struct span rest = s; (rest.at = span_find(rest, end)); rest.at++)
        last = rest.at;
    s.end = last ? last : s.end;
    if (span_length(s))
        f->piece[which] = s;
}

/* Make s what stands behind the last such word: what stands before may be a client's. */
static bool pass_last(struct span *s, const char *word)
{
    bool any = false;
    while (span_pass(s, word))
        any = true;
    return any;
}

static int read_reject(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text, details = text;
    if (!span_pass(&s, "reject: "))
        return MAILLOG_NOTHING;
    e->stage = stage_of(s);
    if (!take_reply(m, text, e, f)) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    take_client_name(text, f);
    if (pass_last(&details, "; from=<"))
        details.at -= strlen("from=<");
    take(f, SENDER, details, "from=<", '>');
    if (f->piece[SENDER].at) /* which may have the next names in it */
        details.at = f->piece[SENDER].end;
    take(f, RECIPIENT, details, " to=<", '>');
    if (f->piece[RECIPIENT].at)
        details.at = f->piece[RECIPIENT].end;
    take(f, HELO, details, "helo=<", '>');
    take_last(f, SASL_USER, details, " sasl_username=<", ">");
    return MAILLOG_REFUSED;
}

static int read_sasl(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    if (!span_pass(&s, ": SASL ") || !span_find(s, " authentication failed") || !take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    take_client_name(text, f);
    f->piece[SASL_METHOD] = span_until(s, ' ');
    take_last(f, SASL_USER, s, ", sasl_username=", ", sasl_sender=");
    if (f->piece[SASL_USER].at && span_is(f->piece[SASL_USER], "(unavailable)")) /* the client had not said it yet */
        f->piece[SASL_USER] = (struct span){0};
    e->stage = STAGE_AUTH;
    return MAILLOG_REFUSED;
}

static int read_lost(struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    if (!span_starts(text, "lost connection after AUTH from ") || !span_pass(&s, " from "))
        return MAILLOG_NOTHING;
    take(f, CLIENT_ADDR, s, "[", ']');
    take_client_name(text, f);
    e->stage = STAGE_AUTH;
    return MAILLOG_LOST;
}

static int read_delivery(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    bool delivery =
        span_pass(&s, " status=") && (span_starts(s, "bounced") || span_starts(s, "deferred") || span_starts(s, "expired"));
    if (!delivery || !span_find(text, " relay=") || !take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    f->piece[CLIENT_ADDR] = (struct span){0};
    take(f, RECIPIENT, text, "to=<", '>');
    return MAILLOG_DELIVERY;
}

static int read_queued(struct span text, struct found *f)
{
    static const char active[] = "(queue active)";
    if (span_length(text) < sizeof active || memcmp(text.end - (sizeof active - 1), active, sizeof active - 1) != 0)
        return MAILLOG_NOTHING;
    take(f, SENDER, text, "from=<", '>');
    return f->piece[SENDER].at ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

/* A line of smtpd, postscreen or cleanup, behind its queue id. */
static int read_server(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    if (span_starts(text, "connect ") || span_starts(text, "disconnect "))
        return MAILLOG_NOTHING;
    if (span_starts(text, "warning: "))
        return read_sasl(m, text, e, f);
    if (span_starts(text, "lost "))
        return read_lost(text, e, f);
    struct span verb = text;
    if (span_pass(&verb, ": ") && (span_starts(verb, "reject: ") || span_starts(verb, "milter-reject: ")))
        return read_reject(m, text, e, f);
    return MAILLOG_NOTHING;
}

/* A line of one of Postfix's services: "postfix/smtpd", "postfix-out/submission/smtpd". */
static int read_postfix(struct maillog *m, struct span program, struct span text, struct event *e, struct found *f)
{
    static const char *const servers[] = {"smtpd", "cleanup", "postscreen"};
    const char *slash = memrchr(program.at, '/', span_length(program));
    struct span service = {slash ? slash + 1 : program.at, program.end}, id = span_until(text, ':');
    if (span_length(id) >= 6 && span_length(id) < 24 && !span_starts(id, "NOQUEUE") && !span_starts(id, "warning"))
        f->piece[QUEUE_ID] = id;
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
        if (span_is(service, servers[i]))
            return read_server(m, text, e, f);
    bool queue = span_length(service) >= 4 && memcmp(service.end - 4, "qmgr", 4) == 0; /* oqmgr, too */
    return queue ? read_queued(text, f) : read_delivery(m, text, e, f);
}

/* What Sendmail's rulesets are about. */
static void take_ruleset(struct span text, struct event *e, struct found *f)
{
    struct span ruleset = text;
    if (!span_pass(&ruleset, "ruleset="))
        return;
    if (span_starts(ruleset, "check_rcpt"))
        e->stage = STAGE_RCPT, take(f, RECIPIENT, ruleset, "arg1=<", '>');
    else if (span_starts(ruleset, "check_mail"))
        e->stage = STAGE_MAIL, take(f, SENDER, ruleset, "arg1=<", '>');
    else if (span_starts(ruleset, "check_relay"))
        e->stage = STAGE_CONNECT;
}

static int read_sendmail(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span id = span_until(text, ':');
    if (span_length(id) >= 8 && span_length(id) < 24)
        f->piece[QUEUE_ID] = id;
    bool delivery = span_find(text, "stat="), auth = span_find(text, "AUTH failure (");
    if (!delivery && !auth && !span_find(text, "reject=")) {
        if (span_find(text, "nrcpts=") && !span_find(text, "nrcpts=0"))
            take(f, SENDER, text, "from=<", '>');
        return f->piece[SENDER].at ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
    }
    if (!take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    if (delivery)
        take(f, RECIPIENT, text, "to=<", '>');
    take_ruleset(text, e, f);
    if (auth && e->stage == STAGE_NONE) {
        e->stage = STAGE_AUTH;
        take(f, SASL_METHOD, text, "AUTH failure (", ')');
        take_last(f, SASL_USER, text, ", user=", ", relay=");
    }
    return delivery ? MAILLOG_DELIVERY : MAILLOG_REFUSED;
}

/* Take apart what stands behind the time: "host program[pid]: text". False: it is not that. */
static bool split(struct span s, struct maillog_message *message)
{
    struct span host = span_until(s, ' '), tag = {host.end + 1, s.end};
    if (host.end >= s.end)
        return false;
    tag = span_until(tag, ':');
    if (tag.end + 2 > s.end || span_length(tag) > 80)
        return false;
    message->host = host;
    message->program = span_until(tag, '[');
    message->text = (struct span){tag.end + 2, s.end};
    for (const char *at = message->program.end + 1; at < tag.end && *at >= '0' && *at <= '9' && message->pid < 1L << 32; at++)
        message->pid = 10 * message->pid + (*at - '0');
    return true;
}

/* Make strings of what was found. 0, or -1 with errno ENOMEM. */
static int set_strings(struct maillog *m, const struct found *f, struct event *e)
{
    const char **const strings[PIECES] = {
        [HOST] = &e->host,         [CLIENT_NAME] = &e->client_name, [CLIENT_ADDR] = &e->client_addr,
        [HELO] = &e->helo,         [SENDER] = &e->sender,           [RECIPIENT] = &e->recipient,
        [QUEUE_ID] = &e->queue_id, [SASL_METHOD] = &e->sasl_method, [SASL_USER] = &e->sasl_user};
    size_t len = 0;
    for (size_t i = 0; i < PIECES; i++)
        len += span_length(f->piece[i]) + 1;
    char *to = buffer_reserve(&m->strings, len); /* so that they do not move */
    for (size_t i = 0; i < PIECES && to; i++) {
        size_t piece = span_length(f->piece[i]);
        if (!f->piece[i].at)
            continue;
        memcpy(to, f->piece[i].at, piece);
        to[piece] = '\0';
        *strings[i] = to;
        to += piece + 1;
    }
    return to ? 0 : -1;
}

int maillog_read_message(struct maillog *m, const struct maillog_message *message, struct event *e)
{
    struct span program = message->program, text = message->text;
    struct found f = {0};
    *e = (struct event){.time = message->time, .pid = message->pid};
    buffer_clear(&m->strings);
    bool postfix = span_starts(program, "postfix"), sendmail = span_starts(program, "sendmail") || span_starts(program, "sm-");
    if (!postfix && !sendmail)
        return MAILLOG_NOTHING;
    if (!text.at || !message->timed) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    f.piece[HOST] = message->host;
    e->mta = postfix ? "Postfix" : "Sendmail";
    int kind = postfix ? read_postfix(m, program, text, e, &f) : read_sendmail(m, text, e, &f);
    return kind != MAILLOG_NOTHING && set_strings(m, &f, e) == -1 ? -1 : kind;
}

int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e)
{
    struct span s = {line, line + len};
    struct maillog_message message = {.timed = true};
    if (!read_time(m, &s, &message.time))
        m->unread += span_find(s, " postfix/") || span_find(s, " sendmail[") || span_find(s, " sm-mta[");
    else if (split(s, &message))
        return maillog_read_message(m, &message, e);
    *e = (struct event){0};
    return MAILLOG_NOTHING;
}

void maillog_begin(struct maillog *m, const struct log_years *years)
{
    m->years = *years;
    m->hour_key = 0;
}

void maillog_free(struct maillog *m)
{
    reply_found_free(&m->found);
    buffer_free(&m->strings);
}
