#include "our_catalog.h"

#include <fcntl.h>
#include <unistd.h>

#include <mailwhy/proxy_reply.h>
#include <mailwhy/sendmail.h>

static char log_path[] = "/tmp/mailwhy-proxy-XXXXXX";
static struct service service;

static void tell(const char *line)
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
    int fd;
    if (load_catalog(state) == -1 || (fd = mkstemp(log_path)) == -1)
        return -1;
    close(fd);
    service = (struct service){.sessions = sessions_new(),
                               .proxied = sessions_new(),
                               .explained_before = explained_new(),
                               .catalogs = catalog_slot_new(catalog_retain(catalog)),
                               .explain = {.language = "en", .help_url = "", .contact = ""},
                               .log = event_log_open(log_path),
                               .tell = tell,
                               .warn = warn,
                               .log_refused = true,
                               .host = "mx.test"};
    return service.log && service.catalogs ? 0 : -1;
}

static int end(void **state)
{
    event_log_close(service.log);
    unlink(log_path);
    explained_free(service.explained_before);
    sessions_free(service.sessions);
    sessions_free(service.proxied);
    catalog_release(catalog_slot_take(service.catalogs));
    return release_catalog(state);
}

static struct frame frame_of(char command, const char *data, size_t len)
{
    return (struct frame){.begins = true, .command = command, .data = data, .len = len, .size = len + FRAME_HEAD};
}

/* A session that has come to a stage. */
static void begin_session(struct proxy_session *p, const char *mta, char command)
{
    struct buffer data = {0};
    assert_int_equal(proxy_session_begin(p, &service), 0);
    buffer_printf(&data, "Cv%c%s%cj%cmx.test%c", 0, mta, 0, 0, 0);
    struct frame macros = frame_of(FRAME_MACROS, data.data, data.len), asked = frame_of(command, "x", 2);
    assert_int_equal(proxy_session_see(p, &macros), 0);
    assert_int_equal(proxy_session_see(p, &asked), 0);
    buffer_free(&data);
}

static uint64_t events(void)
{
    return event_log_counts(service.log).written;
}

/* The reply of the frame, without the reference; NULL where the refusal stays as it is. */
static char *rewritten(struct proxy_reply *r, struct proxy_session *p, char command, const char *data, size_t len)
{
    struct frame f = frame_of(command, data, len);
    if (!proxy_reply_explain(r, p, "wrap:unit", &f))
        return NULL;
    struct frame_reader reader = {.wanted = "y"};
    struct frame made;
    const char *s = r->frame.data;
    size_t left = r->frame.len;
    assert_int_equal(frame_next(&reader, &s, &left, &made), FRAME_WHOLE);
    assert_int_equal(left, 0);
    assert_int_equal(strlen(made.data) + 1, made.len);
    char *ref = strstr(r->frame.data + FRAME_HEAD, "Ref: ");
    if (ref)
        memcpy(ref + 5, "#####-#####", 11);
    return r->frame.data + FRAME_HEAD;
}

#define S(text) text, sizeof text
#define GREY "Reason: This server puts off mail from senders that it does not know yet (greylisting).\r\n"
#define PATIENCE(code)                                                                                                           \
    code "Fix: Nothing needs changing: a mail server sends again by itself, and is taken after some minutes. A script\r\n" code  \
         "  that sends directly must try again too.\r\n"

