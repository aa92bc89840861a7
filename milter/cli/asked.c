#include "asked.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/buffer.h>
#include <mailwhy/event.h>
#include <mailwhy/reply.h>
#include <mailwhy/reply_find.h>

#include "bounce.h"

static int compare(const void *a, const void *b)
{
    const struct asked_reply *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void reply_free_asked(struct asked_reply *r)
{
    free(r->text);
    free(r->client);
    free(r);
}

int asked_add(struct asked *a, const char *text, size_t len, const char *client, size_t client_len)
{
    struct asked_reply *r = calloc(1, sizeof *r), **known;
    if (!r)
        return -1;
    *r = (struct asked_reply){
        .len = len, .count = 1, .text = malloc(len + 1), .client = client ? strndup(client, client_len) : NULL};
    if (!r->text || (client && !r->client))
        goto fail;
    memcpy(r->text, text, len);
    r->text[len] = '\0';
    known = tsearch(r, &a->index, compare);
    if (!known)
        goto fail;
    if (*known != r) {
        (*known)->count++;
        reply_free_asked(r);
        return 0;
    }
    if (a->last)
        a->last->next = r;
    else
        a->first = r;
    a->last = r;
    return 0;

fail:
    reply_free_asked(r);
    errno = ENOMEM;
    return -1;
}

void asked_free(struct asked *a)
{
    while (a->first) {
        struct asked_reply *r = a->first;
        a->first = r->next;
        tdelete(r, &a->index, compare);
        reply_free_asked(r);
    }
    a->last = NULL;
}

/* How many octets of the text are one reply from its code to the end of its last line: "535-5.7.8 one", "535 5.7.8 two". 0: no reply begins here. */
static size_t reply_length(const char *text, size_t len)
{
    size_t at = 0;
    bool continues = true;
    while (continues && at < len) {
        const char *s = text + at, *lf = memchr(s, '\n', len - at);
        size_t size = lf ? (size_t)(lf - s) : len - at;
        bool code = size >= 3 && s[0] >= '2' && s[0] <= '5' && s[1] >= '0' && s[1] <= '9' && s[2] >= '0' && s[2] <= '9';
        if (!code || (size > 3 && !strchr(" -\r\t", s[3])) || (at && memcmp(s, text, 3) != 0))
            break;
        continues = size > 3 && s[3] == '-';
        at += lf ? size + 1 : size;
    }
    return at;
}

static int add_event(struct asked *a, const char *line, size_t len)
{
    struct buffer store = {0};
    struct event e;
    int got = event_from_json(&e, &store, line, len);
    if (got == 1 && e.reply)
        got = asked_add(a, e.reply, e.reply_len, e.client_addr, e.client_addr ? strlen(e.client_addr) : 0);
    buffer_free(&store);
    return got == -1 ? -1 : 0;
}

int asked_find(struct asked *a, const char *line, size_t len)
{
    struct reply_found found = {0};
    int got = reply_find(&found, line, len);
    if (got == 1 && asked_add(a, found.reply.data, found.reply.len, found.client, found.client_len) == -1)
        got = -1;
    reply_found_free(&found);
    return got;
}

static int add_line(struct asked *a, const char *line, size_t len)
{
    if (len && *line == '{')
        return add_event(a, line, len);
    return asked_find(a, line, len) == -1 ? -1 : 0;
}

int asked_add_text(struct asked *a, const char *text, size_t len)
{
    int result = bounce_is_message(text, len) ? bounce_read(a, text, len) : 0;
    if (result != 0)
        return result == -1 ? -1 : 0;
    for (size_t at = 0; result == 0 && at < len;) {
        size_t taken = reply_length(text + at, len - at), size = taken;
        if (taken) {
            while (size && strchr("\r\n", text[at + size - 1]))
                size--;
            result = asked_add(a, text + at, size, NULL, 0);
        } else {
            const char *lf = memchr(text + at, '\n', len - at);
            size = lf ? (size_t)(lf - text) - at : len - at;
            taken = size + 1;
            result = add_line(a, text + at, size);
        }
        at += taken;
    }
    return result;
}
