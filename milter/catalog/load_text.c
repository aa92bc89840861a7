#include "load.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/conf_file.h>

#include <mailwhy/columns.h>

#define TEXT_MAX 240 /* columns: three lines of a reply, so that reason, fix, contact and reference stay within eight */
#define TEXT_MAX_OCTETS 960
#define WORD_MAX 40 /* columns, of a word that stands in replies */
#define WORD_MAX_OCTETS 120
#define VARIANTS_MAX 16

static const char *const condition_names[] = {
    [CONDITION_PLAINTEXT] = "plaintext",         [CONDITION_ENCRYPTED] = "encrypted",
    [CONDITION_RELAY_PORT] = "relay-port",       [CONDITION_SUBMISSION_PORT] = "submission-port",
    [CONDITION_AUTHENTICATED] = "authenticated", [CONDITION_ANONYMOUS] = "anonymous",
    [CONDITION_REPEATED] = "repeated",
};
static_assert(sizeof condition_names / sizeof *condition_names == CONDITION_COUNT, "each condition has its name");

static const char *const placeholders[] = {"client", "list", "name", "page"};
static const char *const word_keys[] = {
#define WORD_KEY(name, key) key,
    WORDS(WORD_KEY)
#undef WORD_KEY
};

const char *load_word_key(enum word word)
{
    return word_keys[word];
}

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

/* What is wrong with a line of text, NULL for nothing. */
static const char *line_fault(const char *s)
{
    size_t len = strlen(s);
    if (len == 0)
        return "is empty";
    if (len > TEXT_MAX_OCTETS || columns_of(s, len) > TEXT_MAX)
        return "is longer than 240 columns";
    if (!columns_is_plain(s, len))
        return "has a control character (a line break?), or is not UTF-8";
    return NULL;
}

/* The same for a text with placeholders. */
static const char *text_fault(const char *text)
{
    for (const char *s = text; (s = strchr(s, '%')); s++) {
        bool known = s[1] == '%';
        for (size_t i = 0; !known && i < sizeof placeholders / sizeof *placeholders; i++)
            known = strncmp(s + 1, placeholders[i], strlen(placeholders[i])) == 0;
        if (!known)
            return "has a % that is none of %client, %list, %name, %page, %%";
        s += s[1] == '%';
    }
    return line_fault(text);
}

static int check_word(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *word = cfg_opt_getstr(opt), *fault = line_fault(word);
    bool in_reply = false;
    for (int i = 0; i <= WORD_REPLY_LAST; i++)
        in_reply = in_reply || strcmp(cfg_opt_name(opt), word_keys[i]) == 0;
    if (!fault && in_reply && (columns_of(word, strlen(word)) > WORD_MAX || strlen(word) > WORD_MAX_OCTETS))
        fault = "is longer than the 40 columns that a word in a reply may have";
    if (fault)
        cfg_error(cfg, "%s %s", cfg_opt_name(opt), fault);
    return 0;
}

/* Texts are not checked. libconfuse passes nothing of ours to a check. */
static _Thread_local bool unchecked;

static int check_text(cfg_t *cfg, cfg_opt_t *opt)
{
    if (unchecked)
        return 0;
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
static cfg_opt_t words_options[] = {
#define WORD_OPTION(name, key) CFG_STR(key, NULL, CFGF_NODEFAULT),
    WORDS(WORD_OPTION)
#undef WORD_OPTION
        CFG_END()};
#define ENTRIES(kind) CFG_SEC(kind, entry_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
static cfg_opt_t text_options[] = {ENTRIES("code"), ENTRIES("enhanced"), ENTRIES("reason"),
                                   CFG_SEC("words", words_options, CFGF_NONE), CFG_END()};

static void prepare_texts(cfg_t *cfg)
{
    static const char *const kinds[] = {"code", "enhanced", "reason"}, *const keys[] = {"name", "reason",         "when",
                                                                                        "fix",  "variant|reason", "variant|fix"};
    char path[64];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            snprintf(path, sizeof path, "%s|%s", kinds[i], keys[k]);
            cfg_set_validate_func(cfg, path, check_text);
        }
        snprintf(path, sizeof path, "%s|variant", kinds[i]);
        cfg_set_validate_func(cfg, path, check_variant);
    }
    for (size_t i = 0; i < WORD_COUNT; i++) {
        snprintf(path, sizeof path, "words|%s", word_keys[i]);
        cfg_set_validate_func(cfg, path, check_word);
    }
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
                           .codes = calloc(c->code_count + 1, sizeof *l->codes),
                           .enhanced = calloc(c->enhanced_count + 1, sizeof *l->enhanced)};
    snprintf(l->name, sizeof l->name, "%s", name);
    c->language_count++;
    return l->reasons && l->codes && l->enhanced ? l : NULL;
}

