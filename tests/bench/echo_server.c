/* A socketmap server that thinks nothing: each request is answered with the same value. What the reply map is measured against.
 * usage: echo_server PATH OCTETS (of the value) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE 65536

static char answer[READ_SIZE];
static size_t answer_len;

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    umask(0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, 64) == -1)
        return -1;
    return fd;
}

static void make_answer(size_t value_len)
{
    int prefix = snprintf(answer, sizeof answer, "%zu:OK ", value_len + 3);
    memset(answer + prefix, 'x', value_len);
    answer[(size_t)prefix + value_len] = ',';
    answer_len = (size_t)prefix + value_len + 1;
}

/* Answer the requests read. The octets that were whole requests, -1 where the peer is gone or talks nonsense. */
static ssize_t answer_all(int fd, char *s, size_t len)
{
    size_t taken = 0;
    for (;;) {
        s[len] = '\0';
        char *colon;
        size_t size = strtoul(s + taken, &colon, 10);
        if (colon == s + len)
            return (ssize_t)taken;
        size_t whole = (size_t)(colon - s) + 1 + size + 1;
        if (*colon != ':' || size >= READ_SIZE - 16)
            return -1;
        if (whole > len)
            return (ssize_t)taken;
        if (write(fd, answer, answer_len) != (ssize_t)answer_len)
            return -1;
        taken = whole;
    }
}

/* Serve one connection to its end, waiting by epoll as a server of many has to. */
static void serve(int poll, int fd)
{
    static char read_buffer[READ_SIZE + 1];
    size_t len = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    while (epoll_wait(poll, &event, 1, -1) == 1) {
        ssize_t n = read(fd, read_buffer + len, READ_SIZE - len);
        if (n <= 0)
            return;
        len += (size_t)n;
        ssize_t taken = answer_all(fd, read_buffer, len);
        if (taken == -1)
            return;
        len -= (size_t)taken;
        memmove(read_buffer, read_buffer + taken, len);
    }
}

int main(int argc, char **argv)
{
    size_t value_len = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (value_len == 0 || value_len > READ_SIZE - 32) {
        fputs("usage: echo_server PATH OCTETS\n", stderr);
        return 64;
    }
    make_answer(value_len);
    int listener = listen_at(argv[1]), poll = epoll_create1(0);
    if (listener == -1 || poll == -1) {
        perror(argv[1]);
        return 1;
    }
    for (int fd; (fd = accept(listener, NULL, NULL)) != -1; close(fd))
        serve(poll, fd);
    return 1;
}
