/* Tests as tables: each row of a table is a test of its own, named by the row's first member, a const char *. */
#ifndef MAILWHY_ROWS_H
#define MAILWHY_ROWS_H

#include "unit.h"

/* Run the function for each row, which it gets by *state. The number of rows that failed. */
static inline int rows_run_table(const char *group, void *rows, size_t row_size, size_t count, CMUnitTestFunction test)
{
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < count; i++) {
        char *row = (char *)rows + i * row_size;
        tests[i] = (struct CMUnitTest){.name = *(const char **)(void *)row, .test_func = test, .initial_state = row};
    }
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}

#define ROWS_RUN(rows, test) rows_run_table(#test, rows, sizeof *(rows), ROWS(rows), test)

#endif
