#include "load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 240 /* octets: three lines of a reply, so that reason, fix, contact and reference stay within eight */
#define VARIANTS_MAX 16

static const char *const condition_names[] = {
    [CONDITION_PLAINTEXT] = "plaintext",         [CONDITION_ENCRYPTED] = "encrypted",
    [CONDITION_RELAY_PORT] = "relay-port",       [CONDITION_SUBMISSION_PORT] = "submission-port",
    [CONDITION_AUTHENTICATED] = "authenticated", [CONDITION_ANONYMOUS] = "anonymous",
    [CONDITION_REPEATED] = "repeated",
};
static_assert(sizeof condition_names / sizeof *condition_names == CONDITION_COUNT, "each condition has its name");

static const char *const placeholders[] = {"client", "list", "name"};

/* Read "relay-port+anonymous". The conditions as bits; 0 where a word is not one. */
static unsigned conditions_parse(const char *s)
{
    unsigned conditions = 0;
    for (;;) {
        size_t len = strcspn(s, "+");
        int found = -1;
        for (int i = 0; i < CONDITION_COUNT; i++)
            if (strlen(condition_names[i]) == len && memcmp(condition_names[i], s, len) == 0)
                found = i;
        if (found == -1)
            return 0;
        conditions |= 1U << found;
        if (!s[len])
            return conditions;
        s += len + 1;
    }
}

/* What is wrong with a text, NULL for nothing. */
static const char *text_fault(const char *s)
{
    size_t len = strlen(s);
    if (len == 0)
        return "is empty";
    if (len > TEXT_MAX)
        return "is longer than 240 octets";
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == 127)
            return "has a control character (a line break?)";
        if (*s != '%')
            continue;
        bool known = s[1] == '%';
        for (size_t i = 0; !known && i < sizeof placeholders / sizeof *placeholders; i++)
            known = strncmp(s + 1, placeholders[i], strlen(placeholders[i])) == 0;
        if (!known)
            return "has a % that is none of %client, %list, %name, %%";
        s += s[1] == '%';
    }
    return NULL;
}

static int check_text(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *fault = text_fault(cfg_opt_getstr(opt));
    if (fault)
        cfg_error(cfg, "%s %s", cfg_opt_name(opt), fault);
    return 0;
}

static int check_variant(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
    if (!conditions_parse(title))
        cfg_error(cfg,
                  "variant \"%s\": the conditions are plaintext, encrypted, relay-port, submission-port, authenticated, "
                  "anonymous, repeated, "
                  "joined by +",
                  title);
    if (cfg_opt_size(opt) > VARIANTS_MAX)
        cfg_error(cfg, "more than %d variants", VARIANTS_MAX);
    return 0;
}

