/* Drawing charts. Lengths along a chart are in 1/100 percent of it, across it in 1/100 pixel; where the reader's line goes from right to left, so
 * does a chart. */
#ifndef REVIEW_SVG_H
#define REVIEW_SVG_H

#include "review_html.h"

#define SVG_WHOLE 10000 /* the length of a chart */
#define SVG_PIXEL 100

/* Begin a figure with its chart, up to the text of its description. The class is appended to its own. */
void svg_begin(const struct sheet *s, const char *id, const char *class, const char *title, int height);

/* Print the attribute x of what is so wide. */
void svg_x(const struct sheet *s, long x, long width);

/* Begin a rectangle; the caller ends it: "/>". The class of a block is a letter and a digit. */
void svg_rect(const struct sheet *s, const char *class, long x, long y, long width, long height);
void svg_block(const struct sheet *s, char kind, unsigned digit, long x, long y, long width, long height);

/* Begin a label beside a chart of the class plot, which has a margin where the reader's line begins; y in pixels. */
void svg_side_label(const struct sheet *s, long y);

/* Begin and end the table with the numbers of a chart; the end is that of the figure, too. A cell with a number. */
void svg_numbers_begin(const struct sheet *s, const char *title);
void svg_numbers_end(const struct sheet *s);
void svg_number(const struct sheet *s, unsigned long n);

#endif
