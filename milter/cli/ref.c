#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailwhy/catalog.h>
#include <mailwhy/event_find.h>

#include "page.h"
#include "print.h"
#include "ref_view.h"

static const char help[] =
    "usage: mailwhy ref [--log FILE] [--json] [--lang LANG] [--catalog DIR] [--config FILE]\n"
    "                   [--color=auto|always|never] REF...\n\n"
    "Look up the event of each reference, as it stands in a reply: \"Ref: 6Q2F8-KXD3M\". Case, dash and blanks\n"
    "do not matter; O is read as 0, I and L as 1.\n\n"
    "  --log FILE      the event log; otherwise that of the configuration\n"
    "  --json          the event's line as it stands in the log\n" CLI_HELP_OPTIONS
    "Exit status: 0 all found, 1 one was not found, 64 not a reference, 66 no event log, 78 bad configuration or\n"
    "no catalogue.\n";

static int complain_log(const char *path)
{
    static const char missing[] =
        "mailwhyd makes it when it starts. If it is elsewhere (event_log in mailwhy.conf), name it with --log FILE.";
    static const char forbidden[] = "Run this as root, or as a member of the file's group.";
    int error = errno;
    fputs("mailwhy ref: the event log ", stderr);
    print_string(stderr, path);
    fprintf(stderr, " can't be read: %s.\n", strerror(error));
    if (error == ENOENT || error == ENOTDIR)
        fprintf(stderr, "%s\n", missing);
    if (error == EACCES)
        fprintf(stderr, "%s\n", forbidden);
    return EX_NOINPUT;
}

static int complain_missing(const char *path, const char *ref)
{
    fprintf(stderr, "mailwhy ref: %s is not in ", ref);
    print_string(stderr, path);
    fputs(". If the mail is older than that log, name the older one with --log FILE.\n", stderr);
    return CLI_NOTHING_FOUND;
}

static int out_of_memory(void)
{
    fputs("mailwhy ref: out of memory\n", stderr);
    return EX_OSERR;
}

static void show_json(const struct event_found *found)
{
    if (isatty(STDOUT_FILENO)) {
        print_json(stdout, found->line, found->len);
        return;
    }
    fwrite(found->line, 1, found->len, stdout);
    fputc('\n', stdout);
}

static int show(const struct cli_options *o, const struct event_found *found, const struct cli_catalog *catalog)
{
    struct buffer store = {0};
    struct event e;
    struct page page = page_on_stdout(o->color);
    int got = event_from_json(&e, &store, found->line, found->len);
    if (got == 1)
        got = ref_view(&page, &e, catalog->catalog, catalog->language);
    buffer_free(&store);
    return got == -1 ? out_of_memory() : EX_OK;
}

/* Look one reference up and show it. */
static int look_up(const struct cli_options *o, const char *typed, const struct cli_catalog *catalog, bool first)
{
    const char *path = cli_event_log_path(o);
    char ref[REF_SIZE];
    struct event_found found;
    int status = EX_OK;
    ref_parse(typed, ref);
    int got = event_find(path, ref, &found);
    if (got == -1)
        return errno == ENOMEM ? out_of_memory() : complain_log(path);
    if (got == 0) {
        fflush(stdout);
        return complain_missing(path, ref);
    }
    if (o->json) {
        show_json(&found);
    } else {
        if (!first)
            fputc('\n', stdout);
        status = show(o, &found, catalog);
    }
    free(found.line);
    return status;
}

/* Whether all are references; the first that is none is said. */
static bool are_refs(int count, char *const *typed)
{
    char ref[REF_SIZE];
    for (int i = 0; i < count; i++) {
        if (ref_parse(typed[i], ref) == 0)
            continue;
        fputs("mailwhy ref: not a reference: ", stderr);
        print_string(stderr, typed[i]);
        fputs("\nA reference has ten letters and digits, such as 6Q2F8-KXD3M; U is never among them.\n", stderr);
        return false;
    }
    return true;
}

static int run(const struct cli_options *o, int count, char *const *typed)
{
    if (count == 0) {
        fputs("mailwhy ref: which reference? It stands in the reply, after \"Ref:\", such as 6Q2F8-KXD3M.\n", stderr);
        return EX_USAGE;
    }
    if (!are_refs(count, typed))
        return EX_USAGE;
    const char *path = cli_event_log_path(o);
    if (access(path, R_OK) == -1)
        return complain_log(path);
    struct cli_catalog catalog = {0};
    int status = o->json || cli_catalog_load(&catalog, o, "ref") == 0 ? EX_OK : EX_CONFIG; /* the event is shown all the same */
    bool first = true;
    for (int i = 0; i < count; i++) {
        int one = look_up(o, typed[i], &catalog, first);
        first = first && one != EX_OK;
        if (one > CLI_NOTHING_FOUND) {
            status = one;
            break;
        }
        if (one == CLI_NOTHING_FOUND)
            status = one;
    }
    catalog_release(catalog.catalog);
    return status;
}

const struct cli_verb cli_ref = {
    .name = "ref",
    .summary = "look up the reference that stands in a reply",
    .help = help,
    .takes = CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG) |
             CLI_TAKES(CLI_LOG),
    .run = run,
};
