/* What people read: labelled values, titles, paragraphs and tables, as wide as the terminal; none of their text can do anything to it. */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct page {
    FILE *to;
    bool color;
    bool fits; /* a table is fitted to the columns; else its rows are as long as they are */
    size_t columns;
    size_t label_columns; /* of the label before a value, its colon and blank included */
};

enum page_look { LOOK_PLAIN, LOOK_STRONG, LOOK_GOOD, LOOK_ASKS, LOOK_FOR_NOW, LOOK_BAD, LOOK_LABEL, LOOK_COUNT };

/* A page on standard output: as wide as COLUMNS says, else as the terminal, else 80. */
struct page page_on_stdout(bool color);

/* Make room for the label. */
void page_fit_label(struct page *p, const char *label);

/* Print "Label:   value"; nothing where len is 0. split: a line end within the value begins a new line under the value. */
void page_field(const struct page *p, const char *label, enum page_look look, bool split, const char *value, size_t len);

/* The same for a text of words, which is wrapped. */
void page_words(const struct page *p, const char *label, enum page_look look, const char *words);

/* The first line of a page. */
void page_heading(const struct page *p, enum page_look look, const char *title);

/* A title, and the wrapped text under it. */
void page_title(const struct page *p, const char *title);
void page_paragraph(const struct page *p, enum page_look look, const char *words);

/* An item of a list: its number or mark, and the wrapped text beside it. */
void page_item(const struct page *p, const char *mark, const char *words);

#define PAGE_TABLE_COLUMNS 8 /* at most */

/* A table: rows of cells, each row of so many columns; the row of heads comes first. The last column takes what room there is. */
void page_table(const struct page *p, const char *const *cells, size_t rows, size_t columns);

/* Print a text, and how many columns it took. What is longer than so many columns (0: any) is cut where the page has its columns for it, with "..." at the cut;
 * else it stands as it is. */
size_t page_cut(const struct page *p, enum page_look look, const char *text, size_t width);

/* The same, and blanks up to that width: a cell of a line. */
void page_cell(const struct page *p, enum page_look look, const char *text, size_t width);

/* The look of a reply's code. */
enum page_look page_look_of(int code);

#endif
