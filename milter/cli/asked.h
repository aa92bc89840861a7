/* The replies that somebody asks about: each once, in the order in which they were found. */
#ifndef ASKED_H
#define ASKED_H

#include <stddef.h>

struct asked_reply {
    struct asked_reply *next;
    char *text; /* for reply_parse_bare(); NUL-terminated */
    size_t len;
    char *client; /* the address of the client that was refused; NULL: not known */
    unsigned long count; /* how often it was found */
};

struct asked {
    struct asked_reply *first, *last;
    void *index; /* of tsearch(3), by text */
};

/* Add a reply, or count it where it is there already; client may be NULL. 0, or -1 with errno ENOMEM. */
int asked_add(struct asked *a, const char *text, size_t len, const char *client, size_t client_len);

/* Add the reply that reply_find() finds in one line, its client too where the line names one. 1; 0: there is none; -1: errno ENOMEM. */
int asked_find(struct asked *a, const char *line, size_t len);

/* Add the replies in a text: a reply of one or more lines; lines of logs, of our event log among them; a bounce message. 0, or -1 with errno ENOMEM. */
int asked_add_text(struct asked *a, const char *text, size_t len);
void asked_free(struct asked *a);

#endif
