#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/conf_file.h>

#define BLOCK_SIZE 16384 /* of strings */

static int who_from_name(const char *name)
{
    for (int who = 0; who < WHO_COUNT; who++)
        if (strcmp(catalog_who_name((enum catalog_who)who), name) == 0)
            return who;
    return -1;
}

static int check_stage(cfg_t *cfg, cfg_opt_t *opt)
{
    if (stage_from_name(cfg_opt_getstr(opt)) == STAGE_NONE)
        cfg_error(cfg, "stage \"%s\" is not one of connect, helo, starttls, auth, mail, rcpt, data, eom, unknown, other",
                  cfg_opt_getstr(opt));
    return 0;
}

static int check_who(cfg_t *cfg, cfg_opt_t *opt)
{
    if (who_from_name(cfg_opt_getstr(opt)) == -1)
        cfg_error(cfg, "who \"%s\" is not one of sender, sender-admin, receiver-admin", cfg_opt_getstr(opt));
    return 0;
}

static int check_codes(cfg_t *cfg, cfg_opt_t *opt)
{
    long code = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);
    if (code < 200 || code > 599)
        cfg_error(cfg, "%ld is not a reply code (200 to 599)", code);
    return 0;
}

static int check_enhanced(cfg_t *cfg, cfg_opt_t *opt)
{
    struct enhanced e;
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (enhanced_parse(&e, text, strlen(text)) != strlen(text) || !*text)
        cfg_error(cfg, "\"%s\" is not an enhanced status code (class.subject.detail, class 2, 4 or 5)", text);
    return 0;
}

static int check_pattern(cfg_t *cfg, cfg_opt_t *opt)
{
    char why[200];
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    struct pattern *p = pattern_compile(text, why, sizeof why);
    if (!p)
        cfg_error(cfg, "bad pattern '%s': %s", text, why);
    pattern_free(p);
    return 0;
}

