#include "find.h"

#include <mailwhy/reply_told.h>

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
    const char *behind = span_find_last(s, "; from=<"),
               *reply = behind ? span_find_last((struct span){behind, s.end}, ">: ") : NULL;
    if (!reply)
        return false;
    const char *from = span_find_last((struct span){s.at, behind}, " from ");
    struct span client = {from ? from : s.at, behind};
    find_take_client(found, &client); /* "from local": there is none */
    s.at = reply + strlen(">: ");
    find_add_reply(&found->reply, s);
    return true;
}

/* "reject: mime-error TEXT: what a client wrote from name[addr]; from=<> to=<>", without a code: that is 5.6.0 for each of them. */
static bool find_postfix_mime_error(struct reply_found *found, struct span s)
{
    const char *behind = span_find_last(s, "; from=<"),
               *from = behind ? span_find_last((struct span){s.at, behind}, " from ") : NULL;
    struct span client = {from, behind}, text = span_until(s, ':');
    if (!from)
        return false;
    find_take_client(found, &client);
    buffer_add_string(&found->reply, "5.6.0 ");
    buffer_add(&found->reply, text.at, span_length(text));
    return true;
}

/* "proxy-reject: END-OF-MESSAGE: REPLY; from=<>", of the server behind smtpd_proxy_filter: the client is not in it. */
bool find_postfix_proxy(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "proxy-reject: ") || !span_pass(&s, ": "))
        return false;
    end_at_session(&s);
    find_add_reply(&found->reply, s);
    return true;
}

/* 'warning: proxy addr:port rejected "MAIL FROM:<a@b.test>": "REPLY"', likewise. */
bool find_postfix_proxied(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "warning: proxy ") || !span_pass(&s, " rejected \""))
        return false;
    const char *reply = NULL; /* the last: an address in the command may have the like in it */
    for (struct span rest = s; span_pass(&rest, "\": \"");)
        reply = find_is_refusal(rest) ? rest.at : reply;
    if (!reply || s.end[-1] != '"')
        return false;
    s = (struct span){reply, s.end - 1};
    find_add_reply(&found->reply, s);
    return true;
}

/* What is told without its reply. */
bool find_postfix_told(struct reply_found *found, struct span s)
{
    struct span message = s;
    span_pass(&message, "]: "); /* of the process */
    const struct reply_told *told = reply_told(s);
    if (!told && !(told = reply_told(message)))
        return false;
    bool client = span_pass(&s, " from ") && find_take_client(found, &s);
    buffer_add_string(&found->reply, told->reply);
    if (client && told->with_client) {
        buffer_add_string(&found->reply, " from ");
        buffer_add(&found->reply, found->client, found->client_len);
    }
    return true;
}

/* Postfix: "reject: RCPT from name[addr]: REPLY; from=<>"; likewise milter-reject, and reject_warning, which only would have. */
bool find_postfix_reject(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "reject: ") && !span_pass(&s, "reject_warning: "))
        return false;
    if (span_starts(s, "header ") || span_starts(s, "body ") || span_starts(s, "content "))
        return find_postfix_header(found, s);
    if (span_starts(s, "mime-error "))
        return span_pass(&s, " ") && find_postfix_mime_error(found, s);
    if (!span_pass(&s, " from ") || !find_take_client(found, &s) || !span_pass(&s, ": "))
        return false;
    end_at_session(&s);
    find_add_reply(&found->reply, s);
    return true;
}

/* Postfix: "name[addr]: SASL LOGIN authentication failed: TEXT, sasl_username=...". */
bool find_postfix_sasl(struct reply_found *found, struct span s)
{
    struct span before = s;
    if (!span_pass(&s, ": SASL ") || !span_pass(&s, " authentication failed"))
        return false;
    if (!span_pass(&before, "warning: "))
        before.at = s.at;
    find_take_client(found, &before);
    find_end_at(&s, ", sasl_username=");
    buffer_add_string(&found->reply, "535 5.7.8 Error: authentication failed");
    buffer_add(&found->reply, s.at, span_length(s));
    return true;
}

/* Whether a status is that of a delivery that went well. */
static bool is_delivered(struct span s)
{
    return span_starts(s, "sent") || span_starts(s, "deliverable") || span_starts(s, "relayed") || span_starts(s, "expanded");
}

/* Postfix: "dsn=5.1.1, status=bounced (host x[addr] said: REPLY (in reply to RCPT TO command))". */
bool find_postfix_delivery(struct reply_found *found, struct span s)
{
    struct span line = s;
    if (!span_pass(&s, "status=") || is_delivered(s) || !span_pass(&s, " ("))
        return false;
    const char *end = span_find_last(s, ")");
    s.end = end ? end : s.end;
    if (span_pass(&s, " said: ") || span_pass(&s, " refused to talk to me: ")) {
        find_end_at(&s, " (in reply to ");
        find_add_reply(&found->reply, s);
    } else {
        find_add_status(&found->reply, line, s);
    }
    return true;
}
