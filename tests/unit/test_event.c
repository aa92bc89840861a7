/* The event: what is written is one legal line, and reads back as what it was. */
#include "rows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <mailwhy/event.h>
#include <mailwhy/event_time.h>
#include <mailwhy/json.h>
#include <mailwhy/utf8.h>

#define TS "2026-07-14T09:12:33.000042Z"
#define BYTES(s) s, sizeof s - 1

static const struct event whole = {
    .time = {.tv_sec = 1784020353, .tv_nsec = 42000},
    .ref = "6Q2F8-KXD3M",
    .host = "mx1.example.com",
    .mta = "Postfix 3.7.11",
    .via = "socketmap",
    .pid = 4711,
    .stage = STAGE_AUTH,
    .code = 535,
    .enhanced = "5.7.8",
    .reason = "auth-bad-credentials",
    .client_addr = "192.0.2.1",
    .client_port = 51234,
    .client_name = "unknown",
    .helo = "[192.168.1.7]",
    .tls = "TLSv1.3",
    .sasl_method = "PLAIN",
    .sasl_user = "joe@example.com",
    .challenge = "password",
    .sender = "joe@example.com",
    .recipient = "ann@example.org",
    .queue_id = "4XyZ",
    .attempt = 3,
    .reply = "535 5.7.8 Error: \"no\"\r\n",
    .reply_len = sizeof "535 5.7.8 Error: \"no\"\r\n" - 1,
    .of = "3ARFP-ZNZKH",
    .of_code = 454,
    .of_enhanced = "4.7.0",
    .of_reason = "auth-temporary",
};
static const char whole_json[] =
    "{\"ts\":\"" TS
    "\",\"ref\":\"6Q2F8-KXD3M\",\"host\":\"mx1.example.com\",\"mta\":\"Postfix 3.7.11\",\"via\":\"socketmap\",\"pid\":4711,"
    "\"stage\":\"auth\",\"code\":535,\"enhanced\":\"5.7.8\",\"reason\":\"auth-bad-credentials\",\"client_addr\":\"192.0.2.1\","
    "\"client_port\":51234,\"client_name\":\"unknown\",\"helo\":\"[192.168.1.7]\",\"tls\":\"TLSv1.3\",\"sasl_method\":\"PLAIN\","
    "\"sasl_user\":\"joe@example.com\",\"challenge\":\"password\",\"sender\":\"joe@example.com\",\"recipient\":\"ann@example."
    "org\","
    "\"queue_id\":\"4XyZ\",\"attempt\":3,\"reply\":\"535 5.7.8 Error: \\\"no\\\"\\r\\n\",\"of\":\"3ARFP-ZNZKH\",\"of_code\":454,"
    "\"of_enhanced\":\"4.7.0\",\"of_reason\":\"auth-temporary\"}\n";
static const char whole_line[] =
    "ts=" TS
    " ref=6Q2F8-KXD3M host=mx1.example.com mta=\"Postfix 3.7.11\" via=socketmap pid=4711 stage=auth code=535 enhanced=5.7.8 "
    "reason=auth-bad-credentials client_addr=192.0.2.1 client_port=51234 client_name=unknown helo=\"[192.168.1.7]\" tls=TLSv1.3 "
    "sasl_method=PLAIN sasl_user=joe@example.com challenge=password sender=joe@example.com recipient=ann@example.org "
    "queue_id=4XyZ "
    "attempt=3 reply=\"535 5.7.8 Error: \\x22no\\x22\\x0d\\x0a\" of=3ARFP-ZNZKH of_code=454 of_enhanced=4.7.0 "
    "of_reason=auth-temporary";

