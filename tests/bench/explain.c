/* Explain one reply N times, for callgrind. usage: explain CATALOG REPLY N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/explain.h>

static const struct explain_options options = {.style = STYLE_FULL, .language = "en", .help_url = "", .contact = ""};
static const struct session_facts facts = {
    .field = {[SESSION_CLIENT_ADDR] = "192.0.2.7",
              [SESSION_HELO] = "client.test",
              [SESSION_TLS] = "none",
              [SESSION_SENDER] = "sender@client.test",
              [SESSION_RECIPIENT] = "someone@elsewhere.test"},
    .daemon_port = 25,
    .stage = STAGE_RCPT,
    .anonymous = true,
};

/* The whole way from octets to lines, without a log. 0; 1: nothing to add; -1. */
static int explain(struct explanation *x, const struct catalog *catalog, const char *text)
{
    struct reply reply;
    if (reply_parse(&reply, text, strlen(text)) == -1)
        return -1;
    explain_recognise(x, &reply, &facts, catalog, &options);
    int result = explain_compose(x, &reply, &facts, catalog, &options, "6Q2F8-KXD3M");
    reply_free(&reply);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fputs("usage: explain CATALOG REPLY N\n", stderr);
        return 64;
    }
    struct buffer faults = {0};
    struct catalog *catalog = catalog_load(&(struct catalog_source){.dir = argv[1], .language = "en"}, &faults);
    if (!catalog) {
        fputs(buffer_string(&faults), stderr);
        return 78;
    }
    struct explanation x = {0};
    int result = 0;
    for (long n = strtol(argv[3], NULL, 10); n > 0 && result == 0; n--)
        result = explain(&x, catalog, argv[2]);
    if (result == 0)
        printf("%s\t%u\n", x.match.reason ? x.match.reason->id : "-", x.line_count);
    explain_free(&x);
    catalog_release(catalog);
    return result ? 1 : 0;
}
