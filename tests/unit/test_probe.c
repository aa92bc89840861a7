/* Whom a probe may speak to, and what it must not show. */
#include "rows.h"

#include <arpa/inet.h>

#include "../../milter/cli/number.c"
#include "../../milter/cli/probe_auth.c"
#include "../../milter/cli/probe_target.c"

static struct target_row {
    const char *name, *operand, *host; /* host NULL: it is no server */
    long port;
} targets[] = {
    {"a name", "mx.example.com", "mx.example.com", 25},
    {"a name and a port", "mx.example.com:587", "mx.example.com", 587},
    {"IPv4", "192.0.2.1", "192.0.2.1", 25},
    {"IPv4 and a port", "192.0.2.1:465", "192.0.2.1", 465},
    {"IPv6", "2001:db8::1", "2001:db8::1", 25},
    {"IPv6 in brackets", "[2001:db8::1]", "2001:db8::1", 25},
    {"IPv6 and a port", "[2001:db8::1]:587", "2001:db8::1", 587},
    {"the shortest IPv6", "::", "::", 25},
    {"the last port", "a:65535", "a", 65535},
    {"nothing", "", NULL, 0},
    {"no host", ":25", NULL, 0},
    {"no port", "a:", NULL, 0},
    {"port 0", "a:0", NULL, 0},
    {"a port too large", "a:65536", NULL, 0},
    {"a port with a sign", "a:+25", NULL, 0},
    {"a port and more", "a:25 ", NULL, 0},
    {"an open bracket", "[::1", NULL, 0},
    {"empty brackets", "[]", NULL, 0},
    {"text behind a bracket", "[::1]x", NULL, 0},
};

static void test_target(void **state)
{
    const struct target_row *row = *state;
    struct probe_target t;
    assert_int_equal(probe_target_parse(&t, row->operand), row->host ? 0 : -1);
    if (row->host) {
        assert_string_equal(t.host, row->host);
        assert_int_equal(t.port, row->port);
    }
}

static void test_long_host(void **state)
{
    (void)state;
    struct probe_target t;
    char host[PROBE_HOST_MAX + 2];
    memset(host, 'a', sizeof host);
    host[PROBE_HOST_MAX + 1] = '\0';
    assert_int_equal(probe_target_parse(&t, host), -1);
    host[PROBE_HOST_MAX] = '\0';
    assert_int_equal(probe_target_parse(&t, host), 0);
    assert_string_equal(t.host, host);
}

static struct address_row {
    const char *name; /* the address */
    bool private;
} addresses[] = {
    {"127.0.0.1", true},
    {"127.255.255.255", true},
    {"128.0.0.0", false},
    {"126.255.255.255", false},
    {"10.0.0.0", true},
    {"10.255.255.255", true},
    {"11.0.0.0", false},
    {"172.15.255.255", false},
    {"172.16.0.0", true},
    {"172.31.255.255", true},
    {"172.32.0.0", false},
    {"192.167.255.255", false},
    {"192.168.0.0", true},
    {"192.168.255.255", true},
    {"192.169.0.0", false},
    {"169.253.255.255", false},
    {"169.254.169.254", true},
    {"169.255.0.0", false},
    {"0.0.0.0", false},
    {"100.64.0.1", false},
    {"192.0.2.1", false},
    {"203.0.113.1", false},
    {"255.255.255.255", false},
    {"::1", true},
    {"::", false},
    {"::2", false},
    {"fc00::", true},
    {"fdff:ffff::1", true},
    {"fbff::1", false},
    {"fe00::1", false},
    {"fe80::1", true},
    {"febf::1", true},
    {"fec0::1", false},
    {"2001:db8::1", false},
    {"64:ff9b::a00:1", false},
    {"::ffff:10.1.2.3", true},
    {"::ffff:192.0.2.1", false},
    {"::10.1.2.3", false},
};

static void test_address(void **state)
{
    const struct address_row *row = *state;
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (strchr(row->name, ':')) {
        assert_int_equal(inet_pton(AF_INET6, row->name, &six.sin6_addr), 1);
        assert_int_equal(probe_address_is_private((const struct sockaddr *)&six), row->private);
    } else {
        assert_int_equal(inet_pton(AF_INET, row->name, &four.sin_addr), 1);
        assert_int_equal(probe_address_is_private((const struct sockaddr *)&four), row->private);
    }
}

