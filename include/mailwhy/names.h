/* The key by which mailwhyd writes names as tokens, where the configuration says so: else nothing of this does anything. */
#ifndef MAILWHY_NAMES_H
#define MAILWHY_NAMES_H

#include <mailwhy/config.h>
#include <mailwhy/privileges.h>
#include <mailwhy/service.h>

/* Fault, as a line "FILE:0: what", a key that is there and no good, or one that could not be made or then be read by the user. The process becomes that
 * user for good, where it can. */
void names_key_check(const struct config *c, const char *file, struct buffer *faults);

/* Make the key, and its folder, for the user, where it is missing. 0, or -1 with a sentence in fault. */
int names_key_make(const struct config *c, const struct privileges *p, struct buffer *fault);

/* Write names with the key in its file. 0, or -1 with a sentence in fault: the service's key is untouched. */
int names_key_load(const struct config *c, struct service *s, struct buffer *fault);

/* The same while it serves: a fault is noted and counted. */
void names_key_reload(const struct config *c, struct service *s);

#endif
