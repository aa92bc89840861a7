#include "authlog_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/buffer.h>

#define FIRST_LINE "mailwhyd: how far a mail log was read, 1"
#define STATE_MODE 0640
#define STATE_MAX 8192

/* The next line of the text, with its end taken off. NULL: there is none. */
static char *next_line(char **text)
{
    char *line = *text, *end = line ? strchr(line, '\n') : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return line;
}

int authlog_state_read(struct authlog_state *state, const char *path, const char *log)
{
    char text[STATE_MAX], *at = text;
    struct authlog_state got;
    size_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1)
        return errno == ENOENT ? 0 : -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    int error = errno;
    close(fd);
    if (n == -1) {
        errno = error;
        return -1;
    }
    text[n] = '\0';
    const char *first = next_line(&at), *of = next_line(&at), *place = next_line(&at), *events = next_line(&at);
    if (!events || strcmp(first, FIRST_LINE) != 0 || (len = strlen(place)) >= sizeof got.log ||
        follow_position_parse(events, &got.events) == -1) {
        errno = EBADMSG;
        return -1;
    }
    if (strcmp(of, log) != 0) {
        errno = ESTALE;
        return -1;
    }
    memcpy(got.log, place, len + 1);
    *state = got;
    return 1;
}

static int write_file(const char *path, const struct buffer *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, STATE_MODE);
    if (fd == -1)
        return -1;
    errno = ENOSPC;
    int result = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0 ? 0 : -1;
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

int authlog_state_write(const struct authlog_state *state, const char *path, const char *log)
{
    struct buffer text = {0}, other = {0};
    char events[FOLLOW_POSITION_SIZE];
    follow_position_format(&state->events, events);
    buffer_printf(&text, FIRST_LINE "\n%s\n%s\n%s\n", log, state->log, events);
    buffer_printf(&other, "%s.new", path);
    int result = -1;
    errno = ENOMEM;
    if (buffer_ok(&text) && buffer_ok(&other)) {
        result = write_file(other.data, &text);
        if (result == 0)
            result = rename(other.data, path);
    }
    int error = errno;
    buffer_free(&text);
    buffer_free(&other);
    errno = error;
    return result;
}
