/* Entries of the journal, as journalctl writes them: each form, whatever pieces it comes in, cut anywhere, damaged, and too large. */
#include "rows.h"

#include <mailwhy/journal.h>

#define TIME "__REALTIME_TIMESTAMP=1795200001000042\n"
#define WHO "_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtpd\n"
#define HEAD "__CURSOR=s=1;i=1\n" TIME "__MONOTONIC_TIMESTAMP=5\n" WHO
#define HELLO HEAD "_PID=7\nMESSAGE=hello\n\n"
#define SAID "1795200001.000042 mx postfix/smtpd[7] \"hello\"\n"
#define LEN(n) "\n" n "\0\0\0\0\0\0\0"

/* What is read, one line an entry: time, host, program, pid, text. */
static void add_message(struct buffer *out, const struct maillog_message *m)
{
    if (m->timed)
        buffer_printf(out, "%lld.%06ld ", (long long)m->time.tv_sec, m->time.tv_nsec / 1000);
    else
        buffer_add_string(out, "- ");
    buffer_add(out, m->host.at, m->host.at ? span_length(m->host) : 0);
    buffer_add_char(out, ' ');
    buffer_add(out, m->program.at, span_length(m->program));
    buffer_printf(out, "[%ld]", m->pid);
    if (m->text.at) {
        buffer_add_string(out, " \"");
        for (const char *at = m->text.at; at < m->text.end; at++)
            if (*at >= ' ' && *at < 127)
                buffer_add_char(out, *at);
            else
                buffer_printf(out, "\\%02x", (unsigned char)*at);
        buffer_add_char(out, '"');
    }
    assert_int_equal(buffer_add_char(out, '\n'), 0);
}

/* Read a stream that comes in pieces of so many octets. How many entries were lost. */
static unsigned long read_stream(enum journal_format format, const char *data, size_t len, size_t step, struct buffer *out)
{
    struct journal_split split = {.format = format};
    struct journal j = {0};
    struct buffer held = {0};
    size_t given = 0;
    while (given < len || held.len) {
        size_t more = len - given < step ? len - given : step;
        buffer_add(&held, data + given, more);
        given += more;
        char *copy = malloc(held.len ? held.len : 1); /* with nothing behind it */
        assert_non_null(copy);
        memcpy(copy, held.data, held.len);
        struct span whole;
        size_t done = journal_split(&split, copy, held.len, given == len, &whole);
        assert_true(done <= held.len && whole.at >= copy && whole.at <= whole.end && whole.end <= copy + held.len);
        assert_true(done > 0 || (given < len && held.len < JOURNAL_ENTRY_MAX));
        size_t piece_len = span_length(whole);
        char *piece = malloc(piece_len ? piece_len : 1);
        assert_non_null(piece);
        memcpy(piece, whole.at, piece_len);
        struct span at = {piece, piece + piece_len};
        struct maillog_message message;
        int got;
        while ((got = journal_next(&j, format, &at, &message)) == 1)
            add_message(out, &message);
        assert_int_equal(got, 0);
        assert_ptr_equal(at.at, at.end);
        struct buffer rest = {0};
        buffer_add(&rest, copy + done, held.len - done);
        buffer_free(&held);
        held = rest;
        free(copy);
        free(piece);
    }
    buffer_free(&held);
    journal_free(&j);
    return split.lost + j.lost;
}

