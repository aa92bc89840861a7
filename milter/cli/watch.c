#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/follow.h>
#include <mailwhy/journal.h>
#include <mailwhy/log_source.h>
#include <mailwhy/maillog.h>

#include "print.h"
#include "said.h"
#include "watch_view.h"

#define LAST 10 /* events that are shown first */

static const char help[] =
    "usage: mailwhy watch [--since TIME] [--until TIME] [--client ADDRESS[/BITS]] [--user NAME] [--sender ADDRESS]\n"
    "                     [--recipient ADDRESS] [--code CODE] [--reason ID] [--explain] [--json] [--lang LANG]\n"
    "                     [--catalog DIR] [--config FILE] [--color=auto|always|never] [FILE]\n\n"
    "Show events as they come, a line each: time, code, reason, and who it was about. FILE is an event log, or a mail log of\n"
    "Postfix or Sendmail; - is standard input, also a journal as lines of JSON. Without FILE that is the event log of\n"
    "the configuration. First the last ten events are shown. A log that is rotated or truncated is followed; one that is not\n"
    "there is waited for. Ctrl-C ends it.\n\n"
    "  --since TIME    first the events from then on: \"2026-11-20\", \"2026-11-20 14:00\", \"yesterday\", \"2h\" (ago), \"3d\"\n"
    "  --until TIME    only before that; then it ends\n"
    "  --client, --user, --sender, --recipient, --code, --reason\n"
    "                  only those; * and ? stand for anything: --sender '*@example.com', --code '5.7.*'\n"
    "  --explain       under each event what it means and what to do\n"
    "  --json          each event as it stands in the log\n" CLI_HELP_OPTIONS
    "Exit status: 0 ended, by a signal too, 64 usage, 66 the log cannot be read, 78 bad configuration or no catalogue.\n";

struct watching {
    const struct cli_options *options;
    const char *path;
    struct cli_catalog catalog;
    struct filter filter;
    struct follow *follow;
    struct maillog maillog;
    struct journal journal;
    struct buffer strings; /* of an event of ours */
    struct watch_view view;
    char *last[LAST]; /* lines of the last events, by their number; while they are gathered */
    size_t lens[LAST];
    unsigned long count; /* of those gathered */
    bool gathering;
    bool waits; /* for the log, which has been said */
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
}

static bool is_ours(const char *line, size_t len)
{
    static const char start[] = "{\"ts\":";
    return len > sizeof start && memcmp(line, start, sizeof start - 1) == 0;
}

/* Read a line of any log. What it says of a refusal is an event; of ours all are. The kind; MAILLOG_NOTHING: it is none; -1: errno ENOMEM. */
static int read_line(struct watching *w, struct event *e, const char *line, size_t len)
{
    struct maillog_message message;
    int got;
    buffer_clear(&w->strings);
    if (is_ours(line, len)) {
        got = event_from_json(e, &w->strings, line, len);
        return got == 1 ? MAILLOG_REFUSED : got;
    }
    w->maillog.years = (struct log_years){.bound = time(NULL)};
    if (journal_read_json(&w->journal, line, len, &message) == 1)
        got = maillog_read_message(&w->maillog, &message, e);
    else
        got = maillog_read(&w->maillog, line, len, e);
    return got == MAILLOG_ACCEPTED || got == MAILLOG_LOST ? MAILLOG_NOTHING : got;
}

static bool is_wanted(const struct watching *w, const struct event *e, const char *reason)
{
    const struct filter *f = &w->filter;
    return (!f->since || e->time.tv_sec >= f->since) && (!f->until || e->time.tv_sec < f->until) && filter_takes(f, e, reason);
}

/* Print the event as JSON: its line as it is, where it is one of ours. 0, or -1 with errno ENOMEM. */
static int show_json(const struct event *e, const char *reason, const char *line, size_t len)
{
    struct buffer made = {0};
    if (!is_ours(line, len)) {
        struct event whole = *e;
        whole.reason = reason;
        if (event_to_json(&whole, &made) == -1) {
            buffer_free(&made);
            return -1;
        }
        line = made.data;
        len = made.len - 1;
    }
    if (isatty(STDOUT_FILENO)) {
        print_json(stdout, line, len);
    } else {
        fwrite(line, 1, len, stdout);
        fputc('\n', stdout);
    }
    buffer_free(&made);
    return 0;
}

