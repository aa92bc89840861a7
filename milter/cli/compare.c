#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/expand.h>
#include <mailwhy/json.h>

#include "answer.h"
#include "cli.h"
#include "print.h"

static const char help[] =
    "usage: mailwhy compare [--json] [--lang LANG] [--catalog DIR] [--config FILE] [--color=auto|always|never] CODE CODE\n\n"
    "Say how two codes differ: their classes, what they mean, when they come, and what to do for which.\n\n"
    "  CODE            a reply code (334), an enhanced code (5.7.8), or a reason's id\n"
    "  --json          a JSON array of two objects, as explain has them\n" CLI_HELP_OPTIONS
    "Exit status: 0 compared, 1 one of the two is not in the catalogue, 64 usage, 78 bad configuration or no catalogue.\n";

/* One of the two. */
struct side {
    const char *title; /* as it was typed */
    struct asked_reply asked;
    struct answer answer;
    int class; /* 2 to 5; 0: a reason has none */
};

static const char *word(const struct side *s, enum word which)
{
    return catalog_word(s->answer.words.catalog, which, s->answer.words.language);
}

static const char *class_of(const struct side *s)
{
    return word(s, (enum word)(WORD_CLASS_2 + s->class - 2));
}

/* EX_OK, or what to exit with: the fault has been said. */
static int side_make(struct side *s, const struct cli_catalog *catalog, char *typed)
{
    const struct catalog_reason *reason = catalog_reason_by_id(catalog->catalog, typed);
    *s = (struct side){.title = typed, .asked = {.text = typed, .len = strlen(typed), .count = 1}};
    if (answer_make(&s->answer, catalog, reason ? NULL : &s->asked, reason) == -1) {
        fputs("mailwhy compare: out of memory\n", stderr);
        return EX_OSERR;
    }
    s->class = s->answer.reply.code ? s->answer.reply.code / 100 : s->answer.reply.enhanced.class;
    if (s->answer.text && (reason || s->answer.reply.text_len == 0))
        return EX_OK;
    fputs("mailwhy compare: not a code that the catalogue has: ", stderr);
    print_string(stderr, typed);
    fputs("\n'mailwhy codes' lists them.\n", stderr);
    return CLI_NOTHING_FOUND;
}

static void item(const struct page *p, unsigned n, const char *words)
{
    char mark[16];
    snprintf(mark, sizeof mark, "%u.", n);
    page_item(p, mark, words);
}

/* Print a sentence about one side, as item n. */
static void say(const struct page *p, const struct side *s, unsigned n, enum word sentence, const char *text,
                struct buffer *scratch)
{
    const struct expand_value values[] = {expand_ours("a", s->title), expand_ours("x", text),
                                          expand_ours("y", s->answer.text->name)};
    buffer_clear(scratch);
    expand(scratch, word(s, sentence), values, sizeof values / sizeof *values);
    item(p, n, buffer_string(scratch));
}

static void say_classes(const struct page *p, const struct side side[2], unsigned n, struct buffer *scratch)
{
    const struct expand_value values[] = {expand_ours("a", side[0].title), expand_ours("b", side[1].title),
                                          expand_ours("x", class_of(&side[0])), expand_ours("y", class_of(&side[1]))};
    buffer_clear(scratch);
    expand(scratch, word(side, side[0].class == side[1].class ? WORD_SAME_CLASS : WORD_DIFFERENT_CLASSES), values,
           sizeof values / sizeof *values);
    item(p, n, buffer_string(scratch));
}

static void print_sides(const struct cli_options *o, const struct side side[2])
{
    const struct page page = page_on_stdout(o->color), *p = &page;
    struct buffer scratch = {0};
    unsigned n = 0;
    for (int i = 0; i < 2; i++) {
        buffer_clear(&scratch);
        buffer_printf(&scratch, "%s %s", side[i].title, side[i].answer.text->name);
        page_heading(p, page_look_of(side[i].class * 100), buffer_string(&scratch));
    }
    page_title(p, word(side, WORD_DIFFERENCES));
    if (side[0].class && side[1].class)
        say_classes(p, side, ++n, &scratch);
    for (int i = 0; i < 2; i++)
        say(p, &side[i], ++n, WORD_MEANING_OF, buffer_string(&side[i].answer.reason), &scratch);
    for (int i = 0; i < 2; i++)
        say(p, &side[i], ++n, WORD_MOMENT_OF, side[i].answer.text->when, &scratch);
    page_title(p, word(side, WORD_WHICH_WHEN));
    for (int i = 0; i < 2; i++)
        say(p, &side[i], (unsigned)i + 1, WORD_FIX_OF, buffer_string(&side[i].answer.fix), &scratch);
    buffer_free(&scratch);
}

static int print_json_sides(const struct side side[2])
{
    struct buffer out = {0};
    buffer_add_char(&out, '[');
    for (int i = 0; i < 2; i++) {
        if (i)
            buffer_add_char(&out, ',');
        answer_add_json(&side[i].answer, &out);
    }
    buffer_add_char(&out, ']');
    bool ok = buffer_ok(&out);
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? EX_OK : EX_OSERR;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    struct cli_catalog catalog;
    struct side side[2] = {{0}, {0}};
    if (count != 2) {
        fputs("mailwhy compare: which two codes? For example: mailwhy compare 334 535\n", stderr);
        return EX_USAGE;
    }
    if (cli_catalog_load(&catalog, o, "compare") == -1)
        return EX_CONFIG;
    int status = EX_OK;
    for (int i = 0; i < 2 && status == EX_OK; i++)
        status = side_make(&side[i], &catalog, operands[i]);
    if (status == EX_OK && o->json)
        status = print_json_sides(side);
    else if (status == EX_OK)
        print_sides(o, side);
    for (int i = 0; i < 2; i++)
        answer_free(&side[i].answer);
    catalog_release(catalog.catalog);
    return status;
}

const struct cli_verb cli_compare = {
    .name = "compare",
    .summary = "say how two codes differ",
    .help = help,
    .takes = CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
