/* Printing what clients, logs and files say, so that none of it can do anything to a terminal. */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>
#include <stdio.h>

/* Print text: what is not UTF-8 or a control character as \xHH, characters that are not seen but change how others are (C1, marks and overrides
 * of direction, line separators, zero-width spaces, tags) as \uHHHH. Anything else stands as it is. */
void print_text(FILE *to, const char *s, size_t len);
void print_string(FILE *to, const char *s);

/* Print text as the content of an element of HTML or SVG, or of an attribute in quotes: as print_text() does, and with what means something there
 * as a character reference. */
void print_html(FILE *to, const char *s, size_t len);

/* Why a file can't be read, in words: of an errno. */
const char *print_fault(int error);

/* Print each line of a text (of faults) so, with its line end. */
void print_lines(FILE *to, const char *lines);

/* Print a line of JSON and a line end: the same JSON, in which what print_text() would not let through stands as \uHHHH. */
void print_json(FILE *to, const char *line, size_t len);

#endif
