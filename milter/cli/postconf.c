#include "postconf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"

/* What is asked of main.cf. */
#define NAMES                                                                                                                    \
    "config_directory", "queue_directory", "mail_owner", "compatibility_level", "multi_instance_directories",                    \
        "multi_instance_name", "process_id", "smtpd_milters", "smtpd_reject_footer_maps", "smtpd_reject_footer",                 \
        "postscreen_reject_footer_maps", "milter_macro_defaults", "milter_default_action", "receive_override_options",           \
        "smtpd_milter_maps"

static void free_value(void *data)
{
    struct postconf_value *v = data;
    g_free(v->raw);
    g_free(v->expanded);
    g_free(v);
}

static void free_service(void *data)
{
    struct postconf_service *s = data;
    g_free(s->key);
    g_free(s->program);
    g_free(s->entry);
    g_free(s->changed);
    g_free(s);
}

/* Run postconf with these words behind "-c DIR". Its output, to be freed with g_free(), and what process it was; NULL with a sentence in fault. */
static char *ask(const struct postconf *p, const char *const *words, struct buffer *fault, int *status, long *pid)
{
    const char *argv[32] = {"postconf"};
    size_t count = 1;
    struct command c;
    char *out = NULL;
    if (p->asked) {
        argv[count++] = "-c";
        argv[count++] = p->asked;
    }
    while (*words)
        argv[count++] = *words++;
    *status = EX_OK;
    if (command_run(&c, argv) == -1) {
        *status = errno == ENOENT ? EX_UNAVAILABLE : EX_OSERR;
        buffer_printf(fault, "postconf cannot be run: %s%s", strerror(errno),
                      errno == ENOENT ? ". Is Postfix installed on this machine?" : "");
    } else if (c.status) {
        *status = EX_NOINPUT;
        g_autofree char *said = g_strchomp(g_strdup(buffer_string(&c.err)));
        buffer_printf(fault, "postconf could not read the configuration: %s", said);
    } else {
        out = g_strdup(buffer_string(&c.out));
        *pid = c.pid;
    }
    command_free(&c);
    return out;
}

/* The next line of a text, whose line end becomes NUL; NULL at its end. */
static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (!*line)
        return NULL;
    *text = end ? end + 1 : line + strlen(line);
    if (end)
        *end = '\0';
    return line;
}

/* Take the lines "NAME = VALUE". */
static void take_values(struct postconf *p, char *text, bool expanded, bool set, long pid)
{
    for (char *line; (line = next_line(&text));) {
        char *sign = strstr(line, " =");
        if (!sign)
            continue;
        *sign = '\0';
        char *value = g_strstrip(sign + 2);
        struct postconf_value *v = g_hash_table_lookup(p->values, line);
        if (!v) {
            v = g_new0(struct postconf_value, 1);
            v->raw = g_strdup("");
            v->expanded = g_strdup("");
            g_hash_table_insert(p->values, g_strdup(line), v);
        }
        char **to = expanded ? &v->expanded : &v->raw;
        g_free(*to);
        *to = g_strdup(value);
        if (expanded)
            snprintf(v->process_id, sizeof v->process_id, "%ld", pid);
        v->is_set |= set;
    }
}

/* A service without a say about chroot runs in one where the configuration is as before Postfix 3.0. */
static bool chroot_of(const struct postconf *p, const char *column)
{
    if (*column == '-')
        return strtol(postconf_main(p, "compatibility_level"), NULL, 10) < 1;
    return *column == 'y';
}

/* Take the lines of master.cf: name, type, private, unprivileged, chroot, wake-up, most processes, program and its arguments. */
static void take_services(struct postconf *p, char *text)
{
    for (char *line; (line = next_line(&text));) {
        g_auto(GStrv) fields = g_strsplit_set(line, " \t", -1);
        const char *words[8];
        size_t count = 0;
        for (char **f = fields; *f && count < 8; f++)
            if (**f)
                words[count++] = *f;
        if (count < 8 || (strcmp(words[7], "smtpd") != 0 && strcmp(words[7], "postscreen") != 0))
            continue;
        struct postconf_service *s = g_new0(struct postconf_service, 1);
        s->key = g_strdup_printf("%s/%s", words[0], words[1]);
        s->program = g_strdup(words[7]);
        s->entry = g_strdup(line);
        s->chroot = chroot_of(p, words[4]);
        g_ptr_array_add(p->services, s);
    }
}

