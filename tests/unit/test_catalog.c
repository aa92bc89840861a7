#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mailwhy/catalog.h>
#include <mailwhy/pattern.h>

static char root[] = "/tmp/mailwhy-catalog-XXXXXX";

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static int make_root(void **state)
{
    (void)state;
    char path[256];
    if (!mkdtemp(root))
        return -1;
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, i ? "local" : "ours");
        mkdir(path, 0755);
        strcat(path, "/text");
        mkdir(path, 0755);
    }
    return 0;
}

static int remove_root(void **state)
{
    static const char *const paths[] = {"ours/codes.conf",  "ours/reasons.conf",  "ours/text/en.conf",  "ours/text",  "ours",
                                        "local/codes.conf", "local/reasons.conf", "local/text/en.conf", "local/text", "local"};
    char path[256];
    (void)state;
    for (size_t i = 0; i < ROWS(paths); i++) {
        snprintf(path, sizeof path, "%s/%s", root, paths[i]);
        remove(path);
    }
    return rmdir(root);
}

#define TEXT(kind, id, words) kind " " id " { name = \"n\" reason = \"" words "\" when = \"w\" fix = \"f\" }\n"

#define WORD_TEXT(name, key) key " = \"" key "\"\n"
static const char words[] = "\nwords {\n" WORDS(WORD_TEXT) "}\n";

static struct catalog *load(const char *codes, const char *reasons, const char *texts, struct buffer *faults)
{
    char ours[256];
    snprintf(ours, sizeof ours, "%s/ours", root);
    write_file(ours, "codes.conf", codes);
    write_file(ours, "reasons.conf", reasons);
    write_file(ours, "text/en.conf", texts);
    char path[300];
    snprintf(path, sizeof path, "%s/text/en.conf", ours);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(words, f);
    assert_int_equal(fclose(f), 0);
    return catalog_load(&(struct catalog_source){.dir = ours}, faults);
}

