#include <mailwhy/review.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/journal.h>
#include <mailwhy/log_source.h>
#include <mailwhy/maillog.h>

#define THREADS_MAX 4 /* each has its own counts, of up to some 80 MiB */
#define SMALL ((off_t)4 << 20) /* octets of a file for which no thread is worth starting */

/* One thread's. */
struct worker {
    struct review *review;
    struct tally tally;
    struct maillog maillog;
    struct journal journal;
    struct buffer strings; /* of an event of ours */
    struct review_lines lines; /* known: events of ours */
    char *block;
};

struct review {
    struct review_options options;
    pthread_mutex_t matching, reading; /* not GLib's, which the thread sanitizer does not know */
    struct log_source *source; /* under reading */
    int fault; /* likewise: the errno of its end */
    unsigned long lost; /* entries of journals, by the sources */
    unsigned count;
    struct worker workers[THREADS_MAX];
};

/* The kind of an event of our own log. */
static enum maillog_kind kind_of(const struct event *e)
{
    if (e->code >= 400)
        return MAILLOG_REFUSED;
    if (event_names_user(e))
        return MAILLOG_USER;
    return e->code == 250 ? MAILLOG_ACCEPTED : MAILLOG_NOTHING;
}

static void take_event(struct worker *w, struct event *e, int kind)
{
    const struct filter *filter = w->review->options.filter;
    struct event of;
    if (kind == MAILLOG_USER && !filter->any) {
        of = event_of_failure(e);
        e = &of;
        if (filter->user.pattern && e->code) /* the failure's own event is not taken: it lacks the user */
            kind = MAILLOG_REFUSED;
    }
    if (kind > MAILLOG_NOTHING && (filter->any || filter_takes(filter, e, tally_reason(&w->tally, e))))
        tally_add(&w->tally, e, (enum maillog_kind)kind);
}

static int take_ours(struct worker *w, const char *line, size_t len, struct event *e)
{
    if (event_from_json(e, &w->strings, line, len) != 1)
        return MAILLOG_NOTHING;
    w->lines.known++;
    return (int)kind_of(e);
}

static void take_line(struct worker *w, const char *line, size_t len)
{
    static const char ours[] = "{\"ts\":";
    struct maillog_message message;
    struct event e;
    int kind;
    w->lines.all++;
    if (len > sizeof ours && memcmp(line, ours, sizeof ours - 1) == 0)
        kind = take_ours(w, line, len, &e);
    else if (journal_read_json(&w->journal, line, len, &message) == 1)
        kind = maillog_read_message(&w->maillog, &message, &e);
    else
        kind = maillog_read(&w->maillog, line, len, &e);
    buffer_clear(&w->strings);
    take_event(w, &e, kind);
}

static void take_entries(struct worker *w, enum journal_format format, struct span piece)
{
    struct maillog_message message;
    struct event e;
    for (; journal_next(&w->journal, format, &piece, &message) == 1; w->lines.all++)
        take_event(w, &e, maillog_read_message(&w->maillog, &message, &e));
}

static void take_block(struct worker *w, enum journal_format format, const char *block, size_t len)
{
    if (format != JOURNAL_NONE) {
        take_entries(w, format, (struct span){block, block + len});
        return;
    }
    for (const char *end; len && (end = memchr(block, '\n', len));) {
        size_t line = (size_t)(end - block);
        take_line(w, block, line && block[line - 1] == '\r' ? line - 1 : line);
        block += line + 1;
        len -= line + 1;
    }
    if (len)
        take_line(w, block, block[len - 1] == '\r' ? len - 1 : len);
}

/* Get the next block of the log that is being read. How many octets; 0: there are no more. */
static size_t next_block(struct worker *w, enum journal_format *format)
{
    struct review *r = w->review;
    pthread_mutex_lock(&r->reading);
    ssize_t len = r->fault ? 0 : log_source_next(r->source, &w->block);
    if (len == -1)
        r->fault = errno;
    off_t done, size;
    log_source_progress(r->source, &done, &size);
    *format = log_source_format(r->source);
    pthread_mutex_unlock(&r->reading);
    if (w == r->workers && r->options.progress)
        r->options.progress(r->options.data, done, size);
    return len > 0 ? (size_t)len : 0;
}

static void *work(void *worker)
{
    struct worker *w = worker;
    enum journal_format format;
    for (size_t len; (len = next_block(w, &format));)
        take_block(w, format, w->block, len);
    return NULL;
}

struct review *review_begin(const struct review_options *options)
{
    struct review *r = g_new0(struct review, 1);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = options->threads ? options->threads : processors > 0 ? (unsigned)processors : 1;
    struct tally_span span = {options->filter->since, options->filter->until, options->filter->since};
    if (span.since)
        span.before = 2 * span.since - (span.until ? span.until : options->now);
    pthread_mutex_init(&r->matching, NULL);
    pthread_mutex_init(&r->reading, NULL);
    tzset(); /* before threads use the time zone */
    r->options = *options;
    r->count = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    for (unsigned i = 0; i < r->count; i++) {
        r->workers[i].review = r;
        tally_begin(&r->workers[i].tally, options->catalog, &r->matching, options->by, &span);
    }
    return r;
}

int review_read(struct review *r, const char *path)
{
    GThread *threads[THREADS_MAX] = {0};
    struct log_years years;
    off_t done, size;
    r->source = log_source_open(path);
    r->fault = 0;
    if (!r->source)
        return -1;
    log_source_progress(r->source, &done, &size);
    log_years_find(&years, path, r->options.now);
    for (unsigned i = 0; i < r->count; i++)
        maillog_begin(&r->workers[i].maillog, &years);
    for (unsigned i = 1; i < r->count && (size == 0 || size > SMALL) && years.at == 0; i++)
        threads[i] = g_thread_try_new("review", work, &r->workers[i], NULL); /* where there are none, this one does it all */
    work(&r->workers[0]);
    for (unsigned i = 1; i < r->count; i++)
        if (threads[i])
            g_thread_join(threads[i]);
    r->lost += log_source_lost(r->source);
    log_source_close(r->source);
    errno = r->fault;
    return r->fault ? -1 : 0;
}

const struct tally *review_tally(struct review *r)
{
    for (unsigned i = 1; i < r->count; i++)
        if (r->workers[i].review)
            tally_merge(&r->workers[0].tally, &r->workers[i].tally);
    r->count = 1;
    return &r->workers[0].tally;
}

struct review_lines review_lines(const struct review *r)
{
    struct review_lines sum = {0};
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        sum.all += r->workers[i].lines.all;
        sum.known += r->workers[i].lines.known + r->workers[i].maillog.known;
    }
    return sum;
}

unsigned long review_unread(const struct review *r)
{
    unsigned long sum = r->lost;
    for (unsigned i = 0; i < THREADS_MAX; i++)
        sum += r->workers[i].maillog.unread + r->workers[i].journal.lost;
    return sum;
}

void review_end(struct review *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < THREADS_MAX; i++) {
        if (i < r->count)
            tally_end(&r->workers[i].tally);
        maillog_free(&r->workers[i].maillog);
        journal_free(&r->workers[i].journal);
        buffer_free(&r->workers[i].strings);
        free(r->workers[i].block);
    }
    pthread_mutex_destroy(&r->matching);
    pthread_mutex_destroy(&r->reading);
    g_free(r);
}
