#include <mailwhy/maillog.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/event_time.h>
#include <mailwhy/json.h>
#include <mailwhy/reply.h>
#include <mailwhy/span.h>

/* A number of so many digits. -1: none. */
static int number(const char *s, size_t digits)
{
    int n = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s[i] == ' ' && i == 0)
            continue;
        if (s[i] < '0' || s[i] > '9')
            return -1;
        n = 10 * n + (s[i] - '0');
    }
    return n;
}

/* The latest time of that month, day and hour that is not after now, but for a day. -1: there is no such day. */
static time_t latest(time_t now, int month, int day, int hour)
{
    struct tm today, tm;
    localtime_r(&now, &today);
    for (int years = 0; years <= 8; years++) { /* of a 29 February the last but one may be so long ago */
        tm = (struct tm){.tm_year = today.tm_year - years, .tm_mon = month, .tm_mday = day, .tm_hour = hour, .tm_isdst = -1};
        time_t time = mktime(&tm);
        if (tm.tm_mon == month && tm.tm_mday == day && time <= now + 86400)
            return time;
    }
    return -1;
}

/* "Nov 20 10:00:01 ", in the time of this machine. */
static bool read_old_time(struct maillog *m, struct span *s, struct timespec *time)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (span_length(*s) < 16 || s->at[3] != ' ' || s->at[6] != ' ' || s->at[9] != ':' || s->at[12] != ':' || s->at[15] != ' ')
        return false;
    int month = 0;
    while (month < 12 && memcmp(months + 3 * (size_t)month, s->at, 3) != 0)
        month++;
    int day = number(s->at + 4, 2), hour = number(s->at + 7, 2), minute = number(s->at + 10, 2), second = number(s->at + 13, 2);
    if (month == 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    int key = 1 + hour + 24 * (day + 32 * month);
    if (key != m->hour_key) {
        m->hour_time = latest(m->now, month, day, hour);
        m->hour_key = key;
    }
    if (m->hour_time == -1)
        return false;
    *time = (struct timespec){.tv_sec = m->hour_time + 60 * minute + second};
    s->at += 16;
    return true;
}

/* "2026-11-20T10:00:01.123456+01:00 ". */
static bool read_new_time(struct span *s, struct timespec *time)
{
    char utc[40];
    struct span t = span_until(*s, ' ');
    size_t len = span_length(t);
    if (len < 20 || len >= sizeof utc || t.end == s->end || t.at[4] != '-' || t.at[10] != 'T')
        return false;
    long offset = 0;
    if (t.end[-1] == 'Z') {
        memcpy(utc, t.at, len);
    } else {
        bool colon = t.end[-3] == ':'; /* systemd's short-iso has none */
        const char *zone = t.end - (colon ? 6 : 5);
        int hours = number(zone + 1, 2), minutes = number(t.end - 2, 2);
        if ((*zone != '+' && *zone != '-') || hours < 0 || minutes < 0)
            return false;
        offset = (*zone == '-' ? 1 : -1) * (3600L * hours + 60L * minutes);
        len = (size_t)(zone - t.at);
        memcpy(utc, t.at, len);
        utc[len++] = 'Z';
    }
    if (event_time_parse(utc, len, time) == -1)
        return false;
    time->tv_sec += offset;
    s->at = t.end + 1;
    return true;
}

/* Keep a piece as a string, until the next line. Its place in m->strings, as an offset and one; 0: there is no room. */
static size_t keep(struct maillog *m, struct span s)
{
    size_t at = m->strings.len + 1;
    buffer_add(&m->strings, s.at, span_length(s));
    return buffer_add_char(&m->strings, '\0') == 0 ? at : 0;
}

/* What was found in a line, as offsets: the strings may still move. */
struct found {
    size_t host, client_name, client_addr, helo, sender, recipient, queue_id, sasl_method, sasl_user, reply, enhanced;
    size_t reply_len;
};

static const char *string(const struct maillog *m, size_t offset)
{
    return offset ? m->strings.data + offset - 1 : NULL;
}

/* The value behind the name and before the octet: "from=<" and '>'. 0: there is none. */
static size_t value(struct maillog *m, struct span s, const char *name, char end)
{
    if (!span_pass(&s, name))
        return 0;
    struct span v = span_until(s, end);
    return span_length(v) ? keep(m, v) : 0;
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
    f->reply = keep(m, (struct span){reply->data, reply->data + reply->len});
    f->reply_len = reply->len;
    if (m->found.client)
        f->client_addr = keep(m, (struct span){m->found.client, m->found.client + m->found.client_len});
    if (reply_parse_bare(&r, reply->data, reply->len) == 0) {
        char enhanced[ENHANCED_SIZE];
        const char *text = enhanced_format(&r.enhanced, enhanced);
        e->code = r.code;
        f->enhanced = *text ? keep(m, (struct span){text, text + strlen(text)}) : 0;
        reply_free(&r);
    }
    return true;
}

