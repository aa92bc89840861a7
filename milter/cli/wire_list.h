/* Lists as Postfix writes them in its parameters: elements separated by commas and blanks, of which one in braces is one; and what in them is
 * mailwhy's. */
#ifndef WIRE_LIST_H
#define WIRE_LIST_H

#include <stdbool.h>

#include <glib.h>

#include <mailwhy/config.h>

/* Where mailwhyd listens, as this Postfix has to write it. */
struct wire_end {
    const char *listen; /* as mailwhy.conf has it; "": nowhere */
    char *path; /* of a unix socket, absolute; NULL: it is TCP, or nowhere */
    char *written; /* "unix:mailwhy/reply", "inet:127.0.0.1:9000"; "": nowhere */
    bool outside; /* a unix socket outside of the queue directory: not to be reached from a chroot */
};

struct wire_ends {
    struct wire_end reply, milter;
    char *queue; /* the queue directory */
    char *queue_real; /* without symbolic links */
    char *map_name; /* of the reply map: "$process_id", or with "@$myhostname" where other machines may ask, too */
};

/* config's strings are referred to. */
void wire_ends_make(struct wire_ends *e, const struct config *config, const char *queue);
void wire_ends_free(struct wire_ends *e);

/* The elements; braces at both ends stay. To be freed with g_strfreev(). */
char **wire_list_split(const char *list);

enum wire_ours {
    WIRE_NOT_OURS,
    WIRE_OURS_ELSEWISE, /* ours, but not written as it must be to work */
    WIRE_OURS
};

/* Whether an element (names expanded, or not) is our milter, our reply map, or our macro. process_id: what $process_id was expanded to.
 * An absolute path counts as WIRE_OURS; whether it can be reached is another question. */
enum wire_ours wire_is_milter(const struct wire_ends *e, const char *element);
enum wire_ours wire_is_map(const struct wire_ends *e, const char *element, const char *process_id);
enum wire_ours wire_is_macro(const char *element, const char *process_id);

/* Whether an element names a unix socket of ours by its absolute path. */
bool wire_is_absolute(const struct wire_ends *e, const char *element);

/* Whether our milter's element says itself that mail goes on without it. */
bool wire_milter_accepts(const char *element);

/* The list without blanks, as -o in master.cf needs it; attributes: blanks within braces separate, too, and "{ name = value }" within these is one
 * attribute. NULL: it cannot do without them. */
char *wire_list_compact(const char *list, bool attributes);

#endif
