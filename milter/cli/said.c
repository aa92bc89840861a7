#include "said.h"

#include <stdbool.h>

void said_of(struct said *s, const struct event *e, const struct catalog *catalog, const char *language)
{
    bool has_reason = e->reason && *e->reason;
    *s = (struct said){0};
    if (e->reply && reply_parse_bare(&s->reply, e->reply, e->reply_len) == -1)
        s->reply = (struct reply){0};
    if (!catalog)
        return;
    if (has_reason)
        s->reason = catalog_reason_by_id(catalog, e->reason);
    if (s->reply.line_count)
        catalog_match(catalog, &s->reply, &s->match);
    if (s->reason)
        s->text = catalog_reason_text(catalog, s->reason, language);
    else if (has_reason || !s->reply.line_count)
        s->text = catalog_code_text(catalog, e->code, language);
    else
        s->text = catalog_match_text(catalog, &s->match, language);
}

const char *said_reason(const struct said *s, const struct event *e)
{
    if (e->reason && *e->reason)
        return e->reason;
    return s->match.reason ? s->match.reason->id : "";
}

void said_free(struct said *s)
{
    reply_free(&s->reply);
}
