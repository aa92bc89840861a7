/* What the verbs of mailwhy share: options, their exit statuses, and one row each. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

#include <mailwhy/catalog.h>
#include <mailwhy/config.h>
#include <mailwhy/filter.h>

#define CLI_NOTHING_FOUND 1 /* the other exit statuses are those of sysexits.h */

enum cli_option {
    CLI_HELP,
    CLI_JSON,
    CLI_COLOR,
    CLI_LANG,
    CLI_CATALOG,
    CLI_CONFIG,
    CLI_LOG,
    CLI_WHY,
    CLI_SINCE,
    CLI_UNTIL,
    CLI_CLIENT,
    CLI_USER,
    CLI_SENDER,
    CLI_RECIPIENT,
    CLI_CODE,
    CLI_REASON,
    CLI_BY,
    CLI_FORMAT,
    CLI_TOP,
    CLI_EXPLAIN,
    CLI_DIR,
    CLI_APPLY,
    CLI_UNDO,
    CLI_CHECK,
    CLI_POSTSCREEN,
    CLI_NO_RELOAD,
    CLI_TLS,
    CLI_TLS_NAME,
    CLI_CA_FILE,
    CLI_INSECURE,
    CLI_PLAINTEXT_AUTH,
    CLI_AUTH_FAILURES,
    CLI_TIMEOUT,
    CLI_YES_IT_IS_MINE,
    CLI_OPTIONS
};
#define CLI_TAKES(option) (1ULL << (option))
/* Which events are wanted. */
#define CLI_TAKES_FILTER                                                                                                         \
    (CLI_TAKES(CLI_SINCE) | CLI_TAKES(CLI_UNTIL) | CLI_TAKES(CLI_CLIENT) | CLI_TAKES(CLI_USER) | CLI_TAKES(CLI_SENDER) |         \
     CLI_TAKES(CLI_RECIPIENT) | CLI_TAKES(CLI_CODE) | CLI_TAKES(CLI_REASON))

#define CLI_AUTH_FAILURES_MAX 10

enum cli_tls { CLI_TLS_AUTO, CLI_TLS_NONE, CLI_TLS_STARTTLS, CLI_TLS_IMPLICIT, CLI_TLS_WAYS };

enum cli_format { CLI_FORMAT_TEXT, CLI_FORMAT_JSON, CLI_FORMAT_CSV, CLI_FORMAT_HTML, CLI_FORMATS };

struct cli_options {
    bool help;
    bool json; /* --json or --format json */
    enum cli_format format;
    bool why;
    bool explain;
    bool color; /* settled: no longer "auto" */
    const char *language; /* NULL: not given */
    const char *catalog; /* NULL: not given */
    const char *config_file;
    const char *log; /* NULL: not given */
    struct filter_options filter;
    const char *by; /* NULL: not given */
    long top; /* 0: not given */
    const char *dir; /* NULL: not given */
    bool apply, undo, check, postscreen, no_reload;
    enum cli_tls tls;
    const char *tls_name; /* NULL: not given */
    const char *ca_file; /* NULL: not given */
    bool insecure, plaintext_auth, yes_it_is_mine;
    long auth_failures;
    long timeout; /* seconds */
    struct config config; /* of a verb that takes CLI_CONFIG */
};

/* What --help says of the options that many verbs take. */
#define CLI_HELP_OPTIONS                                                                                                         \
    "  --lang LANG     the language (default: that of the locale, else English)\n"                                               \
    "  --catalog DIR   the catalogue of reasons\n"                                                                               \
    "  --config FILE   the configuration (default " CONFIG_FILE ")\n"                                                            \
    "  --color WHEN    auto: on a terminal, unless NO_COLOR is set; always; never\n\n"

/* A verb. run gets what stands after the options, count of them, and returns the exit status; whether standard output took it all is
 * looked at after it. */
struct cli_verb {
    const char *name;
    const char *summary;
    const char *help;
    unsigned long long takes; /* CLI_TAKES() bits; --help is taken by all */
    int (*run)(const struct cli_options *options, int count, char *const *operands);
};

extern const struct cli_verb cli_explain, cli_compare, cli_codes, cli_reasons, cli_ref, cli_review, cli_watch, cli_wire,
    cli_probe, cli_check;

/* Read the options of a verb; argv[0] is the verb, and its options are moved before the rest. The index of the first that is not an option, or
 * -1: what was wrong has been said. */
int cli_options_read(struct cli_options *options, const struct cli_verb *verb, int argc, char **argv);

#define CLI_LANGUAGE_SIZE (CATALOG_LANGUAGE_MAX + 1)

/* Read a decimal number. False: not one, or less than least or more than most; *number is untouched. */
bool cli_number_read(const char *text, long least, long most, long *number);

/* Read which events are wanted. 0, or -1: what is wrong has been said in the name of the verb. */
int cli_filter_read(struct filter *filter, const struct cli_options *options, const char *verb);

/* The catalogue that a verb works with, and the language it speaks: as asked for, else that of the locale where the catalogue has it and the
 * locale is one of UTF-8, else English. */
struct cli_catalog {
    struct catalog *catalog;
    char language[CLI_LANGUAGE_SIZE];
};

/* Load it; cli_catalog_load_all() with all its languages. 0, or -1: what is wrong has been said in the name of the verb. The catalogue is the caller's
 * to release. */
int cli_catalog_load(struct cli_catalog *out, const struct cli_options *options, const char *verb);
int cli_catalog_load_all(struct cli_catalog *out, const struct cli_options *options, const char *verb);

/* The event log to be looked at, and the folders of the catalogue (local: the site's, NULL for none): as the options say, else the environment, else
 * the configuration. The folder is the caller's to free; NULL: errno ENOMEM. */
const char *cli_event_log_path(const struct cli_options *options);
char *cli_catalog_dir(const struct cli_options *options, const char **local);

#endif
