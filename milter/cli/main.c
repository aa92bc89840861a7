#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli.h"
#include "print.h"

static const struct cli_verb *const verbs[] = {&cli_explain, &cli_compare, &cli_codes, &cli_reasons, &cli_ref,
                                               &cli_review,  &cli_watch,   &cli_wire,  &cli_probe,   &cli_check};
#define VERBS (sizeof verbs / sizeof *verbs)

static void print_usage(FILE *to)
{
    fputs("usage: mailwhy VERB [OPTION...] [WORD...]\n"
          "       mailwhy --help | --version\n\n"
          "Why mail was refused, and what to do about it.\n\n",
          to);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\n'mailwhy VERB --help' says more of each.\n", to);
}

static int print_help(void)
{
    print_usage(stdout);
    return EX_OK;
}

static int print_version(void)
{
    puts("mailwhy " MAILWHY_VERSION);
    return EX_OK;
}

static const struct {
    const char *name;
    int (*run)(void);
} without_verb[] = {{"--help", print_help}, {"-h", print_help}, {"--version", print_version}, {"-V", print_version}};

/* Read the configuration that a verb goes by. EX_OK, or EX_CONFIG: its faults have been said. */
static int read_config(struct cli_options *options)
{
    struct buffer faults = {0};
    int result = config_load(&options->config, options->config_file, &faults);
    if (result == -1)
        print_lines(stderr, buffer_string(&faults));
    buffer_free(&faults);
    return result == 0 ? EX_OK : EX_CONFIG;
}

static int run_verb(const struct cli_verb *verb, int argc, char **argv)
{
    struct cli_options options;
    int first = cli_options_read(&options, verb, argc, argv);
    if (first == -1)
        return EX_USAGE;
    if (options.help) {
        fputs(verb->help, stdout);
        return EX_OK;
    }
    int status = verb->takes & CLI_TAKES(CLI_CONFIG) ? read_config(&options) : EX_OK;
    if (status == EX_OK)
        status = verb->run(&options, argc - first, argv + first);
    config_free(&options.config);
    return status;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    for (size_t i = 0; i < sizeof without_verb / sizeof *without_verb; i++)
        if (strcmp(argv[1], without_verb[i].name) == 0)
            return without_verb[i].run();
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(argv[1], verbs[i]->name) == 0)
            return run_verb(verbs[i], argc - 1, argv + 1);
    fputs("mailwhy: there is no such verb: ", stderr);
    print_string(stderr, argv[1]);
    fputs("\n'mailwhy --help' says what there is.\n", stderr);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    int status = run(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "mailwhy: the output could not be written: %s\n", strerror(errno));
    return EX_IOERR;
}
