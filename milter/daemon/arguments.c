#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#include <mailwhy/config.h>

static void print_usage(FILE *to)
{
    fputs("usage: mailwhyd [-c FILE] [-t] [-v] [-V] [-h]\n"
          "  -c, --config FILE  the configuration (default " CONFIG_FILE ")\n"
          "  -t, --test         check the configuration and the catalogue, and exit (0 good, 78 bad)\n"
          "  -v, --verbose      say more\n"
          "  -V, --version      print the version\n"
          "  -h, --help         print this\n",
          to);
}

int arguments_parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'},
                                            {"verbose", no_argument, NULL, 'v'},      {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int option;
    *a = (struct arguments){.file = CONFIG_FILE};
    while ((option = getopt_long(argc, argv, "c:tvVh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            a->file = optarg;
            break;
        case 't':
            a->test = true;
            break;
        case 'v':
            a->verbose = true;
            break;
        case 'V':
            puts("mailwhyd " MAILWHY_VERSION);
            return EX_OK + 1;
        case 'h':
            print_usage(stdout);
            return EX_OK + 1;
        default:
            print_usage(stderr);
            return EX_USAGE + 1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "mailwhyd: unexpected argument \"%s\"\n", argv[optind]);
        print_usage(stderr);
        return EX_USAGE + 1;
    }
    return 0;
}
