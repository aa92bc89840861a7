/* Any octets as the key of a Sendmail ruleset: what is answered is one token, which Sendmail takes for a text and nothing else. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <mailwhy/ruleset_map.h>

#include "../sendmail_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct service service = {
    .explain = {.style = STYLE_FULL, .language = "en", .help_url = "https://x.test/%%?%code", .contact = "\"a\\b\""}};

static void begin(void)
{
    struct buffer faults = {0};
    struct catalog *catalog = catalog_load(&(struct catalog_source){.dir = "conf/catalog", .language = "en"}, &faults);
    assert(catalog);
    service.catalogs = catalog_slot_new(catalog);
    service.sessions = sessions_new();
    assert(service.catalogs && service.sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct explanation x;
    const char *key = (const char *)data;
    struct buffer answer = {0};
    char text[SENDMAIL_TEXT_SIZE];
    if (!service.catalogs)
        begin();
    if (ruleset_map_answer(&service, &x, key, size, &answer)) {
        if (strncmp(buffer_string(&answer), "OK ", 3) == 0)
            assert(sendmail_token(answer.data + 3, size > 5 && memcmp(key, "relay", 5) == 0, text) == 0);
        else
            assert(strcmp(buffer_string(&answer), "NOTFOUND ") == 0);
    } else {
        assert(size == 5 && memcmp(key, "close", 5) == 0 && answer.len == 0);
    }
    buffer_free(&answer);
    return 0;
}
