/* What libmilter calls at each step of a session. */
#ifndef MAILWHY_MTA_MILTER_STEPS_H
#define MAILWHY_MTA_MILTER_STEPS_H

#include <libmilter/mfapi.h>

#include <mailwhy/service.h>

/* For smfi_register(), once a process: the steps of a milter of that name, which borrow both. */
struct smfiDesc milter_steps(struct service *s, char *name);

#endif