/* Each fault is named with its file and its line. */
static void test_faults(void **state)
{
    static const char code[] = "code 535 { who = \"sender\" stage = \"auth\" }\n", code_text[] = TEXT("code", "535", "r");
    static const struct {
        const char *name, *codes, *reasons, *texts, *fault;
    } rows[] = {
        {"unknown code", "code 735 {}\n", "", "", "codes.conf:1: code \"735\" is not a reply code"},
        {"a word for a code", "\ncode abc {}\n", "", "", "codes.conf:2: code \"abc\""},
        {"bad stage", "code 535 {\n stage = \"tea\"\n}\n", "", "", "codes.conf:2: stage \"tea\""},
        {"bad pattern", code, "reason a {\n who = \"sender\"\n patterns = {'fine',\n '(open'}\n}\n", code_text,
         "reasons.conf:4: bad pattern '(open'"},
        {"bad enhanced code", code, "reason a { enhanced = {\"5.7\"} who = \"sender\" }\n", code_text,
         "reasons.conf:1: \"5.7\" is not an enhanced"},
        {"bad code in a reason", code, "reason a { codes = {99} who = \"sender\" }\n", code_text,
         "reasons.conf:1: 99 is not a reply code"},
        {"who missing", code, "reason a { codes = {535} }\n", code_text, "reasons.conf:1: reason a: who is missing"},
        {"bad who", code, "reason a { codes = {535} who = \"nobody\" }\n", code_text, "reasons.conf:1: who \"nobody\""},
        {"bad id", code, "reason A_b { codes = {535} who = \"sender\" }\n", code_text, "reasons.conf:1: reason \"A_b\""},
        {"matches nothing", code, "reason a { who = \"sender\" }\n", code_text, "reasons.conf:1: reason a: nothing can match it"},
        {"unknown key", code, "reason a {\n color = \"red\" }\n", code_text, "reasons.conf:2: no such option 'color'"},
        {"a reason twice", code, "reason a { codes = {535} who = \"sender\" }\nreason a { codes = {535} who = \"sender\" }\n",
         code_text, "reasons.conf:2: found duplicate title 'a'"},
        {"shown as nothing", code, "reason a { codes = {535} who = \"sender\" shown_as = \"b\" }\n", code_text,
         "reason a: shown_as \"b\""},
        {"missing text of a reason", code, "reason a { codes = {535} who = \"sender\" }\n", code_text,
         "reasons.conf:1: reason a has no name"},
        {"a code without who", "code 535 {}\n", "", code_text, "codes.conf:1: code 535: who is missing"},
        {"an enhanced code without who", "enhanced X.7.8 {}\n", "", "", "codes.conf:1: enhanced X.7.8: who is missing"},
        {"bad enhanced code of its own", "enhanced 7.8 { who = \"sender\" }\n", "", "",
         "codes.conf:1: enhanced \"7.8\" is not an enhanced"},
        {"an enhanced code that is shown as nothing", "enhanced 5.7.8 { who = \"sender\" shown_as = \"b\" }\n", "", "",
         "codes.conf:1: enhanced 5.7.8: shown_as \"b\""},
        {"missing text of an enhanced code", "enhanced X.7.8 { who = \"sender\" }\n", "", "",
         "codes.conf:1: enhanced X.7.8 has no fix in the language en"},
        {"text for an enhanced code that is not there", "enhanced 5.7.8 { who = \"sender\" }\n", "",
         TEXT("enhanced", "5.7.8", "r") TEXT("enhanced", "4.7.8", "r"), "en.conf:2: text for enhanced 4.7.8"},
        {"missing text of a code", code, "", "", "code 535 has no reason in the language en"},
        {"text for nothing", code, "", TEXT("code", "535", "r") TEXT("reason", "b", "r"), "en.conf:2: text for reason b"},
        {"unknown placeholder", code, "", TEXT("code", "535", "50 %% of %you"), "en.conf:1: reason has a % that is none of"},
        {"long text", code, "",
         "code 535 { name = \"n\" when = \"w\" fix = \"f\" reason = \""
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "01234567890123456789012345678901234567890\" }\n",
         "en.conf:1: reason is longer than 240 columns"},
        {"text that is not ASCII", code, "", TEXT("code", "535", "caf\xc3\xa9"), "is not plain ASCII"},
        {"a line break in a text", code, "", TEXT("code", "535", "a\\nb"), "en.conf:1: reason has a control character"},
        {"a bidi override in a text", code, "", TEXT("code", "535", "a\xe2\x80\xae"),
         "en.conf:1: reason has a control character"},
        {"a text that is not UTF-8", code, "", TEXT("code", "535", "caf\xe9"), "en.conf:1: reason has a control character"},
        {"a long word in replies", code, "",
         TEXT("code", "535", "r") "words { fix = \"0123456789012345678901234567890123456789012345678901234567890\" }\n",
         "en.conf:2: fix is longer than the 40 columns"},
        {"unknown condition", code, "",
         "code 535 { name = \"n\" reason = \"r\" when = \"w\" fix = \"f\" variant \"sunny\" {} }\n",
         "variant \"sunny\": the conditions are"},
        {"comments count as one line each", code,
         "# a\n// b\n/* c\n d */\n\nreason a { # \"\n codes = {535} # '\n who = \"no # body\" }\n", code_text,
         "reasons.conf:8: who \"no # body\""},
        {"a comment in a word", code, "reason a { codes = {535} who = a//b\n}\n", code_text,
         "reasons.conf:1: // within a value begins a comment"},
        {"an unclosed section", code, "\nreason a { who = 'sender'\n codes = {535}\n", code_text,
         "reasons.conf:2: this { is not closed"},
        {"an unfinished string", code, "reason a { who = \"sender }\n", code_text, "reasons.conf:"},
        {"and the next file is read as ever", code, "reason a { who = 'x' codes = {535} }\n", code_text,
         "reasons.conf:1: who \"x\""},
        {"syntax", code, "reason {\n", code_text, "reasons.conf:"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buffer faults = {0};
        print_message("%s\n", rows[i].name);
        errno = 0;
        struct catalog *c = load(rows[i].codes, rows[i].reasons, rows[i].texts, &faults);
        assert_null(c);
        assert_int_equal(errno, EINVAL);
        if (!strstr(buffer_string(&faults), rows[i].fault))
            fail_msg("expected \"%s\" in: %s", rows[i].fault, buffer_string(&faults));
        buffer_free(&faults);
    }
}

static void test_missing_folder(void **state)
{
    struct buffer faults = {0};
    (void)state;
    assert_null(catalog_load(&(struct catalog_source){.dir = "/nonexistent"}, &faults));
    assert_non_null(strstr(faults.data, "/nonexistent/codes.conf:0: cannot be read: No such file"));
    buffer_free(&faults);
}

static void match_text(const struct catalog *c, const char *text, struct catalog_match *m, struct reply *r)
{
    assert_int_equal(reply_parse(r, text, strlen(text)), 0);
    catalog_match(c, r, m);
}

static void test_most_specific_wins(void **state)
{
    static const char reasons[] =
        "reason by-code { codes = {550} who = \"sender\" }\n"
        "reason by-enhanced { enhanced = {\"5.1.1\"} who = \"sender\" }\n"
        "reason short { patterns = {'mailbox'} who = \"sender\" }\n"
        "reason long { patterns = {'mailbox (?<name>\\w+) unknown'} who = \"sender\" }\n"
        "reason with-code { codes = {552} patterns = {'mailbox'} who = \"sender\" }\n"
        "reason with-both { codes = {552} enhanced = {\"5.2.2\"} patterns = {'mailbox'} who = \"sender\" }\n"
        "reason twin { patterns = {'quotas'} who = \"sender\" }\n"
        "reason second-twin { patterns = {'quotas'} who = \"sender\" }\n";
    static const struct {
        const char *reply, *id;
        enum catalog_rank rank;
    } rows[] = {
        {"550 who knows", "by-code", RANK_CODE},
        {"551 5.1.1 who knows", "by-enhanced", RANK_ENHANCED},
        {"550 5.1.1 who knows", "by-enhanced", RANK_ENHANCED},
        {"550 5.1.1 no mailbox", "short", RANK_PATTERN},
        {"550 5.1.1 MAILBOX x unknown", "long", RANK_PATTERN},
        {"552 mailbox x unknown", "with-code", RANK_PATTERN_CODE},
        {"552 5.2.2 mailbox x unknown", "with-both", RANK_PATTERN_BOTH},
        {"553 quotas", "twin", RANK_PATTERN},
        {"553 nothing", NULL, RANK_NONE},
    };
    char texts[2000] = "";
    static const char *const ids[] = {"by-code", "by-enhanced", "short", "long", "with-code", "with-both", "twin", "second-twin"};
    struct buffer faults = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(ids); i++)
        sprintf(texts + strlen(texts), "reason %s { name = \"n\" reason = \"r\" when = \"w\" fix = \"f\" }\n", ids[i]);
    struct catalog *c = load("", reasons, texts, &faults);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct catalog_match m;
        struct reply r;
        print_message("%s\n", rows[i].reply);
        match_text(c, rows[i].reply, &m, &r);
        assert_int_equal(m.rank, rows[i].rank);
        if (rows[i].id)
            assert_string_equal(m.reason->id, rows[i].id);
        else
            assert_null(m.reason);
        if (rows[i].id && strcmp(rows[i].id, "long") == 0) {
            assert_int_equal(m.fact_count, 1);
            assert_string_equal(m.facts[0].name, "name");
            assert_memory_equal(m.facts[0].value, "x", m.facts[0].len);
        }
        reply_free(&r);
    }
    catalog_release(c);
    buffer_free(&faults);
}

