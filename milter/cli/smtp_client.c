#include "smtp_client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct smtp_client {
    int fd;
    struct tls *tls; /* NULL: in clear */
    long timeout;
    struct timespec deadline; /* of what is under way */
    size_t start, end; /* of what came and was not taken, in octets */
    char octets[4096];
};

static const char lost[] = "the server ended the connection";

static int fail(struct buffer *fault, const char *what)
{
    buffer_clear(fault);
    buffer_add_string(fault, what);
    return -1;
}

static int fail_errno(struct buffer *fault, const char *what)
{
    int error = errno;
    buffer_clear(fault);
    buffer_printf(fault, "%s: %s", what, strerror(error));
    return -1;
}

static int fail_late(const struct smtp_client *c, struct buffer *fault)
{
    buffer_clear(fault);
    buffer_printf(fault, "the server did not answer within %ld seconds (--timeout)", c->timeout);
    return -1;
}

static void set_deadline(struct smtp_client *c)
{
    clock_gettime(CLOCK_MONOTONIC, &c->deadline);
    c->deadline.tv_sec += c->timeout;
}

/* Wait until the socket is ready for that, or the deadline is there. */
static int wait_for(struct smtp_client *c, short events, struct buffer *fault)
{
    for (;;) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        long left = (c->deadline.tv_sec - now.tv_sec) * 1000 + (c->deadline.tv_nsec - now.tv_nsec) / 1000000;
        if (left <= 0)
            break;
        struct pollfd poll_fd = {.fd = c->fd, .events = events};
        int got = poll(&poll_fd, 1, (int)left);
        if (got > 0)
            return 0;
        if (got == -1 && errno != EINTR)
            return fail_errno(fault, "waiting for the server failed");
    }
    return fail_late(c, fault);
}

/* Wait as a call that came to result asks for. 0: make it again; -1: fault. */
static int wait_again(struct smtp_client *c, int result, struct buffer *fault)
{
    switch (result) {
    case TLS_WANTS_READ:
        return wait_for(c, POLLIN, fault);
    case TLS_WANTS_WRITE:
        return wait_for(c, POLLOUT, fault);
    case TLS_ENDED:
        return fail(fault, lost);
    default:
        return -1;
    }
}

/* What a call of the system on the socket came to, as TLS has it. */
static int result_of(ssize_t got, int wants, const char *what, struct buffer *fault)
{
    if (got >= 0)
        return (int)got;
    if (errno == EAGAIN || errno == EINTR)
        return wants;
    return errno == EPIPE || errno == ECONNRESET ? TLS_ENDED : fail_errno(fault, what);
}

static int wait_connected(struct smtp_client *c, struct buffer *fault)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (wait_for(c, POLLOUT, fault) == -1)
        return -1;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error)
        return 0;
    errno = error ? error : errno;
    return fail_errno(fault, "no connection");
}

struct smtp_client *smtp_client_connect(const struct sockaddr *to, socklen_t len, long timeout, struct buffer *fault)
{
    struct smtp_client *c = calloc(1, sizeof *c);
    if (!c) {
        fail(fault, "out of memory");
        return NULL;
    }
    c->timeout = timeout;
    set_deadline(c);
    c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int result = c->fd == -1 ? -1 : connect(c->fd, to, len);
    if (result == -1 && c->fd != -1 && errno == EINPROGRESS)
        result = wait_connected(c, fault);
    else if (result == -1)
        fail_errno(fault, "no connection");
    if (result == 0)
        return c;
    smtp_client_close(c);
    return NULL;
}

int smtp_client_start_tls(struct smtp_client *c, const struct tls_options *options, struct buffer *fault)
{
    if (c->start < c->end)
        return fail(fault, "the server went on in clear after its reply to STARTTLS: somebody may be in between");
    struct tls *t = tls_new(c->fd, options, fault);
    if (!t)
        return -1;
    set_deadline(c);
    int result;
    while ((result = tls_connect(t, fault)) <= 0)
        if (wait_again(c, result, fault) == -1)
            break;
    if (result > 0) {
        c->tls = t;
        return 0;
    }
    tls_free(t);
    return -1;
}

struct tls_facts smtp_client_tls(const struct smtp_client *c)
{
    return c->tls ? tls_facts(c->tls) : (struct tls_facts){0};
}

int smtp_client_send(struct smtp_client *c, const char *line, struct buffer *fault)
{
    struct buffer all = {0};
    int result = 0;
    size_t done = 0;
    set_deadline(c);
    if (buffer_printf(&all, "%s\r\n", line) == -1)
        return fail(fault, "out of memory");
    while (done < all.len && result != -1) {
        const char *at = all.data + done;
        size_t left = all.len - done;
        int sent = c->tls ? tls_write(c->tls, at, left, fault)
                          : result_of(send(c->fd, at, left, MSG_NOSIGNAL), TLS_WANTS_WRITE, "sending failed", fault);
        if (sent > 0)
            done += (size_t)sent;
        else
            result = wait_again(c, sent, fault);
    }
    explicit_bzero(all.data, all.len);
    buffer_free(&all);
    return result;
}

