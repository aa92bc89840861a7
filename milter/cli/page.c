#include "page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <mailwhy/columns.h>
#include <mailwhy/utf8.h>

#include "print.h"

#define COLUMNS_MIN 40
#define COLUMNS_MAX 400
#define READABLE 100 /* columns of running text */
#define INDENT 2
#define GAP 2 /* between the columns of a table */
#define LAST_MIN 20 /* columns of a table's last column */

static const char *const looks[] = {[LOOK_PLAIN] = "",          [LOOK_STRONG] = "\033[1m",     [LOOK_GOOD] = "\033[1;32m",
                                    [LOOK_ASKS] = "\033[1;36m", [LOOK_FOR_NOW] = "\033[1;33m", [LOOK_BAD] = "\033[1;31m",
                                    [LOOK_LABEL] = "\033[2m"};
static_assert(sizeof looks / sizeof *looks == LOOK_COUNT, "each look has its sequence");
#define NO_LOOK "\033[0m"

enum page_look page_look_of(int code)
{
    static const enum page_look of_class[] = {[2] = LOOK_GOOD, [3] = LOOK_ASKS, [4] = LOOK_FOR_NOW, [5] = LOOK_BAD};
    return code >= 200 && code <= 599 ? of_class[code / 100] : LOOK_STRONG;
}

static size_t between(size_t n, size_t least, size_t most)
{
    return n < least ? least : n > most ? most : n;
}

struct page page_on_stdout(bool color)
{
    struct page p = {.to = stdout, .color = color, .columns = 80, .label_columns = 14};
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    p.fits = isatty(STDOUT_FILENO);
    long asked = columns ? strtol(columns, NULL, 10) : 0;
    if (asked > 0)
        p.columns = between((size_t)asked, COLUMNS_MIN, COLUMNS_MAX);
    else if (p.fits && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        p.columns = between(size.ws_col, COLUMNS_MIN, COLUMNS_MAX);
    return p;
}

void page_fit_label(struct page *p, const char *label)
{
    size_t width = columns_of(label, strlen(label)) + 2;
    p->label_columns = width > p->label_columns ? width : p->label_columns;
}

/* Print text of a look. */
static void put(const struct page *p, enum page_look look, const char *s, size_t len)
{
    bool looks_so = p->color && *looks[look];
    fputs(looks_so ? looks[look] : "", p->to);
    print_text(p->to, s, len);
    fputs(looks_so ? NO_LOOK : "", p->to);
}

static void put_blanks(const struct page *p, size_t count)
{
    fprintf(p->to, "%*s", (int)count, "");
}

static size_t readable(const struct page *p)
{
    return p->columns < READABLE ? p->columns : READABLE;
}

static size_t skip_blanks(const char *s, size_t at)
{
    while (s[at] == ' ')
        at++;
    return at;
}

static void put_label(const struct page *p, const char *label)
{
    size_t len = strlen(label), used = columns_of(label, len) + 1;
    if (len) {
        fputs(p->color ? looks[LOOK_LABEL] : "", p->to);
        print_text(p->to, label, len);
        fputs(p->color ? ":" NO_LOOK : ":", p->to);
    }
    put_blanks(p, len ? (used < p->label_columns ? p->label_columns - used : 1) : p->label_columns);
}

static void put_line(const struct page *p, const char *label, enum page_look look, const char *value, size_t len)
{
    put_label(p, label);
    put(p, look, value, len);
    fputc('\n', p->to);
}

void page_field(const struct page *p, const char *label, enum page_look look, bool split, const char *value, size_t len)
{
    while (len) {
        const char *end = split ? memchr(value, '\n', len) : NULL;
        size_t taken = end ? (size_t)(end - value) + 1 : len;
        size_t shown = end ? taken - 1 : len;
        if (split && shown > 0 && value[shown - 1] == '\r')
            shown--;
        put_line(p, label, look, value, shown);
        label = "";
        value += taken;
        len -= taken;
    }
}

void page_words(const struct page *p, const char *label, enum page_look look, const char *words)
{
    size_t room = readable(p) > p->label_columns + LAST_MIN ? readable(p) - p->label_columns : LAST_MIN;
    while (*words) {
        size_t line = columns_break(words, strlen(words), room);
        put_line(p, label, look, words, line);
        label = "";
        words += skip_blanks(words, line);
    }
}

void page_heading(const struct page *p, enum page_look look, const char *title)
{
    put(p, look, title, strlen(title));
    fputc('\n', p->to);
}

void page_title(const struct page *p, const char *title)
{
    fputc('\n', p->to);
    put(p, LOOK_STRONG, title, strlen(title));
    fputc('\n', p->to);
}

void page_paragraph(const struct page *p, enum page_look look, const char *words)
{
    while (*words) {
        size_t line = columns_break(words, strlen(words), readable(p) - INDENT);
        put_blanks(p, INDENT);
        put(p, look, words, line);
        fputc('\n', p->to);
        words += skip_blanks(words, line);
    }
}

void page_item(const struct page *p, const char *mark, const char *words)
{
    size_t used = INDENT + columns_of(mark, strlen(mark)) + 1, room = readable(p) - used;
    put_blanks(p, INDENT);
    put(p, LOOK_LABEL, mark, strlen(mark));
    put_blanks(p, 1);
    while (*words) {
        size_t line = columns_break(words, strlen(words), room);
        put(p, LOOK_PLAIN, words, line);
        fputc('\n', p->to);
        words += skip_blanks(words, line);
        if (*words)
            put_blanks(p, used);
    }
}

/* How many octets of the text, which is UTF-8, go into so many columns. */
static size_t fitting(const char *s, size_t width)
{
    size_t at = 0, used = 0;
    uint32_t point;
    for (size_t size; (size = utf8_decode(s + at, strlen(s + at), &point)); at += size) {
        used += columns_of(s + at, size);
        if (used > width)
            break;
    }
    return at;
}

size_t page_cut(const struct page *p, enum page_look look, const char *text, size_t width)
{
    static const char cut[] = "...";
    char *safe = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&safe, &len);
    if (!f)
        return 0;
    print_string(f, text);
    if (fclose(f) != 0)
        len = 0;
    size_t used = safe ? columns_of(safe, len) : 0;
    bool too_long = p->fits && width && used > width;
    if (too_long) {
        len = fitting(safe, width > strlen(cut) ? width - strlen(cut) : 0);
        used = width;
    }
    bool looks_so = p->color && *looks[look];
    fputs(looks_so ? looks[look] : "", p->to);
    fwrite(safe, 1, len, p->to);
    fputs(too_long ? cut : "", p->to);
    fputs(looks_so ? NO_LOOK : "", p->to);
    free(safe);
    return used;
}