static struct stream {
    const char *name, *data;
    size_t len;
    const char *entries;
    unsigned long lost;
} exports[] = {
#define S(text) text, sizeof(text) - 1
    {"one", S(HELLO), SAID, 0},
    {"several", S(HELLO HELLO HELLO), SAID SAID SAID, 0},
    {"other fields and other orders",
     S("MESSAGE=hello\n_PID=7\nPRIORITY=6\nSYSLOG_IDENTIFIER=postfix/smtpd\n_HOSTNAME=mx\n" TIME "\n"), SAID, 0},
    {"binary", S(HEAD "_PID=7\nMESSAGE" LEN("\x05") "a\nb\0\xff\n\n" HELLO),
     "1795200001.000042 mx postfix/smtpd[7] \"a\\0ab\\00\\ff\"\n" SAID, 0},
    {"binary: an entry's end and another's fields in it",
     S(HEAD "_PID=7\nOTHER" LEN("\x0e") "\n\nMESSAGE=no\n\n\nMESSAGE=hello\n\n"), SAID, 0},
    {"binary: empty", S(HEAD "_PID=7\nMESSAGE" LEN("\x00") "\n\n"), "1795200001.000042 mx postfix/smtpd[7] \"\"\n", 0},
    {"text: empty", S(HEAD "_PID=7\nMESSAGE=\n\n"), "1795200001.000042 mx postfix/smtpd[7] \"\"\n", 0},
    {"text: = in it", S(HEAD "_PID=7\nMESSAGE=a=b\n\n"), "1795200001.000042 mx postfix/smtpd[7] \"a=b\"\n", 0},
    {"text: UTF-8 and TAB", S(HEAD "_PID=7\nMESSAGE=\xc3\xa9\t\n\n"), "1795200001.000042 mx postfix/smtpd[7] \"\\c3\\a9\\09\"\n",
     0},
    {"twice: the last counts", S(HEAD "_PID=7\nMESSAGE=no\nMESSAGE=hello\n\n"), SAID, 0},
    {"syslog's process before the journal's", S(HEAD "SYSLOG_PID=9\n_PID=7\nMESSAGE=x\n\n"),
     "1795200001.000042 mx postfix/smtpd[9] \"x\"\n", 0},
    {"the time when it was sent before that when it was received",
     S("_SOURCE_REALTIME_TIMESTAMP=1795200000000001\n" HEAD "MESSAGE=x\n\n"), "1795200000.000001 mx postfix/smtpd[0] \"x\"\n", 0},
    {"sent at rubbish", S("_SOURCE_REALTIME_TIMESTAMP=soon\n" HEAD "MESSAGE=x\n\n"),
     "1795200001.000042 mx postfix/smtpd[0] \"x\"\n", 0},
    {"no process", S(HEAD "MESSAGE=x\n\n"), "1795200001.000042 mx postfix/smtpd[0] \"x\"\n", 0},
    {"a process that is no number", S(HEAD "_PID=x\nMESSAGE=x\n\n"), "1795200001.000042 mx postfix/smtpd[0] \"x\"\n", 0},
    {"no time", S(WHO "MESSAGE=x\n\n"), "- mx postfix/smtpd[0] \"x\"\n", 0},
    {"no time: rubbish", S("__REALTIME_TIMESTAMP=soon\n" WHO "MESSAGE=x\n\n"), "- mx postfix/smtpd[0] \"x\"\n", 0},
    {"no time: before the Epoch", S("__REALTIME_TIMESTAMP=-1\n" WHO "MESSAGE=x\n\n"), "- mx postfix/smtpd[0] \"x\"\n", 0},
    {"no time: after the year 9999", S("__REALTIME_TIMESTAMP=253402300800000000\n" WHO "MESSAGE=x\n\n"),
     "- mx postfix/smtpd[0] \"x\"\n", 0},
    {"the last time", S("__REALTIME_TIMESTAMP=253402300799000000\n" WHO "MESSAGE=x\n\n"),
     "253402300799.000000 mx postfix/smtpd[0] \"x\"\n", 0},
    {"no text", S(HEAD "\n"), "1795200001.000042 mx postfix/smtpd[0]\n", 0},
    {"no host", S(TIME "SYSLOG_IDENTIFIER=sm-mta\nMESSAGE=x\n\n"), "1795200001.000042  sm-mta[0] \"x\"\n", 0},
    {"no program", S(TIME "MESSAGE=x\n\n"), "", 0},
    {"more empty lines", S("\n\n" HELLO "\n\n\n" HELLO "\n"), SAID SAID, 0},
    {"nothing but empty lines", S("\n\n\n"), "", 0},
    {"the end is missing: all is there", S(HEAD "_PID=7\nMESSAGE=hello\n"), SAID, 0},
    {"the end is missing: the text is cut", S(HEAD "_PID=7\nMESSAGE=hel"), "", 1},
    {"the end is missing: another field is cut", S(HEAD "_PID=7\nMESSAGE=hello\nPRIO"), SAID, 0},
    {"the end is missing: binary", S(HELLO HEAD "MESSAGE" LEN("\x09") "\n\nhe"), SAID, 1},
    {"the end is missing: no length", S(HELLO HEAD "MESSAGE\n\x05\0\0"), SAID, 1},
    {"the beginning is missing", S("NAME=mx\nMESSAGE=half\n\n" HELLO), SAID, 0},
    {"the beginning is missing: in a text", S("; from=<a@b.test>\nPRIORITY=6\n\n" HELLO), SAID, 1},
    {"damage: rubbish between", S(HELLO "\xff\xfe rubbish\n\n" HELLO), SAID SAID, 1},
    {"damage: rubbish within", S(HEAD "ru bbish\nMESSAGE=no\n\n" HELLO), SAID, 1},
    {"damage: an end is missing between", S(HEAD "MESSAGE=no\n" HELLO), SAID, 0},
    {"damage: a length that is too small", S(HEAD "MESSAGE" LEN("\x03") "hello\n\n" HELLO), SAID, 1},
    {"damage: a length that is too large", S(HELLO HEAD "MESSAGE" LEN("\x09") "hello\n\n" HELLO HELLO), SAID SAID SAID, 1},
    {"damage: a length that nothing has", S(HEAD "MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffhello\n\n" HELLO), SAID, 1},
    {"damage: a name that is too long",
     S(HEAD "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=1\n\n" HELLO), SAID, 1},
    {"damage: no name", S(HEAD "=1\n\n" HELLO), SAID, 1},
    {"damage: lower case", S(HEAD "message=1\n\n" HELLO), SAID, 1},
    {"damage: twice", S(HEAD "?\n\n" HEAD "?\n?\n\n" HELLO), SAID, 2},
};

