#include "wire_view.h"

#include <stdio.h>
#include <string.h>

#include <mailwhy/json.h>

#include "print.h"
#include "wire_saved.h"

#define COLUMNS 100

static void comment(const char *text)
{
    while (*text) {
        size_t len = strlen(text), cut = len;
        if (len > COLUMNS - 2) {
            for (cut = COLUMNS - 2; cut > 0 && text[cut] != ' '; cut--)
                ;
            if (cut == 0)
                cut = strcspn(text, " ");
        }
        fputs("# ", stdout);
        print_text(stdout, text, cut);
        putchar('\n');
        text += cut + strspn(text + cut, " ");
    }
}

/* Append a word as a shell needs it. */
static void add_quoted(GString *out, const char *word)
{
    g_string_append_c(out, '\'');
    for (; *word; word++)
        if (*word == '\'')
            g_string_append(out, "'\\''");
        else
            g_string_append_c(out, *word);
    g_string_append_c(out, '\'');
}

/* "postconf -c DIR -e 'NAME = VALUE'", to be freed with g_free(). */
static char *command_of(const struct wire *w, const struct wire_change *c)
{
    GString *out = g_string_new("postconf ");
    if (w->live.asked) {
        g_string_append(out, "-c ");
        add_quoted(out, w->live.asked);
        g_string_append_c(out, ' ');
    }
    g_string_append_printf(out, "%s ", c->option);
    add_quoted(out, c->argument);
    return g_string_free(out, FALSE);
}

static char *reload_of(const struct wire *w)
{
    GString *out = g_string_new("postfix ");
    if (w->live.asked) {
        g_string_append(out, "-c ");
        add_quoted(out, w->live.asked);
        g_string_append_c(out, ' ');
    }
    g_string_append(out, "reload");
    return g_string_free(out, FALSE);
}

static void comment_taken(char *text)
{
    comment(text);
    g_free(text);
}

/* The folders of other instances, as multi_instance_directories has them. */
static char **instances_of(const struct wire *w)
{
    return wire_list_split(postconf_main(&w->live, "multi_instance_directories"));
}

static void show_head(const struct wire *w)
{
    GString *services = g_string_new(NULL);
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        g_string_append_printf(services, "%s%s (%s%s)", services->len ? ", " : "", s->key, s->program,
                               s->chroot ? ", chroot" : "");
    }
    comment_taken(g_strdup_printf("Postfix %s, compatibility level %s: %s, queue directory %s", w->live.version,
                                  postconf_main(&w->live, "compatibility_level"), postconf_main(&w->live, "config_directory"),
                                  w->ends.queue));
    comment_taken(g_strdup_printf("Services: %s", services->len ? services->str : "no smtpd"));
    g_string_free(services, TRUE);
    g_auto(GStrv) instances = instances_of(w);
    for (char **i = instances; *i; i++)
        comment_taken(g_strdup_printf("Another instance, wired by itself: mailwhy wire postfix -c %s", *i));
    for (guint i = 0; i < w->notes->len; i++)
        comment(((struct wire_note *)w->notes->pdata[i])->text);
}

static void show_changes(const struct wire *w)
{
    for (guint i = 0; i < w->changes->len; i++) {
        const struct wire_change *c = w->changes->pdata[i];
        g_autofree char *command = command_of(w, c);
        putchar('\n');
        comment(c->why);
        if (c->was)
            comment_taken(g_strdup_printf("Now it is: %s", *c->was ? c->was : "empty"));
        print_string(stdout, command);
        putchar('\n');
    }
}

void wire_view_faults(const GPtrArray *faults, const char *whole)
{
    for (guint i = 0; i < faults->len; i++) {
        const struct wire_note *n = faults->pdata[i];
        print_string(stdout, n->text);
        fputs(".\n    ", stdout);
        print_string(stdout, n->fix);
        fputs(".\n", stdout);
    }
    if (!faults->len)
        puts(whole);
}

void wire_view_complaint(const struct buffer *fault)
{
    fputs("mailwhy wire: ", stderr);
    print_string(stderr, buffer_string(fault));
    fputs(".\n", stderr);
}

static void show_reload(const struct wire *w, const struct wire_outcome *o)
{
    g_autofree char *reload = reload_of(w);
    if (o->reloaded)
        comment("Postfix was told to reload: new sessions have it from now on.");
    else if (o->running)
        comment_taken(g_strdup_printf("Postfix runs, and takes this up with: %s", reload));
    else
        comment("Postfix does not run; it takes this up when it starts.");
}

