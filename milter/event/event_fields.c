#include "event_fields.h"

#include <string.h>

#include <mailwhy/event.h>

#define ROW(key, kind, member)                                                                                                   \
    {                                                                                                                            \
        key, sizeof key - 1, ",\"" key "\":", sizeof ",\"" key "\":" - 1, kind, offsetof(struct event, member)                   \
    }

const struct event_field event_fields[EVENT_FIELDS] = {
    ROW("ts", FIELD_TIME, time),
    ROW("ref", FIELD_REF, ref),
    ROW("host", FIELD_TEXT, host),
    ROW("mta", FIELD_TEXT, mta),
    ROW("via", FIELD_TEXT, via),
    ROW("pid", FIELD_LONG, pid),
    ROW("stage", FIELD_STAGE, stage),
    ROW("code", FIELD_INT, code),
    ROW("enhanced", FIELD_TEXT, enhanced),
    ROW("reason", FIELD_TEXT, reason),
    ROW("client_addr", FIELD_TEXT, client_addr),
    ROW("client_port", FIELD_LONG, client_port),
    ROW("client_name", FIELD_TEXT, client_name),
    ROW("helo", FIELD_TEXT, helo),
    ROW("tls", FIELD_TEXT, tls),
    ROW("sasl_method", FIELD_TEXT, sasl_method),
    ROW("sasl_user", FIELD_TEXT, sasl_user),
    ROW("challenge", FIELD_TEXT, challenge),
    ROW("sender", FIELD_TEXT, sender),
    ROW("recipient", FIELD_TEXT, recipient),
    ROW("queue_id", FIELD_TEXT, queue_id),
    ROW("attempt", FIELD_LONG, attempt),
    ROW("reply", FIELD_REPLY, reply),
    ROW("of", FIELD_REF, of),
    ROW("of_code", FIELD_INT, of_code),
    ROW("of_enhanced", FIELD_TEXT, of_enhanced),
    ROW("of_reason", FIELD_TEXT, of_reason),
};

size_t event_field_index(const char *key, size_t len)
{
    size_t i = 0;
    while (i < EVENT_FIELDS && (event_fields[i].key_len != len || memcmp(event_fields[i].key, key, len) != 0))
        i++;
    return i;
}
