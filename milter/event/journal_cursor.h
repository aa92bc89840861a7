/* The cursor of an entry of the journal: sd_journal_get_cursor(3). */
#ifndef JOURNAL_CURSOR_H
#define JOURNAL_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_ID_SIZE 33

struct journal_cursor {
    char sequence[JOURNAL_ID_SIZE], boot[JOURNAL_ID_SIZE]; /* "": it does not say */
    uint64_t number; /* in the sequence */
    uint64_t monotonic, realtime; /* microseconds: since the boot, and since 1970 */
    uint64_t hash;
};

/* Read one that has all of its parts, or the time alone. 0, or -1: it is none. */
int journal_cursor_parse(struct journal_cursor *c, const char *text);

/* Whether the entry c comes up to the entry place, so far as the cursors tell: before it in the same sequence, or it is the same one, in whichever file. */
bool journal_cursor_passed(const struct journal_cursor *c, const struct journal_cursor *place);

#endif
