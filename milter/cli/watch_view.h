/* Events as they come, a line each. */
#ifndef WATCH_VIEW_H
#define WATCH_VIEW_H

#include <stdbool.h>

#include <mailwhy/event.h>
#include <mailwhy/maillog.h>

#include "cli.h"
#include "said.h"

/* What is kept from line to line; all zero at the start. */
struct watch_view {
    char day[16]; /* under which events stand on a terminal; "": none yet */
};

/* Print time, code, reason and who it was about, on standard output; and whether it is of a delivery. With --explain also reason and fix. 0, or -1 with
 * errno ENOMEM. */
int watch_view(struct watch_view *v, const struct event *e, const struct said *said, enum maillog_kind kind,
               const struct cli_options *o, const struct cli_catalog *catalog);

#endif
