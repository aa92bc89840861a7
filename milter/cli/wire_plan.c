#include "wire_postfix.h"

#include <string.h>
#include <sysexits.h>

/* The milter's own limits: it answers in milliseconds, and one that hangs must not hold up mail. */
#define MILTER_LIMITS "default_action=accept, connect_timeout=5s, command_timeout=10s"

static const char *const why[WIRE_PARAMETERS] = {
    [WIRE_FOOTER_MAPS] =
        "Postfix looks each refusal up there before it sends it; what mailwhyd answers is added. First in the list, for the "
        "first that answers is taken.",
    [WIRE_MILTERS] = "mailwhyd sees each session: client, HELO, TLS, sender, recipient, sign-in. First in the list, so that it "
                     "sees what other "
                     "milters refuse. Without it mail goes on, whatever milter_default_action says of the others.",
    [WIRE_MACROS] = "The milter is told which smtpd process it talks to: that joins a refusal with its session.",
    [WIRE_POSTSCREEN] =
        "postscreen is one process for all clients, and waits for each answer: its replies stay as they were. (--postscreen "
        "has them explained, too.)",
};
static const char why_postscreen[] = "What postscreen refuses is explained, too: asked for with --postscreen.";
static const char why_override[] = "This service has a list of its own in master.cf, in place of that of main.cf.";

/* Our element of the list. */
static char *ours_of(const struct wire *w, enum wire_parameter which)
{
    if (which == WIRE_MILTERS)
        return g_strdup_printf("{ %s, " MILTER_LIMITS " }", w->ends.milter.written);
    if (which == WIRE_MACROS)
        return g_strdup("pid=$process_id");
    return g_strdup_printf("socketmap:%s:%s", w->ends.reply.written, w->ends.map_name);
}

/* Whether a list has what is ours as it must be. */
static bool is_whole(const struct wire *w, enum wire_parameter which, const char *service, const struct wire_value *value)
{
    const char *list = value->known ? value->known->expanded : value->raw, *pid = value->known ? value->known->process_id : "";
    g_auto(GStrv) elements = wire_list_split(list);
    for (char **e = elements; *e; e++) {
        if (wire_is_ours(w, which, *e, pid) != WIRE_OURS) {
            if (which == WIRE_MACROS)
                continue;
            return false;
        }
        if (which == WIRE_MILTERS && !wire_milter_accepts(*e) &&
            strcmp(postconf_effective(&w->live, service, "milter_default_action"), "accept") != 0)
            return false;
        bool chroot = false;
        for (guint i = 0; i < w->live.services->len; i++)
            chroot |= ((struct postconf_service *)w->live.services->pdata[i])->chroot;
        return !(chroot && which != WIRE_MACROS && wire_is_absolute(&w->ends, *e));
    }
    return false;
}

static bool has_ours(const struct wire *w, enum wire_parameter which, const struct postconf_value *v)
{
    g_auto(GStrv) elements = wire_list_split(v ? v->expanded : "");
    for (char **e = elements; *e; e++)
        if (wire_is_ours(w, which, *e, v->process_id) != WIRE_NOT_OURS)
            return true;
    return false;
}

/* Put what is ours in front of what was there. */
static void put_first(struct wire *w, enum wire_parameter which, const char *service, struct wire_value *value)
{
    bool found;
    g_autofree char *rest = wire_without_ours(w, which, service, value->raw, &found), *ours = ours_of(w, which);
    if (!found && has_ours(w, which, value->known)) {
        wire_note_add(w->notes, NULL,
                      g_strdup_printf("%s%s%s gets what is mailwhy's by way of another parameter (%s), but not as it must be: "
                                      "first, and as above. Change that one by hand.",
                                      wire_parameter_names[which], service ? " of " : "", service ? service : "", value->raw),
                      NULL);
        return;
    }
    const char *behind = found ? rest : value->raw;
    char *list = g_strdup_printf("%s%s%s", ours, *behind ? ", " : "", behind);
    char *compact = service ? wire_list_compact(list, which == WIRE_MILTERS) : NULL;
    if (compact) {
        g_free(list);
        list = compact;
    }
    if (which == WIRE_FOOTER_MAPS && *behind)
        wire_note_add(
            w->notes, NULL,
            g_strdup_printf("The reject footers of %s stay behind mailwhy's, and are used for what mailwhy has nothing to say "
                            "of, which is rare. Words of your own for all refusals: contact and help_url in mailwhy.conf.",
                            behind),
            NULL);
    g_free(value->raw);
    *value = (struct wire_value){.is_set = true, .raw = list};
}

static void plan_list(struct wire *w, enum wire_parameter which, const char *service)
{
    struct wire_value value = wire_base(w, service, which);
    if (!is_whole(w, which, service, &value))
        put_first(w, which, service, &value);
    wire_change_add(w, service, wire_parameter_names[which], &value, service ? why_override : why[which]);
    g_free(value.raw);
}

static const char inherited[] = "$smtpd_reject_footer_maps";

