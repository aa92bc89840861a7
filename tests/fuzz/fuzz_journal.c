/* Any octets as a journal, in export format, as objects over several lines, or as an object a line: what is read are messages that a mail log's
 * reader takes, and it is the same whatever pieces the octets come in. The first octet says how large these are. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/journal.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_span(struct buffer *out, struct span s)
{
    buffer_printf(out, "%d %zu ", s.at != NULL, s.at ? span_length(s) : 0);
    buffer_add(out, s.at, s.at ? span_length(s) : 0);
}

/* Note what was read, and read it as a line of a mail log. */
static void take(struct maillog *m, const struct maillog_message *message, struct buffer *out)
{
    struct event e;
    assert(message->program.at);
    add_span(out, message->host);
    add_span(out, message->program);
    add_span(out, message->text);
    buffer_printf(out, "%ld %d %lld\n", message->pid, message->timed, (long long)message->time.tv_sec);
    int kind = maillog_read_message(m, message, &e);
    assert(kind >= MAILLOG_NOTHING && kind <= MAILLOG_LOST);
    assert(kind == MAILLOG_NOTHING || (e.mta && e.host));
    if (kind != MAILLOG_NOTHING)
        assert(event_to_json(&e, out) == 0);
}

/* Octets in memory of their own, with nothing behind them. */
static char *copy(const char *data, size_t len)
{
    char *c = malloc(len ? len : 1);
    assert(c);
    memcpy(c, data, len);
    return c;
}

static unsigned long read_stream(enum journal_format format, const char *data, size_t len, size_t step, struct buffer *out)
{
    struct journal_split split = {.format = format};
    struct journal j = {0};
    struct maillog m = {0};
    for (size_t at = 0, held = 0; at < len;) {
        held = len - at < held + step ? len - at : held + step;
        char *block = copy(data + at, held);
        struct span whole;
        size_t done = journal_split(&split, block, held, at + held == len, &whole);
        assert(done <= held && whole.at >= block && whole.at <= whole.end && whole.end <= block + held);
        assert(done > 0 || at + held < len);
        char *octets = copy(whole.at, span_length(whole));
        struct span piece = {octets, octets + span_length(whole)};
        struct maillog_message message;
        while (journal_next(&j, format, &piece, &message) == 1)
            take(&m, &message, out);
        assert(piece.at == piece.end);
        free(octets);
        free(block);
        at += done;
        held -= done;
    }
    unsigned long lost = split.lost + j.lost;
    journal_free(&j);
    maillog_free(&m);
    return lost;
}

static void read_line(const char *data, size_t len)
{
    struct journal j = {0};
    struct maillog m = {0};
    struct maillog_message message;
    struct buffer out = {0};
    char *line = copy(data, len);
    if (journal_read_json(&j, line, len, &message) == 1)
        take(&m, &message, &out);
    free(line);
    buffer_free(&out);
    journal_free(&j);
    maillog_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *at = (const char *)data + 1;
    size_t step = data[0] + 1U;
    journal_format(at, --size);
    read_line(at, size);
    for (enum journal_format format = JOURNAL_EXPORT; format <= JOURNAL_PRETTY; format++) {
        struct buffer pieces = {0}, all = {0};
        unsigned long lost = read_stream(format, at, size, step, &pieces);
        assert(read_stream(format, at, size, size + 1, &all) == lost);
        assert(pieces.len == all.len && (all.len == 0 || memcmp(pieces.data, all.data, all.len) == 0));
        buffer_free(&pieces);
        buffer_free(&all);
    }
    return 0;
}
