#include <mailwhy/privileges.h>

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

int privileges_find(struct privileges *p, const char *user, const char *socket_group, struct buffer *fault)
{
    *p = (struct privileges){.uid = (uid_t)-1, .gid = (gid_t)-1, .socket_gid = (gid_t)-1};
    if (*user) {
        const struct passwd *entry = getpwnam(user);
        if (!entry) {
            buffer_printf(fault, "user = \"%s\": there is no such user; make it (useradd --system %s), or set user = \"\"", user,
                          user);
            return -1;
        }
        if (geteuid() != 0 && geteuid() != entry->pw_uid) {
            buffer_printf(fault, "user = \"%s\": only root can become another user; start as root, or set user = \"\"", user);
            return -1;
        }
        p->uid = entry->pw_uid;
        p->gid = entry->pw_gid;
        p->user = strdup(user);
        if (!p->user) {
            buffer_add_string(fault, "out of memory");
            return -1;
        }
    }
    if (*socket_group) {
        const struct group *entry = getgrnam(socket_group);
        if (!entry) {
            buffer_printf(
                fault, "socket_group = \"%s\": there is no such group; name the one your MTA runs in, or set socket_group = \"\"",
                socket_group);
            privileges_free(p);
            return -1;
        }
        p->socket_gid = entry->gr_gid;
    }
    return 0;
}

int privileges_drop(const struct privileges *p, struct buffer *fault)
{
    if (!p->user || geteuid() == p->uid)
        return 0;
    if (initgroups(p->user, p->gid) == -1 || setresgid(p->gid, p->gid, p->gid) == -1 || setresuid(p->uid, p->uid, p->uid) == -1) {
        buffer_printf(fault, "cannot become user %s: %s", p->user, strerror(errno));
        return -1;
    }
    if (p->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0)) {
        buffer_printf(fault, "became user %s, but could become root again", p->user);
        return -1;
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return 0;
}

void privileges_free(struct privileges *p)
{
    free(p->user);
    p->user = NULL;
}

void privileges_make_folder(const struct privileges *p, const char *file)
{
    char *copy = strdup(file);
    if (!copy)
        return;
    const char *folder = dirname(copy);
    if (mkdir(folder, 0750) == 0 && p->user && lchown(folder, p->uid, p->gid) == -1)
        rmdir(folder);
    free(copy);
}
