#include <mailwhy/log_files.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <mailwhy/buffer.h>

/* A file, and when it was written last. */
struct aged {
    char *path;
    time_t time;
};

struct found {
    struct aged *all;
    size_t count;
};

/* Whether the name is that of the log behind which a rotation has put its number or its date, and a compression its own mark. */
static bool is_rotated(const char *name, const char *log)
{
    static const char *const marks[] = {"", ".gz", ".zst"};
    size_t len = strlen(log);
    if (strncmp(name, log, len) != 0 || (name[len] != '.' && name[len] != '-'))
        return false;
    const char *rest = name + len + 1;
    size_t digits = strspn(rest, "0123456789-.");
    while (digits && rest[digits - 1] == '.')
        digits--;
    for (size_t i = 0; digits && i < sizeof marks / sizeof *marks; i++)
        if (strcmp(rest + digits, marks[i]) == 0)
            return true;
    return false;
}

/* 0, or -1 with errno ENOMEM. */
static int add(struct found *f, const char *dir, const char *name, time_t since)
{
    struct buffer path = {0};
    struct stat st;
    if (buffer_printf(&path, "%s/%s", dir, name) == -1)
        return -1;
    if (stat(path.data, &st) == -1 || !S_ISREG(st.st_mode) || st.st_mtime < since) {
        buffer_free(&path);
        return 0;
    }
    struct aged *all = realloc(f->all, (f->count + 1) * sizeof *all);
    if (!all) {
        buffer_free(&path);
        return -1;
    }
    f->all = all;
    all[f->count++] = (struct aged){path.data, st.st_mtime};
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    return x->time != y->time ? (x->time < y->time ? 1 : -1) : strcmp(x->path, y->path);
}

static int find_rotated(struct found *f, const char *dir, const char *log, time_t since)
{
    DIR *d = opendir(dir);
    int result = 0;
    if (!d)
        return errno == ENOMEM ? -1 : 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(d));)
        if (is_rotated(entry->d_name, log))
            result = add(f, dir, entry->d_name, since);
    closedir(d);
    if (f->count)
        qsort(f->all, f->count, sizeof *f->all, by_age);
    return result;
}

/* Put the log itself before the others. 0, or -1 with errno ENOMEM. */
static int put_together(struct log_files *files, const char *path, const struct found *f)
{
    files->paths = calloc(f->count + 1, sizeof *files->paths);
    if (!files->paths)
        return -1;
    files->paths[0] = strdup(path);
    if (!files->paths[0]) {
        free(files->paths);
        files->paths = NULL;
        return -1;
    }
    for (size_t i = 0; i < f->count; i++)
        files->paths[i + 1] = f->all[i].path;
    files->count = f->count + 1;
    return 0;
}

int log_files_find(struct log_files *files, const char *path, time_t since)
{
    struct found f = {0};
    const char *slash = strrchr(path, '/');
    char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    *files = (struct log_files){0};
    int result = dir ? find_rotated(&f, dir, slash ? slash + 1 : path, since) : -1;
    if (result == 0)
        result = put_together(files, path, &f);
    for (size_t i = 0; result == -1 && i < f.count; i++)
        free(f.all[i].path);
    free(f.all);
    free(dir);
    if (result == -1)
        errno = ENOMEM;
    return result;
}

bool log_files_is_double(const struct log_files *files, size_t which)
{
    const char *path = files->paths[which], *mark = strrchr(path, '.');
    size_t len = mark && (strcmp(mark, ".gz") == 0 || strcmp(mark, ".zst") == 0) ? (size_t)(mark - path) : 0;
    for (size_t i = 1; len && i < files->count; i++)
        if (files->paths[i] && strlen(files->paths[i]) == len && memcmp(files->paths[i], path, len) == 0)
            return true;
    return false;
}

void log_files_free(struct log_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct log_files){0};
}
