#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int check_list(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    if (!cfg_getstr(section, "name"))
        cfg_error(cfg, "list %s: name is missing", cfg_title(section));
    return 0;
}

/* A URL stands in replies: printable ASCII, no blanks, and not long. */
static int check_url(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *url = cfg_opt_getstr(opt), *rest = url + strspn(url, "abcdefghijklmnopqrstuvwxyz");
    bool good = strncmp(rest, "://", 3) == 0 && strlen(url) <= 120;
    for (const char *s = url; *s; s++)
        good = good && *s > ' ' && *s <= '~';
    if (!good)
        cfg_error(cfg, "%s \"%s\" is not a URL of at most 120 printable ASCII characters", cfg_opt_name(opt), url);
    return 0;
}

static int check_page(cfg_t *cfg, cfg_opt_t *opt)
{
    if (!strstr(cfg_opt_getstr(opt), "%client"))
        cfg_error(cfg, "page \"%s\" has no %%client; a page without the address is site", cfg_opt_getstr(opt));
    return check_url(cfg, opt);
}

static cfg_opt_t list_options[] = {CFG_STR("name", NULL, CFGF_NODEFAULT), CFG_STR("page", NULL, CFGF_NODEFAULT),
                                   CFG_STR("site", NULL, CFGF_NODEFAULT), CFG_END()};
static cfg_opt_t lists_options[] = {CFG_SEC("list", list_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()};

static void prepare_lists(cfg_t *cfg)
{
    cfg_set_validate_func(cfg, "list", check_list);
    cfg_set_validate_func(cfg, "list|page", check_page);
    cfg_set_validate_func(cfg, "list|site", check_url);
}

/* 0, or -1 with errno ENOMEM. */
static int take_lists(struct loader *l, cfg_t *tree)
{
    struct catalog *c = l->c;
    unsigned count = cfg_size(tree, "list");
    struct catalog_list *lists = realloc(c->lists, (c->list_count + count + 1) * sizeof *lists);
    if (!lists)
        return -1;
    c->lists = lists;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(tree, "list", i);
        size_t at = 0;
        while (at < c->list_count && strcasecmp(lists[at].title, cfg_title(section)) != 0)
            at++;
        struct catalog_list *list = &lists[at];
        if (load_keep(c, &list->title, cfg_title(section)) == -1 ||
            load_keep(c, &list->name, cfg_getstr(section, "name")) == -1 ||
            load_keep(c, &list->page, cfg_getstr(section, "page")) == -1 ||
            load_keep(c, &list->site, cfg_getstr(section, "site")) == -1)
            return -1;
        c->list_count += at == c->list_count;
    }
    return 0;
}

const struct load_file load_lists = {"lists.conf", true, lists_options, prepare_lists, take_lists};
