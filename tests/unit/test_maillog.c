/* The mail logs of Postfix and Sendmail as events: each kind of line, and lines that are cut, damaged or not theirs. */
#include "maillog_line.h"
#include "rows.h"

#define STAMP "Nov 20 22:26:00 mx "
#define SMTPD STAMP "postfix/smtpd[811]: "
#define REJECT SMTPD "NOQUEUE: reject: "
#define TAIL "; from=<b@x.test> to=<a@there.test> proto=ESMTP helo=<c.test>"
#define RELAY "554 5.7.1 <a@there.test>: Relay access denied"
#define OUT                                                                                                                      \
    STAMP "postfix/smtp[811]: 4XyZ12: to=<joe@there.test>, relay=mx.there.test[198.51.100.3]:25, delay=1.2, delays=1/0/0/0, "
#define QUEUED "4XyZ12: from=<b@x.test>, size=450, nrcpt=1 (queue active)"
#define SENDMAIL STAMP "sendmail[811]: "
#define ID "2AKMQ0aa000811: "
#define SENT SENDMAIL ID "to=<joe@there.test>, delay=00:00:01, mailer=esmtp, pri=1, relay=mx.there.test. [198.51.100.3], "

#define LOGIN "AUTH failure (LOGIN): authentication failure (-13) SASL(-13): checkpass failed, user="
#define FORGED LOGIN "joe, relay=v [203.0.113.5]"
#define SASL SMTPD "warning: c.test[192.0.2.7]: SASL LOGIN authentication failed: (reason unavailable), sasl_username="

/* What all events below begin with: time, host, mta and process. */
#define POSTFIX "ts=2026-11-20T22:26:00.000000Z host=mx mta=Postfix pid=811 "
#define THEIRS "ts=2026-11-20T22:26:00.000000Z host=mx mta=Sendmail pid=811 "
#define AUTH_EVENT THEIRS "stage=auth code=535 enhanced=5.7.0 client_addr=192.0.2.7 sasl_method=LOGIN "
#define AUTH_REPLY "reply=\"535 5.7.0 authentication failed: authentication failure (-13) SASL(-13): checkpass failed, user="
#define SASL_EVENT POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 client_name=c.test sasl_method=LOGIN "
#define RELAYED POSTFIX "stage=rcpt code=554 enhanced=5.7.1 "
#define WHO "helo=c.test sender=b@x.test recipient=a@there.test "
#define RELAY_REPLY "reply=\"554 5.7.1 <a@there.test>: Relay access denied\""