/* What an octet string becomes in JSON, what is read back from that, and what it is in a line of syslog. */
static struct text {
    const char *name, *text;
    size_t len;
    const char *json, *back, *line;
} texts[] = {
    {"plain", BYTES("joe"), "\"joe\"", "joe", "joe"},
    {"all that stands bare", BYTES("azAZ09._:@/+-"), "\"azAZ09._:@/+-\"", "azAZ09._:@/+-", "azAZ09._:@/+-"},
    {"blank", BYTES("a b"), "\"a b\"", "a b", "\"a b\""},
    {"quote and backslash", BYTES("a\"b\\"), "\"a\\\"b\\\\\"", "a\"b\\", "\"a\\x22b\\x5c\""},
    {"a line forged", BYTES("x\r\n{\"ts\":\"1\"}"), "\"x\\r\\n{\\\"ts\\\":\\\"1\\\"}\"", "x\r\n{\"ts\":\"1\"}",
     "\"x\\x0d\\x0a{\\x22ts\\x22:\\x221\\x22}\""},
    {"a key forged", BYTES("x ref=1"), "\"x ref=1\"", "x ref=1", "\"x ref=1\""},
    {"tab, ESC, DEL, BEL", BYTES("\t\033\177\a"), "\"\\t\\u001b\\u007f\\u0007\"", "\t\033\177\a", "\"\\x09\\x1b\\x7f\\x07\""},
    {"UTF-8 of two, three, four", BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x98\\x80\""},
    {"Latin-1", BYTES("caf\xe9!"), "\"caf\\u00e9!\"", "caf\xc3\xa9!", "\"caf\\xe9!\""},
    {"C1 as UTF-8", BYTES("\xc2\x9b\xc2\x85"), "\"\\u009b\\u0085\"", "\xc2\x9b\xc2\x85", "\"\\xc2\\x9b\\xc2\\x85\""},
    {"C1 as an octet", BYTES("\x9bx"), "\"\\u009bx\"", "\xc2\x9bx", "\"\\x9bx\""},
    {"overlong slash", BYTES("\xc0\xaf"), "\"\\u00c0\\u00af\"", "\xc3\x80\xc2\xaf", "\"\\xc0\\xaf\""},
    {"overlong of three", BYTES("\xe0\x80\xaf"), "\"\\u00e0\\u0080\\u00af\"", "\xc3\xa0\xc2\x80\xc2\xaf", "\"\\xe0\\x80\\xaf\""},
    {"a surrogate", BYTES("\xed\xa0\x80"), "\"\\u00ed\\u00a0\\u0080\"", "\xc3\xad\xc2\xa0\xc2\x80", "\"\\xed\\xa0\\x80\""},
    {"above U+10FFFF", BYTES("\xf4\x90\x80\x80"), "\"\\u00f4\\u0090\\u0080\\u0080\"", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80",
     "\"\\xf4\\x90\\x80\\x80\""},
    {"cut in a character", BYTES("a\xe2\x82"), "\"a\\u00e2\\u0082\"", "a\xc3\xa2\xc2\x82", "\"a\\xe2\\x82\""},
    {"FE and FF", BYTES("\xfe\xff"), "\"\\u00fe\\u00ff\"", "\xc3\xbe\xc3\xbf", "\"\\xfe\\xff\""},
    {"direction override stays", BYTES("\xe2\x80\xae"), "\"\xe2\x80\xae\"", "\xe2\x80\xae", "\"\\xe2\\x80\\xae\""},
};

static void test_text(void **state)
{
    const struct text *row = *state;
    struct buffer json = {0}, line = {0}, store = {0};
    struct event e = {.time = {1, 0}, .helo = row->text}, back;
    assert_int_equal(json_add_string(&json, row->text, row->len), 0);
    assert_string_equal(buffer_string(&json), row->json);
    buffer_clear(&json);
    assert_int_equal(event_to_json(&e, &json), 0);
    assert_ptr_equal(strchr(json.data, '\n'), json.data + json.len - 1);
    assert_int_equal(event_from_json(&back, &store, json.data, json.len), 1);
    assert_string_equal(back.helo, row->back);
    assert_int_equal(event_to_line(&e, &line), 0);
    assert_string_equal(strstr(line.data, " helo=") + 6, row->line);
    buffer_free(&json);
    buffer_free(&line);
    buffer_free(&store);
}

