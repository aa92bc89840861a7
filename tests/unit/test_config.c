#include "unit.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mailwhy/catalog_dir.h>
#include <mailwhy/config.h>

#define SHIPPED "conf/mailwhy.conf"

static char root[] = "/tmp/mailwhy-config-XXXXXX";
static char path[sizeof root + 16]; /* of the configuration under test */

static int make_root(void **state)
{
    (void)state;
    unsetenv("MAILWHY_CATALOG"); /* it goes before the default of catalog */
    if (!mkdtemp(root))
        return -1;
    snprintf(path, sizeof path, "%s/mailwhy.conf", root);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(root);
}

static void write_conf(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Load a configuration that must be good. */
static void load(struct config *c, const char *text)
{
    struct buffer faults = {0};
    write_conf(text);
    if (config_load(c, path, &faults) == -1)
        fail_msg("%s", buffer_string(&faults));
    assert_int_equal(faults.len, 0);
    buffer_free(&faults);
}

static void assert_same(const struct config *a, const struct config *b)
{
    assert_string_equal(a->socketmap_listen, b->socketmap_listen);
    assert_string_equal(a->milter_listen, b->milter_listen);
    assert_int_equal(a->wrap_count, b->wrap_count);
    assert_string_equal(a->user, b->user);
    assert_string_equal(a->socket_group, b->socket_group);
    assert_int_equal(a->socket_mode, b->socket_mode);
    assert_string_equal(a->catalog, b->catalog);
    assert_string_equal(a->local_catalog, b->local_catalog);
    assert_int_equal(a->explain.style, b->explain.style);
    assert_string_equal(a->explain.language, b->explain.language);
    assert_string_equal(a->explain.help_url, b->explain.help_url);
    assert_string_equal(a->explain.contact, b->explain.contact);
    assert_int_equal(a->explain.skip_count, b->explain.skip_count);
    for (size_t i = 0; i < a->explain.skip_count; i++)
        assert_string_equal(a->explain.skip[i], b->explain.skip[i]);
    assert_string_equal(a->event_log, b->event_log);
    assert_string_equal(a->maillog_follow, b->maillog_follow);
    assert_string_equal(a->maillog_state, b->maillog_state);
    assert_int_equal(a->log_refused, b->log_refused);
    assert_int_equal(a->log_auth, b->log_auth);
    assert_int_equal(a->log_accepted, b->log_accepted);
    assert_int_equal(a->user_names, b->user_names);
    assert_int_equal(a->addresses, b->addresses);
    assert_string_equal(a->key_file, b->key_file);
    assert_string_equal(a->metrics_listen, b->metrics_listen);
}

static void test_defaults(void **state)
{
    static char none[] = "";
    static const struct config defaults = {.socketmap_listen = "unix:/var/spool/postfix/mailwhy/reply",
                                           .milter_listen = "unix:/var/spool/postfix/mailwhy/milter",
                                           .user = "mailwhy",
                                           .socket_group = "postfix",
                                           .socket_mode = 0660,
                                           .catalog = CATALOG_DIR,
                                           .local_catalog = "/etc/mailwhy/catalog",
                                           .explain = {.style = STYLE_FULL, .language = "en", .help_url = "", .contact = ""},
                                           .event_log = "/var/log/mailwhy/events.jsonl",
                                           .maillog_follow = "",
                                           .maillog_state = "/var/lib/mailwhy/maillog",
                                           .log_refused = true,
                                           .log_auth = true,
                                           .key_file = "",
                                           .metrics_listen = none};
    struct config c;
    struct buffer faults = {0};
    (void)state;
    load(&c, "");
    assert_same(&c, &defaults);
    config_free(&c);
    if (access(CONFIG_FILE, F_OK) == -1) { /* not installed here: all is default, and no fault */
        assert_int_equal(config_load(&c, CONFIG_FILE, &faults), 0);
        assert_same(&c, &defaults);
        config_free(&c);
    }
    buffer_free(&faults);
}

/* Each fault is named with its file and its line; what is good beside it does not help. */
static void test_faults(void **state)
{
#define NINETY "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define HUNDRED NINETY "0123456789"
    static const struct {
        const char *name, *text, *fault;
    } rows[] = {
        {"unknown key", "user = \"\"\ncolor = \"red\"\n", ":2: no such option 'color'"},
        {"unknown section", "\n\nkitchen { sink = 1 }\n", ":3: no such option 'kitchen'"},
        {"unknown key of a section", "explain {\n  tone = \"soft\"\n}\n", ":2: no such option 'tone'"},
        {"a key of another section", "socketmap {\n  style = \"full\"\n}\n", ":2: no such option 'style'"},
        {"endpoint without a kind", "socketmap {\n  listen = \"/run/reply\"\n}\n",
         ":2: listen = \"/run/reply\": an endpoint is unix:PATH, inet:PORT@HOST or inet6:PORT@HOST"},
        {"endpoint with a relative path", "\nmilter { listen = \"unix:mailwhy/milter\" }\n",
         ":2: listen = \"unix:mailwhy/milter\": the path of a unix socket must begin with /"},
        {"endpoint as Postfix writes it", "milter { listen = \"inet:127.0.0.1:9805\" }\n",
         ":1: listen = \"inet:127.0.0.1:9805\": inet and inet6 take PORT@HOST"},
        {"mode of letters", "socket_mode = \"rw-rw----\"\n", ":1: socket_mode = \"rw-rw----\": must be octal"},
        {"mode that is decimal", "user = \"\"\nsocket_mode = \"0680\"\n", ":2: socket_mode = \"0680\": must be octal"},
        {"mode of five digits", "socket_mode = \"00660\"\n", ":1: socket_mode = \"00660\": must be octal"},
        {"empty mode", "socket_mode = \"\"\n", ":1: socket_mode = \"\": must be octal"},
        {"relative catalogue", "catalog = \"catalog\"\n", ":1: catalog = \"catalog\": must be a path that begins with /"},
        {"empty local catalogue", "local_catalog = \"\"\n", ":1: local_catalog = \"\": must be a path"},
        {"relative mail log", "maillog { follow = \"mail.log\" }\n",
         ":1: follow = \"mail.log\": must be a path that begins with /"},
        {"a journal in no folder", "maillog { follow = \"journal:\" }\n",
         ":1: follow = \"journal:\": must be a path that begins with /, \"journal\" or \"journal:/FOLDER\""},
        {"a journal in a relative folder", "maillog { follow = \"journal:x\" }\n", ":1: follow = \"journal:x\": must be"},
        {"another journal", "maillog { follow = \"journald\" }\n", ":1: follow = \"journald\": must be"},
        {"empty state", "maillog { state = \"\" }\n", ":1: state = \"\": must be a path"},
        {"relative event log", "event_log = \"events.jsonl\"\n", ":1: event_log = \"events.jsonl\": must be a path"},
        {"style", "explain {\n\n  style = \"loud\"\n}\n", ":3: style = \"loud\": must be full, short, inline or ref"},
        {"long contact", "explain {\n  contact = \"" NINETY "x\"\n}\n", ":2: contact is longer than 90 octets"},
        {"long help page", "explain {\n  help_url = \"" HUNDRED HUNDRED HUNDRED HUNDRED "x\"\n}\n",
         ":2: help_url is longer than 400 octets"},
        {"contact that is not ASCII", "explain {\n  contact = \"Zo\xc3\xab\"\n}\n", ":2: contact must be printable ASCII"},
        {"contact with a line break", "explain {\n  contact = \"a\\nb\"\n}\n", ":2: contact must be printable ASCII"},
        {"log", "log = {\"refused\",\n  \"bounced\"}\n", ":2: log: \"bounced\" is none of refused, auth, accepted"},
        {"privacy", "privacy {\n  user = \"none\"\n}\n", ":2: user = \"none\": must be plain, mask or hmac"},
        {"privacy without a key", "privacy { address = \"hmac\" }\n", ":0: privacy: hmac needs a key_file, such as"},
        {"a state in place of the log", "maillog {\n follow = \"/var/log/mail.log\"\n state = \"/var/log/mail.log\"\n}\n",
         ":0: maillog: follow and maillog: state are both \"/var/log/mail.log\"; each needs its own"},
        {"a state in place of the event log", "event_log = \"/a\" maillog { state = \"/a\" }\n",
         ":0: event_log and maillog: state are both \"/a\"; each needs its own"},
        {"relative key", "privacy { key_file = \"key\" }\n", ":1: key_file = \"key\": must be a path"},
        {"metrics as an endpoint", "metrics { listen = \"inet:9807@127.0.0.1\" }\n",
         ":1: listen = \"inet:9807@127.0.0.1\": must be HOST:PORT"},
        {"metrics without a host", "metrics { listen = \":9807\" }\n", ":1: listen = \":9807\": must be HOST:PORT"},
        {"metrics without a port", "metrics { listen = \"127.0.0.1\" }\n", ":1: listen = \"127.0.0.1\": must be HOST:PORT"},
        {"metrics with a wrong port", "metrics { listen = \"127.0.0.1:0\" }\n", ": must be HOST:PORT"},
        {"metrics without brackets", "metrics { listen = \"::1:9807\" }\n", ": must be HOST:PORT"},
        {"metrics of no host", "metrics { listen = \"[]:9807\" }\n", ": must be HOST:PORT"},
        {"a value is missing", "user = \nsocket_group = \"\"\n", ":2: "},
        {"a brace too many", "user = \"\"\n}\n", ":2: "},
        {"an open string", "user = \"mailwhy\n", ": "},
        {"text that is no configuration", "\nListen on port 25, please.\n", ":2: no such option 'Listen'"},
        {"wrap without a name", "wrap { listen = \"unix:/a\" }\n", ":1: "},
        {"wrap with an empty name", "wrap \"\" {\n}\n", ":2: wrap \"\": the name must be 1 to 32 of"},
        {"wrap with a blank in its name", "wrap \"a b\" { listen = \"unix:/a\" to = \"unix:/b\" }\n",
         ":1: wrap \"a b\": the name must be"},
        {"wrap with a long name", "wrap a12345678901234567890123456789012 {\n}\n", ": the name must be 1 to 32 of"},
        {"wrap twice", "wrap a { listen = \"unix:/a\" to = \"unix:/b\" }\nwrap a { listen = \"unix:/c\" to = \"unix:/d\" }\n",
         ":2: "},
        {"wrap with a wrong endpoint", "wrap a {\n listen = \"unix:/a\"\n to = \"/b\"\n}\n", ":3: to = \"/b\": an endpoint is"},
        {"wrap that goes nowhere", "wrap a { listen = \"unix:/a\" }\n", ":0: wrap a: needs listen, "},
        {"wrap that nobody reaches", "wrap a { to = \"unix:/a\" }\n", ":0: wrap a: needs listen, "},
        {"wrap in the milter's place", "milter { listen = \"unix:/a\" }\nwrap a { listen = \"unix:/a\" to = \"unix:/b\" }\n",
         ":0: wrap a listens at \"unix:/a\", as milter does"},
        {"two wraps in one place",
         "wrap a { listen = \"unix:/a\" to = \"unix:/b\" }\nwrap b { listen = \"unix:/a\" to = \"unix:/c\" }\n",
         ":0: wrap b listens at \"unix:/a\", as a does"},
        {"wrap in itself", "wrap a { listen = \"unix:/a\" to = \"unix:/a\" }\n",
         ":0: wrap a: to = \"unix:/a\" is where mailwhyd itself"},
        {"no inclusion of other files", "include(\"/etc/passwd\")\n", ":1: no such option 'include'"},
    };
    unsigned wrong = 0;
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct config c;
        struct buffer faults = {0};
        char expected[400];
        write_conf(rows[i].text);
        snprintf(expected, sizeof expected, "%s%s", path, rows[i].fault);
        int result = config_load(&c, path, &faults);
        if (result != -1 || strncmp(buffer_string(&faults), path, strlen(path)) != 0 ||
            !strstr(buffer_string(&faults), rows[i].fault)) {
            print_error("%s: expected \"%s\" in: %s\n", rows[i].name, expected, buffer_string(&faults));
            wrong++;
        }
        if (result == -1)
            assert_null(c.tree);
        config_free(&c);
        buffer_free(&faults);
    }
    assert_int_equal(wrong, 0);
}

