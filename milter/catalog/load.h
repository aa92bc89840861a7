/* Loading a catalogue: the files of entries (load_codes.c, load_reasons.c, load_lists.c), then the texts of each language
 * (load_text.c), and what they lack (load_complete.c); last, where that is asked for, how reasons get in each other's way (load_lint.c). */
#ifndef MAILWHY_CATALOG_LOAD_H
#define MAILWHY_CATALOG_LOAD_H

#include <dirent.h>

#include "entries.h"

/* The files as read are given up when all is loaded, by the thread that loads: libconfuse cannot free one file while it reads another. */
struct loader {
    struct catalog *c;
    bool strict;
    enum origin origin; /* of what is being read */
    struct buffer *faults;
    cfg_t **trees;
    size_t tree_count;
};

/* A file of entries. */
struct load_file {
    const char *name;
    bool optional;
    cfg_opt_t *options;
    void (*prepare)(cfg_t *tree); /* sets the checks */
    int (*take)(struct loader *l, cfg_t *tree); /* 0, or -1 with errno ENOMEM */
};
extern const struct load_file load_codes, load_reasons, load_lists;

/* The catalogue's own copy of a string, NULL for NULL. 0, or -1 with errno ENOMEM. */
int load_keep(struct catalog *c, const char **to, const char *s);

/* Parse a file; its tree lives as long as the loader. NULL with a fault. */
cfg_t *load_tree(struct loader *l, const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *));

/* True where there is nothing at the path: what cannot be looked at is not missing. */
bool load_is_missing(const char *path);

/* Checks of the keys stage and who, and what a section that passed them says. */
int load_check_stage(cfg_t *cfg, cfg_opt_t *opt);
int load_check_who(cfg_t *cfg, cfg_opt_t *opt);
enum stage load_stage(cfg_t *section);
enum catalog_who load_who(cfg_t *section);

/* A section's title as a reply code, 200 to 599; else 0. */
int load_code(const char *title);

/* A section's title as an enhanced status code, class 0 for "X.7.8". False for another text. */
bool load_enhanced(const char *title, struct enhanced *e);

/* To be called before the reasons of a folder are loaded: whether their patterns are deferred. */
void load_reasons_begin(bool brief);

/* Point each reason, and each code and enhanced code that has one, at the reason whose text a client is shown. */
void load_link_shown(struct loader *l);

/* Lay out the patterns' rows, as the source asks for them. 0, or -1 with errno ENOMEM. */
int load_lay_out_patterns(struct catalog *c, const struct catalog_source *from);

/* Read text/LANG.conf for English and the language of the source, over what is there; the site's folder may be missing. 0,
 * or -1 with errno ENOMEM. */
int load_texts(struct loader *l, const char *dir, const struct catalog_source *from, enum origin origin);

/* The files of texts in a folder, by name. How many; the caller frees each, and the array. -1 with errno. */
int load_text_files(const char *dir, struct dirent ***entries);

/* Find out the catalogue's version. 0, or -1 with errno ENOMEM. */
int load_version(struct catalog *c, const struct catalog_source *from);

/* The key of a word in a text file. */
const char *load_word_key(enum word word);

/* Fault pairs of reasons that match the same words equally well, and patterns that never win because another reason's always does. 0, or -1 with errno
 * ENOMEM. */
int load_lint(struct loader *l);

/* Fault each entry whose English text is missing, and let the other languages' texts fall back to it, key by key; where the loader is strict, fault
 * what they lack. */
void load_complete_texts(struct loader *l);

#endif
