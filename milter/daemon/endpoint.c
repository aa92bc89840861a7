#include <mailwhy/endpoint.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

/* The path of a unix endpoint; NULL for another kind. */
static const char *unix_path(const char *endpoint)
{
    if (strncmp(endpoint, "unix:", 5) == 0)
        return endpoint + 5;
    return strncmp(endpoint, "local:", 6) == 0 ? endpoint + 6 : NULL;
}

/* What follows "inet:" or "inet6:", and the family; NULL for another kind. */
static const char *inet_part(const char *endpoint, int *family)
{
    *family = AF_INET;
    if (strncmp(endpoint, "inet:", 5) == 0)
        return endpoint + 5;
    *family = AF_INET6;
    return strncmp(endpoint, "inet6:", 6) == 0 ? endpoint + 6 : NULL;
}

static bool is_port(const char *s, size_t len)
{
    unsigned long port = 0;
    if (len == 0 || len > 5 || strspn(s, "0123456789") < len)
        return false;
    for (size_t i = 0; i < len; i++)
        port = port * 10 + (unsigned long)(s[i] - '0');
    return port >= 1 && port <= 65535;
}

const char *endpoint_fault(const char *endpoint)
{
    int family;
    const char *path = unix_path(endpoint), *inet = inet_part(endpoint, &family);
    if (path && *path != '/')
        return "the path of a unix socket must begin with /";
    if (path && strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return "the path is longer than a unix socket can have (107 octets)";
    if (path)
        return NULL;
    if (!inet)
        return "an endpoint is unix:PATH, inet:PORT@HOST or inet6:PORT@HOST";
    const char *at = strchr(inet, '@');
    if (!at || !at[1] || !is_port(inet, (size_t)(at - inet)))
        return "inet and inet6 take PORT@HOST with a port from 1 to 65535";
    return NULL;
}

static int fault_errno(struct buffer *fault, const char *endpoint, const char *what)
{
    buffer_printf(fault, "%s: %s: %s", endpoint, what, strerror(errno));
    return -1;
}

/* True where a process answers at the unix socket. */
static bool is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return true;
    bool alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN || errno == EACCES;
    close(fd);
    return alive;
}

/* Make way at the path: 0, or -1 with a fault where something else is there. */
static int clear_path(const char *endpoint, const struct sockaddr_un *address, struct buffer *fault)
{
    struct stat st;
    if (lstat(address->sun_path, &st) == -1)
        return errno == ENOENT ? 0 : fault_errno(fault, endpoint, "cannot be looked at");
    if (!S_ISSOCK(st.st_mode)) {
        buffer_printf(fault, "%s: there is a file that is not a socket; remove it, or choose another path", endpoint);
        return -1;
    }
    if (is_alive(address)) {
        buffer_printf(fault, "%s: another process answers there (is mailwhyd running already?); stop it first", endpoint);
        return -1;
    }
    return unlink(address->sun_path) == 0 ? 0 : fault_errno(fault, endpoint, "the stale socket cannot be removed");
}

/* Make the folder of the socket where only that one is missing. */
static void make_folder(const char *path, const struct endpoint_owner *owner)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    const char *folder = dirname(copy);
    if (mkdir(folder, 0750) == 0 && lchown(folder, owner->uid, owner->gid) == -1)
        rmdir(folder);
    free(copy);
}

/* Give the socket at the path to its owner. The folder may be the owner's already, and what is at the path something else by now: so not by its
 * path, and nothing but a socket. */
