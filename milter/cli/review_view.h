/* A review as people and programs read it. */
#ifndef REVIEW_VIEW_H
#define REVIEW_VIEW_H

#include <mailwhy/report.h>

#include "cli.h"

/* Print it to standard output: a page of text, JSON, CSV. EX_OK, or EX_OSERR. */
int review_text(const struct report *r, const struct cli_options *o);
int review_json(const struct report *r, const struct cli_options *o);
int review_csv(const struct report *r, const struct cli_options *o);

#endif
