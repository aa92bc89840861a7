/* JSON (RFC 8259), as far as the event log and the tool's --json need it. */
#ifndef MAILWHY_JSON_H
#define MAILWHY_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <mailwhy/buffer.h>

#define JSON_DEPTH_MAX 32

/* Append octets as a JSON string with its quotes. UTF-8 stands as it is; control characters (C0, DEL, C1) and octets that are not UTF-8 are
 * written as \u00XX, so that what is appended is always one line of valid UTF-8. 0, or -1 with errno ENOMEM. */
int json_add_string(struct buffer *out, const char *s, size_t len);

/* Append "key": of an object's next value, and the comma before it where the object, or what out ends with, has a value already. */
int json_add_key(struct buffer *out, const char *key);

/* Append a number. 0, or -1 with errno ENOMEM. */
int json_add_long(struct buffer *out, long n);

/* Append a member of an object, its key and its value: a text (NULL: nothing); one that is nothing where it is NULL or ""; octets (none: nothing); a
 * number; true or false. 0, or -1 with errno ENOMEM. */
int json_put_text(struct buffer *out, const char *key, const char *text);
int json_put_filled(struct buffer *out, const char *key, const char *text);
int json_put_octets(struct buffer *out, const char *key, const char *octets, size_t len);
int json_put_long(struct buffer *out, const char *key, long n);
int json_put_bool(struct buffer *out, const char *key, bool is);

/* What is still to be read. A reading function that fails leaves it anywhere within the text. */
struct json {
    const char *at, *end;
};

void json_white(struct json *j);

/* Pass white space and then that one character. False: something else stands there, and nothing but white space was passed. */
bool json_token(struct json *j, char c);

/* Read a string; append what it says to out, or to nothing where out is NULL. A lone surrogate is read as U+FFFD; a \u0000 as a NUL where
 * nul says so, else as U+2400, the picture of a NUL. Octets that are not UTF-8 are read as they are. 1; 0: not a string; -1: errno ENOMEM. */
int json_string(struct json *j, struct buffer *out, bool nul);

/* Pass a string without escapes, white space before it excluded, and point at what it says. False: something else stands there; nothing was passed. */
bool json_plain_string(struct json *j, const char **s, size_t *len);

/* Pass any value, white space before it included. False: not JSON, or more than JSON_DEPTH_MAX deep. */
bool json_skip(struct json *j);

/* The integer that the text of a value says. False: not an integer, or not one that a long can hold; *n is untouched. */
bool json_long(const char *text, size_t len, long *n);

#endif
