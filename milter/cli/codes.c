#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <mailwhy/json.h>

#include "list.h"

static const char help[] =
    "usage: mailwhy codes [--json] [--lang LANG] [--catalog DIR] [--config FILE] [--color=auto|always|never] [BEGINNING...]\n\n"
    "List the reply codes and the enhanced status codes that are known. X.7.8 stands for 2.7.8, 4.7.8 and 5.7.8.\n\n"
    "  BEGINNING       only those that begin so: 53, 5.7, 4.\n"
    "  --json          one JSON object an entry, with all that is known of it\n" CLI_HELP_OPTIONS
    "Exit status: 0 listed, 1 nothing begins so, 64 usage, 78 bad configuration or no catalogue.\n";

/* Whether a code's name begins as one of the operands says; X.7.8 begins as 4.7 and 5.7, too. */
static bool is_asked_for(const char *name, int count, char *const *beginnings)
{
    for (int i = 0; i < count; i++) {
        const char *b = beginnings[i];
        bool of_class = *name == 'X' && (*b == '4' || *b == '5') && b[1] == '.';
        if (strcasestr(name, b) == name || (of_class && strstr(name, b + 1) == name + 1))
            return true;
    }
    return count == 0;
}

static void add_row(struct list *l, const char *name, const char *class, const struct catalog_text *text, enum stage stage)
{
    list_cell(l, name);
    list_cell(l, class);
    list_cell(l, stage_name(stage));
    list_cell(l, text->name);
}

static void list_codes(struct list *l, int count, char *const *beginnings)
{
    const struct catalog *c = l->catalog->catalog;
    struct buffer object = {0};
    const struct catalog_code *code;
    for (size_t i = 0; (code = catalog_code_at(c, i)); i++) {
        char name[12];
        snprintf(name, sizeof name, "%d", code->code);
        const struct catalog_text *text = catalog_code_text(c, code->code, l->catalog->language);
        const char *class = catalog_word(c, (enum word)(WORD_CLASS_2 + code->code / 100 - 2), l->catalog->language);
        if (!is_asked_for(name, count, beginnings))
            continue;
        if (!l->options->json) {
            add_row(l, name, class, text, code->stage);
            continue;
        }
        buffer_printf(&object, "{\"code\":%d,\"class\":\"%s\"", code->code, reply_class_name(code->code));
        list_print_json(l, &object, text, code->who, code->stage);
    }
    buffer_free(&object);
}

static void list_enhanced(struct list *l, int count, char *const *beginnings)
{
    const struct catalog *c = l->catalog->catalog;
    struct buffer object = {0};
    const struct catalog_enhanced *e;
    for (size_t i = 0; (e = catalog_enhanced_at(c, i)); i++) {
        char name[ENHANCED_SIZE];
        catalog_enhanced_name(e, name);
        const struct catalog_text *text = catalog_enhanced_text(c, e, l->catalog->language);
        if (!is_asked_for(name, count, beginnings))
            continue;
        if (!l->options->json) {
            const char *class =
                e->code.class ? catalog_word(c, (enum word)(WORD_CLASS_2 + e->code.class - 2), l->catalog->language) : "";
            add_row(l, name, class, text, e->stage);
            continue;
        }
        buffer_printf(&object, "{\"enhanced\":\"%s\"", name);
        list_print_json(l, &object, text, e->who, e->stage);
    }
    buffer_free(&object);
}

static int run(const struct cli_options *o, int count, char *const *beginnings)
{
    static const enum word heads[] = {WORD_CODE, WORD_CLASS, WORD_STAGE, WORD_NAME};
    struct cli_catalog catalog;
    struct list list;
    if (cli_catalog_load(&catalog, o, "codes") == -1)
        return EX_CONFIG;
    list_begin(&list, o, &catalog, heads, sizeof heads / sizeof *heads);
    list_codes(&list, count, beginnings);
    list_enhanced(&list, count, beginnings);
    int status = list_end(&list, "codes");
    catalog_release(catalog.catalog);
    return status;
}

const struct cli_verb cli_codes = {
    .name = "codes",
    .summary = "list the reply codes and the enhanced status codes",
    .help = help,
    .takes = CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
