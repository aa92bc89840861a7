#include "wire_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "file_edit.h"

const char *const wire_file_names[WIRE_FILES] = {"main.cf", "master.cf"};

void wire_files_free(struct wire_files *p)
{
    for (int i = 0; i < WIRE_FILES; i++)
        buffer_free(&p->text[i]);
}

int wire_fault_at(struct buffer *fault, const char *path, const char *what, int status)
{
    buffer_printf(fault, "%s %s: %s", path, what, strerror(errno));
    return errno == EACCES || errno == EPERM ? EX_NOPERM : status;
}

int wire_files_read(struct wire_files *p, const char *dir, struct buffer *fault)
{
    *p = (struct wire_files){0};
    for (int i = 0; i < WIRE_FILES; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", dir, wire_file_names[i]);
        if (file_edit_read(&p->text[i], path, &p->st[i]) == -1)
            return wire_fault_at(fault, path, "cannot be read", EX_NOINPUT);
    }
    return EX_OK;
}

int wire_files_write(const struct wire_files *p, const char *dir, const struct wire_files *is, struct buffer *fault)
{
    for (int i = 0; i < WIRE_FILES; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", dir, wire_file_names[i]);
        if (is && file_edit_same(&p->text[i], &is->text[i]))
            continue;
        if (file_edit_replace(path, &p->text[i], &p->st[i]) == -1) {
            int status = wire_fault_at(fault, path, "cannot be written", EX_IOERR);
            for (int done = 0; is && done < i; done++) {
                g_autofree char *first = g_strdup_printf("%s/%s", dir, wire_file_names[done]);
                file_edit_replace(first, &is->text[done], &is->st[done]);
            }
            return status;
        }
    }
    return EX_OK;
}

int wire_files_copy(struct wire_files *to, const struct wire_files *from)
{
    *to = (struct wire_files){0};
    for (int i = 0; i < WIRE_FILES; i++) {
        to->st[i] = from->st[i];
        if (buffer_add(&to->text[i], buffer_string(&from->text[i]), from->text[i].len) == -1)
            return EX_OSERR;
    }
    return EX_OK;
}

/* Give the files of a folder a time that is long past: Postfix's tools wait before they read one that was changed within the last two seconds. */
static void make_old(const char *dir)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - 3600}};
    for (int i = 0; i < WIRE_FILES; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s", dir, wire_file_names[i]);
        utimensat(AT_FDCWD, path, times, 0);
    }
}

/* Run the changes, those of main.cf or of master.cf or (WIRE_FILES) all, on the files in a folder. */
static int run_changes(const GPtrArray *changes, enum wire_file only, const char *dir, struct buffer *fault)
{
    for (guint i = 0; i < changes->len; i++) {
        const struct wire_change *c = changes->pdata[i];
        if (only != WIRE_FILES && only != (c->service ? WIRE_MASTER_CF : WIRE_MAIN_CF))
            continue;
        make_old(dir);
        if (postconf_edit(dir, c->option, c->argument, fault) == -1)
            return EX_SOFTWARE;
    }
    make_old(dir);
    return EX_OK;
}

/* Whether a parameter is in a list what a change has made of it. */
static bool is_made(const struct postconf *made, const struct wire_change *c)
{
    const struct postconf_value *v = postconf_override(made, c->service, c->name);
    if (!c->value)
        return !v || !v->is_set;
    g_auto(GStrv) wanted = wire_list_split(c->value), found = wire_list_split(v ? v->raw : "");
    return v && v->is_set && g_strv_equal((const char *const *)wanted, (const char *const *)found);
}

/* The changes are in the files of the folder. EX_OK, or another exit status with a sentence in fault. */
static int verify(const GPtrArray *changes, enum wire_file only, const char *dir, struct buffer *fault)
{
    struct postconf made;
    int status = postconf_read(&made, dir, fault);
    for (guint i = 0; i < changes->len && status == EX_OK; i++) {
        const struct wire_change *c = changes->pdata[i];
        if ((only != WIRE_FILES && only != (c->service ? WIRE_MASTER_CF : WIRE_MAIN_CF)) || is_made(&made, c))
            continue;
        buffer_printf(fault, "postconf %s '%s' did not do what it should. Nothing was changed; make this change by hand",
                      c->option, c->argument);
        status = EX_SOFTWARE;
    }
    postconf_free(&made);
    return status;
}

/* postconf appends to a last line without an end, be it a comment. */
static void end_lines(struct wire_files *p)
{
    for (int i = 0; i < WIRE_FILES; i++)
        if (p->text[i].len && p->text[i].data[p->text[i].len - 1] != '\n')
            buffer_add_char(&p->text[i], '\n');
}

int wire_files_edit(struct wire_files *p, const char *dir, const GPtrArray *changes, enum wire_file only, struct buffer *fault)
{
    struct wire_files made;
    if (!changes->len)
        return EX_OK;
    end_lines(p);
    int status = wire_files_write(p, dir, NULL, fault);
    if (status == EX_OK)
        status = run_changes(changes, only, dir, fault);
    if (status == EX_OK)
        status = verify(changes, only, dir, fault);
    if (status != EX_OK)
        return status;
    status = wire_files_read(&made, dir, fault);
    memcpy(made.st, p->st, sizeof made.st);
    wire_files_free(p);
    *p = made;
    if (status == EX_OK)
        status = wire_files_write(p, dir, NULL, fault);
    make_old(dir);
    return status;
}

int wire_files_still(const struct wire_files *was, const char *dir, struct buffer *fault)
{
    struct wire_files now;
    int status = wire_files_read(&now, dir, fault);
    for (int i = 0; i < WIRE_FILES && status == EX_OK; i++) {
        if (file_edit_same(&was->text[i], &now.text[i]))
            continue;
        buffer_printf(fault, "%s/%s was changed by somebody else meanwhile. Run this again", dir, wire_file_names[i]);
        status = EX_TEMPFAIL;
    }
    wire_files_free(&now);
    return status;
}

int wire_files_keep(const struct wire_files *p, const char *dir, struct buffer *fault)
{
    int status = wire_files_write(p, dir, NULL, fault);
    make_old(dir);
    return status;
}