/* Keep the line among the last ones. 0, or -1 with errno ENOMEM. */
static int gather(struct watching *w, const char *line, size_t len)
{
    size_t at = w->count % LAST;
    char *copy = malloc(len + 1);
    if (!copy)
        return -1;
    memcpy(copy, line, len);
    free(w->last[at]);
    w->last[at] = copy;
    w->lens[at] = len;
    w->count++;
    return 0;
}

/* Show an event. 0, or -1 with errno ENOMEM. */
static int show(struct watching *w, const struct event *e, const struct said *said, int kind, const char *line, size_t len)
{
    if (w->options->json)
        return show_json(e, said_reason(said, e), line, len);
    return watch_view(&w->view, e, said, (enum maillog_kind)kind, w->options, &w->catalog);
}

/* Show or gather the event in a line, where there is one that is wanted. 0, or -1 with errno ENOMEM. */
static int take_line(struct watching *w, const char *line, size_t len)
{
    struct event e;
    struct said said = {0};
    len -= len && line[len - 1] == '\r';
    int kind = read_line(w, &e, line, len);
    if (kind <= MAILLOG_NOTHING)
        return kind;
    bool names_user = event_names_user(&e);
    if (names_user)
        e = event_of_failure(&e);
    bool has_reason = e.reason && *e.reason; /* then the catalogue need not be asked for it */
    if (has_reason && !is_wanted(w, &e, e.reason))
        return 0;
    if (has_reason && w->gathering)
        return gather(w, line, len);
    if (!has_reason || w->options->explain)
        said_of(&said, &e, w->catalog.catalog, w->catalog.language);
    int result = 0;
    bool wanted = has_reason || is_wanted(w, &e, said_reason(&said, &e));
    if (names_user && !w->filter.user.pattern) /* the failure has a line of its own, with its code */
        e.code = 0;
    if (wanted)
        result = w->gathering ? gather(w, line, len) : show(w, &e, &said, kind, line, len);
    said_free(&said);
    return result;
}

/* Take all lines that are there now. 0; -1 with errno. */
static int take_lines(struct watching *w)
{
    const char *line;
    size_t len;
    int got = 0;
    while (!stopped && !ferror(stdout) && (got = follow_next(w->follow, &line, &len)) == 1)
        if (take_line(w, line, len) == -1)
            return -1;
    return got == -1 ? -1 : 0;
}

/* Show the last events that are wanted, from as much of the log's end as they take, and go on behind them. 0; -1 with errno. */
static int show_last(struct watching *w)
{
    static const off_t sizes[] = {(off_t)1 << 16, (off_t)1 << 20, (off_t)1 << 24, (off_t)1 << 28};
    int more = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && more && !stopped; i++) {
        follow_close(w->follow);
        w->follow = follow_open(w->path);
        w->count = 0;
        w->gathering = true;
        if (!w->follow || (more = follow_from_tail(w->follow, sizes[i])) == -1 || take_lines(w) == -1)
            return -1;
        more = more && w->count < LAST;
    }
    w->gathering = false;
    for (unsigned long i = w->count > LAST ? w->count - LAST : 0; i < w->count; i++)
        if (take_line(w, w->last[i % LAST], w->lens[i % LAST]) == -1)
            return -1;
    return 0;
}

