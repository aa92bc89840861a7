#include "milter_reply.h"

/* Append as part of a format, which is what Sendmail takes a reply for. */
static void add_line(struct buffer *out, const char *line)
{
    for (; *line; line++) {
        buffer_add_char(out, *line);
        if (*line == '%')
            buffer_add_char(out, '%');
    }
}

int milter_reply(SMFICTX *ctx, const char *code, const char *enhanced, const char *text, const struct explanation *x)
{
    struct buffer lines[1 + EXPLAIN_LINES_MAX] = {{0}};
    char *l[1 + EXPLAIN_LINES_MAX] = {NULL};
    unsigned count = 1;
    bool ok = true;
    add_line(&lines[0], text);
    for (unsigned i = 0; i < x->line_count; i++)
        add_line(&lines[i == 0 && x->joins ? 0 : count++], x->lines[i]);
    for (unsigned i = 0; i < count; i++) {
        ok = ok && buffer_ok(&lines[i]);
        l[i] = lines[i].data;
    }
    ok = ok && smfi_setmlreply(ctx, code, enhanced, l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8], NULL) == MI_SUCCESS;
    for (unsigned i = 0; i < count; i++)
        buffer_free(&lines[i]);
    return ok ? 0 : -1;
}
