#include <mailwhy/maillog.h>

#include <string.h>

#include <mailwhy/reply.h>

#include "maillog_found.h"
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

void maillog_take(struct found *f, enum piece which, struct span s, const char *name, char end)
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

void maillog_set_reply(struct maillog *m, struct event *e)
{
    const struct buffer *reply = &m->found.reply;
    struct reply r;
    e->reply = reply->data;
    e->reply_len = reply->len;
    if (reply_parse_bare(&r, reply->data, reply->len) == 0) {
        e->code = r.code;
        e->enhanced = r.enhanced.class ? enhanced_format(&r.enhanced, m->enhanced) : NULL;
        reply_free(&r);
    }
}

bool maillog_take_reply(struct maillog *m, struct span line, maillog_find *find, struct event *e, struct found *f)
{
    if (find(&m->found, line.at, span_length(line)) != 1)
        return false;
    maillog_set_reply(m, e);
    if (m->found.client)
        f->piece[CLIENT_ADDR] = (struct span){m->found.client, m->found.client + m->found.client_len};
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
    if (!maillog_take_reply(m, text, reply_find, e, f)) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    take_client_name(text, f);
    if (pass_last(&details, "; from=<"))
        details.at -= strlen("from=<");
    maillog_take(f, SENDER, details, "from=<", '>');
    if (f->piece[SENDER].at) /* which may have the next names in it */
        details.at = f->piece[SENDER].end;
    maillog_take(f, RECIPIENT, details, " to=<", '>');
    if (f->piece[RECIPIENT].at)
        details.at = f->piece[RECIPIENT].end;
    maillog_take(f, HELO, details, "helo=<", '>');
    return MAILLOG_REFUSED;
}

/* "warning: name[address]: SASL LOGIN authentication failed: TEXT, sasl_username=...". Other warnings have a client's text in them. */
static int read_sasl(struct maillog *m, struct span text, struct event *e, struct found *f)
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
    take_client_name(text, f);
    f->piece[SASL_METHOD] = method;
    maillog_take(f, SASL_USER, s, "sasl_username=", ',');
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
    maillog_take(f, CLIENT_ADDR, s, "[", ']');
    take_client_name(text, f);
    e->stage = STAGE_AUTH;
    return MAILLOG_LOST;
}

static int read_delivery(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    bool delivery =
        span_pass(&s, " status=") && (span_starts(s, "bounced") || span_starts(s, "deferred") || span_starts(s, "expired"));
    if (!delivery || !span_find(text, " relay=") || !maillog_take_reply(m, text, reply_find, e, f))
        return MAILLOG_NOTHING;
    f->piece[CLIENT_ADDR] = (struct span){0};
    maillog_take(f, RECIPIENT, text, "to=<", '>');
    return MAILLOG_DELIVERY;
}

static int read_queued(struct span text, struct found *f)
{
    static const char active[] = "(queue active)";
    if (span_length(text) < sizeof active || memcmp(text.end - (sizeof active - 1), active, sizeof active - 1) != 0)
        return MAILLOG_NOTHING;
    maillog_take(f, SENDER, text, "from=<", '>');
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
    int kind = postfix ? read_postfix(m, program, text, e, &f) : maillog_read_sendmail(m, text, e, &f);
    return kind != MAILLOG_NOTHING && set_strings(m, &f, e) == -1 ? -1 : kind;
}

bool maillog_split(struct maillog *m, const char *line, size_t len, struct maillog_message *message)
{
    struct span s = {line, line + len};
    *message = (struct maillog_message){.timed = true};
    if (read_time(m, &s, &message->time))
        return split(s, message);
    m->unread += span_find(s, " postfix/") || span_find(s, " sendmail[") || span_find(s, " sm-mta[");
    return false;
}

int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e)
{
    struct maillog_message message;
    if (maillog_split(m, line, len, &message))
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
