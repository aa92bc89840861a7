/* What Sendmail's rulesets are answered: a token that Sendmail takes for the text as it was, and what was added. */
#include "our_catalog.h"

#include <fcntl.h>
#include <unistd.h>

#include <mailwhy/ruleset_map.h>

#include "../sendmail_token.h"

#define D "\x9b"
#define KEY(ruleset, addr, enhanced, argument, text)                                                                             \
    ruleset D "mx.test" D "8.17.1.9" D addr D "4711" D "c.test" D "" D "" D "" D enhanced D argument D text

static char path[] = "/tmp/mailwhy-test-XXXXXX";
static struct service service;
static struct explanation explanation;

static void ignore(const char *line)
{
    (void)line;
}

static void warn(int priority, const char *format, ...)
{
    (void)priority;
    (void)format;
}

static int begin(void **state)
{
    if (load_catalog(state) == -1)
        return -1;
    close(mkstemp(path));
    service = (struct service){.sessions = sessions_new(),
                               .catalogs = catalog_slot_new(catalog_retain(catalog)),
                               .explain = {.style = STYLE_FULL, .language = "en", .help_url = "", .contact = ""},
                               .log = event_log_open(path),
                               .tell = ignore,
                               .warn = warn,
                               .log_refused = true,
                               .host = "localhost"};
    return service.log ? 0 : -1;
}

static int end(void **state)
{
    explain_free(&explanation);
    event_log_close(service.log);
    sessions_free(service.sessions);
    unlink(path);
    return release_catalog(state);
}

/* Ask; what Sendmail makes of the value is put into text. Whether it was answered. */
static bool ask(const char *key, size_t len, char text[SENDMAIL_TEXT_SIZE])
{
    struct buffer answer = {0};
    assert_true(ruleset_map_answer(&service, &explanation, key, len, &answer));
    bool found = strncmp(answer.data, "OK ", 3) == 0;
    if (found)
        assert_int_equal(sendmail_token(answer.data + 3, strncmp(key, "relay", 5) == 0, text), 0);
    else
        assert_string_equal(answer.data, "NOTFOUND ");
    buffer_free(&answer);
    return found;
}

/* The last event in the log. */
static void last_event(struct event *e, struct buffer *store)
{
    char line[8192], last[8192] = "";
    FILE *log = fopen(path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log))
        memcpy(last, line, sizeof line);
    fclose(log);
    assert_int_equal(event_from_json(e, store, last, strlen(last)), 1);
}

