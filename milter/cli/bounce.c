#include "bounce.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <gmime/gmime.h>

#include <mailwhy/buffer.h>
#include <mailwhy/reply_find.h>

#define DEPTH_MAX 32 /* of parts within parts */

static bool is_name_char(char c)
{
    return c > ' ' && c < 127 && c != ':';
}

bool bounce_is_message(const char *text, size_t len)
{
    const char *end = text + len, *s = text;
    if (len > 5 && memcmp(text, "From ", 5) == 0)
        return true;
    while (s < end && is_name_char(*s))
        s++;
    bool field = s > text && s < end && *s == ':' && !(*text >= '0' && *text <= '9') && s - text > 1;
    return field && (memmem(text, len, "\n\n", 2) || memmem(text, len, "\n\r\n", 3));
}

/* What takes each unfolded line, and an empty one between blocks. */
struct lines {
    int (*take)(void *context, struct buffer *line);
    void *context;
};

/* Unfold the lines, and hand each on. 0, or -1 with errno ENOMEM. */
static int each_line(const char *text, size_t len, const struct lines *lines)
{
    struct buffer line = {0};
    int result = 0;
    for (size_t at = 0; result == 0 && at <= len;) {
        const char *lf = at < len ? memchr(text + at, '\n', len - at) : NULL;
        size_t size = lf ? (size_t)(lf - text) - at : len - at;
        const char *s = len ? text + at : ""; /* an empty text may be NULL */
        at += size + 1;
        if (size && s[size - 1] == '\r')
            size--;
        bool folded = size && (*s == ' ' || *s == '\t') && line.len;
        if (!folded) {
            result = lines->take(lines->context, &line);
            buffer_clear(&line);
        }
        while (folded && size && (*s == ' ' || *s == '\t')) {
            s++;
            size--;
        }
        if (folded)
            buffer_add_char(&line, ' ');
        buffer_add(&line, s, size);
    }
    if (result == 0)
        result = lines->take(lines->context, &line);
    if (!buffer_ok(&line))
        result = -1;
    buffer_free(&line);
    return result;
}

/* The recipient that a delivery status speaks of. */
struct status {
    struct asked *asked;
    struct buffer diagnostic, code;
    bool delivered; /* one of the recipients got the message */
};

/* Where the value of a field of that name begins in the line, NULL for another field. */
static const char *field_value(const struct buffer *line, const char *name)
{
    size_t len = strlen(name);
    if (line->len <= len || strncasecmp(line->data, name, len) != 0 || line->data[len] != ':')
        return NULL;
    return line->data + len + 1 + strspn(line->data + len + 1, " \t");
}

/* Add what a recipient's fields say, and begin anew. */
static int end_recipient(struct status *s)
{
    struct buffer line = {0};
    bool delivered = s->code.len && *s->code.data == '2';
    s->delivered = s->delivered || delivered;
    if (s->diagnostic.len && !delivered)
        buffer_add(&line, s->diagnostic.data, s->diagnostic.len);
    else if (s->code.len && !delivered)
        buffer_add(&line, s->code.data, s->code.len);
    int result = 0;
    if (line.len) {
        struct reply_found found = {0};
        result = reply_find(&found, line.data, line.len);
        if (result == 1)
            result = asked_add(s->asked, found.reply.data, found.reply.len, NULL, 0);
        else if (result == 0 && s->code.len && s->diagnostic.len && buffer_printf(&s->code, " %s", s->diagnostic.data) == 0)
            result = asked_add(s->asked, s->code.data, s->code.len, NULL, 0);
        else if (result == 0)
            result = asked_add(s->asked, line.data, line.len, NULL, 0);
        reply_found_free(&found);
    }
    buffer_free(&line);
    buffer_clear(&s->diagnostic);
    buffer_clear(&s->code);
    return result;
}

static int take_status_line(void *context, struct buffer *line)
{
    struct status *s = context;
    const char *value;
    if (line->len == 0)
        return end_recipient(s);
    if ((value = field_value(line, "Diagnostic-Code"))) {
        const char *semicolon = strchr(value, ';');
        value = semicolon ? semicolon + 1 : value;
        buffer_clear(&s->diagnostic);
        buffer_add_string(&s->diagnostic, value + strspn(value, " \t"));
    } else if ((value = field_value(line, "Status"))) {
        buffer_clear(&s->code);
        buffer_add(&s->code, value, strspn(value, "0123456789."));
    }
    return buffer_ok(&s->diagnostic) && buffer_ok(&s->code) ? 0 : -1;
}

/* 0; 1: it says that nobody was refused; -1: errno ENOMEM. */
static int read_status(struct asked *a, const char *text, size_t len)
{
    struct status status = {.asked = a};
    int result = each_line(text, len, &(struct lines){take_status_line, &status});
    if (result == 0)
        result = end_recipient(&status);
    if (result == 0)
        result = status.delivered && !a->first;
    buffer_free(&status.diagnostic);
    buffer_free(&status.code);
    return result;
}

static int take_text_line(void *context, struct buffer *line)
{
    return line->len && asked_find(context, line->data, line->len) == -1 ? -1 : 0;
}

static int read_words(struct asked *a, const char *text, size_t len)
{
    return each_line(text, len, &(struct lines){take_text_line, a});
}

/* The kinds of parts that are read. */
struct reading {
    struct asked *asked;
    const char *type, *subtype; /* NULL: any */
    int (*read)(struct asked *a, const char *text, size_t len);
    int result;
    int depth;
};

static void read_part(struct reading *r, GMimeObject *part);

static void read_content(struct reading *r, GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *memory = g_mime_stream_mem_new();
    if (content && g_mime_data_wrapper_write_to_stream(content, memory) != -1) {
        GByteArray *octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
        r->result = r->read(r->asked, (const char *)octets->data, octets->len);
    }
    g_object_unref(memory);
}

static void read_part(struct reading *r, GMimeObject *part)
{
    if (r->result != 0 || !part || r->depth > DEPTH_MAX)
        return;
    r->depth++;
    GMimeContentType *type = g_mime_object_get_content_type(part);
    if (GMIME_IS_MULTIPART(part)) {
        for (int i = 0; i < g_mime_multipart_get_count((GMimeMultipart *)part); i++)
            read_part(r, g_mime_multipart_get_part((GMimeMultipart *)part, i));
    } else if (GMIME_IS_PART(part) && g_mime_content_type_is_type(type, r->type, r->subtype)) {
        read_content(r, (GMimePart *)part);
    }
    r->depth--;
}

int bounce_read(struct asked *a, const char *text, size_t len)
{
    static const struct reading kinds[] = {{.type = "message", .subtype = "delivery-status", .read = read_status},
                                           {.type = "message", .subtype = "global-delivery-status", .read = read_status},
                                           {.type = "text", .subtype = "plain", .read = read_words},
                                           {.type = "text", .subtype = "*", .read = read_words}};
    int result = 0;
    g_mime_init();
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    g_mime_parser_set_format(parser, strncmp(text, "From ", 5) == 0 ? GMIME_FORMAT_MBOX : GMIME_FORMAT_MESSAGE);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    for (size_t i = 0; message && result == 0 && !a->first && i < sizeof kinds / sizeof *kinds; i++) {
        struct reading reading = kinds[i];
        reading.asked = a;
        read_part(&reading, g_mime_message_get_mime_part(message));
        result = reading.result;
    }
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
    return result == -1 ? -1 : a->first || result == 1;
}
