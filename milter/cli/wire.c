#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli.h"
#include "command.h"
#include "wire_check.h"
#include "wire_saved.h"
#include "wire_sendmail.h"
#include "wire_view.h"

static const char help[] =
    "usage: mailwhy wire postfix [-c PATH] [--apply] [--undo] [--check] [--postscreen] [--no-reload] [--json]\n"
    "                            [--config FILE]\n"
    "       mailwhy wire sendmail [-c PATH] [--apply] [--undo] [--check] [--no-reload] [--json] [--config FILE]\n\n"
    "Wire mailwhyd to this machine's Postfix (3.4 or later) or Sendmail. Without --apply, --undo or --check: show what would be\n"
    "changed, for Postfix as postconf(1) commands and why, and change nothing. What is there already is kept.\n\n"
    "  -c PATH         Postfix: the folder of its configuration (default: as postconf has it); Sendmail: its sendmail.mc\n"
    "                  (default " WIRE_SENDMAIL_MC ")\n"
    "  --apply         do it, keep copies of what was before; Postfix is reloaded where it runs; for Sendmail, sendmail.cf is "
    "made\n"
    "                  anew, and Sendmail restarted\n"
    "  --undo          take it back: to the byte, where nobody else changed the files since\n"
    "  --check         say whether the wiring is whole, and what to do where it is not\n"
    "  --postscreen    have what postscreen refuses explained, too\n"
    "  --no-reload     do not reload Postfix; for Sendmail, change sendmail.mc alone\n"
    "  --json          one JSON object\n"
    "  --config FILE   mailwhyd's configuration (default " CONFIG_FILE ")\n\n"
    "Exit status: 0 done, or whole; 1 not whole; 64 usage; 65 not a sendmail.mc; 66 no such configuration; 69 no Postfix, or "
    "too\n"
    "old; 77 not permitted; 78 mailwhy.conf has a fault, or cannot be wired so.\n";

/* Run "postfix -c DIR WHAT". Its exit status, -1 where it could not be run; what it complains of is appended to said. */
static int postfix(const struct wire *w, const char *what, struct buffer *said)
{
    const char *argv[] = {"postfix", "-c", wire_config_dir(w), what, NULL};
    struct command c;
    int result = command_run(&c, argv);
    if (said)
        buffer_add(said, buffer_string(&c.err), c.err.len);
    int status = result == 0 ? c.status : -1;
    command_free(&c);
    return status;
}

/* Have Postfix look at what was written. EX_OK, or another exit status with a sentence in fault: all is as before then. */
static int let_check(struct wire *w, struct buffer *fault)
{
    struct buffer said = {0};
    if (postfix(w, "check", &said) == 0) {
        buffer_free(&said);
        return EX_OK;
    }
    g_autofree char *text = g_strchomp(g_strdup(buffer_string(&said)));
    buffer_free(&said);
    if (wire_roll_back(w, fault) == EX_OK)
        buffer_printf(fault, "'postfix check' failed (%s), so main.cf and master.cf are as they were; Postfix's log says more",
                      *text ? text : "it said nothing here");
    return EX_CONFIG;
}

/* Have Postfix take up what was written, where it runs. */
static void take_up(const struct wire *w, const struct cli_options *o, struct wire_outcome *outcome)
{
    outcome->running = postfix(w, "status", NULL) == 0;
    outcome->reloaded = outcome->running && !o->no_reload && postfix(w, "reload", NULL) == 0;
    if (outcome->task == WIRE_DO)
        wire_note_reload(w, outcome->running && !outcome->reloaded);
}

static int apply(struct wire *w, const struct cli_options *o, struct wire_outcome *outcome, struct buffer *fault)
{
    int status = wire_plan(w, fault);
    if (status != EX_OK || outcome->task == WIRE_SHOW)
        return status;
    if (!w->changes->len) {
        outcome->going_on = wire_is_reload_due(w);
        if (outcome->going_on)
            take_up(w, o, outcome);
        return EX_OK;
    }
    if ((status = wire_apply(w, fault)) != EX_OK || (status = let_check(w, fault)) != EX_OK)
        return status;
    outcome->done = true;
    take_up(w, o, outcome);
    return EX_OK;
}

static int undo(struct wire *w, const struct cli_options *o, struct wire_outcome *outcome, struct buffer *fault)
{
    int status = wire_undo(w, outcome->restored, fault);
    if (status != EX_OK)
        return status;
    outcome->done = w->saved || w->changes->len;
    if (outcome->done)
        take_up(w, o, outcome);
    return EX_OK;
}

static int run_postfix(const struct cli_options *o, enum wire_task task)
{
    struct wire w;
    struct buffer fault = {0};
    struct wire_outcome outcome = {.task = task};
    int status = wire_open(&w, &o->config, o->dir, task == WIRE_DO || task == WIRE_UNDO, &fault);
    w.postscreen = o->postscreen;
    w.config_file = strcmp(o->config_file, CONFIG_FILE) == 0 ? NULL : o->config_file;
    if (status == EX_OK && task == WIRE_CHECK) {
        wire_check(&w);
        status = w.faults->len ? CLI_NOTHING_FOUND : EX_OK;
    } else if (status == EX_OK) {
        status = task == WIRE_UNDO ? undo(&w, o, &outcome, &fault) : apply(&w, o, &outcome, &fault);
    }
    if (fault.len)
        wire_view_complaint(&fault);
    else if (!o->json)
        wire_view_text(&w, &outcome);
    else if (wire_view_json(&w, &outcome) == -1)
        status = EX_OSERR;
    buffer_free(&fault);
    wire_close(&w);
    return status;
}

static int complain_usage(const char *what)
{
    fprintf(stderr, "mailwhy wire: %s\n'mailwhy wire --help' says what there is.\n", what);
    return EX_USAGE;
}

static int run(const struct cli_options *o, int count, char *const *operands)
{
    bool sendmail = count == 1 && strcmp(operands[0], "sendmail") == 0;
    if (count != 1 || (!sendmail && strcmp(operands[0], "postfix") != 0))
        return complain_usage("say what is to be wired: postfix or sendmail");
    if (sendmail && o->postscreen)
        return complain_usage("--postscreen is about Postfix");
    if (o->apply + o->undo + o->check > 1)
        return complain_usage("--apply, --undo and --check are three different things; give one");
    enum wire_task task = o->apply ? WIRE_DO : o->undo ? WIRE_UNDO : o->check ? WIRE_CHECK : WIRE_SHOW;
    return sendmail ? wire_sendmail(o, task) : run_postfix(o, task);
}

const struct cli_verb cli_wire = {
    .name = "wire",
    .summary = "wire mailwhyd to Postfix or Sendmail, take it back, or check it",
    .help = help,
    .takes = CLI_TAKES(CLI_DIR) | CLI_TAKES(CLI_APPLY) | CLI_TAKES(CLI_UNDO) | CLI_TAKES(CLI_CHECK) | CLI_TAKES(CLI_POSTSCREEN) |
             CLI_TAKES(CLI_NO_RELOAD) | CLI_TAKES(CLI_JSON) | CLI_TAKES(CLI_CONFIG),
    .run = run,
};