/* EX_OK, or EX_UNAVAILABLE: this Postfix cannot do it. */
static int take_version(struct postconf *p, char *text, struct buffer *fault)
{
    char *end;
    p->version = g_strdup(g_strstrip(text));
    long major = strtol(p->version, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    p->version_number = major * 1000 + (minor < 1000 ? minor : 999);
    if (p->version_number >= POSTCONF_VERSION)
        return EX_OK;
    buffer_printf(fault,
                  "this is Postfix %s, and replies can be explained from 3.4 on, which has smtpd_reject_footer_maps. The milter "
                  "alone would see the sessions but none of the refusals, so nothing is wired here; upgrade Postfix first",
                  p->version);
    return EX_UNAVAILABLE;
}

/* One question: what is asked, and what is done with the answer. */
static int read_rest(struct postconf *p, struct buffer *fault)
{
    static const char *const raw[] = {NAMES, NULL}, *const expanded[] = {"-x", NAMES, NULL}, *const set[] = {"-n", NAMES, NULL},
                             *const overrides[] = {"-P", NULL}, *const overrides_expanded[] = {"-Px", NULL},
                             *const services[] = {"-M", NULL};
    static const struct {
        const char *const *words;
        bool expanded, set;
    } questions[] = {{raw, false, false},
                     {expanded, true, false},
                     {set, false, true},
                     {overrides, false, true},
                     {overrides_expanded, true, true}};
    int status;
    long pid;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        g_autofree char *text = ask(p, questions[i].words, fault, &status, &pid);
        if (!text)
            return status;
        take_values(p, text, questions[i].expanded, questions[i].set, pid);
    }
    g_autofree char *text = ask(p, services, fault, &status, &pid);
    if (text)
        take_services(p, text);
    return status;
}

int postconf_read(struct postconf *p, const char *dir, struct buffer *fault)
{
    static const char *const version[] = {"-h", "mail_version", NULL};
    int status;
    long pid;
    *p = (struct postconf){.values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_value),
                           .services = g_ptr_array_new_with_free_func(free_service)};
    if (dir) {
        char *found = realpath(dir, NULL);
        p->asked = g_strdup(found ? found : dir);
        free(found);
    }
    g_autofree char *text = ask(p, version, fault, &status, &pid);
    if (!text)
        return status;
    status = take_version(p, text, fault);
    return status == EX_OK ? read_rest(p, fault) : status;
}

void postconf_free(struct postconf *p)
{
    g_free(p->asked);
    g_free(p->version);
    if (p->values)
        g_hash_table_destroy(p->values);
    if (p->services)
        g_ptr_array_free(p->services, TRUE);
    *p = (struct postconf){0};
}

const struct postconf_value *postconf_override(const struct postconf *p, const char *service, const char *name)
{
    g_autofree char *key = service ? g_strdup_printf("%s/%s", service, name) : g_strdup(name);
    return g_hash_table_lookup(p->values, key);
}

const char *postconf_effective(const struct postconf *p, const char *service, const char *name)
{
    const struct postconf_value *v = postconf_override(p, service, name);
    return v ? v->expanded : postconf_main(p, name);
}

const char *postconf_main(const struct postconf *p, const char *name)
{
    const struct postconf_value *v = postconf_override(p, NULL, name);
    return v ? v->expanded : "";
}

int postconf_edit(const char *dir, const char *option, const char *argument, struct buffer *fault)
{
    const char *argv[] = {"postconf", "-c", dir, option, argument, NULL};
    struct command c;
    int result = command_run(&c, argv);
    if (result == -1)
        buffer_printf(fault, "postconf cannot be run: %s", strerror(errno));
    else if (c.status) {
        g_autofree char *said = g_strchomp(g_strdup(buffer_string(&c.err)));
        buffer_printf(fault, "postconf %s '%s' failed: %s", option, argument, said);
        result = -1;
    }
    command_free(&c);
    return result;
}
