#include "wire_saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

#include "file_edit.h"

#define FOLDER "mailwhy.undo"
#define NEW_FOLDER "mailwhy.undo.new"
#define RELOAD "reload"

const char *wire_config_dir(const struct wire *w)
{
    return w->live.asked ? w->live.asked : postconf_main(&w->live, "config_directory");
}

int wire_saved_read(struct wire *w, struct buffer *fault)
{
    g_autofree char *before = g_strdup_printf("%s/" FOLDER "/before", wire_config_dir(w));
    g_autofree char *after = g_strdup_printf("%s/" FOLDER "/after", wire_config_dir(w));
    if (access(before, F_OK) == -1 || access(after, F_OK) == -1)
        return EX_OK;
    int status = postconf_read(&w->before, before, fault);
    if (status == EX_OK)
        status = postconf_read(&w->after, after, fault);
    w->saved = status == EX_OK;
    return status;
}

/* Remove the files in a folder whose names have that in them. */
static void remove_files(const char *dir, const char *with)
{
    GDir *open = g_dir_open(dir, 0, NULL);
    for (const char *name; open && (name = g_dir_read_name(open));) {
        g_autofree char *path = g_strdup_printf("%s/%s", dir, name);
        if (strstr(name, with))
            unlink(path);
    }
    if (open)
        g_dir_close(open);
}

/* Remove one of our folders, where it is there; one that was killed may have left more in it than the copies. */
static void remove_folder(const char *config_dir, const char *name)
{
    static const char *const parts[] = {"before", "after"};
    for (int i = 0; i < 2; i++) {
        g_autofree char *part = g_strdup_printf("%s/%s/%s", config_dir, name, parts[i]);
        remove_files(part, "");
        rmdir(part);
    }
    g_autofree char *folder = g_strdup_printf("%s/%s", config_dir, name), *reload = g_strdup_printf("%s/" RELOAD, folder);
    unlink(reload);
    rmdir(folder);
}

static char *reload_path(const struct wire *w)
{
    return g_strdup_printf("%s/" FOLDER "/" RELOAD, wire_config_dir(w));
}

void wire_note_reload(const struct wire *w, bool due)
{
    g_autofree char *path = reload_path(w);
    int fd = due ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644) : -1;
    if (fd != -1)
        close(fd);
    if (!due)
        unlink(path);
}

bool wire_is_reload_due(const struct wire *w)
{
    g_autofree char *path = reload_path(w);
    return access(path, F_OK) == 0;
}

/* What a file is without us, where the copies say it: 1, and is to hold it then; 0 where somebody has changed it since. */
static int take_saved(struct wire_files *p, enum wire_file file, const struct wire_files *before, const struct wire_files *after)
{
    if (!file_edit_same(&p->text[file], &before->text[file]) && !file_edit_same(&p->text[file], &after->text[file]))
        return 0;
    buffer_clear(&p->text[file]);
    buffer_add(&p->text[file], buffer_string(&before->text[file]), before->text[file].len);
    return 1;
}

/* Make p, both files as they are, what they are without us. dir: a folder to work in. changes (may be NULL) gets what could not be taken from the
 * copies. */
static int without_us(struct wire *w, struct wire_files *p, const char *dir, bool restored[static WIRE_FILES], GPtrArray *changes,
                      struct buffer *fault)
{
    struct wire_files before = {0}, after = {0};
    g_autofree char *before_dir = g_strdup_printf("%s/" FOLDER "/before", wire_config_dir(w));
    g_autofree char *after_dir = g_strdup_printf("%s/" FOLDER "/after", wire_config_dir(w));
    int status = EX_OK;
    restored[WIRE_MAIN_CF] = restored[WIRE_MASTER_CF] = false;
    if (w->saved && ((status = wire_files_read(&before, before_dir, fault)) != EX_OK ||
                     (status = wire_files_read(&after, after_dir, fault)) != EX_OK))
        goto done;
    for (int file = 0; file < WIRE_FILES && status == EX_OK; file++) {
        restored[file] = w->saved && take_saved(p, (enum wire_file)file, &before, &after);
        if (restored[file])
            continue;
        GPtrArray *planned = w->changes;
        w->changes = changes;
        wire_plan_back(w, file == WIRE_MASTER_CF);
        w->changes = planned;
        status = wire_files_edit(p, dir, changes, (enum wire_file)file, fault);
    }

done:
    wire_files_free(&before);
    wire_files_free(&after);
    return status;
}