/* All the faults are told, not the first alone. */
static void test_all_faults(void **state)
{
    struct config c;
    struct buffer faults = {0};
    (void)state;
    write_conf("socket_mode = \"x\"\ncatalog = \"y\"\nlog = \"z\"\n");
    assert_int_equal(config_load(&c, path, &faults), -1);
    assert_non_null(strstr(faults.data, ":1: socket_mode"));
    assert_non_null(strstr(faults.data, ":2: catalog"));
    assert_non_null(strstr(faults.data, ":3: log"));
    buffer_free(&faults);
}

static void test_missing_file(void **state)
{
    struct config c;
    struct buffer faults = {0};
    (void)state;
    assert_int_equal(config_load(&c, "/nonexistent/mailwhy.conf", &faults), -1);
    assert_string_equal(faults.data, "/nonexistent/mailwhy.conf:0: cannot be read: No such file or directory\n");
    buffer_free(&faults);
}

/* What can be opened and not read: in a process of its own, for the parser must not end ours. */
static void test_folder(void **state)
{
    int status;
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct config c;
        struct buffer faults = {0};
        int result = config_load(&c, root, &faults);
        _exit(result == -1 && strncmp(buffer_string(&faults), root, strlen(root)) == 0 ? 42 : 43);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

static void test_values(void **state)
{
    struct config c;
    (void)state;
    load(
        &c,
        "socketmap { listen = \"\" }  milter { listen = \"inet6:9805@::1\" }\n"
        "user = \"\"  socket_group = ''  socket_mode = 7\n"
        "catalog = /srv/catalog // one\nlocal_catalog = \"/srv/local\" /* two */ # three\n"
        "explain { language = \"de\" style = \"inline\" help_url = \"https://x.test/%code?a=%%\" skip = {\"421\", greylisted} }\n"
        "explain { contact = \"" NINETY "\" }\n"
        "event_log = \"/srv/a\"\nevent_log = \"/srv/b\"\nlog = {\"accepted\"}\n"
        "maillog { follow = /srv/mail.log state = /srv/state }\n"
        "privacy { user = \"mask\" address = hmac key_file = \"/srv/key\" } metrics { listen = \"[::1]:9807\" }\n");
    const struct config expected = {
        .socketmap_listen = "",
        .milter_listen = "inet6:9805@::1",
        .user = "",
        .socket_group = "",
        .socket_mode = 07,
        .catalog = "/srv/catalog",
        .local_catalog = "/srv/local",
        .explain = {STYLE_INLINE, "de", "https://x.test/%code?a=%%", NINETY, (const char *const[]){"421", "greylisted"}, 2},
        .event_log = "/srv/b",
        .maillog_follow = "/srv/mail.log",
        .maillog_state = "/srv/state",
        .log_accepted = true,
        .user_names = PRIVACY_MASK,
        .addresses = PRIVACY_HMAC,
        .key_file = "/srv/key",
        .metrics_listen = (char[]){"inet6:9807@::1"}};
    assert_same(&c, &expected);
    config_free(&c);
}

/* Any number of milters is wrapped, in the order of the file. */
static void test_wraps(void **state)
{
    struct config c;
    (void)state;
    load(&c, "wrap rspamd { listen = \"unix:/run/a\" to = \"inet:11332@127.0.0.1\" }\n"
             "wrap Open_DKIM-2 {\n to = \"unix:/run/c\"\n listen = \"inet6:9@::1\"\n}\n");
    assert_int_equal(c.wrap_count, 2);
    assert_string_equal(c.wraps[0].name, "rspamd");
    assert_string_equal(c.wraps[0].listen, "unix:/run/a");
    assert_string_equal(c.wraps[0].to, "inet:11332@127.0.0.1");
    assert_string_equal(c.wraps[1].name, "Open_DKIM-2");
    assert_string_equal(c.wraps[1].listen, "inet6:9@::1");
    assert_string_equal(c.wraps[1].to, "unix:/run/c");
    config_free(&c);
}

static void test_styles(void **state)
{
    static const struct {
        const char *name;
        enum explain_style style;
    } rows[] = {{"full", STYLE_FULL}, {"short", STYLE_SHORT}, {"inline", STYLE_INLINE}, {"ref", STYLE_REF}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct config c;
        char text[64];
        print_message("%s\n", rows[i].name);
        snprintf(text, sizeof text, "explain { style = \"%s\" }\n", rows[i].name);
        load(&c, text);
        assert_int_equal(c.explain.style, rows[i].style);
        config_free(&c);
    }
}

static void test_log_words(void **state)
{
    static const struct {
        const char *name, *text;
        bool refused, auth, accepted;
    } rows[] = {
        {"nothing", "log = {}\n", false, false, false},
        {"one word", "log = \"refused\"\n", true, false, false},
        {"all", "log = {\"accepted\", \"refused\", \"auth\"}\n", true, true, true},
        {"a word twice", "log = {\"auth\", \"auth\"}\n", false, true, false},
        {"added to the default", "log += {\"accepted\"}\n", true, true, true},
        {"the last one counts", "log = {\"auth\"}\nlog = {\"accepted\"}\n", false, false, true},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct config c;
        print_message("%s\n", rows[i].name);
        load(&c, rows[i].text);
        assert_int_equal(c.log_refused, rows[i].refused);
        assert_int_equal(c.log_auth, rows[i].auth);
        assert_int_equal(c.log_accepted, rows[i].accepted);
        config_free(&c);
    }
}

/* Quoting, as mailwhy.conf(5) describes it. */
static void test_strings(void **state)
{
    static const struct {
        const char *name, *text, *contact;
    } rows[] = {
        {"an escaped quote", "\"a \\\"b\\\" \\\\ c\"", "a \"b\" \\ c"},
        {"a variable", "\"to ${MAILWHY_TEST}!\"", "to postmaster!"},
        {"a variable that is not set", "\"${MAILWHY_TEST_NOT:-nobody}\"", "nobody"},
        {"single quotes", "'\"${MAILWHY_TEST}\" # \\n'", "\"${MAILWHY_TEST}\" # \\n"},
        {"no quotes", "postmaster@example.com", "postmaster@example.com"},
    };
    (void)state;
    setenv("MAILWHY_TEST", "postmaster", 1);
    unsetenv("MAILWHY_TEST_NOT");
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct config c;
        char text[200];
        print_message("%s\n", rows[i].name);
        snprintf(text, sizeof text, "explain { contact = %s }\n", rows[i].text);
        load(&c, text);
        assert_string_equal(c.explain.contact, rows[i].contact);
        config_free(&c);
    }
}

