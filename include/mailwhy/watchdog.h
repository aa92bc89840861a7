/* Telling systemd that the reply map really answers (sd_notify(3), sd_watchdog_enabled(3)). */
#ifndef MAILWHY_WATCHDOG_H
#define MAILWHY_WATCHDOG_H

#include <mailwhy/loop.h>
#include <mailwhy/milter_proxy.h>

struct watchdog;

/* Where systemd asked for it (WATCHDOG_USEC), ask the reply map at its own listening socket for its status, three times in each interval, and
 * send WATCHDOG=1 for each answer that comes. listener -1: there is no reply map, and the loop's turning is enough. None is sent while the
 * proxy (NULL: there is none) is not alive. NULL with errno. */
struct watchdog *watchdog_new(struct loop *loop, int listener, const struct milter_proxy *proxy);
void watchdog_free(struct watchdog *w);

#endif
