#include <mailwhy/catalog_dir.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/buffer.h>

/* TREE/conf/catalog where this program is TREE/BUILD/name. NULL where it is not, or errno ENOMEM. */
static char *build_tree_dir(void)
{
    char path[PATH_MAX];
    struct buffer dir = {0};
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    errno = 0;
    if (len <= 0)
        return NULL;
    path[len] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    buffer_printf(&dir, "%s/conf/catalog/reasons.conf", path);
    if (!buffer_ok(&dir) || access(dir.data, R_OK) == -1) {
        bool lacking = !buffer_ok(&dir);
        buffer_free(&dir);
        errno = lacking ? ENOMEM : 0;
        return NULL;
    }
    *strrchr(dir.data, '/') = '\0';
    return dir.data;
}

char *catalog_dir_find(const char *asked)
{
    const char *environment = getenv("MAILWHY_CATALOG");
    if (asked)
        return strdup(asked);
    if (environment && *environment)
        return strdup(environment);
    char *dir = build_tree_dir();
    if (dir || errno == ENOMEM)
        return dir;
    return strdup(CATALOG_DIR);
}
