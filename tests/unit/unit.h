/* What every unit test begins with. */
#ifndef MAILWHY_UNIT_H
#define MAILWHY_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS(table) (sizeof(table) / sizeof *(table))

/* The project's own catalogue: tests run from the top of the tree. */
#define OUR_CATALOG "conf/catalog"

#endif
