/* Names in events: masked, as tokens, and the same wherever they stand. */
#include "rows.h"

#include <time.h>

#include <mailwhy/privacy.h>

#define TOKEN_ANNA "u-tshegm200w6m"
#define TOKEN_ANNA_AT "a-pkwhzkww0d1w"

static const unsigned char key[PRIVACY_KEY_SIZE] = "0123456789abcdef0123456789abcdef";

/* With masks; of an event of anna@example.com, from carl@example.org to bob.smith@example.net. */
static struct row {
    const char *name, *reply, *masked;
} rows[] = {
    {"recipient", "554 5.7.1 <bob.smith@example.net>: Relay access denied", "554 5.7.1 <b***@example.net>: Relay access denied"},
    {"sender in any case", "553 5.7.1 <Carl@Example.ORG>: Sender address rejected: x",
     "553 5.7.1 <c***@example.org>: Sender address rejected: x"},
    {"not owned", "553 5.7.1 <carl@example.org>: Sender address rejected: not owned by user anna@example.com",
     "553 5.7.1 <c***@example.org>: Sender address rejected: not owned by user a***@example.com"},
    {"not owned by a name", "553 5.7.1 <x@example.org>: Sender address rejected: not owned by user ed.",
     "553 5.7.1 <***@example.org>: Sender address rejected: not owned by user e***."},
    {"nobody's", "553 5.7.1 <dora@a.test>: Sender address rejected: not owned by auth user.",
     "553 5.7.1 <d***@a.test>: Sender address rejected: not owned by auth user."},
    {"unknown, without a domain", "550 5.1.1 <dora>: Recipient address rejected: User unknown in local recipient table",
     "550 5.1.1 <d***>: Recipient address rejected: User unknown in local recipient table"},
    {"unknown, with a dot", "550 5.1.1 <dora.k>: Recipient address rejected: User unknown in local recipient table",
     "550 5.1.1 <d***>: Recipient address rejected: User unknown in local recipient table"},
    {"HELO", "504 5.5.2 <laptop.local>: Helo command rejected: need fully-qualified hostname",
     "504 5.5.2 <laptop.local>: Helo command rejected: need fully-qualified hostname"},
    {"client", "554 5.7.1 <mail.test[192.0.2.7]>: Client host rejected: x",
     "554 5.7.1 <mail.test[192.0.2.7]>: Client host rejected: x"},
    {"within another sentence", "550 5.7.1 <mail.test[192.0.2.7]>, go", "550 5.7.1 <mail.test[192.0.2.7]>, go"},
    {"no name", "521 5.5.2 mail.test Error: bare <LF> received, <CRLF> wanted",
     "521 5.5.2 mail.test Error: bare <LF> received, <CRLF> wanted"},
    {"DATA", "554 5.7.1 <DATA>: Data command rejected: Multi-recipient bounce",
     "554 5.7.1 <DATA>: Data command rejected: Multi-recipient bounce"},
    {"page", "550 see <https://a.test/?a=dora@b.test>", "550 see <https://a.test/?a=d***@b.test>"},
    {"square brackets", "554 5.7.1 Sender address [dora@a.test] blocked", "554 5.7.1 Sender address [d***@a.test] blocked"},
    {"braces", "550 I cannot deliver mail for {dora@a.test}", "550 I cannot deliver mail for {d***@a.test}"},
    {"quotes", "550 for 'dora@a.test' and \"dora@a.test\"", "550 for 'd***@a.test' and \"d***@a.test\""},
    {"end of a sentence", "550 No dora@a.test. None.", "550 No d***@a.test. None."},
    {"Sendmail", "550 5.1.1 dora... User unknown", "550 5.1.1 d***... User unknown"},
    {"Sendmail, address", "553 5.1.8 <dora@a.test>... Domain of sender address dora@a.test does not exist",
     "553 5.1.8 <d***@a.test>... Domain of sender address d***@a.test does not exist"},
    {"parameter", "550 5.7.23 see s=mfrom;id=dora@a.test;ip=1.2.3.4", "550 5.7.23 see s=mfrom;id=d***@a.test;ip=1.2.3.4"},
    {"percent-encoded", "550 5.7.23 see http://spf.test/Why?s=mfrom;id=dora%40a.test;ip=1.2.3.4;r=mx",
     "550 5.7.23 see http://spf.test/Why?s=mfrom;id=d***@a.test;ip=1.2.3.4;r=mx"},
    {"VERP", "550 5.1.1 bounce-dora=a.test@list.test is unknown", "550 5.1.1 b***@list.test is unknown"},
    {"quoted name", "550 5.1.1 \"dora k\"@a.test is unknown", "550 5.1.1 ***@a.test is unknown"},
    {"quoted bracket", "550 5.1.1 <\"dora> k\"@a.test>: Recipient address rejected: x",
     "550 5.1.1 <***@a.test>: Recipient address rejected: x"},
    {"quoted quote", "501 5.1.3 Bad recipient address syntax: \"dora\\\"@carl\"@a.test",
     "501 5.1.3 Bad recipient address syntax: ***@a.test"},
    {"quote that is none", "550 <\"dora> was \"refused\" by <b.test>", "550 <***> was \"refused\" by <b***>"},
    {"address of a host", "550 5.1.1 dora@[192.0.2.7] is unknown", "550 5.1.1 d***@[192.0.2.7] is unknown"},
    {"no domain", "553-5.1.7 The sender address <dora@> is\r\n553 5.1.7 not dora@ valid",
     "553-5.1.7 The sender address <d***@> is\r\n553 5.1.7 not d***@ valid"},
    {"known name", "550 5.1.1 unknown user: \"bob.smith\"", "550 5.1.1 unknown user: \"b***\""},
    {"known name alone", "452 4.2.2 BOB.SMITH is over quota, bob.smithson not", "452 4.2.2 b*** is over quota, bob.smithson not"},
    {"known user", "550 anna's mailbox, Joanna", "550 a***'s mailbox, Joanna"},
    {"codes", "550-5.1.1 one\r\n550 5.1.1 two <bob.smith@example.net>", "550-5.1.1 one\r\n550 5.1.1 two <b***@example.net>"},
    {"path", "550 5.1.1 <@a.test,@b.test:dora@c.test>: x", "550 5.1.1 <***@c.test>: x"},
    {"not ASCII", "550 5.1.1 <\xc3\xa9lo\xc3\xafse@a.test>: x", "550 5.1.1 <\xc3\xa9***@a.test>: x"},
    {"not UTF-8", "550 5.1.1 <\xe9loise@a.test>: x", "550 5.1.1 <***@a.test>: x"},
    {"open bracket", "501 5.1.7 <dora@a.test", "501 5.1.7 <d***@a.test"},
    {"empty", "501 5.1.7 <> @ \"@ %40 <", "501 5.1.7 <> @ \"@ %40 <"},
    {"nothing", "", ""},
    {"nothing in it", "503 5.5.1 Error: need MAIL command", "503 5.5.1 Error: need MAIL command"},
};

