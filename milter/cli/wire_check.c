#include "wire_check.h"

#include <string.h>

/* A list that counts: of main.cf, or of a service that has its own. */
struct place {
    struct wire *w;
    const struct postconf_service *service; /* NULL: main.cf */
    enum wire_parameter which;
};

static const char *place_name(const struct place *p)
{
    return p->service ? p->service->key : "main.cf";
}

/* A fault that --apply mends. */
__attribute__((format(printf, 3, 4))) static void fault(const struct place *p, const char *id, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    wire_note_add(p->w->faults, id, g_strdup_printf("%s of %s %s", wire_parameter_names[p->which], place_name(p), what),
                  wire_apply_command(p->w, NULL));
}

static const char *const missing_ids[WIRE_PARAMETERS] = {"map-missing", "milter-missing", "macro-missing", NULL};
static const char *const missing[WIRE_PARAMETERS] = {
    "does not have mailwhy's reply map: what is refused there is not explained",
    "does not have mailwhy's milter: the events of what is refused there lack the client",
    "does not have pid=$process_id: refusals and sessions are not joined, so the events lack the client",
    NULL,
};

/* What is wrong with the element that is ours; shown: as it was written. */
static void check_element(const struct place *p, const char *element, const char *shown, enum wire_ours ours)
{
    bool chroot = p->service && p->service->chroot;
    for (guint i = 0; !p->service && i < p->w->live.services->len; i++) {
        const struct postconf_service *s = p->w->live.services->pdata[i];
        chroot |= s->chroot && wire_is_smtpd(s) && !postconf_override(&p->w->live, s->key, wire_parameter_names[p->which]);
    }
    if (ours == WIRE_OURS_ELSEWISE)
        fault(p, p->which == WIRE_MACROS ? "macro-wrong" : "map-name",
              "has %s, without $process_id in its place: refusals and "
              "sessions are not joined",
              shown);
    if (p->which != WIRE_MACROS && chroot && wire_is_absolute(&p->w->ends, element))
        fault(p, "absolute-path",
              "has %s: smtpd runs in a chroot, where that path is not to be found. It must be relative to the "
              "queue directory",
              shown);
    if (p->which == WIRE_MILTERS && !wire_milter_accepts(element) &&
        strcmp(postconf_effective(&p->w->live, p->service ? p->service->key : NULL, "milter_default_action"), "accept") != 0)
        fault(p, "default-action",
              "does not say default_action=accept of mailwhy's milter: mail is put off while mailwhyd is not "
              "running");
}

static void check_list(const struct place *p)
{
    const struct postconf_value *v =
        postconf_override(&p->w->live, p->service ? p->service->key : NULL, wire_parameter_names[p->which]);
    g_auto(GStrv) elements = wire_list_split(v ? v->expanded : ""), raw = wire_list_split(v ? v->raw : "");
    bool as_written = g_strv_length(elements) == g_strv_length(raw); /* else a $name stands for several */
    char **shown = as_written ? raw : elements;
    for (char **e = elements; *e; e++) {
        enum wire_ours ours = wire_is_ours(p->w, p->which, *e, v->process_id);
        if (ours == WIRE_NOT_OURS)
            continue;
        if (e > elements && p->which == WIRE_FOOTER_MAPS)
            fault(p, "map-behind",
                  "has %s before mailwhy's reply map: what that has a footer for is neither explained nor logged", shown[0]);
        if (e > elements && p->which == WIRE_MILTERS)
            fault(p, "milter-behind", "has %s before mailwhy's milter, which does not see the commands that that refuses",
                  shown[0]);
        check_element(p, *e, shown[e - elements], ours);
        return;
    }
    if (p->service)
        fault(p, "override", "in master.cf is a list of its own, and leaves mailwhy out");
    else
        fault(p, missing_ids[p->which], "%s", missing[p->which]);
}

static void check_parameter(struct wire *w, enum wire_parameter which)
{
    bool main_counts = false;
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        if (!wire_is_smtpd(s))
            continue;
        if (postconf_override(&w->live, s->key, wire_parameter_names[which]))
            check_list(&(struct place){w, s, which});
        else
            main_counts = true;
    }
    if (main_counts)
        check_list(&(struct place){w, NULL, which});
}

static bool explains_postscreen(struct wire *w, const char *service)
{
    const struct postconf_value *v = postconf_override(&w->live, service, wire_parameter_names[WIRE_POSTSCREEN]);
    if (!v)
        v = postconf_override(&w->live, NULL, wire_parameter_names[WIRE_POSTSCREEN]);
    g_auto(GStrv) elements = wire_list_split(v ? v->expanded : "");
    for (char **e = elements; *e; e++)
        if (wire_is_ours(w, WIRE_POSTSCREEN, *e, v->process_id) != WIRE_NOT_OURS)
            return true;
    return false;
}

static void check_postscreen(struct wire *w)
{
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        if (wire_is_smtpd(s) || explains_postscreen(w, s->key) == w->postscreen)
            continue;
        g_autofree char *apply = wire_apply_command(w, NULL);
        if (w->postscreen)
            wire_note_add(w->faults, "postscreen", g_strdup_printf("What %s (postscreen) refuses is not explained", s->key),
                          wire_apply_command(w, "--postscreen"));
        else
            wire_note_add(w->faults, "postscreen",
                          g_strdup_printf("%s (postscreen) waits for mailwhyd at each refusal, and with it all clients", s->key),
                          g_strdup_printf("%s; or, where that is wanted, give --postscreen to --check too", apply));
    }
}

static bool has_smtpd(const struct wire *w)
{
    for (guint i = 0; i < w->live.services->len; i++)
        if (wire_is_smtpd(w->live.services->pdata[i]))
            return true;
    return false;
}

void wire_check(struct wire *w)
{
    if (!has_smtpd(w))
        wire_note_add(w->faults, "no-smtpd",
                      g_strdup_printf("%s/master.cf has no smtpd service: nothing is refused here",
                                      postconf_main(&w->live, "config_directory")),
                      g_strdup("see master(5)"));
    g_autofree char *apply = wire_apply_command(w, NULL);
    if (!*w->ends.reply.written)
        wire_note_add(w->faults, "no-map", g_strdup("socketmap.listen is empty in mailwhy.conf: nothing is explained"),
                      g_strdup_printf("give it an endpoint, restart mailwhyd, then %s", apply));
    else
        check_parameter(w, WIRE_FOOTER_MAPS);
    if (*w->ends.milter.written) {
        check_parameter(w, WIRE_MILTERS);
        check_parameter(w, WIRE_MACROS);
    }
    check_postscreen(w);
    wire_check_reach(w);
}
