/* Loading a catalogue: codes and reasons (load.c), then the texts of each language (load_text.c). */
#ifndef MAILWHY_CATALOG_LOAD_H
#define MAILWHY_CATALOG_LOAD_H

#include "entries.h"

/* The files as read are given up when all is loaded, by the thread that loads: libconfuse cannot free one file while it reads another. */
struct loader {
    struct catalog *c;
    struct buffer *faults;
    cfg_t **trees;
    size_t tree_count;
};

/* The catalogue's own copy of a string, NULL for NULL. 0, or -1 with errno ENOMEM. */
int load_keep(struct catalog *c, const char **to, const char *s);

/* Parse a file; its tree lives as long as the loader. NULL with a fault. */
cfg_t *load_tree(struct loader *l, const char *path, cfg_opt_t *options, void (*prepare)(cfg_t *));

/* True where there is nothing at the path: what cannot be looked at is not missing. */
bool load_is_missing(const char *path);

/* A section's title as a reply code, 200 to 599; else 0. */
int load_code(const char *title);

/* Read text/LANG.conf for each language of a folder, over what is there; an optional folder may be missing. 0, or -1 with errno ENOMEM. */
int load_texts(struct loader *l, const char *dir, bool optional);

/* Fault each entry whose English text is missing, and let the other languages' texts fall back to it, key by key. */
void load_complete_texts(struct loader *l);

#endif