static struct event event_of(const char *reply)
{
    return (struct event){.sasl_user = "anna@example.com",
                          .sender = "carl@example.org",
                          .recipient = "bob.smith@example.net",
                          .client_addr = "192.0.2.7",
                          .client_name = "mail.test",
                          .helo = "laptop.local",
                          .reply = reply,
                          .reply_len = strlen(reply)};
}

static void test_row(void **state)
{
    const struct row *row = *state;
    const struct privacy p = {PRIVACY_MASK, PRIVACY_MASK, {0}};
    struct buffer store = {0};
    struct event e = event_of(row->reply);
    privacy_apply(&p, &e, &store);
    assert_string_equal(e.reply ? e.reply : "", row->masked);
    assert_int_equal(e.reply_len, strlen(row->masked));
    buffer_free(&store);
}

/* With tokens nothing of a name is left of what the mask shows. */
static void test_tokens_in_row(void **state)
{
    const struct row *row = *state;
    struct privacy p = {PRIVACY_HMAC, PRIVACY_HMAC, {0}};
    struct buffer store = {0};
    struct event e = event_of(row->reply);
    memcpy(p.key, key, sizeof key);
    privacy_apply(&p, &e, &store);
    assert_null(e.reply ? strstr(e.reply, "***") : NULL);
    assert_true((strcmp(row->reply, row->masked) == 0) == (strcmp(e.reply ? e.reply : "", row->reply) == 0));
    static const char *const names[] = {"dora", "carl", "bob.smith@", "anna@", "a.test>"};
    for (size_t i = 0; e.reply && i < ROWS(names) - !!strstr(row->masked, "Relay"); i++)
        if (strcasestr(e.reply, names[i]))
            fail_msg("%s is left: %s", names[i], e.reply);
    buffer_free(&store);
}

static void test_masks(void **state)
{
    static const struct {
        const char *name, *mask;
    } masks[] = {{"anna@example.com", "a***@example.com"},
                 {"ANNA@Example.Com", "a***@example.com"},
                 {"anna", "a***"},
                 {"a@example.com", "***@example.com"},
                 {"a", "***"},
                 {"@example.com", "***@example.com"},
                 {"a@b@example.com", "a***@example.com"},
                 {"\xc3\xa9@a.test", "***@a.test"},
                 {"\xc3\x89lo@a.test", "\xc3\x89***@a.test"},
                 {"\"x y\"@a.test", "***@a.test"},
                 {"EXAMPLE\\anna", "e***"},
                 {"", "***"}};
    struct buffer out = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(masks); i++) {
        buffer_clear(&out);
        privacy_mask(masks[i].name, strlen(masks[i].name), &out);
        assert_string_equal(out.data, masks[i].mask);
    }
    buffer_free(&out);
}

