#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mailwhy/conf_file.h>

static const struct load_file *const files[] = {&load_codes, &load_reasons, &load_lists};

#define BLOCK_SIZE 16384 /* of strings */

static int who_from_name(const char *name)
{
    for (int who = 0; who < WHO_COUNT; who++)
        if (strcmp(catalog_who_name((enum catalog_who)who), name) == 0)
            return who;
    return -1;
}

enum catalog_who load_who(cfg_t *section)
{
    int who = who_from_name(cfg_getstr(section, "who"));
    return who == -1 ? WHO_SENDER : (enum catalog_who)who;
}

int load_check_who(cfg_t *cfg, cfg_opt_t *opt)
{
    if (who_from_name(cfg_opt_getstr(opt)) == -1)
        cfg_error(cfg, "who \"%s\" is not one of sender, sender-admin, receiver-admin", cfg_opt_getstr(opt));
    return 0;
}

int load_check_stage(cfg_t *cfg, cfg_opt_t *opt)
{
    if (stage_from_name(cfg_opt_getstr(opt)) == STAGE_NONE)
        cfg_error(cfg, "stage \"%s\" is not one of connect, helo, starttls, auth, mail, rcpt, data, eom, unknown, other",
                  cfg_opt_getstr(opt));
    return 0;
}

enum stage load_stage(cfg_t *section)
{
    const char *name = cfg_getstr(section, "stage");
    return name ? stage_from_name(name) : STAGE_NONE;
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

/* Read the entries of a folder; in the site's each file may be missing. */
static int load_entries(struct loader *l, const char *dir, const struct catalog_source *from, enum origin origin)
{
    bool optional = origin == ORIGIN_SITE;
    l->origin = origin;
    load_reasons_begin(from->brief && origin == ORIGIN_OURS);
    struct buffer path = {0};
    int result = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && result == 0; i++) {
        const struct load_file *file = files[i];
        buffer_clear(&path);
        if (buffer_printf(&path, "%s/%s", dir, file->name) == -1) {
            result = -1;
        } else if (!(optional || file->optional) || !load_is_missing(buffer_string(&path))) {
            size_t before = l->faults->len;
            cfg_t *tree = load_tree(l, path.data, file->options, file->prepare);
            if (tree && l->faults->len == before)
                result = file->take(l, tree);
        }
    }
    buffer_free(&path);
    return result;
}

struct catalog *catalog_load(const struct catalog_source *from, struct buffer *faults)
{
    struct catalog *c = calloc(1, sizeof *c);
    struct loader l = {.c = c, .strict = from->strict, .faults = faults};
    size_t before = faults->len;
    if (!c)
        return NULL;
    atomic_init(&c->users, 1);
    int why = ENOMEM;
    if (load_entries(&l, from->dir, from, ORIGIN_OURS) == -1 ||
        (from->local_dir && load_entries(&l, from->local_dir, from, ORIGIN_SITE) == -1))
        goto done;
    why = EINVAL;
    if (faults->len > before) /* what is wrong with the texts may come of it alone */
        goto done;
    load_link_shown(&l);
    if (load_lay_out_patterns(c, from) == -1 || load_texts(&l, from->dir, from, ORIGIN_OURS) == -1 ||
        (from->local_dir && load_texts(&l, from->local_dir, from, ORIGIN_SITE) == -1)) {
        why = ENOMEM;
        goto done;
    }
    if (faults->len == before)
        load_complete_texts(&l);
    if (from->strict && faults->len == before && load_lint(&l) == -1) {
        why = ENOMEM;
        goto done;
    }
    if (faults->len > before || !buffer_ok(faults))
        goto done;
    why = from->brief || load_version(c, from) == 0 ? 0 : ENOMEM;

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
