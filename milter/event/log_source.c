#include <mailwhy/log_source.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#define READ_SIZE ((size_t)1 << 18)
#define ROOM (2 * LOG_SOURCE_LINE_MAX)
#define TELLING ((size_t)1 << 12) /* octets from which the format of what was unpacked is told */

/* How a kind of file is read: fill from what is packed. */
struct format;

struct log_source {
    int fd;
    off_t done, size;
    const struct format *format;
    z_stream gzip;
    ZSTD_DStream *zstd;
    char packed[READ_SIZE];
    size_t packed_len, packed_at;
    bool packed_end;
    bool amid; /* the compressed data must go on */
    bool over; /* what follows is none of it: padding */
    int fault; /* of what has been handed out before it; 0: none */
    char *block; /* ROOM octets */
    size_t len;
    bool told; /* split.format is */
    struct journal_split split;
};

struct format {
    const char *magic;
    size_t len;
    int (*begin)(struct log_source *s); /* 0, or -1 with errno */
    ssize_t (*unpack)(struct log_source *s, char *to, size_t room); /* from packed; 0: more of it is needed, or fault is set */
    void (*end)(struct log_source *s);
};

static ssize_t read_some(struct log_source *s, char *to, size_t room)
{
    ssize_t n;
    do
        n = read(s->fd, to, room);
    while (n == -1 && errno == EINTR);
    s->packed_end = n == 0;
    s->done += n > 0 ? n : 0;
    return n;
}

/* Read more of the file. 1; 0: its end; -1 with errno. */
static int read_packed(struct log_source *s)
{
    if (s->packed_end)
        return 0;
    memmove(s->packed, s->packed + s->packed_at, s->packed_len - s->packed_at);
    s->packed_len -= s->packed_at;
    s->packed_at = 0;
    ssize_t n = read_some(s, s->packed + s->packed_len, sizeof s->packed - s->packed_len);
    if (n <= 0)
        return (int)n;
    s->packed_len += (size_t)n;
    return 1;
}

static ssize_t read_plain(struct log_source *s, char *to, size_t room)
{
    ssize_t n = s->packed_end ? 0 : read_some(s, to, room);
    s->fault = n == -1 ? errno : 0;
    return n > 0 ? n : 0;
}

/* What was read to tell the format, then from the file itself. */
static ssize_t unpack_plain(struct log_source *s, char *to, size_t room)
{
    size_t len = s->packed_len - s->packed_at;
    if (len == 0)
        return read_plain(s, to, room < READ_SIZE ? room : READ_SIZE);
    len = len < room ? len : room;
    memcpy(to, s->packed + s->packed_at, len);
    s->packed_at += len;
    return (ssize_t)len;
}

static int begin_gzip(struct log_source *s)
{
    if (inflateInit2(&s->gzip, 15 + 16) == Z_OK)
        return 0;
    errno = ENOMEM;
    return -1;
}

static ssize_t unpack_gzip(struct log_source *s, char *to, size_t room)
{
    s->gzip.next_in = (unsigned char *)s->packed + s->packed_at;
    s->gzip.avail_in = (unsigned)(s->packed_len - s->packed_at);
    s->gzip.next_out = (unsigned char *)to;
    s->gzip.avail_out = (unsigned)room;
    if (s->gzip.avail_in && !s->amid && *s->gzip.next_in == 0) /* as tapes pad, and gzip takes it */
        s->over = true;
    int got = s->gzip.avail_in && !s->over ? inflate(&s->gzip, Z_NO_FLUSH) : Z_BUF_ERROR;
    s->packed_at = s->packed_len - s->gzip.avail_in;
    s->amid = got == Z_OK || (s->amid && got == Z_BUF_ERROR);
    if (got == Z_STREAM_END)
        got = inflateReset(&s->gzip); /* another member may follow */
    if (got != Z_OK && got != Z_BUF_ERROR)
        s->fault = got == Z_MEM_ERROR ? ENOMEM : EBADMSG;
    return (ssize_t)(room - s->gzip.avail_out);
}

static void end_gzip(struct log_source *s)
{
    inflateEnd(&s->gzip);
}

static int begin_zstd(struct log_source *s)
{
    s->zstd = ZSTD_createDStream();
    errno = s->zstd ? errno : ENOMEM;
    return s->zstd ? 0 : -1;
}

static ssize_t unpack_zstd(struct log_source *s, char *to, size_t room)
{
    if (s->packed_at == s->packed_len)
        return 0;
    ZSTD_inBuffer in = {s->packed, s->packed_len, s->packed_at};
    ZSTD_outBuffer out = {to, room, 0};
    size_t got = ZSTD_decompressStream(s->zstd, &out, &in);
    s->packed_at = in.pos;
    s->amid = got != 0;
    if (ZSTD_isError(got))
        s->fault = EBADMSG;
    return (ssize_t)out.pos;
}

static void end_zstd(struct log_source *s)
{
    ZSTD_freeDStream(s->zstd);
}

