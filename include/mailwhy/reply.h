/* What an SMTP reply says: code, enhanced status code, lines, class (RFC 5321 section 4.2, RFC 3463 section 2). */
#ifndef MAILWHY_REPLY_H
#define MAILWHY_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINES_MAX 100
#define ENHANCED_SIZE 12 /* "5.999.999" and its NUL, with room to spare */

struct enhanced {
    int class; /* 2, 4 or 5; 0: there is none */
    int subject, detail; /* 0 to 999 */
};

struct reply_line {
    const char *text; /* what follows code and enhanced code; not NUL-terminated */
    size_t len;
    size_t whole; /* octets of the whole line, with code and all, without its end */
};

struct reply {
    int code; /* 200 to 599; 0: not known (reply_parse_bare()) */
    struct enhanced enhanced; /* of the first line that has one */
    bool enhanced_differs; /* another line has another one */
    unsigned line_count; /* 1 to REPLY_LINES_MAX */
    struct reply_line lines[REPLY_LINES_MAX];
    const char *text; /* the lines' texts, joined by one space; not NUL-terminated */
    size_t text_len;
    char *joined; /* owned: the memory behind text where there are several lines */
};

/* Read the reply in s, which must outlive r: its lines end with CRLF or LF, the last line's end may be missing.
 * 0, or -1 with errno EINVAL (not a reply: no code from 200 to 599 at the start, another code on a later line, more than
 * REPLY_LINES_MAX lines) or ENOMEM; r is then empty. */
int reply_parse(struct reply *r, const char *s, size_t len);

/* The same for what people and logs hand on of a reply: its code may be missing (r->code is 0 then), and with it the enhanced code. */
int reply_parse_bare(struct reply *r, const char *s, size_t len);
void reply_free(struct reply *r);

/* Read an enhanced status code at the start of s, ended by white space or the end. The octets it takes, 0 for none. */
size_t enhanced_parse(struct enhanced *e, const char *s, size_t len);

/* "5.7.8"; "" for none. */
const char *enhanced_format(const struct enhanced *e, char out[static ENHANCED_SIZE]);
bool enhanced_equal(const struct enhanced *a, const struct enhanced *b);

/* The class of a code by its first digit, in the words of RFC 5321 section 4.2.1: "Permanent Negative"; NULL for a code outside 200 to 599. */
const char *reply_class_name(int code);

#endif
