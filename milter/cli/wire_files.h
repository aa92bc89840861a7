/* main.cf and master.cf of one folder, read and written together. */
#ifndef WIRE_FILES_H
#define WIRE_FILES_H

#include <sys/stat.h>

#include <mailwhy/buffer.h>

#include "wire_postfix.h"

enum wire_file { WIRE_MAIN_CF, WIRE_MASTER_CF, WIRE_FILES };
extern const char *const wire_file_names[WIRE_FILES];

struct wire_files {
    struct buffer text[WIRE_FILES];
    struct stat st[WIRE_FILES];
};

/* Each of these returns EX_OK, or another exit status with a sentence in fault. */

/* Read both files of a folder. wire_files_free() in any case. */
int wire_files_read(struct wire_files *f, const char *dir, struct buffer *fault);
void wire_files_free(struct wire_files *f);
int wire_files_copy(struct wire_files *to, const struct wire_files *from);

/* Write those that are other than is says they are now (NULL: both), with their owner and mode. Where the second cannot be written, the first is
 * put back. */
int wire_files_write(const struct wire_files *f, const char *dir, const struct wire_files *is, struct buffer *fault);

/* Write both, with a time that is long past: Postfix's tools wait before they read a file that was changed within the last two seconds. */
int wire_files_keep(const struct wire_files *f, const char *dir, struct buffer *fault);

/* Make what the files become by the changes, those of one file or (WIRE_FILES) all: with postconf in a folder, which holds them then with their
 * owner and mode. It is looked at whether postconf did what it should. */
int wire_files_edit(struct wire_files *f, const char *dir, const GPtrArray *changes, enum wire_file only, struct buffer *fault);

/* Whether the folder's files are still as they were read. */
int wire_files_still(const struct wire_files *was, const char *dir, struct buffer *fault);

/* Say of a path what could not be done, by errno. EX_NOPERM where it was not permitted, else that status. */
int wire_fault_at(struct buffer *fault, const char *path, const char *what, int status);

#endif
