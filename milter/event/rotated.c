#include "rotated.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/log_files.h>

#include "log_file.h"
#include "tail.h"

/* 0, or -1 with errno. */
static int open_file(struct rotated_file *file, const char *path)
{
    struct lines lines;
    if (log_open(&lines, path) == -1)
        return -1;
    if (stat(path, &file->st) == -1) {
        log_close(&lines);
        return -1;
    }
    file->fd = lines.fd;
    return 0;
}

/* Open the file if that stands in it before the position. */
static bool open_holding(struct rotated_file *file, const char *path, const struct follow_position *p)
{
    uint64_t hash;
    if (open_file(file, path) == -1)
        return false;
    if (tail_hash(file->fd, p->offset, &hash) == 0 && hash == p->hash)
        return true;
    close(file->fd);
    return false;
}

/* Which of the files the position is in: that of its inode, else one with the same before it, as a copy or a compressed one. files->count: none. */
static size_t find(const struct log_files *files, const struct follow_position *p, struct rotated_file *file)
{
    struct stat st;
    for (size_t i = 0; i < files->count; i++)
        if (stat(files->paths[i], &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode &&
            open_holding(file, files->paths[i], p))
            return i;
    for (size_t i = 0; p->offset > 0 && i < files->count; i++)
        if (open_holding(file, files->paths[i], p))
            return i;
    return files->count;
}

/* The rotated ones before that index, the newest first, are to be read. 0, or -1: errno ENOMEM. */
static int take(struct rotated *r, struct log_files *files, size_t end)
{
    rotated_clear(r);
    r->paths = calloc(end + 1, sizeof *r->paths);
    if (!r->paths)
        return -1;
    for (size_t i = 1; i < end; i++) {
        if (log_files_is_double(files, i)) {
            free(files->paths[i]);
            files->paths[i] = NULL;
        }
    }
    for (size_t i = 1; i < end; i++) {
        if (files->paths[i])
            r->paths[r->count++] = files->paths[i];
        files->paths[i] = NULL;
    }
    return 0;
}

int rotated_find(struct rotated *r, const char *log, const struct follow_position *p, struct rotated_file *file)
{
    struct log_files files;
    rotated_clear(r);
    if (log_files_find(&files, log, p->time) == -1)
        return -1;
    size_t which = find(&files, p, file);
    int result = which < files.count;
    file->is_log = which == 0;
    if (result && take(r, &files, which) == -1) {
        close(file->fd);
        result = -1;
    }
    log_files_free(&files);
    return result;
}

int rotated_since(struct rotated *r, const char *log, time_t since)
{
    struct log_files files;
    if (log_files_find(&files, log, since) == -1)
        return -1;
    int result = take(r, &files, files.count);
    log_files_free(&files);
    return result;
}

bool rotated_next(struct rotated *r, struct rotated_file *file)
{
    bool got = false;
    file->is_log = false;
    while (!got && r->count) {
        char *path = r->paths[--r->count];
        got = open_file(file, path) == 0;
        free(path);
    }
    return got;
}

void rotated_clear(struct rotated *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->paths[i]);
    free(r->paths);
    *r = (struct rotated){0};
}