void page_cell(const struct page *p, enum page_look look, const char *text, size_t width)
{
    size_t used = page_cut(p, look, text, width);
    if (used < width)
        put_blanks(p, width - used);
}

/* The width of a column: that of its widest cell. */
static size_t column_width(const char *const *cells, size_t rows, size_t columns, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < rows; row++) {
        const char *cell = cells[row * columns + column];
        size_t own = columns_of(cell, strlen(cell));
        width = own > width ? own : width;
    }
    return width;
}

/* Print a row's last cell, which continues under itself. */
static void put_last(const struct page *p, enum page_look look, const char *cell, size_t before)
{
    size_t room = p->columns > before + LAST_MIN ? p->columns - before : LAST_MIN;
    do {
        size_t line = p->fits ? columns_break(cell, strlen(cell), room) : strlen(cell);
        put(p, look, cell, line);
        fputc('\n', p->to);
        cell += skip_blanks(cell, line);
        if (*cell)
            put_blanks(p, before);
    } while (*cell);
}

void page_table(const struct page *p, const char *const *cells, size_t rows, size_t columns)
{
    size_t widths[PAGE_TABLE_COLUMNS];
    for (size_t column = 0; column + 1 < columns; column++)
        widths[column] = column_width(cells, rows, columns, column);
    for (size_t row = 0; row < rows; row++) {
        enum page_look look = row == 0 ? LOOK_LABEL : LOOK_PLAIN;
        size_t before = 0;
        for (size_t column = 0; column + 1 < columns; column++) {
            const char *cell = cells[row * columns + column];
            put(p, row && column == 0 ? LOOK_STRONG : look, cell, strlen(cell));
            put_blanks(p, widths[column] - columns_of(cell, strlen(cell)) + GAP);
            before += widths[column] + GAP;
        }
        put_last(p, look, cells[row * columns + columns - 1], before);
    }
}
