/* What happened: one refusal, or one sign-in, as a line of the event log and of syslog. mailwhy-events(5) has the format. */
#ifndef MAILWHY_EVENT_H
#define MAILWHY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <mailwhy/buffer.h>
#include <mailwhy/ref.h>
#include <mailwhy/stage.h>

/* Each string is borrowed and NUL-terminated; NULL or "" is unknown, and so is 0 for a number: the key is then absent. */
struct event {
    struct timespec time; /* UTC, since the Epoch */
    char ref[REF_SIZE]; /* "": none (an event that is not a refusal) */
    const char *host; /* the MTA's host name */
    const char *mta; /* "Postfix 3.7.11" */
    const char *via; /* "socketmap", "milter", "wrap:NAME", "ruleset", "maillog" */
    long pid; /* of the MTA process */
    enum stage stage;
    int code;
    const char *enhanced;
    const char *reason; /* id */
    const char *client_addr;
    long client_port;
    const char *client_name;
    const char *helo;
    const char *tls; /* "TLSv1.3"; "none": known not to be encrypted */
    const char *sasl_method;
    const char *sasl_user;
    const char *challenge; /* "username", "password", "other" */
    const char *sender;
    const char *recipient;
    const char *queue_id;
    long attempt; /* the how-manieth failure of its session */
    const char *reply; /* as the MTA had it */
    size_t reply_len; /* a reply can hold NUL octets */

    /* Of an event that only says who the user of a failed sign-in was: what the event of that failure has. */
    char of[REF_SIZE]; /* its ref */
    int of_code;
    const char *of_enhanced;
    const char *of_reason;
};

/* Whether it is such an event. */
bool event_names_user(const struct event *e);

/* The event that such a one tells of, as far as it does: *e with the code, enhanced code, reason and ref of the failure, and of nothing more. */
struct event event_of_failure(const struct event *e);

/* Append the event as one line of JSON with its "\n" (RFC 8259), keys in the order above. Octets that are not UTF-8, and control characters,
 * are written as \u00XX (CR, LF, TAB as \r, \n, \t). 0, or -1 with errno ENOMEM (out may hold a part). */
int event_to_json(const struct event *e, struct buffer *out);

/* Append the event as one line of key=value without a line end; a value with other than [A-Za-z0-9._:@/+-] is quoted, and
 * within quotes a quote, a backslash, a control character or an octet above 126 is \xHH. 0, or -1 with errno ENOMEM. */
int event_to_line(const struct event *e, struct buffer *out);

/* Read one line of the log, with or without its end: a JSON object with a `ts`. Its strings are kept in store, which the caller clears and
 * frees, and which must outlive e; a store holds one event's strings. Keys that are not known are passed over, and so are values of the
 * wrong kind; of a key that stands twice the last counts. A \u0000 in another string than `reply` is read as U+2400, the picture of a NUL, and
 * what is \u00XX because it was not UTF-8 is read as that character. 1: an event; 0: not one (e is empty then); -1: errno ENOMEM (e is empty). */
int event_from_json(struct event *e, struct buffer *store, const char *line, size_t len);

#endif
