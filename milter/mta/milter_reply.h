/* A reply of the milter's own. */
#ifndef MAILWHY_MTA_MILTER_REPLY_H
#define MAILWHY_MTA_MILTER_REPLY_H

#include <libmilter/mfapi.h>

#include <mailwhy/explain.h>

/* Have the MTA answer with text and the explanation's lines, once the callback returns SMFIS_REJECT or SMFIS_TEMPFAIL. 0, or -1: it will not. */
int milter_reply(SMFICTX *ctx, const char *code, const char *enhanced, const char *text, const struct explanation *x);

#endif
