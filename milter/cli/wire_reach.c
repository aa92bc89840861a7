#include "wire_check.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <mailwhy/netstring.h>

#define ANSWER_MS 3000

static const char start[] = "systemctl reset-failed mailwhyd; systemctl restart mailwhyd.socket mailwhyd; journalctl -u mailwhyd "
                            "says why it ended. Its configuration must be that which "
                            "this was checked by (--config)";
static const char group[] =
    "socket_group in mailwhy.conf, or SocketGroup in mailwhyd.socket where systemd holds the sockets, must be a group of that "
    "user (as shipped: postfix), and the mode 0660; then restart mailwhyd, or both units";

/* Who it is that connects. */
struct identity {
    uid_t uid;
    gid_t groups[256];
    int count;
    const char *name, *program;
};

static bool identity_find(struct identity *who, const char *name, const char *program)
{
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return false;
    *who = (struct identity){
        .uid = entry->pw_uid, .count = (int)(sizeof who->groups / sizeof *who->groups), .name = name, .program = program};
    getgrouplist(name, entry->pw_gid, who->groups, &who->count);
    if (who->count > (int)(sizeof who->groups / sizeof *who->groups))
        who->count = (int)(sizeof who->groups / sizeof *who->groups);
    return true;
}

/* Whether the mode bits give it that right: 4 read, 2 write, 1 search. */
static bool may(const struct identity *who, const struct stat *st, mode_t right)
{
    if (who->uid == 0)
        return true;
    if (st->st_uid == who->uid)
        return st->st_mode >> 6 & right;
    for (int i = 0; i < who->count; i++)
        if (st->st_gid == who->groups[i])
            return st->st_mode >> 3 & right;
    return st->st_mode & right;
}

static char *describe(const char *path, const struct stat *st)
{
    const struct passwd *user = getpwuid(st->st_uid);
    g_autofree char *owner = user ? g_strdup(user->pw_name) : g_strdup_printf("%u", (unsigned)st->st_uid);
    const struct group *entry = getgrgid(st->st_gid);
    g_autofree char *of = entry ? g_strdup(entry->gr_name) : g_strdup_printf("%u", (unsigned)st->st_gid);
    return g_strdup_printf("%s (%s:%s, mode %04o)", path, owner, of, (unsigned)(st->st_mode & 07777));
}

