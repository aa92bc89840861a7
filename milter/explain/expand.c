#include <mailwhy/expand.h>

#include <string.h>

#define FOREIGN_MAX 64 /* octets */

struct expand_value expand_ours(const char *name, const char *text)
{
    return (struct expand_value){name, text, strlen(text), false};
}

struct expand_value expand_foreign(const char *name, const char *text, size_t len)
{
    return (struct expand_value){name, text, len, true};
}

static void add_foreign(struct buffer *out, const char *s, size_t len)
{
    size_t shown = len > FOREIGN_MAX ? FOREIGN_MAX - 3 : len;
    char text[FOREIGN_MAX];
    for (size_t i = 0; i < shown; i++)
        text[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
    buffer_add(out, text, shown);
    if (shown < len)
        buffer_add_string(out, "...");
}

static void add_value(struct buffer *out, const struct expand_value *value)
{
    if (value->foreign)
        add_foreign(out, value->text, value->len);
    else
        buffer_add(out, value->text, value->len);
}

void expand(struct buffer *out, const char *text, const struct expand_value *values, size_t count)
{
    while (*text) {
        size_t plain = strcspn(text, "%"), taken = 0;
        buffer_add(out, text, plain);
        text += plain;
        for (size_t i = 0; *text && !taken && i < count; i++) {
            if (strncmp(text + 1, values[i].name, strlen(values[i].name)) == 0) {
                add_value(out, &values[i]);
                taken = 1 + strlen(values[i].name);
            }
        }
        if (*text && !taken) {
            buffer_add_char(out, '%');
            taken = text[1] == '%' ? 2 : 1;
        }
        text += taken;
    }
}
