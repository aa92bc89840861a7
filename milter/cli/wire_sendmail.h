/* mailwhy wire sendmail: the line FEATURE(`mailwhy') in sendmail.mc. */
#ifndef WIRE_SENDMAIL_H
#define WIRE_SENDMAIL_H

#include "cli.h"
#include "wire_view.h"

#define WIRE_SENDMAIL_MC "/etc/mail/sendmail.mc"

/* Show, do, take back or check it. The exit status; what is wrong has been said. */
int wire_sendmail(const struct cli_options *o, enum wire_task task);

#endif
