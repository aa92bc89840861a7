/* Any octets as a line of the event log: what is read can be written as one line, and that line says the same when it is read again. (Octets that
 * are not UTF-8 are escaped when they are written first, and are characters from then on: so it is the second line that stays.) */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <mailwhy/event.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read a line and write it to out. 1: it is an event; 0: it is not. */
static int rewrite(const char *line, size_t len, struct buffer *out)
{
    struct event e;
    struct buffer store = {0};
    int result = event_from_json(&e, &store, line, len);
    assert(result != -1);
    if (result == 1) {
        assert(event_to_json(&e, out) == 0);
        assert(out->data[out->len - 1] == '\n' && !memchr(out->data, '\n', out->len - 1));
    }
    buffer_free(&store);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer first = {0}, second = {0}, third = {0};
    if (rewrite((const char *)data, size, &first) == 1) {
        assert(rewrite(first.data, first.len, &second) == 1);
        assert(rewrite(second.data, second.len, &third) == 1);
        assert(second.len == third.len && memcmp(second.data, third.data, second.len) == 0);
    }
    buffer_free(&first);
    buffer_free(&second);
    buffer_free(&third);
    return 0;
}