static cfg_opt_t variant_options[] = {CFG_STR("reason", NULL, CFGF_NODEFAULT), CFG_STR("fix", NULL, CFGF_NODEFAULT), CFG_END()};
static cfg_opt_t entry_options[] = {CFG_STR("name", NULL, CFGF_NODEFAULT),
                                    CFG_STR("reason", NULL, CFGF_NODEFAULT),
                                    CFG_STR("when", NULL, CFGF_NODEFAULT),
                                    CFG_STR("fix", NULL, CFGF_NODEFAULT),
                                    CFG_SEC("variant", variant_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                                    CFG_END()};
static cfg_opt_t text_options[] = {CFG_SEC("code", entry_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                                   CFG_SEC("reason", entry_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()};

static void prepare_texts(cfg_t *cfg)
{
    static const char *const texts[] = {
        "code|name",   "code|reason",   "code|when",   "code|fix",   "code|variant|reason",   "code|variant|fix",
        "reason|name", "reason|reason", "reason|when", "reason|fix", "reason|variant|reason", "reason|variant|fix"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cfg_set_validate_func(cfg, texts[i], check_text);
    cfg_set_validate_func(cfg, "code|variant", check_variant);
    cfg_set_validate_func(cfg, "reason|variant", check_variant);
}

/* The language's rows, made where there are none yet. NULL with errno ENOMEM. */
static struct language *language_make(struct catalog *c, const char *name)
{
    for (size_t i = 0; i < c->language_count; i++)
        if (strcmp(c->languages[i].name, name) == 0)
            return &c->languages[i];
    struct language *languages = realloc(c->languages, (c->language_count + 1) * sizeof *languages);
    if (!languages)
        return NULL;
    c->languages = languages;
    struct language *l = &languages[c->language_count];
    *l = (struct language){.reasons = calloc(c->reason_count + 1, sizeof *l->reasons),
                           .codes = calloc(c->code_count + 1, sizeof *l->codes)};
    snprintf(l->name, sizeof l->name, "%s", name);
    c->language_count++;
    return l->reasons && l->codes ? l : NULL;
}

/* The row that a section of a text file fills, NULL for an entry that is not in the catalogue. */
static struct catalog_text *row_find(const struct catalog *c, const struct language *l, const char *kind, const char *title)
{
    if (strcmp(kind, "reason") == 0) {
        const struct catalog_reason *r = catalog_reason_by_id(c, title);
        return r ? &l->reasons[reason_index(c, r)] : NULL;
    }
    for (size_t i = 0; i < c->code_count; i++)
        if (c->codes[i].code == load_code(title))
            return &l->codes[i];
    return NULL;
}

/* Keep the section's string where it has one. 0, or -1 with errno ENOMEM. */
static int take_string(struct catalog *c, const char **to, cfg_t *section, const char *key)
{
    const char *s = cfg_getstr(section, key);
    return s ? load_keep(c, to, s) : 0;
}

static int take_text(struct catalog *c, struct catalog_text *t, cfg_t *section)
{
    if (take_string(c, &t->name, section, "name") == -1 || take_string(c, &t->reason, section, "reason") == -1 ||
        take_string(c, &t->when, section, "when") == -1 || take_string(c, &t->fix, section, "fix") == -1)
        return -1;
    unsigned count = cfg_size(section, "variant");
    if (!count)
        return 0;
    struct catalog_variant *variants = calloc(count, sizeof *variants);
    if (!variants)
        return -1;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *v = cfg_getnsec(section, "variant", i);
        variants[i].conditions = conditions_parse(cfg_title(v));
        if (take_string(c, &variants[i].reason, v, "reason") == -1 || take_string(c, &variants[i].fix, v, "fix") == -1) {
            free(variants);
            return -1;
        }
    }
    free((void *)(uintptr_t)t->variants);
    t->variants = variants;
    t->variant_count = count;
    return 0;
}

static int take_texts(struct loader *l, struct language *language, cfg_t *tree, const char *kind)
{
    for (unsigned i = 0; i < cfg_size(tree, kind); i++) {
        cfg_t *section = cfg_getnsec(tree, kind, i);
        struct catalog_text *row = row_find(l->c, language, kind, cfg_title(section));
        if (!row)
            buffer_printf(l->faults, "%s:%d: text for %s %s, which is not in the catalogue\n", section->filename, section->line,
                          kind, cfg_title(section));
        else if (take_text(l->c, row, section) == -1)
            return -1;
    }
    return 0;
}

static int load_language(struct loader *l, const char *dir, const char *name)
{
    struct buffer path = {0};
    size_t before = l->faults->len;
    int result = 0;
    struct language *language = language_make(l->c, name);
    if (!language || buffer_printf(&path, "%s/text/%s.conf", dir, name) == -1) {
        result = -1;
    } else {
        cfg_t *tree = load_tree(l, path.data, text_options, prepare_texts);
        if (tree && l->faults->len == before)
            result = take_texts(l, language, tree, "code") == -1 || take_texts(l, language, tree, "reason") == -1 ? -1 : 0;
    }
    buffer_free(&path);
    return result;
}

static int is_text_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 5 && len < 20 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

int load_texts(struct loader *l, const char *dir, bool optional)
{
    struct dirent **entries = NULL;
    struct buffer path = {0};
    int result = -1, count = 0;
    if (!language_make(l->c, CATALOG_LANGUAGE) || buffer_printf(&path, "%s/text", dir) == -1)
        goto done;
    if (optional && load_is_missing(buffer_string(&path))) {
        result = 0;
        goto done;
    }
    count = scandir(path.data, &entries, is_text_file, alphasort);
    if (count == -1) {
        if (errno == ENOMEM)
            goto done;
        buffer_printf(l->faults, "%s:0: cannot be read: %s\n", path.data, strerror(errno));
    }
    result = 0;
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        if (result == 0)
            result = load_language(l, dir, entries[i]->d_name);
    }

done:
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    buffer_free(&path);
    return result;
}

static bool is_ascii(const char *s)
{
    while (s && *s && (unsigned char)*s <= '~')
        s++;
    return !s || !*s;
}

static void note_ascii(struct catalog_text *t)
{
    t->ascii = is_ascii(t->name) && is_ascii(t->reason) && is_ascii(t->when) && is_ascii(t->fix);
    for (size_t i = 0; i < t->variant_count; i++)
        t->ascii = t->ascii && is_ascii(t->variants[i].reason) && is_ascii(t->variants[i].fix);
}

/* Fault what an English text lacks: it is what every other language falls back to, and what a reply of plain ASCII is made of. */
static void check_complete(struct loader *l, struct catalog_text *t, const char *file, int line, const char *what,
                           const char *title)
{
    const char *const parts[] = {t->name, t->reason, t->when, t->fix};
    static const char *const part_names[] = {"name", "reason", "when", "fix"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i])
            buffer_printf(l->faults, "%s:%d: %s %s has no %s in the language %s\n", file, line, what, title, part_names[i],
                          CATALOG_LANGUAGE);
    note_ascii(t);
    if (!t->ascii)
        buffer_printf(l->faults, "%s:%d: %s %s: its text in the language %s is not plain ASCII\n", file, line, what, title,
                      CATALOG_LANGUAGE);
}

/* The section of codes.conf, ours or the site's, that has the code. */
static const cfg_t *code_section(const struct loader *l, const char *title)
{
    for (size_t i = l->tree_count; i-- > 0;) {
        const char *name = strrchr(l->trees[i]->filename, '/');
        const cfg_t *section = name && strcmp(name, "/codes.conf") == 0 ? cfg_gettsec(l->trees[i], "code", title) : NULL;
        if (section)
            return section;
    }
    return l->trees[0];
}

/* Let the keys that a text lacks be those of the English one. */
static void complete(struct catalog_text *t, const struct catalog_text *english)
{
    if (!t->name && !t->reason && !t->when && !t->fix && !t->variant_count)
        return;
    t->name = t->name ? t->name : english->name;
    t->reason = t->reason ? t->reason : english->reason;
    t->when = t->when ? t->when : english->when;
    t->fix = t->fix ? t->fix : english->fix;
    note_ascii(t);
}

void load_complete_texts(struct loader *l)
{
    const struct catalog *c = l->c;
    const struct language *english = &c->languages[0];
    for (size_t i = 0; i < c->reason_count; i++) {
        const cfg_t *section = c->reasons[i].section;
        check_complete(l, &english->reasons[i], section->filename, section->line, "reason", c->reasons[i].reason.id);
    }
    for (size_t i = 0; i < c->code_count; i++) {
        char title[8];
        snprintf(title, sizeof title, "%d", c->codes[i].code % 1000);
        const cfg_t *section = code_section(l, title);
        check_complete(l, &english->codes[i], section->filename, section->line, "code", title);
    }
    for (size_t n = 1; n < c->language_count; n++) {
        for (size_t i = 0; i < c->reason_count; i++)
            complete(&c->languages[n].reasons[i], &english->reasons[i]);
        for (size_t i = 0; i < c->code_count; i++)
            complete(&c->languages[n].codes[i], &english->codes[i]);
    }
}
