/* A milter that does nothing: what any milter costs that takes the steps of milter/mta/milter_steps.c; with "whole", one that takes all steps and the whole
 * message. usage: noop_milter unix:PATH [whole] */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <libmilter/mfapi.h>

static bool whole;

static sfsistat negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
                          unsigned long *want_actions, unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
    (void)ctx;
    (void)f2;
    (void)f3;
    *want_actions = actions & SMFIF_SETSYMLIST;
    *want_steps = whole ? 0 : steps & (SMFIP_NOHDRS | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_RCPT_REJ);
    *want_f2 = *want_f3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
    (void)ctx;
    (void)name;
    (void)address;
    return SMFIS_CONTINUE;
}

static sfsistat on_name(SMFICTX *ctx, char *name)
{
    (void)ctx;
    (void)name;
    return SMFIS_CONTINUE;
}

static sfsistat on_path(SMFICTX *ctx, char **args)
{
    (void)ctx;
    (void)args;
    return SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return whole ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx;
    (void)name;
    (void)value;
    return SMFIS_CONTINUE;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *octets, size_t len)
{
    (void)ctx;
    (void)octets;
    (void)len;
    return SMFIS_CONTINUE;
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
    (void)ctx;
    (void)command;
    return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    char name[] = "noop";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_name,
        .xxfi_envfrom = on_path,
        .xxfi_envrcpt = on_path,
        .xxfi_data = on_data,
        .xxfi_unknown = on_unknown,
        .xxfi_abort = on_end,
        .xxfi_close = on_end,
        .xxfi_negotiate = negotiate,
    };
    whole = argc == 3 && strcmp(argv[2], "whole") == 0;
    if (argc != 2 && !whole) {
        fputs("usage: noop_milter unix:PATH [whole]\n", stderr);
        return 64;
    }
    if (whole) {
        description.xxfi_header = on_header;
        description.xxfi_eoh = on_end;
        description.xxfi_body = on_body;
        description.xxfi_eom = on_end;
    }
    umask(0);
    if (smfi_register(description) == MI_FAILURE || smfi_setconn(argv[1]) == MI_FAILURE)
        return 1;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