static int give(const char *path, const struct endpoint_owner *owner)
{
    struct stat st;
    int result = -1, fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return -1;
    if (fstat(fd, &st) == 0) {
        bool given = (owner->uid == (uid_t)-1 || owner->uid == st.st_uid) && (owner->gid == (gid_t)-1 || owner->gid == st.st_gid);
        errno = EEXIST;
        if (S_ISSOCK(st.st_mode))
            result = given ? 0 : fchownat(fd, "", owner->uid, owner->gid, AT_EMPTY_PATH);
    }
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static int listen_unix(const char *endpoint, const struct sockaddr_un *address, const struct endpoint_owner *owner,
                       struct buffer *fault)
{
    const char *path = address->sun_path;
    make_folder(path, owner);
    if (clear_path(endpoint, address, fault) == -1)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return fault_errno(fault, endpoint, "no socket");
    if (fchmod(fd, owner->mode) == -1) { /* what bind() makes has the mode of the socket itself */
        fault_errno(fault, endpoint, "the mode cannot be set");
        goto close;
    }
    mode_t mask = umask(0);
    int bound = bind(fd, (const struct sockaddr *)address, sizeof *address);
    umask(mask);
    if (bound == -1) {
        fault_errno(fault, endpoint, "cannot listen");
        goto close;
    }
    if (give(path, owner) == -1) {
        fault_errno(fault, endpoint, "owner or group cannot be set");
        goto unlink;
    }
    if (listen(fd, BACKLOG) == -1) {
        fault_errno(fault, endpoint, "cannot listen");
        goto unlink;
    }
    return fd;

unlink:
    unlink(path);
close:
    close(fd);
    return -1;
}

static int inet_address(const char *endpoint, const char *part, int family, struct sockaddr_storage *address, socklen_t *len,
                        struct buffer *fault)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    size_t port_len = strcspn(part, "@");
    char *port = strndup(part, port_len);
    int error = port ? getaddrinfo(part + port_len + 1, port, &hints, &found) : EAI_MEMORY;
    free(port);
    if (error) {
        buffer_printf(fault, "%s: %s", endpoint, gai_strerror(error));
        return -1;
    }
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int endpoint_address(const char *endpoint, struct sockaddr_storage *address, socklen_t *len, struct buffer *fault)
{
    int family;
    const char *path = unix_path(endpoint), *inet = inet_part(endpoint, &family);
    const char *wrong = endpoint_fault(endpoint);
    if (wrong) {
        buffer_printf(fault, "%s: %s", endpoint, wrong);
        return -1;
    }
    memset(address, 0, sizeof *address);
    if (!path)
        return inet_address(endpoint, inet, family, address, len, fault);
    struct sockaddr_un *to = (struct sockaddr_un *)(void *)address;
    to->sun_family = AF_UNIX;
    memcpy(to->sun_path, path, strlen(path) + 1);
    *len = sizeof *to;
    return 0;
}

static int listen_inet(const char *endpoint, const struct sockaddr_storage *address, socklen_t len, struct buffer *fault)
{
    const int on = 1;
    int family = address->ss_family, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    fault_errno(fault, endpoint, "cannot listen");
    if (fd != -1)
        close(fd);
    return -1;
}

int endpoint_listen(const char *endpoint, const struct endpoint_owner *owner, struct buffer *fault)
{
    struct sockaddr_storage address;
    socklen_t len;
    if (endpoint_address(endpoint, &address, &len, fault) == -1)
        return -1;
    if (address.ss_family == AF_UNIX)
        return listen_unix(endpoint, (const struct sockaddr_un *)(const void *)&address, owner, fault);
    return listen_inet(endpoint, &address, len, fault);
}

void endpoint_unlink(const char *endpoint)
{
    const char *path = unix_path(endpoint);
    if (path)
        unlink(path);
}

int endpoint_from_host_port(const char *s, struct buffer *out)
{
    const char *colon = strrchr(s, ':');
    bool bracketed = *s == '[' && colon && colon[-1] == ']';
    if (!colon || colon == s || strchr(s, '@'))
        return -1;
    const char *host = s + bracketed;
    int len = (int)(colon - bracketed - host);
    if (len <= 0 || (!bracketed && memchr(host, ':', (size_t)len)))
        return -1;
    buffer_clear(out);
    if (buffer_printf(out, "%s:%s@%.*s", bracketed ? "inet6" : "inet", colon + 1, len, host) == -1)
        return -1;
    return endpoint_fault(out->data) ? -1 : 0;
}

bool endpoint_is_loopback(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address = {0};
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) == -1)
        return false;
    if (address.any.sa_family == AF_INET)
        return ntohl(address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address.any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr) : address.any.sa_family == AF_UNIX;
}
