#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* 0, or an error number. */
static int spawn(pid_t *pid, const char *const *argv, int out, int err)
{
    posix_spawn_file_actions_t actions;
    char *const *arguments = (char *const *)(uintptr_t)argv;
    int error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    if ((error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO)) == 0) {
        error = posix_spawnp(pid, argv[0], &actions, NULL, arguments, environ);
        char path[64];
        if (error == ENOENT && !strchr(argv[0], '/') && /* su without - leaves the administrator's folders out of PATH */
            snprintf(path, sizeof path, "/usr/sbin/%s", argv[0]) < (int)sizeof path)
            error = posix_spawn(pid, path, &actions, NULL, arguments, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Take what there is to read. 1, 0: the end, or -1 with errno. */
static int take(struct buffer *to, int fd)
{
    char block[16384];
    ssize_t n = read(fd, block, sizeof block);
    if (n == -1)
        return errno == EINTR || errno == EAGAIN ? 1 : -1;
    for (ssize_t i = 0; i < n; i++)
        if (!block[i])
            block[i] = '?';
    if (to->len + (size_t)n > COMMAND_OUTPUT_MAX) {
        errno = EFBIG;
        return -1;
    }
    return buffer_add(to, block, (size_t)n) == -1 ? -1 : n > 0;
}

/* Read both ends of the pipes until their writers are gone. 0, or -1 with errno. */
static int take_all(struct command *c, int out, int err)
{
    struct pollfd ends[] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    struct buffer *to[] = {&c->out, &c->err};
    const time_t end = time(NULL) + COMMAND_SECONDS;
    while (ends[0].fd != -1 || ends[1].fd != -1) {
        int ready = poll(ends, 2, 1000);
        if (ready == -1 && errno != EINTR)
            return -1;
        if (time(NULL) > end) {
            errno = ETIMEDOUT;
            return -1;
        }
        for (int i = 0; ready > 0 && i < 2; i++) {
            int got = ends[i].revents ? take(to[i], ends[i].fd) : 1;
            if (got == -1)
                return -1;
            if (got == 0)
                ends[i].fd = -1;
        }
    }
    return 0;
}

static void close_both(const int *ends)
{
    for (int i = 0; i < 2; i++)
        if (ends[i] != -1)
            close(ends[i]);
}

int command_run(struct command *c, const char *const *argv)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1}, result = -1, status = 0;
    pid_t pid = -1;
    *c = (struct command){0};
    if (pipe2(out, O_CLOEXEC) == -1 || pipe2(err, O_CLOEXEC) == -1)
        goto done;
    int error = spawn(&pid, argv, out[1], err[1]);
    if (error) {
        errno = error;
        goto done;
    }
    c->pid = pid;
    close(out[1]);
    close(err[1]);
    out[1] = err[1] = -1;
    result = take_all(c, out[0], err[0]);
    error = errno;
    if (result == -1)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    errno = error;

done:
    error = errno;
    close_both(out);
    close_both(err);
    errno = error;
    return result;
}

void command_free(struct command *c)
{
    buffer_free(&c->out);
    buffer_free(&c->err);
}
