#include <mailwhy/reply_told.h>

#include <stddef.h>

static const struct reply_told table[] = {
    {"Connection concurrency limit exceeded: ", " from ", "421 4.7.0 Error: too many connections", true, STAGE_CONNECT},
    {"Connection rate limit exceeded: ", " from ", "421 4.7.0 Error: too many connections", true, STAGE_CONNECT},
    {"New TLS session rate limit exceeded: ", " from ", "421 4.7.0 Error: too many new TLS sessions", true, STAGE_STARTTLS},
    {"Refusing STARTTLS request ", "from ", "454 4.7.0 Error: too many new TLS sessions", true, STAGE_STARTTLS},
    {"AUTH command rate limit exceeded: ", " from ", "450 4.7.1 Error: too many AUTH commands", true, STAGE_AUTH},
    {"Message delivery request rate limit exceeded: ", " from ", "450 4.7.1 Error: too much mail", true, STAGE_MAIL},
    {"Recipient address rate limit exceeded: ", " from ", "450 4.7.1 Error: too many recipients", true, STAGE_RCPT},
    {"Illegal address syntax from ", "] in MAIL command: ", "501 5.1.7 Bad sender address syntax", false, STAGE_MAIL},
    {"Illegal address syntax from ", "] in RCPT command: ", "501 5.1.3 Bad recipient address syntax", false, STAGE_RCPT},
    {"reject: ETRN ", " from ", "459 ETRN refused", false, STAGE_OTHER},
    {"connect to proxy filter ", NULL, "451 4.3.0 Error: queue file write error", false, STAGE_MAIL},
    {"message rejected: hopcount exceeded", NULL, "554 5.4.0 Error: too many hops", false, STAGE_EOM},
    {"too many errors after ", " from ", "421 4.7.0 Error: too many errors", false, STAGE_NONE},
};

const struct reply_told *reply_told(struct span message)
{
    if (span_starts(message, "warning: "))
        message.at += strlen("warning: ");
    struct span id = span_until(message, ':'), behind = {id.end, message.end};
    if (span_length(id) < 24 && span_starts(behind, ": message rejected: "))
        message.at = id.end + strlen(": ");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (span_starts(message, table[i].words) && (!table[i].also || span_find(message, table[i].also)))
            return &table[i];
    return NULL;
}