static int check_reason(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    const char *id = cfg_title(section);
    if (!*id || strlen(id) > 64 || id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        cfg_error(cfg, "reason \"%s\": an id is made of a to z, 0 to 9 and -, 64 at most", id);
    if (!cfg_getstr(section, "who"))
        cfg_error(cfg, "reason %s: who is missing", id);
    if (!cfg_size(section, "patterns") && !cfg_size(section, "codes") && !cfg_size(section, "enhanced"))
        cfg_error(cfg, "reason %s: nothing can match it: patterns, codes and enhanced are all missing", id);
    return 0;
}

static int check_code(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *title = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
    if (!load_code(title))
        cfg_error(cfg, "code \"%s\" is not a reply code (200 to 599)", title);
    return 0;
}

int load_code(const char *title)
{
    if (strlen(title) != 3 || strspn(title, "0123456789") != 3 || title[0] < '2' || title[0] > '5')
        return 0;
    return (title[0] - '0') * 100 + (title[1] - '0') * 10 + (title[2] - '0');
}

static cfg_opt_t code_options[] = {CFG_STR("stage", NULL, CFGF_NODEFAULT), CFG_END()};
static cfg_opt_t codes_options[] = {CFG_SEC("code", code_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()};

static cfg_opt_t reason_options[] = {CFG_INT_LIST("codes", NULL, CFGF_NODEFAULT),
                                     CFG_STR_LIST("enhanced", NULL, CFGF_NODEFAULT),
                                     CFG_STR_LIST("patterns", NULL, CFGF_NODEFAULT),
                                     CFG_STR("who", NULL, CFGF_NODEFAULT),
                                     CFG_BOOL("wrong_port", cfg_false, CFGF_NONE),
                                     CFG_BOOL("in_message", cfg_false, CFGF_NODEFAULT),
                                     CFG_STR("stage", NULL, CFGF_NODEFAULT),
                                     CFG_STR("shown_as", NULL, CFGF_NODEFAULT),
                                     CFG_END()};
static cfg_opt_t reasons_options[] = {CFG_SEC("reason", reason_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
                                      CFG_END()};

static void prepare_codes(cfg_t *cfg)
{
    cfg_set_validate_func(cfg, "code", check_code);
    cfg_set_validate_func(cfg, "code|stage", check_stage);
}

static void prepare_reasons(cfg_t *cfg)
{
    cfg_set_validate_func(cfg, "reason", check_reason);
    cfg_set_validate_func(cfg, "reason|codes", check_codes);
    cfg_set_validate_func(cfg, "reason|enhanced", check_enhanced);
    cfg_set_validate_func(cfg, "reason|patterns", check_pattern);
    cfg_set_validate_func(cfg, "reason|who", check_who);
    cfg_set_validate_func(cfg, "reason|stage", check_stage);
}

int load_keep(struct catalog *c, const char **to, const char *s)
{
    size_t len = s ? strlen(s) + 1 : 0;
    struct string_block *block = c->strings;
    *to = NULL;
    if (!s)
        return 0;
    if (!block || block->size - block->used < len) {
        size_t size = len > BLOCK_SIZE ? len : BLOCK_SIZE;
        block = malloc(sizeof *block + size);
        if (!block)
            return -1;
        *block = (struct string_block){.next = c->strings, .size = size};
        c->strings = block;
    }
    *to = memcpy(block->data + block->used, s, len);
    block->used += len;
    return 0;
}

bool load_is_missing(const char *path)
{
    return access(path, F_OK) == -1 && (errno == ENOENT || errno == ENOTDIR);
}

cfg_t *load_tree(struct loader *l, const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *))
{
    cfg_t *tree = conf_file_parse(path, options, prepare, l->faults);
    if (!tree)
        return NULL;
    cfg_t **trees = realloc(l->trees, (l->tree_count + 1) * sizeof *trees);
    if (!trees) {
        cfg_free(tree);
        buffer_printf(l->faults, "%s:0: out of memory\n", path);
        return NULL;
    }
    l->trees = trees;
    trees[l->tree_count++] = tree;
    return tree;
}

static enum stage section_stage(cfg_t *section)
{
    const char *name = cfg_getstr(section, "stage");
    return name ? stage_from_name(name) : STAGE_NONE;
}

/* 0, or -1 with errno ENOMEM. */
static int take_codes(struct catalog *c, cfg_t *tree)
{
    unsigned count = cfg_size(tree, "code");
    struct catalog_code *codes = realloc(c->codes, (c->code_count + count + 1) * sizeof *codes);
    if (!codes)
        return -1;
    c->codes = codes;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(tree, "code", i);
        size_t at = 0;
        int code = load_code(cfg_title(section));
        while (at < c->code_count && codes[at].code != code)
            at++;
        c->code_count += at == c->code_count;
        codes[at] = (struct catalog_code){code, section_stage(section)};
    }
    return 0;
}

/* Fill an empty entry from its section, which was checked. 0, or -1 with errno ENOMEM. */
static int take_reason(struct catalog *c, struct reason_entry *r, cfg_t *section)
{
    char why[200];
    unsigned codes = cfg_size(section, "codes"), enhanced = cfg_size(section, "enhanced"),
             patterns = cfg_size(section, "patterns");
    r->codes = calloc(codes + 1, sizeof *r->codes);
    r->enhanced = calloc(enhanced + 1, sizeof *r->enhanced);
    r->patterns = calloc(patterns + 1, sizeof *r->patterns);
    if (!r->codes || !r->enhanced || !r->patterns)
        return -1;
    for (; r->code_count < codes; r->code_count++)
        r->codes[r->code_count] = (int)cfg_getnint(section, "codes", (unsigned)r->code_count);
    for (; r->enhanced_count < enhanced; r->enhanced_count++) {
        const char *text = cfg_getnstr(section, "enhanced", (unsigned)r->enhanced_count);
        enhanced_parse(&r->enhanced[r->enhanced_count], text, strlen(text));
    }
    for (; r->pattern_count < patterns; r->pattern_count++) {
        r->patterns[r->pattern_count] =
            pattern_compile(cfg_getnstr(section, "patterns", (unsigned)r->pattern_count), why, sizeof why);
        if (!r->patterns[r->pattern_count])
            return -1;
    }
    r->section = section;
    r->reason = (struct catalog_reason){.who = (enum catalog_who)who_from_name(cfg_getstr(section, "who")),
                                        .wrong_port = cfg_getbool(section, "wrong_port"),
                                        .stage = section_stage(section)};
    bool after_mail = r->reason.stage == STAGE_NONE || r->reason.stage > STAGE_MAIL;
    r->reason.in_message = cfg_size(section, "in_message") ? cfg_getbool(section, "in_message") : after_mail;
    if (load_keep(c, &r->shown_as, cfg_getstr(section, "shown_as")) == -1)
        return -1;
    return load_keep(c, &r->reason.id, cfg_title(section));
}

static int take_reasons(struct catalog *c, cfg_t *tree)
{
    unsigned count = cfg_size(tree, "reason");
    struct reason_entry *reasons = realloc(c->reasons, (c->reason_count + count + 1) * sizeof *reasons);
    if (!reasons)
        return -1;
    c->reasons = reasons;
    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(tree, "reason", i);
        const struct catalog_reason *known = catalog_reason_by_id(c, cfg_title(section));
        struct reason_entry *r = known ? &reasons[reason_index(c, known)] : &reasons[c->reason_count++];
        if (known)
            reason_clear(r);
        else
            *r = (struct reason_entry){0};
        if (take_reason(c, r, section) == -1)
            return -1;
    }
    return 0;
}