/* A pipe or the like by its name. 0, or -1 with errno. */
static int begin_stream(struct watching *w)
{
    int fd = strcmp(w->path, "-") == 0 ? STDIN_FILENO : open(w->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    w->follow = fd == -1 ? NULL : follow_stream(fd);
    return w->follow ? 0 : -1;
}

static int begin(struct watching *w)
{
    struct stat st;
    bool named = strcmp(w->path, "-") != 0 && (stat(w->path, &st) == -1 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
    if (!named)
        return begin_stream(w);
    if (!w->filter.since)
        return show_last(w);
    w->follow = follow_open(w->path);
    return w->follow ? follow_from_time(w->follow, w->filter.since - 1) : -1;
}

/* Whether what is watched is compressed, as log_source_packed() says: such a file does not grow. */
static int is_packed(const struct watching *w)
{
    char start[4];
    struct stat st;
    bool is_input = strcmp(w->path, "-") == 0;
    if (!is_input && (stat(w->path, &st) == -1 || !S_ISREG(st.st_mode)))
        return 0;
    int fd = is_input ? STDIN_FILENO : open(w->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t len = fd == -1 ? -1 : pread(fd, start, sizeof start, 0); /* of a pipe: none */
    if (fd != -1 && !is_input)
        close(fd);
    return len > 0 ? log_source_packed(start, (size_t)len) : 0;
}

static int complain_packed(const struct watching *w, bool readable)
{
    fputs("mailwhy watch: ", stderr);
    print_string(stderr, strcmp(w->path, "-") == 0 ? "standard input" : w->path);
    fprintf(stderr, " is compressed: it does not grow, and can't be watched%s.\n", readable ? "; 'mailwhy review' reads it" : "");
    return EX_NOINPUT;
}

static int complain(const struct watching *w, int error, const char *what)
{
    fputs("mailwhy watch: ", stderr);
    print_string(stderr, strcmp(w->path, "-") == 0 ? "standard input" : w->path);
    fprintf(stderr, " %s: %s%s\n", what, strerror(error),
            error == EACCES ? ". Run this as root, or as a member of the file's group." : "");
    return error == ENOMEM ? EX_OSERR : EX_NOINPUT;
}

/* A log that is not there may still come; another fault may go away once the log has been read. EX_OK: go on. */
static int look_at_fault(struct watching *w, bool first)
{
    int fault = follow_fault(w->follow);
    bool said = w->waits;
    w->waits = fault != 0;
    if (!fault || said)
        return EX_OK;
    if (first && fault != ENOENT && fault != ENOTDIR)
        return complain(w, fault, "can't be read");
    complain(w, fault, "is waited for, until it can be read");
    return EX_OK;
}

/* Whether who read the output has gone, as "head" does when it has enough. */
static bool is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP));
}

/* Wait until there may be more, or nobody to read it. */
static void await(const struct watching *w)
{
    static const struct timespec limit = {FOLLOW_POLL_MS / 1000, FOLLOW_POLL_MS % 1000 * 1000000L};
    struct pollfd polled[] = {{.fd = follow_fd(w->follow), .events = POLLIN}, {.fd = STDOUT_FILENO}};
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    if (!stopped)
        ppoll(polled, 2, &limit, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Follow the log until something ends it. The exit status. */
static int watch(struct watching *w)
{
    const struct filter *f = &w->filter;
    int packed = is_packed(w);
    if (packed)
        return complain_packed(w, packed > 0);
    int got = begin(w), status = EX_OK;
    for (bool first = true; status == EX_OK; first = false) {
        if (got == 0)
            got = take_lines(w);
        if (got == -1)
            return complain(w, errno, "can't be read");
        bool written = fflush(stdout) == 0 && !ferror(stdout);
        status = look_at_fault(w, first);
        if (!written || stopped || follow_ended(w->follow) || (f->until && time(NULL) >= f->until))
            break;
        await(w);
        if (is_unread())
            break;
    }
    if (is_unread()) {
        __fpurge(stdout);
        clearerr(stdout);
    }
    return status;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    struct watching w = {.options = o, .path = count ? operands[0] : cli_event_log_path(o)};
    struct sigaction end = {.sa_handler = on_signal};
    if (count > 1) {
        fputs("mailwhy watch: it watches one log\n'mailwhy watch --help' says what there is.\n", stderr);
        return EX_USAGE;
    }
    if (cli_filter_read(&w.filter, o, "watch") == -1)
        return EX_USAGE;
    if (cli_catalog_load(&w.catalog, o, "watch") == -1)
        return EX_CONFIG;
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    signal(SIGPIPE, SIG_IGN);
    int status = watch(&w);
    follow_close(w.follow);
    for (size_t i = 0; i < LAST; i++)
        free(w.last[i]);
    maillog_free(&w.maillog);
    journal_free(&w.journal);
    buffer_free(&w.strings);
    catalog_release(w.catalog.catalog);
    return status;
}

const struct cli_verb cli_watch = {
    .name = "watch",
    .summary = "show what is refused as it happens",
    .help = help,
    .takes = CLI_TAKES_FILTER | CLI_TAKES(CLI_EXPLAIN) | CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) |
             CLI_TAKES(CLI_CONFIG) | CLI_TAKES(CLI_COLOR),
    .run = run,
};
