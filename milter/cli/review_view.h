/* A review, for people and for programs. */
#ifndef REVIEW_VIEW_H
#define REVIEW_VIEW_H

#include "cli.h"
#include "page.h"
#include "tally.h"

/* What could not be used of what was read. */
struct review_lost {
    unsigned long unread; /* lines of a mail server whose time cannot be read */
    unsigned long files; /* that could not be read to their end */
};

/* Print it, at most top rows a table. EX_OK, or EX_OSERR. */
int review_print(const struct page *p, struct tally *t, const struct cli_catalog *catalog, const struct review_lost *lost,
                 size_t top, bool grouped);
int review_print_json(struct tally *t, const struct cli_catalog *catalog, const struct review_lost *lost, size_t top);

#endif
