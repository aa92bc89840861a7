#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/log_files.h>
#include <mailwhy/report.h>
#include <mailwhy/review.h>

#include "cli.h"
#include "page.h"
#include "print.h"
#include "review_view.h"

#define TOP 15

static int (*const review_show[CLI_FORMATS])(const struct report *r,
                                             const struct cli_options *o) = {[CLI_FORMAT_TEXT] = review_text,
                                                                             [CLI_FORMAT_JSON] = review_json,
                                                                             [CLI_FORMAT_CSV] = review_csv,
                                                                             [CLI_FORMAT_HTML] = review_html};

static const char help[] =
    "usage: mailwhy review [--since TIME] [--until TIME] [--client ADDRESS[/BITS]] [--user NAME] [--sender ADDRESS]\n"
    "                      [--recipient ADDRESS] [--code CODE] [--reason ID] [--by WHAT] [--top N]\n"
    "                      [--format text|json|csv|html] [--json] [--lang LANG]\n"
    "                      [--catalog DIR] [--config FILE] [--color=auto|always|never] [FILE...]\n\n"
    "Say what was refused, why, for whom, and who can do something about it: from the event log, from a mail log of Postfix or\n"
    "Sendmail, or from the journal (of journalctl: export, JSON), on any machine. Files are told apart by themselves, also\n"
    "compressed (gzip, zstd); - is standard input. Without a file the event log of the configuration is read, with what was\n"
    "rotated from it since --since.\n\n"
    "  --since TIME    only from then on: \"2026-11-20\", \"2026-11-20 14:00\", \"yesterday\", \"2h\" (ago), \"3d\"\n"
    "  --until TIME    only before that\n"
    "  --client, --user, --sender, --recipient, --code, --reason\n"
    "                  only those; * and ? stand for anything: --sender '*@example.com', --code '5.7.*'\n"
    "  --by WHAT       one table: by reason, code, client, network, user, sender, recipient, hour, day or mta\n"
    "  --top N         at most so many rows a table (default 15)\n"
    "  --format WHAT   text, json (one object), csv (one table, a row for each thing that was counted),\n"
    "                  html (a page of one file, with charts)\n"
    "  --json          --format json\n" CLI_HELP_OPTIONS
    "Exit status: 0 reviewed, 1 no refusals in that span, 64 usage, 65 a file has nothing of a mail server in it, 66 one\n"
    "cannot be read (the others were), 78 bad configuration or no catalogue.\n";

/* What is shown of the reading, on a terminal. */
struct progress {
    const char *path;
    bool wanted;
    time_t shown; /* when it was last; 0: nothing stands there */
};

struct reading {
    struct progress progress;
    struct review *review;
    unsigned long unread_files;
    bool foreign; /* a file had nothing of a mail server in it */
};

static void show_progress(void *data, off_t done, off_t size)
{
    struct progress *p = data;
    time_t now = time(NULL);
    if (!p->wanted || now == p->shown)
        return;
    p->shown = now;
    fputs("\r\033[K", stderr);
    print_string(stderr, p->path);
    if (size)
        fprintf(stderr, ": %d %%", (int)(100 * (done / 1024) / (size / 1024 + 1)));
    else
        fprintf(stderr, ": %lld MiB", (long long)(done >> 20));
    fflush(stderr);
}

static void clear_progress(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = 0;
}

/* Say of a file in which nothing was recognised what it has in its place. */
static int complain_foreign(struct reading *r, const char *path, unsigned long lines, unsigned long unread)
{
    r->foreign = true;
    fputs("mailwhy review: ", stderr);
    print_string(stderr, path);
    if (unread)
        fprintf(stderr, ": nothing of its %lu lines can be read: %lu of a mail server are cut, or have no time\n", lines, unread);
    else
        fprintf(stderr, ": no line of Postfix or Sendmail, and no event of mailwhyd, is among its %lu lines\n", lines);
    return EX_DATAERR;
}

