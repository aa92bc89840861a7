#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/catalog.h>
#include <mailwhy/event_session.h>

#include "event_lookup.h"
#include "page.h"
#include "print.h"
#include "ref_list.h"
#include "ref_view.h"

static const char help[] =
    "usage: mailwhy ref [--log FILE] [--since TIME] [--until TIME] [--client ADDRESS[/BITS]] [--user NAME] [--sender ADDRESS]\n"
    "                   [--recipient ADDRESS] [--code CODE] [--reason ID] [--json] [--lang LANG] [--catalog DIR]\n"
    "                   [--config FILE] [--color=auto|always|never] [REF...]\n\n"
    "Look up the event of each reference, as it stands in a reply: \"Ref: 6Q2F8-KXD3M\", and the other events of its\n"
    "session. Case, dash and blanks do not matter; O is read as 0, I and L as 1.\n"
    "Without a reference the events are listed that the options ask for, such as those of a user.\n\n"
    "  --log FILE      the event log; otherwise that of the configuration. What was rotated from it (FILE.1, FILE-20261120,\n"
    "                  FILE.2.gz, FILE.3.zst) is looked at, too\n"
    "  --since TIME    only from then on: \"2026-11-20\", \"2026-11-20 14:00\", \"yesterday\", \"2h\" (ago), \"3d\"\n"
    "  --until TIME    only before that\n"
    "  --client, --user, --sender, --recipient, --code, --reason\n"
    "                  only those; * and ? stand for anything. A whole name is found as its mask, too, and as its token where\n"
    "                  the key can be read\n"
    "  --json          the event's line as it stands in the log; of a reference with the session's events as \"session\",\n"
    "                  where it has others\n" CLI_HELP_OPTIONS
    "Exit status: 0 all found, 1 one was not found, 64 not a reference, 66 no event log, 78 bad configuration or\n"
    "no catalogue.\n";

int ref_complain_log(const char *path)
{
    static const char missing[] =
        "mailwhyd makes it when it starts. If it is elsewhere (event_log in mailwhy.conf), name it with --log FILE.";
    static const char forbidden[] = "Run this as root, or as a member of the file's group.";
    int error = errno;
    fputs("mailwhy ref: the event log ", stderr);
    print_string(stderr, path);
    fprintf(stderr, " can't be read: %s.\n", print_fault(error));
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
    fputs(", nor in what was rotated from it. If there is another log, name it with --log FILE.\n", stderr);
    return CLI_NOTHING_FOUND;
}

static int out_of_memory(void)
{
    fputs("mailwhy ref: out of memory\n", stderr);
    return EX_OSERR;
}

/* Print the event's line, and where its session has other events these as its "session". 0, or -1: out of memory. */
static int show_json(const struct event_found *found, const struct event_session *session)
{
    struct buffer line = {0};
    size_t len = found->len;
    while (len && found->line[len - 1] != '}')
        len--;
    if (session->count > 1 && len) {
        buffer_add(&line, found->line, len - 1);
        buffer_add_string(&line, ",\"session\":[");
        for (size_t i = 0; i < session->count; i++) {
            buffer_add_string(&line, i ? "," : "");
            buffer_add(&line, session->lines[i], session->lens[i]);
        }
        buffer_add_string(&line, "]}");
    } else {
        buffer_add(&line, found->line, found->len);
    }
    bool ok = buffer_ok(&line);
    if (ok && isatty(STDOUT_FILENO)) {
        print_json(stdout, line.data, line.len);
    } else if (ok) {
        fwrite(line.data, 1, line.len, stdout);
        fputc('\n', stdout);
    }
    buffer_free(&line);
    return ok ? 0 : -1;
}

/* Show the event that was found in the log at path, and the session around it. */
static int show(const struct cli_options *o, const char *path, const struct event_found *found, const struct cli_catalog *catalog)
{
    struct buffer store = {0};
    struct event e;
    struct event_session session = {0};
    struct page page = page_on_stdout(o->color);
    int got = event_from_json(&e, &store, found->line, found->len);
    if (got == 1 && event_session_find(&session, path, &e) == -1 && errno == ENOMEM)
        got = -1;
    if (got == 1 && o->json)
        got = show_json(found, &session);
    else if (got == 1)
        got = ref_view(&page, &e, &session, catalog->catalog, catalog->language);
    event_session_free(&session);
    buffer_free(&store);
    return got == -1 ? out_of_memory() : EX_OK;
}

/* Look one reference up and show it. */
static int look_up(const struct cli_options *o, const char *typed, const struct cli_catalog *catalog, bool first)
{
    const char *path = cli_event_log_path(o);
    char ref[REF_SIZE];
    struct event_found found;
    struct log_files files;
    size_t which;
    int status = EX_OK;
    ref_parse(typed, ref);
    if (log_files_find(&files, path, ref_time(ref, time(NULL)) - 1) == -1)
        return out_of_memory();
    int got = event_lookup(&files, ref, &found, &which);
    if (got == -1) {
        status = errno == ENOMEM ? out_of_memory() : ref_complain_log(path);
    } else if (got == 0) {
        fflush(stdout);
        status = complain_missing(path, ref);
    } else {
        if (!first && !o->json)
            fputc('\n', stdout);
        status = show(o, files.paths[which], &found, catalog);
        free(found.line);
    }
    log_files_free(&files);
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
    if (count == 0 && ref_list_asked(o))
        return ref_list(o);
    if (count == 0) {
        fputs("mailwhy ref: which reference? It stands in the reply, after \"Ref:\", such as 6Q2F8-KXD3M.\n", stderr);
        return EX_USAGE;
    }
    if (!are_refs(count, typed))
        return EX_USAGE;
    if (ref_list_asked(o)) {
        fputs("mailwhy ref: a reference names one event: it takes no --since, --user or the like beside it.\n", stderr);
        return EX_USAGE;
    }
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
    .takes = CLI_TAKES_FILTER | CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) |
             CLI_TAKES(CLI_CONFIG) | CLI_TAKES(CLI_LOG),
    .run = run,
};
