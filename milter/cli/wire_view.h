/* What wire prints: its plan as commands that a shell could run, each with why; what was done; what is wrong; or all of it as JSON. */
#ifndef WIRE_VIEW_H
#define WIRE_VIEW_H

#include "wire_postfix.h"

enum wire_task { WIRE_SHOW, WIRE_DO, WIRE_UNDO, WIRE_CHECK };

/* What became of it. */
struct wire_outcome {
    enum wire_task task;
    bool done; /* files were written */
    bool restored[2]; /* main.cf, master.cf: as they were, to the byte */
    bool going_on; /* nothing was to be changed, but Postfix had not been told to reload */
    bool reloaded, running;
};

/* 0, or -1: out of memory. */
int wire_view_json(const struct wire *w, const struct wire_outcome *o);
void wire_view_text(const struct wire *w, const struct wire_outcome *o);

/* Each fault as two lines; where there is none, what is said of a whole wiring. */
void wire_view_faults(const GPtrArray *faults, const char *whole);

/* Say on standard error what went wrong. */
void wire_view_complaint(const struct buffer *fault);

/* Append a key, and the notes as its value, to an object. */
void wire_view_add_notes(struct buffer *out, const char *key, const GPtrArray *notes);

#endif