static struct catalog_text *reason_row(const struct catalog *c, const struct language *l, const char *title, size_t near)
{
    if (near < c->reason_count && strcmp(c->reasons[near].reason.id, title) == 0)
        return &l->reasons[near];
    const struct catalog_reason *r = catalog_reason_by_id(c, title);
    return r ? &l->reasons[reason_index(c, r)] : NULL;
}

static struct catalog_text *code_row(const struct catalog *c, const struct language *l, const char *title, size_t near)
{
    (void)near;
    const struct catalog_code *code = catalog_code_find(c, load_code(title));
    return code ? &l->codes[code_index(c, code)] : NULL;
}

static struct catalog_text *enhanced_row(const struct catalog *c, const struct language *l, const char *title, size_t near)
{
    (void)near;
    struct enhanced e;
    for (size_t i = 0; load_enhanced(title, &e) && i < c->enhanced_count; i++)
        if (enhanced_equal(&c->enhanced[i].enhanced.code, &e))
            return &l->enhanced[i];
    return NULL;
}

/* The kinds of entries: the row that a section of a text file fills, NULL for an entry that is not in the catalogue. near: where it most likely is. */
static const struct {
    const char *kind;
    struct catalog_text *(*row)(const struct catalog *c, const struct language *l, const char *title, size_t near);
} entry_kinds[] = {{"code", code_row}, {"enhanced", enhanced_row}, {"reason", reason_row}};
#define ENTRY_KINDS (sizeof entry_kinds / sizeof *entry_kinds)

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

static int take_texts(struct loader *l, struct language *language, cfg_t *tree, size_t kind)
{
    const char *name = entry_kinds[kind].kind;
    for (unsigned i = 0; i < cfg_size(tree, name); i++) {
        cfg_t *section = cfg_getnsec(tree, name, i);
        struct catalog_text *row = entry_kinds[kind].row(l->c, language, cfg_title(section), i);
        if (!row)
            buffer_printf(l->faults, "%s:%d: text for %s %s, which is not in the catalogue\n", section->filename,
                          conf_file_section_line(section, section->filename), name, cfg_title(section));
        else if (take_text(l->c, row, section) == -1)
            return -1;
    }
    return 0;
}

static int take_words(struct catalog *c, struct language *language, cfg_t *tree)
{
    cfg_t *section = cfg_getsec(tree, "words");
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (take_string(c, &language->words[i], section, word_keys[i]) == -1)
            return -1;
    return 0;
}

static int load_language(struct loader *l, const char *dir, const char *name)
{
    struct buffer path = {0};
    size_t before = l->faults->len;
    int result = 0;
    struct language *language = language_make(l->c, name);
    if (language)
        language->from[l->origin] = true;
    if (!language || buffer_printf(&path, "%s/text/%s.conf", dir, name) == -1) {
        result = -1;
    } else {
        cfg_t *tree = load_tree(l, path.data, text_options, prepare_texts);
        if (tree && l->faults->len == before) {
            result = take_words(l->c, language, tree);
            for (size_t kind = 0; kind < ENTRY_KINDS && result == 0; kind++)
                result = take_texts(l, language, tree, kind);
        }
    }
    buffer_free(&path);
    return result;
}

static int is_text_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > strlen(".conf") && len <= CATALOG_LANGUAGE_MAX + strlen(".conf") && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + len - 5, ".conf") == 0;
}

/* Whether the file of that name is English or the language, NULL for any. */
static bool is_asked_for(const char *file, const char *language)
{
    size_t len = strlen(file) - strlen(".conf");
    return !language || (len == strlen(language) && memcmp(file, language, len) == 0) ||
           strcmp(file, CATALOG_LANGUAGE ".conf") == 0;
}

int load_text_files(const char *dir, struct dirent ***entries)
{
    return scandir(dir, entries, is_text_file, alphasort);
}

int load_texts(struct loader *l, const char *dir, const struct catalog_source *from, enum origin origin)
{
    struct dirent **entries = NULL;
    l->origin = origin;
    unchecked = from->brief && origin == ORIGIN_OURS;
    struct buffer path = {0};
    int result = -1, count = 0;
    if (!language_make(l->c, CATALOG_LANGUAGE) || buffer_printf(&path, "%s/text", dir) == -1)
        goto done;
    if (origin == ORIGIN_SITE && load_is_missing(buffer_string(&path))) {
        result = 0;
        goto done;
    }
    count = load_text_files(path.data, &entries);
    if (count == -1) {
        if (errno == ENOMEM)
            goto done;
        buffer_printf(l->faults, "%s:0: cannot be read: %s\n", path.data, strerror(errno));
    }
    result = 0;
    for (int i = 0; i < count; i++) {
        bool asked = is_asked_for(entries[i]->d_name, from->language);
        entries[i]->d_name[strlen(entries[i]->d_name) - 5] = '\0';
        if (asked && result == 0)
            result = load_language(l, dir, entries[i]->d_name);
    }

done:
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    buffer_free(&path);
    return result;
}