#define AND_TS ",\"ts\":\"" TS "\"}"

/* What a line of the log is read as: helo, code and pid of it, where it is an event. */
static struct read {
    const char *name, *line;
    size_t len;
    int got;
    const char *helo;
    int code;
    long pid;
} reads[] = {
    {"only a time", BYTES("{\"ts\":\"" TS "\"}"), 1, NULL, 0, 0},
    {"with its end", BYTES("{\"ts\":\"" TS "\"}\r\n"), 1, NULL, 0, 0},
    {"white space everywhere", BYTES(" { \"helo\" : \"x\" , \"code\"\t:\t535 , \"ts\" : \"" TS "\" } "), 1, "x", 535, 0},
    {"no time", BYTES("{\"helo\":\"x\"}"), 0, NULL, 0, 0},
    {"a wrong time", BYTES("{\"helo\":\"x\",\"ts\":\"yesterday\"}"), 0, NULL, 0, 0},
    {"a time that is a number", BYTES("{\"ts\":1784020353}"), 0, NULL, 0, 0},
    {"nothing", BYTES(""), 0, NULL, 0, 0},
    {"a blank line", BYTES("\n"), 0, NULL, 0, 0},
    {"an empty object", BYTES("{}"), 0, NULL, 0, 0},
    {"an array", BYTES("[{\"ts\":\"" TS "\"}]"), 0, NULL, 0, 0},
    {"two objects", BYTES("{\"ts\":\"" TS "\"}{\"ts\":\"" TS "\"}"), 0, NULL, 0, 0},
    {"a comma too many", BYTES("{\"ts\":\"" TS "\",}"), 0, NULL, 0, 0},
    {"a comma too few", BYTES("{\"helo\":\"x\"\"ts\":\"" TS "\"}"), 0, NULL, 0, 0},
    {"a key without a value", BYTES("{\"helo\":" AND_TS), 0, NULL, 0, 0},
    {"unknown keys",
     BYTES("{\"a\":1,\"b\":-0.5e+9,\"c\":true,\"d\":[{},[],null,\"\\u00e9\"],\"e\":{\"helo\":\"no\"},\"helo\":\"x\"" AND_TS), 1,
     "x", 0, 0},
    {"an unknown key's bad value", BYTES("{\"a\":[1,]" AND_TS), 0, NULL, 0, 0},
    {"a key in escapes", BYTES("{\"h\\u0065lo\":\"x\"" AND_TS), 1, "x", 0, 0},
    {"a key with a NUL", BYTES("{\"helo\\u0000\":\"x\"" AND_TS), 1, NULL, 0, 0},
    {"an empty key", BYTES("{\"\":\"x\"" AND_TS), 1, NULL, 0, 0},
    {"the last of two counts", BYTES("{\"helo\":\"x\",\"code\":1,\"helo\":\"y\",\"code\":2" AND_TS), 1, "y", 2, 0},
    {"wrong kinds are passed over", BYTES("{\"helo\":1,\"code\":\"535\",\"pid\":{\"x\":1},\"stage\":3,\"ref\":[]" AND_TS), 1,
     NULL, 0, 0},
    {"null", BYTES("{\"helo\":null,\"code\":null" AND_TS), 1, NULL, 0, 0},
    {"the greatest numbers", BYTES("{\"code\":2147483647,\"pid\":9223372036854775807" AND_TS), 1, NULL, 2147483647,
     9223372036854775807L},
    {"the least numbers", BYTES("{\"code\":-2147483648,\"pid\":-9223372036854775808" AND_TS), 1, NULL, -2147483647 - 1,
     -9223372036854775807L - 1},
    {"too great", BYTES("{\"code\":2147483648,\"pid\":9223372036854775808" AND_TS), 1, NULL, 0, 0},
    {"too small", BYTES("{\"code\":-2147483649,\"pid\":-9223372036854775809" AND_TS), 1, NULL, 0, 0},
    {"far too great", BYTES("{\"code\":99999999999999999999999999999,\"pid\":1e999" AND_TS), 1, NULL, 0, 0},
    {"no integers", BYTES("{\"code\":535.0,\"pid\":1e3" AND_TS), 1, NULL, 0, 0},
    {"minus zero", BYTES("{\"code\":-0,\"pid\":-0" AND_TS), 1, NULL, 0, 0},
    {"leading zero", BYTES("{\"code\":0535" AND_TS), 0, NULL, 0, 0},
    {"a plus sign", BYTES("{\"code\":+535" AND_TS), 0, NULL, 0, 0},
    {"a minus alone", BYTES("{\"code\":-" AND_TS), 0, NULL, 0, 0},
    {"no decimals", BYTES("{\"code\":1." AND_TS), 0, NULL, 0, 0},
    {"no exponent", BYTES("{\"code\":1e+" AND_TS), 0, NULL, 0, 0},
    {"a word that is none", BYTES("{\"code\":nul" AND_TS), 0, NULL, 0, 0},
    {"all escapes", BYTES("{\"helo\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00E9\\u20ac\"" AND_TS), 1,
     "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac", 0, 0},
    {"an escape that is none", BYTES("{\"helo\":\"\\x41\"" AND_TS), 0, NULL, 0, 0},
    {"an escape of an octet above 127", BYTES("{\"helo\":\"\\\xff\"" AND_TS), 0, NULL, 0, 0},
    {"an escape of a NUL octet", BYTES("{\"helo\":\"\\\0\"" AND_TS), 0, NULL, 0, 0},
    {"hex digits that are none", BYTES("{\"helo\":\"\\u00g0\"" AND_TS), 0, NULL, 0, 0},
    {"a pair of surrogates", BYTES("{\"helo\":\"\\ud83d\\ude00\"" AND_TS), 1, "\xf0\x9f\x98\x80", 0, 0},
    {"the last pair", BYTES("{\"helo\":\"\\uDBFF\\uDFFF\"" AND_TS), 1, "\xf4\x8f\xbf\xbf", 0, 0},
    {"a high one alone", BYTES("{\"helo\":\"\\ud83d!\"" AND_TS), 1, "\xef\xbf\xbd!", 0, 0},
    {"a low one alone", BYTES("{\"helo\":\"\\ude00\"" AND_TS), 1, "\xef\xbf\xbd", 0, 0},
    {"two high ones", BYTES("{\"helo\":\"\\ud83d\\ud83d\\ude00\"" AND_TS), 1, "\xef\xbf\xbd\xf0\x9f\x98\x80", 0, 0},
    {"a high one, then another escape", BYTES("{\"helo\":\"\\ud83d\\n\"" AND_TS), 1, "\xef\xbf\xbd\n", 0, 0},
    {"a NUL escaped", BYTES("{\"helo\":\"a\\u0000b\"" AND_TS), 1,
     "a\xe2\x90\x80"
     "b",
     0, 0},
    {"a NUL as it is", BYTES("{\"helo\":\"a\0b\"" AND_TS), 0, NULL, 0, 0},
    {"a NUL between", BYTES("{\"helo\":\"a\",\0\"code\":1" AND_TS), 0, NULL, 0, 0},
    {"a control character as it is", BYTES("{\"helo\":\"a\tb\"" AND_TS), 0, NULL, 0, 0},
    {"what is not UTF-8 as it is", BYTES("{\"helo\":\"a\xff\"" AND_TS), 1, "a\xff", 0, 0},
    {"torn in a string", BYTES("{\"ts\":\"" TS "\",\"helo\":\"a"), 0, NULL, 0, 0},
    {"torn in an escape", BYTES("{\"ts\":\"" TS "\",\"helo\":\"a\\"), 0, NULL, 0, 0},
    {"torn in a \\u", BYTES("{\"ts\":\"" TS "\",\"helo\":\"a\\u00"), 0, NULL, 0, 0},
    {"torn in a pair", BYTES("{\"ts\":\"" TS "\",\"helo\":\"\\ud83d\\u"), 0, NULL, 0, 0},
};