static void test_replies(void **state)
{
    static const struct {
        const char *name, *data;
        size_t len;
        const char *becomes; /* NULL: it stays, and no event is written */
    } rows[] = {
        {"one line", S("451 4.7.1 Greylisted"),
         "451-4.7.1 Greylisted\r\n451-4.7.1 " GREY PATIENCE("451-4.7.1 ") "451 4.7.1 Ref: #####-#####"},
        {"two lines", S("451-4.7.1 Not yet\r\n451 4.7.1 Greylisted"),
         "451-4.7.1 Not yet\r\n451-4.7.1 Greylisted\r\n451-4.7.1 " GREY PATIENCE("451-4.7.1 ") "451 4.7.1 Ref: #####-#####"},
        {"without an enhanced code", S("451 Greylisted"),
         "451-Greylisted\r\n451-" GREY "451-Fix: Nothing needs changing: a mail server sends again by itself, and is taken after "
         "some minutes. A script that\r\n"
         "451-  sends directly must try again too.\r\n451 Ref: #####-#####"},
        {"per cent", S("451 4.7.1 Greylisted, 50%% of it"),
         "451-4.7.1 Greylisted, 50%% of it\r\n451-4.7.1 " GREY PATIENCE("451-4.7.1 ") "451 4.7.1 Ref: #####-#####"},
        {"an undoubled per cent", S("451 4.7.1 Greylisted, 50% of it"), NULL},
        {"a per cent at the end", S("451 4.7.1 Greylisted %"), NULL},
        {"three of them", S("451 4.7.1 Greylisted %%%"), NULL},
        {"classes that differ", S("451 5.7.1 Greylisted"), NULL},
        {"another class", S("250 2.0.0 Fine"), NULL},
        {"no reply", S("Greylisted"), NULL},
        {"empty", S(""), NULL},
        {"no NUL", "451 4.7.1 Greylisted", 20, NULL},
        {"a NUL within", S("451 4.7.1 Grey\0listed"), NULL},
        {"no data", "", 0, NULL},
        {"another code on the next line", S("451-4.7.1 Not yet\r\n452 4.7.1 Greylisted"), NULL},
        {"a line without a code", S("451-4.7.1 Not yet\r\nGreylisted"), NULL},
        {"a last line that is continued", S("451-4.7.1 Greylisted"), NULL},
        {"a line that is not continued", S("451 4.7.1 Not yet\r\n451 4.7.1 Greylisted"), NULL},
        {"LF alone", S("451-4.7.1 Not yet\n451 4.7.1 Greylisted"), NULL},
        {"CR alone", S("451 4.7.1 Not yet\rGreylisted"), NULL},
        {"CRLF at the end", S("451 4.7.1 Greylisted\r\n"), NULL},
    };
    struct proxy_reply r = {.service = &service};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proxy_session p;
        uint64_t before = events();
        print_message("%s\n", rows[i].name);
        begin_session(&p, "Postfix 3.7.11", FRAME_RCPT);
        const char *made = rewritten(&r, &p, FRAME_REPLY, rows[i].data, rows[i].len);
        assert_int_equal(events() - before, rows[i].becomes ? 1 : 0);
        if (rows[i].becomes)
            assert_string_equal(made, rows[i].becomes);
        else
            assert_null(made);
        proxy_session_end(&p);
    }
    proxy_reply_free(&r);
}

/* A code with a blank behind it is a reply too; without one it is none for either MTA. */
static void test_short(void **state)
{
    struct proxy_reply r = {.service = &service};
    struct proxy_session p;
    (void)state;
    begin_session(&p, "Postfix 3.7.11", FRAME_RCPT);
    const char *made = rewritten(&r, &p, FRAME_REPLY, S("550 "));
    assert_non_null(made);
    assert_memory_equal(made, "550-\r\n550-Reason: ", 18);
    uint64_t before = events();
    assert_null(rewritten(&r, &p, FRAME_REPLY, S("550")));
    assert_null(rewritten(&r, &p, FRAME_REPLY, S("550-x\r\n550")));
    assert_int_equal(events(), before);
    proxy_session_end(&p);
    proxy_reply_free(&r);
}

/* There is room for our lines, or the reply stays. */
static void test_long(void **state)
{
    struct proxy_reply r = {.service = &service};
    (void)state;
    for (unsigned lines = 20; lines <= PROXY_REPLY_LINES_MAX; lines++) {
        struct buffer text = {0};
        struct proxy_session p;
        for (unsigned i = 1; i <= lines; i++)
            buffer_printf(&text, "554%c5.7.1 Spam%s", i < lines ? '-' : ' ', i < lines ? "\r\n" : "");
        begin_session(&p, "8.17.1", FRAME_MESSAGE_END);
        const char *made = rewritten(&r, &p, FRAME_REPLY, text.data, text.len + 1);
        assert_int_equal(made != NULL, lines <= PROXY_REPLY_LINES_MAX - EXPLAIN_LINES_MAX);
        unsigned count = 1;
        for (const char *at = made; at && (at = strstr(at, "\r\n")); at += 2)
            count++;
        assert_true(count <= PROXY_REPLY_LINES_MAX);
        proxy_session_end(&p);
        buffer_free(&text);
    }
    for (int octets = 8000; octets <= 9000; octets += 1000) {
        char text[9001];
        struct proxy_session p;
        snprintf(text, sizeof text, "554 5.7.1 %*s", octets - 11, "Spam");
        begin_session(&p, "8.17.1", FRAME_MESSAGE_END);
        assert_int_equal(rewritten(&r, &p, FRAME_REPLY, text, strlen(text) + 1) != NULL, octets == 8000);
        proxy_session_end(&p);
    }
    proxy_reply_free(&r);
}

