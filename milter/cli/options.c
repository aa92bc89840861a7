#include "cli.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/catalog.h>
#include <mailwhy/catalog_dir.h>
#include <mailwhy/key_file.h>

#include "print.h"

static bool set_help(struct cli_options *o, const char *value)
{
    (void)value;
    o->help = true;
    return true;
}

static bool set_json(struct cli_options *o, const char *value)
{
    (void)value;
    o->json = true;
    o->format = CLI_FORMAT_JSON;
    return true;
}

static bool set_why(struct cli_options *o, const char *value)
{
    (void)value;
    o->why = true;
    return true;
}

static bool set_explain(struct cli_options *o, const char *value)
{
    (void)value;
    o->explain = true;
    return true;
}

static bool color_by_itself(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return (!no_color || !*no_color) && (!term || strcmp(term, "dumb") != 0) && isatty(STDOUT_FILENO);
}

static bool set_color(struct cli_options *o, const char *value)
{
    if (strcmp(value, "auto") == 0)
        o->color = color_by_itself();
    else if (strcmp(value, "always") == 0)
        o->color = true;
    else if (strcmp(value, "never") == 0)
        o->color = false;
    else
        return false;
    return true;
}

static bool set_language(struct cli_options *o, const char *value)
{
    o->language = value;
    return *value && strlen(value) < CLI_LANGUAGE_SIZE && !strchr(value, '/');
}

static bool set_catalog(struct cli_options *o, const char *value)
{
    o->catalog = value;
    return *value != '\0';
}

static bool set_config(struct cli_options *o, const char *value)
{
    o->config_file = value;
    return *value != '\0';
}

static bool set_log(struct cli_options *o, const char *value)
{
    o->log = value;
    return *value != '\0';
}

#define SET(name, member)                                                                                                        \
    static bool set_##name(struct cli_options *o, const char *value)                                                             \
    {                                                                                                                            \
        o->member = value;                                                                                                       \
        return *value != '\0';                                                                                                   \
    }
SET(since, filter.since)
SET(until, filter.until)
SET(client, filter.client)
SET(user, filter.user)
SET(sender, filter.sender)
SET(recipient, filter.recipient)
SET(code, filter.code)
SET(reason, filter.reason)
SET(by, by)
SET(dir, dir)

#define FLAG(name, member)                                                                                                       \
    static bool set_##name(struct cli_options *o, const char *value)                                                             \
    {                                                                                                                            \
        (void)value;                                                                                                             \
        o->member = true;                                                                                                        \
        return true;                                                                                                             \
    }
FLAG(apply, apply)
FLAG(undo, undo)
FLAG(check, check)
FLAG(postscreen, postscreen)
FLAG(no_reload, no_reload)
SET(tls_name, tls_name)
SET(ca_file, ca_file)

static bool set_format(struct cli_options *o, const char *value)
{
    static const char *const names[CLI_FORMATS] = {"text", "json", "csv", "html"};
    for (int i = 0; i < CLI_FORMATS; i++) {
        if (strcmp(names[i], value) != 0)
            continue;
        o->format = (enum cli_format)i;
        o->json = o->format == CLI_FORMAT_JSON;
        return true;
    }
    return false;
}

static bool set_top(struct cli_options *o, const char *value)
{
    return cli_number_read(value, 1, 1000000, &o->top);
}

static bool set_auth_failures(struct cli_options *o, const char *value)
{
    return cli_number_read(value, 0, CLI_AUTH_FAILURES_MAX, &o->auth_failures);
}

static bool set_timeout(struct cli_options *o, const char *value)
{
    return cli_number_read(value, 1, 3600, &o->timeout);
}

static bool set_tls(struct cli_options *o, const char *value)
{
    static const char *const names[CLI_TLS_WAYS] = {"auto", "none", "starttls", "implicit"};
    for (int i = 0; i < CLI_TLS_WAYS; i++) {
        if (strcmp(names[i], value) != 0)
            continue;
        o->tls = (enum cli_tls)i;
        return true;
    }
    return false;
}

FLAG(insecure, insecure)
FLAG(plaintext_auth, plaintext_auth)
FLAG(yes_it_is_mine, yes_it_is_mine)

