#include "wire_sendmail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <mailwhy/json.h>

#include "file_edit.h"
#include "print.h"
#include "wire_cf.h"
#include "wire_check.h"
#include "wire_files.h"
#include "wire_mc.h"

#define COPY ".before-mailwhy"

/* What FEATURE(`mailwhy') takes where nothing is said. */
static const char default_reply[] = "unix:/var/spool/postfix/mailwhy/reply",
                  default_milter[] = "unix:/var/spool/postfix/mailwhy/milter";

struct sendmail {
    const char *path; /* of sendmail.mc */
    char *copy; /* the path of what was before */
    struct buffer text;
    struct stat st;
    struct wire_mc mc;
    struct wire_cf cf;
    struct wire_ends ends;
    char *line; /* ours, as it must be */
    char *diff;
    bool only_mc; /* sendmail.cf and the Sendmail that runs are left as they are */
    bool done, restored;
    bool going_on; /* sendmail.mc was wired already, sendmail.cf not made of it, or Sendmail not restarted since */
    GPtrArray *faults; /* struct wire_note */
};

static int open_mc(struct sendmail *s, const struct cli_options *o, struct buffer *fault)
{
    const char *reply = o->config.socketmap_listen, *milter = o->config.milter_listen;
    *s = (struct sendmail){.path = o->dir ? o->dir : WIRE_SENDMAIL_MC, .only_mc = o->no_reload, .faults = wire_notes_new()};
    wire_cf_open(&s->cf, s->path);
    s->copy = g_strconcat(s->path, COPY, NULL);
    wire_ends_make(&s->ends, &o->config, "");
    if (file_edit_read(&s->text, s->path, &s->st) == -1)
        return wire_fault_at(fault, s->path, "cannot be read", EX_NOINPUT);
    wire_mc_read(&s->mc, buffer_string(&s->text));
    bool defaults = strcmp(reply, default_reply) == 0 && strcmp(milter, default_milter) == 0;
    s->line = defaults ? g_strdup("FEATURE(`mailwhy')dnl") : g_strdup_printf("FEATURE(`mailwhy', `%s', `%s')dnl", reply, milter);
    if (!*reply || !*milter || strpbrk(reply, "`'\n") || strpbrk(milter, "`'\n")) {
        buffer_printf(
            fault, "mailwhy.conf: socketmap.listen and milter.listen must both be set, without quotes, to be wired to Sendmail");
        return EX_CONFIG;
    }
    return EX_OK;
}

static void close_mc(struct sendmail *s)
{
    g_free(s->copy);
    g_free(s->line);
    g_free(s->diff);
    buffer_free(&s->text);
    wire_mc_free(&s->mc);
    wire_cf_close(&s->cf);
    wire_ends_free(&s->ends);
    g_ptr_array_free(s->faults, TRUE);
}

/* Write sendmail.mc. EX_OK, or another exit status with a sentence in fault. */
static int write_mc(struct sendmail *s, const char *text, struct buffer *fault)
{
    struct buffer to = {0};
    int status = buffer_add_string(&to, text) == -1              ? EX_OSERR
                 : file_edit_replace(s->path, &to, &s->st) == -1 ? wire_fault_at(fault, s->path, "cannot be written", EX_IOERR)
                                                                 : EX_OK;
    buffer_free(&to);
    s->done = status == EX_OK;
    return status;
}

/* sendmail.cf could not be made: sendmail.mc as it was. */
static void put_back(struct sendmail *s, struct buffer *fault)
{
    struct buffer again = {0};
    if (file_edit_replace(s->path, &s->text, &s->st) == -1)
        wire_fault_at(&again, s->path, "cannot be written", EX_IOERR);
    else if (s->mc.feature == -1)
        unlink(s->copy);
    buffer_printf(fault, ". %s%s", again.len ? buffer_string(&again) : s->path, again.len ? "" : " is as it was");
    buffer_free(&again);
    s->done = false;
}

/* Whether a copy is what sendmail.mc is without our line. */
static bool copy_is(const struct sendmail *s, const char *without)
{
    struct buffer before = {0};
    bool same = file_edit_read(&before, s->copy, NULL) == 0 && strcmp(buffer_string(&before), without) == 0;
    buffer_free(&before);
    return same;
}