#define PRETTY                                                                                                                   \
    "{\n\t\"_PID\" : \"7\",\n\t\"MESSAGE\" : \"hello\",\n\t\"_HOSTNAME\" : \"mx\",\n\t\"__REALTIME_TIMESTAMP\" : "               \
    "\"1795200001000042\",\n\t\"SYSLOG_IDENTIFIER\" : \"postfix/smtpd\"\n}\n"
#define PRETTY_HEAD "{\n\t\"__REALTIME_TIMESTAMP\" : \"1795200001000042\",\n\t\"SYSLOG_IDENTIFIER\" : \"postfix/smtpd\",\n"
static struct stream pretties[] = {
    {"one", S(PRETTY), SAID, 0},
    {"several", S(PRETTY PRETTY PRETTY), SAID SAID SAID, 0},
    {"octets", S(PRETTY_HEAD "\t\"MESSAGE\" : [\n\t\t104,\n\t\t10,\n\t\t255\n\t]\n}\n" PRETTY),
     "1795200001.000042  postfix/smtpd[0] \"h\\0a\\ff\"\n" SAID, 0},
    {"no line end", S("{\n\t\"MESSAGE\" : \"x\",\n\t\"SYSLOG_IDENTIFIER\" : \"y\"\n}"), "-  y[0] \"x\"\n", 0},
    {"empty lines", S("\n" PRETTY "\n\n" PRETTY "\n"), SAID SAID, 0},
    {"the end is missing", S(PRETTY PRETTY_HEAD "\t\"MESSAGE\" : \"hel"), SAID, 1},
    {"the end is missing: all is there", S(PRETTY_HEAD "\t\"MESSAGE\" : \"x\",\n\t\"PRIO"),
     "1795200001.000042  postfix/smtpd[0] \"x\"\n", 0},
    {"damage: an end is missing between", S(PRETTY PRETTY_HEAD "\t\"MESSAGE\" : \"hel\n" PRETTY), SAID SAID, 1},
    {"damage: rubbish between", S(PRETTY "rubbish\n}\n" PRETTY), SAID SAID, 0},
};

