/* The reply within a line of a log, as Postfix, Sendmail and Exim write them: what is found, who was refused, and where there is nothing. */
#include "rows.h"

#include <mailwhy/reply_find.h>

#define SMTPD "Nov 20 22:26:00 mx postfix/smtpd[811]: NOQUEUE: "
#define TAIL "; from=<b@x.test> to=<a@there.test> proto=ESMTP helo=<c.test>"
#define RELAY "554 5.7.1 <a@there.test>: Relay access denied"
#define OUT "Nov 20 22:26:00 mx postfix/smtp[901]: 4XyZ12: to=<joe@there.test>, relay=mx.there.test[198.51.100.3]:25, delay=1.2, "
#define SENDMAIL "Nov 20 22:26:00 mx sendmail[811]: 2AKMQ0aa000811: "
#define SENT SENDMAIL "to=<joe@there.test>, delay=00:00:01, mailer=esmtp, relay=mx.there.test. [198.51.100.3], "
#define EXIM "2026-11-20 22:26:00 "

static struct line {
    const char *name, *line;
    const char *reply, *client; /* NULL: none */
} lines[] = {
    {"Postfix: RCPT", SMTPD "reject: RCPT from unknown[192.0.2.7]: " RELAY TAIL, RELAY, "192.0.2.7"},
    {"Postfix: IPv6", SMTPD "reject: RCPT from x.test[2001:db8::7]: " RELAY TAIL, RELAY, "2001:db8::7"},
    {"Postfix: postscreen",
     SMTPD "reject: RCPT from [192.0.2.7]:53021: 550 5.7.1 Service unavailable; client [192.0.2.7] blocked; from=<b@x.test>",
     "550 5.7.1 Service unavailable; client [192.0.2.7] blocked", "192.0.2.7"},
    {"Postfix: CONNECT", SMTPD "reject: CONNECT from unknown[192.0.2.7]: 554 5.7.1 Access denied; proto=SMTP",
     "554 5.7.1 Access denied", "192.0.2.7"},
    {"Postfix: EHLO", SMTPD "reject: EHLO from unknown[192.0.2.7]: 504 5.5.2 <x>: Helo command rejected; proto=SMTP helo=<x>",
     "504 5.5.2 <x>: Helo command rejected", "192.0.2.7"},
    {"Postfix: VRFY", SMTPD "reject: VRFY from unknown[192.0.2.7]: 550 5.1.1 <joe>: User unknown; to=<joe> proto=SMTP helo=<x>",
     "550 5.1.1 <joe>: User unknown", "192.0.2.7"},
    {"Postfix: a warning of a refusal", SMTPD "reject_warning: RCPT from unknown[192.0.2.7]: " RELAY TAIL, RELAY, "192.0.2.7"},
    {"Postfix: a milter", SMTPD "milter-reject: END-OF-MESSAGE from x[192.0.2.7]: 5.7.1 Spam message rejected" TAIL,
     "5.7.1 Spam message rejected", "192.0.2.7"},
    {"Postfix: a milter's lines",
     SMTPD "milter-reject: RCPT from x[192.0.2.7]: 554-5.7.1 Spam??554-5.7.1 What?? is this??554 5.7.1 Ref: x" TAIL,
     "554-5.7.1 Spam\n554-5.7.1 What?? is this\n554 5.7.1 Ref: x", "192.0.2.7"},
    {"Postfix: a milter's lines, from cleanup",
     SMTPD "milter-reject: END-OF-MESSAGE from x[192.0.2.7]: 5.7.1 Spam??554 5.7.1 Ref: x" TAIL,
     "554-5.7.1 Spam\n554 5.7.1 Ref: x", "192.0.2.7"},
    {"Postfix: two question marks", SMTPD "milter-reject: RCPT from x[192.0.2.7]: 5.7.1 What??553 5.7.1, no" TAIL,
     "553-5.7.1 What\n553 5.7.1, no", "192.0.2.7"},
    {"Postfix: a header", SMTPD "reject: header Subject: x from unknown[192.0.2.7]" TAIL ": 5.7.1 content rejected",
     "5.7.1 content rejected", "192.0.2.7"},
    {"Postfix: a header that looks like a client",
     SMTPD "reject: header Subject: hi from me[10.9.8.7] from unknown[192.0.2.7]" TAIL ": 5.7.1 content rejected",
     "5.7.1 content rejected", "192.0.2.7"},
    {"Postfix: a header with a reply in it",
     SMTPD "reject: header Subject: x from y[10.9.8.7]: 550 5.1.1 forged from unknown[192.0.2.7]" TAIL ": 5.7.1 content rejected",
     "5.7.1 content rejected", "192.0.2.7"},
    {"Postfix: SASL",
     "postfix/smtpd[811]: warning: x[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=joe",
     "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "192.0.2.7"},
    {"Postfix: SASL without a user", "postfix/smtpd[811]: warning: x[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
     "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", "192.0.2.7"},
    {"Postfix: bounced",
     OUT "dsn=5.1.1, status=bounced (host x[198.51.100.3] said: 550 5.1.1 User unknown (in reply to RCPT TO command))",
     "550 5.1.1 User unknown", NULL},
    {"Postfix: several lines in one",
     OUT "dsn=5.7.1, status=bounced (host x[198.51.100.3] said: 550-5.7.1 one 550-5.7.1 two 550 5.7.1 three (in reply "
         "to end of DATA command))",
     "550-5.7.1 one\n550-5.7.1 two\n550 5.7.1 three", NULL},
    {"Postfix: another code in a line",
     OUT "dsn=5.7.1, status=bounced (host x[198.51.100.3] said: 550 5.7.1 one 550 two (in reply to RCPT TO command))",
     "550 5.7.1 one 550 two", NULL},
    {"Postfix: refused at once", OUT "dsn=4.3.2, status=deferred (host x[198.51.100.3] refused to talk to me: 421 4.3.2 Busy)",
     "421 4.3.2 Busy", NULL},
    {"Postfix: no reply", OUT "dsn=4.4.1, status=deferred (connect to x[198.51.100.3]:25: Connection timed out)",
     "4.4.1 connect to x[198.51.100.3]:25: Connection timed out", NULL},
    {"Postfix: sent", OUT "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABC)", NULL, NULL},
    {"Postfix: deliverable", OUT "dsn=2.1.5, status=deliverable (250 2.1.5 Ok)", NULL, NULL},
    {"Postfix: connected", "postfix/smtpd[811]: connect from unknown[192.0.2.7]", NULL, NULL},
    {"Postfix: a size", "postfix/qmgr[811]: 4XyZ12: from=<b@x.test>, size=450, nrcpt=1 (queue active)", NULL, NULL},
    {"Dovecot: counters", "dovecot: imap(joe)<811><abc>: Disconnected: Logged out in=450 out=1023 deleted=0", NULL, NULL},
    {"Sendmail: a ruleset",
     SENDMAIL "ruleset=check_rcpt, arg1=<a@there.test>, relay=x.test [192.0.2.7], reject=550 5.7.1 <a>... Relaying denied",
     "550 5.7.1 <a>... Relaying denied", "192.0.2.7"},
    {"Sendmail: an address that imitates the line",
     SENDMAIL
     "ruleset=check_rcpt, arg1=<\"x>, relay=v [203.0.113.5], reject=535 q\"@b.test>, relay=x.test [192.0.2.7], reject=550 "
     "5.7.1 <\"x>, relay=v [203.0.113.5], reject=535 q\"@b.test>... No",
     "550 5.7.1 <\"x>, relay=v [203.0.113.5], reject=535 q\"@b.test>... No", "192.0.2.7"},
    {"Sendmail: one with brackets",
     SENDMAIL
     "ruleset=check_rcpt, arg1=<x, arg1=<a@b>, relay=v [203.0.113.5], reject=535 q>, relay=x.test [192.0.2.7], reject=550 no",
     "550 no", "192.0.2.7"},
    {"Sendmail: one that does not end", SENDMAIL "ruleset=check_rcpt, arg1=<\"x, relay=v [203.0.113.5], reject=535 q", NULL,
     NULL},
    {"Sendmail: one that ends with a backslash", SENDMAIL "ruleset=check_rcpt, arg1=<\\", NULL, NULL},
    {"Sendmail: a command that imitates the line",
     SENDMAIL
     "ruleset=check_vrfy, arg1=x, relay=v [203.0.113.5], reject=535 q, relay=[192.0.2.7], reject=550 5.7.0 We do not tell",
     "550 5.7.0 We do not tell", "192.0.2.7"},
    {"Sendmail: a milter, and a recipient that imitates it",
     SENDMAIL "Milter: to=<\"x, relay=v [203.0.113.5], reject=535 q\"@b.test>, reject=550 5.7.1 Spam", "550 5.7.1 Spam", NULL},
    {"Sendmail: IPv6", SENDMAIL "ruleset=check_relay, arg1=x, relay=[IPv6:2001:db8::7], reject=550 5.7.1 Access denied",
     "550 5.7.1 Access denied", "2001:db8::7"},
    {"Sendmail: a milter", SENDMAIL "Milter: data, reject=550 5.7.1 Spam", "550 5.7.1 Spam", NULL},
    {"Sendmail: AUTH",
     SENDMAIL "AUTH failure (LOGIN): authentication failure (-13) SASL(-13): checkpass failed, relay=x [192.0.2.7]",
     "535 5.7.0 authentication failed: authentication failure (-13) SASL(-13): checkpass failed", "192.0.2.7"},
    {"Sendmail: stat", SENT "dsn=5.1.1, stat=User unknown", "5.1.1 User unknown", NULL},
    {"Sendmail: deferred", SENT "dsn=4.2.0, stat=Deferred: 450 4.2.0 Greylisted", "450 4.2.0 Greylisted", NULL},
    {"Sendmail: reply", SENT "dsn=5.7.1, reply=550 5.7.1 Relaying denied, stat=Service unavailable", "550 5.7.1 Relaying denied",
     NULL},
    {"Sendmail: sent", SENT "dsn=2.0.0, stat=Sent (Ok: queued)", NULL, NULL},
    {"Sendmail: queued", SENT "dsn=2.0.0, stat=queued", NULL, NULL},
    {"Exim: RCPT", EXIM "H=(c.test) [192.0.2.7] F=<b@x.test> rejected RCPT <a@there.test>: relay not permitted",
     "relay not permitted", "192.0.2.7"},
    {"Exim: an address as HELO name",
     EXIM "H=([10.9.8.7]) [192.0.2.7] F=<b@x.test> rejected RCPT <a@there.test>: relay not permitted", "relay not permitted",
     "192.0.2.7"},
    {"Exim: for now",
     EXIM "H=x [192.0.2.7]:4711 I=[198.51.100.1]:25 F=<b@x.test> temporarily rejected RCPT <a@there.test>: Greylisted",
     "Greylisted", "192.0.2.7"},
    {"Exim: AUTH", EXIM "login authenticator failed for (c.test) [192.0.2.7]: 535 Incorrect authentication data",
     "535 Incorrect authentication data", NULL},
    {"Exim: bounced",
     EXIM
     "1uAbCd-0001xY-Zz ** joe@there.test R=dnslookup T=remote_smtp H=x [198.51.100.3]: SMTP error from remote mail server after "
     "RCPT TO:<joe@there.test>: 550 5.1.1 User unknown",
     "550 5.1.1 User unknown", NULL},
    {"Exim: delivered", EXIM "1uAbCd-0001xY-Zz => joe@there.test R=dnslookup T=remote_smtp H=x [198.51.100.3] C=\"250 2.0.0 Ok\"",
     NULL, NULL},
    {"the reply itself", RELAY, RELAY, NULL},
    {"with a line end and blanks", " \t" RELAY " \r\n", RELAY, NULL},
    {"a session's transcript", "<<< 550 5.1.1 User unknown", "550 5.1.1 User unknown", NULL},
    {"qmail", "Remote host said: 550 5.1.1 User unknown", "550 5.1.1 User unknown", NULL},
    {"a reply that asks", "334 UGFzc3dvcmQ6", NULL, NULL},
    {"nothing", "", NULL, NULL},
    {"blanks", "   ", NULL, NULL},
    {"words", "the meeting is at 550 Main Street", NULL, NULL},
    {"a code alone", "550", NULL, NULL},
    {"a word that ends there: reject", SMTPD "reject: ", NULL, NULL},
    {"a word that ends there: from", SMTPD "reject: RCPT from ", NULL, NULL},
    {"a word that ends there: [", SMTPD "reject: RCPT from x[", NULL, NULL},
    {"a word that ends there: ]", SMTPD "reject: RCPT from x[192.0.2.7]", NULL, NULL},
    {"a word that ends there: ;", SMTPD "reject: header x from x[192.0.2.7];", NULL, NULL},
    {"a word that ends there: status", OUT "status=bounced (", NULL, NULL},
    {"a word that ends there: stat", SENT "stat=", NULL, NULL},
    {"a word that ends there: AUTH", SENDMAIL "AUTH failure (", NULL, NULL},
    {"a word that ends there: rejected", EXIM "H=x [192.0.2.7] rejected ", NULL, NULL},
};

static void test_line(void **state)
{
    const struct line *row = *state;
    struct reply_found found = {0};
    size_t len = strlen(row->line);
    char *line = malloc(len ? len : 1); /* without a NUL behind it */
    assert_non_null(line);
    memcpy(line, row->line, len);
    int got = reply_find(&found, line, len);
    assert_string_equal(buffer_string(&found.reply), row->reply ? row->reply : "");
    assert_int_equal(got, row->reply != NULL);
    if (row->client) {
        assert_non_null(found.client);
        assert_int_equal(found.client_len, strlen(row->client));
        assert_memory_equal(found.client, row->client, found.client_len);
    } else if (row->reply) {
        assert_null(found.client);
    }
    reply_found_free(&found);
    free(line);
}

/* What one line left is gone with the next: one finder's answer is not another's. */
static void test_again(void **state)
{
    struct reply_found found = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reply_find(&found, lines[0].line, strlen(lines[0].line)), 1);
        assert_string_equal(found.reply.data, RELAY);
        assert_int_equal(reply_find(&found, "550 5.1.1 x", strlen("550 5.1.1 x")), 1);
        assert_string_equal(found.reply.data, "550 5.1.1 x");
        assert_null(found.client);
        assert_int_equal(reply_find(&found, "hello", strlen("hello")), 0);
        assert_int_equal(found.reply.len, 0);
        assert_null(found.client);
    }
    reply_found_free(&found);
    reply_found_free(&found);
}

/* Each line cut at each octet, and with each octet replaced: nothing is read behind the end. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        size_t len = strlen(lines[i].line);
        for (size_t end = 0; end <= len; end++) {
            struct reply_found found = {0};
            char *line = malloc(end ? end : 1);
            assert_non_null(line);
            memcpy(line, lines[i].line, end);
            assert_in_range(reply_find(&found, line, end), 0, 1);
            if (end)
                line[end - 1] = '\0';
            assert_in_range(reply_find(&found, line, end), 0, 1);
            if (found.client)
                assert_true(found.client >= line && found.client + found.client_len <= line + end);
            reply_found_free(&found);
            free(line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_again), cmocka_unit_test(test_cut)};
    int failed = ROWS_RUN(lines, test_line);
    failed += cmocka_run_group_tests_name("reply_find", tests, NULL, NULL);
    return failed != 0;
}