/* The name before "[address]". */
static void take_client_name(struct maillog *m, struct span s, struct found *f)
{
    struct span name = span_until(s, '[');
    if (name.end < s.end && span_length(name) && !span_starts(name, "unknown"))
        f->client_name = keep(m, name);
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
    if (span_pass(&s, " from "))
        take_client_name(m, s, f);
    if (!take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    if (pass_last(&details, "; from=<"))
        details.at -= strlen("from=<");
    f->sender = value(m, details, "from=<", '>');
    f->recipient = value(m, details, " to=<", '>');
    f->helo = value(m, details, "helo=<", '>');
    return MAILLOG_REFUSED;
}

static int read_sasl(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text, client = text;
    if (!span_pass(&s, ": SASL ") || !span_find(s, " authentication failed") || !take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    span_pass(&client, "warning: ");
    take_client_name(m, client, f);
    f->sasl_method = keep(m, span_until(s, ' '));
    f->sasl_user = value(m, s, "sasl_username=", ',');
    e->stage = STAGE_AUTH;
    return MAILLOG_REFUSED;
}

static int read_lost(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span s = text;
    if (!span_starts(text, "lost connection after AUTH from ") || !span_pass(&s, " from "))
        return MAILLOG_NOTHING;
    take_client_name(m, s, f);
    f->client_addr = value(m, s, "[", ']');
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
    f->client_addr = f->client_name = 0;
    f->recipient = value(m, text, "to=<", '>');
    return MAILLOG_DELIVERY;
}

static int read_queued(struct maillog *m, struct span text, struct found *f)
{
    if (!span_find(text, "(queue active)"))
        return MAILLOG_NOTHING;
    f->sender = value(m, text, "from=<", '>');
    return f->sender ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

/* A line of one of Postfix's services. */
static int read_postfix(struct maillog *m, struct span service, struct span text, struct event *e, struct found *f)
{
    bool qmgr = span_length(service) >= 4 && memcmp(service.end - 4, "qmgr", 4) == 0;
    struct span id = span_until(text, ':');
    if (span_length(id) >= 6 && span_length(id) < 24 && !span_starts(id, "NOQUEUE") && !span_starts(id, "warning"))
        f->queue_id = keep(m, id);
    if (qmgr)
        return read_queued(m, text, f);
    if (span_starts(text, "warning: "))
        return read_sasl(m, text, e, f);
    if (span_starts(text, "lost "))
        return read_lost(m, text, e, f);
    struct span verb = text;
    if (span_pass(&verb, ": ") && (span_starts(verb, "reject: ") || span_starts(verb, "milter-reject: ")))
        return read_reject(m, text, e, f);
    return read_delivery(m, text, e, f);
}

static int read_sendmail(struct maillog *m, struct span text, struct event *e, struct found *f)
{
    struct span id = span_until(text, ':');
    if (span_length(id) >= 8 && span_length(id) < 24)
        f->queue_id = keep(m, id);
    bool delivery = span_find(text, "stat="), auth = span_find(text, "AUTH failure (");
    if (!delivery && !auth && !span_find(text, "reject="))
        return span_find(text, "nrcpts=") && !span_find(text, "nrcpts=0") && (f->sender = value(m, text, "from=<", '>'))
                   ? MAILLOG_ACCEPTED
                   : MAILLOG_NOTHING;
    if (!take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    f->recipient = delivery ? value(m, text, "to=<", '>') : 0;
    if (span_find(text, "ruleset=check_rcpt"))
        e->stage = STAGE_RCPT, f->recipient = value(m, text, "arg1=<", '>');
    else if (span_find(text, "ruleset=check_mail"))
        e->stage = STAGE_MAIL, f->sender = value(m, text, "arg1=<", '>');
    else if (span_find(text, "ruleset=check_relay"))
        e->stage = STAGE_CONNECT;
    else if (auth)
        e->stage = STAGE_AUTH, f->sasl_method = value(m, text, "AUTH failure (", ')'),
        f->sasl_user = value(m, text, ", user=", ',');
    return delivery ? MAILLOG_DELIVERY : MAILLOG_REFUSED;
}

/* Read what stands behind the time: "host program[pid]: text". */
static int read_message(struct maillog *m, struct span s, struct event *e, struct found *f)
{
    struct span host = span_until(s, ' '), tag = {host.end + 1, s.end};
    if (host.end >= s.end)
        return MAILLOG_NOTHING;
    tag = span_until(tag, ':');
    if (tag.end + 2 > s.end || span_length(tag) > 80)
        return MAILLOG_NOTHING;
    struct span text = {tag.end + 2, s.end}, program = span_until(tag, '[');
    bool postfix = span_starts(program, "postfix"), sendmail = span_starts(program, "sendmail") || span_starts(program, "sm-");
    if (!postfix && !sendmail)
        return MAILLOG_NOTHING;
    f->host = keep(m, host);
    if (program.end < tag.end)
        e->pid = strtol(program.end + 1, NULL, 10);
    e->mta = postfix ? "Postfix" : "Sendmail";
    return postfix ? read_postfix(m, program, text, e, f) : read_sendmail(m, text, e, f);
}

static void set_strings(const struct maillog *m, const struct found *f, struct event *e)
{
    e->host = string(m, f->host);
    e->client_name = string(m, f->client_name);
    e->client_addr = string(m, f->client_addr);
    e->helo = string(m, f->helo);
    e->sender = string(m, f->sender);
    e->recipient = string(m, f->recipient);
    e->queue_id = string(m, f->queue_id);
    e->sasl_method = string(m, f->sasl_method);
    e->sasl_user = string(m, f->sasl_user);
    e->enhanced = string(m, f->enhanced);
    e->reply = string(m, f->reply);
    e->reply_len = f->reply_len;
}

int maillog_read(struct maillog *m, const char *line, size_t len, struct event *e)
{
    struct span s = {line, line + len};
    struct found f = {0};
    *e = (struct event){0};
    buffer_clear(&m->strings);
    if (!read_new_time(&s, &e->time) && !read_old_time(m, &s, &e->time)) {
        m->unread += span_find(s, " postfix/") || span_find(s, " sendmail[") || span_find(s, " sm-mta[");
        return MAILLOG_NOTHING;
    }
    int kind = read_message(m, s, e, &f);
    if (!buffer_ok(&m->strings)) {
        errno = ENOMEM;
        return -1;
    }
    if (kind != MAILLOG_NOTHING)
        set_strings(m, &f, e);
    return kind;
}

void maillog_free(struct maillog *m)
{
    reply_found_free(&m->found);
    buffer_free(&m->strings);
}