static void check_stream(enum journal_format format, const struct stream *row)
{
    static const size_t steps[] = {1, 2, 3, 7, 64, 100000};
    for (size_t i = 0; i < ROWS(steps); i++) {
        struct buffer out = {0};
        unsigned long lost = read_stream(format, row->data, row->len, steps[i], &out);
        assert_string_equal(buffer_string(&out), row->entries);
        assert_int_equal(lost, row->lost);
        buffer_free(&out);
    }
}

static void test_export(void **state)
{
    check_stream(JOURNAL_EXPORT, *state);
}

static void test_pretty(void **state)
{
    check_stream(JOURNAL_PRETTY, *state);
}

/* A stream that ends anywhere has what was whole before, and at most one is lost. */
static void test_cut(void **state)
{
    static const char export[] = HELLO HEAD "_PID=7\nMESSAGE" LEN("\x05") "hello\n\n" HELLO, pretty[] = PRETTY PRETTY PRETTY;
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *data = i ? pretty : export;
        size_t size = i ? sizeof pretty - 1 : sizeof export - 1, most = 0;
        for (size_t len = 0; len <= size; len++) {
            struct buffer out = {0};
            unsigned long lost = read_stream(i ? JOURNAL_PRETTY : JOURNAL_EXPORT, data, len, 10, &out);
            assert_true(lost <= 1);
            assert_memory_equal(buffer_string(&out), SAID SAID SAID, out.len);
            assert_int_equal(out.len % strlen(SAID), 0);
            assert_true(out.len >= most);
            most = out.len;
            buffer_free(&out);
        }
        assert_int_equal(most, strlen(SAID SAID SAID));
    }
}

/* Too large entries, of each kind, between others. */
static void test_large(void **state)
{
    static const size_t steps[] = {1000, 65536, 5000000};
    (void)state;
    for (size_t i = 0; i < ROWS(steps) * 6; i++) {
        struct buffer data = {0}, out = {0};
        int kind = (int)(i / ROWS(steps));
        enum journal_format format = kind < 4 ? JOURNAL_EXPORT : JOURNAL_PRETTY;
        buffer_add_string(&data, format == JOURNAL_EXPORT ? HELLO : PRETTY);
        if (kind == 0) { /* a text */
            buffer_add_string(&data, HEAD "MESSAGE=");
            for (int k = 0; k < 1500000; k++)
                buffer_add_char(&data, 'x');
            buffer_add_string(&data, "\nPRIORITY=1\n\n");
        } else if (kind == 1) { /* binary, with what looks like entries in it */
            struct buffer value = {0};
            while (value.len < 2000000)
                buffer_add(&value, "\n\n" HELLO, strlen("\n\n" HELLO));
            buffer_add_string(&data, HEAD "MESSAGE\n");
            for (int k = 0; k < 8; k++)
                buffer_add_char(&data, (char)(value.len >> 8 * k & 255));
            buffer_add(&data, value.data, value.len);
            buffer_add_string(&data, "\nPRIORITY=1\n\n");
            buffer_free(&value);
        } else if (kind == 2) { /* many fields */
            buffer_add_string(&data, HEAD);
            for (int k = 0; k < 100000; k++)
                buffer_add_string(&data, "SOMETHING=else\nSOMETHING" LEN("\x02"));
            buffer_add_string(&data, "MESSAGE=x\n\n");
        } else if (kind == 3) { /* rubbish */
            buffer_add_string(&data, "?");
            for (int k = 0; k < 300000; k++)
                buffer_add_string(&data, "SOMETHING\nelse\n");
            buffer_add_string(&data, "\n");
        } else {
            buffer_add_string(&data, kind == 4 ? PRETTY_HEAD "\t\"MESSAGE\" : [\n" : PRETTY_HEAD "\t\"MESSAGE\" : \"");
            for (int k = 0; k < 300000; k++)
                buffer_add_string(&data, kind == 4 ? "\t\t104,\n" : "}xxxxxx");
            buffer_add_string(&data, kind == 4 ? "\t\t104\n\t]\n}\n" : "\"\n}\n");
        }
        assert_int_equal(buffer_add_string(&data, format == JOURNAL_EXPORT ? HELLO : PRETTY), 0);
        unsigned long lost = read_stream(format, data.data, data.len, steps[i % ROWS(steps)], &out);
        if (kind == 2) { /* its fields are binary ones of two octets that are not there */
            assert_true(lost >= 1);
        } else {
            assert_string_equal(buffer_string(&out), SAID SAID);
            assert_int_equal(lost, 1);
        }
        buffer_free(&data);
        buffer_free(&out);
    }
}

