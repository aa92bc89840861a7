/* Any octets as a reply, through the whole house: parse, match, compose in each style, and make a template of it. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/explain.h>
#include <mailwhy/footer.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalog *catalog;

static void load(void)
{
    struct buffer faults = {0};
    catalog = catalog_load(&(struct catalog_source){.dir = "conf/catalog"}, &faults);
    if (!catalog) {
        fputs(buffer_string(&faults), stderr);
        abort();
    }
    buffer_free(&faults);
}

static void check_template(const struct explanation *x)
{
    struct buffer out = {0};
    assert(footer_add(&out, x) == 0 && out.len > 0);
    for (size_t i = 0; i < out.len; i++) {
        assert(out.data[i] >= ' ' && out.data[i] <= '~');
        if (out.data[i] == '$')
            assert(out.data[++i] == '$');
    }
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply r;
    struct explain_options options = {
        .language = "en", .help_url = "https://x.test/%code/%reason?%ref", .contact = "help@x.test"};
    if (!catalog)
        load();
    if (reply_parse(&r, (const char *)data, size) == -1)
        return 0;
    for (int style = 0; style < STYLE_COUNT; style++) {
        struct explanation x = {0};
        options.style = (enum explain_style)style;
        explain_recognise(&x, &r, NULL, catalog, &options);
        assert(explain_compose(&x, &r, NULL, catalog, &options, "6Q2F8-KXD3M") == 0);
        assert(x.line_count >= 1 && x.line_count <= EXPLAIN_LINES_MAX);
        for (unsigned i = 0; i < x.line_count; i++)
            assert(strlen(x.lines[i]) <= EXPLAIN_LINE_MAX);
        check_template(&x);
        explain_free(&x);
    }
    reply_free(&r);
    return 0;
}
