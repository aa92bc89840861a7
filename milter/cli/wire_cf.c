#include "wire_cf.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli.h"
#include "command.h"
#include "file_edit.h"
#include "wire_files.h"

#define RESTART_MS 5000
#define STEP_MS 50

static const char by_hand[] = "make sendmail.cf anew (make -C /etc/mail, or sendmailconfig), then restart Sendmail";

/* The Sendmail whose number is in the file that sendmail.cf names. */
struct running {
    pid_t pid;
    char exe[64]; /* its program */
    bool may_restart; /* it was started by its whole path, so it starts itself anew when told to; else it would end */
    struct timespec since;
};

void wire_cf_open(struct wire_cf *cf, const char *mc)
{
    const int stem = (int)strlen(mc) - (g_str_has_suffix(mc, ".mc") ? 3 : 0);
    *cf = (struct wire_cf){.mc = mc, .path = g_strdup_printf("%.*s.cf", stem, mc)};
    if (file_edit_read(&cf->text, cf->path, &cf->st) == -1)
        cf->left = g_strdup_printf("%s cannot be read: %s", cf->path, strerror(errno));
}

void wire_cf_close(struct wire_cf *cf)
{
    g_free(cf->path);
    g_free(cf->left);
    buffer_free(&cf->text);
}

/* What m4 makes of a sendmail.mc: 0, c->out holds it; -1 with a sentence in fault. command_free() in any case. */
static int run_m4(const char *mc, struct command *c, struct buffer *fault)
{
    const char *argv[] = {"m4", mc, NULL};
    if (command_run(c, argv) == -1) {
        buffer_printf(fault, "m4 cannot be run: %s", strerror(errno));
        return -1;
    }
    if (c->status == 0)
        return 0;
    g_autofree char *said = g_strchomp(g_strdup(buffer_string(&c->err)));
    buffer_printf(fault, "m4 makes nothing of %s: %s", mc, said);
    return -1;
}

/* The next line that is neither empty nor a comment, with its length; the end of the text where there is none. */
static const char *next_setting(const char *at, size_t *len)
{
    for (;; at += *len + 1) {
        *len = strcspn(at, "\n");
        if (*len && *at != '#')
            return at;
        if (!at[*len]) {
            at += *len;
            *len = 0;
            return at;
        }
    }
}

static bool same_settings(const char *a, const char *b)
{
    size_t a_len, b_len;
    for (;;) {
        a = next_setting(a, &a_len);
        b = next_setting(b, &b_len);
        if (a_len != b_len || memcmp(a, b, a_len) != 0)
            return false;
        a += a_len + (a[a_len] == '\n');
        b += b_len + (b[b_len] == '\n');
        if (!*a && !*b)
            return true;
    }
}

/* Whether it is what m4 makes of that file: 1 or 0, or -1 with a sentence in fault. */
static int is_made_of(const struct wire_cf *cf, const char *mc, struct buffer *fault)
{
    struct command c = {0};
    int result = run_m4(mc, &c, fault);
    if (result == 0)
        result = same_settings(buffer_string(&c.out), buffer_string(&cf->text));
    command_free(&c);
    return result;
}

void wire_cf_compare(struct wire_cf *cf, const char *other)
{
    struct buffer fault = {0};
    if (cf->left)
        return;
    int same = is_made_of(cf, cf->mc, &fault);
    if (same == 0 && other)
        same = is_made_of(cf, other, &fault);
    if (same == -1)
        cf->left = g_strdup(buffer_string(&fault));
    else if (!same)
        cf->left = g_strdup_printf("%s is not what m4 makes of %s: it is older, or somebody changed it", cf->path, cf->mc);
    buffer_free(&fault);
}

/* The line that begins so, copied; NULL where there is none. To be freed with g_free(). */
static char *find_line(const char *text, const char *beginning)
{
    const size_t len = strlen(beginning);
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strncmp(at, beginning, len) == 0)
            return g_strndup(at, strcspn(at, "\n"));
    return NULL;
}

/* Whether the ruleset map is that endpoint. */
static bool asks(const char *text, const char *reply)
{
    g_autofree char *line = find_line(text, "Ksendmail ");
    return line && g_str_has_suffix(line, reply) && line[strlen(line) - strlen(reply) - 1] == ' ';
}

static bool has_milter(const char *text, const char *milter)
{
    g_autofree char *line = find_line(text, "Xmailwhy,"), *socket = g_strdup_printf(" S=%s,", milter);
    return line && strstr(line, socket);
}

char *wire_cf_user(const struct wire_cf *cf)
{
    static const char option[] = "O RunAsUser=";
    g_autofree char *line = find_line(buffer_string(&cf->text), option);
    return line ? g_strndup(line + strlen(option), strcspn(line + strlen(option), ":.")) : NULL;
}

/* Whether the process is root's. The folder of the file with its number may be another user's, who must not have root run a program of his. */
static bool is_roots(long pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%ld/status", pid), *line = NULL;
    struct buffer status = {0};
    if (file_edit_read(&status, path, NULL) == 0)
        line = find_line(buffer_string(&status), "Uid:\t0\t0\t");
    buffer_free(&status);
    return line;
}

