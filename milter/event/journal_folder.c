#include "journal_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

static bool is_journal(const char *name)
{
    size_t len = strlen(name);
    return len > strlen(".journal") && strcmp(name + len - strlen(".journal"), ".journal") == 0;
}

/* The folder's own files and those in folders within it, such as that of a machine. */
static int look(int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fault = ENOENT;
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!dir) {
        fault = errno == EACCES ? EACCES : ENOENT;
        if (fd != -1)
            close(fd);
        return fault;
    }
    while (fault != EACCES && (entry = readdir(dir))) {
        int found = ENOENT;
        if (is_journal(entry->d_name))
            found = faccessat(dirfd(dir), entry->d_name, R_OK, 0) == 0 ? EBADMSG : errno;
        else if (depth > 0 && *entry->d_name != '.')
            found = look(dirfd(dir), entry->d_name, depth - 1);
        if (found != ENOENT)
            fault = found;
    }
    closedir(dir);
    return fault;
}

int journal_folder_fault(const char *folder)
{
    static const char *const places[] = {"/var/log/journal", "/run/log/journal"};
    char path[64];
    sd_id128_t machine;
    int fault = ENOENT;
    if (folder)
        return look(AT_FDCWD, folder, 1);
    if (sd_id128_get_machine(&machine) < 0)
        return ENOENT;
    for (size_t i = 0; i < sizeof places / sizeof *places && fault != EACCES; i++) {
        snprintf(path, sizeof path, "%s/" SD_ID128_FORMAT_STR, places[i], SD_ID128_FORMAT_VAL(machine));
        int found = look(AT_FDCWD, path, 0);
        fault = found == ENOENT ? fault : found;
    }
    return fault;
}
