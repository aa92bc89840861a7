#include <mailwhy/footer.h>

static void add_octet(struct buffer *out, unsigned char c, char next)
{
    if (c < ' ' || c == 127)
        buffer_add_char(out, '?');
    else if (c == '$')
        buffer_add_string(out, "$$");
    else if (c == '\\' && (next == 'n' || next == 'c'))
        buffer_add_char(out, '/');
    else
        buffer_add_char(out, (char)c);
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
        for (; *line; line++)
            add_octet(out, (unsigned char)*line, line[1]);
    }
    if (!buffer_ok(out))
        return -1;
    return out->len == before;
}