static void test_bare(void **state)
{
    static const struct {
        const char *mta;
        char command, answer;
        const char *becomes; /* how it begins; NULL: it stays */
        unsigned events;
    } rows[] = {
        {"Postfix 3.7.11", FRAME_CONNECT, 'r', "550-5.7.1 Command rejected\r\n550-5.7.1 Reason: ", 1},
        {"Postfix 3.7.11", FRAME_MESSAGE_END, 'r', "550-5.7.1 Command rejected\r\n550-5.7.1 Reason: ", 1},
        {"Postfix 3.7.11", FRAME_HELO, 't', "451-4.7.1 Service unavailable - try again later\r\n451-4.7.1 Reason: ", 1},
        {"8.17.1", FRAME_CONNECT, 'r', NULL, 1},
        {"8.17.1", FRAME_HELO, 't', NULL, 1},
        {"8.17.1", FRAME_DATA, 'r', "550-5.7.1 Command rejected\r\n550-5.7.1 Reason: ", 1},
        {"8.17.1", FRAME_BODY, 'r', "554-5.7.1 Command rejected\r\n554-5.7.1 Reason: ", 1},
        {"8.17.1", FRAME_MESSAGE_END, 't', "451-4.3.2 Please try again later\r\n451-4.3.2 Reason: ", 1},
        {"", FRAME_RCPT, 'r', "550-5.7.1 Command rejected\r\n550-5.7.1 Reason: ", 1},
        {"Postfix 3.7.11", FRAME_NEGOTIATE, 'r', NULL, 0},
        {"Postfix 3.7.11", FRAME_ABORT, 'r', NULL, 0},
    };
    struct proxy_reply r = {.service = &service};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proxy_session p;
        uint64_t before = events();
        print_message("%s %c %c\n", rows[i].mta, rows[i].command, rows[i].answer);
        begin_session(&p, rows[i].mta, rows[i].command);
        const char *made = rewritten(&r, &p, rows[i].answer, "", 0);
        assert_int_equal(made != NULL, rows[i].becomes != NULL);
        if (made)
            assert_memory_equal(made, rows[i].becomes, strlen(rows[i].becomes));
        assert_int_equal(events() - before, rows[i].events);
        proxy_session_end(&p);
    }
    proxy_reply_free(&r);
}

/* The other styles, and what the site wants nothing added to. */
static void test_options(void **state)
{
    static const char *const skip[] = {"greylisted"};
    struct proxy_reply r = {.service = &service};
    struct proxy_session p;
    (void)state;
    begin_session(&p, "Postfix 3.7.11", FRAME_RCPT);
    service.explain.style = STYLE_REF;
    assert_string_equal(rewritten(&r, &p, FRAME_REPLY, S("451 4.7.1 Greylisted")),
                        "451-4.7.1 Greylisted\r\n451 4.7.1 Ref: #####-#####");
    service.explain.style = STYLE_INLINE;
    const char *made = rewritten(&r, &p, FRAME_REPLY, S("451-4.7.1 Not yet\r\n451 4.7.1 Greylisted"));
    assert_memory_equal(made, "451-4.7.1 Not yet\r\n451 4.7.1 Greylisted; Reason: ", 49);
    assert_null(strstr(made + 19, "\r\n"));
    service.explain.style = STYLE_SHORT;
    service.explain.help_url = "https://x.test/%code?50%%";
    assert_string_equal(rewritten(&r, &p, FRAME_REPLY, S("451 4.7.1 Greylisted")),
                        "451-4.7.1 Greylisted\r\n451-4.7.1 " GREY "451 4.7.1 Ref: #####-#####  https://x.test/451?50%%");
    service.explain.style = STYLE_FULL;
    service.explain.help_url = "";
    service.explain.skip = skip;
    service.explain.skip_count = 1;
    uint64_t before = events();
    assert_null(rewritten(&r, &p, FRAME_REPLY, S("451 4.7.1 Greylisted")));
    assert_int_equal(events(), before); /* the reply map logs it */
    proxy_session_end(&p);
    begin_session(&p, "8.17.1", FRAME_RCPT);
    assert_null(rewritten(&r, &p, FRAME_REPLY, S("451 4.7.1 Greylisted")));
    assert_int_equal(events(), before + 1);
    proxy_session_end(&p);
    service.explain.skip_count = 0;
    proxy_reply_free(&r);
}

/* Sendmail shows no client what a milter replies at CONNECT; its events name it as those of our milter do. */
static void test_unshown(void **state)
{
    static const struct {
        const char *mta, *known_as;
        bool shown;
    } rows[] = {{"Postfix 3.7.11", "Postfix 3.7.11", true}, {"8.17.1", "Sendmail 8.17.1", false}};
    struct proxy_reply r = {.service = &service};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct proxy_session p;
        uint64_t before = events();
        begin_session(&p, rows[i].mta, FRAME_CONNECT);
        assert_string_equal(session_facts(p.session)->field[SESSION_MTA], rows[i].known_as);
        assert_int_equal(rewritten(&r, &p, FRAME_REPLY, S("451 4.7.1 Greylisted")) != NULL, rows[i].shown);
        assert_int_equal(events() - before, 1);
        proxy_session_end(&p);
    }
    proxy_reply_free(&r);
}