/* Make the folder with its two parts, empty. */
static int make_folder(const char *config_dir, char **before, char **after, struct buffer *fault)
{
    g_autofree char *folder = g_strdup_printf("%s/" NEW_FOLDER, config_dir);
    *before = g_strdup_printf("%s/before", folder);
    *after = g_strdup_printf("%s/after", folder);
    remove_files(config_dir, FILE_EDIT_UNFINISHED);
    for (int tries = 0; tries < 40; tries++) { /* where one was killed, its last postconf may still be writing */
        remove_folder(config_dir, NEW_FOLDER);
        if (access(folder, F_OK) == -1)
            break;
        g_usleep(50000);
    }
    if (mkdir(folder, 0755) == -1 || mkdir(*before, 0755) == -1 || mkdir(*after, 0755) == -1)
        return wire_fault_at(fault, folder, "cannot be made", EX_CANTCREAT);
    return EX_OK;
}

/* Put the new folder in place of the old one. */
static int keep_folder(const char *config_dir, struct buffer *fault)
{
    g_autofree char *new_folder = g_strdup_printf("%s/" NEW_FOLDER, config_dir),
                    *folder = g_strdup_printf("%s/" FOLDER, config_dir);
    if (renameat2(AT_FDCWD, new_folder, AT_FDCWD, folder, RENAME_EXCHANGE) == 0) {
        remove_folder(config_dir, NEW_FOLDER);
        return EX_OK;
    }
    return rename(new_folder, folder) == 0 ? EX_OK : wire_fault_at(fault, folder, "cannot be made", EX_CANTCREAT);
}

int wire_lock(const char *config_dir, struct buffer *fault)
{
    int fd = open(config_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1 || flock(fd, LOCK_EX | LOCK_NB) == -1) {
        buffer_printf(fault, "%s cannot be locked: %s%s", config_dir, strerror(errno),
                      errno == EWOULDBLOCK ? ". Another mailwhy wire is at work there" : "");
        if (fd != -1)
            close(fd);
        return -1;
    }
    return fd;
}

static struct wire_files *pair_kept(struct wire *w)
{
    if (!w->was)
        w->was = g_new0(struct wire_files, 1);
    return w->was;
}

void wire_saved_close(struct wire *w)
{
    if (w->was)
        wire_files_free(w->was);
    g_free(w->was);
    w->was = NULL;
}

int wire_apply(struct wire *w, struct buffer *fault)
{
    const char *dir = wire_config_dir(w);
    g_autofree char *before = NULL, *after = NULL;
    g_autoptr(GPtrArray) back = wire_changes_new();
    struct wire_files *was = pair_kept(w), base = {0}, to = {0};
    bool restored[WIRE_FILES];
    int status;
    if ((status = wire_files_read(was, dir, fault)) == EX_OK && (status = make_folder(dir, &before, &after, fault)) == EX_OK &&
        (status = wire_files_copy(&base, was)) == EX_OK && (status = wire_files_copy(&to, was)) == EX_OK &&
        (!w->saved || (status = without_us(w, &base, before, restored, back, fault)) == EX_OK) &&
        (status = wire_files_keep(&base, before, fault)) == EX_OK &&
        (status = wire_files_edit(&to, after, w->changes, WIRE_FILES, fault)) == EX_OK &&
        (status = wire_files_still(was, dir, fault)) == EX_OK && (status = keep_folder(dir, fault)) == EX_OK)
        status = wire_files_write(&to, dir, was, fault);
    if (status != EX_OK)
        remove_folder(dir, NEW_FOLDER);
    wire_files_free(&base);
    wire_files_free(&to);
    return status;
}

int wire_roll_back(struct wire *w, struct buffer *fault)
{
    int status = wire_files_write(w->was, wire_config_dir(w), NULL, fault);
    if (status == EX_OK && !w->saved)
        remove_folder(wire_config_dir(w), FOLDER);
    return status;
}

int wire_undo(struct wire *w, bool restored[static WIRE_FILES], struct buffer *fault)
{
    const char *dir = wire_config_dir(w);
    g_autofree char *work = NULL, *other = NULL;
    struct wire_files *was = pair_kept(w), to = {0};
    int status;
    if ((status = wire_files_read(was, dir, fault)) == EX_OK && (status = make_folder(dir, &work, &other, fault)) == EX_OK &&
        (status = wire_files_copy(&to, was)) == EX_OK &&
        (status = without_us(w, &to, work, restored, w->changes, fault)) == EX_OK &&
        (status = wire_files_still(was, dir, fault)) == EX_OK && (status = wire_files_write(&to, dir, was, fault)) == EX_OK)
        remove_folder(dir, FOLDER);
    remove_folder(dir, NEW_FOLDER);
    wire_files_free(&to);
    return status;
}
