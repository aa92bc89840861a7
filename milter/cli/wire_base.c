#include <string.h>

#include "wire_postfix.h"

static bool is_before(const struct wire *w, const char *service, const char *name, const struct wire_value *to)
{
    const struct postconf_value *before = w->saved ? postconf_override(&w->before, service, name) : NULL;
    bool was_set = before && before->is_set;
    return w->saved && was_set == to->is_set && (!was_set || strcmp(before->raw, to->raw) == 0);
}

static void take_back(struct wire *w, const char *service, enum wire_parameter which)
{
    struct wire_value to = wire_base(w, service, which);
    bool found = false;
    if (!w->saved && to.is_set && which != WIRE_POSTSCREEN) {
        char *rest = wire_without_ours(w, which, service, to.raw, &found);
        g_free(to.raw);
        to.raw = rest;
        to.is_set = service || *rest;
    }
    if (w->saved || found)
        wire_change_add(w, service, wire_parameter_names[which], &to,
                        is_before(w, service, wire_parameter_names[which], &to) ? "as it was before"
                                                                                : "without what is mailwhy's");
    g_free(to.raw);
}

void wire_plan_back(struct wire *w, bool master)
{
    if (!master) {
        for (int which = 0; which < WIRE_PARAMETERS; which++)
            take_back(w, NULL, (enum wire_parameter)which);
        return;
    }
    for (guint i = 0; i < w->live.services->len; i++) {
        struct postconf_service *s = w->live.services->pdata[i];
        g_clear_pointer(&s->changed, g_free);
        for (int which = 0; which < WIRE_PARAMETERS; which++)
            if (postconf_override(&w->live, s->key, wire_parameter_names[which]))
                take_back(w, s->key, (enum wire_parameter)which);
    }
}
