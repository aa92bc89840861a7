#include <mailwhy/stage.h>

#include <assert.h>
#include <string.h>

static const char *const names[] = {
    [STAGE_NONE] = NULL,   [STAGE_CONNECT] = "connect", [STAGE_HELO] = "helo",   [STAGE_STARTTLS] = "starttls",
    [STAGE_AUTH] = "auth", [STAGE_MAIL] = "mail",       [STAGE_RCPT] = "rcpt",   [STAGE_DATA] = "data",
    [STAGE_EOM] = "eom",   [STAGE_UNKNOWN] = "unknown", [STAGE_OTHER] = "other",
};
static_assert(sizeof names / sizeof *names == STAGE_COUNT, "each stage has its name");

const char *stage_name(enum stage stage)
{
    return names[stage];
}

enum stage stage_from_name(const char *name)
{
    for (int stage = STAGE_NONE + 1; stage < STAGE_COUNT; stage++)
        if (strcmp(names[stage], name) == 0)
            return (enum stage)stage;
    return STAGE_NONE;
}
