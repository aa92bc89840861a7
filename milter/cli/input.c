#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "print.h"

static const char *title(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static int complain(const char *verb, const char *path, const char *what, int status)
{
    fprintf(stderr, "mailwhy %s: ", verb);
    print_string(stderr, title(path));
    fprintf(stderr, " %s\n", what);
    return status;
}

static int complain_size(const char *verb, const char *path)
{
    return complain(verb, path,
                    "is larger than the 64 MiB that are read here. Give it the lines in question: grep ... | mailwhy explain -",
                    EX_DATAERR);
}

static int read_all(struct buffer *out, int fd, const char *path, const char *verb)
{
    char block[65536];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n == 0)
            return EX_OK;
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return complain(verb, path, strerror(errno), errno == EISDIR ? EX_NOINPUT : EX_IOERR);
        if (out->len + (size_t)n > INPUT_MAX)
            return complain_size(verb, path);
        if (buffer_add(out, block, (size_t)n) == -1)
            return complain(verb, path, "does not fit into memory", EX_OSERR);
    }
}

int input_read(struct buffer *out, const char *path, const char *verb)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return read_all(out, STDIN_FILENO, path, verb);
    bool fifo = stat(path, &st) == 0 && S_ISFIFO(st.st_mode); /* whose writer may come later */
    int fd = open(path, O_RDONLY | O_CLOEXEC | (fifo ? 0 : O_NONBLOCK) | O_NOCTTY);
    if (fd == -1 || fstat(fd, &st) == -1) {
        struct buffer why = {0};
        buffer_printf(&why, "can't be read: %s", strerror(errno));
        int status = complain(verb, path, buffer_string(&why), EX_NOINPUT);
        buffer_free(&why);
        if (fd != -1)
            close(fd);
        return status;
    }
    int status;
    if (S_ISDIR(st.st_mode))
        status = complain(verb, path, "is a directory, not a file", EX_NOINPUT);
    else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        status = complain(verb, path, "is neither a file nor a pipe", EX_NOINPUT);
    else if (S_ISREG(st.st_mode) && st.st_size > (off_t)INPUT_MAX)
        status = complain_size(verb, path);
    else
        status = read_all(out, fd, path, verb);
    close(fd);
    return status;
}
