#include "load.h"

#include <stdlib.h>
#include <string.h>

static int check_who_given(cfg_t *cfg, cfg_opt_t *opt)
{
    if (!cfg_getstr(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1), "who"))
        cfg_error(cfg, "%s %s: who is missing", cfg_opt_name(opt), cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1)));
    return 0;
}

static int check_code(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
    if (!load_code(title))
        cfg_error(cfg, "code \"%s\" is not a reply code (200 to 599)", title);
    return check_who_given(cfg, opt);
}

static int check_enhanced(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
    struct enhanced e;
    if (!load_enhanced(title, &e))
        cfg_error(cfg, "enhanced \"%s\" is not an enhanced status code (class.subject.detail, class 2, 4, 5 or X)", title);
    return check_who_given(cfg, opt);
}

int load_code(const char *title)
{
    if (strlen(title) != 3 || strspn(title, "0123456789") != 3 || title[0] < '2' || title[0] > '5')
        return 0;
    return (title[0] - '0') * 100 + (title[1] - '0') * 10 + (title[2] - '0');
}

bool load_enhanced(const char *title, struct enhanced *e)
{
    char text[ENHANCED_SIZE];
    size_t len = strlen(title);
    if (len >= sizeof text || len == 0)
        return false;
    memcpy(text, title, len + 1);
    bool any = *text == 'X' || *text == 'x';
    if (any)
        *text = '5';
    if (enhanced_parse(e, text, len) != len)
        return false;
    if (any)
        e->class = 0;
    return true;
}

static cfg_opt_t code_options[] = {CFG_STR("stage", NULL, CFGF_NODEFAULT), CFG_STR("who", NULL, CFGF_NODEFAULT),
                                   CFG_STR("shown_as", NULL, CFGF_NODEFAULT), CFG_END()};
static cfg_opt_t enhanced_options[] = {CFG_STR("stage", NULL, CFGF_NODEFAULT), CFG_STR("who", NULL, CFGF_NODEFAULT),
                                       CFG_STR("shown_as", NULL, CFGF_NODEFAULT), CFG_BOOL("vague", cfg_false, CFGF_NONE),
                                       CFG_END()};
static cfg_opt_t codes_options[] = {CFG_SEC("code", code_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                                    CFG_SEC("enhanced", enhanced_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                                    CFG_END()};

static void prepare_codes(cfg_t *cfg)
{
    cfg_set_validate_func(cfg, "code", check_code);
    cfg_set_validate_func(cfg, "code|stage", load_check_stage);
    cfg_set_validate_func(cfg, "code|who", load_check_who);
    cfg_set_validate_func(cfg, "enhanced", check_enhanced);
    cfg_set_validate_func(cfg, "enhanced|stage", load_check_stage);
    cfg_set_validate_func(cfg, "enhanced|who", load_check_who);
}

/* 0, or -1 with errno ENOMEM. */
static int take_plain(struct loader *l, cfg_t *tree)
{
    struct catalog *c = l->c;
    unsigned count = cfg_size(tree, "code");
    struct code_entry *codes = realloc(c->codes, (c->code_count + count + 1) * sizeof *codes);
    if (!codes)
        return -1;
    c->codes = codes;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(tree, "code", i);
        size_t at = 0;
        int code = load_code(cfg_title(section));
        while (at < c->code_count && codes[at].code.code != code)
            at++;
        c->code_count += at == c->code_count;
        codes[at] = (struct code_entry){.code = {.code = code, .stage = load_stage(section), .who = load_who(section)},
                                        .section = section,
                                        .origin = l->origin};
        if (load_keep(c, &codes[at].shown_as, cfg_getstr(section, "shown_as")) == -1)
            return -1;
    }
    return 0;
}

static int take_enhanced(struct loader *l, cfg_t *tree)
{
    struct catalog *c = l->c;
    unsigned count = cfg_size(tree, "enhanced");
    struct enhanced_entry *all = realloc(c->enhanced, (c->enhanced_count + count + 1) * sizeof *all);
    if (!all)
        return -1;
    c->enhanced = all;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(tree, "enhanced", i);
        struct enhanced_entry entry = {
            .enhanced = {.stage = load_stage(section), .who = load_who(section), .vague = cfg_getbool(section, "vague")},
            .section = section,
            .origin = l->origin};
        size_t at = 0;
        load_enhanced(cfg_title(section), &entry.enhanced.code);
        while (at < c->enhanced_count && !enhanced_equal(&all[at].enhanced.code, &entry.enhanced.code))
            at++;
        c->enhanced_count += at == c->enhanced_count;
        all[at] = entry;
        if (load_keep(c, &all[at].shown_as, cfg_getstr(section, "shown_as")) == -1)
            return -1;
    }
    return 0;
}

static int take_codes(struct loader *l, cfg_t *tree)
{
    return take_plain(l, tree) == -1 || take_enhanced(l, tree) == -1 ? -1 : 0;
}

const struct load_file load_codes = {"codes.conf", false, codes_options, prepare_codes, take_codes};
