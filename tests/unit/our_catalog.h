/* The project's own catalogue, for a group of tests. */
#ifndef MAILWHY_OUR_CATALOG_H
#define MAILWHY_OUR_CATALOG_H

#include "unit.h"

#include <mailwhy/catalog.h>

static struct catalog *catalog;

static int load_catalog(void **state)
{
    struct buffer faults = {0};
    (void)state;
    catalog = catalog_load(&(struct catalog_source){.dir = OUR_CATALOG}, &faults);
    fputs(buffer_string(&faults), stderr);
    buffer_free(&faults);
    return catalog ? 0 : -1;
}

static int release_catalog(void **state)
{
    (void)state;
    catalog_release(catalog);
    return 0;
}

#endif