/* postscreen has smtpd's footers unless it has its own. */
static bool is_inherited(const struct wire_value *value)
{
    return !value->is_set || strcmp(value->raw, inherited) == 0 || strcmp(value->raw, "${smtpd_reject_footer_maps}") == 0 ||
           strcmp(value->raw, "$(smtpd_reject_footer_maps)") == 0;
}

static void plan_postscreen(struct wire *w)
{
    struct wire_value value = wire_base(w, NULL, WIRE_POSTSCREEN), smtpd = wire_base(w, NULL, WIRE_FOOTER_MAPS);
    bool inherits = is_inherited(&value), found;
    if (w->postscreen && value.is_set && !inherits && !is_whole(w, WIRE_POSTSCREEN, NULL, &value)) {
        if (*value.raw) {
            put_first(w, WIRE_POSTSCREEN, NULL, &value);
        } else {
            g_free(value.raw);
            value = (struct wire_value){.is_set = true, .raw = g_strdup(inherited)};
        }
    }
    if (!w->postscreen && (inherits || has_ours(w, WIRE_POSTSCREEN, value.known))) {
        const char *list = inherits ? smtpd.raw : value.raw;
        char *rest = wire_without_ours(w, inherits ? WIRE_FOOTER_MAPS : WIRE_POSTSCREEN, NULL, list, &found);
        g_free(value.raw);
        value = (struct wire_value){.is_set = true, .raw = rest};
        if (!found && inherits && has_ours(w, WIRE_FOOTER_MAPS, smtpd.known))
            *rest = '\0';
    }
    wire_change_add(w, NULL, wire_parameter_names[WIRE_POSTSCREEN], &value,
                    w->postscreen ? why_postscreen : why[WIRE_POSTSCREEN]);
    g_free(value.raw);
    g_free(smtpd.raw);
}

/* What a reader of the plan must know besides. */
static void plan_notes(struct wire *w)
{
    const struct postconf_value *footer = postconf_override(&w->live, NULL, "smtpd_reject_footer");
    if (footer && *footer->raw)
        wire_note_add(
            w->notes, NULL,
            g_strdup("smtpd_reject_footer stays, but no longer stands under the replies that mailwhy explains. Words of your "
                     "own for all of them: contact and help_url in mailwhy.conf."),
            NULL);
    if (!*w->ends.milter.written)
        wire_note_add(w->notes, NULL,
                      g_strdup("milter.listen is empty in mailwhy.conf: replies are explained, but the events lack the client."),
                      NULL);
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        const char *options = postconf_effective(&w->live, s->key, "receive_override_options");
        if (wire_is_smtpd(s) && strstr(options, "no_milters"))
            wire_note_add(
                w->notes, NULL,
                g_strdup_printf("%s asks no milters (receive_override_options): its refusals are explained, but their events "
                                "lack the client.",
                                s->key),
                NULL);
        if (wire_is_smtpd(s) && *postconf_effective(&w->live, s->key, "smtpd_milter_maps"))
            wire_note_add(w->notes, NULL,
                          g_strdup("smtpd_milter_maps is set: what it has for a client stands in place of smtpd_milters. Put "
                                   "mailwhy's milter first there, too; else that client's events lack it."),
                          NULL);
    }
}

/* What mailwhy.conf says of the reply map, and whether Postfix can get there. EX_OK or EX_CONFIG. */
static int check_ends(const struct wire *w, struct buffer *fault)
{
    if (!*w->ends.reply.written) {
        buffer_add_string(fault, "socketmap.listen is empty in mailwhy.conf: without the reply map nothing is explained");
        return EX_CONFIG;
    }
    const struct wire_end *end = w->ends.reply.outside ? &w->ends.reply : w->ends.milter.outside ? &w->ends.milter : NULL;
    for (guint i = 0; end && i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        if (!s->chroot)
            continue;
        buffer_printf(
            fault,
            "%s in mailwhy.conf lies outside of %s, and %s runs in a chroot there: it cannot reach it. Have mailwhyd listen in "
            "%s/mailwhy, or, where it serves several instances, at inet:PORT@127.0.0.1",
            end->listen, w->ends.queue, s->key, w->ends.queue);
        return EX_CONFIG;
    }
    return EX_OK;
}

int wire_plan(struct wire *w, struct buffer *fault)
{
    int status = check_ends(w, fault);
    if (status != EX_OK)
        return status;
    for (int which = 0; which < WIRE_POSTSCREEN; which++) {
        if (which != WIRE_FOOTER_MAPS && !*w->ends.milter.written)
            continue;
        plan_list(w, (enum wire_parameter)which, NULL);
        for (guint i = 0; i < w->live.services->len; i++) {
            const struct postconf_service *s = w->live.services->pdata[i];
            if (wire_is_smtpd(s) && postconf_override(&w->live, s->key, wire_parameter_names[which]))
                plan_list(w, (enum wire_parameter)which, s->key);
        }
    }
    plan_postscreen(w);
    plan_notes(w);
    return EX_OK;
}