static void test_read(void **state)
{
    const struct read *row = *state;
    struct buffer store = {0};
    struct event e;
    char *line = malloc(row->len ? row->len : 1); /* of that size, so that a sanitizer sees a step beyond */
    assert_non_null(line);
    memcpy(line, row->line, row->len);
    assert_int_equal(event_from_json(&e, &store, line, row->len), row->got);
    if (row->helo) {
        assert_non_null(e.helo);
        assert_string_equal(e.helo, row->helo);
    } else {
        assert_null(e.helo);
    }
    assert_int_equal(e.code, row->code);
    assert_int_equal(e.pid, row->pid);
    assert_int_equal(e.time.tv_sec, row->got ? whole.time.tv_sec : 0);
    assert_string_equal(e.ref, "");
    assert_int_equal(e.stage, STAGE_NONE);
    free(line);
    buffer_free(&store);
}

static struct moment {
    const char *name, *text;
    bool good;
    long long second;
    long nanosecond;
    const char *again; /* as it is written; NULL: as it stands */
} moments[] = {
    {"the Epoch", "1970-01-01T00:00:00.000000Z", true, 0, 0, NULL},
    {"before the Epoch", "1969-12-31T23:59:59.000001Z", true, -1, 1000, NULL},
    {"a leap day", "2028-02-29T12:00:00.500000Z", true, 1835438400, 500000000, NULL},
    {"no leap day", "2026-02-29T12:00:00.000000Z", false, 0, 0, NULL},
    {"no leap day in 2100", "2100-02-29T12:00:00.000000Z", false, 0, 0, NULL},
    {"a leap day in 2000", "2000-02-29T00:00:00.000000Z", true, 951782400, 0, NULL},
    {"after 2038", "2038-01-19T03:14:08.000000Z", true, 2147483648, 0, NULL},
    {"the first", "0000-01-01T00:00:00.000000Z", true, -62167219200, 0, NULL},
    {"the last", "9999-12-31T23:59:59.999999Z", true, 253402300799, 999999000, NULL},
    {"no decimals", "2026-07-14T09:12:33Z", true, 1784020353, 0, "2026-07-14T09:12:33.000000Z"},
    {"nine decimals", "2026-07-14T09:12:33.123456789Z", true, 1784020353, 123456789, "2026-07-14T09:12:33.123456Z"},
    {"ten decimals", "2026-07-14T09:12:33.1234567890Z", false, 0, 0, NULL},
    {"a point alone", "2026-07-14T09:12:33.Z", false, 0, 0, NULL},
    {"a leap second", "2016-12-31T23:59:60Z", true, 1483228800, 0, "2017-01-01T00:00:00.000000Z"},
    {"not UTC", "2026-07-14T09:12:33.000000+02:00", false, 0, 0, NULL},
    {"no zone", "2026-07-14T09:12:33.000000", false, 0, 0, NULL},
    {"a blank for the T", "2026-07-14 09:12:33.000000Z", false, 0, 0, NULL},
    {"no such month", "2026-13-14T09:12:33Z", false, 0, 0, NULL},
    {"month zero", "2026-00-14T09:12:33Z", false, 0, 0, NULL},
    {"day 31 of June", "2026-06-31T09:12:33Z", false, 0, 0, NULL},
    {"hour 24", "2026-06-30T24:00:00Z", false, 0, 0, NULL},
    {"a sign", "-026-06-30T23:00:00Z", false, 0, 0, NULL},
    {"short", "2026-06-30T23:00:0Z", false, 0, 0, NULL},
    {"empty", "", false, 0, 0, NULL},
};