/* Do what --no-reload has left. EX_OK, or another exit status with a sentence in fault. */
static int go_on(struct sendmail *s, struct buffer *fault)
{
    if (wire_cf_is_current(&s->cf, &s->st, s->ends.reply.listen, s->ends.milter.listen)) {
        wire_cf_catch_up(&s->cf);
        s->going_on = s->cf.running;
        return EX_OK;
    }
    g_autofree char *without = wire_mc_write(&s->mc, NULL);
    wire_cf_compare(&s->cf, copy_is(s, without) ? s->copy : NULL);
    s->going_on = true;
    return wire_cf_make(&s->cf, s->ends.reply.listen, fault);
}

static int apply(struct sendmail *s, enum wire_task task, struct buffer *fault)
{
    if (s->mc.place == -1) {
        buffer_printf(fault, "%s has no line with FEATURE, MAILER or LOCAL_: is it a sendmail.mc?", s->path);
        return EX_DATAERR;
    }
    bool whole = s->mc.feature != -1 && !s->mc.late && strcmp(s->mc.lines[s->mc.feature], s->line) == 0;
    g_autofree char *to = whole ? g_strdup(buffer_string(&s->text)) : wire_mc_write(&s->mc, s->line);
    s->diff = wire_mc_diff(s->path, buffer_string(&s->text), to);
    if (whole && task == WIRE_DO && !s->only_mc)
        return go_on(s, fault);
    if (whole || task == WIRE_SHOW)
        return EX_OK;
    if (s->mc.feature == -1 && file_edit_replace(s->copy, &s->text, &s->st) == -1)
        return wire_fault_at(fault, s->copy, "cannot be written", EX_CANTCREAT);
    if (!s->only_mc)
        wire_cf_compare(&s->cf, NULL);
    int status = write_mc(s, to, fault);
    if (status != EX_OK || s->only_mc || (status = wire_cf_make(&s->cf, s->ends.reply.listen, fault)) == EX_OK)
        return status;
    put_back(s, fault);
    return status;
}

static int undo(struct sendmail *s, struct buffer *fault)
{
    g_autofree char *to = wire_mc_write(&s->mc, NULL);
    s->diff = wire_mc_diff(s->path, buffer_string(&s->text), to);
    s->restored = copy_is(s, to);
    if (s->mc.feature != -1 && !s->only_mc)
        wire_cf_compare(&s->cf, NULL);
    int status = s->mc.feature == -1 ? EX_OK : write_mc(s, to, fault);
    if (status == EX_OK)
        unlink(s->copy);
    if (status == EX_OK && s->done && !s->only_mc)
        status = wire_cf_make(&s->cf, NULL, fault);
    return status;
}

/* Sendmail takes no socket from a folder that others can write to, nor from below one. */
static void check_folders(struct sendmail *s, const struct wire_end *end)
{
    g_autofree char *part = g_strdup(end->path ? end->path : "");
    struct stat st;
    for (char *slash; (slash = strrchr(part, '/')) && slash > part;) {
        *slash = '\0';
        if (stat(part, &st) == -1 || !(st.st_mode & 022) || ((st.st_mode & S_ISVTX) && s->mc.trusts_sticky))
            continue;
        wire_note_add(s->faults, "unsafe-folder",
                      g_strdup_printf("%s (mode %04o) can be written to by others: Sendmail takes no socket from there", part,
                                      (unsigned)(st.st_mode & 07777)),
                      g_strdup("have mailwhyd listen in a folder that is its own, in one that is root's"));
    }
}

static void check(struct sendmail *s)
{
    g_autofree char *macros = s->mc.cf_dir ? g_strconcat(s->mc.cf_dir, "/feature/mailwhy.m4", NULL) : NULL;
    g_autofree char *again = g_strdup_printf("mailwhy wire sendmail -c %s --apply", s->path);
    if (s->mc.feature == -1)
        wire_note_add(s->faults, "not-wired", g_strdup_printf("%s has no FEATURE(`mailwhy')", s->path), g_strdup(again));
    else if (strcmp(s->mc.lines[s->mc.feature], s->line) != 0)
        wire_note_add(s->faults, "endpoints",
                      g_strdup_printf("%s names other endpoints than mailwhy.conf does: %s", s->path, s->mc.lines[s->mc.feature]),
                      g_strdup(again));
    if (s->mc.late)
        wire_note_add(
            s->faults, "too-late",
            g_strdup_printf("FEATURE(`mailwhy') stands behind another FEATURE or LOCAL_ in %s: what that refuses is not "
                            "explained",
                            s->path),
            g_strdup(again));
    if (macros && access(macros, R_OK) == -1)
        wire_note_add(s->faults, "feature-missing", g_strdup_printf("%s is not there: %s", macros, strerror(errno)),
                      g_strdup("copy mailwhy.m4 there: mailwhy-sendmail(7)"));
    if (s->mc.feature != -1)
        wire_cf_check(&s->cf, s->faults, &s->st, s->ends.reply.listen, s->ends.milter.listen);
    g_autofree char *user = wire_cf_user(&s->cf);
    check_folders(s, &s->ends.reply);
    if (!user || wire_check_user(s->faults, &s->ends.reply, user))
        wire_check_answers(s->faults, &s->ends.reply, true);
    if (!user || wire_check_user(s->faults, &s->ends.milter, user))
        wire_check_answers(s->faults, &s->ends.milter, false);
}