static void show_end(const struct wire *w, const struct wire_outcome *o)
{
    g_autofree char *reload = reload_of(w);
    if (o->task == WIRE_UNDO && !o->done) {
        comment("mailwhy is not wired here: there is nothing to take back.");
    } else if (o->task == WIRE_UNDO) {
        for (int i = 0; i < 2; i++)
            comment_taken(g_strdup_printf(o->restored[i]
                                              ? "%s/%s is what it was before, to the byte."
                                              : "%s/%s: no copy tells what it was, or somebody has changed it since; so "
                                                "only what is mailwhy's was taken out, as above.",
                                          wire_config_dir(w), wire_file_names[i]));
    } else if (!w->changes->len && o->going_on) {
        comment("Wired already, but not reloaded after that.");
        show_reload(w, o);
        return;
    } else if (!w->changes->len) {
        comment("Wired already: there is nothing to change. mailwhy wire postfix --check looks whether it works.");
        return;
    } else if (o->task == WIRE_SHOW) {
        puts(reload);
        putchar('\n');
        comment("Nothing was changed. --apply does this, and keeps copies, from which --undo gives all back.");
        return;
    } else {
        comment_taken(g_strdup_printf("Done. What was before is kept in %s/mailwhy.undo, for --undo.", wire_config_dir(w)));
    }
    if (o->done)
        show_reload(w, o);
}

void wire_view_text(const struct wire *w, const struct wire_outcome *o)
{
    if (o->task == WIRE_CHECK) {
        wire_view_faults(w->faults, "The wiring is whole: each smtpd asks mailwhyd, and mailwhyd answers.");
        return;
    }
    show_head(w);
    show_changes(w);
    putchar('\n');
    show_end(w, o);
}

static void add_services(struct buffer *out, const struct wire *w)
{
    json_add_key(out, "services");
    buffer_add_char(out, '[');
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        buffer_add_string(out, i ? ",{" : "{");
        json_put_text(out, "service", s->key);
        json_put_text(out, "program", s->program);
        json_put_bool(out, "chroot", s->chroot);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

static void add_changes(struct buffer *out, const struct wire *w)
{
    json_add_key(out, "changes");
    buffer_add_char(out, '[');
    for (guint i = 0; i < w->changes->len; i++) {
        const struct wire_change *c = w->changes->pdata[i];
        g_autofree char *command = command_of(w, c);
        buffer_add_string(out, i ? ",{" : "{");
        json_put_text(out, "service", c->service);
        json_put_text(out, "parameter", c->name);
        json_put_text(out, "was", c->was);
        json_put_text(out, "value", c->value);
        json_put_text(out, "why", c->why);
        json_put_text(out, "command", command);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

void wire_view_add_notes(struct buffer *out, const char *key, const GPtrArray *notes)
{
    json_add_key(out, key);
    buffer_add_char(out, '[');
    for (guint i = 0; i < notes->len; i++) {
        const struct wire_note *n = notes->pdata[i];
        buffer_add_string(out, i ? ",{" : "{");
        json_put_text(out, "id", n->id);
        json_put_text(out, "text", n->text);
        json_put_text(out, "fix", n->fix);
        buffer_add_char(out, '}');
    }
    buffer_add_char(out, ']');
}

/* The words, as an array of strings. */
static void add_words(struct buffer *out, const char *key, const char *const *words)
{
    json_add_key(out, key);
    buffer_add_char(out, '[');
    for (; *words; words++) {
        buffer_add_string(out, out->data[out->len - 1] == '[' ? "" : ",");
        json_add_string(out, *words, strlen(*words));
    }
    buffer_add_char(out, ']');
}

int wire_view_json(const struct wire *w, const struct wire_outcome *o)
{
    struct buffer out = {0};
    g_auto(GStrv) instances = instances_of(w);
    const char *restored[3] = {0};
    size_t count = 0;
    for (int i = 0; i < 2; i++)
        if (o->restored[i])
            restored[count++] = wire_file_names[i];
    buffer_add_char(&out, '{');
    json_put_text(&out, "postfix", w->live.version);
    json_put_text(&out, "compatibility_level", postconf_main(&w->live, "compatibility_level"));
    json_put_text(&out, "config_directory", wire_config_dir(w));
    json_put_text(&out, "queue_directory", w->ends.queue);
    add_words(&out, "instances", (const char *const *)instances);
    add_services(&out, w);
    if (o->task == WIRE_CHECK) {
        json_put_bool(&out, "whole", w->faults->len == 0);
        wire_view_add_notes(&out, "faults", w->faults);
    } else {
        add_changes(&out, w);
        wire_view_add_notes(&out, "notes", w->notes);
        json_put_bool(&out, "done", o->done);
        json_put_bool(&out, "reloaded", o->reloaded);
    }
    if (o->task == WIRE_UNDO)
        add_words(&out, "restored", restored);
    bool ok = buffer_add_char(&out, '}') == 0 && buffer_ok(&out);
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? 0 : -1;
}