/* An English word that is missing is a fault, whatever other languages have. */
static void test_missing_word(void **state)
{
    char ours[256], path[300];
    struct buffer faults = {0};
    (void)state;
    snprintf(ours, sizeof ours, "%s/ours", root);
    catalog_release(load("", "", "", &faults));
    write_file(ours, "text/en.conf", "words { fix = \"Fix\" }\n");
    write_file(ours, "text/de.conf", words);
    assert_null(catalog_load(&(struct catalog_source){.dir = ours}, &faults));
    assert_non_null(strstr(buffer_string(&faults), "text/en.conf:0: words: reason is missing"));
    snprintf(path, sizeof path, "%s/text/de.conf", ours);
    remove(path);
    buffer_free(&faults);
}

/* A brief catalogue, which compiles a pattern when it is to match, has a wrong one match nothing, however often. */
static void test_brief(void **state)
{
    char ours[256];
    struct buffer faults = {0};
    (void)state;
    catalog_release(load("", "", "", &faults));
    snprintf(ours, sizeof ours, "%s/ours", root);
    write_file(ours, "reasons.conf",
               "reason many { who = \"sender\" patterns = {'(a)(b)(c)(d)(e)(f)(g)(h)(i)', '(wrong', 'jklm'} }\n");
    struct buffer texts = {0};
    buffer_printf(&texts, "%s%s", TEXT("reason", "many", "r"), words);
    write_file(ours, "text/en.conf", texts.data);
    buffer_free(&texts);
    struct catalog *c = catalog_load(&(struct catalog_source){.dir = ours, .brief = true}, &faults);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    for (int i = 0; i < 3; i++) {
        struct catalog_match m;
        struct reply r;
        match_text(c, "550 abcdefghi (wrong", &m, &r);
        assert_null(m.reason);
        reply_free(&r);
        match_text(c, "550 jklm", &m, &r);
        assert_non_null(m.reason);
        reply_free(&r);
    }
    catalog_release(c);
    buffer_free(&faults);
}

