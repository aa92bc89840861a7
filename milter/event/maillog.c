#include <mailwhy/maillog.h>

#include <string.h>

#include "maillog_pieces.h"
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
static int set_strings(struct maillog *m, const struct maillog_found *f, struct event *e)
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
    struct maillog_found f = {0};
    *e = (struct event){.time = message->time, .pid = message->pid};
    buffer_clear(&m->strings);
    bool postfix = span_starts(program, "postfix"), sendmail = span_starts(program, "sendmail") || span_starts(program, "sm-");
    if (!postfix && !sendmail)
        return MAILLOG_NOTHING;
    if (!text.at || !message->timed) {
        m->unread++;
        return MAILLOG_NOTHING;
    }
    m->known++;
    f.piece[HOST] = message->host;
    e->mta = postfix ? "Postfix" : "Sendmail";
    int kind = postfix ? maillog_postfix(m, program, text, e, &f) : maillog_sendmail(m, text, e, &f);
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
