/* Any octets as what 'mailwhy explain -' reads: a message, lines of logs, replies. What is found can be parsed and answered. */
#include <assert.h>
#include <stdint.h>

#include "../../milter/cli/asked.h"

#include <mailwhy/columns.h>
#include <mailwhy/reply.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct asked_reply *r)
{
    struct reply reply;
    assert(r->count > 0 && r->len > 0 && r->text[r->len] == '\0');
    if (reply_parse_bare(&reply, r->text, r->len) == 0) {
        assert(reply.text_len <= r->len);
        reply_free(&reply);
    }
    for (size_t at = 0; at < r->len;) {
        size_t line = columns_break(r->text + at, r->len - at, 20);
        assert(line > 0 && line <= r->len - at);
        at += line;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct asked asked = {0};
    if (size && asked_add_text(&asked, (const char *)data, size) == 0)
        for (const struct asked_reply *r = asked.first; r; r = r->next)
            check(r);
    asked_free(&asked);
    return 0;
}
