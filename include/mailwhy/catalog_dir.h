/* Where the catalogue is. */
#ifndef MAILWHY_CATALOG_DIR_H
#define MAILWHY_CATALOG_DIR_H

/* As installed: the Makefile says otherwise for another PREFIX. */
#ifndef CATALOG_DIR
#define CATALOG_DIR "/usr/share/mailwhy/catalog"
#endif

/* The folder asked for (--catalog; NULL: none), else that of the environment's MAILWHY_CATALOG, else, for a program that runs from a build tree,
 * the tree's conf/catalog, else CATALOG_DIR. The caller frees it; NULL with errno ENOMEM. */
char *catalog_dir_find(const char *asked);

#endif
