#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/catalog.h>
#include <mailwhy/json.h>

#include "cli.h"
#include "print.h"

static const char help[] =
    "usage: mailwhy check [--json] [--catalog DIR] [--config FILE]\n\n"
    "Check the catalogue, the site's own included: what mailwhyd -t checks, and besides whether each language has each text\n"
    "with its placeholders, and whether two reasons match the same words equally well, or one never wins. Each fault is a line:\n"
    "FILE:LINE: what and why. Where there is none: how much there is, and the version, by which hosts are compared.\n\n"
    "  --json          one JSON object: the faults, and how much there is\n"
    "  --catalog DIR   the catalogue of reasons\n"
    "  --config FILE   the configuration (default " CONFIG_FILE ")\n\n"
    "Exit status: 0 no faults, 64 usage, 78 faults, or bad configuration.\n";

/* How many of each there are. */
struct counts {
    size_t codes, enhanced, reasons, patterns, languages;
};

static struct counts count_all(const struct catalog *c)
{
    struct counts n = {0};
    while (catalog_code_at(c, n.codes))
        n.codes++;
    while (catalog_enhanced_at(c, n.enhanced))
        n.enhanced++;
    while (catalog_language_at(c, n.languages))
        n.languages++;
    for (const struct catalog_reason *r; (r = catalog_reason_at(c, n.reasons)); n.reasons++)
        for (size_t i = 0; catalog_reason_pattern_at(c, r, i); i++)
            n.patterns++;
    return n;
}

static void print_counts(const struct catalog *c)
{
    const struct counts n = count_all(c);
    printf("%zu reply codes, %zu enhanced codes, %zu reasons with %zu patterns, %zu languages: no faults\n", n.codes, n.enhanced,
           n.reasons, n.patterns, n.languages);
    printf("version %s\n", catalog_version(c));
}

static int print_json_result(const struct catalog *c, const char *faults)
{
    struct buffer out = {0};
    buffer_add_string(&out, "{\"faults\":[");
    for (size_t len; *faults; faults += len + (faults[len] == '\n')) {
        len = strcspn(faults, "\n");
        buffer_add_string(&out, out.data[out.len - 1] == '[' ? "" : ",");
        json_add_string(&out, faults, len);
    }
    buffer_add_char(&out, ']');
    if (c) {
        const struct counts n = count_all(c);
        buffer_printf(&out,
                      ",\"codes\":%zu,\"enhanced\":%zu,\"reasons\":%zu,\"patterns\":%zu,\"languages\":%zu,\"version\":\"%s\"",
                      n.codes, n.enhanced, n.reasons, n.patterns, n.languages, catalog_version(c));
    }
    bool ok = buffer_add_char(&out, '}') == 0;
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? 0 : -1;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    struct buffer faults = {0};
    const char *local;
    if (count) {
        fputs("mailwhy check: it takes no operand: ", stderr);
        print_string(stderr, operands[0]);
        fputs("\nThe catalogue is named with --catalog DIR.\n", stderr);
        return EX_USAGE;
    }
    char *dir = cli_catalog_dir(o, &local);
    struct catalog *c =
        dir ? catalog_load(&(struct catalog_source){.dir = dir, .local_dir = local, .strict = true}, &faults) : NULL;
    int status = c ? EX_OK : EX_CONFIG;
    if (!c && !faults.len) {
        fputs("mailwhy check: out of memory\n", stderr);
        status = EX_OSERR;
    } else if (o->json) {
        status = print_json_result(c, buffer_string(&faults)) == -1 ? EX_OSERR : status;
    } else if (c) {
        print_counts(c);
    } else {
        print_lines(stdout, buffer_string(&faults));
    }
    catalog_release(c);
    buffer_free(&faults);
    free(dir);
    return status;
}

const struct cli_verb cli_check = {
    .name = "check",
    .summary = "check the catalogue of reasons",
    .help = help,
    .takes = CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
