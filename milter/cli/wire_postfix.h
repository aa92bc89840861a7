/* What mailwhy changes in a Postfix's configuration, and how it is taken back. */
#ifndef WIRE_POSTFIX_H
#define WIRE_POSTFIX_H

#include <stdbool.h>

#include <glib.h>

#include <mailwhy/config.h>

#include "postconf.h"
#include "wire_list.h"

enum wire_parameter { WIRE_FOOTER_MAPS, WIRE_MILTERS, WIRE_MACROS, WIRE_POSTSCREEN, WIRE_PARAMETERS };
extern const char *const wire_parameter_names[WIRE_PARAMETERS];

/* One command of postconf(1). */
struct wire_change {
    const char *service; /* whose -o in master.cf it is; NULL: main.cf */
    const char *name;
    char *was; /* what stands there now; NULL: nothing */
    char *value; /* NULL: it is taken out */
    const char *why;
    const char *option; /* of postconf: "-e", "-X", "-P" or "-Me" */
    char *argument;
};

/* Something to say, or a fault with what to do. */
struct wire_note {
    const char *id; /* of a fault: a word for programs */
    char *text;
    char *fix; /* NULL: a note */
};

struct wire {
    const struct config *config;
    const char *config_file; /* where it was read from; NULL: where mailwhyd does by itself */
    bool postscreen; /* postscreen's replies are to be explained, too */
    struct postconf live;
    struct wire_ends ends;
    bool saved; /* an earlier --apply left copies: */
    struct postconf before, after; /* what was before it, and what it made */
    GPtrArray *changes; /* struct wire_change, in the order in which they are made */
    GPtrArray *notes; /* struct wire_note */
    GPtrArray *faults; /* struct wire_note */
    int locked; /* the folder, where nobody else may wire it meanwhile; -1: anybody may */
    struct wire_files *was; /* wire_saved.c's: the files before it wrote them */
};

/* Read the configuration and its saved copies; alone: nobody else may wire it until wire_close(). EX_OK, or another exit status with a sentence
 * in fault. wire_close() in any case. */
int wire_open(struct wire *w, const struct config *config, const char *dir, bool alone, struct buffer *fault);
void wire_close(struct wire *w);
GPtrArray *wire_changes_new(void);
GPtrArray *wire_notes_new(void);

/* Put into changes what leads from what is there to a whole wiring, and into notes what is to be known of it. EX_OK, or EX_CONFIG with a sentence
 * in fault: what mailwhy.conf says cannot be wired. */
int wire_plan(struct wire *w, struct buffer *fault);

/* Put into changes what takes our settings back, of main.cf or of master.cf, and leaves the rest. */
void wire_plan_back(struct wire *w, bool master);

/* What a parameter is, or is to be. */
struct wire_value {
    bool is_set;
    char *raw; /* to be freed with g_free() */
    const struct postconf_value *known; /* the same with names expanded; NULL: not known */
};

/* What a parameter is without us: what was before, where a copy says so and nobody else changed it since; else what is there without what is ours. */
struct wire_value wire_base(const struct wire *w, const char *service, enum wire_parameter which);

/* Whether an element of the parameter's list is ours. */
enum wire_ours wire_is_ours(const struct wire *w, enum wire_parameter which, const char *element, const char *process_id);

/* The list without the elements that are ours. *found: whether there were any. To be freed with g_free(). */
char *wire_without_ours(const struct wire *w, enum wire_parameter which, const char *service, const char *list, bool *found);

/* Add the change to this value, where it is another than what is there. */
void wire_change_add(struct wire *w, const char *service, const char *name, const struct wire_value *to, const char *why);

/* "mailwhy wire postfix -c DIR --config FILE --apply", as a shell needs it, with the options behind it (NULL: none). To be freed with g_free(). */
char *wire_apply_command(const struct wire *w, const char *options);

/* Add a note, or a fault, unless the same is there already; text and fix are taken over. */
void wire_note_add(GPtrArray *to, const char *id, char *text, char *fix);

/* True where the service is one of smtpd. */
bool wire_is_smtpd(const struct postconf_service *s);

#endif
