#include <mailwhy/footer.h>

/* True for an octet that stands in a template for itself, whatever follows it. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c != 127 && c != '$' && c != '\\';
}

static void add_octet(struct buffer *out, unsigned char c, char next)
{
    if (c == '$')
        buffer_add_string(out, "$$");
    else if (c == '\\')
        buffer_add_char(out, next == 'n' || next == 'c' ? '/' : '\\');
    else
        buffer_add_char(out, '?');
}

static void add_line(struct buffer *out, const char *line)
{
    while (*line) {
        size_t plain = 0;
        while (is_plain((unsigned char)line[plain]))
            plain++;
        buffer_add(out, line, plain);
        line += plain;
        if (*line) {
            add_octet(out, (unsigned char)line[0], line[1]);
            line++;
        }
    }
}

int footer_add(struct buffer *out, const struct explanation *x)
{
    size_t before = out->len;
    for (unsigned i = 0; i < x->line_count; i++) {
        const char *line = x->lines[i];
        if (!*line)
            continue;
        if (out->len > before)
            buffer_add_string(out, "\\n");
        else if (x->joins)
            buffer_add_string(out, "\\c");
        add_line(out, line);
    }
    if (!buffer_ok(out))
        return -1;
    return out->len == before;
}