static struct line {
    const char *name, *line;
    int kind;
    const char *event; /* as event_to_line() has it; NULL: not looked at */
} lines[] = {
    {"RCPT", REJECT "RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_REFUSED,
     RELAYED "client_addr=192.0.2.7 client_name=c.test " WHO RELAY_REPLY},
    {"RCPT: a client without a name", REJECT "RCPT from unknown[192.0.2.7]: " RELAY TAIL, MAILLOG_REFUSED,
     RELAYED "client_addr=192.0.2.7 " WHO RELAY_REPLY},
    {"RCPT: IPv6", REJECT "RCPT from x.test[2001:db8::7]: " RELAY TAIL, MAILLOG_REFUSED,
     RELAYED "client_addr=2001:db8::7 client_name=x.test " WHO RELAY_REPLY},
    {"RCPT: of a message that has a queue file", SMTPD "4XyZ12aBcD: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL,
     MAILLOG_REFUSED, RELAYED "client_addr=192.0.2.7 client_name=c.test " WHO "queue_id=4XyZ12aBcD " RELAY_REPLY},
    {"RCPT: the null sender",
     REJECT "RCPT from c.test[192.0.2.7]: " RELAY "; from=<> to=<a@there.test> proto=ESMTP helo=<c.test>", MAILLOG_REFUSED,
     RELAYED "client_addr=192.0.2.7 client_name=c.test helo=c.test recipient=a@there.test " RELAY_REPLY},
    {"RCPT: for now", REJECT "RCPT from c.test[192.0.2.7]: 450 4.2.0 <a@there.test>: Recipient address rejected: Greylisted" TAIL,
     MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=450 enhanced=4.2.0 client_addr=192.0.2.7 client_name=c.test " WHO
             "reply=\"450 4.2.0 <a@there.test>: Recipient address rejected: Greylisted\""},
    {"RCPT: a code alone", REJECT "RCPT from c.test[192.0.2.7]: 550 no" TAIL, MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=550 client_addr=192.0.2.7 client_name=c.test " WHO "reply=\"550 no\""},
    {"CONNECT",
     REJECT "CONNECT from unknown[192.0.2.7]: 554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied; proto=SMTP",
     MAILLOG_REFUSED,
     POSTFIX "stage=connect code=554 enhanced=5.7.1 client_addr=192.0.2.7 reply=\"554 5.7.1 <unknown[192.0.2.7]>: Client host "
             "rejected: Access denied\""},
    {"EHLO",
     REJECT
     "EHLO from unknown[192.0.2.7]: 504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname; proto=SMTP helo=<x>",
     MAILLOG_REFUSED,
     POSTFIX "stage=helo code=504 enhanced=5.5.2 client_addr=192.0.2.7 helo=x reply=\"504 5.5.2 <x>: Helo command rejected: need "
             "fully-qualified hostname\""},
    {"HELO",
     REJECT
     "HELO from unknown[192.0.2.7]: 504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname; proto=SMTP helo=<x>",
     MAILLOG_REFUSED,
     POSTFIX "stage=helo code=504 enhanced=5.5.2 client_addr=192.0.2.7 helo=x reply=\"504 5.5.2 <x>: Helo command rejected: need "
             "fully-qualified hostname\""},
    {"MAIL",
     REJECT "MAIL from c.test[192.0.2.7]: 452 4.3.1 Insufficient system storage; from=<b@x.test> proto=ESMTP helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=mail code=452 enhanced=4.3.1 client_addr=192.0.2.7 client_name=c.test helo=c.test sender=b@x.test "
             "reply=\"452 4.3.1 Insufficient system storage\""},
    {"DATA", REJECT "DATA from c.test[192.0.2.7]: 550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce" TAIL,
     MAILLOG_REFUSED,
     POSTFIX "stage=data code=550 enhanced=5.5.3 client_addr=192.0.2.7 client_name=c.test " WHO
             "reply=\"550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce\""},
    {"END-OF-MESSAGE", REJECT "END-OF-MESSAGE from c.test[192.0.2.7]: 554 5.7.1 <END-OF-MESSAGE>: rejected" TAIL, MAILLOG_REFUSED,
     POSTFIX "stage=eom code=554 enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO
             "reply=\"554 5.7.1 <END-OF-MESSAGE>: rejected\""},
    {"VRFY",
     REJECT
     "VRFY from c.test[192.0.2.7]: 550 5.1.1 <joe>: Recipient address rejected: User unknown; to=<joe> proto=SMTP helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "code=550 enhanced=5.1.1 client_addr=192.0.2.7 client_name=c.test helo=c.test recipient=joe reply=\"550 5.1.1 "
             "<joe>: Recipient address rejected: User unknown\""},
    {"STARTTLS",
     REJECT "STARTTLS from c.test[192.0.2.7]: 454 4.7.0 TLS not available due to local problem; proto=ESMTP helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=starttls code=454 enhanced=4.7.0 client_addr=192.0.2.7 client_name=c.test helo=c.test reply=\"454 4.7.0 TLS "
             "not available due to local problem\""},
    {"AUTH", REJECT "AUTH from c.test[192.0.2.7]: 503 5.5.1 Error: authentication not enabled; proto=ESMTP helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=503 enhanced=5.5.1 client_addr=192.0.2.7 client_name=c.test helo=c.test reply=\"503 5.5.1 Error: "
             "authentication not enabled\""},
    {"a milter: RCPT", SMTPD "NOQUEUE: milter-reject: RCPT from c.test[192.0.2.7]: 550 5.7.1 no" TAIL, MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=550 enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO "reply=\"550 5.7.1 no\""},
    {"a milter: CONNECT",
     SMTPD "NOQUEUE: milter-reject: CONNECT from c.test[192.0.2.7]: 451 4.7.1 Service unavailable - try again later; proto=SMTP",
     MAILLOG_REFUSED,
     POSTFIX "stage=connect code=451 enhanced=4.7.1 client_addr=192.0.2.7 client_name=c.test reply=\"451 4.7.1 Service "
             "unavailable - try again later\""},
    {"a milter: END-OF-MESSAGE",
     STAMP "postfix/cleanup[811]: 4XyZ12: milter-reject: END-OF-MESSAGE from c.test[192.0.2.7]: 5.7.1 Spam message rejected" TAIL,
     MAILLOG_REFUSED,
     POSTFIX "stage=eom enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO
             "queue_id=4XyZ12 reply=\"5.7.1 Spam message rejected\""},
    {"postscreen",
     STAMP "postfix/postscreen[811]: NOQUEUE: reject: RCPT from [192.0.2.7]:53021: 550 5.7.1 Service unavailable; client "
           "[192.0.2.7] blocked using zen.spamhaus.org; from=<b@x.test>, to=<a@there.test>, proto=ESMTP, helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=550 enhanced=5.7.1 client_addr=192.0.2.7 " WHO
             "reply=\"550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.spamhaus.org\""},
    {"postscreen: IPv6",
     STAMP "postfix/postscreen[811]: NOQUEUE: reject: RCPT from [2001:db8::7]:53021: 450 4.3.2 Service currently unavailable; "
           "from=<b@x.test>, to=<a@there.test>, proto=ESMTP, helo=<c.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=450 enhanced=4.3.2 client_addr=2001:db8::7 " WHO
             "reply=\"450 4.3.2 Service currently unavailable\""},
    {"postscreen: too many connections",
     STAMP "postfix/postscreen[811]: NOQUEUE: reject: CONNECT from [192.0.2.7]:53021: too many connections", MAILLOG_REFUSED,
     POSTFIX "stage=connect client_addr=192.0.2.7 reply=\"too many connections\""},
    {"postscreen: its other words", STAMP "postfix/postscreen[811]: PREGREET 11 after 0.1 from [192.0.2.7]:53021: EHLO x\\r\\n",
     MAILLOG_NOTHING, NULL},
    {"cleanup: a header",
     STAMP "postfix/cleanup[811]: 4XyZ12: reject: header Subject: buy now from c.test[192.0.2.7]" TAIL ": 5.7.1 content rejected",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO
             "queue_id=4XyZ12 reply=\"5.7.1 content rejected\""},
    {"cleanup: the body",
     STAMP "postfix/cleanup[811]: 4XyZ12: reject: body buy now from c.test[192.0.2.7]" TAIL ": 550 5.7.1 content rejected",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom code=550 enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO
             "queue_id=4XyZ12 reply=\"550 5.7.1 content rejected\""},
    {"SASL", SMTPD "warning: c.test[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=joe",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 client_name=c.test sasl_method=LOGIN sasl_user=joe "
             "reply=\"535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6\""},
    {"SASL: without a user", SMTPD "warning: unknown[192.0.2.7]: SASL PLAIN authentication failed: authentication failure",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 sasl_method=PLAIN reply=\"535 5.7.8 Error: authentication "
             "failed: authentication failure\""},
    {"SASL: before the client said its user",
     SMTPD "warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: Invalid base64 data in continued response, "
           "sasl_username=(unavailable)",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 sasl_method=LOGIN reply=\"535 5.7.8 Error: authentication "
             "failed: Invalid base64 data in continued response\""},
    {"SASL: without words", SMTPD "warning: unknown[192.0.2.7]: SASL PLAIN authentication failed:", MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 sasl_method=PLAIN reply=\"535 5.7.8 Error: authentication "
             "failed:\""},
    {"SASL: a user with commas",
     SMTPD
     "warning: c.test[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=Miller, Joe, sasl_username=x",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 client_name=c.test sasl_method=LOGIN sasl_user=\"Miller, "
             "Joe, sasl_username=x\" reply=\"535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6\""},
    {"RCPT: of somebody who signed in", REJECT "RCPT from unknown[192.0.2.7]: " RELAY TAIL " sasl_username=<Miller, \"J>\">",
     MAILLOG_REFUSED,
     RELAYED "client_addr=192.0.2.7 helo=c.test sasl_user=\"Miller, \\x22J>\\x22\" sender=b@x.test "
             "recipient=a@there.test " RELAY_REPLY},
    {"SASL: a sender behind the user",
     SMTPD "warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: (reason unavailable), sasl_username=joe@x.test, "
           "sasl_sender=b@x.test",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=192.0.2.7 sasl_method=LOGIN sasl_user=joe@x.test reply=\"535 5.7.8 "
             "Error: authentication failed: (reason unavailable)\""},
    {"SASL: IPv6",
     STAMP
     "postfix/submission/smtpd[811]: warning: c.test[2001:db8::7]: SASL CRAM-MD5 authentication failed: x, sasl_username=joe",
     MAILLOG_REFUSED,
     POSTFIX "stage=auth code=535 enhanced=5.7.8 client_addr=2001:db8::7 client_name=c.test sasl_method=CRAM-MD5 sasl_user=joe "
             "reply=\"535 5.7.8 Error: authentication failed: x\""},
    {"lost after AUTH", SMTPD "lost connection after AUTH from c.test[192.0.2.7]", MAILLOG_LOST,
     POSTFIX "stage=auth client_addr=192.0.2.7 client_name=c.test"},
    {"lost after AUTH: IPv6", SMTPD "lost connection after AUTH from unknown[2001:db8::7]", MAILLOG_LOST,
     POSTFIX "stage=auth client_addr=2001:db8::7"},
    {"lost after something else", SMTPD "lost connection after RCPT from c.test[192.0.2.7]", MAILLOG_NOTHING, NULL},
    {"a timeout", SMTPD "timeout after AUTH from c.test[192.0.2.7]", MAILLOG_NOTHING, NULL},
    {"bounced",
     OUT
     "dsn=5.1.1, status=bounced (host mx.there.test[198.51.100.3] said: 550 5.1.1 User unknown (in reply to RCPT TO command))",
     MAILLOG_DELIVERY,
     POSTFIX "code=550 enhanced=5.1.1 recipient=joe@there.test queue_id=4XyZ12 reply=\"550 5.1.1 User unknown\""},
    {"bounced: no host said so",
     STAMP
     "postfix/local[811]: 4XyZ12: to=<joe@x.test>, relay=local, delay=0.1, dsn=5.1.1, status=bounced (unknown user: \"joe\")",
     MAILLOG_LOCAL, POSTFIX "enhanced=5.1.1 recipient=joe@x.test queue_id=4XyZ12 reply=\"5.1.1 unknown user: \\x22joe\\x22\""},
    {"the filter behind smtpd", SMTPD "proxy-reject: END-OF-MESSAGE: 554 5.7.1 Spam; id=1" TAIL " sasl_username=<joe@x.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom code=554 enhanced=5.7.1 helo=c.test sasl_user=joe@x.test sender=b@x.test recipient=a@there.test "
             "reply=\"554 5.7.1 Spam; id=1\""},
    {"the filter behind smtpd: with a queue id", SMTPD "NOQUEUE: proxy-reject: UNKNOWN: 502 5.5.1 no; proto=ESMTP helo=<c.test>",
     MAILLOG_REFUSED, POSTFIX "stage=unknown code=502 enhanced=5.5.1 helo=c.test reply=\"502 5.5.1 no\""},
    {"the filter behind smtpd: it took the message", SMTPD "proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok" TAIL, MAILLOG_NOTHING,
     NULL},
    {"the filter behind smtpd: a command",
     SMTPD
     "warning: proxy 127.0.0.1:10025 rejected \"RCPT TO:<\"a\": \"520 x\"@there.test>\": \"550 5.1.1 who is \"joe\": \"?\"\"",
     MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=550 enhanced=5.1.1 recipient=\"\\x22a\\x22: \\x22520 x\\x22@there.test\" reply=\"550 5.1.1 who is "
             "\\x22joe\\x22: \\x22?\\x22\""},
    {"the filter behind smtpd: it is not there", SMTPD "warning: connect to proxy filter 127.0.0.1:10025: Connection refused",
     MAILLOG_REFUSED, POSTFIX "stage=mail code=451 enhanced=4.3.0 reply=\"451 4.3.0 Error: queue file write error\""},
    {"too many connections", SMTPD "warning: Connection rate limit exceeded: 9 from c.test[192.0.2.7] for service smtp",
     MAILLOG_REFUSED,
     POSTFIX "stage=connect code=421 enhanced=4.7.0 client_addr=192.0.2.7 client_name=c.test "
             "reply=\"421 4.7.0 Error: too many connections from 192.0.2.7\""},
    {"too many recipients", SMTPD "warning: Recipient address rate limit exceeded: 9 from unknown[2001:db8::7] for service smtp",
     MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=450 enhanced=4.7.1 client_addr=2001:db8::7 "
             "reply=\"450 4.7.1 Error: too many recipients from 2001:db8::7\""},
    {"an address that is none",
     SMTPD "warning: Illegal address syntax from c.test[192.0.2.7] in RCPT command: <a in MAIL command: b>", MAILLOG_REFUSED,
     NULL},
    {"an address that is none, and imitates a refusal",
     SMTPD "warning: Illegal address syntax from c.test[192.0.2.7] in MAIL command: <reject: x from y[203.0.113.5]: 550 no>",
     MAILLOG_REFUSED,
     POSTFIX "stage=mail code=501 enhanced=5.1.7 client_addr=192.0.2.7 client_name=c.test "
             "reply=\"501 5.1.7 Bad sender address syntax\""},
    {"an address that is none, and imitates another warning",
     SMTPD "warning: Illegal address syntax from c.test[192.0.2.7] in MAIL command: <x[1]: too many errors after q from "
           "y[203.0.113.5]>",
     MAILLOG_REFUSED,
     POSTFIX "stage=mail code=501 enhanced=5.1.7 client_addr=192.0.2.7 client_name=c.test "
             "reply=\"501 5.1.7 Bad sender address syntax\""},
    {"the filter behind smtpd: an address that imitates a refusal",
     SMTPD "proxy-reject: RCPT: 550 5.7.1 no; from=<\"x from y[203.0.113.5]: 535 z\"@x.test> to=<a@there.test>", MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=550 enhanced=5.7.1 sender=\"\\x22x from y[203.0.113.5]: 535 z\\x22@x.test\" recipient=a@there.test "
             "reply=\"550 5.7.1 no\""},
    {"ETRN", SMTPD "warning: reject: ETRN x.test... from c.test[192.0.2.7]", MAILLOG_REFUSED,
     POSTFIX "stage=other code=459 client_addr=192.0.2.7 client_name=c.test reply=\"459 ETRN refused\""},
    {"too many errors", SMTPD "too many errors after RCPT from c.test[192.0.2.7]", MAILLOG_REFUSED,
     POSTFIX "stage=rcpt code=421 enhanced=4.7.0 client_addr=192.0.2.7 client_name=c.test "
             "reply=\"421 4.7.0 Error: too many errors\""},
    {"cleanup: a local sender's header",
     STAMP "postfix/cleanup[811]: 4XyZ12: reject: header Subject: x from c[192.0.2.7]; from=<z> to=<y>: 5.0.0 no from local; "
           "from=<b@x.test> to=<a@there.test>: 5.7.1 content rejected",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom enhanced=5.7.1 sender=b@x.test recipient=a@there.test queue_id=4XyZ12 reply=\"5.7.1 content rejected\""},
    {"cleanup: a character",
     STAMP "postfix/cleanup[811]: 4XyZ12: reject: content ?x from c.test[192.0.2.7]" TAIL ": 5.7.1 disallowed character",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom enhanced=5.7.1 client_addr=192.0.2.7 client_name=c.test " WHO
             "queue_id=4XyZ12 reply=\"5.7.1 disallowed character\""},
    {"cleanup: MIME",
     STAMP "postfix/cleanup[811]: 4XyZ12: reject: mime-error improper use of 8-bit data in message header: Subject: ?: x from "
           "c.test[192.0.2.7]; from=<b@x.test> to=<a@there.test>",
     MAILLOG_REFUSED,
     POSTFIX "stage=eom enhanced=5.6.0 client_addr=192.0.2.7 client_name=c.test sender=b@x.test recipient=a@there.test "
             "queue_id=4XyZ12 reply=\"5.6.0 improper use of 8-bit data in message header\""},
    {"cleanup: too many hops", STAMP "postfix/cleanup[811]: warning: 4XyZ12: message rejected: hopcount exceeded",
     MAILLOG_REFUSED, POSTFIX "stage=eom code=554 enhanced=5.4.0 reply=\"554 5.4.0 Error: too many hops\""},
    {"postscreen: all busy", STAMP "postfix/postscreen[811]: reject: connect from [192.0.2.7]:53021: all screening ports busy",
     MAILLOG_REFUSED, POSTFIX "stage=connect client_addr=192.0.2.7 reply=\"all screening ports busy\""},
    {"bounced: LMTP on this host",
     STAMP
     "postfix/lmtp[811]: 4XyZ12: to=<joe@x.test>, relay=mx[private/dovecot-lmtp], delay=0.1, dsn=5.1.1, status=bounced (host "
     "mx[private/dovecot-lmtp] said: 550 5.1.1 <joe@x.test> User doesn't exist (in reply to RCPT TO command))",
     MAILLOG_LOCAL, NULL},
    {"bounced: LMTP elsewhere",
     STAMP "postfix/lmtp[811]: 4XyZ12: to=<joe@x.test>, relay=mx[192.0.2.9]:24, delay=0.1, dsn=5.1.1, status=bounced (host "
           "mx[192.0.2.9] said: 550 5.1.1 <joe@x.test> User doesn't exist (in reply to RCPT TO command))",
     MAILLOG_DELIVERY, NULL},
    {"deferred: another server's, suspended",
     STAMP "postfix/error[811]: 4XyZ12: to=<joe@x.test>, relay=none, delay=0.1, dsn=4.4.1, status=deferred (delivery temporarily "
           "suspended: connect to mx.there.test[198.51.100.3]:25: Connection refused)",
     MAILLOG_DELIVERY, NULL},
    {"bounced: by the transport map",
     STAMP "postfix/error[811]: 4XyZ12: to=<joe@x.test>, relay=none, delay=0.1, dsn=5.1.1, status=bounced (moved away)",
     MAILLOG_LOCAL, NULL},
    {"bounced: several lines",
     OUT "dsn=5.7.1, status=bounced (host x[198.51.100.3] said: 550-5.7.1 one 550 5.7.1 two (in reply to end of DATA command))",
     MAILLOG_DELIVERY,
     POSTFIX "code=550 enhanced=5.7.1 recipient=joe@there.test queue_id=4XyZ12 reply=\"550-5.7.1 one\\x0a550 5.7.1 two\""},
    {"deferred", OUT "dsn=4.3.2, status=deferred (host mx.there.test[198.51.100.3] refused to talk to me: 421 4.3.2 Busy)",
     MAILLOG_DELIVERY, POSTFIX "code=421 enhanced=4.3.2 recipient=joe@there.test queue_id=4XyZ12 reply=\"421 4.3.2 Busy\""},
    {"deferred: no host said so",
     OUT "dsn=4.4.1, status=deferred (connect to mx.there.test[198.51.100.3]:25: Connection timed out)", MAILLOG_DELIVERY,
     POSTFIX "enhanced=4.4.1 recipient=joe@there.test queue_id=4XyZ12 reply=\"4.4.1 connect to mx.there.test[198.51.100.3]:25: "
             "Connection timed out\""},
    {"sent", OUT "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABC)", MAILLOG_NOTHING, NULL},
    {"sent, with a refusal in the words", OUT "dsn=2.0.0, status=sent (250 2.0.0 Ok: 550 5.1.1 user unknown)", MAILLOG_NOTHING,
     NULL},
    {"deliverable", OUT "dsn=2.1.5, status=deliverable (250 2.1.5 Ok)", MAILLOG_NOTHING, NULL},
    {"queued", STAMP "postfix/qmgr[811]: " QUEUED, MAILLOG_ACCEPTED, POSTFIX "sender=b@x.test queue_id=4XyZ12"},
    {"queued: another instance", STAMP "postfix-out/qmgr[811]: " QUEUED, MAILLOG_ACCEPTED,
     POSTFIX "sender=b@x.test queue_id=4XyZ12"},
    {"queued: oqmgr", STAMP "postfix/oqmgr[811]: " QUEUED, MAILLOG_ACCEPTED, POSTFIX "sender=b@x.test queue_id=4XyZ12"},
    {"removed", STAMP "postfix/qmgr[811]: 4XyZ12: removed", MAILLOG_NOTHING, NULL},
    {"expired", STAMP "postfix/qmgr[811]: 4XyZ12: from=<b@x.test>, status=expired, returned to sender", MAILLOG_NOTHING, NULL},
    {"another instance", STAMP "postfix-out/smtpd[811]: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL,
     MAILLOG_REFUSED, RELAYED "client_addr=192.0.2.7 client_name=c.test " WHO RELAY_REPLY},
    {"submission", STAMP "postfix/submission/smtpd[811]: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL,
     MAILLOG_REFUSED, RELAYED "client_addr=192.0.2.7 client_name=c.test " WHO RELAY_REPLY},
    {"another instance's submission",
     STAMP "postfix-out/submission/smtpd[811]: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_REFUSED,
     RELAYED "client_addr=192.0.2.7 client_name=c.test " WHO RELAY_REPLY},
    {"without a process", STAMP "postfix/smtpd: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_REFUSED,
     "ts=2026-11-20T22:26:00.000000Z host=mx mta=Postfix stage=rcpt code=554 enhanced=5.7.1 client_addr=192.0.2.7 "
     "client_name=c.test " WHO RELAY_REPLY},
    {"only a warning", SMTPD "NOQUEUE: reject_warning: RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_NOTHING, NULL},
    {"connected", SMTPD "connect from c.test[192.0.2.7]", MAILLOG_NOTHING, NULL},
    {"a client", SMTPD "4XyZ12: client=c.test[192.0.2.7], sasl_method=LOGIN, sasl_username=joe", MAILLOG_NOTHING, NULL},
    {"another warning", SMTPD "warning: hostname c.test does not resolve to address 192.0.2.7", MAILLOG_NOTHING, NULL},
    {"no host", "Nov 20 22:26:00 ", MAILLOG_NOTHING, NULL},
    {"no program", "Nov 20 22:26:00 mx", MAILLOG_NOTHING, NULL},
    {"no text", SMTPD, MAILLOG_NOTHING, NULL},
    {"another program", STAMP "dovecot: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_NOTHING, NULL},
    {"AUTH: a user who imitates a refusal", SASL "x reject: x from y[203.0.113.5]: 550 5.7.8 no", MAILLOG_REFUSED,
     SASL_EVENT "sasl_user=\"x reject: x from y[203.0.113.5]: 550 5.7.8 no\" reply=\"535 5.7.8 Error: authentication failed: "
                "(reason unavailable)\""},
    {"AUTH: with the client's port",
     SMTPD "warning: c.test[192.0.2.7]:4711: SASL LOGIN authentication failed: (reason unavailable), sasl_username=joe",
     MAILLOG_REFUSED, SASL_EVENT "sasl_user=joe reply=\"535 5.7.8 Error: authentication failed: (reason unavailable)\""},
    {"a command that imitates a failed sign-in",
     SMTPD "warning: non-SMTP command from c.test[192.0.2.7]: GET x[203.0.113.5]: SASL LOGIN authentication failed: q, "
           "sasl_username=joe",
     MAILLOG_NOTHING, NULL},
    {"a warning that ends early", SMTPD "warning: ", MAILLOG_NOTHING, NULL},
    {"a program that is like Postfix's only behind it",
     STAMP "cron[811]: postfix/smtpd[811]: NOQUEUE: reject: RCPT from c.test[192.0.2.7]: " RELAY TAIL, MAILLOG_NOTHING, NULL},
    {"Sendmail: nothing accepted", SENDMAIL ID "from=<b@x.test>, size=0, class=0, nrcpts=0, relay=c.test [192.0.2.7]",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: check_rcpt",
     SENDMAIL ID
     "ruleset=check_rcpt, arg1=<a@there.test>, relay=c.test [192.0.2.7], reject=550 5.7.1 <a@there.test>... Relaying denied",
     MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.7.1 client_addr=192.0.2.7 recipient=a@there.test queue_id=2AKMQ0aa000811 reply=\"550 "
            "5.7.1 <a@there.test>... Relaying denied\""},
    {"Sendmail: check_mail",
     SENDMAIL ID "ruleset=check_mail, arg1=<b@x.test>, relay=c.test [192.0.2.7], reject=553 5.1.8 <b@x.test>... Domain of sender "
                 "address b@x.test does not exist",
     MAILLOG_REFUSED,
     THEIRS "stage=mail code=553 enhanced=5.1.8 client_addr=192.0.2.7 sender=b@x.test queue_id=2AKMQ0aa000811 reply=\"553 5.1.8 "
            "<b@x.test>... Domain of sender address b@x.test does not exist\""},
    {"Sendmail: check_relay",
     SENDMAIL
     "ruleset=check_relay, arg1=[192.0.2.7], arg2=192.0.2.7, relay=[192.0.2.7], reject=421 4.3.2 Connection rate limit exceeded.",
     MAILLOG_REFUSED, NULL},
    {"Sendmail: IPv6",
     SENDMAIL ID
     "ruleset=check_rcpt, arg1=<a@there.test>, relay=[IPv6:2001:db8::7], reject=550 5.7.1 <a@there.test>... Relaying denied",
     MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.7.1 client_addr=2001:db8::7 recipient=a@there.test queue_id=2AKMQ0aa000811 "
            "reply=\"550 5.7.1 <a@there.test>... Relaying denied\""},
    {"Sendmail: a milter", SENDMAIL ID "Milter: data, reject=550 5.7.1 Command rejected", MAILLOG_REFUSED,
     THEIRS "code=550 enhanced=5.7.1 queue_id=2AKMQ0aa000811 reply=\"550 5.7.1 Command rejected\""},
    {"Sendmail: a milter about a recipient", SENDMAIL ID "Milter: to=<a@there.test>, reject=451 4.3.2 Please try again later",
     MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=451 enhanced=4.3.2 recipient=a@there.test queue_id=2AKMQ0aa000811 reply=\"451 4.3.2 Please try "
            "again later\""},
    {"Sendmail: a milter about a sender, in two lines",
     SENDMAIL ID "Milter: from=<b@x.test>, reject=550-5.7.1 one\\r\\n550 5.7.1 two", MAILLOG_REFUSED,
     THEIRS
     "stage=mail code=550 enhanced=5.7.1 sender=b@x.test queue_id=2AKMQ0aa000811 reply=\"550-5.7.1 one\\x0a550 5.7.1 two\""},
    {"Sendmail: AUTH",
     SENDMAIL ID "AUTH failure (LOGIN): authentication failure (-13) SASL(-13): checkpass failed, relay=c.test [192.0.2.7]",
     MAILLOG_REFUSED,
     THEIRS "stage=auth code=535 enhanced=5.7.0 client_addr=192.0.2.7 sasl_method=LOGIN queue_id=2AKMQ0aa000811 reply=\"535 "
            "5.7.0 authentication failed: authentication failure (-13) SASL(-13): checkpass failed\""},
    {"Sendmail: unknown user", SENDMAIL ID "<joe@x.test>... User unknown", MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.1.1 recipient=joe@x.test queue_id=2AKMQ0aa000811 reply=\"550 5.1.1 "
            "<joe@x.test>... User unknown\""},
    {"Sendmail: a quoted recipient", SENDMAIL ID "<\"a... b> c\"@x.test>... User unknown", MAILLOG_REFUSED, NULL},
    {"Sendmail: a bare recipient", SENDMAIL ID "joe... User unknown", MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.1.1 recipient=joe queue_id=2AKMQ0aa000811 reply=\"550 5.1.1 joe... User unknown\""},
    {"Sendmail: a bounce", SENDMAIL ID "2AKMQ0aa000812: DSN: joe... User unknown", MAILLOG_NOTHING, NULL},
    {"Sendmail: a text of the site's", SENDMAIL ID "<joe@x.test>... No such user here", MAILLOG_NOTHING, NULL},
    {"Sendmail: a recipient that says so", SENDMAIL ID "<\"x... User unknown\"@x.test>... deferred", MAILLOG_NOTHING, NULL},
    {"Sendmail: syntax", SENDMAIL ID "<joe... Unbalanced '<'", MAILLOG_REFUSED,
     THEIRS
     "stage=rcpt code=553 enhanced=5.0.0 recipient=joe queue_id=2AKMQ0aa000811 reply=\"553 5.0.0 <joe... Unbalanced '<'\""},
    {"Sendmail: too many recipients", SENDMAIL ID "Too many recipients", MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=452 enhanced=4.5.3 queue_id=2AKMQ0aa000811 reply=\"452 4.5.3 Too many recipients\""},
    {"Sendmail: a parameter", SENDMAIL ID "FOO parameter unrecognized", MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=555 enhanced=5.5.4 queue_id=2AKMQ0aa000811 reply=\"555 5.5.4 FOO parameter unrecognized\""},
    {"Sendmail: a big message", SENDMAIL ID "message size (180200) exceeds maximum (100000)", MAILLOG_REFUSED,
     THEIRS
     "stage=eom code=552 enhanced=5.2.3 queue_id=2AKMQ0aa000811 reply=\"552 5.2.3 Message exceeds maximum fixed size (100000)\""},
    {"Sendmail: the same, of a recipient",
     SENDMAIL ID "to=<joe@x.test>, delay=00:00:00, pri=210200, dsn=4.4.3, stat=Message exceeds maximum fixed size (100000)",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: headers", SENDMAIL ID "headers too large (32768 max) from c.test [192.0.2.7] during message collect",
     MAILLOG_REFUSED,
     THEIRS "stage=eom code=552 enhanced=5.6.0 client_addr=192.0.2.7 queue_id=2AKMQ0aa000811 reply=\"552 5.6.0 Headers too large "
            "(32768 max)\""},
    {"Sendmail: base64", SENDMAIL ID "AUTH decode64 error [1 for \"=x], relay=[192.0.2.1]\"], relay=c.test [IPv6:2001:db8::7]",
     MAILLOG_REFUSED,
     THEIRS "stage=auth code=501 enhanced=5.5.4 client_addr=2001:db8::7 queue_id=2AKMQ0aa000811 reply=\"501 5.5.4 cannot BASE64 "
            "decode\""},
    {"Sendmail: greet_pause",
     SENDMAIL ID "rejecting commands from [192.0.2.7] [192.0.2.7] due to pre-greeting traffic after 0 seconds", MAILLOG_REFUSED,
     THEIRS "stage=connect code=554 client_addr=192.0.2.7 queue_id=2AKMQ0aa000811 reply=\"554 ESMTP not accepting messages\""},
    {"Sendmail: EXPN, switched off or not", SENDMAIL ID "c.test [192.0.2.7]: EXPN root [rejected]", MAILLOG_NOTHING, NULL},
    {"Sendmail: ETRN, likewise", SENDMAIL ID "[192.0.2.7]: ETRN x [203.0.113.5]: ETRN y [rejected]", MAILLOG_NOTHING, NULL},
    {"Sendmail: VRFY", SENDMAIL ID "c.test [192.0.2.7]: VRFY root [rejected]", MAILLOG_NOTHING, NULL},
    {"Sendmail: a command that imitates an unknown user", SENDMAIL ID "[192.0.2.7]: EXPN root... User unknown", MAILLOG_NOTHING,
     NULL},
    {"Sendmail: the same, of a client whose name is not sure",
     SENDMAIL ID "c.test [192.0.2.7] (may be forged): vrfy root... User unknown", MAILLOG_NOTHING, NULL},
    {"Sendmail: a command that imitates a bad parameter", SENDMAIL ID "c.test [192.0.2.7]: ETRN x parameter unrecognized",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: a recipient that imitates a command", SENDMAIL ID "<c.test [192.0.2.7]: EXPN x>... User unknown", MAILLOG_REFUSED,
     THEIRS
     "stage=rcpt code=550 enhanced=5.1.1 recipient=\"c.test [192.0.2.7]: EXPN x\" queue_id=2AKMQ0aa000811 reply=\"550 5.1.1 "
     "<c.test [192.0.2.7]: EXPN x>... User unknown\""},
    {"Sendmail: a reply at LogLevel 15", SENDMAIL ID "--- 503 5.0.0 Need MAIL command", MAILLOG_NOTHING, NULL},
    {"Sendmail: AUTH, a user who imitates the line", SENDMAIL ID LOGIN "x, relay=v [203.0.113.5], relay=[192.0.2.7]",
     MAILLOG_REFUSED,
     AUTH_EVENT "sasl_user=\"x, relay=v [203.0.113.5]\" queue_id=2AKMQ0aa000811 " AUTH_REPLY "x, relay=v [203.0.113.5]\""},
    {"Sendmail: AUTH, a user who imitates Postfix's", SENDMAIL ID LOGIN "reject: x from [203.0.113.5]: 550 no, relay=[192.0.2.7]",
     MAILLOG_REFUSED,
     AUTH_EVENT "sasl_user=\"reject: x from [203.0.113.5]: 550 no\" queue_id=2AKMQ0aa000811 " AUTH_REPLY
                "reject: x from [203.0.113.5]: 550 no\""},
    {"Sendmail: AUTH, a user who imitates a delivery", SENDMAIL ID LOGIN "stat=x, relay=[192.0.2.7]", MAILLOG_REFUSED,
     AUTH_EVENT "sasl_user=\"stat=x\" queue_id=2AKMQ0aa000811 " AUTH_REPLY "stat=x\""},
    {"Sendmail: a command that imitates a failed sign-in", SENDMAIL ID "[192.0.2.7]: VRFY " FORGED, MAILLOG_NOTHING, NULL},
    {"Sendmail: a sender who does", SENDMAIL ID "from=<\"" FORGED "\"@b.test>, size=0, class=0, nrcpts=0, relay=[192.0.2.7]",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: a recipient who imitates a refusal of Postfix's",
     SENDMAIL ID "ruleset=check_rcpt, arg1=<\"reject: x from y[203.0.113.5]: 535 5.7.8 no\"@b.test>, relay=c.test [192.0.2.7], "
                 "reject=550 5.7.1 <\"reject: x from y[203.0.113.5]: 535 5.7.8 no\"@b.test>... Relaying denied",
     MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.7.1 client_addr=192.0.2.7 recipient=\"\\x22reject: x from y[203.0.113.5]: 535 5.7.8 "
            "no\\x22@b.test\" queue_id=2AKMQ0aa000811 reply=\"550 5.7.1 <\\x22reject: x from y[203.0.113.5]: 535 5.7.8 "
            "no\\x22@b.test>... Relaying denied\""},
    {"Sendmail: a command that imitates a refusal",
     SENDMAIL ID "[192.0.2.7]: VRFY ruleset=check_rcpt, arg1=<a@b.test>, relay=v [203.0.113.5], reject=550 5.7.1 no",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: a command that imitates a message", SENDMAIL ID "[192.0.2.7]: EXPN from=<a@b.test>, nrcpts=1", MAILLOG_NOTHING,
     NULL},
    {"Sendmail: a command that imitates a delivery", SENDMAIL ID "[192.0.2.7]: EXPN to=<a@b.test>, dsn=5.1.1, stat=User unknown",
     MAILLOG_NOTHING, NULL},
    {"Sendmail: User unknown", SENT "dsn=5.1.1, stat=User unknown", MAILLOG_DELIVERY,
     THEIRS "enhanced=5.1.1 recipient=joe@there.test queue_id=2AKMQ0aa000811 reply=\"5.1.1 User unknown\""},
    {"Sendmail: User unknown here",
     SENDMAIL ID "to=<joe@x.test>, delay=00:00:01, mailer=local, pri=1, dsn=5.1.1, stat=User unknown", MAILLOG_LOCAL, NULL},
    {"Sendmail: deferred", SENT "dsn=4.2.0, stat=Deferred: 450 4.2.0 Greylisted", MAILLOG_DELIVERY,
     THEIRS "code=450 enhanced=4.2.0 recipient=joe@there.test queue_id=2AKMQ0aa000811 reply=\"450 4.2.0 Greylisted\""},
    {"Sendmail: a reply", SENT "dsn=5.7.1, reply=550 5.7.1 Relaying denied, stat=Service unavailable", MAILLOG_DELIVERY,
     THEIRS "code=550 enhanced=5.7.1 recipient=joe@there.test queue_id=2AKMQ0aa000811 reply=\"550 5.7.1 Relaying denied\""},
    {"Sendmail: sent", SENT "dsn=2.0.0, stat=Sent (Ok: queued)", MAILLOG_NOTHING, NULL},
    {"Sendmail: queued", SENT "dsn=2.0.0, stat=queued", MAILLOG_NOTHING, NULL},
    {"Sendmail: accepted",
     SENDMAIL ID
     "from=<b@x.test>, size=450, class=0, nrcpts=1, msgid=<1@x.test>, proto=ESMTP, daemon=MTA, relay=c.test [192.0.2.7]",
     MAILLOG_ACCEPTED, THEIRS "sender=b@x.test queue_id=2AKMQ0aa000811"},
    {"Sendmail: sm-mta",
     STAMP
     "sm-mta[811]: " ID
     "ruleset=check_rcpt, arg1=<a@there.test>, relay=c.test [192.0.2.7], reject=550 5.7.1 <a@there.test>... Relaying denied",
     MAILLOG_REFUSED,
     THEIRS "stage=rcpt code=550 enhanced=5.7.1 client_addr=192.0.2.7 recipient=a@there.test queue_id=2AKMQ0aa000811 reply=\"550 "
            "5.7.1 <a@there.test>... Relaying denied\""},
    {"Sendmail: encryption",
     SENDMAIL "STARTTLS=server, relay=c.test [192.0.2.7], version=TLSv1.3, verify=NO, cipher=X, bits=256/256", MAILLOG_NOTHING,
     NULL},
    {"Sendmail: nothing was issued", SENDMAIL ID "c.test [192.0.2.7] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
     MAILLOG_NOTHING, NULL},
    {"nothing", "", MAILLOG_NOTHING, NULL},
    {"a line end", "\r", MAILLOG_NOTHING, NULL},
    {"words", "the meeting is at 550 Main Street", MAILLOG_NOTHING, NULL},
    {"an event of ours", "{\"ts\":\"2026-11-20T22:26:00.000000Z\",\"code\":535,\"reply\":\"535 5.7.8 no\"}", MAILLOG_NOTHING,
     NULL},
};

static void assert_line(struct maillog *m, const struct line *row)
{
    struct event e;
    struct buffer out = {0};
    int kind = read_line(m, row->line, strlen(row->line), &e);
    assert_int_equal(event_to_line(&e, &out), 0);
    assert_int_equal(kind, row->kind);
    if (row->event)
        assert_string_equal(buffer_string(&out), row->event);
    buffer_free(&out);
}

static void test_line(void **state)
{
    const struct line *row = *state;
    struct maillog m = {.years.bound = seconds(NOW)};
    assert_line(&m, row);
    assert_int_equal(m.unread, 0);
    maillog_free(&m);
    maillog_free(&m);
}

/* Lines without a time are counted where they are of a mail server, and only there. */
static void test_unread(void **state)
{
    static const char *const unread[] = {"yesterday mx postfix/smtpd[811]: x", "x mx sendmail[811]: x", " postfix/"};
    static const char *const others[] = {"yesterday mx cron[811]: x", "", "sendmail", STAMP "postfix/smtpd[811]: x"};
    struct maillog m = {.years.bound = seconds(NOW)};
    struct event e;
    (void)state;
    for (size_t i = 0; i < ROWS(unread); i++)
        assert_int_equal(read_line(&m, unread[i], strlen(unread[i]), &e), MAILLOG_NOTHING);
    for (size_t i = 0; i < ROWS(others); i++)
        assert_int_equal(read_line(&m, others[i], strlen(others[i]), &e), MAILLOG_NOTHING);
    assert_int_equal(m.unread, ROWS(unread));
    maillog_free(&m);
}

/* What one line said is gone with the next. */
static void test_again(void **state)
{
    struct maillog m = {.years.bound = seconds(NOW)};
    (void)state;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ROWS(lines); i++)
            assert_line(&m, &lines[i]);
    maillog_free(&m);
}

/* An event's strings are whole, and no more than the line had. */
static void check_event(const struct event *e, int kind, size_t len)
{
    const char *const strings[] = {e->host,      e->client_addr, e->client_name, e->helo,     e->sasl_method,
                                   e->sasl_user, e->sender,      e->recipient,   e->queue_id, e->reply};
    assert_in_range(kind, MAILLOG_NOTHING, MAILLOG_LOST);
    for (size_t i = 0; i < ROWS(strings); i++) {
        assert_true(!strings[i] || strlen(strings[i]) <= len + strlen("535 5.7.8 Error: authentication failed: "));
        assert_true(!strings[i] || kind != MAILLOG_NOTHING);
    }
    assert_true(!e->reply || e->reply[e->reply_len] == '\0');
}

/* Each line cut at each octet, and with an octet of it replaced: nothing is read behind the end. */
static void test_cut(void **state)
{
    struct maillog m = {.years.bound = seconds(NOW)};
    (void)state;
    for (size_t i = 0; i < ROWS(lines); i++) {
        size_t len = strlen(lines[i].line);
        for (size_t end = 0; end <= len; end++) {
            static const char octets[] = {'\0', '\n', ' ', ':', '<', '>', '[', ']', '\x80', '\xff'};
            struct event e;
            check_event(&e, read_line(&m, lines[i].line, end, &e), end);
            if (end == len)
                continue;
            char *copy = malloc(len);
            assert_non_null(copy);
            memcpy(copy, lines[i].line, len);
            copy[end] = octets[(i + end) % sizeof octets];
            check_event(&e, read_line(&m, copy, len, &e), len);
            free(copy);
        }
    }
    maillog_free(&m);
}

/* Binary rubbish, alone and behind a time. */
static void test_rubbish(void **state)
{
    struct maillog m = {.years.bound = seconds(NOW)};
    unsigned seed = 1;
    (void)state;
    for (size_t round = 0; round < 2000; round++) {
        struct event e;
        char line[300];
        for (size_t i = 0; i < sizeof line; i++) {
            seed = seed * 1103515245 + 12345;
            line[i] = (char)(seed >> 16);
        }
        static const char start[] = SMTPD "NOQUEUE: reject: RCPT from ";
        if (round % 2)
            memcpy(line, start, strlen(start));
        size_t len = sizeof line - round % 100;
        check_event(&e, read_line(&m, line, len, &e), len);
    }
    maillog_free(&m);
}

/* A line of a mebibyte is read as any other: the reply is whole. */
static void test_long(void **state)
{
    struct maillog m = {.years.bound = seconds(NOW)};
    struct event e;
    struct buffer line = {0};
    (void)state;
    size_t many = (size_t)1 << 20;
    buffer_add_string(&line, REJECT "RCPT from c.test[192.0.2.7]: 554 5.7.1 ");
    for (size_t i = 0; i < many; i++)
        buffer_add_char(&line, "<[;: "[i % 5]);
    buffer_add_string(&line, "end" TAIL);
    assert_true(buffer_ok(&line));
    assert_int_equal(read_line(&m, line.data, line.len, &e), MAILLOG_REFUSED);
    assert_int_equal(e.reply_len, strlen("554 5.7.1 ") + many + strlen("end"));
    assert_string_equal(e.reply + e.reply_len - 3, "end");
    assert_string_equal(e.sender, "b@x.test");
    assert_string_equal(e.helo, "c.test");
    buffer_free(&line);
    maillog_free(&m);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unread),  cmocka_unit_test(test_again), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_rubbish), cmocka_unit_test(test_long),
    };
    int failed = ROWS_RUN(lines, test_line);
    failed += cmocka_run_group_tests_name("maillog", tests, NULL, NULL);
    return failed != 0;
}