/* The environment's catalogue goes before the default, and a key before the environment. */
static void test_catalog_of_environment(void **state)
{
    struct config c;
    (void)state;
    setenv("MAILWHY_CATALOG", "/srv/environment", 1);
    load(&c, "");
    assert_string_equal(c.catalog, "/srv/environment");
    config_free(&c);
    load(&c, "catalog = \"/srv/key\"\n");
    assert_string_equal(c.catalog, "/srv/key");
    config_free(&c);
    unsetenv("MAILWHY_CATALOG");
}

/* Take the # away from a line "#key = value". Whether it is one. */
static bool uncomment(char *line)
{
    char *mark = line + strspn(line, " ");
    if (*mark != '#' || mark[1] < 'a' || mark[1] > 'z')
        return false;
    const char *after = mark + 1 + strspn(mark + 1, "abcdefghijklmnopqrstuvwxyz_");
    if (strncmp(after, " = ", 3) != 0)
        return false;
    *mark = ' ';
    return true;
}

/* The configuration that is shipped says the defaults, in comments and out of them. */
static void test_shipped(void **state)
{
    struct config defaults, shipped, uncommented;
    struct buffer faults = {0}, text = {0};
    char line[500];
    unsigned keys = 0;
    (void)state;
    load(&defaults, "");
    if (config_load(&shipped, SHIPPED, &faults) == -1)
        fail_msg("%s", buffer_string(&faults));
    assert_same(&shipped, &defaults);

    FILE *f = fopen(SHIPPED, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        keys += uncomment(line);
        buffer_add_string(&text, line);
    }
    fclose(f);
    assert_true(keys >= 18);
    load(&uncommented, text.data);
    assert_same(&uncommented, &defaults);
    config_free(&uncommented);
    config_free(&shipped);
    config_free(&defaults);
    buffer_free(&text);
    buffer_free(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_faults),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_folder),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_log_words),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_catalog_of_environment),
        cmocka_unit_test(test_shipped),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
