#include "load.h"

#include <string.h>

#include <mailwhy/conf_file.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

/* The file of the language's texts that is to have those of the entry's folder, NULL for none. */
static cfg_t *text_tree(const struct loader *l, const struct language *language, const char *entries_file)
{
    size_t dir = (size_t)(strrchr(entries_file, '/') - entries_file);
    for (size_t i = 0; i < l->tree_count; i++) {
        const char *file = l->trees[i]->filename, *rest = file + dir;
        size_t len = strlen(language->name);
        if (strncmp(file, entries_file, dir) == 0 && strncmp(rest, "/text/", 6) == 0 &&
            strncmp(rest + 6, language->name, len) == 0 && strcmp(rest + 6 + len, ".conf") == 0)
            return l->trees[i];
    }
    return NULL;
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
static void check_complete(struct loader *l, struct catalog_text *t, cfg_t *section)
{
    const char *const parts[] = {t->name, t->reason, t->when, t->fix};
    static const char *const part_names[] = {"name", "reason", "when", "fix"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i])
            buffer_printf(l->faults, "%s:%d: %s %s has no %s in the language %s\n", section->filename,
                          conf_file_section_line(section, section->filename), cfg_name(section), cfg_title(section),
                          part_names[i], CATALOG_LANGUAGE);
    note_ascii(t);
    if (!t->ascii)
        buffer_printf(l->faults, "%s:%d: %s %s: its text in the language %s is not plain ASCII\n", section->filename,
                      conf_file_section_line(section, section->filename), cfg_name(section), cfg_title(section),
                      CATALOG_LANGUAGE);
}

/* How often the placeholder stands in the text. */
static unsigned occurrences(const char *text, const char *placeholder, size_t len)
{
    unsigned count = 0;
    for (const char *s = text; (s = strchr(s, '%')); s++)
        count += strspn(s + 1, LETTERS) == len - 1 && strncmp(s, placeholder, len) == 0;
    return count;
}

/* Whether each placeholder of a stands in b as often. */
static bool has_placeholders_of(const char *b, const char *a)
{
    for (const char *s = a; (s = strchr(s, '%')); s++) {
        size_t len = 1 + strspn(s + 1, LETTERS);
        if (len > 1 && occurrences(a, s, len) != occurrences(b, s, len))
            return false;
    }
    return true;
}

static bool same_placeholders(const char *a, const char *b)
{
    return has_placeholders_of(b, a) && has_placeholders_of(a, b);
}

/* A text in a language that is to be as complete as the English one. */
struct counterpart {
    struct loader *loader;
    const struct language *language;
    cfg_t *section; /* of the entry */
    enum origin origin;
};

/* Fault what the language's text lacks. */
static void check_part(const struct counterpart *p, const char *key, const char *text, const char *english)
{
    const char *fault = !text && english                                       ? "is missing"
                        : text && english && !same_placeholders(text, english) ? "has other placeholders than the English one"
                                                                               : NULL;
    if (!fault)
        return;
    cfg_t *tree = text_tree(p->loader, p->language, p->section->filename);
    cfg_t *section = tree ? cfg_gettsec(tree, cfg_name(p->section), cfg_title(p->section)) : NULL;
    buffer_printf(p->loader->faults, "%s:%d: %s %s: its %s %s\n", tree ? tree->filename : p->section->filename,
                  section ? conf_file_section_line(section, tree->filename) : 0, cfg_name(p->section), cfg_title(p->section), key,
                  fault);
}

static const struct catalog_variant *variant_find(const struct catalog_text *t, unsigned conditions)
{
    for (size_t i = 0; i < t->variant_count; i++)
        if (t->variants[i].conditions == conditions)
            return &t->variants[i];
    return NULL;
}

static void check_counterpart(const struct counterpart *p, const struct catalog_text *t, const struct catalog_text *english)
{
    static const struct catalog_variant none = {0};
    check_part(p, "name", t->name, english->name);
    check_part(p, "reason", t->reason, english->reason);
    check_part(p, "when", t->when, english->when);
    check_part(p, "fix", t->fix, english->fix);
    for (size_t i = 0; i < english->variant_count; i++) {
        const struct catalog_variant *v = variant_find(t, english->variants[i].conditions);
        v = v ? v : &none;
        check_part(p, "variant's reason", v->reason, english->variants[i].reason);
        check_part(p, "variant's fix", v->fix, english->variants[i].fix);
    }
}