static int begin_other(struct log_source *s)
{
    (void)s;
    errno = EPROTONOSUPPORT;
    return -1;
}

static const struct format formats[] = {{"\x1f\x8b", 2, begin_gzip, unpack_gzip, end_gzip},
                                        {"\x28\xb5\x2f\xfd", 4, begin_zstd, unpack_zstd, end_zstd},
                                        {"\xfd\x37zX", 4, begin_other, NULL, NULL}, /* xz */
                                        {"BZh", 3, begin_other, NULL, NULL}, /* bzip2 */
                                        {"\x04\x22\x4d\x18", 4, begin_other, NULL, NULL}, /* lz4 */
                                        {"", 0, NULL, unpack_plain, NULL}};

/* The format of a file that begins with that. */
static const struct format *format_of(const char *start, size_t len)
{
    const struct format *f = formats;
    while (len < f->len || memcmp(start, f->magic, f->len) != 0)
        f++;
    return f;
}

int log_source_packed(const char *start, size_t len)
{
    const struct format *f = format_of(start, len);
    return f->len == 0 ? 0 : f->unpack ? 1 : -1;
}

/* Tell the format by what the file begins with. 0, or -1 with errno. */
static int begin(struct log_source *s)
{
    int got;
    do
        got = read_packed(s);
    while (got == 1 && s->packed_len < 4);
    if (got == -1)
        return -1;
    s->format = format_of(s->packed, s->packed_len);
    return s->format->begin ? s->format->begin(s) : 0;
}

struct log_source *log_source_open(const char *path)
{
    struct stat st;
    struct log_source *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    s->block = malloc(ROOM);
    if (s->fd == -1 || !s->block || fstat(s->fd, &st) == -1)
        goto fail;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        goto fail;
    }
    s->size = S_ISREG(st.st_mode) ? st.st_size : 0;
    if (begin(s) == 0)
        return s;
fail:
    log_source_close(s);
    return NULL;
}

/* Unpack into the block what there is room for. 1; 0: the end; -1 with errno. */
static int fill(struct log_source *s)
{
    while (s->len < ROOM) {
        ssize_t n = s->fault ? 0 : s->format->unpack(s, s->block + s->len, ROOM - s->len);
        s->len += (size_t)n;
        if (n > 0)
            return 1;
        if (s->fault) {
            errno = s->fault;
            return -1;
        }
        int got = s->over ? 0 : read_packed(s);
        if (got == 0 && s->amid) { /* it ends too early */
            errno = EBADMSG;
            return -1;
        }
        if (got != 1)
            return got;
    }
    return 1;
}

/* Give the first octets of the block to the caller, in exchange for a block that gets the rest. How many, or -1 with errno ENOMEM. */
static ssize_t hand_out(struct log_source *s, size_t len, char **block)
{
    char *other = *block ? *block : malloc(ROOM);
    if (!other)
        return -1;
    memcpy(other, s->block + len, s->len - len);
    *block = s->block;
    s->block = other;
    s->len -= len;
    return (ssize_t)len;
}

/* How many octets of the block are whole lines. */
static size_t whole_lines(const struct log_source *s, bool last)
{
    const char *end = memrchr(s->block, '\n', s->len);
    size_t piece = s->len >= LOG_SOURCE_LINE_MAX ? LOG_SOURCE_LINE_MAX : last ? s->len : 0;
    return end ? (size_t)(end - s->block) + 1 : piece;
}

/* How many octets of the block are whole entries; those that are passed over are dropped. */
static size_t whole_entries(struct log_source *s, bool last)
{
    struct span whole;
    size_t done = journal_split(&s->split, s->block, s->len, last, &whole), len = span_length(whole);
    s->len -= done - len;
    memmove(s->block, s->block + (done - len), s->len);
    return len;
}

ssize_t log_source_next(struct log_source *s, char **block)
{
    for (;;) {
        int got = fill(s);
        if (got == 1 && !s->told && s->len < TELLING)
            continue;
        if (!s->told)
            s->split.format = journal_format(s->block, s->len);
        s->told = true;
        if (got != 1 && s->len == 0)
            return got;
        size_t len = s->split.format == JOURNAL_NONE ? whole_lines(s, got != 1) : whole_entries(s, got != 1);
        if (len)
            return hand_out(s, len, block); /* a fault comes with the next call */
    }
}

enum journal_format log_source_format(const struct log_source *s)
{
    return s->split.format;
}

unsigned long log_source_lost(const struct log_source *s)
{
    return s->split.lost;
}

bool log_source_plain(const struct log_source *s)
{
    return s->format->unpack == unpack_plain;
}

void log_source_progress(const struct log_source *s, off_t *done, off_t *size)
{
    *done = s->done;
    *size = s->size;
}

void log_source_close(struct log_source *s)
{
    int error = errno;
    if (!s)
        return;
    if (s->format && s->format->end)
        s->format->end(s);
    if (s->fd != -1)
        close(s->fd);
    free(s->block);
    free(s);
    errno = error;
}
