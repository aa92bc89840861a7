#include "our_catalog.h"

#include <mailwhy/session.h>

static void test_find(void **state)
{
    struct sessions *all = sessions_new();
    struct session *a = session_open(all, 100, "one.test", catalog), *b = session_open(all, 100, "two.test", catalog);
    struct session *c = session_open(all, 100 + 4096, "one.test", catalog), *unnamed = session_open(all, 0, "", catalog);
    static const struct {
        const char *name;
        long pid;
        const char *host;
        int which; /* -1: none */
    } rows[] = {{"by host", 100, "one.test", 0},         {"by the other host", 100, "two.test", 1},
                {"two hosts have it", 100, "", -1},      {"unknown host", 100, "x.test", -1},
                {"in the same bucket", 4196, "", 2},     {"unknown process", 101, "", -1},
                {"no process is never found", 0, "", -1}};
    struct session *const opened[] = {a, b, c};
    (void)state;
    assert_int_equal(sessions_count(all), 4);
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i].name);
        struct session *found = session_find(all, rows[i].pid, rows[i].host);
        assert_ptr_equal(found, rows[i].which == -1 ? NULL : opened[rows[i].which]);
        session_release(found);
    }
    session_close(all, b);
    struct session *found = session_find(all, 100, "");
    assert_ptr_equal(found, a);
    session_close(all, a); /* the finder's reference keeps it */
    assert_null(session_find(all, 100, ""));
    session_lock(found);
    assert_int_equal(session_facts(found)->pid, 100);
    session_unlock(found);
    session_release(found);
    session_close(all, c);
    session_close(all, unnamed);
    assert_int_equal(sessions_count(all), 0);
    sessions_free(all);
}

/* The next session of a process takes the place of one whose end was not seen. */
static void test_replaced(void **state)
{
    struct sessions *all = sessions_new();
    struct session *old = session_open(all, 7, "", catalog), *new = session_open(all, 7, "", catalog);
    (void)state;
    struct session *found = session_find(all, 7, "");
    assert_ptr_equal(found, new);
    session_release(found);
    session_close(all, old);
    found = session_find(all, 7, "");
    assert_ptr_equal(found, new);
    session_release(found);
    session_close(all, new);
    sessions_free(all);
}

/* Open a session of a client that its process number does not find. */
static struct session *open_client(struct sessions *all, const char *host, const char *addr, long port)
{
    struct session *s = session_open(all, 0, host, catalog);
    session_lock(s);
    session_set(s, SESSION_CLIENT_ADDR, addr);
    session_facts_mutable(s)->client_port = port;
    session_list_client(all, s);
    session_unlock(s);
    return s;
}

static void test_find_client(void **state)
{
    struct sessions *all = sessions_new();
    struct session *const opened[] = {
        open_client(all, "one.test", "192.0.2.1", 4711),        open_client(all, "two.test", "192.0.2.1", 4711),
        open_client(all, "one.test", "192.0.2.1", 4711 + 4096), open_client(all, "one.test", "", 4711),
        open_client(all, "one.test", "192.0.2.9", 0),           session_open(all, 4711, "one.test", catalog)};
    static const struct {
        const char *name, *addr;
        long port;
        const char *host;
        int which; /* -1: none */
    } rows[] = {{"by host", "192.0.2.1", 4711, "one.test", 0},
                {"by the other host", "192.0.2.1", 4711, "two.test", 1},
                {"unknown host", "192.0.2.1", 4711, "", -1},
                {"another port", "192.0.2.1", 8807, "one.test", 2},
                {"unknown port", "192.0.2.1", 4712, "one.test", -1},
                {"unknown address", "192.0.2.2", 4711, "one.test", -1},
                {"no address", "", 4711, "one.test", -1},
                {"no port", "192.0.2.9", 0, "one.test", -1}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i].name);
        struct session *found = session_find_client(all, rows[i].addr, rows[i].port, rows[i].host);
        assert_ptr_equal(found, rows[i].which == -1 ? NULL : opened[rows[i].which]);
        session_release(found);
    }
    struct session *again = open_client(all, "one.test", "192.0.2.1", 4711); /* the end of the one before was not seen */
    struct session *found = session_find_client(all, "192.0.2.1", 4711, "one.test");
    assert_ptr_equal(found, again);
    session_release(found);
    session_close(all, again);
    assert_null(session_find_client(all, "192.0.2.1", 4711, "one.test"));
    for (size_t i = 0; i < ROWS(opened); i++)
        session_close(all, opened[i]);
    sessions_free(all);
}

