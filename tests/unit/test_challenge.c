#include "unit.h"

#include <mailwhy/challenge.h>

static void test_find(void **state)
{
    static const struct {
        const char *name, *reply;
        enum challenge_step step;
        const char *mechanism, *text;
    } rows[] = {
        {"Password:", "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", CHALLENGE_PASSWORD, "LOGIN", "Password:"},
        {"Username:", "535 5.7.8 Error: authentication failed: VXNlcm5hbWU6", CHALLENGE_USERNAME, "LOGIN", "Username:"},
        {"User Name and NUL", "535 5.7.8 Error: authentication failed: VXNlciBOYW1lAA==", CHALLENGE_USERNAME, "LOGIN",
         "User Name"},
        {"CRAM-MD5", "535 5.7.8 Error: authentication failed: PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UuZXhhbXBsZS5uZXQ+",
         CHALLENGE_OTHER, "CRAM-MD5", "<1896.697170952@postoffice.example.net>"},
        {"SCRAM", "535 5.7.8 Error: authentication failed: cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wsaT00MDk2", CHALLENGE_OTHER,
         "SCRAM", "r=fyko+d2lbbFgONRv9qkxdawL,i=4096"},
        {"after a multi-line reply", "535-5.7.8 Error: authentication failed:\r\n535 5.7.8 UGFzc3dvcmQ6", CHALLENGE_PASSWORD,
         "LOGIN", "Password:"},
        {"broken off at a step that is not named",
         "535 5.7.8 Error: authentication failed: another step is needed in authentication", CHALLENGE_OTHER, NULL, ""},
        {"a word that could be base64", "535 5.7.8 Error: authentication failed: disabled", CHALLENGE_NONE, NULL, ""},
        {"words", "535 5.7.8 Error: authentication failed: authentication failure", CHALLENGE_NONE, NULL, ""},
        {"nothing", "535 5.7.8", CHALLENGE_NONE, NULL, ""},
        {"the whole text is base64", "535 UGFzc3dvcmQ6", CHALLENGE_PASSWORD, "LOGIN", "Password:"},
        {"the challenge itself", "334 UGFzc3dvcmQ6", CHALLENGE_PASSWORD, "LOGIN", "Password:"},
        {"padding within", "535 5.7.8 failed: UGFz=3dvcmQ6", CHALLENGE_NONE, NULL, ""},
        {"another code", "550 5.7.1 failed: UGFzc3dvcmQ6", CHALLENGE_NONE, NULL, ""},
        {"controls in the decoded text", "535 5.7.8 failed: AQIDBAUGBwgJ", CHALLENGE_NONE, NULL, ""},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct reply r;
        struct challenge c;
        print_message("%s\n", rows[i].name);
        assert_int_equal(reply_parse(&r, rows[i].reply, strlen(rows[i].reply)), 0);
        challenge_find(&c, &r);
        assert_int_equal(c.step, rows[i].step);
        assert_string_equal(c.text, rows[i].text);
        if (rows[i].mechanism)
            assert_string_equal(c.mechanism, rows[i].mechanism);
        else
            assert_null(c.mechanism);
        reply_free(&r);
    }
}

static void test_long_base64(void **state)
{
    char text[1200] = "535 5.7.8 Error: authentication failed: ";
    struct reply r;
    struct challenge c;
    (void)state;
    for (int i = 0; i < 250; i++)
        strcat(text, "QUFB");
    assert_int_equal(reply_parse(&r, text, strlen(text)), 0);
    challenge_find(&c, &r);
    assert_int_equal(c.step, CHALLENGE_NONE);
    reply_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_long_base64)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
