#include "ref_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/log_files.h>
#include <mailwhy/log_source.h>

#include "list.h"
#include "print.h"

static const enum word heads[] = {WORD_TIME, WORD_REFERENCE, WORD_CODE, WORD_ID, WORD_RECIPIENT};
#define COLUMNS (sizeof heads / sizeof *heads)

struct listing {
    const struct cli_options *options;
    struct filter filter;
    struct cli_catalog catalog; /* nothing with --json */
    struct list list;
    struct buffer store; /* of the event of the moment */
    unsigned long found;
};

bool ref_list_asked(const struct cli_options *o)
{
    const struct filter_options *f = &o->filter;
    return f->since || f->until || f->client || f->user || f->sender || f->recipient || f->code || f->reason;
}

static void show_json(const char *line, size_t len)
{
    if (isatty(STDOUT_FILENO)) {
        print_json(stdout, line, len);
    } else {
        fwrite(line, 1, len, stdout);
        fputc('\n', stdout);
    }
}

static void show_row(struct list *l, const struct event *e)
{
    char when[32] = "", code[16] = "";
    struct tm tm;
    if (gmtime_r(&e->time.tv_sec, &tm))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%SZ", &tm);
    if (e->code)
        snprintf(code, sizeof code, "%d", e->code);
    list_cell(l, when);
    list_cell(l, e->ref);
    list_cell(l, code);
    list_cell(l, e->reason);
    list_cell(l, e->recipient);
}

/* 0, or -1 with errno ENOMEM. */
static int take_line(struct listing *l, const char *line, size_t len)
{
    struct event e;
    buffer_clear(&l->store);
    int got = event_from_json(&e, &l->store, line, len);
    if (got != 1)
        return got;
    const struct filter *f = &l->filter;
    bool names_user = event_names_user(&e);
    if (names_user)
        e = event_of_failure(&e);
    if ((f->since && e.time.tv_sec < f->since) || (f->until && e.time.tv_sec >= f->until) ||
        !filter_takes(f, &e, e.reason ? e.reason : ""))
        return 0;
    if (names_user && *e.ref && !f->user.pattern && !l->options->json) /* it is listed by its own event */
        return 0;
    l->found++;
    if (l->options->json)
        show_json(line, len);
    else
        show_row(&l->list, &e);
    return 0;
}

/* 0, or -1 with errno. */
static int read_log(struct listing *l, const char *path)
{
    struct log_source *source = log_source_open(path);
    char *block = NULL;
    ssize_t len;
    int error = 0;
    if (!source)
        return -1;
    while (!error && (len = log_source_next(source, &block)) > 0) {
        for (const char *line = block, *end = block + len, *next; !error && line < end; line = next) {
            const char *stop = memchr(line, '\n', (size_t)(end - line));
            next = stop ? stop + 1 : end;
            if (take_line(l, line, (size_t)((stop ? stop : end) - line)) == -1)
                error = ENOMEM;
        }
    }
    if (!error && len == -1)
        error = errno;
    free(block);
    log_source_close(source);
    errno = error;
    return error ? -1 : 0;
}

/* Read the log and what was rotated from it, the oldest first. */
static int read_logs(struct listing *l, const char *path)
{
    struct log_files files;
    int status = EX_OK;
    if (log_files_find(&files, path, l->filter.since ? l->filter.since - 1 : 0) == -1)
        return EX_OSERR;
    for (size_t i = files.count; i-- > 0;) {
        if (read_log(l, files.paths[i]) == 0 || (i == 0 && files.count > 1 && errno == ENOENT)) /* it was rotated just now */
            continue;
        status = errno == ENOMEM ? EX_OSERR : ref_complain_log(files.paths[i]);
        if (status == EX_OSERR)
            break;
    }
    log_files_free(&files);
    return status;
}

int ref_list(const struct cli_options *o)
{
    struct listing l = {.options = o};
    if (cli_filter_read(&l.filter, o, "ref") == -1)
        return EX_USAGE;
    if (!o->json) {
        if (cli_catalog_load(&l.catalog, o, "ref") == -1)
            return EX_CONFIG;
        list_begin(&l.list, o, &l.catalog, heads, COLUMNS);
    }
    int status = read_logs(&l, cli_event_log_path(o));
    if (l.found && !o->json) {
        int shown = list_end(&l.list, "ref");
        status = status == EX_OK ? shown : status;
    } else if (!l.found && status == EX_OK) {
        fputs("mailwhy ref: no such event is in ", stderr);
        print_string(stderr, cli_event_log_path(o));
        fputs(", nor in what was rotated from it.\n", stderr);
        status = CLI_NOTHING_FOUND;
    }
    if (status == EX_OSERR)
        fputs("mailwhy ref: out of memory\n", stderr);
    buffer_free(&l.list.cells);
    buffer_free(&l.store);
    catalog_release(l.catalog.catalog);
    return status;
}