/* What became of sendmail.cf and of Sendmail, and what is left to do. */
static void show_cf(const struct wire_cf *cf)
{
    if (!cf->made && !cf->running) {
        if (cf->left)
            printf("%s. ", cf->left);
        puts("Now make sendmail.cf anew (make -C /etc/mail, or sendmailconfig), and restart Sendmail.");
        return;
    }
    printf(cf->made ? "%s was made anew" : "%s was made already", cf->path);
    puts(cf->restarted ? ", and Sendmail has restarted with it."
         : cf->told    ? ", and Sendmail was told to restart, but has not yet: its log says more."
         : cf->running ? ". Now restart Sendmail: systemctl restart sendmail"
                       : ". Sendmail does not run; it takes this up when it starts.");
}

static void show(const struct sendmail *s, enum wire_task task)
{
    if (task == WIRE_CHECK) {
        wire_view_faults(s->faults, "The wiring is whole: Sendmail's rulesets ask mailwhyd, and mailwhyd answers.");
        return;
    }
    print_lines(stdout, s->diff);
    if (task == WIRE_UNDO && !*s->diff && wire_cf_asks(&s->cf, s->ends.reply.listen))
        printf("%s has no FEATURE(`mailwhy') any more, but %s still asks mailwhyd: now make that anew, and restart Sendmail.\n",
               s->path, s->cf.path);
    else if (!*s->diff)
        puts(task == WIRE_UNDO ? "mailwhy is not wired here: there is nothing to take back."
             : s->going_on     ? "sendmail.mc is wired already."
                               : "Wired already: there is nothing to change. --check looks whether it works.");
    else if (task == WIRE_SHOW)
        puts("\nNothing was changed. --apply does this, and keeps a copy.");
    else if (task == WIRE_UNDO)
        puts(s->restored ? "\nThe file is what it was before, to the byte."
                         : "\nThe line was taken out; the rest stays as it is.");
    if (s->done || s->going_on)
        show_cf(&s->cf);
}

static int show_json(const struct sendmail *s, enum wire_task task)
{
    struct buffer out = {0};
    buffer_add_char(&out, '{');
    json_put_text(&out, "sendmail_mc", s->path);
    if (task == WIRE_CHECK) {
        json_put_bool(&out, "whole", s->faults->len == 0);
        wire_view_add_notes(&out, "faults", s->faults);
    } else {
        json_put_text(&out, "line", s->line);
        json_put_text(&out, "diff", s->diff);
        json_put_bool(&out, "done", s->done);
        json_put_bool(&out, "made", s->cf.made);
        json_put_bool(&out, "reloaded", s->cf.restarted);
        json_put_text(&out, "left", (s->done || s->going_on) && !s->only_mc ? s->cf.left : NULL);
    }
    bool ok = buffer_add_char(&out, '}') == 0 && buffer_ok(&out);
    if (ok)
        print_json(stdout, out.data, out.len);
    buffer_free(&out);
    return ok ? EX_OK : EX_OSERR;
}

int wire_sendmail(const struct cli_options *o, enum wire_task task)
{
    struct sendmail s;
    struct buffer fault = {0};
    int status = open_mc(&s, o, &fault);
    if (status == EX_OK && task == WIRE_CHECK) {
        check(&s);
        status = s.faults->len ? CLI_NOTHING_FOUND : EX_OK;
    } else if (status == EX_OK) {
        status = task == WIRE_UNDO ? undo(&s, &fault) : apply(&s, task, &fault);
    }
    if (fault.len)
        wire_view_complaint(&fault);
    else if (!o->json)
        show(&s, task);
    else if (show_json(&s, task) != EX_OK)
        status = EX_OSERR;
    buffer_free(&fault);
    close_mc(&s);
    return status;
}
