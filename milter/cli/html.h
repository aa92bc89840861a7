/* Writing HTML in which text from elsewhere stays text. */
#ifndef HTML_H
#define HTML_H

#include <stdio.h>

/* Print markup. The format is ours; %s is text that is shown as print_html() does, %d and %lu are numbers, %% a percent sign; there is nothing else. */
void html(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print a page's policy (Content Security Policy Level 3) as a meta element: nothing is loaded, nothing runs, but this style sheet and this script,
 * which html_style() and html_script() print. 0, or -1 where their hashes can't be computed. */
int html_policy(FILE *to, const char *style, const char *script);
void html_style(FILE *to, const char *style);
void html_script(FILE *to, const char *script);

/* The direction of a language's writing: "ltr" or "rtl". */
const char *html_direction(const char *language);

#endif