static void test_answers(void **state)
{
    static const struct {
        const char *name, *key, *begins, *has;
        enum stage stage;
        int code;
        const char *enhanced, *addr, *sender, *recipient, *reply;
    } rows[] = {
        {"relaying", KEY("rcpt", "192.0.2.1", "5.7.1", "<a@b.test>", "550 Relaying denied"), "550 Relaying denied; ",
         "Fix: ", STAGE_RCPT, 550, "5.7.1", "192.0.2.1", NULL, "a@b.test", "550 5.7.1 Relaying denied"},
        {"enhanced code in the text", KEY("mail", "192.0.2.1", "5.7.1", "<a@b.test>", "450 4.7.0 Not now"), "450 4.7.0 Not now; ",
         "Ref: ", STAGE_MAIL, 450, "4.7.0", "192.0.2.1", "a@b.test", NULL, "450 4.7.0 Not now"},
        {"a word instead of one", KEY("rcpt", "192.0.2.1", "nouser", "<>", "553 User address required"),
         "553 User address required; ", "Ref: ", STAGE_RCPT, 553, "5.0.0", "192.0.2.1", NULL, "<>",
         "553 5.0.0 User address required"},
        {"no code", KEY("data", "192.0.2.1", "", "", "go away"), "553 5.3.0 go away; ", "Ref: ", STAGE_DATA, 553, "5.3.0",
         "192.0.2.1", NULL, NULL, "553 5.3.0 go away"},
        {"IPv6", KEY("relay", "IPv6:2001:db8:0:0:0:0:0:1", "5.7.1", "", "550 Access denied"), "550 Access denied; ",
         "2001:db8::1", STAGE_CONNECT, 550, "5.7.1", "2001:db8::1", NULL, NULL, "550 5.7.1 Access denied"},
        {"no client", KEY("mail", "", "5.7.1", "<a@b.test>", "550 Access denied"), "550 Access denied; ", "this sender address",
         STAGE_MAIL, 550, "5.7.1", NULL, "a@b.test", NULL, "550 5.7.1 Access denied"},
        {"characters that mean something", KEY("relay", "192.0.2.1", "5.7.1", "", "550 100% \"a\\b\" %s$x$(y)"),
         "550 100% \"a\\b\" %s$x$(y); ", "Ref: ", STAGE_CONNECT, 550, "5.7.1", "192.0.2.1", NULL, NULL,
         "550 5.7.1 100% \"a\\b\" %s$x$(y)"},
        {"ruleset 0, a recipient", KEY("recipient", "192.0.2.1", "nouser", "gone@b.test", "550 No such user here"),
         "550 No such user here; ", "no mailbox", STAGE_RCPT, 550, "5.0.0", "192.0.2.1", NULL, "gone@b.test",
         "550 5.0.0 No such user here"},
        {"ruleset 0, a sender", KEY("sender", "192.0.2.1", "5.1.3", "@b.test", "553 User address required"),
         "553 User address required; ", "sender address is malformed", STAGE_MAIL, 553, "5.1.3", "192.0.2.1", "@b.test", NULL,
         "553 5.1.3 User address required"},
        {"ruleset 0, a sender's domain", KEY("sender", "192.0.2.1", "5.1.2", "a@b..test", "553 Invalid host name"),
         "553 Invalid host name; ", "sender's address", STAGE_MAIL, 553, "5.1.2", "192.0.2.1", "a@b..test", NULL,
         "553 5.1.2 Invalid host name"},
        {"a header", KEY("header", "192.0.2.1", "", "", "550 5.7.1 No such subject"), "550 5.7.1 No such subject; ",
         "Ref: ", STAGE_EOM, 550, "5.7.1", "192.0.2.1", NULL, NULL, "550 5.7.1 No such subject"},
        {"other octets", KEY("mail", "192.0.2.1", "5.7.1", "<a@b.test>", "550 x\x9by\xff\x1bz"), "550 x?y??z; ",
         "Ref: ", STAGE_MAIL, 550, "5.7.1", "192.0.2.1", "a@b.test", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[SENDMAIL_TEXT_SIZE];
        struct event e;
        struct buffer store = {0};
        print_message("%s\n", rows[i].name);
        assert_true(ask(rows[i].key, strlen(rows[i].key), text));
        if (strncmp(text, rows[i].begins, strlen(rows[i].begins)) != 0 || !strstr(text, rows[i].has))
            fail_msg("%s", text);
        last_event(&e, &store);
        assert_string_equal(strstr(text, e.ref), e.ref);
        assert_int_equal(e.stage, rows[i].stage);
        assert_int_equal(e.code, rows[i].code);
        assert_string_equal(e.via, "ruleset");
        assert_string_equal(e.mta, "Sendmail 8.17.1.9");
        assert_string_equal(e.enhanced, rows[i].enhanced);
        const char *const pairs[][2] = {{e.client_addr, rows[i].addr},
                                        {e.sender, rows[i].sender},
                                        {e.recipient, rows[i].recipient},
                                        {e.reply, rows[i].reply}};
        for (size_t n = 0; n < ROWS(pairs); n++) {
            if (pairs[n][1])
                assert_string_equal(pairs[n][0], pairs[n][1]);
            else if (n < 3)
                assert_null(pairs[n][0]);
        }
        buffer_free(&store);
    }
}

/* A text of any length keeps its words, and what is added ends with its reference, until there is no room for that. */
static void test_lengths(void **state)
{
    size_t explained = 0;
    (void)state;
    for (size_t len = 1; len < 400; len++) {
        char own[400], key[600], text[SENDMAIL_TEXT_SIZE];
        memset(own, 'x', len);
        own[len] = '\0';
        snprintf(key, sizeof key, KEY("rcpt", "192.0.2.1", "5.7.1", "<a@b.test>", "550 %s"), own);
        if (!ask(key, strlen(key), text)) {
            assert_true(len > RULESET_TOKEN_MAX - 2 - strlen("550 "));
            continue;
        }
        assert_memory_equal(text + 4, own, len);
        assert_true(!text[4 + len] || strncmp(text + 4 + len, "; ", 2) == 0);
        explained += strstr(text, "Ref: ") != NULL;
    }
    assert_int_equal(explained, RULESET_TOKEN_MAX - 2 - strlen("550 ; Ref: 6Q2F8-KXD3M"));
}

static void test_no_key(void **state)
{
    static const struct {
        const char *key;
        size_t len;
    } rows[] = {
#define ROW(s) {s, sizeof s - 1}
        ROW(""),
        ROW("status"),
        ROW(D D D D D D D D D D D),
        ROW("rcpt" D D D D D D D D D D "550 x"),
        ROW(KEY("", "", "", "", "550 x")),
        ROW(KEY("nothing", "", "", "", "550 x")),
        ROW(KEY("rcpt", "", "", "", "")),
        ROW(KEY("rcpt", "", "", "", "250 x")),
        ROW(KEY("rcpt", "", "", "", "550 x\0y")),
        ROW(KEY("rcpt", "", "", "", "550 x\r\n550 y")),
    };
    struct buffer answer = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char text[SENDMAIL_TEXT_SIZE];
        assert_false(ask(rows[i].key, rows[i].len, text));
    }
    assert_false(ruleset_map_answer(&service, &explanation, "close", 5, &answer));
    buffer_free(&answer);
}

