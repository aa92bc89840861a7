#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/log_files.h>
#include <mailwhy/log_source.h>
#include <mailwhy/maillog.h>

#include "cli.h"
#include "filter.h"
#include "page.h"
#include "print.h"
#include "review_view.h"
#include "tally.h"

#define TOP 15

static const char help[] =
    "usage: mailwhy review [--since TIME] [--until TIME] [--client ADDRESS[/BITS]] [--user NAME] [--sender ADDRESS]\n"
    "                      [--recipient ADDRESS] [--code CODE] [--reason ID] [--by WHAT] [--top N] [--json] [--lang LANG]\n"
    "                      [--catalog DIR] [--config FILE] [--color=auto|always|never] [FILE...]\n\n"
    "Say what was refused, why, for whom, and who can do something about it: from the event log, or from a mail log of Postfix\n"
    "or Sendmail, on any machine. Files are told apart by themselves, also compressed (gzip, zstd); - is standard input. "
    "Without\n"
    "a file the event log of the configuration is read, with what was rotated from it since --since.\n\n"
    "  --since TIME    only from then on: \"2026-11-20\", \"2026-11-20 14:00\", \"yesterday\", \"2h\" (ago), \"3d\"\n"
    "  --until TIME    only before that\n"
    "  --client, --user, --sender, --recipient, --code, --reason\n"
    "                  only those; * and ? stand for anything: --sender '*@example.com', --code '5.7.*'\n"
    "  --by WHAT       one table: by reason, code, client, network, user, sender, recipient, hour, day or mta\n"
    "  --top N         at most so many rows a table (default 15)\n"
    "  --json          one JSON object\n" CLI_HELP_OPTIONS
    "Exit status: 0 reviewed, 1 no refusals in that span, 64 usage, 66 a file cannot be read (the others were), 78 bad\n"
    "configuration or no catalogue.\n";

struct review {
    struct filter filter;
    struct tally tally;
    struct maillog maillog;
    struct review_lost lost;
    struct buffer strings; /* of an event of ours */
    bool progress; /* is shown */
    time_t shown; /* when it was last */
};

