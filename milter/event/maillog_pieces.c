#include "maillog_pieces.h"

#include <string.h>

#include <mailwhy/reply.h>

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

void maillog_take(struct maillog_found *f, enum maillog_piece which, struct span s, const char *name, char end)
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
              {"STARTTLS", STAGE_STARTTLS}, {"UNKNOWN", STAGE_UNKNOWN},    {"header", STAGE_EOM},      {"body", STAGE_EOM},
              {"content ", STAGE_EOM},      {"mime-error ", STAGE_EOM},    {"BDAT", STAGE_DATA},       {"ETRN", STAGE_OTHER},
              {"connect", STAGE_CONNECT}};

enum stage maillog_stage(struct span s)
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

bool maillog_take_reply(struct maillog *m, struct span line, maillog_find *find, struct event *e, struct maillog_found *f)
{
    if (find(&m->found, line.at, span_length(line)) != 1)
        return false;
    maillog_set_reply(m, e);
    if (m->found.client)
        f->piece[CLIENT_ADDR] = (struct span){m->found.client, m->found.client + m->found.client_len};
    return true;
}

void maillog_take_client_name(struct span line, struct maillog_found *f)
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

void maillog_take_last(struct maillog_found *f, enum maillog_piece which, struct span s, const char *name, const char *end)
{
    if (!span_pass(&s, name))
        return;
    const char *last = span_find_last(s, end);
    s.end = last ? last : s.end;
    if (span_length(s))
        f->piece[which] = s;
}

bool maillog_pass_last(struct span *s, const char *word)
{
    bool any = false;
    while (span_pass(s, word))
        any = true;
    return any;
}
