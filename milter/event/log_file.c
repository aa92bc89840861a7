#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/log_source.h>

static int write_all(int fd, const char *s, size_t len)
{
    while (len) {
        ssize_t n = write(fd, s, len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        s += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A file without a name. -1 with errno. */
static int make_temporary(void)
{
    const char *dir = getenv("TMPDIR");
    int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd != -1)
        return fd;
    char path[] = "/tmp/mailwhy-log-XXXXXX";
    fd = mkostemp(path, O_CLOEXEC);
    if (fd != -1)
        unlink(path);
    return fd;
}

/* A temporary file with what is in the packed one, up to where it is damaged. -1 with errno. */
static int unpack(const char *path)
{
    struct log_source *from = log_source_open(path);
    int to = from ? make_temporary() : -1;
    char *block = NULL;
    ssize_t len = 0, got = 0;
    while (to != -1 && (got = log_source_next(from, &block)) > 0 && write_all(to, block, (size_t)got) == 0)
        len += got;
    if (to != -1 && (got > 0 || (got == -1 && (errno != EBADMSG || len == 0)))) {
        int error = errno;
        close(to);
        to = -1;
        errno = error;
    }
    free(block);
    log_source_close(from);
    return to;
}

int log_open(struct lines *l, const char *path)
{
    struct stat st;
    *l = (struct lines){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (l->fd == -1 || fstat(l->fd, &st) == -1)
        goto fail;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
        goto fail;
    }
    char start[4];
    ssize_t len = pread(l->fd, start, sizeof start, 0);
    if (len > 0 && log_source_packed(start, (size_t)len) != 0) {
        close(l->fd);
        l->fd = unpack(path);
        if (l->fd == -1 || fstat(l->fd, &st) == -1)
            goto fail;
    }
    l->size = st.st_size;
    return 0;

fail:
    log_close(l);
    return -1;
}

void log_close(struct lines *l)
{
    int error = errno;
    if (l->fd != -1)
        close(l->fd);
    free(l->block);
    *l = (struct lines){.fd = -1};
    errno = error;
}
