/* Where the catalogue is. */
#ifndef MAILWHY_CATALOG_DIR_H
#define MAILWHY_CATALOG_DIR_H

#define CATALOG_DIR "/usr/share/mailwhy/catalog" /* as installed */

/* The folder asked for (--catalog; NULL: none), else that of the environment's MAILWHY_CATALOG, else, for a program that runs from a build tree,
 * the tree's conf/catalog, else CATALOG_DIR. The caller frees it; NULL with errno ENOMEM. */
char *catalog_dir_find(const char *asked);

#endif
