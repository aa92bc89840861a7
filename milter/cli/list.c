#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <mailwhy/json.h>

#include "page.h"
#include "print.h"

void list_begin(struct list *l, const struct cli_options *options, const struct cli_catalog *catalog, const enum word *heads,
                size_t columns)
{
    *l = (struct list){.options = options, .catalog = catalog, .columns = columns};
    for (size_t i = 0; i < columns; i++)
        list_cell(l, catalog_word(catalog->catalog, heads[i], catalog->language));
}

void list_cell(struct list *l, const char *text)
{
    buffer_add(&l->cells, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* Print the table. 0, or -1: out of memory. */
static int print_table(const struct list *l, size_t count)
{
    const struct page page = page_on_stdout(l->options->color);
    const char **cells = calloc(count, sizeof *cells);
    const char *at = l->cells.data;
    if (!cells || !buffer_ok(&l->cells)) {
        free(cells);
        return -1;
    }
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
        cells[i] = at;
    page_table(&page, cells, l->columns ? count / l->columns : 0, l->columns);
    free(cells);
    return 0;
}

int list_end(struct list *l, const char *verb)
{
    size_t count = 0;
    int status = EX_OK;
    for (size_t i = 0; i < l->cells.len; i++)
        count += l->cells.data[i] == '\0';
    if (!buffer_ok(&l->cells) || (count > l->columns && print_table(l, count) == -1)) {
        fprintf(stderr, "mailwhy %s: out of memory\n", verb);
        status = EX_OSERR;
    } else if (count <= l->columns && l->rows == 0) {
        fprintf(stderr, "mailwhy %s: there is nothing of that name. Without a name all are listed.\n", verb);
        status = CLI_NOTHING_FOUND;
    }
    buffer_free(&l->cells);
    return status;
}

void list_print_json(struct list *l, struct buffer *object, const struct catalog_text *text, enum catalog_who who,
                     enum stage stage)
{
    const struct {
        const char *key, *value;
    } values[] = {{"stage", stage_name(stage)},
                  {"who", catalog_who_name(who)},
                  {"lang", l->catalog->language},
                  {"name", text->name},
                  {"description", text->reason},
                  {"when", text->when},
                  {"fix", text->fix}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        json_put_text(object, values[i].key, values[i].value);
    if (buffer_add_char(object, '}') == 0)
        print_json(stdout, object->data, object->len);
    else
        l->cells.failed = true;
    buffer_clear(object);
    l->rows++;
}
