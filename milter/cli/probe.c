#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "page.h"
#include "print.h"
#include "probe_plan.h"
#include "probe_session.h"
#include "probe_view.h"

static const char help[] =
    "usage: mailwhy probe [--tls=auto|none|starttls|implicit] [--tls-name NAME] [--ca-file FILE] [--insecure]\n"
    "                     [--auth-failures NUMBER] [--plaintext-auth] [--timeout SECONDS] [--yes-it-is-mine]\n"
    "                     [--log FILE] [--json] [--lang LANG] [--catalog DIR] [--config FILE]\n"
    "                     [--color=auto|always|never] HOST[:PORT]\n\n"
    "Have one's own mail server refuse a few harmless things, on one connection, and look whether each refusal is explained:\n"
    "an unknown command, commands out of order, mail for a domain that does not exist, a sign-in made up at random. No mail is\n"
    "sent. The port is 25 where none is given; an IPv6 address with a port is [ADDRESS]:PORT.\n\n"
    "  --tls WHEN      auto: from the start on port 465, by STARTTLS on port 587, elsewhere where it is offered; none;\n"
    "                  starttls; implicit\n"
    "  --tls-name NAME  the name that the certificate must be for, where it is not HOST\n"
    "  --ca-file FILE  the certificates of the authorities (PEM), instead of the system's\n"
    "  --insecure      go on where the certificate is not good, and say so\n"
    "  --auth-failures NUMBER  how many sign-ins are tried, and fail: 0 to 10 (default 1)\n"
    "  --plaintext-auth  try them in clear, too\n"
    "  --timeout SECONDS  how long the server may take for each reply (default 30)\n"
    "  --yes-it-is-mine  the server is one's own: needed where its address is not a private one\n"
    "  --log FILE      the server's event log; otherwise that of the configuration, where the server is this machine\n"
    "  --json          one JSON object\n" CLI_HELP_OPTIONS
    "Exit status: 0 each refusal is explained, and its event is in the log, where that is here; 1 something is missing;\n"
    "64 usage, or the server is not known to be one's own; 66 no such file; 69 no connection; 76 the server breaks the\n"
    "protocol, or its certificate is not good; 78 bad configuration or no catalogue.\n";

static int out_of_memory(void)
{
    fputs("mailwhy probe: out of memory\n", stderr);
    return EX_OSERR;
}

static int complain(const char *word, const char *what, int status)
{
    fputs("mailwhy probe: ", stderr);
    print_string(stderr, word);
    fprintf(stderr, "%s\n", what);
    return status;
}

/* Whether the server can be probed: its addresses are known, and are ours. EX_OK, or what was said. */
static int confirm(struct probe *p)
{
    char address[PROBE_ADDRESS_SIZE];
    if (probe_target_resolve(&p->target, p->options->timeout, &p->fault) == -1) {
        complain(buffer_string(&p->fault), "", EX_UNAVAILABLE);
        return EX_UNAVAILABLE;
    }
    const struct addrinfo *foreign = probe_target_public(&p->target);
    if (!foreign || p->options->yes_it_is_mine)
        return EX_OK;
    fputs("mailwhy probe: nothing is sent to ", stderr);
    print_string(stderr, p->target.host);
    fprintf(stderr,
            ": its address %s may be anybody's. A probe is for one's own server:\n"
            "if this one is yours, say so with --yes-it-is-mine.\n",
            probe_address(foreign, address));
    return EX_USAGE;
}

/* What ended the probe, and what the server said then. */
static void say_fault(const struct probe *p)
{
    const struct probe_session *s = p->session;
    fputs("mailwhy probe: ", stderr);
    print_string(stderr, p->target.host);
    fprintf(stderr, " port %ld: ", p->target.port);
    print_string(stderr, buffer_string(&p->fault));
    if (s->said.len) {
        fputs(": ", stderr);
        print_text(stderr, s->said.data, s->said.len < PROBE_SAID_MAX ? s->said.len : PROBE_SAID_MAX);
        fputs(s->said.len > PROBE_SAID_MAX ? " ..." : "", stderr);
    }
    fputc('\n', stderr);
}

static void warn_insecure(const struct probe *p)
{
    if (!p->tls.fault)
        return;
    fputs("mailwhy probe: WARNING: the server's certificate is NOT GOOD: ", stderr);
    print_string(stderr, p->tls.fault);
    fputs(".\nThis may be another server. It is probed all the same, because of --insecure.\n", stderr);
}