/* Read codes.conf and reasons.conf of a folder; in an optional one each may be missing. */
static int load_entries(struct loader *l, const char *dir, bool optional)
{
    static const struct {
        const char *name;
        cfg_opt_t *options;
        void (*prepare)(cfg_t *);
        int (*take)(struct catalog *, cfg_t *);
    } files[] = {{"codes.conf", codes_options, prepare_codes, take_codes},
                 {"reasons.conf", reasons_options, prepare_reasons, take_reasons}};
    struct buffer path = {0};
    int result = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && result == 0; i++) {
        buffer_clear(&path);
        if (buffer_printf(&path, "%s/%s", dir, files[i].name) == -1) {
            result = -1;
        } else if (!optional || !load_is_missing(buffer_string(&path))) {
            size_t before = l->faults->len;
            cfg_t *tree = load_tree(l, path.data, files[i].options, files[i].prepare);
            if (tree && l->faults->len == before)
                result = files[i].take(l->c, tree);
        }
    }
    buffer_free(&path);
    return result;
}

/* Point each reason at the one whose text a client is shown. */
static void link_shown(struct loader *l)
{
    for (size_t i = 0; i < l->c->reason_count; i++) {
        struct reason_entry *r = &l->c->reasons[i];
        r->reason.shown = r->shown_as ? catalog_reason_by_id(l->c, r->shown_as) : &r->reason;
        if (!r->reason.shown || l->c->reasons[reason_index(l->c, r->reason.shown)].shown_as)
            buffer_printf(l->faults, "%s:%d: reason %s: shown_as \"%s\" is not a reason with a text of its own to show\n",
                          r->section->filename, r->section->line, r->reason.id, r->shown_as);
    }
}

/* Lay out the patterns' rows. 0, or -1 with errno ENOMEM. */
static int lay_out_patterns(struct catalog *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->reason_count; i++)
        count += c->reasons[i].pattern_count;
    c->rows = calloc(count + 1, sizeof *c->rows);
    if (!c->rows)
        return -1;
    for (size_t i = 0; i < c->reason_count; i++) {
        for (size_t n = 0; n < c->reasons[i].pattern_count; n++) {
            const struct pattern *p = c->reasons[i].patterns[n];
            c->rows[c->row_count++] = (struct pattern_row){(int16_t)pattern_first_gram(p), (uint16_t)i, p};
        }
    }
    return 0;
}

struct catalog *catalog_load(const char *dir, const char *local_dir, struct buffer *faults)
{
    struct catalog *c = calloc(1, sizeof *c);
    struct loader l = {.c = c, .faults = faults};
    size_t before = faults->len;
    if (!c)
        return NULL;
    atomic_init(&c->users, 1);
    int why = ENOMEM;
    if (load_entries(&l, dir, false) == -1 || (local_dir && load_entries(&l, local_dir, true) == -1))
        goto done;
    why = EINVAL;
    if (faults->len > before) /* what is wrong with the texts may come of it alone */
        goto done;
    link_shown(&l);
    if (lay_out_patterns(c) == -1 || load_texts(&l, dir, false) == -1 || (local_dir && load_texts(&l, local_dir, true) == -1)) {
        why = ENOMEM;
        goto done;
    }
    if (faults->len == before)
        load_complete_texts(&l);
    if (faults->len == before && buffer_ok(faults))
        why = 0;

done:
    for (size_t i = 0; i < l.tree_count; i++)
        cfg_free(l.trees[i]);
    free(l.trees);
    if (why) {
        catalog_release(c);
        errno = why;
        return NULL;
    }
    return c;
}