/* EX_OK, or EX_NOINPUT or EX_DATAERR: what is wrong has been said. */
static int read_file(struct reading *r, const char *path)
{
    struct review_lines before = review_lines(r->review);
    unsigned long unread = review_unread(r->review);
    r->progress.path = path;
    int got = review_read(r->review, path), error = errno;
    clear_progress(&r->progress);
    struct review_lines now = review_lines(r->review);
    if (got == 0 && now.known == before.known && now.all > before.all)
        return complain_foreign(r, path, now.all - before.all, review_unread(r->review) - unread);
    if (got == 0)
        return EX_OK;
    r->unread_files++;
    fputs("mailwhy review: ", stderr);
    print_string(stderr, path);
    fprintf(stderr, " can't be read%s: %s\n", error == EBADMSG ? " to its end" : "", print_fault(error));
    return EX_NOINPUT;
}

/* Of a file that can't be read and one that has nothing of a mail server: the first. */
static int worse(int a, int b)
{
    return a > b ? a : b;
}

static int read_files(struct reading *r, const struct cli_options *o, time_t since, int count, char *const *files)
{
    int status = EX_OK;
    for (int i = 0; i < count; i++)
        status = worse(status, read_file(r, files[i]));
    if (count)
        return status;
    struct log_files all;
    if (log_files_find(&all, cli_event_log_path(o), since ? since - 1 : 0) == -1)
        return EX_OSERR;
    bool missing = all.count > 1 && access(all.paths[0], F_OK) == -1 && errno == ENOENT; /* it was rotated just now */
    for (size_t i = all.count; i-- > (missing ? 1U : 0U);)
        if (!log_files_is_double(&all, i))
            status = worse(status, read_file(r, all.paths[i]));
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

static int show(const struct reading *r, const struct cli_options *o, const struct cli_catalog *catalog, time_t now)
{
    const struct tally *tally = review_tally(r->review);
    const struct explain_words words = {catalog->catalog, catalog->language};
    const struct report_lost lost = {review_unread(r->review), r->unread_files};
    struct report report;
    if (report_make(&report, tally, &words, &lost, now, o->top ? (size_t)o->top : TOP) == -1)
        return EX_OSERR;
    int status = review_show[o->format](&report, o);
    report_free(&report);
    return status == EX_OK && !tally_any(tally) ? CLI_NOTHING_FOUND : status;
}

static int run(const struct cli_options *o, int count, char *const *files)
{
    struct reading r = {.progress.wanted = isatty(STDERR_FILENO)};
    struct cli_catalog catalog;
    struct filter filter;
    time_t now = time(NULL);
    int by = by_of(o);
    if (by == -1 || cli_filter_read(&filter, o, "review") == -1)
        return EX_USAGE;
    if (cli_catalog_load(&catalog, o, "review") == -1)
        return EX_CONFIG;
    r.review = review_begin(&(struct review_options){.catalog = catalog.catalog,
                                                     .filter = &filter,
                                                     .by = (enum tally_by)by,
                                                     .now = now,
                                                     .progress = show_progress,
                                                     .data = &r.progress});
    int status = read_files(&r, o, filter.since, count, files);
    bool nothing = r.foreign && review_lines(r.review).known == 0; /* which has been said */
    int shown = nothing ? status : show(&r, o, &catalog, now);
    review_end(r.review);
    catalog_release(catalog.catalog);
    return status != EX_OK ? status : shown;
}

const struct cli_verb cli_review = {
    .name = "review",
    .summary = "say what was refused, why, and who can do something about it",
    .help = help,
    .takes = CLI_TAKES_FILTER | CLI_TAKES(CLI_BY) | CLI_TAKES(CLI_FORMAT) | CLI_TAKES(CLI_TOP) | CLI_TAKES(CLI_JSON) |
             CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG) | CLI_TAKES(CLI_COLOR),
    .run = run,
};
