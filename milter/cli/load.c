#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/catalog.h>

#include "print.h"

/* The locale's name for messages; "" where none is set, or one that cannot write what the texts need. */
static const char *locale_name(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strcasestr(value, ".utf-8") || strcasestr(value, ".utf8") ? value : "";
    }
    return "";
}

/* Whether one of the catalogue's folders has texts in the language. */
static bool has_texts(const char *dir, const char *local, const char *language)
{
    struct buffer path = {0};
    bool has = buffer_printf(&path, "%s/text/%s.conf", dir, language) == 0 && access(path.data, F_OK) == 0;
    buffer_clear(&path);
    if (!has && local)
        has = buffer_printf(&path, "%s/text/%s.conf", local, language) == 0 && access(path.data, F_OK) == 0;
    buffer_free(&path);
    return has;
}

/* The language of the locale "zh_CN.UTF-8": zh-CN where there are texts in it, else zh, else English. */
static void take_locale_language(char out[static CLI_LANGUAGE_SIZE], const char *dir, const char *local)
{
    const char *name = locale_name();
    size_t whole = strcspn(name, ".@"), lone = strcspn(name, "_.@");
    if (whole > 0 && whole < CLI_LANGUAGE_SIZE && !memchr(name, '/', whole)) {
        memcpy(out, name, whole);
        out[whole] = '\0';
        if (lone < whole)
            out[lone] = '-';
        if (has_texts(dir, local, out))
            return;
        out[lone] = '\0';
        if (has_texts(dir, local, out))
            return;
    }
    memcpy(out, CATALOG_LANGUAGE, sizeof CATALOG_LANGUAGE);
}

static void complain(const struct cli_options *o, const char *verb, const char *dir, const struct buffer *faults)
{
    print_lines(stderr, buffer_string(faults));
    fprintf(stderr, "mailwhy %s: without its catalogue ", verb);
    print_string(stderr, dir);
    fprintf(stderr, " there are no explanations.%s\n", o->catalog ? "" : " --catalog DIR names another.");
}

static int load(struct cli_catalog *out, const struct cli_options *o, const char *verb, bool all)
{
    struct buffer faults = {0};
    const char *local;
    char *dir = cli_catalog_dir(o, &local);
    *out = (struct cli_catalog){0};
    if (dir) {
        if (o->language)
            snprintf(out->language, sizeof out->language, "%s", o->language);
        else
            take_locale_language(out->language, dir, local);
        out->catalog = catalog_load(
            &(struct catalog_source){.dir = dir, .local_dir = local, .language = all ? NULL : out->language, .brief = true},
            &faults);
    }
    if (!out->catalog) {
        complain(o, verb, dir ? dir : "", &faults);
    } else if (!catalog_has_language(out->catalog, out->language)) {
        fprintf(stderr, "mailwhy %s: the catalogue has no texts in this language: ", verb);
        print_string(stderr, out->language);
        fputs("; they are shown in English.\n", stderr);
        memcpy(out->language, CATALOG_LANGUAGE, sizeof CATALOG_LANGUAGE);
    }
    buffer_free(&faults);
    free(dir);
    return out->catalog ? 0 : -1;
}

int cli_catalog_load(struct cli_catalog *out, const struct cli_options *o, const char *verb)
{
    return load(out, o, verb, false);
}

int cli_catalog_load_all(struct cli_catalog *out, const struct cli_options *o, const char *verb)
{
    return load(out, o, verb, true);
}