static void test_moment(void **state)
{
    const struct moment *row = *state;
    struct timespec time = {7, 7};
    char text[EVENT_TIME_SIZE];
    assert_int_equal(event_time_parse(row->text, strlen(row->text), &time), row->good ? 0 : -1);
    assert_int_equal(time.tv_sec, row->good ? row->second : 7);
    assert_int_equal(time.tv_nsec, row->good ? row->nanosecond : 7);
    if (!row->good)
        return;
    assert_int_equal(event_time_format(&time, text), 0);
    assert_string_equal(text, row->again ? row->again : row->text);
}

static void test_each_day(void **state)
{
    (void)state;
    char text[EVENT_TIME_SIZE], libc[32];
    struct timespec back;
    for (time_t t = -62167219200 + 4711; t < 253402300800; t += 86400 * 13) {
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(event_time_format(&(struct timespec){t, 0}, text), 0);
        snprintf(libc, sizeof libc, "%04d-%02d-%02dT", (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100);
        assert_memory_equal(text, libc, 11);
        assert_int_equal(event_time_parse(text, strlen(text), &back), 0);
        assert_int_equal(back.tv_sec, t);
    }
}

static void test_time_beyond(void **state)
{
    (void)state;
    char text[EVENT_TIME_SIZE];
    const struct timespec beyond[] = {{253402300800, 0}, {-62167219201, 0}, {INT64_MAX, 0},
                                      {INT64_MIN, 0},    {0, -1},           {0, 1000000000}};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++) {
        assert_int_equal(event_time_format(&beyond[i], text), -1);
        assert_string_equal(text, "");
    }
}

