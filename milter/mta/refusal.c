#include <mailwhy/refusal.h>

int refusal_explain(struct service *s, struct explanation *x, struct event *e, const struct reply *reply,
                    const struct session_facts *facts, const struct catalog *catalog)
{
    char enhanced[ENHANCED_SIZE];
    e->code = reply->code;
    e->enhanced = enhanced_format(&reply->enhanced, enhanced);
    e->reason = x->match.reason ? x->match.reason->id : NULL;
    e->challenge = challenge_step_name(x->challenge.step);
    e->attempt = facts ? (long)facts->refused + 1 : 0;
    if (s->log_refused)
        service_record(s, e, !x->skipped);
    e->enhanced = NULL; /* it ends here */
    return explain_compose(x, reply, facts, catalog, &s->explain, e->ref);
}
