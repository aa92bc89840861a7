/* The folders that a journal's files are in. */
#ifndef JOURNAL_FOLDER_H
#define JOURNAL_FOLDER_H

/* Why none of the files in the folder (NULL: of this machine's journal) can be read: EACCES, ENOENT, or EBADMSG where that is none of the two. */
int journal_folder_fault(const char *folder);

#endif