static void assert_same_text(const char *a, const char *b)
{
    assert_non_null(a);
    assert_string_equal(a, b);
}

static void test_whole(void **state)
{
    (void)state;
    struct buffer json = {0}, line = {0}, store = {0};
    struct event e;
    assert_int_equal(event_to_json(&whole, &json), 0);
    assert_string_equal(json.data, whole_json);
    assert_int_equal(event_to_line(&whole, &line), 0);
    assert_string_equal(line.data, whole_line);
    assert_int_equal(event_from_json(&e, &store, json.data, json.len), 1);
    assert_same_text(e.sasl_user, whole.sasl_user);
    assert_string_equal(e.ref, whole.ref);
    assert_int_equal(e.stage, STAGE_AUTH);
    assert_int_equal(e.reply_len, whole.reply_len);
    assert_string_equal(e.of, whole.of);
    assert_int_equal(e.of_code, whole.of_code);
    assert_same_text(e.of_enhanced, whole.of_enhanced);
    assert_same_text(e.of_reason, whole.of_reason);
    buffer_clear(&json);
    assert_int_equal(event_to_json(&e, &json), 0);
    assert_string_equal(json.data, whole_json);
    buffer_free(&json);
    buffer_free(&line);
    buffer_free(&store);
}

static void test_empty(void **state)
{
    (void)state;
    struct buffer out = {0};
    const struct event e = {.host = "", .helo = "", .reply = "", .time = {INT64_MAX, 0}};
    assert_int_equal(event_to_json(&e, &out), 0);
    assert_string_equal(out.data, "{}\n");
    buffer_clear(&out);
    assert_int_equal(event_to_line(&e, &out), 0);
    assert_string_equal(buffer_string(&out), "");
    buffer_free(&out);
}

static void test_reply_with_nul(void **state)
{
    (void)state;
    struct buffer out = {0}, store = {0};
    const struct event e = {.time = {1, 0}, .reply = "535 a\0b", .reply_len = 7};
    struct event back;
    assert_int_equal(event_to_json(&e, &out), 0);
    assert_non_null(strstr(out.data, "\"535 a\\u0000b\""));
    assert_int_equal(event_from_json(&back, &store, out.data, out.len), 1);
    assert_int_equal(back.reply_len, 7);
    assert_memory_equal(back.reply, "535 a\0b", 8);
    buffer_free(&out);
    buffer_free(&store);
}

