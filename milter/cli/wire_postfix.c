#include "wire_postfix.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "wire_saved.h"

const char *const wire_parameter_names[WIRE_PARAMETERS] = {"smtpd_reject_footer_maps", "smtpd_milters", "milter_macro_defaults",
                                                           "postscreen_reject_footer_maps"};

static void free_change(void *data)
{
    struct wire_change *c = data;
    g_free(c->was);
    g_free(c->value);
    g_free(c->argument);
    g_free(c);
}

static void free_note(void *data)
{
    struct wire_note *n = data;
    g_free(n->text);
    g_free(n->fix);
    g_free(n);
}

GPtrArray *wire_changes_new(void)
{
    return g_ptr_array_new_with_free_func(free_change);
}

GPtrArray *wire_notes_new(void)
{
    return g_ptr_array_new_with_free_func(free_note);
}

int wire_open(struct wire *w, const struct config *config, const char *dir, bool alone, struct buffer *fault)
{
    *w = (struct wire){
        .config = config, .locked = -1, .changes = wire_changes_new(), .notes = wire_notes_new(), .faults = wire_notes_new()};
    int status = postconf_read(&w->live, dir, fault);
    if (status == EX_OK && alone) { /* what was read before the lock may be another by now */
        w->locked = wire_lock(wire_config_dir(w), fault);
        if (w->locked == -1)
            return EX_TEMPFAIL;
        postconf_free(&w->live);
        status = postconf_read(&w->live, dir, fault);
    }
    if (status != EX_OK)
        return status;
    wire_ends_make(&w->ends, config, postconf_main(&w->live, "queue_directory"));
    return wire_saved_read(w, fault);
}

void wire_close(struct wire *w)
{
    postconf_free(&w->live);
    postconf_free(&w->before);
    postconf_free(&w->after);
    wire_ends_free(&w->ends);
    wire_saved_close(w);
    if (w->locked != -1)
        close(w->locked);
    GPtrArray *all[] = {w->changes, w->notes, w->faults};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        g_ptr_array_free(all[i], TRUE);
}

bool wire_is_smtpd(const struct postconf_service *s)
{
    return strcmp(s->program, "smtpd") == 0;
}

enum wire_ours wire_is_ours(const struct wire *w, enum wire_parameter which, const char *element, const char *process_id)
{
    if (which == WIRE_MILTERS)
        return wire_is_milter(&w->ends, element);
    if (which == WIRE_MACROS)
        return wire_is_macro(element, process_id);
    return wire_is_map(&w->ends, element, process_id);
}

/* What an earlier --apply has put in: an element of what it made that was not there before. */
static bool was_put_in(const struct wire *w, enum wire_parameter which, const char *service, const char *element)
{
    const struct postconf_value *after = postconf_override(&w->after, service, wire_parameter_names[which]),
                                *before = postconf_override(&w->before, service, wire_parameter_names[which]);
    if (!after)
        return false;
    g_auto(GStrv) made = wire_list_split(after->raw);
    g_auto(GStrv) had = wire_list_split(before ? before->raw : "");
    return g_strv_contains((const char *const *)made, element) && !g_strv_contains((const char *const *)had, element);
}

char *wire_without_ours(const struct wire *w, enum wire_parameter which, const char *service, const char *list, bool *found)
{
    g_auto(GStrv) elements = wire_list_split(list);
    GString *rest = g_string_new(NULL);
    *found = false;
    for (char **e = elements; *e; e++) {
        if (wire_is_ours(w, which, *e, "") != WIRE_NOT_OURS || (w->saved && was_put_in(w, which, service, *e)))
            *found = true;
        else
            g_string_append_printf(rest, "%s%s", rest->len ? ", " : "", *e);
    }
    return g_string_free(rest, FALSE);
}

static bool same(const struct postconf_value *a, const struct postconf_value *b)
{
    bool a_set = a && a->is_set, b_set = b && b->is_set;
    return a_set == b_set && (!a_set || strcmp(a->raw, b->raw) == 0);
}

static struct wire_value value_of(const struct postconf_value *v)
{
    return (struct wire_value){.is_set = v && v->is_set, .raw = g_strdup(v ? v->raw : ""), .known = v};
}

struct wire_value wire_base(const struct wire *w, const char *service, enum wire_parameter which)
{
    const char *name = wire_parameter_names[which];
    const struct postconf_value *live = postconf_override(&w->live, service, name);
    const struct postconf_value *before = w->saved ? postconf_override(&w->before, service, name) : NULL,
                                *after = w->saved ? postconf_override(&w->after, service, name) : NULL;
    if (w->saved && same(live, before))
        return value_of(live);
    if (w->saved && same(live, after) && (before || !service))
        return value_of(before);
    bool found = false;
    char *rest = live && live->is_set ? wire_without_ours(w, which, service, live->raw, &found) : NULL;
    if (!w->saved || !found) {
        g_free(rest);
        return value_of(live);
    }
    bool was_set = service || (before && before->is_set);
    return (struct wire_value){.is_set = *rest || was_set, .raw = rest};
}

