/* The keys of an event in the order of the log: what its writers and its reader share. */
#ifndef EVENT_FIELDS_H
#define EVENT_FIELDS_H

#include <stddef.h>

enum field_kind { FIELD_TIME, FIELD_REF, FIELD_TEXT, FIELD_REPLY, FIELD_INT, FIELD_LONG, FIELD_STAGE, FIELD_KINDS };

struct event_field {
    const char *key;
    size_t key_len;
    const char *json; /* the key as it stands in the line: ,"key": */
    size_t json_len;
    enum field_kind kind;
    size_t offset; /* in struct event */
};

#define EVENT_FIELDS 27
extern const struct event_field event_fields[EVENT_FIELDS];

/* The index of the key, EVENT_FIELDS where there is none of that name. */
size_t event_field_index(const char *key, size_t len);

#endif
