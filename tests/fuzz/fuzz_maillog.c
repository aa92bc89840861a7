/* Any octets as a mail log, line by line: each line is one kind of event, whose strings are whole, and which can be written as a line of our own log
 * that says the same when it is read. A line says the same after others as it does alone. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/maillog.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1795248000 /* 2026-11-21 08:00 UTC */

/* Write the event as a line of our own log. A line that no year can hold has no such line. */
static void write_event(const struct event *e, struct buffer *out)
{
    struct event again;
    struct buffer store = {0};
    if (event_to_json(e, out) == -1) {
        assert(!buffer_ok(out) || e->time.tv_sec < -62167219200 || e->time.tv_sec >= 253402300800);
        buffer_clear(out);
        return;
    }
    assert(out->data[out->len - 1] == '\n' && !memchr(out->data, '\n', out->len - 1));
    assert(event_from_json(&again, &store, out->data, out->len) == 1);
    assert(again.code == e->code && again.stage == e->stage && again.time.tv_sec == e->time.tv_sec);
    buffer_free(&store);
}

static void check(struct maillog *after_others, const char *line, size_t len)
{
    struct maillog alone = {.years.bound = NOW};
    struct event e, same;
    struct buffer first = {0}, second = {0};
    int kind = maillog_read(after_others, line, len, &e);
    assert(kind >= MAILLOG_NOTHING && kind <= MAILLOG_LOST);
    assert(maillog_read(&alone, line, len, &same) == kind);
    if (kind != MAILLOG_NOTHING) {
        assert(e.mta && e.host);
        assert(kind == MAILLOG_ACCEPTED || kind == MAILLOG_LOST || (e.reply && e.reply[e.reply_len] == '\0'));
        assert(kind != MAILLOG_ACCEPTED || e.sender);
        assert(e.code == 0 || (e.code >= 200 && e.code <= 599));
        write_event(&e, &first);
        write_event(&same, &second);
        assert(first.len == second.len && (first.len == 0 || memcmp(first.data, second.data, first.len) == 0));
    }
    buffer_free(&first);
    buffer_free(&second);
    maillog_free(&alone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct maillog m = {.years.bound = NOW};
    const char *at = (const char *)data;
    while (size) {
        const char *end = memchr(at, '\n', size);
        size_t len = end ? (size_t)(end - at) : size;
        char *line = malloc(len ? len : 1); /* with nothing behind it */
        assert(line);
        memcpy(line, at, len);
        check(&m, line, len);
        free(line);
        len += end != NULL;
        at += len;
        size -= len;
    }
    maillog_free(&m);
    return 0;
}