/* The kind of an event of our own log. */
static enum maillog_kind kind_of(const struct event *e)
{
    if (e->code >= 400)
        return MAILLOG_REFUSED;
    return e->code == 250 ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

static void take_line(struct review *r, const char *line, size_t len)
{
    struct event e;
    int kind;
    if (len && *line == '{' && len > 6 && memcmp(line, "{\"ts\":", 6) == 0)
        kind = event_from_json(&e, &r->strings, line, len) == 1 ? (int)kind_of(&e) : MAILLOG_NOTHING;
    else
        kind = maillog_read(&r->maillog, line, len, &e);
    if (kind <= MAILLOG_NOTHING)
        return;
    bool filtered =
        r->filter.family || r->filter.user || r->filter.sender || r->filter.recipient || r->filter.code || r->filter.reason;
    if (!filtered || filter_takes(&r->filter, &e, tally_reason(&r->tally, &e)))
        tally_add(&r->tally, &e, (enum maillog_kind)kind);
}

static void take_block(struct review *r, const char *block, size_t len)
{
    for (const char *end; len && (end = memchr(block, '\n', len));) {
        size_t line = (size_t)(end - block);
        take_line(r, block, line && block[line - 1] == '\r' ? line - 1 : line);
        block += line + 1;
        len -= line + 1;
    }
    if (len)
        take_line(r, block, block[len - 1] == '\r' ? len - 1 : len);
}

static void show_progress(struct review *r, const struct log_source *s, const char *path)
{
    off_t done, size;
    time_t now = time(NULL);
    if (!r->progress || now == r->shown)
        return;
    r->shown = now;
    log_source_progress(s, &done, &size);
    fputs("\r\033[K", stderr);
    print_string(stderr, path);
    if (size)
        fprintf(stderr, ": %d %%", (int)(100 * (done / 1024) / (size / 1024 + 1)));
    else
        fprintf(stderr, ": %lld MiB", (long long)(done >> 20));
    fflush(stderr);
}

static int complain(struct review *r, const char *path)
{
    int error = errno;
    r->lost.files++;
    fputs(r->shown ? "\r\033[K" : "", stderr);
    fputs("mailwhy review: ", stderr);
    print_string(stderr, path);
    fprintf(stderr, " can't be read%s: %s\n", error == EBADMSG ? " to its end" : "",
            error == EBADMSG ? "its compressed data are damaged" : strerror(error));
    return EX_NOINPUT;
}

/* EX_OK, or EX_NOINPUT: what is wrong has been said. */
static int read_file(struct review *r, const char *path)
{
    const char *block;
    ssize_t len;
    struct log_source *s = log_source_open(path);
    if (!s)
        return complain(r, path);
    while ((len = log_source_next(s, &block)) > 0) {
        take_block(r, block, (size_t)len);
        show_progress(r, s, path);
    }
    int status = len == 0 ? EX_OK : complain(r, path);
    log_source_close(s);
    if (r->shown)
        fputs("\r\033[K", stderr);
    r->shown = 0;
    return status;
}

static int read_files(struct review *r, const struct cli_options *o, int count, char *const *files)
{
    int status = EX_OK;
    for (int i = 0; i < count; i++)
        if (read_file(r, files[i]) != EX_OK)
            status = EX_NOINPUT;
    if (count)
        return status;
    struct log_files all;
    if (log_files_find(&all, cli_event_log_path(o), r->filter.since ? r->filter.since - 1 : 0) == -1)
        return EX_OSERR;
    bool missing = all.count > 1 && access(all.paths[0], F_OK) == -1 && errno == ENOENT; /* it was rotated just now */
    for (size_t i = all.count; i-- > (missing ? 1U : 0U);)
        if (read_file(r, all.paths[i]) != EX_OK)
            status = EX_NOINPUT;
    log_files_free(&all);
    return status;
}

/* What to group by. -1: there is no such thing, which has been said. */
static int by_of(const struct cli_options *o)
{
    for (int i = 0; i < BY_COUNT; i++)
        if (!o->by || strcmp(o->by, tally_by_names[i]) == 0)
            return i;
    fputs("mailwhy review: --by takes reason, code, client, network, user, sender, recipient, hour, day or mta, not: ", stderr);
    print_string(stderr, o->by);
    fputc('\n', stderr);
    return -1;
}

static int show(struct review *r, const struct cli_options *o, const struct cli_catalog *catalog)
{
    const struct page page = page_on_stdout(o->color);
    size_t top = o->top ? (size_t)o->top : TOP;
    r->lost.unread = r->maillog.unread;
    int status = o->json ? review_print_json(&r->tally, catalog, &r->lost, top)
                         : review_print(&page, &r->tally, catalog, &r->lost, top, o->by != NULL);
    return status == EX_OK && r->tally.refused + r->tally.deliveries == 0 ? CLI_NOTHING_FOUND : status;
}

static int run(const struct cli_options *o, int count, char *const *files)
{
    struct review r = {.maillog.now = time(NULL), .progress = isatty(STDERR_FILENO)};
    struct cli_catalog catalog;
    int by = by_of(o);
    if (by == -1 || filter_read(&r.filter, o, "review") == -1)
        return EX_USAGE;
    if (cli_catalog_load(&catalog, o, "review") == -1)
        return EX_CONFIG;
    tally_begin(&r.tally, catalog.catalog, (enum tally_by)by);
    r.tally.since = r.filter.since;
    r.tally.until = r.filter.until;
    r.tally.length = r.filter.since ? (r.filter.until ? r.filter.until : r.maillog.now) - r.filter.since : 0;
    int status = read_files(&r, o, count, files);
    int shown = show(&r, o, &catalog);
    tally_end(&r.tally);
    maillog_free(&r.maillog);
    buffer_free(&r.strings);
    catalog_release(catalog.catalog);
    return status != EX_OK ? status : shown;
}

const struct cli_verb cli_review = {
    .name = "review",
    .summary = "say what was refused, why, and who can do something about it",
    .help = help,
    .takes = CLI_TAKES(CLI_SINCE) | CLI_TAKES(CLI_UNTIL) | CLI_TAKES(CLI_CLIENT) | CLI_TAKES(CLI_USER) | CLI_TAKES(CLI_SENDER) |
             CLI_TAKES(CLI_RECIPIENT) | CLI_TAKES(CLI_CODE) | CLI_TAKES(CLI_REASON) | CLI_TAKES(CLI_BY) | CLI_TAKES(CLI_TOP) |
             CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG) | CLI_TAKES(CLI_COLOR),
    .run = run,
};
