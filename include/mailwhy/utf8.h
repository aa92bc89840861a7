/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MAILWHY_UTF8_H
#define MAILWHY_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4 /* octets of one character */
#define UTF8_REPLACEMENT 0xfffd

/* Read the character at the start of s. The octets it takes; 0 where there is none (len is 0, or not UTF-8): *point is untouched. */
size_t utf8_decode(const char *s, size_t len, uint32_t *point);

/* Write a character; one that can't be written (a surrogate, above U+10FFFF) as U+FFFD. The octets it takes. No NUL is added. */
size_t utf8_encode(uint32_t point, char out[static UTF8_MAX]);

#endif
