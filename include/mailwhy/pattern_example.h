/* Texts that a pattern matches, made from the pattern: for checking how patterns get in each other's way, and what a near miss costs. */
#ifndef MAILWHY_PATTERN_EXAMPLE_H
#define MAILWHY_PATTERN_EXAMPLE_H

#include <mailwhy/buffer.h>

/* Append the n-th example of the pattern: for each n other alternatives, repeats and letters. What looks about it, anchors and word boundaries are
 * passed over, so an example is to be tried. 1; 0: the pattern has what is not understood here; -1: errno ENOMEM. */
int pattern_example(const char *pattern, unsigned n, struct buffer *out);

#endif
