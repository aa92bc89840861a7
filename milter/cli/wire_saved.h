/* The copies of main.cf and master.cf that --apply keeps, so that --undo gives them back to the byte: the folder mailwhy.undo beside them, with
 * "before" (as they are without us) and "after" (as we left them), and the file "reload" where Postfix has not been told of it. */
#ifndef WIRE_SAVED_H
#define WIRE_SAVED_H

#include "wire_files.h"

/* The folder of the configuration. */
const char *wire_config_dir(const struct wire *w);

/* Read the copies, where there are any, into before, after and saved. EX_OK, or another exit status with a sentence in fault. */
int wire_saved_read(struct wire *w, struct buffer *fault);
void wire_saved_close(struct wire *w);

/* See to it that nobody else wires the same configuration meanwhile. The folder's descriptor, to be closed; -1 with a sentence in fault. */
int wire_lock(const char *config_dir, struct buffer *fault);

/* Make the planned changes: on copies first, which are kept, then in place of main.cf and master.cf, with their owner and mode. EX_OK, or another
 * exit status with a sentence in fault: both files are as they were then. */
int wire_apply(struct wire *w, struct buffer *fault);

/* Note beside the copies whether Postfix has yet to be told of what was written; true where that stands there. What cannot be noted is not known. */
void wire_note_reload(const struct wire *w, bool due);
bool wire_is_reload_due(const struct wire *w);

/* Put both files back as they were before wire_apply(). EX_OK, or another exit status with a sentence in fault. */
int wire_roll_back(struct wire *w, struct buffer *fault);

/* Take us out of main.cf and master.cf. A file that is as we left it becomes what it was, to the byte; of one that somebody changed only our
 * settings are taken out: the changes that did it are in w->changes. restored: which became what they were. EX_OK, or another exit status with a
 * sentence in fault. */
int wire_undo(struct wire *w, bool restored[static WIRE_FILES], struct buffer *fault);

#endif