/* Play the steps, and show each. EX_OK, or EX_OSERR; p->fault says what ended it. */
static int play(struct probe *p, const struct page *page)
{
    bool shown = !p->options->json;
    if (shown && probe_view_connection(p, page) == -1)
        return EX_OSERR;
    for (size_t i = 0; i < p->count; i++) {
        struct probe_result *r = &p->results[i];
        probe_session_play(p, r);
        if (r->outcome == PROBE_REFUSED && probe_judge(p, r) == -1)
            return EX_OSERR;
        if (shown && probe_view_result(p, page, r) == -1)
            return EX_OSERR;
    }
    probe_session_quit(p);
    return EX_OK;
}

/* The event log that the server writes, where it is here. */
static void find_log(struct probe *p)
{
    const char *log = p->options->config.event_log;
    if (p->options->log) {
        p->log = p->options->log;
    } else if (probe_session_is_local(p->session)) {
        if (access(log, R_OK) == 0) {
            p->log = log;
            return;
        }
        int error = errno;
        fputs("mailwhy probe: whether the events are in the log is not looked at: ", stderr);
        print_string(stderr, log);
        fprintf(stderr, ": %s\n", strerror(error));
    }
}

static int probe(struct probe *p)
{
    const struct page page = page_on_stdout(p->options->color);
    struct probe_session session = {0};
    bool shown = !p->options->json;
    p->session = &session;
    if (probe_plan_make(p) == -1 || (shown && probe_view_plan(p, &page) == -1))
        return out_of_memory();
    int status = probe_session_begin(p);
    const bool begun = status == EX_OK;
    if (begun) {
        find_log(p);
        warn_insecure(p);
        status = play(p, &page);
    }
    if (status == EX_OK)
        status = p->fault.len ? EX_PROTOCOL : probe_count(p).good ? EX_OK : CLI_NOTHING_FOUND;
    if (status == EX_OSERR || !buffer_ok(&p->fault)) {
        status = out_of_memory();
    } else if (p->options->json) {
        status = probe_print_json(p, status) == -1 ? out_of_memory() : status;
    } else if (begun && probe_view_end(p, &page) == -1) {
        status = out_of_memory();
    }
    if (p->fault.len)
        say_fault(p);
    probe_session_end(&session);
    return status;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    struct probe p = {.options = o, .tls_way = o->tls};
    if (count != 1)
        return complain("which server? One HOST[:PORT] is probed, such as mail.example.com:587.", "", EX_USAGE);
    if (probe_target_parse(&p.target, operands[0]) == -1)
        return complain(operands[0], " is not HOST, HOST:PORT or [ADDRESS]:PORT.", EX_USAGE);
    const char *const files[] = {o->log, o->ca_file};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] && access(files[i], R_OK) == -1)
            return complain(files[i], " can't be read: there is no such file, or it is not ours to read.", EX_NOINPUT);
    signal(SIGPIPE, SIG_IGN);
    int status = confirm(&p);
    if (status == EX_OK)
        status = cli_catalog_load_all(&p.catalog, o, "probe") == 0 ? EX_OK : EX_CONFIG;
    if (status == EX_OK)
        status = probe(&p);
    probe_plan_free(&p);
    catalog_release(p.catalog.catalog);
    buffer_free(&p.fault);
    probe_target_free(&p.target);
    return status;
}

const struct cli_verb cli_probe = {
    .name = "probe",
    .summary = "have one's own server refuse a few things, and look whether it explains",
    .help = help,
    .takes = CLI_TAKES(CLI_TLS) | CLI_TAKES(CLI_TLS_NAME) | CLI_TAKES(CLI_CA_FILE) | CLI_TAKES(CLI_INSECURE) |
             CLI_TAKES(CLI_AUTH_FAILURES) | CLI_TAKES(CLI_PLAINTEXT_AUTH) | CLI_TAKES(CLI_TIMEOUT) |
             CLI_TAKES(CLI_YES_IT_IS_MINE) | CLI_TAKES(CLI_LOG) | CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_COLOR) |
             CLI_TAKES(CLI_LANG) | CLI_TAKES(CLI_CATALOG) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
