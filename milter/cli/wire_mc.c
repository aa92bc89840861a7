#include "wire_mc.h"

#include <string.h>

#define CONTEXT 3

/* What follows a word at the start of a line, blanks before it passed; NULL where another stands there. */
static const char *after(const char *line, const char *word)
{
    line += strspn(line, " \t");
    return g_str_has_prefix(line, word) ? line + strlen(word) : NULL;
}

static bool is_ours(const char *line)
{
    const char *name = after(line, "FEATURE(");
    if (!name)
        return false;
    name += strspn(name, " \t`");
    return g_str_has_prefix(name, "mailwhy") && strchr("', \t)", name[strlen("mailwhy")]);
}

/* Whether our line must stand before this one. */
static bool follows_ours(const char *line)
{
    return after(line, "FEATURE(") || after(line, "MAILER(") || after(line, "MAILER_DEFINITIONS") || after(line, "LOCAL_");
}

/* Take the folder of "include(`/usr/share/sendmail/cf/m4/cf.m4')" or "define(`_CF_DIR_', `/usr/share/sendmail/cf/')". */
static void take_cf_dir(struct wire_mc *mc, const char *line)
{
    const char *path = after(line, "include(`"), *end = path ? strstr(path, "/m4/cf.m4'") : NULL;
    if (!end && (path = after(line, "define(`_CF_DIR_',"))) {
        path += strspn(path, " \t`");
        end = path + strcspn(path, "'");
        end -= end > path && end[-1] == '/';
    }
    if (end && end > path && !mc->cf_dir)
        mc->cf_dir = g_strndup(path, (gsize)(end - path));
}

void wire_mc_read(struct wire_mc *mc, const char *text)
{
    *mc = (struct wire_mc){.lines = g_strsplit(text, "\n", -1), .feature = -1, .place = -1};
    bool away = false; /* what is diverted to -1 is nothing */
    int last = (int)g_strv_length(mc->lines) - 1;
    mc->ended = last >= 0 && !*mc->lines[last];
    if (mc->ended)
        g_clear_pointer(&mc->lines[last], g_free);
    for (int i = 0; mc->lines[i]; i++) {
        const char *line = mc->lines[i], *to = after(line, "divert");
        if (to)
            away = g_str_has_prefix(to, "(-1)");
        if (away)
            continue;
        take_cf_dir(mc, line);
        mc->trusts_sticky |= !after(line, "dnl") && strstr(line, "TrustStickyBit");
        if (is_ours(line) && mc->feature == -1) {
            mc->feature = i;
            mc->late = mc->place != -1;
        } else if (follows_ours(line) && mc->place == -1) {
            mc->place = i;
        }
    }
}

void wire_mc_free(struct wire_mc *mc)
{
    g_strfreev(mc->lines);
    g_free(mc->cf_dir);
}

char *wire_mc_write(const struct wire_mc *mc, const char *line)
{
    GString *out = g_string_new(NULL);
    const int place = mc->feature != -1 && !mc->late ? mc->feature : mc->place;
    for (int i = 0; mc->lines[i]; i++) {
        if (i == place && line)
            g_string_append_printf(out, "%s\n", line);
        if (i == mc->feature)
            continue;
        g_string_append(out, mc->lines[i]);
        if (mc->lines[i + 1] || mc->ended)
            g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

char *wire_mc_diff(const char *name, const char *was, const char *is)
{
    g_auto(GStrv) a = g_strsplit(was, "\n", -1), b = g_strsplit(is, "\n", -1);
    int a_count = (int)g_strv_length(a), b_count = (int)g_strv_length(b), same = 0, tail = 0;
    GString *out = g_string_new(NULL);
    if (strcmp(was, is) == 0)
        return g_string_free(out, FALSE);
    while (same < a_count && same < b_count && strcmp(a[same], b[same]) == 0)
        same++;
    while (tail < a_count - same && tail < b_count - same && strcmp(a[a_count - 1 - tail], b[b_count - 1 - tail]) == 0)
        tail++;
    int first = MAX(same - CONTEXT, 0), behind = MIN(tail, CONTEXT);
    g_string_append_printf(out, "--- %s\n+++ %s\n@@ -%d,%d +%d,%d @@\n", name, name, first + 1, a_count - tail + behind - first,
                           first + 1, b_count - tail + behind - first);
    for (int i = first; i < same; i++)
        g_string_append_printf(out, " %s\n", a[i]);
    for (int i = same; i < a_count - tail; i++)
        g_string_append_printf(out, "-%s\n", a[i]);
    for (int i = same; i < b_count - tail; i++)
        g_string_append_printf(out, "+%s\n", b[i]);
    for (int i = a_count - tail; i < a_count - tail + behind; i++)
        g_string_append_printf(out, " %s\n", a[i]);
    return g_string_free(out, FALSE);
}
