#include "find.h"

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
bool find_sendmail_reject(struct reply_found *found, struct span s)
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
    const char *reject = ruleset && !address ? span_find_last(about, ", reject=") : span_find(about, "reject=");
    if (!reject)
        return false;
    struct span client = {about.at, reject};
    const char *relay = address ? span_find(client, "relay=") : span_find_last(client, "relay=");
    if (relay) {
        client.at = relay;
        find_take_client(found, &client);
    }
    s.at = reject;
    span_pass(&s, "reject=");
    find_add_reply(&found->reply, s);
    return true;
}

/* Sendmail: "AUTH failure (LOGIN): TEXT (-20) SASL(-13): DETAIL, user=NAME, relay=name [addr]". The user's name may be any text. */
bool find_sendmail_auth(struct reply_found *found, struct span s)
{
    if (!span_pass(&s, "AUTH failure (") || !span_pass(&s, "): "))
        return false;
    const char *end = span_find_last(s, ", relay=");
    if (end) {
        struct span relay = {end, s.end};
        s.end = end;
        find_take_client(found, &relay);
    }
    buffer_add_string(&found->reply, "535 5.7.0 authentication failed: ");
    buffer_add(&found->reply, s.at, span_length(s));
    return true;
}

/* Sendmail: "dsn=5.1.1, reply=REPLY, stat=User unknown", "dsn=4.2.0, stat=Deferred: REPLY". */
bool find_sendmail_delivery(struct reply_found *found, struct span s)
{
    struct span line = s, reply = s;
    if (!span_pass(&s, "stat=") || span_starts(s, "Sent") || span_starts(s, "queued"))
        return false;
    if (span_pass(&reply, ", reply=")) {
        find_end_at(&reply, ", stat=");
        find_add_reply(&found->reply, reply);
        return true;
    }
    if (span_starts(s, "Deferred: "))
        s.at += strlen("Deferred: ");
    if (find_is_refusal(s))
        find_add_reply(&found->reply, s);
    else
        find_add_status(&found->reply, line, s);
    return true;
}