static bool find_running(const struct wire_cf *cf, struct running *r)
{
    const char *text = buffer_string(&cf->text);
    g_autofree char *set = find_line(text, "O PidFile="), *usual = find_line(text, "#O PidFile="), *exe = NULL;
    const char *path = set ? set + strlen("O PidFile=") : usual ? usual + strlen("#O PidFile=") : NULL;
    struct buffer written = {0};
    struct stat st;
    long pid = 0;
    *r = (struct running){0};
    if (path && file_edit_read(&written, path, &st) == 0) {
        g_auto(GStrv) lines = g_strsplit(buffer_string(&written), "\n", 3);
        if (lines[0] && cli_number_read(lines[0], 2, INT_MAX, &pid) && is_roots(pid)) {
            snprintf(r->exe, sizeof r->exe, "/proc/%ld/exe", pid);
            exe = g_file_read_link(r->exe, NULL);
            r->may_restart = lines[1] && *lines[1] == '/';
            r->since = st.st_mtim;
        }
    }
    buffer_free(&written);
    g_autofree char *name = exe ? g_path_get_basename(exe) : NULL;
    r->pid = name && g_str_has_prefix(name, "sendmail") ? (pid_t)pid : 0;
    return r->pid != 0;
}

/* Have Sendmail itself read the new file, which lies beside the old one for this. EX_OK, or another exit status with a sentence in fault. */
static int let_read(const struct wire_cf *cf, const struct running *r, const struct buffer *text, struct buffer *fault)
{
    g_autofree char *beside = g_strconcat(cf->path, ".mailwhy", NULL);
    const char *argv[] = {r->exe, "-C", beside, "-bt", NULL};
    struct command c = {0};
    int status = EX_OK;
    unlink(beside); /* where it is a link, what that points to is not meant */
    if (file_edit_replace(beside, text, &cf->st) == -1)
        return wire_fault_at(fault, beside, "cannot be written", EX_IOERR);
    if (command_run(&c, argv) == 0 && c.status != 0) {
        const char *all = c.out.len ? buffer_string(&c.out) : buffer_string(&c.err);
        g_autofree char *said = g_strndup(all, strcspn(all, "\n"));
        buffer_printf(fault, "Sendmail does not take what m4 made of %s: %s", cf->mc, said);
        status = EX_CONFIG;
    }
    command_free(&c);
    unlink(beside);
    return status;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Tell it to start anew, and wait until it has: it writes its number again. */
static void restart(struct wire_cf *cf, const struct running *r)
{
    struct running now = *r;
    cf->running = true;
    cf->told = r->may_restart && kill(r->pid, SIGHUP) == 0;
    for (int waited = 0; cf->told && waited < RESTART_MS && !cf->restarted; waited += STEP_MS) {
        g_usleep(STEP_MS * 1000);
        cf->restarted = find_running(cf, &now) && is_later(&now.since, &r->since);
    }
}

int wire_cf_make(struct wire_cf *cf, const char *reply, struct buffer *fault)
{
    struct command c = {0};
    struct running r;
    int status = EX_OK;
    if (cf->left)
        return EX_OK;
    if (run_m4(cf->mc, &c, fault) == -1) {
        status = EX_CONFIG;
    } else if (reply && !asks(buffer_string(&c.out), reply)) {
        buffer_printf(fault, "What m4 makes of %s does not ask mailwhyd: its mailwhy.m4 is another one", cf->mc);
        status = EX_CONFIG;
    } else {
        bool running = find_running(cf, &r);
        if (running)
            status = let_read(cf, &r, &c.out, fault);
        if (status == EX_OK && file_edit_replace(cf->path, &c.out, &cf->st) == -1)
            status = wire_fault_at(fault, cf->path, "cannot be written", EX_IOERR);
        cf->made = status == EX_OK;
        if (cf->made && running)
            restart(cf, &r);
    }
    command_free(&c);
    return status;
}

bool wire_cf_asks(const struct wire_cf *cf, const char *reply)
{
    return asks(buffer_string(&cf->text), reply);
}

bool wire_cf_is_current(const struct wire_cf *cf, const struct stat *mc, const char *reply, const char *milter)
{
    return wire_cf_asks(cf, reply) && has_milter(buffer_string(&cf->text), milter) && !is_later(&mc->st_mtim, &cf->st.st_mtim);
}

static bool is_behind(const struct wire_cf *cf, struct running *r)
{
    return find_running(cf, r) && is_later(&cf->st.st_mtim, &r->since);
}

void wire_cf_catch_up(struct wire_cf *cf)
{
    struct running r;
    if (is_behind(cf, &r))
        restart(cf, &r);
}

void wire_cf_check(const struct wire_cf *cf, GPtrArray *faults, const struct stat *mc, const char *reply, const char *milter)
{
    struct running r;
    if (!wire_cf_asks(cf, reply) || !has_milter(buffer_string(&cf->text), milter))
        wire_note_add(faults, "cf-old", g_strdup_printf("%s has not been made from this sendmail.mc", cf->path),
                      g_strdup(by_hand));
    else if (!wire_cf_is_current(cf, mc, reply, milter))
        wire_note_add(faults, "cf-old", g_strdup_printf("%s is older than this sendmail.mc", cf->path), g_strdup(by_hand));
    else if (is_behind(cf, &r))
        wire_note_add(faults, "not-restarted",
                      g_strdup_printf("Sendmail (process %ld) was started before %s was made", (long)r.pid, cf->path),
                      g_strdup("restart Sendmail: systemctl restart sendmail"));
}
