#include "our_catalog.h"

#include <mailwhy/columns.h>
#include <mailwhy/explain.h>
#include <mailwhy/footer.h>

static const struct explain_options plain_options = {.style = STYLE_FULL, .language = "en", .help_url = "", .contact = ""};

/* Explain the reply; its lines joined by "|" are put into out. */
static int explain(const char *text, size_t len, const struct session_facts *facts, const struct explain_options *options,
                   const char *ref, struct explanation *x, char *out, size_t size)
{
    struct reply r;
    assert_int_equal(reply_parse(&r, text, len), 0);
    *x = (struct explanation){0};
    explain_recognise(x, &r, facts, catalog, options);
    int result = explain_compose(x, &r, facts, catalog, options, ref);
    out[0] = '\0';
    for (unsigned i = 0; i < x->line_count; i++) {
        assert_true(strlen(x->lines[i]) <= EXPLAIN_LINE_MAX);
        assert_true(strlen(out) + strlen(x->lines[i]) + 2 < size);
        strcat(strcat(out, i ? "|" : ""), x->lines[i]);
    }
    assert_true(x->line_count <= EXPLAIN_LINES_MAX);
    reply_free(&r);
    return result;
}

#define BAD_LOGIN "535 5.7.8 Error: authentication failed: (reason unavailable)"