#define J                                                                                                                        \
    "{\"__REALTIME_TIMESTAMP\":\"1795200001000042\",\"_HOSTNAME\":\"mx\",\"SYSLOG_IDENTIFIER\":\"postfix/"                       \
    "smtpd\",\"_PID\":\"7\","
#define TOLD "1795200001.000042 mx postfix/smtpd[7] "
static struct object {
    const char *name, *line;
    const char *entry; /* NULL: it is none */
    unsigned long lost;
} objects[] = {
    {"json", J "\"MESSAGE\":\"hello\"}", SAID, 0},
    {"json-seq", "\x1e" J "\"MESSAGE\":\"hello\"}", SAID, 0},
    {"json-sse", "data: " J "\"MESSAGE\":\"hello\"}", SAID, 0},
    {"a line end", J "\"MESSAGE\":\"hello\"}\r\n", SAID, 0},
    {"another order",
     "{\"MESSAGE\":\"hello\",\"_PID\":\"7\",\"SYSLOG_IDENTIFIER\":\"postfix/"
     "smtpd\",\"_HOSTNAME\":\"mx\",\"__REALTIME_TIMESTAMP\":\"1795200001000042\"}",
     SAID, 0},
    {"escapes", J "\"MESSAGE\":\"a\\n\\u0000\\u00e9\\\"\"}", TOLD "\"a\\0a\\00\\c3\\a9\"\"\n", 0},
    {"octets", J "\"MESSAGE\":[104,0,255 , 10]}", TOLD "\"h\\00\\ff\\0a\"\n", 0},
    {"octets: none", J "\"MESSAGE\":[]}", TOLD "\"\"\n", 0},
    {"octets: too large a number", J "\"MESSAGE\":[256]}", NULL, 1},
    {"octets: negative", J "\"MESSAGE\":[-1]}", NULL, 1},
    {"octets: a fraction", J "\"MESSAGE\":[1.5]}", NULL, 1},
    {"several: strings", J "\"MESSAGE\":[\"no\",\"hello\"]}", SAID, 0},
    {"several: octets last", J "\"MESSAGE\":[\"no\",[104,105]]}", TOLD "\"hi\"\n", 0},
    {"several: octets first", J "\"MESSAGE\":[[104,105],\"hello\"]}", SAID, 0},
    {"several: one too long", J "\"MESSAGE\":[\"hello\",null]}", SAID, 0},
    {"several: the first too long", J "\"MESSAGE\":[null,\"hello\"]}", SAID, 0},
    {"several of another field", J "\"FOO\":[\"1\",\"2\",[255]],\"MESSAGE\":\"hello\"}", SAID, 0},
    {"too long", J "\"MESSAGE\":null}", "1795200001.000042 mx postfix/smtpd[7]\n", 0},
    {"no text", J "\"PRIORITY\":\"6\"}", "1795200001.000042 mx postfix/smtpd[7]\n", 0},
    {"an object for a text", J "\"MESSAGE\":{\"a\":[1]}}", "1795200001.000042 mx postfix/smtpd[7]\n", 0},
    {"no program", "{\"MESSAGE\":\"x\"}", NULL, 0},
    {"cut: in the text", J "\"MESSAGE\":\"hel", NULL, 1},
    {"cut: in the octets", J "\"MESSAGE\":[104,10", NULL, 1},
    {"cut: in another field", J "\"MESSAGE\":\"hello\",\"PRIO", SAID, 0},
    {"cut: before the text", J, NULL, 1},
    {"cut: in the first name", "{\"__CURS", NULL, 0},
    {"damage", J "?\"MESSAGE\":\"hello\"}", NULL, 1},
    {"an event of ours", "{\"ts\":\"2026-11-20T22:26:00.000000Z\",\"code\":535}", NULL, 0},
    {"an event of ours that is cut", "{\"ts\":\"2026-11-20T22:26:00.0000", NULL, 0},
    {"another object", "{}", NULL, 0},
    {"another cut object", "{", NULL, 0},
    {"an array", "[" J "\"MESSAGE\":\"hello\"}]", NULL, 0},
    {"a line", "Nov 20 22:26:00 mx postfix/smtpd[7]: hello", NULL, 0},
    {"nothing", "", NULL, 0},
};

