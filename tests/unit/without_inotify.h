/* In place of the library's: what follows a log is tried on a system that has no inotify, or none to spare, too. */
#ifndef MAILWHY_WITHOUT_INOTIFY_H
#define MAILWHY_WITHOUT_INOTIFY_H

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool without_inotify;

int inotify_init1(int flags);
int inotify_init1(int flags)
{
    errno = EMFILE;
    return without_inotify ? -1 : (int)syscall(SYS_inotify_init1, flags);
}

#endif
