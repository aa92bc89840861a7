#include "print.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <mailwhy/utf8.h>

#define LABEL_WIDTH 14
#define COLUMNS 96

/* Characters that must not reach a terminal as they are. */
static const struct {
    uint32_t first, last;
} unsafe[] = {
    {0x0, 0x1f},      {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

static const char *const looks[] = {[LOOK_PLAIN] = "", [LOOK_STRONG] = "\033[1m", [LOOK_BAD] = "\033[1;31m"};
static_assert(sizeof looks / sizeof *looks == LOOK_COUNT, "each look has its sequence");
#define LABEL_LOOK "\033[2m"
#define NO_LOOK "\033[0m"

static bool is_unsafe(uint32_t point)
{
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
        if (point >= unsafe[i].first && point <= unsafe[i].last)
            return true;
    return false;
}

/* The octets at the start of s that can be printed; where that is none, *size octets are the character *point that can't. */
static size_t safe_run(const char *s, size_t len, size_t *size, uint32_t *point, bool *is_utf8)
{
    size_t run = 0;
    while (run < len) {
        *size = utf8_decode(s + run, len - run, point);
        *is_utf8 = *size > 0;
        if (!*is_utf8) {
            *size = 1;
            *point = (unsigned char)s[run];
            break;
        }
        if (is_unsafe(*point))
            break;
        run += *size;
    }
    return run;
}

/* Print the text; what is not safe as escape has it. */
static void print_escaping(FILE *to, const char *s, size_t len, void (*escape)(FILE *to, uint32_t point, bool is_utf8))
{
    while (len) {
        size_t size = 0;
        uint32_t point = 0;
        bool is_utf8 = true;
        size_t run = safe_run(s, len, &size, &point, &is_utf8);
        fwrite(s, 1, run, to);
        s += run;
        len -= run;
        if (len == 0)
            break;
        escape(to, point, is_utf8);
        s += size;
        len -= size;
    }
}

static void escape_text(FILE *to, uint32_t point, bool is_utf8)
{
    bool one_octet = !is_utf8 || point < 0x80;
    fprintf(to, one_octet ? "\\x%02x" : point > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)point);
}

void print_text(FILE *to, const char *s, size_t len)
{
    print_escaping(to, s, len, escape_text);
}

void print_string(FILE *to, const char *s)
{
    print_text(to, s, strlen(s));
}

static void escape_json(FILE *to, uint32_t point, bool is_utf8)
{
    (void)is_utf8;
    if (point == '\t' || point == '\r')
        fputc(' ', to); /* JSON has them between its tokens only */
    else if (point <= 0xffff)
        fprintf(to, "\\u%04x", (unsigned)point);
    else
        fprintf(to, "\\u%04x\\u%04x", (unsigned)(0xd800 + ((point - 0x10000) >> 10)), (unsigned)(0xdc00 + (point & 0x3ff)));
}

void print_lines(FILE *to, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");
        print_text(to, lines, len);
        fputc('\n', to);
        lines += len;
        lines += *lines == '\n';
    }
}

void print_json(FILE *to, const char *line, size_t len)
{
    print_escaping(to, line, len, escape_json);
    fputc('\n', to);
}

static void print_label(const struct printer *p, const char *label)
{
    int used = (int)strlen(label) + 1;
    if (*label)
        fprintf(p->to, p->color ? LABEL_LOOK "%s:" NO_LOOK : "%s:", label);
    fprintf(p->to, "%*s", *label ? (used < LABEL_WIDTH ? LABEL_WIDTH - used : 1) : LABEL_WIDTH, "");
}

static void print_line(const struct printer *p, const char *label, enum print_look look, const char *value, size_t len)
{
    bool looks_so = p->color && *looks[look];
    print_label(p, label);
    fputs(looks_so ? looks[look] : "", p->to);
    print_text(p->to, value, len);
    fputs(looks_so ? NO_LOOK "\n" : "\n", p->to);
}

void print_field(const struct printer *p, const char *label, enum print_look look, bool split, const char *value, size_t len)
{
    while (len) {
        const char *end = split ? memchr(value, '\n', len) : NULL;
        size_t taken = end ? (size_t)(end - value) + 1 : len;
        size_t shown = end ? taken - 1 : len;
        if (split && shown > 0 && value[shown - 1] == '\r')
            shown--;
        print_line(p, label, look, value, shown);
        label = "";
        value += taken;
        len -= taken;
    }
}

/* How many columns the octets take: one a character. */
static size_t width(const char *s, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += ((unsigned char)s[i] & 0xc0) != 0x80;
    return columns;
}

void print_words(const struct printer *p, const char *label, const char *words)
{
    while (*words) {
        size_t line = strcspn(words, " ");
        while (words[line]) {
            size_t more = line + 1 + strcspn(words + line + 1, " ");
            if (LABEL_WIDTH + width(words, more) > COLUMNS)
                break;
            line = more;
        }
        print_line(p, label, LOOK_PLAIN, words, line);
        label = "";
        words += line;
        words += *words == ' ';
    }
}
