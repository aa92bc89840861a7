#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/conf_file.h>

#define REASONS_MAX 20000

/* The patterns that were compiled to check them, in the order of the file, until their reasons take them. libconfuse passes nothing of ours to a
 * check. */
static _Thread_local struct {
    bool brief;
    struct pattern **all;
    size_t count, next;
} checked;

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

static int keep_checked(struct pattern *p)
{
    struct pattern **all = realloc(checked.all, (checked.count + 1) * sizeof *all);
    if (!all)
        return -1;
    checked.all = all;
    all[checked.count++] = p;
    return 0;
}

static void forget_checked(void)
{
    while (checked.count)
        pattern_free(checked.all[--checked.count]);
    free(checked.all);
    checked.all = NULL;
    checked.next = 0;
}

/* The pattern of that text, compiled. NULL with errno ENOMEM. */
static struct pattern *take_checked(const char *text)
{
    char why[200];
    for (size_t i = checked.next; i < checked.count; i++) {
        struct pattern *p = checked.all[i];
        if (!p || strcmp(pattern_text(p), text) != 0)
            continue;
        checked.all[i] = NULL;
        checked.next = i + 1;
        return p;
    }
    return checked.brief ? pattern_defer(text) : pattern_compile(text, why, sizeof why); /* it was checked: it lacks memory */
}

static int check_pattern(cfg_t *cfg, cfg_opt_t *opt)
{
    char why[200];
    const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (checked.brief)
        return 0;
    struct pattern *p = pattern_compile(text, why, sizeof why);
    if (!p)
        cfg_error(cfg, "bad pattern '%s': %s", text, why);
    else if (keep_checked(p) == -1)
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

static void prepare_reasons(cfg_t *cfg)
{
    forget_checked(); /* those of a file with a fault */
    cfg_set_validate_func(cfg, "reason", check_reason);
    cfg_set_validate_func(cfg, "reason|codes", check_codes);
    cfg_set_validate_func(cfg, "reason|enhanced", check_enhanced);
    cfg_set_validate_func(cfg, "reason|patterns", check_pattern);
    cfg_set_validate_func(cfg, "reason|who", load_check_who);
    cfg_set_validate_func(cfg, "reason|stage", load_check_stage);
}

/* Fill an empty entry from its section, which was checked. 0, or -1 with errno ENOMEM. */
static int take_reason(struct loader *l, struct reason_entry *r, cfg_t *section)
{
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
        r->patterns[r->pattern_count] = take_checked(cfg_getnstr(section, "patterns", (unsigned)r->pattern_count));
        if (!r->patterns[r->pattern_count])
            return -1;
    }
    r->section = section;
    r->origin = l->origin;
    r->reason = (struct catalog_reason){
        .who = load_who(section), .wrong_port = cfg_getbool(section, "wrong_port"), .stage = load_stage(section)};
    bool after_mail = r->reason.stage == STAGE_NONE || r->reason.stage > STAGE_MAIL;
    r->reason.in_message = cfg_size(section, "in_message") ? cfg_getbool(section, "in_message") : after_mail;
    if (load_keep(l->c, &r->shown_as, cfg_getstr(section, "shown_as")) == -1)
        return -1;
    return load_keep(l->c, &r->reason.id, cfg_title(section));
}

static int take_all(struct loader *l, cfg_t *tree)
{
    struct catalog *c = l->c;
    unsigned count = cfg_size(tree, "reason");
    if (c->reason_count + count > REASONS_MAX) {
        buffer_printf(l->faults, "%s:0: more than %d reasons\n", tree->filename, REASONS_MAX);
        return 0;
    }
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
        if (take_reason(l, r, section) == -1)
            return -1;
    }
    return 0;
}

void load_reasons_begin(bool brief)
{
    checked.brief = brief;
}

static int take_reasons(struct loader *l, cfg_t *tree)
{
    int result = take_all(l, tree);
    forget_checked();
    return result;
}

const struct load_file load_reasons = {"reasons.conf", false, reasons_options, prepare_reasons, take_reasons};

