/* The file of the key by which names become tokens: 64 hexadecimal digits, readable by its owner alone. */
#ifndef MAILWHY_KEY_FILE_H
#define MAILWHY_KEY_FILE_H

#include <sys/types.h>

#include <mailwhy/buffer.h>
#include <mailwhy/privacy.h>

/* Make it with a new key and mode 0600, for the user ((uid_t)-1: who runs this), where there is no file. It is there whole or not at all. 1: made; 0: there
 * was one; -1 with a sentence in fault. */
int key_file_make(const char *path, uid_t uid, gid_t gid, struct buffer *fault);

/* Read it. 0, or -1 with a sentence in fault: it can't be read, others can read it, or it holds no key; key is untouched, errno is that of the system,
 * or EINVAL. */
int key_file_read(const char *path, unsigned char key[static PRIVACY_KEY_SIZE], struct buffer *fault);

/* Whether the file is there, or who runs this could make it, be it with its folder. 0, or -1 with a sentence in fault. */
int key_file_can_make(const char *path, struct buffer *fault);

/* Whether the file can be read and holds a key or, where there is none, who runs this could reach it. 0, or -1 with a sentence in fault. */
int key_file_test(const char *path, struct buffer *fault);

#endif