static void test_one_public(void **state)
{
    (void)state;
    struct sockaddr_in ours = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)},
                       other = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    struct addrinfo second = {.ai_addr = (struct sockaddr *)&other},
                    first = {.ai_addr = (struct sockaddr *)&ours, .ai_next = &second};
    struct probe_target t = {.addresses = &first};
    assert_ptr_equal(probe_target_public(&t), &second);
    first.ai_next = NULL;
    assert_null(probe_target_public(&t));
}

static struct offer_row {
    const char *name, *ehlo, *mechanism;
    bool starttls;
} offers[] = {
    {"nothing", "250 mx.test\r\n", NULL, false},
    {"in the greeting", "250 STARTTLS\r\n", NULL, false},
    {"both", "250-mx.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n", "PLAIN", true},
    {"the other order", "250-mx.test\r\n250 auth LOGIN plain\r\n", "PLAIN", false},
    {"LOGIN alone", "250-mx.test\r\n250-AUTH CRAM-MD5 LOGIN\r\n250 starttls\r\n", "LOGIN", true},
    {"others", "250-mx.test\r\n250 AUTH PLAIN-X XPLAIN LOGINS\r\n", NULL, false},
    {"no mechanism", "250-mx.test\r\n250 AUTH\r\n", NULL, false},
    {"an old form", "250-mx.test\r\n250 AUTH=PLAIN\r\n", NULL, false},
    {"longer words", "250-mx.test\r\n250-STARTTLSX\r\n250 AUTHS PLAIN\r\n", NULL, false},
};

static void test_offers(void **state)
{
    const struct offer_row *row = *state;
    struct reply ehlo;
    assert_int_equal(reply_parse(&ehlo, row->ehlo, strlen(row->ehlo)), 0);
    const char *found = probe_auth_mechanism(&ehlo);
    assert_int_equal(probe_offers(&ehlo, "STARTTLS", NULL), row->starttls);
    if (row->mechanism)
        assert_string_equal(found, row->mechanism);
    else
        assert_null(found);
    reply_free(&ehlo);
}

static void test_made_up(void **state)
{
    const char *mechanism = *state;
    struct probe_auth a, b;
    struct buffer text = {0};
    assert_int_equal(probe_auth_make(&a, mechanism), 0);
    assert_int_equal(probe_auth_make(&b, mechanism), 0);
    assert_string_not_equal(a.user, b.user);
    assert_string_not_equal(a.password, b.password);
    assert_non_null(strstr(a.user, "@example.invalid"));
    for (size_t i = 0; i < PROBE_AUTH_LINES; i++)
        assert_true(strlen(a.lines[i]) < sizeof a.lines[i]);
    buffer_printf(&text, "535 %s", a.user);
    buffer_add_char(&text, '\0');
    buffer_printf(&text, "%s%s", a.password, a.password);
    for (size_t i = 0; i < PROBE_AUTH_LINES; i++)
        buffer_printf(&text, " %s", a.lines[i]);
    size_t len = text.len;
    probe_auth_blot(&a, &text);
    assert_int_equal(text.len, len);
    assert_null(memmem(text.data, text.len, a.user, strlen(a.user)));
    assert_null(memmem(text.data, text.len, a.password, strlen(a.password)));
    assert_null(memmem(text.data, text.len, a.lines[1], strlen(a.lines[1]) ? strlen(a.lines[1]) : text.len + 1));
    assert_null(memmem(text.data, text.len, a.lines[0] + 11, strlen(a.lines[0]) > 11 ? strlen(a.lines[0]) - 11 : text.len + 1));
    assert_non_null(memmem(text.data, text.len, "535 mailwhy-probe-****", 22));
    buffer_free(&text);
}

int main(void)
{
    static char plain[] = "PLAIN", login[] = "LOGIN";
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(test_long_host),
        cmocka_unit_test(test_one_public),
        {"made up for PLAIN", test_made_up, NULL, NULL, plain},
        {"made up for LOGIN", test_made_up, NULL, NULL, login},
    };
    int failed = ROWS_RUN(targets, test_target);
    failed += ROWS_RUN(addresses, test_address);
    failed += ROWS_RUN(offers, test_offers);
    failed += cmocka_run_group_tests_name("probe", alone, NULL, NULL);
    return failed != 0;
}