/* A pattern with more alternatives than there are keys is tried on every reply, and found. */
static void test_many_alternatives(void **state)
{
    struct buffer reasons = {0}, faults = {0};
    (void)state;
    buffer_add_string(&reasons, "reason many { who = \"sender\" patterns = {'(?:");
    for (int i = 0; i < 60; i++)
        buffer_printf(&reasons, "%sword%c%c", i ? "|" : "", 'a' + i / 26, 'a' + i % 26);
    buffer_add_string(&reasons, ") ended'} }\n");
    struct catalog *c = load("", reasons.data, TEXT("reason", "many", "r"), &faults);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    for (int i = 0; i < 60; i += 7) {
        struct catalog_match m;
        struct reply r;
        char text[40];
        snprintf(text, sizeof text, "550 word%c%c ended", 'a' + i / 26, 'a' + i % 26);
        match_text(c, text, &m, &r);
        assert_non_null(m.reason);
        reply_free(&r);
    }
    catalog_release(c);
    buffer_free(&reasons);
    buffer_free(&faults);
}

static void test_local_overrides(void **state)
{
    char ours[256], local[256];
    struct buffer faults = {0};
    struct catalog_match m;
    struct reply r;
    (void)state;
    catalog_release(load("code 550 { who = \"sender\" }\n", "reason a { patterns = {'alpha'} who = \"sender\" }\n",
                         TEXT("code", "550", "c") TEXT("reason", "a", "r"), &faults));
    snprintf(ours, sizeof ours, "%s/ours", root);
    snprintf(local, sizeof local, "%s/local", root);
    write_file(local, "reasons.conf",
               "reason a { patterns = {'omega'} who = \"receiver-admin\" }\nreason b { patterns = {'beta'} who = \"sender\" }\n");
    write_file(local, "text/en.conf", "reason a { fix = \"call us\" }\n" TEXT("reason", "b", "ours"));
    struct catalog *c = catalog_load(&(struct catalog_source){.dir = ours, .local_dir = local}, &faults);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    assert_int_equal(catalog_reason_count(c), 2);
    match_text(c, "550 alpha", &m, &r);
    assert_null(m.reason);
    reply_free(&r);
    match_text(c, "550 omega", &m, &r);
    assert_string_equal(m.reason->id, "a");
    assert_int_equal(m.reason->who, WHO_RECEIVER_ADMIN);
    const struct catalog_text *text = catalog_reason_text(c, m.reason, "en");
    assert_string_equal(text->reason, "r");
    assert_string_equal(text->fix, "call us");
    assert_ptr_equal(catalog_reason_text(c, m.reason, "xx"), text);
    reply_free(&r);
    catalog_release(c);
    buffer_free(&faults);
}

/* A text of another language that lacks keys has the English ones. */
static void test_incomplete_language(void **state)
{
    char ours[256], local[256], gone[300];
    struct buffer faults = {0};
    (void)state;
    catalog_release(load("code 550 { who = \"sender\" }\n", "reason a { patterns = {'alpha'} who = \"sender\" }\n",
                         TEXT("code", "550", "c") TEXT("reason", "a", "r"), &faults));
    snprintf(ours, sizeof ours, "%s/ours", root);
    snprintf(local, sizeof local, "%s/local", root);
    write_file(local, "text/de.conf", "reason a { name = \"Alpha\" }\ncode 550 { fix = \"Hilfe\" }\n");
    struct catalog *c = catalog_load(&(struct catalog_source){.dir = ours, .local_dir = local}, &faults);
    snprintf(gone, sizeof gone, "%s/text/de.conf", local);
    remove(gone);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    assert_true(catalog_has_language(c, "de"));
    const struct catalog_text *text = catalog_reason_text(c, catalog_reason_by_id(c, "a"), "de");
    assert_string_equal(text->name, "Alpha");
    assert_string_equal(text->reason, "r");
    assert_string_equal(text->fix, "f");
    text = catalog_code_text(c, 550, "de");
    assert_string_equal(text->name, "n");
    assert_string_equal(text->fix, "Hilfe");
    catalog_release(c);
    buffer_free(&faults);
}