/* Let the keys that a text lacks be those of the English one. */
static void complete(const struct counterpart *p, struct catalog_text *t, const struct catalog_text *english)
{
    bool empty = !t->name && !t->reason && !t->when && !t->fix && !t->variant_count;
    if (p->loader->strict && p->language->from[p->origin])
        check_counterpart(p, t, english);
    if (empty)
        return;
    t->name = t->name ? t->name : english->name;
    t->reason = t->reason ? t->reason : english->reason;
    t->when = t->when ? t->when : english->when;
    t->fix = t->fix ? t->fix : english->fix;
    note_ascii(t);
}

static void check_words(struct loader *l, const struct language *english)
{
    const cfg_t *tree = text_tree(l, english, l->trees[0]->filename);
    const char *file = tree ? tree->filename : l->trees[0]->filename;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (!english->words[i])
            buffer_printf(l->faults, "%s:0: words: %s is missing in the language %s\n", file, load_word_key((enum word)i),
                          CATALOG_LANGUAGE);
        else if (!is_ascii(english->words[i]))
            buffer_printf(l->faults, "%s:0: words: %s in the language %s is not plain ASCII\n", file, load_word_key((enum word)i),
                          CATALOG_LANGUAGE);
    }
}

/* Fault what the English texts lack. */
static void check_english(struct loader *l)
{
    const struct catalog *c = l->c;
    const struct language *english = &c->languages[0];
    check_words(l, english);
    for (size_t i = 0; i < c->reason_count; i++)
        check_complete(l, &english->reasons[i], c->reasons[i].section);
    for (size_t i = 0; i < c->code_count; i++)
        check_complete(l, &english->codes[i], c->codes[i].section);
    for (size_t i = 0; i < c->enhanced_count; i++)
        check_complete(l, &english->enhanced[i], c->enhanced[i].section);
}

/* Let the words that a language lacks be the English ones. */
static void complete_words(struct loader *l, struct language *language, const struct language *english)
{
    bool asked = l->strict && language->from[ORIGIN_OURS];
    cfg_t *tree = asked ? text_tree(l, language, l->trees[0]->filename) : NULL;
    cfg_t *section = tree ? cfg_getsec(tree, "words") : NULL;
    language->ascii_words = true;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        const char *own = language->words[i];
        const char *fault = !own                                         ? "is missing"
                            : !same_placeholders(own, english->words[i]) ? "has other placeholders than the English one"
                                                                         : NULL;
        if (section && fault)
            buffer_printf(l->faults, "%s:%d: words: %s %s\n", tree->filename, conf_file_section_line(section, tree->filename),
                          load_word_key((enum word)i), fault);
        language->words[i] = own ? own : english->words[i];
        language->ascii_words = language->ascii_words && (i > WORD_REPLY_LAST || is_ascii(language->words[i]));
    }
}

void load_complete_texts(struct loader *l)
{
    const struct catalog *c = l->c;
    const struct language *english = &c->languages[0];
    size_t before = l->faults->len;
    check_english(l);
    if (l->faults->len > before)
        return;
    c->languages[0].ascii_words = true;
    for (size_t n = 1; n < c->language_count; n++) {
        struct language *language = &c->languages[n];
        struct counterpart p = {.loader = l, .language = language};
        for (size_t i = 0; i < c->reason_count; i++) {
            p.section = c->reasons[i].section;
            p.origin = c->reasons[i].origin;
            complete(&p, &language->reasons[i], &english->reasons[i]);
        }
        for (size_t i = 0; i < c->code_count; i++) {
            p.section = c->codes[i].section;
            p.origin = c->codes[i].origin;
            complete(&p, &language->codes[i], &english->codes[i]);
        }
        for (size_t i = 0; i < c->enhanced_count; i++) {
            p.section = c->enhanced[i].section;
            p.origin = c->enhanced[i].origin;
            complete(&p, &language->enhanced[i], &english->enhanced[i]);
        }
        complete_words(l, language, english);
    }
}