/* On Sendmail our milter's session of the same client lends what it knows, and counts what is refused. */
static void test_lent(void **state)
{
    struct proxy_session p;
    struct proxy_view view;
    (void)state;
    struct session *lender = session_open(service.sessions, 0, "mx.test", catalog);
    assert_non_null(lender);
    session_set(lender, SESSION_CLIENT_ADDR, "192.0.2.7");
    session_set(lender, SESSION_HELO, "client.test");
    session_facts_mutable(lender)->client_port = 4711;
    session_list_client(service.sessions, lender);
    for (long port = 4711; port <= 4712; port++) {
        begin_session(&p, "8.17.1", FRAME_RCPT);
        session_set(p.session, SESSION_CLIENT_ADDR, "192.0.2.7");
        session_facts_mutable(p.session)->client_port = port;
        for (unsigned refused = 0; refused < 2; refused++) {
            proxy_session_view(&p, &view);
            assert_int_equal(view.facts.field[SESSION_HELO] != NULL, port == 4711);
            assert_int_equal(view.facts.refused, refused);
            proxy_session_leave(&view);
            proxy_session_answered(&p, FRAME_REPLY, true);
        }
        proxy_session_end(&p);
    }
    assert_int_equal(session_facts(lender)->refused, 2);
    session_close(service.sessions, lender);
}

static void test_sendmail_pid(void **state)
{
    static const struct {
        const char *id;
        long pid;
    } rows[] = {{"6AL51J3G016999", 16999},
                {"6AL51J3G4194303", 4194303},
                {"6AL51J3G", 0},
                {"6AL51J3", 0},
                {"", 0},
                {NULL, 0},
                {"6AL51J3G01x999", 0},
                {"6AL51J3G-1", 0},
                {"6AL51J3G99999999999999999999", 0},
                {"6AL51J3G000000", 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(sendmail_pid(rows[i].id), rows[i].pid);
}

/* What was handed out is known again, whatever became of its codes; what has a part of it is not. */
static void test_explained(void **state)
{
    struct proxy_reply r = {.service = &service};
    struct proxy_session p;
    struct reply reply;
    struct buffer changed = {0};
    (void)state;
    begin_session(&p, "Postfix 3.7.11", FRAME_RCPT);
    struct frame f = frame_of(FRAME_REPLY, S("554 5.7.1 Spam, 100%%\x01\xff"));
    assert_true(proxy_reply_explain(&r, &p, "wrap:unit", &f));
    for (int change = 0; change < 5; change++) {
        buffer_clear(&changed);
        buffer_add_string(&changed, buffer_string(&r.whole));
        if (change == 1) /* soft_bounce */
            for (char *at = changed.data; at; at = strstr(at, "\r\n") ? strstr(at, "\r\n") + 2 : NULL)
                at[0] = at[4] = '4';
        for (char *at = changed.data; change == 0 && (at = strpbrk(at, "\x01\xff"));) /* as Postfix shows them */
            *at = ' ';
        if (change == 2)
            changed.data[changed.len - 1] ^= 1;
        if (change == 3)
            buffer_add_string(&changed, " more");
        if (change == 4) {
            buffer_clear(&changed);
            buffer_add_string(&changed, strrchr(buffer_string(&r.whole), '\n') + 1);
        }
        assert_int_equal(reply_parse(&reply, changed.data, changed.len), 0);
        assert_int_equal(explained_has(service.explained_before, &reply), change < 2);
        reply_free(&reply);
    }
    proxy_session_end(&p);
    proxy_reply_free(&r);
    buffer_free(&changed);
}

/* A bounded number is remembered, and the latest are. */
static void test_forgotten(void **state)
{
    struct explained *x = explained_new();
    char text[64];
    struct reply reply;
    unsigned known = 0;
    (void)state;
    assert_non_null(x);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 100000; i++) {
            int len = snprintf(text, sizeof text, "550 5.7.1 Number %d", i);
            assert_int_equal(reply_parse(&reply, text, (size_t)len), 0);
            if (pass == 0)
                explained_add(x, &reply);
            else
                known += explained_has(x, &reply);
            if (pass == 1 && i >= 99000)
                assert_true(explained_has(x, &reply));
            reply_free(&reply);
        }
    }
    assert_int_equal(known, 16384);
    explained_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),   cmocka_unit_test(test_short),        cmocka_unit_test(test_long),
        cmocka_unit_test(test_bare),      cmocka_unit_test(test_options),      cmocka_unit_test(test_unshown),
        cmocka_unit_test(test_lent),      cmocka_unit_test(test_sendmail_pid), cmocka_unit_test(test_explained),
        cmocka_unit_test(test_forgotten),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
