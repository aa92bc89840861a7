#include "log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#define CHUNK 131072

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

/* Unpack what gzip made, up to where it is damaged. 0, or -1 with errno. */
static int unpack_gzip(int from, int to)
{
    char chunk[CHUNK];
    int fd = dup(from);
    gzFile in = fd == -1 ? NULL : gzdopen(fd, "rb");
    if (!in) {
        if (fd != -1)
            close(fd);
        return -1;
    }
    int n, result = 0;
    while (result == 0 && (n = gzread(in, chunk, sizeof chunk)) > 0)
        result = write_all(to, chunk, (size_t)n);
    gzclose_r(in);
    return result;
}

/* Unpack one chunk of what zstd made. 0; 1: it is damaged; -1 with errno. */
static int unpack_chunk(ZSTD_DStream *stream, ZSTD_inBuffer *in, int to)
{
    char chunk[CHUNK];
    bool full = true;
    while (in->pos < in->size || full) {
        ZSTD_outBuffer out = {chunk, sizeof chunk, 0};
        bool damaged = ZSTD_isError(ZSTD_decompressStream(stream, &out, in));
        full = out.pos == out.size;
        if (write_all(to, chunk, out.pos) == -1)
            return -1;
        if (damaged)
            return 1;
    }
    return 0;
}

/* Unpack what zstd made, likewise. */
static int unpack_zstd(int from, int to)
{
    char chunk[CHUNK];
    ZSTD_DStream *stream = ZSTD_createDStream();
    int result = stream ? 0 : -1;
    while (result == 0) {
        ssize_t n = read(from, chunk, sizeof chunk);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0) {
            result = (int)n;
            break;
        }
        ZSTD_inBuffer in = {chunk, (size_t)n, 0};
        result = unpack_chunk(stream, &in, to);
    }
    ZSTD_freeDStream(stream);
    return result == -1 ? -1 : 0;
}

static const struct {
    const char *magic;
    size_t len;
    int (*unpack)(int from, int to);
} formats[] = {{"\x1f\x8b", 2, unpack_gzip}, {"\x28\xb5\x2f\xfd", 4, unpack_zstd}};

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

/* Put in place of a compressed file what is in it. 0, or -1 with errno. */
static int unpack(int *fd)
{
    char start[4];
    ssize_t len = pread(*fd, start, sizeof start, 0);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (len < (ssize_t)formats[i].len || memcmp(start, formats[i].magic, formats[i].len) != 0)
            continue;
        int plain = make_temporary();
        if (plain == -1 || formats[i].unpack(*fd, plain) == -1) {
            int error = errno;
            if (plain != -1)
                close(plain);
            errno = error;
            return -1;
        }
        close(*fd);
        *fd = plain;
        if (lseek(plain, 0, SEEK_CUR) > 0)
            return 0;
        errno = EBADMSG;
        return -1;
    }
    return 0;
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
    if (unpack(&l->fd) == -1 || fstat(l->fd, &st) == -1)
        goto fail;
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
