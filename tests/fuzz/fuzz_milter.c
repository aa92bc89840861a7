/* Any octets as what an MTA and a milter say to each other, in pieces of any size: each octet comes back once and in order, and what stands in a refusal's
 * place is one legal reply. Input: the size of the pieces, how many octets are the MTA's, then those and the milter's. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mailwhy/proxy_reply.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct service service;
static struct proxy_reply reply;

static void tell(const char *line)
{
    (void)line;
}

static void warn(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct buffer faults = {0};
    (void)argc;
    (void)argv;
    service =
        (struct service){.sessions = sessions_new(),
                         .proxied = sessions_new(),
                         .explained_before = explained_new(),
                         .catalogs = catalog_slot_new(catalog_load(&(struct catalog_source){.dir = "conf/catalog"}, &faults)),
                         .explain = {.language = "en", .help_url = "https://x.test/%code?%%", .contact = ""},
                         .log = event_log_open("/dev/null"),
                         .tell = tell,
                         .warn = warn,
                         .log_refused = true,
                         .host = "mx.test"};
    reply.service = &service;
    return 0;
}

/* One frame: a reply whose lines are legal, each '%' of which is doubled. */
static void check_frame(const struct buffer *frame)
{
    struct frame_reader reader = {.wanted = "y"};
    struct frame f;
    struct reply parsed;
    const char *s = frame->data;
    size_t len = frame->len;
    assert(frame_next(&reader, &s, &len, &f) == FRAME_WHOLE && len == 0);
    assert(strlen(f.data) + 1 == f.len);
    for (const char *at = f.data; (at = strchr(at, '%')); at += 2)
        assert(at[1] == '%');
    assert(reply_parse(&parsed, f.data, f.len - 1) == 0);
    assert(parsed.code >= 400 && parsed.line_count >= 2 && parsed.line_count <= PROXY_REPLY_LINES_MAX);
    reply_free(&parsed);
    frame_reader_free(&reader);
}

/* Read a direction in pieces. */
static void read_all(struct proxy_session *session, const char *wanted, const char *s, size_t len, size_t piece)
{
    struct frame_reader reader = {.wanted = wanted};
    struct frame f;
    size_t back = 0;
    for (size_t at = 0; at < len; at += piece) {
        size_t left = len - at < piece ? len - at : piece;
        char *copy = malloc(left);
        const char *here = memcpy(copy, s + at, left);
        enum frame_event event;
        while ((event = frame_next(&reader, &here, &left, &f)) != FRAME_USED_UP) {
            assert(f.size && back + f.size <= len && memcmp(f.octets, s + back, f.size) == 0);
            back += f.size;
            if (*wanted == 'C') {
                assert(proxy_session_see(session, &f) == 0);
            } else if (f.begins) {
                if (event == FRAME_WHOLE && proxy_reply_explain(&reply, session, "wrap:fuzz", &f))
                    check_frame(&reply.frame);
                proxy_session_answered(session, f.command, event == FRAME_WHOLE);
            }
        }
        assert(left == 0);
        free(copy);
    }
    frame_rest(&reader, &f);
    assert(back + f.size == len && (!f.size || memcmp(f.octets, s + back, f.size) == 0));
    frame_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_session session;
    if (size < 2)
        return 0;
    const char *s = (const char *)data + 2;
    size_t len = size - 2, commands = data[1] < len ? data[1] : len, piece = data[0] ? data[0] : 4096;
    assert(proxy_session_begin(&session, &service) == 0);
    read_all(&session, PROXY_SESSION_WANTED, s, commands, piece);
    read_all(&session, PROXY_REPLY_WANTED, s + commands, len - commands, piece);
    proxy_session_end(&session);
    return 0;
}