/* The reason of that id, where it has a text of its own; else NULL with a fault about the section. */
static const struct catalog_reason *shown_reason(struct loader *l, const char *id, cfg_t *section)
{
    const struct catalog_reason *r = catalog_reason_by_id(l->c, id);
    if (r && !l->c->reasons[reason_index(l->c, r)].shown_as)
        return r;
    buffer_printf(l->faults, "%s:%d: %s %s: shown_as \"%s\" is not a reason with a text of its own to show\n", section->filename,
                  conf_file_section_line(section, section->filename), cfg_name(section), cfg_title(section), id);
    return NULL;
}

void load_link_shown(struct loader *l)
{
    for (size_t i = 0; i < l->c->reason_count; i++) {
        struct reason_entry *r = &l->c->reasons[i];
        r->reason.shown = r->shown_as ? shown_reason(l, r->shown_as, r->section) : &r->reason;
    }
    for (size_t i = 0; i < l->c->code_count; i++) {
        struct code_entry *e = &l->c->codes[i];
        e->code.shown = e->shown_as ? shown_reason(l, e->shown_as, e->section) : NULL;
    }
    for (size_t i = 0; i < l->c->enhanced_count; i++) {
        struct enhanced_entry *e = &l->c->enhanced[i];
        e->enhanced.shown = e->shown_as ? shown_reason(l, e->shown_as, e->section) : NULL;
    }
}

/* The rows of the patterns: those of each key together, a pattern of several keys in several rows. */
struct layout {
    struct catalog *c;
    uint32_t uses[PATTERN_GRAMS];
    uint32_t *ends; /* of the rows of each key, as they are counted, then filled in from behind */
};

/* Count the row of a pattern in each of its keys, or set it. */
static void lay_out_pattern(struct layout *l, struct pattern *p, size_t reason, bool set)
{
    struct pattern_key keys[PATTERN_KEYS] = {PATTERN_KEY_NONE};
    size_t count = pattern_keys(p, l->uses, keys);
    for (size_t i = 0; i < (count ? count : 1); i++) {
        if (set)
            l->c->rows[--l->ends[keys[i].bit]] = (struct pattern_row){p, (uint16_t)reason, keys[i]};
        else
            l->ends[keys[i].bit]++;
    }
}

static void lay_out_all(struct layout *l, bool set)
{
    for (size_t i = 0; i < l->c->reason_count; i++)
        for (size_t n = 0; n < l->c->reasons[i].pattern_count; n++)
            lay_out_pattern(l, l->c->reasons[i].patterns[n], i, set);
}

/* All patterns in one row after another, as if none had a key: quickly laid out. */
static int lay_out_briefly(struct catalog *c, size_t count)
{
    c->rows = calloc(count + 1, sizeof *c->rows);
    if (!c->rows)
        return -1;
    count = 0;
    for (size_t i = 0; i < c->reason_count; i++)
        for (size_t n = 0; n < c->reasons[i].pattern_count; n++)
            c->rows[count++] = (struct pattern_row){c->reasons[i].patterns[n], (uint16_t)i, PATTERN_KEY_NONE};
    c->key_rows[PATTERN_GRAMS + 1] = (uint32_t)count;
    return 0;
}

int load_lay_out_patterns(struct catalog *c, const struct catalog_source *from)
{
    struct layout l = {.c = c, .ends = c->key_rows + 1};
    size_t patterns = 0;
    for (size_t i = 0; i < c->reason_count; i++) {
        c->has_bare = c->has_bare || c->reasons[i].pattern_count == 0;
        patterns += c->reasons[i].pattern_count;
    }
    if (from->brief)
        return lay_out_briefly(c, patterns);
    for (size_t i = 0; i < c->reason_count; i++) {
        for (size_t n = 0; n < c->reasons[i].pattern_count; n++) {
            pattern_count_uses(c->reasons[i].patterns[n], l.uses);
            if (!from->test)
                pattern_make_fast(c->reasons[i].patterns[n]);
        }
    }
    lay_out_all(&l, false);
    for (size_t key = 1; key <= PATTERN_GRAMS; key++)
        l.ends[key] += l.ends[key - 1];
    uint32_t count = l.ends[PATTERN_GRAMS];
    c->rows = calloc(count + 1, sizeof *c->rows);
    if (!c->rows)
        return -1;
    lay_out_all(&l, true);
    memmove(c->key_rows, l.ends, (PATTERN_GRAMS + 1) * sizeof *l.ends);
    c->key_rows[PATTERN_GRAMS + 1] = count;
    return 0;
}
