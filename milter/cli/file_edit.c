#include "file_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_all(struct buffer *out, int fd)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n == 0)
            return 0;
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (out->len + (size_t)n > FILE_EDIT_MAX) {
            errno = EFBIG;
            return -1;
        }
        if (buffer_add(out, block, (size_t)n) == -1)
            return -1;
    }
}

int file_edit_read(struct buffer *out, const char *path, struct stat *st)
{
    struct stat found;
    int result = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd == -1)
        return -1;
    if (fstat(fd, &found) == 0) {
        errno = EINVAL;
        if (S_ISREG(found.st_mode))
            result = read_all(out, fd);
    }
    if (st)
        *st = found;
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static int write_all(int fd, const struct buffer *text)
{
    for (size_t done = 0; done < text->len;) {
        ssize_t n = write(fd, text->data + done, text->len - done);
        if (n == -1 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Have the folder's new entry on the disk. What it holds has been done already, so a failure says nothing. */
static void sync_folder(char *path)
{
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return;
    fsync(fd);
    close(fd);
}

int file_edit_replace(const char *path, const struct buffer *text, const struct stat *like)
{
    char *real = realpath(path, NULL), *made = NULL;
    int result = -1, fd = -1;
    if (!real && errno == ENOENT)
        real = strdup(path);
    if (!real)
        return -1;
    if (asprintf(&made, "%s.mailwhy-XXXXXX", real) == -1) {
        made = NULL;
        goto done;
    }
    fd = mkostemp(made, O_CLOEXEC);
    if (fd == -1)
        goto done;
    /* The mode after the owner: a change of owner takes the set-id bits away. */
    if (write_all(fd, text) == -1 || fchown(fd, like->st_uid, like->st_gid) == -1 || fchmod(fd, like->st_mode & 07777) == -1 ||
        fsync(fd) == -1 || rename(made, real) == -1) {
        int error = errno;
        unlink(made);
        errno = error;
        goto done;
    }
    sync_folder(real);
    result = 0;

done:;
    int error = errno;
    if (fd != -1)
        close(fd);
    free(made);
    free(real);
    errno = error;
    return result;
}

bool file_edit_same(const struct buffer *a, const struct buffer *b)
{
    return a->len == b->len && memcmp(buffer_string(a), buffer_string(b), a->len) == 0;
}
