/* How wide text is on a terminal and in a reply, and where a line of it may end: UAX #11 (East Asian width) and UAX #14 (line breaking), through
 * libunistring. Octets that are not UTF-8 count one column each. */
#ifndef MAILWHY_COLUMNS_H
#define MAILWHY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

/* The columns that the text takes: none for a combining mark, two for a wide character. */
size_t columns_of(const char *s, size_t len);

/* Whether the text is UTF-8 without controls: C0, DEL, C1, those of direction (bidi), line and paragraph separators. */
bool columns_is_plain(const char *s, size_t len);

/* How many octets of the text go on a line of so many columns (1 at least): all, or up to the last place where a line may end; where there is
 * none, as many whole characters as fit, and one at least. Blanks at the end of the line are not counted; the caller passes over those that follow. A URL is not cut that fits on a line of its own. */
size_t columns_break(const char *s, size_t len, size_t columns);

#endif
