#include "our_catalog.h"

#include <string.h>

#include <mailwhy/handover.h>

static struct catalog_slot *slot;

static int make_slot(void **state)
{
    if (load_catalog(state) == -1)
        return -1;
    slot = catalog_slot_new(catalog_retain(catalog));
    return slot ? 0 : -1;
}

/* An open session, of a client on Sendmail where pid is 0. */
static struct session *opened(struct sessions *all, long pid, long port, const char *helo)
{
    struct session *s = session_open(all, pid, "mx.test", catalog);
    assert_non_null(s);
    session_lock(s);
    session_set(s, SESSION_HOST, "mx.test");
    session_set(s, SESSION_CLIENT_ADDR, "192.0.2.1");
    session_set(s, SESSION_HELO, helo);
    session_set(s, SESSION_SENDER, "secret@sender.test");
    session_set(s, SESSION_QUEUE_ID, "secret-id");
    struct session_facts *f = session_facts_mutable(s);
    f->client_port = port;
    f->daemon_port = 587;
    f->refused = 3;
    f->auth_failed = 2;
    f->anonymous = f->message_sent = f->smtputf8 = true;
    f->stage = STAGE_RCPT;
    session_list_client(all, s);
    session_unlock(s);
    return s;
}

static void test_there_and_back(void **state)
{
    static const char hostile[] = "a\"b\\c\n\x01 \xc3\xa9 {\"pid\":1}";
    struct sessions *old = sessions_new(), *new = sessions_new();
    struct session *open[] = {opened(old, 4711, 1001, hostile), opened(old, 0, 1002, "two"), opened(old, 4712, 1003, NULL)};
    struct buffer text = {0};
    (void)state;
    session_set(open[0], SESSION_TLS, "none");
    session_set(open[2], SESSION_TLS, "TLSv1.3");
    session_set(open[2], SESSION_SASL_USER, "anna");
    session_facts_mutable(open[2])->signed_in = true;
    assert_int_equal(handover_write(old, 1000, &text), 0);
    assert_null(strstr(text.data, "secret"));

    struct handover *h = handover_read(new, slot, 1001, text.data, text.len);
    assert_int_equal(handover_count(h), 3);
    assert_int_equal(sessions_count(new), 3);
    struct session *s = session_find(new, 4711, "mx.test");
    assert_non_null(s);
    const struct session_facts *f = session_facts(s);
    assert_string_equal(f->field[SESSION_HELO], hostile);
    assert_string_equal(f->field[SESSION_CLIENT_ADDR], "192.0.2.1");
    assert_null(f->field[SESSION_TLS]); /* it may have begun since */
    assert_null(f->field[SESSION_SENDER]);
    assert_true(f->client_port == 1001 && f->daemon_port == 587 && f->refused == 3 && f->auth_failed == 2);
    assert_false(f->anonymous || f->message_sent || f->smtputf8 || f->signed_in || f->stage);
    session_release(s);
    s = session_find_client(new, "192.0.2.1", 1002, "mx.test");
    assert_non_null(s);
    session_release(s);
    s = session_find(new, 4712, "");
    assert_non_null(s);
    assert_string_equal(session_facts(s)->field[SESSION_TLS], "TLSv1.3");
    assert_string_equal(session_facts(s)->field[SESSION_SASL_USER], "anna");
    assert_true(session_facts(s)->signed_in);
    assert_null(session_facts(s)->field[SESSION_HELO]);
    session_release(s);

    handover_free(h);
    assert_int_equal(sessions_count(new), 0);
    for (size_t i = 0; i < ROWS(open); i++)
        session_close(old, open[i]);
    buffer_free(&text);
    sessions_free(old);
    sessions_free(new);
}

/* A session is closed when its process has another one, and all are when their time has come. */
static void test_forget(void **state)
{
    struct sessions *old = sessions_new(), *new = sessions_new();
    struct session *open[] = {opened(old, 1, 1001, "x"), opened(old, 2, 1002, "x")};
    struct buffer text = {0};
    (void)state;
    assert_int_equal(handover_write(old, 1000, &text), 0);
    struct handover *h = handover_read(new, slot, 1000, text.data, text.len);
    handover_forget(h, 1001);
    assert_int_equal(sessions_count(new), 2);
    struct session *next = opened(new, 1, 2001, "next");
    handover_forget(h, 1002);
    assert_int_equal(sessions_count(new), 2);
    struct session *found = session_find(new, 1, "");
    assert_ptr_equal(found, next);
    session_release(found);
    handover_forget(h, 1000 + HANDOVER_REMEMBER - 1);
    assert_int_equal(handover_count(h), 1);
    handover_forget(h, 1000 + HANDOVER_REMEMBER);
    assert_int_equal(handover_count(h), 0);
    assert_int_equal(sessions_count(new), 1);
    session_close(new, next);
    handover_free(h);
    for (size_t i = 0; i < ROWS(open); i++)
        session_close(old, open[i]);
    buffer_free(&text);
    sessions_free(old);
    sessions_free(new);
}

#define HEAD "{\"mailwhy\":\"sessions 1\",\"time\":1000}\n"
#define GOOD "{\"pid\":7,\"client_addr\":\"192.0.2.1\"}\n"

static void test_read(void **state)
{
    static const struct {
        const char *name, *text;
        int64_t now;
        size_t count;
    } rows[] = {
        {"nothing", "", 1000, 0},
        {"good", HEAD GOOD, 1000, 1},
        {"as old as may be", HEAD GOOD, 1000 + HANDOVER_AGE_MAX, 1},
        {"too old", HEAD GOOD, 1001 + HANDOVER_AGE_MAX, 0},
        {"of the future: the machine was started anew", HEAD GOOD, 999, 0},
        {"without its head", GOOD, 1000, 0},
        {"of another form", "{\"mailwhy\":\"sessions 2\",\"time\":1000}\n" GOOD, 1000, 0},
        {"a head alone", "{\"mailwhy\":\"sessions 1\",\"time\":1000}", 1000, 0},
        {"a head without a time", "{\"mailwhy\":\"sessions 1\",\"time\":x}\n" GOOD, 1000, 0},
        {"cut within a line", HEAD GOOD "{\"pid\":8", 1000, 1},
        {"a line that is none", HEAD "nonsense\n\n{}\n{\"pid\":}\n{\"pid\":8,}\n" GOOD, 1000, 1},
        {"a process that is none", HEAD "{\"pid\":-1}\n{\"pid\":0}\n{\"pid\":\"7\"}\n" GOOD, 1000, 1},
        {"keys that are not known", HEAD "{\"new\":[1,{\"a\":\"b\"}],\"other\":\"x\",\"pid\":7,\"more\":true}\n", 1000, 1},
        {"one process twice", HEAD GOOD GOOD, 1000, 2},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sessions *all = sessions_new();
        print_message("%s\n", rows[i].name);
        struct handover *h = handover_read(all, slot, rows[i].now, rows[i].text, strlen(rows[i].text));
        assert_non_null(h);
        assert_int_equal(handover_count(h), rows[i].count);
        assert_int_equal(sessions_count(all), rows[i].count);
        handover_free(h);
        assert_int_equal(sessions_count(all), 0);
        sessions_free(all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_read),
    };
    return cmocka_run_group_tests(tests, make_slot, release_catalog);
}