/* Append an option with a value, where there is one. */
static void add_option(GString *out, const char *option, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    if (!value)
        return;
    g_autofree char *quoted = value[strspn(value, plain)] ? g_shell_quote(value) : g_strdup(value);
    g_string_append_printf(out, " %s %s", option, quoted);
}

char *wire_apply_command(const struct wire *w, const char *options)
{
    GString *out = g_string_new("mailwhy wire postfix");
    add_option(out, "-c", w->live.asked);
    add_option(out, "--config", w->config_file);
    g_string_append_printf(out, " --apply%s%s", options ? " " : "", options ? options : "");
    return g_string_free(out, FALSE);
}

void wire_note_add(GPtrArray *to, const char *id, char *text, char *fix)
{
    for (guint i = 0; i < to->len; i++) {
        const struct wire_note *n = to->pdata[i];
        if (strcmp(n->text, text) == 0 && g_strcmp0(n->id, id) == 0 && g_strcmp0(n->fix, fix) == 0) {
            g_free(text);
            g_free(fix);
            return;
        }
    }
    struct wire_note *n = g_new(struct wire_note, 1);
    *n = (struct wire_note){.id = id, .text = text, .fix = fix};
    g_ptr_array_add(to, n);
}

static struct postconf_service *service_of(const struct wire *w, const char *key)
{
    for (guint i = 0; i < w->live.services->len; i++) {
        struct postconf_service *s = w->live.services->pdata[i];
        if (strcmp(s->key, key) == 0)
            return s;
    }
    return NULL;
}

/* Put the new value of an option into the entry of master.cf, as postconf -M prints it. False: the old one is not to be found there. */
static bool change_entry(struct postconf_service *s, const struct wire_change *c)
{
    const char *entry = s->changed ? s->changed : s->entry;
    for (int braces = 1; entry && c->was && c->value && braces >= 0; braces--) {
        g_autofree char *old =
            braces ? g_strdup_printf("-o {%s=%s}", c->name, c->was) : g_strdup_printf("-o %s=%s", c->name, c->was);
        const char *at = strstr(entry, old), *behind = at ? at + strlen(old) : NULL;
        if (!at || (*behind && *behind != ' '))
            continue;
        bool blank = strpbrk(c->value, " \t");
        char *changed = g_strdup_printf("%.*s-o %s%s=%s%s%s", (int)(at - entry), entry, blank ? "{" : "", c->name, c->value,
                                        blank ? "}" : "", behind);
        g_free(s->changed);
        s->changed = changed;
        return true;
    }
    return false;
}

/* Write the option and the argument of a change in master.cf. postconf -P takes no value with a blank; where there must be one, the whole entry
 * is written anew. False: that cannot be done. */
static bool write_override(const struct wire *w, struct wire_change *c)
{
    struct postconf_service *s = service_of(w, c->service);
    char *compact = wire_list_compact(c->value ? c->value : "", strcmp(c->name, wire_parameter_names[WIRE_MILTERS]) == 0);
    if (compact) {
        g_free(c->value);
        c->value = compact;
    }
    bool in_entry = s && change_entry(s, c);
    c->option = compact ? "-P" : "-Me";
    c->argument = compact ? g_strdup_printf("%s/%s=%s", c->service, c->name, c->value)
                          : g_strdup_printf("%s=%s", c->service, in_entry ? s->changed : "");
    return compact || in_entry;
}

void wire_change_add(struct wire *w, const char *service, const char *name, const struct wire_value *to, const char *why)
{
    const struct postconf_value *live = postconf_override(&w->live, service, name);
    bool is_set = live && live->is_set;
    if (is_set == to->is_set && (!is_set || strcmp(live->raw, to->raw) == 0))
        return;
    struct wire_change *c = g_new(struct wire_change, 1);
    *c = (struct wire_change){.service = service,
                              .name = name,
                              .was = is_set ? g_strdup(live->raw) : NULL,
                              .value = to->is_set ? g_strdup(to->raw) : NULL,
                              .why = why};
    if (service) {
        if (!write_override(w, c)) {
            wire_note_add(w->notes, NULL,
                          g_strdup_printf("%s of %s in master.cf must be set to this by hand: %s", name, service, c->value),
                          NULL);
            free_change(c);
            return;
        }
    } else {
        c->option = c->value ? "-e" : "-X";
        c->argument = c->value ? g_strdup_printf("%s =%s%s", name, *c->value ? " " : "", c->value) : g_strdup(name);
    }
    g_ptr_array_add(w->changes, c);
}