/* Strings that make the store move many times while it is read. */
static void test_long_strings(void **state)
{
    (void)state;
    struct buffer out = {0}, store = {0};
    const size_t size = 300000;
    char *a = malloc(size + 1), *b = malloc(size + 1);
    assert_true(a && b);
    memset(a, 'a', size);
    memset(b, '\001', size);
    a[size] = b[size] = '\0';
    const struct event e = {.time = {1, 0}, .host = a, .helo = b, .sender = "s", .reply = b, .reply_len = size};
    struct event back;
    assert_int_equal(event_to_json(&e, &out), 0);
    assert_int_equal(event_from_json(&back, &store, out.data, out.len), 1);
    assert_same_text(back.host, a);
    assert_same_text(back.helo, b);
    assert_same_text(back.sender, "s");
    assert_int_equal(back.reply_len, size);
    assert_memory_equal(back.reply, b, size + 1);
    free(a);
    free(b);
    buffer_free(&out);
    buffer_free(&store);
}

static void test_depth(void **state)
{
    (void)state;
    static const char *const brackets[] = {"[]", "{}"};
    for (size_t kind = 0; kind < 2; kind++)
        for (int depth = 1; depth < 200000; depth = depth < 40 ? depth + 1 : depth * 20) {
            struct buffer line = {0}, store = {0};
            struct event e;
            buffer_add_string(&line, "{\"ts\":\"" TS "\",\"x\":");
            for (int i = 0; i < depth; i++)
                buffer_add_string(&line, kind ? i == depth - 1 ? "{" : "{\"k\":" : "[");
            for (int i = 0; i < depth; i++)
                buffer_add_char(&line, brackets[kind][1]);
            buffer_add_char(&line, '}');
            assert_int_equal(event_from_json(&e, &store, line.data, line.len), depth <= JSON_DEPTH_MAX);
            buffer_free(&line);
            buffer_free(&store);
        }
}

/* Each beginning of a line, and each line with one octet changed, is read to its end and not beyond. */
static void test_damaged(void **state)
{
    (void)state;
    const size_t len = sizeof whole_json - 1;
    struct buffer store = {0};
    struct event e;
    for (size_t cut = 0; cut + 2 < len; cut++) {
        char *part = malloc(cut + 1);
        assert_non_null(part);
        memcpy(part, whole_json, cut);
        buffer_clear(&store);
        assert_int_equal(event_from_json(&e, &store, part, cut), 0);
        assert_null(e.host);
        free(part);
    }
    char line[sizeof whole_json];
    for (size_t at = 0; at < len; at++)
        for (int octet = 0; octet < 256; octet++) {
            memcpy(line, whole_json, sizeof line);
            line[at] = (char)octet;
            buffer_clear(&store);
            int got = event_from_json(&e, &store, line, len);
            assert_true(got == 0 || got == 1);
        }
    buffer_free(&store);
}

static void test_utf8_all(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x110000; point++) {
        char octets[UTF8_MAX];
        uint32_t back = 1;
        bool is_character = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        size_t size = utf8_encode(point, octets);
        assert_int_equal(size, !is_character ? 3 : point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_decode(octets, size, &back), size);
        assert_int_equal(back, is_character ? point : UTF8_REPLACEMENT);
        assert_int_equal(utf8_decode(octets, size - 1, &back), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_day), cmocka_unit_test(test_time_beyond),    cmocka_unit_test(test_whole),
        cmocka_unit_test(test_empty),    cmocka_unit_test(test_reply_with_nul), cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_depth),    cmocka_unit_test(test_damaged),        cmocka_unit_test(test_utf8_all),
    };
    int failed = ROWS_RUN(texts, test_text);
    failed += ROWS_RUN(reads, test_read);
    failed += ROWS_RUN(moments, test_moment);
    failed += cmocka_run_group_tests_name("event", tests, NULL, NULL);
    return failed != 0;
}