/* What a log line of Sendmail knows: its process and the client's address. */
static void test_logged(void **state)
{
    static const struct {
        const char *name;
        long pid;
        const char *addr;
        int which; /* -1: none */
    } rows[] = {{"the process", 100, "192.0.2.1", 0},        {"another of the same client", 101, "192.0.2.1", 1},
                {"of another client", 100, "192.0.2.2", -1}, {"unknown process", 102, "192.0.2.1", -1},
                {"no process", 0, "192.0.2.1", -1},          {"two hosts have it", 103, "192.0.2.1", -1},
                {"not listed", 104, "192.0.2.1", -1}};
    static const struct {
        long port, pid;
    } sessions[] = {{4711, 100}, {4712, 101}, {4713, 0}, {4714, 103}, {4715, 103}};
    struct sessions *all = sessions_new();
    struct session *opened[ROWS(sessions)];
    (void)state;
    for (size_t i = 0; i < ROWS(sessions); i++) {
        opened[i] = session_open(all, 0, "one.test", catalog);
        session_set(opened[i], SESSION_CLIENT_ADDR, "192.0.2.1");
        session_facts_mutable(opened[i])->client_port = sessions[i].port;
        session_facts_mutable(opened[i])->log_pid = sessions[i].pid;
        session_list_client(all, opened[i]);
    }
    struct session *unlisted = session_open(all, 0, "one.test", catalog), *told = session_open(all, 100, "one.test", catalog);
    session_facts_mutable(unlisted)->log_pid = 104;
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i].name);
        struct session *found = session_find_logged(all, rows[i].pid, rows[i].addr);
        assert_ptr_equal(found, rows[i].which == -1 ? NULL : opened[rows[i].which]);
        session_release(found);
    }
    for (size_t i = 0; i < ROWS(opened); i++)
        session_close(all, opened[i]);
    assert_null(session_find_logged(all, 100, "192.0.2.1"));
    session_close(all, unlisted);
    session_close(all, told);
    sessions_free(all);
}

/* A message's end forgets what was the message's, and nothing else. */
static void test_message_reset(void **state)
{
    struct sessions *all = sessions_new();
    struct session *s = session_open(all, 7, "", catalog);
    (void)state;
    session_lock(s);
    for (int field = 0; field < SESSION_FIELDS; field++)
        assert_int_equal(session_set(s, (enum session_field)field, "x"), 0);
    struct session_facts *facts = session_facts_mutable(s);
    facts->smtputf8 = facts->message_sent = true;
    facts->refused = 3;
    session_message_reset(s);
    for (int field = 0; field < SESSION_FIELDS; field++) {
        if (field < SESSION_MESSAGE_FIELDS)
            assert_string_equal(facts->field[field], "x");
        else
            assert_null(facts->field[field]);
    }
    assert_false(facts->smtputf8);
    assert_false(facts->message_sent);
    assert_int_equal(facts->refused, 3);
    session_set(s, SESSION_HELO, "");
    assert_null(facts->field[SESSION_HELO]);
    session_unlock(s);
    session_close(all, s);
    sessions_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_find_client),
                                       cmocka_unit_test(test_replaced), cmocka_unit_test(test_logged),
                                       cmocka_unit_test(test_message_reset)};
    return cmocka_run_group_tests(tests, load_catalog, release_catalog);
}