static const char *token(const char *name)
{
    static char out[PRIVACY_TOKEN_SIZE];
    assert_int_equal(privacy_token(key, name, strlen(name), out), 0);
    return out;
}

/* The token is that of HMAC-SHA256, computed by another program, and of nothing but the mailbox. */
static void test_tokens(void **state)
{
    (void)state;
    assert_string_equal(token("anna"), TOKEN_ANNA);
    assert_string_equal(token("anna@example.com"), TOKEN_ANNA_AT);
    assert_string_equal(token("<Anna@EXAMPLE.com>"), TOKEN_ANNA_AT);
    assert_string_not_equal(token("hanna@example.com"), TOKEN_ANNA_AT);
    char one[PRIVACY_TOKEN_SIZE];
    memcpy(one, token("\xc3\x89lo\xc3\xafse@a.test"), sizeof one);
    assert_string_equal(token("\xc3\xa9LO\xc3\xafSE@A.test"), one);
    assert_string_equal(token("e\xcc\x81loi\xcc\x88se@a.test"), one);
    assert_string_not_equal(token("eloise@a.test"), one);
    assert_string_equal(token("<\"Anna\"@example.com>"), TOKEN_ANNA_AT);
    assert_string_equal(token("\"\\a\\nn\\a\"@example.com"), TOKEN_ANNA_AT);
    static const char *const others[] = {"\"anna@example.com", "\"anna\"example.com", "\"anna\"", "\"ann\\\"a\"@example.com",
                                         "\"\\"};
    for (size_t i = 0; i < ROWS(others); i++)
        assert_string_not_equal(token(others[i]), TOKEN_ANNA_AT);
    memcpy(one, token("\xe9@a.test"), sizeof one);
    assert_string_not_equal(token("\xe8@a.test"), one);
}

/* A name that the event knows is found in any case, in a script of any kind, and in no longer word. */
static void test_known(void **state)
{
    static const struct {
        const char *name, *reply, *masked;
    } known[] = {
        {"\xc3\xa4nn\xc3\xa4", "452 4.2.2 \xc3\x84NN\xc3\x84, \xc3\xa4nN\xc3\x84, \xc3\x84NN\xc3\x84S",
         "452 4.2.2 \xc3\xa4***, \xc3\xa4***, \xc3\x84NN\xc3\x84S"},
        {"\xcf\x83\xce\xbf\xcf\x86\xcf\x8c\xcf\x82@a.test", "452 4.2.2 \xce\xa3\xce\x9f\xce\xa6\xce\x8c\xce\xa3",
         "452 4.2.2 \xcf\x83***"},
        {"\"anna\"@a.test", "452 4.2.2 Anna is over quota", "452 4.2.2 a*** is over quota"},
        {"ann\xe9@a.test", "452 4.2.2 ANN\xe9 ANN\xc9 ann\xc3\xa9", "452 4.2.2 a*** ANN\xc9 ann\xc3\xa9"},
    };
    struct privacy p = {PRIVACY_MASK, PRIVACY_MASK, {0}};
    struct buffer store = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(known); i++) {
        struct event e = {.sasl_user = known[i].name, .reply = known[i].reply, .reply_len = strlen(known[i].reply)};
        privacy_apply(&p, &e, &store);
        assert_string_equal(e.reply, known[i].masked);
    }
    buffer_free(&store);
}

