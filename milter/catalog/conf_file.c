#include <mailwhy/conf_file.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* libconfuse passes nothing of ours to the error function. */
static _Thread_local struct buffer *collecting;

static void collect(cfg_t *cfg, const char *format, va_list args)
{
    char what[512];
    vsnprintf(what, sizeof what, format, args);
    buffer_printf(collecting, "%s:%d: %s\n", cfg && cfg->filename ? cfg->filename : "?", cfg ? cfg->line : 0, what);
}

cfg_t *conf_file_parse(const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *), struct buffer *faults)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        buffer_printf(faults, "%s:0: cannot be read: %s\n", path, strerror(errno));
        return NULL;
    }
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    if (!cfg) {
        buffer_printf(faults, "%s:0: out of memory\n", path);
        goto close;
    }
    cfg->filename = strdup(path);
    cfg_set_error_function(cfg, collect);
    if (prepare)
        prepare(cfg);
    collecting = faults;
    size_t before = faults->len;
    if (cfg_parse_fp(cfg, file) != CFG_SUCCESS) {
        if (faults->len == before)
            buffer_printf(faults, "%s:%d: cannot be read\n", path, cfg->line);
        cfg_free(cfg);
        cfg = NULL;
    }
    collecting = NULL;

close:
    fclose(file);
    return cfg;
}
