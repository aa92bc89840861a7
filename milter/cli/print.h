/* Printing what clients, logs and files say, so that none of it can do anything to a terminal. */
#ifndef PRINT_H
#define PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Print text: what is not UTF-8 or a control character as \xHH, characters that are not seen but change how others are (C1, marks and overrides
 * of direction, line separators, zero-width spaces, tags) as \uHHHH. Anything else stands as it is. */
void print_text(FILE *to, const char *s, size_t len);
void print_string(FILE *to, const char *s);

/* Print each line of a text (of faults) so, with its line end. */
void print_lines(FILE *to, const char *lines);

/* Print a line of JSON and a line end: the same JSON, in which what print_text() would not let through stands as \uHHHH. */
void print_json(FILE *to, const char *line, size_t len);

/* Where labelled values are printed to. */
struct printer {
    FILE *to;
    bool color;
};

enum print_look { LOOK_PLAIN, LOOK_STRONG, LOOK_BAD, LOOK_COUNT };

/* Print "Label:   value"; nothing where len is 0. split: a line end within the value begins a new line under the value. */
void print_field(const struct printer *p, const char *label, enum print_look look, bool split, const char *value, size_t len);

/* The same for a text of words, which is wrapped. */
void print_words(const struct printer *p, const char *label, const char *words);

#endif