static void test_object(void **state)
{
    const struct object *row = *state;
    struct journal j = {0};
    struct maillog_message message;
    struct buffer out = {0};
    size_t len = strlen(row->line);
    char *line = malloc(len ? len : 1);
    assert_non_null(line);
    memcpy(line, row->line, len);
    int got = journal_read_json(&j, line, len, &message);
    if (got == 1)
        add_message(&out, &message);
    assert_int_equal(got, row->entry != NULL);
    assert_string_equal(buffer_string(&out), row->entry ? row->entry : "");
    assert_int_equal(j.lost, row->lost);
    free(line);
    buffer_free(&out);
    journal_free(&j);
}

static struct beginning {
    const char *name, *data;
    enum journal_format format;
} beginnings[] = {
    {"export", HELLO, JOURNAL_EXPORT},
    {"export: another order", WHO TIME, JOURNAL_EXPORT},
    {"export: the beginning is missing", "test>: Relay access denied\nPRIORITY=6\n\n" HELLO, JOURNAL_EXPORT},
    {"pretty", PRETTY, JOURNAL_PRETTY},
    {"pretty: of another tool", "{\n  \"MESSAGE\": \"x\"\n}\n", JOURNAL_PRETTY},
    {"pretty: the beginning is missing", "\t\"PRIORITY\" : \"6\"\n}\n" PRETTY, JOURNAL_PRETTY},
    {"json", J "\"MESSAGE\":\"hello\"}\n", JOURNAL_NONE},
    {"a mail log", "Nov 20 22:26:00 mx postfix/smtpd[7]: __CURSOR=x __REALTIME_TIMESTAMP=5\n", JOURNAL_NONE},
    {"our event log", "{\"ts\":\"2026-11-20T22:26:00.000000Z\"}\n", JOURNAL_NONE},
    {"another object over several lines", "{\n  \"ts\": 5\n}\n", JOURNAL_NONE},
    {"variables", "PATH=/bin\nHOME=/\n", JOURNAL_NONE},
    {"half an object", "{\n", JOURNAL_NONE},
    {"nothing", "", JOURNAL_NONE},
};

static void test_beginning(void **state)
{
    const struct beginning *row = *state;
    assert_int_equal(journal_format(row->data, strlen(row->data)), row->format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut), cmocka_unit_test(test_large)};
    int failed = cmocka_run_group_tests_name("journal", tests, NULL, NULL);
    failed += ROWS_RUN(exports, test_export);
    failed += ROWS_RUN(pretties, test_pretty);
    failed += ROWS_RUN(objects, test_object);
    failed += ROWS_RUN(beginnings, test_beginning);
    return failed != 0;
}
