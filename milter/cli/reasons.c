#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/json.h>

#include "list.h"

static const char help[] =
    "usage: mailwhy reasons [--json] [--lang LANG] [--catalog DIR] [--config FILE] [--color=auto|always|never] [WORD...]\n\n"
    "List the reasons that are known: their ids, who must act first, and their names.\n\n"
    "  WORD            only those with one of the words in their id or name, or with that code: spf, 550, 5.7.1\n"
    "  --json          one JSON object an entry, with all that is known of it\n" CLI_HELP_OPTIONS
    "Exit status: 0 listed, 1 there is none, 64 usage, 78 bad configuration or no catalogue.\n";

static bool has_code(const struct catalog *c, const struct catalog_reason *r, const char *word)
{
    char text[ENHANCED_SIZE];
    int code;
    const struct enhanced *e;
    for (size_t i = 0; (code = catalog_reason_code_at(c, r, i)); i++) {
        snprintf(text, sizeof text, "%d", code);
        if (strcmp(text, word) == 0)
            return true;
    }
    for (size_t i = 0; (e = catalog_reason_enhanced_at(c, r, i)); i++)
        if (strcmp(enhanced_format(e, text), word) == 0)
            return true;
    return false;
}

static bool is_asked_for(const struct catalog *c, const struct catalog_reason *r, const char *name, int count, char *const *words)
{
    for (int i = 0; i < count; i++)
        if (strcasestr(r->id, words[i]) || strcasestr(name, words[i]) || has_code(c, r, words[i]))
            return true;
    return count == 0;
}

/* Begin the reason's JSON object with what can match it. */
static void add_matching(struct buffer *out, const struct catalog *c, const struct catalog_reason *r)
{
    char text[ENHANCED_SIZE];
    int code;
    const struct enhanced *e;
    const char *pattern;
    buffer_printf(out, "{\"reason\":\"%s\",\"codes\":[", r->id);
    for (size_t i = 0; (code = catalog_reason_code_at(c, r, i)); i++)
        buffer_printf(out, "%s%d", i ? "," : "", code);
    buffer_add_string(out, "],\"enhanced\":[");
    for (size_t i = 0; (e = catalog_reason_enhanced_at(c, r, i)); i++)
        buffer_printf(out, "%s\"%s\"", i ? "," : "", enhanced_format(e, text));
    buffer_add_string(out, "],\"patterns\":[");
    for (size_t i = 0; (pattern = catalog_reason_pattern_at(c, r, i)); i++) {
        buffer_add_string(out, i ? "," : "");
        json_add_string(out, pattern, strlen(pattern));
    }
    buffer_printf(out, "],\"wrong_port\":%s", r->wrong_port ? "true" : "false");
    if (r->shown != r)
        buffer_printf(out, ",\"shown_as\":\"%s\"", r->shown->id);
}

static void list_all(struct list *l, int count, char *const *words)
{
    const struct catalog *c = l->catalog->catalog;
    struct buffer object = {0};
    const struct catalog_reason *r;
    for (size_t i = 0; (r = catalog_reason_at(c, i)); i++) {
        const struct catalog_text *text = catalog_reason_text(c, r, l->catalog->language);
        if (!is_asked_for(c, r, text->name, count, words))
            continue;
        if (l->options->json) {
            add_matching(&object, c, r);
            list_print_json(l, &object, text, r->who, r->stage);
            continue;
        }
        list_cell(l, r->id);
        list_cell(l, catalog_who_name(r->who));
        list_cell(l, stage_name(r->stage));
        list_cell(l, text->name);
    }
    buffer_free(&object);
}

static int run(const struct cli_options *o, int count, char *const *words)
{
    static const enum word heads[] = {WORD_ID, WORD_WHO, WORD_STAGE, WORD_NAME};
    struct cli_catalog catalog;
    struct list list;
    if (cli_catalog_load(&catalog, o, "reasons") == -1)
        return EX_CONFIG;
    list_begin(&list, o, &catalog, heads, sizeof heads / sizeof *heads);
    list_all(&list, count, words);
    int status = list_end(&list, "reasons");
    catalog_release(catalog.catalog);
    return status;
}

const struct cli_verb cli_reasons = {
    .name = "reasons",
    .summary = "list the reasons",
    .help = help,
    .takes = CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
