/* The files of a journal are read as memory: where one was truncated, or its disk fails, the kernel sends SIGBUS, which would end the process. Between
 * journal_guard_begin() and journal_guard_end() the calling thread reads zeros there instead, which libsystemd takes for a damaged file. */
#ifndef JOURNAL_GUARD_H
#define JOURNAL_GUARD_H

#include <stdbool.h>

/* Have the process handle SIGBUS; elsewhere than between the two it ends the process as before. */
void journal_guard_install(void);

void journal_guard_begin(void);
bool journal_guard_hit(void); /* whether it happened since the beginning, or since this was asked */
void journal_guard_end(void);

#endif
