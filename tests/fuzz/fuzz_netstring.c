/* Any octets as netstrings: what is found lies within them. */
#include <assert.h>
#include <stdint.h>

#include <mailwhy/netstring.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data, *body;
    size_t len, taken;
    while (size && netstring_parse(s, size, &body, &len, &taken) == 1) {
        assert(taken >= 3 && taken <= size && len < taken);
        assert(body > s && body + len < s + taken);
        s += taken;
        size -= taken;
    }
    return 0;
}