/* What the milter knows of the client's session is in the event; another client's is not. */
static void test_session(void **state)
{
    struct session *s = session_open(service.sessions, 0, "mx.test", catalog);
    static const char key[] = KEY("rcpt", "192.0.2.1", "5.7.1", "<a@b.test>", "550 Relaying denied");
    char text[SENDMAIL_TEXT_SIZE];
    struct event e;
    struct buffer store = {0};
    (void)state;
    session_lock(s);
    session_set(s, SESSION_CLIENT_ADDR, "192.0.2.1");
    session_set(s, SESSION_HELO, "laptop.test");
    session_set(s, SESSION_SENDER, "me@c.test");
    session_set(s, SESSION_QUEUE_ID, "abc");
    session_facts_mutable(s)->client_port = 4711;
    session_list_client(service.sessions, s);
    session_unlock(s);
    for (long attempt = 1; attempt < 3; attempt++) {
        assert_true(ask(key, sizeof key - 1, text));
        last_event(&e, &store);
        assert_string_equal(e.helo, "laptop.test");
        assert_string_equal(e.sender, "me@c.test");
        assert_string_equal(e.recipient, "a@b.test");
        assert_string_equal(e.queue_id, "abc");
        assert_int_equal(e.attempt, attempt);
        buffer_clear(&store);
    }
    static const char mail[] = KEY("mail", "192.0.2.1", "5.7.1", "<x@y.test>", "550 Access denied");
    assert_true(ask(mail, sizeof mail - 1, text));
    last_event(&e, &store);
    assert_string_equal(e.sender, "x@y.test");
    assert_null(e.queue_id);
    buffer_clear(&store);
    static const char other[] = KEY("rcpt", "192.0.2.2", "5.7.1", "<a@b.test>", "550 Relaying denied");
    assert_true(ask(other, sizeof other - 1, text));
    last_event(&e, &store);
    assert_null(e.helo);
    assert_null(e.sender);
    buffer_free(&store);
    session_close(service.sessions, s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers), cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_no_key), cmocka_unit_test(test_session)};
    return cmocka_run_group_tests(tests, begin, end);
}