static const struct {
    const char *name;
    const char *value; /* what its value is; NULL: it has none */
    bool (*set)(struct cli_options *o, const char *value); /* false: not such a value */
} table[] = {
    [CLI_HELP] = {"help", NULL, set_help},
    [CLI_JSON] = {"json", NULL, set_json},
    [CLI_COLOR] = {"color", "auto, always or never", set_color},
    [CLI_LANG] = {"lang", "a language, such as \"de\" or \"zh-CN\"", set_language},
    [CLI_CATALOG] = {"catalog", "a folder", set_catalog},
    [CLI_CONFIG] = {"config", "a file", set_config},
    [CLI_LOG] = {"log", "a file", set_log},
    [CLI_WHY] = {"why", NULL, set_why},
    [CLI_SINCE] = {"since", "a time", set_since},
    [CLI_UNTIL] = {"until", "a time", set_until},
    [CLI_CLIENT] = {"client", "an address or a network", set_client},
    [CLI_USER] = {"user", "a user's name", set_user},
    [CLI_SENDER] = {"sender", "an address", set_sender},
    [CLI_RECIPIENT] = {"recipient", "an address", set_recipient},
    [CLI_CODE] = {"code", "a code, such as 535 or 5.7.*", set_code},
    [CLI_REASON] = {"reason", "a reason's id", set_reason},
    [CLI_BY] = {"by", "reason, code, client, network, user, sender, recipient, hour, day or mta", set_by},
    [CLI_FORMAT] = {"format", "text, json, csv or html", set_format},
    [CLI_TOP] = {"top", "a number from 1 to 1000000", set_top},
    [CLI_EXPLAIN] = {"explain", NULL, set_explain},
    [CLI_DIR] = {"c", "a folder or a file", set_dir}, /* as Postfix's own commands have it */
    [CLI_APPLY] = {"apply", NULL, set_apply},
    [CLI_UNDO] = {"undo", NULL, set_undo},
    [CLI_CHECK] = {"check", NULL, set_check},
    [CLI_POSTSCREEN] = {"postscreen", NULL, set_postscreen},
    [CLI_NO_RELOAD] = {"no-reload", NULL, set_no_reload},
    [CLI_TLS] = {"tls", "auto, none, starttls or implicit", set_tls},
    [CLI_TLS_NAME] = {"tls-name", "a host name or an address", set_tls_name},
    [CLI_CA_FILE] = {"ca-file", "a file", set_ca_file},
    [CLI_INSECURE] = {"insecure", NULL, set_insecure},
    [CLI_PLAINTEXT_AUTH] = {"plaintext-auth", NULL, set_plaintext_auth},
    [CLI_AUTH_FAILURES] = {"auth-failures", "a number from 0 to 10", set_auth_failures},
    [CLI_TIMEOUT] = {"timeout", "seconds, from 1 to 3600", set_timeout},
    [CLI_YES_IT_IS_MINE] = {"yes-it-is-mine", NULL, set_yes_it_is_mine},
};
static_assert(sizeof table / sizeof *table == CLI_OPTIONS, "each option has its row");
static_assert(CLI_OPTIONS <= 64, "each option has its bit");

static void complain(const struct cli_verb *verb, const char *what, const char *word)
{
    fprintf(stderr, "mailwhy %s: %s: ", verb->name, what);
    print_string(stderr, word);
    fprintf(stderr, "\n'mailwhy %s --help' says what there is.\n", verb->name);
}

int cli_options_read(struct cli_options *options, const struct cli_verb *verb, int argc, char **argv)
{
    struct option taken[CLI_OPTIONS + 1] = {{0}};
    size_t count = 0;
    for (int i = 0; i < CLI_OPTIONS; i++)
        if (i != CLI_DIR && (i == CLI_HELP || (verb->takes & CLI_TAKES(i))))
            taken[count++] = (struct option){table[i].name, table[i].value ? required_argument : no_argument, NULL, i};
    *options = (struct cli_options){.color = color_by_itself(), .config_file = CONFIG_FILE, .auth_failures = 1, .timeout = 30};
    opterr = 0;
    for (;;) {
        int got = getopt_long(argc, argv, verb->takes & CLI_TAKES(CLI_DIR) ? ":hc:" : ":h", taken, NULL);
        if (got == -1)
            return optind;
        if (got == 'h')
            got = CLI_HELP;
        if (got == 'c')
            got = CLI_DIR;
        if (got == '?' || got == ':') {
            complain(verb, got == '?' ? "there is no such option" : "a value is missing after", argv[optind - 1]);
            return -1;
        }
        if (!table[got].set(options, optarg)) {
            fprintf(stderr, "mailwhy %s: %s%s takes %s, not: ", verb->name, got == CLI_DIR ? "-" : "--", table[got].name,
                    table[got].value);
            print_string(stderr, optarg);
            fputc('\n', stderr);
            return -1;
        }
    }
}

/* Let names that are asked for be found where they are hidden. A key that can't be read is said. */
static void find_hidden(struct filter *filter, const struct config *config, const char *verb)
{
    struct buffer fault = {0};
    unsigned char key[PRIVACY_KEY_SIZE];
    bool has_key = filter_asks_name(filter) && config->key_file && *config->key_file;
    if (has_key && key_file_read(config->key_file, key, &fault) == -1) {
        has_key = false;
        fprintf(stderr, "mailwhy %s: ", verb);
        print_string(stderr, buffer_string(&fault));
        fputs("\nWithout it names are not found where they stand as tokens.\n", stderr);
    }
    filter_take_hidden(filter, has_key ? key : NULL);
    explicit_bzero(key, sizeof key);
    buffer_free(&fault);
}

int cli_filter_read(struct filter *filter, const struct cli_options *o, const char *verb)
{
    struct buffer fault = {0};
    int result = filter_read(filter, &o->filter, time(NULL), &fault);
    if (result == -1) {
        fprintf(stderr, "mailwhy %s: ", verb);
        print_string(stderr, buffer_string(&fault));
        fputc('\n', stderr);
    } else {
        find_hidden(filter, &o->config, verb);
    }
    buffer_free(&fault);
    return result;
}

const char *cli_event_log_path(const struct cli_options *options)
{
    return options->log ? options->log : options->config.event_log;
}

char *cli_catalog_dir(const struct cli_options *options, const char **local)
{
    const char *environment = getenv("MAILWHY_CATALOG");
    bool asked = options->catalog || (environment && *environment);
    *local = asked ? NULL : options->config.local_catalog;
    return asked ? catalog_dir_find(options->catalog) : strdup(options->config.catalog);
}
