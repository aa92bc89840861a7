#include "maillog_pieces.h"

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

int maillog_sendmail(struct maillog *m, struct span text, struct event *e, struct maillog_found *f)
{
    struct span id = span_until(text, ':');
    if (span_length(id) >= 8 && span_length(id) < 24)
        f->piece[QUEUE_ID] = id;
    bool delivery = span_find(text, "stat="), auth = span_find(text, "AUTH failure (");
    if (!delivery && !auth && !span_find(text, "reject=")) {
        if (span_find(text, "nrcpts=") && !span_find(text, "nrcpts=0"))
            maillog_take(f, SENDER, text, "from=<", '>');
        return f->piece[SENDER].at ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
    }
    if (!maillog_take_reply(m, text, e, f))
        return MAILLOG_NOTHING;
    if (delivery)
        maillog_take(f, RECIPIENT, text, "to=<", '>');
    take_ruleset(text, e, f);
    if (auth && e->stage == STAGE_NONE) {
        e->stage = STAGE_AUTH;
        maillog_take(f, SASL_METHOD, text, "AUTH failure (", ')');
        maillog_take_last(f, SASL_USER, text, ", user=", ", relay=");
    }
    if (!delivery)
        return MAILLOG_REFUSED;
    return is_own(text) ? MAILLOG_LOCAL : MAILLOG_DELIVERY;
}