static void test_styles(void **state)
{
    static const struct {
        const char *name;
        enum explain_style style;
        const char *help_url, *contact, *has, *has_not;
        bool joins;
    } rows[] = {
        {"full", STYLE_FULL, "", "", "|Fix: ", "Contact", false},
        {"full ends with the reference", STYLE_FULL, "", "", "|Ref: 6Q2F8-KXD3M", "http", false},
        {"short has no fix", STYLE_SHORT, "", "", "Reason: ", "Fix:", false},
        {"ref alone", STYLE_REF, "", "", "Ref: 6Q2F8-KXD3M", "Reason:", false},
        {"inline joins", STYLE_INLINE, "", "", " Ref: 6Q2F8-KXD3M", "|", true},
        {"help page", STYLE_REF, "https://x.test/%lang/%code/%reason?r=%ref&e=%enhanced&p=%%", "",
         "Ref: 6Q2F8-KXD3M  https://x.test/en/535/auth-bad-credentials?r=6Q2F8-KXD3M&e=5.7.8&p=%", "%%", false},
        {"contact", STYLE_FULL, "", "help@x.test", "|Contact: help@x.test|Ref", "http", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct explain_options options = plain_options;
        struct explanation x;
        char out[4096];
        print_message("%s\n", rows[i].name);
        options.style = rows[i].style;
        options.help_url = rows[i].help_url;
        options.contact = rows[i].contact;
        assert_int_equal(explain(BAD_LOGIN, strlen(BAD_LOGIN), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 0);
        if (!strstr(out, rows[i].has) || strstr(out, rows[i].has_not))
            fail_msg("%s", out);
        assert_int_equal(x.joins, rows[i].joins);
        explain_free(&x);
    }
}

/* A line that the joined text would make too long gets lines of its own. */
static void test_inline_too_long(void **state)
{
    struct explain_options options = plain_options;
    struct explanation x;
    char reply[500], out[4096];
    (void)state;
    memset(reply, 'x', sizeof reply - 1);
    reply[sizeof reply - 1] = '\0';
    memcpy(reply, "550 5.1.1 ", 10);
    options.style = STYLE_INLINE;
    for (int blanks = 0; blanks < 2; blanks++) { /* blanks before the text count too */
        if (blanks)
            memset(reply + 10, ' ', 400);
        assert_int_equal(explain(reply, strlen(reply), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 0);
        assert_false(x.joins);
        assert_non_null(strstr(out, "|Ref: 6Q2F8-KXD3M"));
        explain_free(&x);
    }
}

/* One line, of at most so many octets: what has no room is left out by whole sentences, and the fix stays longest. */
static void test_one_line(void **state)
{
    static const char reply[] = "553 5.1.8 <a@b.test>: Sender address rejected: Domain not found";
    static const struct {
        size_t room; /* octets for what is added */
        enum explain_style style;
        const char *added;
    } rows[] = {
        {400, STYLE_FULL, "ALL"},
        {400, STYLE_SHORT, "NO FIX"},
        {400, STYLE_REF, "; Ref: 6Q2F8-KXD3M https://x.test/"},
        {18, STYLE_FULL, "; Ref: 6Q2F8-KXD3M"},
        {17, STYLE_FULL, ""},
        {1, STYLE_FULL, ""},
    };
    struct explain_options options = plain_options;
    struct explanation x;
    char out[4096], all[4096];
    (void)state;
    options.contact = "postmaster@x.test";
    options.help_url = "https://x.test/";
    for (size_t i = 0; i < ROWS(rows); i++) {
        options.style = rows[i].style;
        options.one_line = strlen(reply) + rows[i].room;
        int result = explain(reply, strlen(reply), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out);
        assert_int_equal(result, *rows[i].added ? 0 : 1);
        assert_int_equal(x.joins, *rows[i].added != '\0');
        assert_true(x.line_count <= 1);
        if (strcmp(rows[i].added, "ALL") == 0)
            memcpy(all, out, sizeof out);
        if (strcmp(rows[i].added, "ALL") == 0 || strcmp(rows[i].added, "NO FIX") == 0) {
            assert_non_null(strstr(out, "; Reason: "));
            assert_int_equal(strstr(out, " Fix: ") != NULL, rows[i].style == STYLE_FULL);
            assert_non_null(strstr(out, " Contact: postmaster@x.test Ref: 6Q2F8-KXD3M https://x.test/"));
        } else {
            assert_string_equal(out, rows[i].added);
        }
        explain_free(&x);
    }
    size_t last = strlen(all);
    options.style = STYLE_FULL;
    for (size_t room = last; room > 18; room--) {
        options.one_line = strlen(reply) + room;
        assert_int_equal(explain(reply, strlen(reply), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 0);
        assert_true(strlen(out) <= room);
        assert_non_null(strstr(out, "Ref: 6Q2F8-KXD3M"));
        const char *fix = strstr(out, "Fix: "), *ref = strstr(out, " Ref: ");
        if (strstr(out, "Reason: ") && !fix)
            assert_true(room < strlen("; Fix: . Ref: 6Q2F8-KXD3M") + 160); /* a reason alone: no sentence of the fix had room */
        if (fix)
            assert_true(ref[-1] == '.' || ref[-1] == 't'); /* whole sentences, or the contact */
        explain_free(&x);
    }
}

/* No account oracle: whatever the server knows of an account, the client is told the same. */
static void test_no_oracle(void **state)
{
    static const char *const rows[] = {
        "535 5.7.8 Error: authentication failed: authentication failure",
        "535 5.7.8 Error: authentication failed: user not found",
        "535 5.7.8 Error: authentication failed: account disabled",
        "535 5.7.8 Error: authentication failed: passphrase locked",
        "535 5.7.8 Error: authentication failed: authorization failure",
        "535 5.7.8 Error: authentication failed: Login disabled for this user",
        "535 5.7.8 Error: authentication failed: user exists, but no verifier for user",
        "535 5.7.8 Error: authentication failed: passphrase expired, has to be reset",
        "535 5.7.8 Error: authentication failed: mechanism too weak for this user",
        "535 5.7.8 Error: authentication failed: One time use of a plaintext password will enable requested mechanism for user",
    };
    struct explain_options options = plain_options;
    struct explanation x;
    char first[4096], out[4096];
    (void)state;
    options.help_url = "https://x.test/%reason";
    explain(BAD_LOGIN, strlen(BAD_LOGIN), NULL, &options, "", &x, first, sizeof first);
    explain_free(&x);
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i]);
        explain(rows[i], strlen(rows[i]), NULL, &options, "", &x, out, sizeof out);
        assert_string_equal(out, first);
        assert_string_equal(x.match.reason->shown->id, "auth-bad-credentials");
        explain_free(&x);
    }
}

/* Nor does what else a reply to AUTH can say: of mailboxes, of quotas, by its enhanced code alone. Neither text, nor help page, nor skip tells. */
static void test_no_oracle_by_other_words(void **state)
{
    static const char *const rows[] = {
        "535 5.7.8 User unknown",
        "535 5.7.8 Mailbox does not exist",
        "535 5.7.8 quota exceeded for this user",
        "535 5.1.1 zzz zzz",
        "535 5.2.1 zzz zzz",
        "535 5.7.13 zzz zzz",
        "535 5.7.8 mailbox disabled",
    };
    static const char *const skip[] = {"auth-bad-credentials"};
    struct explain_options options = plain_options;
    struct explanation x;
    char first[4096], out[4096];
    (void)state;
    options.help_url = "https://x.test/%reason";
    explain(BAD_LOGIN, strlen(BAD_LOGIN), NULL, &options, "", &x, first, sizeof first);
    explain_free(&x);
    for (size_t i = 0; i < ROWS(rows); i++) {
        print_message("%s\n", rows[i]);
        options.skip_count = 0;
        explain(rows[i], strlen(rows[i]), NULL, &options, "", &x, out, sizeof out);
        assert_int_equal(x.stage, STAGE_AUTH);
        assert_true(x.failed_auth);
        assert_string_equal(out, first);
        explain_free(&x);
        options.skip = skip;
        options.skip_count = 1;
        assert_int_equal(explain(rows[i], strlen(rows[i]), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 1);
        explain_free(&x);
    }
}

/* A refusal for now at AUTH tells nothing of an account either, and nobody that a password is wrong. */
static void test_no_oracle_for_now(void **state)
{
    static const char *const rows[] = {"454 4.7.0 user unknown", "454 4.7.13 zzz zzz", "454 4.2.1 zzz zzz"};
    const struct session_facts facts = {.stage = STAGE_AUTH};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct explanation x;
        char out[4096];
        print_message("%s\n", rows[i]);
        explain(rows[i], strlen(rows[i]), &facts, &plain_options, "", &x, out, sizeof out);
        assert_null(strstr(out, "mailbox"));
        assert_null(strstr(out, "account"));
        explain_free(&x);
    }
}

/* What the session knows chooses the words. */
static void test_variants(void **state)
{
    static const char needs_tls[] = "504 5.5.4 Encryption required for requested authentication mechanism";
    struct session_facts facts = {.daemon_port = 25};
    struct explanation x;
    char without[4096], with[4096];
    (void)state;
    explain(needs_tls, strlen(needs_tls), NULL, &plain_options, "", &x, without, sizeof without);
    explain_free(&x);
    facts.field[SESSION_TLS] = "none";
    explain(needs_tls, strlen(needs_tls), &facts, &plain_options, "", &x, with, sizeof with);
    explain_free(&x);
    assert_string_not_equal(with, without);
    assert_non_null(strstr(with, "not encrypted"));

    explain(BAD_LOGIN, strlen(BAD_LOGIN), &facts, &plain_options, "", &x, without, sizeof without);
    assert_true(x.failed_auth);
    assert_int_equal(x.stage, STAGE_AUTH);
    explain_free(&x);
    facts.auth_failed = 2;
    explain(BAD_LOGIN, strlen(BAD_LOGIN), &facts, &plain_options, "", &x, with, sizeof with);
    explain_free(&x);
    assert_string_not_equal(with, without);
}

/* A DNSBL hit names the client and the list. */
static void test_facts(void **state)
{
    static const char text[] =
        "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://x.test/q";
    struct explanation x;
    char out[4096];
    (void)state;
    explain(text, strlen(text), NULL, &plain_options, "", &x, out, sizeof out);
    assert_string_equal(x.match.reason->id, "ip-blocklisted");
    assert_non_null(strstr(out, "192.0.2.7"));
    assert_non_null(strstr(out, "zen.spamhaus.org"));
    explain_free(&x);
}

/* The reason of a reply, as it is explained without a session. */
static void explain_plainly(const char *text, char *out, size_t size)
{
    struct explanation x;
    explain(text, strlen(text), NULL, &plain_options, "", &x, out, size);
    explain_free(&x);
}

/* Where nothing else is known, the enhanced code says more than the code, unless it is vague. */
static void test_enhanced(void **state)
{
    static const struct {
        const char *name, *a, *b;
        bool same;
    } rows[] = {
        {"the enhanced code goes before the code", "550 5.7.25 zzz", "550 5.9.99 zzz", false},
        {"and does not depend on it", "550 5.7.25 zzz", "554 5.7.25 zzz", true},
        {"a vague one goes behind it, as one that is not known", "550 5.0.0 zzz", "550 5.9.9 zzz", true},
        {"one for now is not one for good", "450 4.7.1 zzz", "550 5.7.1 zzz", false},
        {"a failed sign-in tells nothing of an account", "535 5.7.13 zzz", "535 5.7.20 authentication failed", true},
        {"elsewhere it is what it says", "550 5.7.13 zzz", "535 5.7.13 zzz", false},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char a[4096], b[4096];
        print_message("%s\n", rows[i].name);
        explain_plainly(rows[i].a, a, sizeof a);
        explain_plainly(rows[i].b, b, sizeof b);
        assert_true(*a && *b);
        assert_int_equal(strcmp(a, b) == 0, rows[i].same);
    }
}

/* A blocklist's page is given with the client's address where that is known. */
static void test_page(void **state)
{
    static const struct {
        const char *name, *reply, *client, *has;
    } rows[] = {
        {"the address is in the reply", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org",
         NULL, "https://check.spamhaus.org/results/?query=192.0.2.7"},
        {"the address is the session's", "554 5.7.1 Rejected, blocked using zen.spamhaus.org", "192.0.2.8",
         "https://check.spamhaus.org/results/?query=192.0.2.8"},
        {"it is not known", "554 5.7.1 Rejected, blocked using zen.spamhaus.org", NULL, "at https://check.spamhaus.org/"},
        {"the list is not known", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using dnsbl.invalid", NULL,
         "that list's web site"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct session_facts facts = {.field = {[SESSION_CLIENT_ADDR] = rows[i].client}};
        struct explanation x;
        char out[4096], joined[4096];
        size_t len = 0;
        print_message("%s\n", rows[i].name);
        explain(rows[i].reply, strlen(rows[i].reply), rows[i].client ? &facts : NULL, &plain_options, "", &x, out, sizeof out);
        for (const char *s = out; *s; s++) { /* a text wraps at any of its blanks */
            if (strncmp(s, "|  ", 3) == 0)
                s += 2;
            joined[len++] = *s;
        }
        joined[len] = '\0';
        if (!strstr(joined, rows[i].has))
            fail_msg("%s", out);
        explain_free(&x);
    }
}

/* Another language than ASCII can write is for sessions with SMTPUTF8; its lines are as wide and as long as others. */
static void test_languages(void **state)
{
    static const char relay[] = "554 5.7.1 <a@b.example>: Relay access denied";
    (void)state;
    for (size_t i = 0; catalog_language_at(catalog, i); i++) {
        struct session_facts facts = {.smtputf8 = true};
        struct explain_options options = plain_options;
        struct explanation x;
        char plain[4096], english[4096], own[4096];
        options.language = catalog_language_at(catalog, i);
        options.contact = "help@x.test";
        print_message("%s\n", options.language);
        explain(relay, strlen(relay), &facts, &options, "6Q2F8-KXD3M", &x, own, sizeof own);
        for (unsigned n = 0; n < x.line_count; n++)
            assert_true(columns_of(x.lines[n], strlen(x.lines[n])) <= EXPLAIN_COLUMNS);
        if (i > 0)
            assert_null(strstr(own, " ..."));
        explain_free(&x);
        facts.smtputf8 = false;
        explain(relay, strlen(relay), &facts, &options, "6Q2F8-KXD3M", &x, plain, sizeof plain);
        for (const char *s = plain; *s; s++)
            assert_true(*s >= ' ' && *s <= '~');
        explain_free(&x);
        options.language = "en";
        explain(relay, strlen(relay), &facts, &options, "6Q2F8-KXD3M", &x, english, sizeof english);
        explain_free(&x);
        assert_int_equal(strcmp(own, english) == 0, i == 0);
    }
}

static void test_skip(void **state)
{
    static const char disabled[] = "535 5.7.8 Error: authentication failed: account disabled";
    static const char *const by_code[] = {"421", "535"}, *const by_id[] = {"auth-bad-credentials"};
    struct explain_options options = plain_options;
    struct explanation x;
    char out[4096];
    (void)state;
    options.skip = by_code;
    options.skip_count = 2;
    assert_int_equal(explain(BAD_LOGIN, strlen(BAD_LOGIN), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 1);
    assert_true(x.skipped);
    explain_free(&x);
    options.skip = by_id;
    options.skip_count = 1;
    assert_int_equal(explain(BAD_LOGIN, strlen(BAD_LOGIN), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 1);
    explain_free(&x);
    /* and what is shown as it, or else the difference would tell of the account */
    assert_int_equal(explain(disabled, strlen(disabled), NULL, &options, "6Q2F8-KXD3M", &x, out, sizeof out), 1);
    explain_free(&x);
}

static void test_unknown_code(void **state)
{
    struct explanation x;
    char out[4096];
    (void)state;
    assert_int_equal(explain("599 whatever", 12, NULL, &plain_options, "", &x, out, sizeof out), 1);
    explain_free(&x);
    assert_int_equal(explain("599 whatever", 12, NULL, &plain_options, "6Q2F8-KXD3M", &x, out, sizeof out), 0);
    assert_string_equal(out, "Ref: 6Q2F8-KXD3M");
    explain_free(&x);
}

/* However hostile the reply: lines of printable ASCII within their limits, and a template without a bare dollar or a line break of the client's. */
static void test_hostile(void **state)
{
    char long_list[3000] = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using ";
    memset(long_list + strlen(long_list), 'x', 2000);
    strcat(long_list, "; y");
    const char *rows[] = {
        "554 5.7.1 Service unavailable; Client host [$x${client_address}] blocked using a$b\\nc; y",
        "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using \\cz.e\\n\xff\x01\x7f.test; y",
        "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using %client%list; y",
        long_list,
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        for (int style = 0; style < STYLE_COUNT; style++) {
            struct explain_options options = plain_options;
            struct explanation x;
            struct buffer out = {0};
            char lines[8192];
            options.style = (enum explain_style)style;
            assert_int_equal(explain(rows[i], strlen(rows[i]), NULL, &options, "6Q2F8-KXD3M", &x, lines, sizeof lines), 0);
            for (const char *s = lines; *s; s++)
                assert_true(*s >= ' ' && *s <= '~');
            assert_int_equal(footer_add(&out, &x), 0);
            unsigned breaks = 0;
            for (const char *s = out.data + (x.joins ? 2 : 0); *s; s++) {
                if (*s == '$')
                    assert_int_equal(*++s, '$');
                breaks += s[0] == '\\' && s[1] == 'n';
                assert_false(s[0] == '\\' && s[1] == 'c');
            }
            assert_int_equal(breaks, x.line_count - 1);
            buffer_free(&out);
            explain_free(&x);
        }
    }
}

static void test_footer(void **state)
{
    static const struct {
        const char *name, *lines[2];
        bool joins;
        const char *template;
    } rows[] = {
        {"two lines", {"a", "b"}, false, "a\\nb"},
        {"joined", {"; a", NULL}, true, "\\c; a"},
        {"dollar", {"$x ${y} $", NULL}, false, "$$x $${y} $$"},
        {"backslash n", {"a\\nb", NULL}, false, "a/nb"},
        {"backslash c", {"\\ca", NULL}, false, "/ca"},
        {"other backslash", {"a\\b", NULL}, false, "a\\b"},
        {"controls", {"a\r\nb\x7f", NULL}, false, "a??b?"},
        {"an empty line is none", {"", "b"}, false, "b"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct explanation x = {.joins = rows[i].joins};
        struct buffer out = {0};
        print_message("%s\n", rows[i].name);
        for (; x.line_count < 2 && rows[i].lines[x.line_count]; x.line_count++)
            x.lines[x.line_count] = rows[i].lines[x.line_count];
        assert_int_equal(footer_add(&out, &x), 0);
        assert_string_equal(out.data, rows[i].template);
        buffer_free(&out);
    }
    struct explanation empty = {.line_count = 1, .lines = {""}};
    struct buffer out = {0};
    assert_int_equal(footer_add(&out, &empty), 1);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_styles),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_inline_too_long),
        cmocka_unit_test(test_no_oracle),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_no_oracle_by_other_words),
        cmocka_unit_test(test_no_oracle_for_now),
        cmocka_unit_test(test_enhanced),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_languages),
        cmocka_unit_test(test_unknown_code),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_footer),
    };
    return cmocka_run_group_tests(tests, load_catalog, release_catalog);
}