/* A server that sends a little all the time is as late as one that sends nothing. */
static bool is_late(const struct smtp_client *c)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > c->deadline.tv_sec || (now.tv_sec == c->deadline.tv_sec && now.tv_nsec > c->deadline.tv_nsec);
}

/* Take what came, as TLS has it. */
static int fill_some(struct smtp_client *c, struct buffer *fault)
{
    int got = c->tls ? tls_read(c->tls, c->octets, sizeof c->octets, fault)
                     : result_of(recv(c->fd, c->octets, sizeof c->octets, 0), TLS_WANTS_READ, "reading failed", fault);
    c->start = 0;
    c->end = got > 0 ? (size_t)got : 0;
    return got;
}

bool smtp_client_has_more(struct smtp_client *c)
{
    struct buffer ignored = {0}; /* it is said by the next call */
    bool more = c->start < c->end || fill_some(c, &ignored) > 0;
    buffer_free(&ignored);
    return more;
}

/* Have some octets to take. */
static int fill(struct smtp_client *c, struct buffer *fault)
{
    if (is_late(c))
        return fail_late(c, fault);
    for (;;) {
        int got = fill_some(c, fault);
        if (got > 0)
            return 0;
        if (wait_again(c, got, fault) == -1)
            return -1;
    }
}

/* Append a line, with its end. */
static int read_line(struct smtp_client *c, struct buffer *text, struct buffer *fault)
{
    size_t before = text->len;
    for (;;) {
        if (c->start == c->end && fill(c, fault) == -1)
            return -1;
        const char *at = c->octets + c->start, *lf = memchr(at, '\n', c->end - c->start);
        size_t taken = lf ? (size_t)(lf - at) + 1 : c->end - c->start;
        if (text->len + taken - before > SMTP_LINE_MAX)
            return fail(fault, "a line of the server's reply does not end");
        if (text->len + taken > SMTP_REPLY_MAX)
            return fail(fault, "the server's reply does not end");
        if (buffer_add(text, at, taken) == -1)
            return fail(fault, "out of memory");
        c->start += taken;
        if (lf)
            return 0;
    }
}

int smtp_client_read(struct smtp_client *c, struct buffer *text, struct reply *reply, struct buffer *fault)
{
    size_t line;
    unsigned count = 0;
    *reply = (struct reply){0};
    buffer_clear(text);
    set_deadline(c);
    do {
        line = text->len;
        if (count++ == REPLY_LINES_MAX)
            return fail(fault, "the server's reply does not end");
        if (read_line(c, text, fault) == -1)
            return -1;
    } while (text->len - line > 3 && text->data[line + 3] == '-' && isdigit((unsigned char)text->data[line]));
    size_t len = text->len - 1;
    buffer_cut(text, len && text->data[len - 1] == '\r' ? len - 1 : len);
    if (reply_parse(reply, text->data, text->len) == 0)
        return 0;
    return fail(fault, errno == ENOMEM ? "out of memory" : "what the server said is no SMTP reply");
}

/* An address and its family, as a socket has it. */
struct address {
    sa_family_t family;
    unsigned char octets[sizeof(struct in6_addr)];
};

static struct address address_of(const struct smtp_client *c, int (*get)(int, struct sockaddr *, socklen_t *))
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } from = {0};
    socklen_t len = sizeof from;
    struct address address = {0};
    if (get(c->fd, &from.any, &len) == 0) {
        address.family = from.any.sa_family;
        if (address.family == AF_INET6)
            memcpy(address.octets, &from.six.sin6_addr, sizeof from.six.sin6_addr);
        else
            memcpy(address.octets, &from.four.sin_addr, sizeof from.four.sin_addr);
    }
    return address;
}

static int own_name(int fd, struct sockaddr *to, socklen_t *len)
{
    return getsockname(fd, to, len);
}

static int peer_name(int fd, struct sockaddr *to, socklen_t *len)
{
    return getpeername(fd, to, len);
}

void smtp_client_literal(const struct smtp_client *c, struct buffer *out)
{
    const struct address own = address_of(c, own_name);
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(own.family, own.octets, text, sizeof text);
    buffer_printf(out, own.family == AF_INET6 ? "[IPv6:%s]" : "[%s]", text);
}

bool smtp_client_is_local(const struct smtp_client *c)
{
    const struct address own = address_of(c, own_name), peer = address_of(c, peer_name);
    if (own.family == AF_INET && peer.family == AF_INET && peer.octets[0] == IN_LOOPBACKNET)
        return true;
    return own.family == peer.family && memcmp(own.octets, peer.octets, sizeof own.octets) == 0;
}

void smtp_client_close(struct smtp_client *c)
{
    if (!c)
        return;
    tls_free(c->tls);
    if (c->fd != -1)
        close(c->fd);
    free(c);
}
