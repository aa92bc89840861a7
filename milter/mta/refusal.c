#include <mailwhy/refusal.h>

void refusal_log(struct service *s, const struct explanation *x, struct event *e, const struct reply *reply,
                 const struct session_facts *facts, bool with_ref)
{
    char enhanced[ENHANCED_SIZE];
    e->code = reply->code;
    e->enhanced = enhanced_format(&reply->enhanced, enhanced);
    e->reason = x->match.reason ? x->match.reason->id : NULL;
    e->challenge = challenge_step_name(x->challenge.step);
    e->attempt = facts ? (long)facts->refused + 1 : 0;
    service_record(s, e, with_ref);
    e->enhanced = NULL; /* it ends here */
}

int refusal_explain(struct service *s, struct explanation *x, struct event *e, const struct reply *reply,
                    const struct session_facts *facts, const struct catalog *catalog)
{
    refusal_log(s, x, e, reply, facts, !x->skipped);
    return explain_compose(x, reply, facts, catalog, &s->explain, e->ref);
}