/* A long name is one, too. */
static void test_long(void **state)
{
    char name[5000], other[PRIVACY_TOKEN_SIZE];
    (void)state;
    memset(name, 'A', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memcpy(other, token(name), sizeof other);
    memset(name, 'a', sizeof name - 1);
    assert_string_equal(token(name), other);
    name[300] = 'b';
    assert_string_not_equal(token(name), other);
}

static const char *or_none(const char *s)
{
    return s ? s : "(none)";
}

/* Which names are seen how, by the two keys; an address that is a user's name, too, is seen the stricter way. */
static void test_fields(void **state)
{
    static const struct {
        enum privacy_how user, address;
        const char *sasl_user, *out_user, *out_sender, *out_helo, *out_reply;
    } kinds[] = {
        {PRIVACY_PLAIN, PRIVACY_PLAIN, "Anna", "Anna", "Anna@a.test", "anna.pc", "550 <Anna@a.test>, anna: no"},
        {PRIVACY_MASK, PRIVACY_PLAIN, "Anna", "a***", "Anna@a.test", "a***.pc", "550 <Anna@a.test>, a***: no"},
        {PRIVACY_PLAIN, PRIVACY_MASK, "Anna", "Anna", "a***@a.test", "a***.pc", "550 <a***@a.test>, a***: no"},
        {PRIVACY_HMAC, PRIVACY_MASK, "Anna", TOKEN_ANNA, "a***@a.test", TOKEN_ANNA ".pc",
         "550 <a***@a.test>, " TOKEN_ANNA ": no"},
        {PRIVACY_PLAIN, PRIVACY_MASK, "Anna@a.test", "a***@a.test", "a***@a.test", "a***.pc", "550 <a***@a.test>, a***: no"},
        {PRIVACY_MASK, PRIVACY_PLAIN, "Anna@a.test", "a***@a.test", "Anna@a.test", "a***.pc", "550 <a***@a.test>, a***: no"},
        {PRIVACY_MASK, PRIVACY_MASK, NULL, "(none)", "a***@a.test", "a***.pc", "550 <a***@a.test>, a***: no"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(kinds); i++) {
        struct privacy p = {kinds[i].user, kinds[i].address, {0}};
        struct buffer store = {0};
        static const char reply[] = "550 <Anna@a.test>, anna: no";
        struct event e = {.code = 550,
                          .host = "mx.test",
                          .client_addr = "192.0.2.7",
                          .sasl_user = kinds[i].sasl_user,
                          .sender = "Anna@a.test",
                          .recipient = "<>",
                          .helo = "anna.pc",
                          .client_name = "anna@",
                          .reply = reply,
                          .reply_len = sizeof reply - 1};
        memcpy(p.key, key, sizeof key);
        privacy_apply(&p, &e, &store);
        assert_string_equal(or_none(e.sasl_user), kinds[i].out_user);
        assert_string_equal(or_none(e.sender), kinds[i].out_sender);
        assert_string_equal(or_none(e.recipient), "<>");
        assert_string_equal(or_none(e.helo), kinds[i].out_helo);
        assert_string_equal(or_none(e.reply), kinds[i].out_reply);
        assert_string_equal(e.host, "mx.test");
        assert_string_equal(e.client_addr, "192.0.2.7");
        buffer_free(&store);
    }
}

/* NUL octets and what is long are no end of it; a reply made to be slow is not. */
static void test_hostile(void **state)
{
    enum { SIZE = 100000 };
    static const char *const fills[] = {"<", "\"", "a.", "a%", "%40", "a@", "<a", "@", "=", "user=", "anna", "a\n", "\"@"};
    const struct privacy p = {PRIVACY_MASK, PRIVACY_MASK, {0}};
    struct buffer store = {0};
    char *reply = malloc(SIZE);
    (void)state;
    assert_non_null(reply);
    for (size_t i = 0; i < ROWS(fills); i++) {
        for (size_t at = 0; at < SIZE; at++)
            reply[at] = fills[i][at % strlen(fills[i])];
        struct event e = event_of("");
        e.reply = reply;
        e.reply_len = SIZE;
        clock_t began = clock();
        privacy_apply(&p, &e, &store);
        if (clock() - began > CLOCKS_PER_SEC)
            fail_msg("slow: %s", fills[i]);
    }
    free(reply);
    struct event e = event_of("");
    static const char nul[] = "550 a\0dora@a.test";
    e.reply = nul;
    e.reply_len = sizeof nul - 1;
    privacy_apply(&p, &e, &store);
    assert_int_equal(e.reply_len, sizeof "550 a\0d***@a.test" - 1);
    assert_memory_equal(e.reply, "550 a\0d***@a.test", e.reply_len);
    buffer_free(&store);
}

static void test_keys(void **state)
{
    char text[2 * PRIVACY_KEY_SIZE + 1], other[sizeof text];
    unsigned char read[PRIVACY_KEY_SIZE];
    (void)state;
    assert_int_equal(privacy_key_make(text), 0);
    assert_int_equal(privacy_key_make(other), 0);
    assert_string_not_equal(text, other);
    assert_int_equal(privacy_key_parse(text, strlen(text), read), 0);
    static const char digits[] = " 000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\r\n";
    assert_int_equal(privacy_key_parse(digits, sizeof digits - 1, read), 0);
    for (size_t i = 0; i < sizeof read; i++)
        assert_int_equal(read[i], i);
    assert_int_equal(privacy_key_parse(digits, 40, read), -1);
    assert_int_equal(privacy_key_parse("", 0, read), -1);
    for (const char *no_digit = "gG\x11@:"; *no_digit; no_digit++) {
        text[7] = *no_digit;
        assert_int_equal(privacy_key_parse(text, strlen(text), read), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masks),  cmocka_unit_test(test_tokens),  cmocka_unit_test(test_known), cmocka_unit_test(test_long),
        cmocka_unit_test(test_fields), cmocka_unit_test(test_hostile), cmocka_unit_test(test_keys)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    failed += ROWS_RUN(rows, test_row);
    return failed + ROWS_RUN(rows, test_tokens_in_row);
}