/* Each row of the fixture gets the reason that it names. */
static void test_fixture(void **state)
{
    struct buffer faults = {0};
    char line[4096];
    unsigned rows = 0, wrong = 0;
    (void)state;
    struct catalog *c = catalog_load(&(struct catalog_source){.dir = OUR_CATALOG}, &faults);
    if (!c)
        fail_msg("%s", buffer_string(&faults));
    FILE *f = fopen("tests/fixtures/replies.tsv", "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f)); /* the titles */
    while (fgets(line, sizeof line, f)) {
        struct reply r;
        struct catalog_match m;
        char *id = strchr(line, '\t');
        assert_non_null(id);
        *id++ = '\0';
        id[strcspn(id, "\n\t")] = '\0';
        for (char *crlf; (crlf = strstr(line, "\\r\\n"));) {
            memcpy(crlf, "\r\n", 2);
            memmove(crlf + 2, crlf + 4, strlen(crlf + 4) + 1);
        }
        match_text(c, line, &m, &r);
        rows++;
        if (strcmp(m.reason ? m.reason->id : "-", id) != 0) {
            print_error("%s: expected %s, got %s\n", line, id, m.reason ? m.reason->id : "-");
            wrong++;
        }
        reply_free(&r);
    }
    fclose(f);
    assert_true(rows >= 120);
    assert_int_equal(wrong, 0);
    catalog_release(c);
    buffer_free(&faults);
}

/* The filter never keeps a pattern from a subject that it matches. */
static void test_filter(void **state)
{
    static const struct {
        const char *pattern, *subject;
        int matches;
    } rows[] = {
        {"abcd", "xxABCDxx", 1},
        {"ab?cd", "acd", 1},
        {"abc*d", "abd", 1},
        {"abc|xyz", "xyz", 1},
        {"(?:abc)?def", "def", 1},
        {"abcx{0,1}", "abc", 1},
        {"abc\\.def", "abc.def", 1},
        {"abc\\d+def", "abc12def", 1},
        {"[abc]def", "bdef", 1},
        {"abc[^\\]]def", "abcxdef", 1},
        {"a+bcd", "aaabcd", 1},
        {"abc\\\\def", "abc\\def", 1},
        {"x(a|(b\\)c))yzw", "xayzw", 1},
        {"abc$", "xabc", 1},
        {"^abc", "abcx", 1},
        {"abc.def", "abcxdef", 1},
        {"\\babc\\b def", "abc def", 1},
        {"a\\x62cd", "abcd", 1},
        {"ab(?#x)cd", "abcd", 1},
        {"abcd", "abdc", 0},
        {"[[:alpha:]]bcd", "xbcd", 1},
        {"abc+?d", "abccd", 1},
        {"abcd\\*ef", "abcd*ef", 1},
        {"(?i)ABC", "abc", 1},
        {"(?ix) foo bar", "foobar", 1},
        {"(?x: foo) barx", "foo barx", 1},
        {"(?^x) foo bar", "foobar", 1},
        {"[0-9[:alpha:]]user", "xuser", 1},
        {"(?<addr>foo)bar(?P>addr)", "foobarfoo", 1},
        {"(?P<q>abc)(?P=q)(?:uvw|x>def|xyz)", "abcabcuvw", 1},
        {"abcd{00,2}e", "abce", 1},
        {"abc{1|xyz}", "xyz}", 1},
        {"(?<who>foo|bar) versus (?P>who) quuz", "foo versus bar quuz", 1},
        {"(?:abc|def) ghi", "def ghi", 1},
        {"(?:abc|d) ghi", "d ghi", 1},
        {"abc(?= def) def", "abc def", 1},
        {"abc\\K def", "abc def", 1},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        char why[100];
        struct pattern_filter filter;
        struct pattern_hit hit;
        struct pattern_scratch scratch = {0};
        print_message("%s on %s\n", rows[i].pattern, rows[i].subject);
        struct pattern *p = pattern_compile(rows[i].pattern, why, sizeof why);
        assert_non_null(p);
        pattern_filter_fill(&filter, rows[i].subject, strlen(rows[i].subject));
        assert_int_equal(pattern_match(p, &scratch, rows[i].subject, strlen(rows[i].subject), &hit), rows[i].matches);
        if (rows[i].matches)
            assert_true(pattern_may_match(p, &filter));
        pattern_scratch_free(&scratch);
        pattern_free(p);
    }
}

/* A pattern that would run for ages is given up. */
/* A reply that has our lines already is matched by the server's own. */
static void test_own_text(void **state)
{
#define OURS(code) code "5.7.1 Reason: x\r\n" code "5.7.1 Fix: SPF, DKIM and DMARC\r\n"
    static const struct {
        const char *name, *reply, *reason, *ref;
    } rows[] = {
        {"without", "554 5.7.1 Spam message rejected", "spam-rejected", ""},
        {"with all", "554-5.7.1 Spam message rejected\r\n" OURS("554-") "554 5.7.1 Ref: 3ATP9-K9SRC", "spam-rejected",
         "3ATP9-K9SRC"},
        {"with a page", "554-5.7.1 Spam message rejected\r\n" OURS("554-") "554 5.7.1 Ref: 3ATP9-K9SRC  https://x.test/spf-dmarc",
         "spam-rejected", "3ATP9-K9SRC"},
        {"inline", "554 5.7.1 Spam message rejected; Reason: x. Fix: SPF, DKIM and DMARC. Ref: 3ATP9-K9SRC", "spam-rejected",
         "3ATP9-K9SRC"},
        {"inline, no reason", "554 5.7.1 Spam message rejected; Fix: SPF, DKIM and DMARC. Ref: 3ATP9-K9SRC", "spam-rejected",
         "3ATP9-K9SRC"},
        {"in another language",
         "554-5.7.1 Spam message rejected\r\n554-5.7.1 Grund: SPF, DKIM and DMARC\r\n554 5.7.1 Ref: 3ATP9-K9SRC", "spam-rejected",
         "3ATP9-K9SRC"},
        {"a reason of the server's own", "554-5.7.1 Message refused\r\n554 5.7.1 Reason: DMARC policy", "dmarc-reject", ""},
        {"no reference at the end", "554-5.7.1 Message refused\r\n554-5.7.1 Reason: DMARC policy\r\n554 5.7.1 Ref: none",
         "dmarc-reject", ""},
        {"one that a client put there, with a page", "554 5.7.1 <\"x; Reason: y Ref: 3ATP9-K9SRC http\"@z>: Relay access denied",
         "relay-denied", ""},
        {"one that a client put there, and one of ours",
         "554 5.7.1 <\"x; Reason: y Ref: 3ATP9-K9SRC \"@z>: Relay access denied; Fix: f. Ref: 3ATQ0-00000  https://x.test/",
         "relay-denied", "3ATQ0-00000"},
        {"one that a client put there", "554 5.7.1 <x; Reason: y Ref: 3ATP9-K9SRC@z>: Relay access denied", "relay-denied", ""},
    };
    struct buffer faults = {0};
    struct catalog *ours = catalog_load(&(struct catalog_source){.dir = OUR_CATALOG}, &faults);
    (void)state;
    assert_non_null(ours);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reply reply;
        struct catalog_match match;
        print_message("%s\n", rows[i].name);
        assert_int_equal(reply_parse(&reply, rows[i].reply, strlen(rows[i].reply)), 0);
        catalog_match(ours, &reply, &match);
        assert_non_null(match.reason);
        assert_string_equal(match.reason->id, rows[i].reason);
        struct span ref = catalog_told_ref(ours, &reply);
        assert_int_equal(span_length(ref), strlen(rows[i].ref));
        assert_true(!ref.at || span_is(ref, rows[i].ref));
        reply_free(&reply);
    }
    catalog_release(ours);
    buffer_free(&faults);
}

static void test_match_limit(void **state)
{
    char why[100], subject[4000];
    struct pattern_hit hit;
    struct pattern_scratch scratch = {0};
    (void)state;
    struct pattern *p = pattern_compile("(a+)+(a+)+b", why, sizeof why);
    memset(subject, 'a', sizeof subject);
    assert_int_equal(pattern_match(p, &scratch, subject, sizeof subject, &hit), 0);
    pattern_scratch_free(&scratch);
    pattern_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_missing_folder),
        cmocka_unit_test(test_most_specific_wins),
        cmocka_unit_test(test_missing_word),
        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_many_alternatives),
        cmocka_unit_test(test_incomplete_language),
        cmocka_unit_test(test_local_overrides),
        cmocka_unit_test(test_fixture),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_own_text),
        cmocka_unit_test(test_match_limit),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