/* Whether it may get to the path, from the folder that it sees as its root on. False: what hinders it is among the faults. */
static bool check_permissions(GPtrArray *faults, const char *path, const char *root, const struct identity *who)
{
    g_autofree char *part = g_strdup(path);
    struct stat st;
    size_t from = strlen(root);
    for (char *end = part + (from > 1 ? from : 0); end; end = strchr(end + 1, '/')) {
        char cut = *end;
        if (!cut)
            break;
        *end = '\0';
        int found = stat(*part ? part : "/", &st);
        bool passes = found == 0 && may(who, &st, 1);
        if (!passes) {
            g_autofree char *name = found == 0 ? describe(*part ? part : "/", &st) : g_strdup(part);
            wire_note_add(faults,
                          found == 0        ? "permission"
                          : errno == EACCES ? "not-seen"
                                            : "not-running",
                          found == 0
                              ? g_strdup_printf("%s cannot be passed by user %s, as which %s runs", name, who->name, who->program)
                              : g_strdup_printf("%s: %s", name, strerror(errno)),
                          g_strdup(found == 0        ? group
                                   : errno == EACCES ? "run this as root"
                                                     : start));
            return false;
        }
        *end = cut;
    }
    if (stat(path, &st) == -1) {
        bool hidden = errno == EACCES;
        wire_note_add(faults, hidden ? "not-seen" : "not-running",
                      g_strdup_printf("There is no socket %s: %s", path, strerror(errno)),
                      g_strdup(hidden ? "run this as root" : start));
        return false;
    }
    if (!S_ISSOCK(st.st_mode) || !may(who, &st, 2)) {
        g_autofree char *name = describe(path, &st);
        wire_note_add(faults, "permission",
                      S_ISSOCK(st.st_mode)
                          ? g_strdup_printf("%s cannot be written to by user %s, as which %s runs", name, who->name, who->program)
                          : g_strdup_printf("%s is no socket", name),
                      g_strdup(S_ISSOCK(st.st_mode) ? group : start));
        return false;
    }
    return true;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* "inet:HOST:PORT", HOST perhaps in brackets. */
static int connect_inet(const char *written)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    g_autofree char *host = g_strdup(written + strlen("inet:"));
    char *port = strrchr(host, ':'), *name = host;
    int fd = -1;
    *port++ = '\0';
    if (*name == '[') {
        name++;
        name[strcspn(name, "]")] = '\0';
    }
    errno = EADDRNOTAVAIL;
    if (getaddrinfo(name, port, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
    if (fd != -1)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* connect() goes by it */
    if (fd != -1 && connect(fd, found->ai_addr, found->ai_addrlen) == -1) {
        int error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

static int connect_end(const struct wire_end *end)
{
    return end->path ? connect_unix(end->path) : connect_inet(end->written);
}

/* Ask the reply map how it is. True: it is well. */
static bool ask_status(int fd)
{
    static const char question[] = "13:status status,";
    char answer[1024];
    size_t len = 0, body_len, taken;
    const char *body;
    if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != (ssize_t)sizeof question - 1)
        return false;
    for (const time_t end = time(NULL) + ANSWER_MS / 1000; time(NULL) <= end;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, ANSWER_MS) < 1)
            return false;
        ssize_t n = read(fd, answer + len, sizeof answer - len);
        if (n < 1)
            return false;
        len += (size_t)n;
        int got = netstring_parse(answer, len, &body, &body_len, &taken);
        if (got != 0)
            return got == 1 && body_len > 12 && memcmp(body, "OK mailwhyd ", 12) == 0;
    }
    return false;
}

void wire_check_answers(GPtrArray *faults, const struct wire_end *end, bool map)
{
    int fd = connect_end(end);
    if (fd == -1) {
        wire_note_add(faults, "not-running", g_strdup_printf("Nobody answers at %s: %s", end->listen, strerror(errno)),
                      g_strdup(start));
        return;
    }
    if (map && !ask_status(fd))
        wire_note_add(faults, "no-answer",
                      g_strdup_printf("What listens at %s did not say its status within %d seconds: it hangs, or is not mailwhyd",
                                      end->listen, ANSWER_MS / 1000),
                      g_strdup("systemctl restart mailwhyd"));
    close(fd);
}

bool wire_check_user(GPtrArray *faults, const struct wire_end *end, const char *user)
{
    struct identity who;
    if (!end->path || !identity_find(&who, user, "Sendmail"))
        return true;
    who.count = 1; /* Sendmail keeps its first group alone */
    return check_permissions(faults, end->path, "", &who);
}

void wire_check_reach(struct wire *w)
{
    const struct wire_end *const ends[] = {&w->ends.reply, &w->ends.milter};
    struct identity who;
    bool known = identity_find(&who, postconf_main(&w->live, "mail_owner"), "smtpd"), chroot = false, plain = false;
    for (guint i = 0; i < w->live.services->len; i++) {
        const struct postconf_service *s = w->live.services->pdata[i];
        chroot |= wire_is_smtpd(s) && s->chroot;
        plain |= wire_is_smtpd(s) && !s->chroot;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct wire_end *end = ends[i];
        if (!*end->written)
            continue;
        if (end->path && end->outside && chroot) {
            g_autofree char *apply = wire_apply_command(w, NULL);
            wire_note_add(
                w->faults, "outside-chroot",
                g_strdup_printf("%s lies outside of %s, in which smtpd runs in a chroot", end->listen, w->ends.queue),
                g_strdup_printf("have mailwhyd listen in %s/mailwhy, or at inet:PORT@127.0.0.1; then %s", w->ends.queue, apply));
            continue;
        }
        const char *root =
            end->path && !end->outside && !plain && g_str_has_prefix(end->path, w->ends.queue) ? w->ends.queue : "";
        if (!end->path || !known || check_permissions(w->faults, end->path, root, &who))
            wire_check_answers(w->faults, end, i == 0);
    }
}
