/* Lists of entries: rows of a table, or JSON objects, one a line. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

#include <mailwhy/buffer.h>
#include <mailwhy/catalog.h>

#include "cli.h"

struct list {
    const struct cli_options *options;
    const struct cli_catalog *catalog;
    struct buffer cells; /* NUL-terminated, one behind the other */
    size_t columns;
    size_t rows; /* that were printed as JSON */
};

/* Begin a list with its heads. */
void list_begin(struct list *l, const struct cli_options *options, const struct cli_catalog *catalog, const enum word *heads,
                size_t columns);

/* Add a row's next cell; NULL is empty. */
void list_cell(struct list *l, const char *text);

/* Print what is left to print, and free the list. EX_OK, CLI_NOTHING_FOUND where it has no rows, or EX_OSERR. */
int list_end(struct list *l, const char *verb);

/* Print a row as JSON: the object as it was begun, "{" and what is before its texts, which this adds; the object is then empty. */
void list_print_json(struct list *l, struct buffer *object, const struct catalog_text *text, enum catalog_who who,
                     enum stage stage);

#endif
