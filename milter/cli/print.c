#include "print.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <mailwhy/utf8.h>

/* Characters that must not reach a terminal as they are. */
static const struct {
    uint32_t first, last;
} unsafe[] = {
    {0x0, 0x1f},      {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
};

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

static void print_as_is(FILE *to, const char *s, size_t len)
{
    fwrite(s, 1, len, to);
}

/* Print the text: runs of what is safe as safe has it, anything else as escape has it. */
static void print_escaping(FILE *to, const char *s, size_t len, void (*safe)(FILE *to, const char *s, size_t len),
                           void (*escape)(FILE *to, uint32_t point, bool is_utf8))
{
    while (len) {
        size_t size = 0;
        uint32_t point = 0;
        bool is_utf8 = true;
        size_t run = safe_run(s, len, &size, &point, &is_utf8);
        safe(to, s, run);
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
    print_escaping(to, s, len, print_as_is, escape_text);
}

void print_string(FILE *to, const char *s)
{
    print_text(to, s, strlen(s));
}

/* Characters that mean nothing in HTML, neither in an element nor in a quoted attribute: these, and all beyond ASCII. */
static bool is_plain_in_html(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr(" .,:;!?()[]_-+/@%*#|~$^", c));
}

static void print_html_run(FILE *to, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_plain_in_html((unsigned char)s[i]))
            fputc(s[i], to);
        else
            fprintf(to, "&#%d;", s[i]);
}

void print_html(FILE *to, const char *s, size_t len)
{
    print_escaping(to, s, len, print_html_run, escape_text);
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

const char *print_fault(int error)
{
    if (error == EBADMSG)
        return "its compressed data are damaged";
    return error == EPROTONOSUPPORT ? "it is compressed with neither gzip nor zstd" : strerror(error);
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
    print_escaping(to, line, len, print_as_is, escape_json);
    fputc('\n', to);
}
