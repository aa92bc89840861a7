/* Any text as a list of Postfix's, and as a sendmail.mc: what our line is put into gives the same text again without it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "../../milter/cli/wire_list.h"
#include "../../milter/cli/wire_mc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_list(const char *text)
{
    const struct config config = {.socketmap_listen = "unix:/queue/mailwhy/reply", .milter_listen = "unix:/queue/mailwhy/milter"};
    struct wire_ends ends;
    wire_ends_make(&ends, &config, "/queue");
    g_auto(GStrv) elements = wire_list_split(text);
    for (char **e = elements; *e; e++) {
        assert(**e);
        wire_is_milter(&ends, *e);
        wire_is_map(&ends, *e, "811");
        wire_is_macro(*e, "811");
        wire_is_absolute(&ends, *e);
        wire_milter_accepts(*e);
    }
    for (int attributes = 0; attributes < 2; attributes++) {
        g_autofree char *compact = wire_list_compact(text, attributes);
        assert(!compact || !strpbrk(compact, " \t\r\n"));
    }
    wire_ends_free(&ends);
}

static void try_mc(const char *text)
{
    struct wire_mc mc, wired;
    wire_mc_read(&mc, text);
    if (mc.feature == -1 && mc.place != -1) {
        g_autofree char *with = wire_mc_write(&mc, "FEATURE(`mailwhy')dnl");
        wire_mc_read(&wired, with);
        assert(wired.feature != -1 && !wired.late);
        g_autofree char *without = wire_mc_write(&wired, NULL), *diff = wire_mc_diff("sendmail.mc", text, with);
        assert(strcmp(without, text) == 0 && *diff);
        wire_mc_free(&wired);
    }
    wire_mc_free(&mc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    try_list(text);
    try_mc(text);
    return 0;
}
