"""A busy Postfix: real sessions of every kind, each from an address of its own, and the log that Postfix wrote of them.

The clients' addresses and names are those of the PROXY line that each session begins with, and of a name server on the loopback."""

import concurrent.futures
import contextlib
import ipaddress
import re
import socket

import nameserver
from mta import HOSTNAME, Postfix
from others import Elsewhere, Milter
from sandbox import free_ports, wait_for
from sasl import PASSWORD, REALM, USER, WRONG
from smtp import Client, b64

OURS = "127.0.0.1"
SINKS = {"sent.test": "127.0.0.3", "refusing.test": "127.0.0.4", "hangup.test": "127.0.0.5", "closed.test": "127.0.0.6"}
NETWORKS = [ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
SERVICES = {"smtp": {"syslog_name": "postfix", "smtpd_sasl_auth_enable": "no"}, "submission": {}}
SESSIONS_AT_ONCE = 4


def regexp(*rows):
    """A table of Postfix, within main.cf."""
    return "regexp:{" + ", ".join(f"{{{row}}}" for row in rows) + "}"


def settings(milter_port, sink_ports):
    transports = ", ".join(f"{{ {domain} = smtp:[mx.{domain}]:{port} }}" for domain, port in sink_ports.items())
    return {
        "smtpd_upstream_proxy_protocol": "haproxy",
        "smtpd_client_auth_rate_limit": "0",
        "smtpd_tls_loglevel": "1",
        "smtpd_milters": f"inet:127.0.0.1:{milter_port}",
        "milter_default_action": "accept",
        "message_size_limit": "100000",
        "notify_classes": "",
        "enable_long_queue_ids": "yes",  # none is used twice
        "virtual_mailbox_maps": regexp("/^box/ box", "/^milterrcpt/ box", "/^anna@/ box"),
        "virtual_transport": "virtual",
        "transport_maps": f"inline:{{ {transports} }}",
        "header_checks": regexp("/^Subject: buy/ REJECT no advertisements", "/^Subject: junk/ DISCARD", "/^Subject: doubtful/ HOLD", "/^Subject: odd/ WARN",
                                "/^X-Virus: yes/ REJECT 5.7.1 message contains a virus"),
        "body_checks": regexp("/^zork-attachment/ REJECT this attachment is not taken"),
        "smtpd_sender_login_maps": "static:nobody-else",
        "smtpd_helo_restrictions": ", ".join((
            "reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname", "check_helo_access " + regexp(
                "/^zen/ reject_rbl_client zen.spamhaus.org", "/^spamcop/ reject_rbl_client bl.spamcop.net", "/^nohost/ reject_unknown_helo_hostname",
                "/^dynamic/ reject_unknown_client_hostname", "/^noptr/ reject_unknown_reverse_client_hostname", "/^ylmf/ REJECT",
                "/^ourname/ 550 5.7.1 You are not me", "/^fresh/ 450 4.7.1 Please wait a while"))),
        "smtpd_sender_restrictions": ", ".join((
            "reject_non_fqdn_sender", "reject_non_fqdn_recipient", "check_sender_access " + regexp(
                "/^spammer/ REJECT", "/^badreputation/ 554 5.7.1 Your address is on our list of senders", "/@nodomain/ reject_unknown_sender_domain",
                "/@tempdns/ reject_unknown_sender_domain", "/^forged/ 550 5.7.23 Message rejected due to: SPF fail - not authorized",
                "/^later/ DEFER_IF_PERMIT come back later", "/^login/ reject_authenticated_sender_login_mismatch"))),
        "smtpd_recipient_restrictions": ", ".join((
            "reject_unlisted_recipient", "check_recipient_access " + regexp(
                "/^boxgrey/ 450 4.2.0 Greylisted, see http://postgrey.schweikert.ch/help/mailwhy.test.html", "/^boxfull/ 452 4.2.2 Mailbox is full",
                "/^boxdisabled/ 550 5.2.1 The account is disabled", "/^boxwarn/ warn_if_reject reject", "/^boxhold/ HOLD", "/^boxtrap/ DISCARD",
                "/^boxbroken/ policy"))),
        "smtpd_data_restrictions": "check_helo_access " + regexp("/^pipe/ reject_unauth_pipelining", "/^nodata/ 554 5.7.1 no data today"),
        "smtpd_restriction_classes": "policy",
        "policy": "check_policy_service unix:missing",
        "smtpd_policy_service_try_limit": "1",
    }


class BusyPostfix(Postfix):
    """Postfix behind a proxy: whoever connects says first for whom."""

    def _answers(self, name):
        port = self.ports[name]
        with contextlib.suppress(OSError):
            with socket.create_connection((OURS, port), 10) as sock:
                sock.sendall(proxy_line(OURS, port) + b"QUIT\r\n")
                return sock.recv(512).startswith(b"220 ")


def proxy_line(address, port):
    return f"PROXY TCP4 {address} {OURS} 45678 {port}\r\n".encode()


class Proxied(Client):
    """A client from another address, as the PROXY line says."""

    def __init__(self, port, address, helo=None):
        self.sock = socket.create_connection((OURS, port), 60)
        self.sock.sendall(proxy_line(address, port))
        self._file = self.sock.makefile("rb")
        self.greeting = self.read()
        if helo:
            self.hello(helo)


def address_of(number):
    network, host = divmod(number, 250)
    return str(NETWORKS[network][host + 2])


def name_of(number):
    return f"mail{number}.clients.test"


def unforward(number):
    """Its name leads nowhere: Postfix calls it unknown."""
    return number % 8 == 7


def names(count):
    """Every fourth client has no name."""
    return {address_of(number): name_of(number) for number in range(count) if number % 4}


class Session:
    """One session from an address of its own."""

    def __init__(self, busy, number):
        self.busy, self.number, self.address = busy, number, address_of(number)
        self.from_, self.to = f"from{number}@senders{number}.test", f"box{number}@{REALM}"
        self.helo = f"helo{number}.test"

    def named(self, prefix):
        return f"{prefix}{self.number}"

    def client(self, helo=None, service="smtp"):
        return Proxied(self.busy.postfix.ports[service], self.address, helo or self.helo)

    def letter(self, sender=None, *recipients, helo=None, body="Subject: hello\r\n\r\nhello\r\n", service="smtp", login=False):
        """Hand in a message; whatever is refused, end politely."""
        with contextlib.closing(self.client(helo, service)) as c:
            if login:
                c.auth_plain(USER, PASSWORD)
            c.say(f"MAIL FROM:<{sender or self.from_}>")
            replies = [c.say(f"RCPT TO:<{recipient}>") for recipient in recipients or (self.to,)]
            if any(reply.code == 250 for reply in replies) and c.say("DATA").code == 354:
                c.say(f"From: {sender or self.from_}\r\nMessage-ID: <{self.number}.letter@{self.helo}>\r\n{body}.")
            c.say("QUIT")

    def sends(self, *recipients):
        self.letter(f"anna@{REALM}", *recipients, service="submission", login=True)

    def breaks_off(self, *lines, service="smtp", helo=None):
        with contextlib.closing(self.client(helo, service)) as c:
            c.play(*lines)

    def signs_in_badly(self, mechanism, tries=1, user=None):
        user = user or f"user{self.number}@{REALM}"
        with contextlib.closing(self.client(service="submission")) as c:
            for _ in range(tries):
                getattr(c, f"auth_{mechanism}")(user, WRONG)
            c.say("QUIT")

    def speaks_http(self):
        with contextlib.suppress(OSError), contextlib.closing(Proxied(self.busy.postfix.ports["smtp"], self.address)) as c:
            c.play("GET / HTTP/1.1", "Host: x")

    def pipelines(self, helo, verb="HELO"):
        with contextlib.closing(Proxied(self.busy.postfix.ports["smtp"], self.address)) as c:
            c.send(f"{verb} {helo}\r\nMAIL FROM:<{self.from_}>\r\nRCPT TO:<{self.to}>\r\nDATA\r\nQUIT\r\n")
            for _ in range(4):
                c.read()

    def with_tls(self):
        with contextlib.closing(self.client()) as c:
            c.starttls(self.helo)
            c.message(self.from_, self.to, f"Message-ID: <{self.number}.letter@{self.helo}>\r\nSubject: hello\r\n\r\nhello\r\n")
            c.say("QUIT")


def subject(text):
    return {"body": f"Subject: {text}\r\n\r\nhello\r\n"}


# Of a thousand sessions about so many are of this kind: (how many, kind, what it does).
KINDS = [
    (190, "accepted", lambda s: s.letter()),
    (70, "accepted-tls", Session.with_tls),
    (25, "accepted-two", lambda s: s.letter(None, s.to, f"boxtwo{s.number}@{REALM}")),
    (55, "sent", lambda s: s.sends(f"fine{s.number}@sent.test")),
    (5, "sent-three", lambda s: s.sends(f"fine{s.number}@sent.test", f"fine-too{s.number}@sent.test", f"nobody{s.number}@sent.test")),
    *((weight, f"elsewhere-{kind}", lambda s, kind=kind: s.sends(f"{kind}{s.number}@sent.test")) for kind, weight in
      {"nobody": 6, "gone": 4, "full": 2, "quota": 2, "grey": 5, "listed": 2, "norelay": 1, "dmarc": 2, "rate": 2, "odd": 1}.items()),
    (2, "elsewhere-refusing", lambda s: s.sends(f"fine{s.number}@refusing.test")),
    (1, "elsewhere-hangup", lambda s: s.sends(f"fine{s.number}@hangup.test")),
    (2, "elsewhere-closed", lambda s: s.sends(f"fine{s.number}@closed.test")),
    (150, "listed-zen", lambda s: s.letter(helo=f"zen{s.number}.test")),
    (30, "listed-spamcop", lambda s: s.letter(helo=f"spamcop{s.number}.test")),
    (50, "relay", lambda s: s.letter(None, f"victim{s.number}@elsewhere{s.number}.test")),
    (60, "unknown-user", lambda s: s.letter(None, f"nobody{s.number}@{REALM}")),
    (10, "unknown-users", lambda s: s.letter(None, *(f"nobody{s.number}x{i}@{REALM}" for i in range(7)))),
    (15, "unknown-and-known", lambda s: s.letter(None, f"nobody{s.number}@{REALM}", s.to)),
    (15, "helo-bare", lambda s: s.letter(helo=s.named("bare"))),
    (3, "helo-invalid", lambda s: s.letter(helo=f"-in..valid{s.number}")),
    (12, "helo-unknown", lambda s: s.letter(helo=f"nohost{s.number}.test")),
    (14, "helo-ylmf", lambda s: s.letter(helo=f"ylmf{s.number}.pc")),
    (4, "helo-ours", lambda s: s.letter(helo=f"ourname{s.number}.mailwhy.test")),
    (12, "client-unknown", lambda s: s.letter(helo=f"dynamic{s.number}.test")),
    (8, "client-no-ptr", lambda s: s.letter(helo=f"noptr{s.number}.test")),
    (6, "client-fresh", lambda s: s.letter(helo=f"fresh{s.number}.test")),
    (4, "sender-bare", lambda s: s.letter(s.named("bare"))),
    (8, "sender-refused", lambda s: s.letter(f"spammer{s.number}@senders{s.number}.test")),
    (5, "sender-listed", lambda s: s.letter(f"badreputation{s.number}@senders{s.number}.test")),
    (9, "sender-nodomain", lambda s: s.letter(f"from{s.number}@nodomain{s.number}.test")),
    (4, "sender-tempdns", lambda s: s.letter(f"from{s.number}@tempdns{s.number}.test")),
    (6, "sender-spf", lambda s: s.letter(f"forged{s.number}@senders{s.number}.test")),
    (3, "sender-later", lambda s: s.letter(f"later{s.number}@senders{s.number}.test")),
    (3, "sender-not-theirs", lambda s: s.letter(f"login{s.number}@senders{s.number}.test", service="submission", login=True)),
    (35, "greylisted", lambda s: s.letter(None, f"boxgrey{s.number}@{REALM}")),
    (4, "mailbox-full", lambda s: s.letter(None, f"boxfull{s.number}@{REALM}")),
    (4, "mailbox-disabled", lambda s: s.letter(None, f"boxdisabled{s.number}@{REALM}")),
    (2, "recipient-bare", lambda s: s.letter(None, s.named("bare"))),
    (2, "recipient-warned", lambda s: s.letter(None, f"boxwarn{s.number}@{REALM}")),
    (1, "recipient-held", lambda s: s.letter(None, f"boxhold{s.number}@{REALM}")),
    (1, "recipient-discarded", lambda s: s.letter(None, f"boxtrap{s.number}@{REALM}")),
    (1, "policy-down", lambda s: s.letter(None, f"boxbroken{s.number}@{REALM}")),
    (3, "too-large", lambda s: s.breaks_off(f"MAIL FROM:<{s.from_}> SIZE=2000000", "QUIT")),
    (3, "pipelining", lambda s: s.pipelines(f"pipe{s.number}.test")),
    (1, "no-data", lambda s: s.letter(helo=f"nodata{s.number}.test")),
    (6, "header-buy", lambda s: s.letter(**subject(f"buy now {s.number}"))),
    (2, "header-virus", lambda s: s.letter(body="X-Virus: yes\r\nSubject: see\r\n\r\nhello\r\n")),
    (3, "body", lambda s: s.letter(body=f"Subject: see\r\n\r\nzork-attachment {s.number}\r\n")),
    (1, "header-junk", lambda s: s.letter(**subject(f"junk {s.number}"))),
    (1, "header-hold", lambda s: s.letter(**subject(f"doubtful {s.number}"))),
    (1, "header-warn", lambda s: s.letter(**subject(f"odd {s.number}"))),
    (5, "milter-helo", lambda s: s.letter(helo=f"milterhelo{s.number}.test")),
    (20, "milter-spam", lambda s: s.letter(f"milterspam{s.number}@senders{s.number}.test")),
    (5, "milter-virus", lambda s: s.letter(f"miltervirus{s.number}@senders{s.number}.test")),
    (5, "milter-later", lambda s: s.letter(f"milterlater{s.number}@senders{s.number}.test")),
    (5, "milter-dmarc", lambda s: s.letter(f"milterdmarc{s.number}@senders{s.number}.test")),
    (3, "milter-rcpt", lambda s: s.letter(None, f"milterrcpt{s.number}@{REALM}")),
    (70, "sasl-login", lambda s: s.signs_in_badly("login")),
    (25, "sasl-plain", lambda s: s.signs_in_badly("plain")),
    (5, "sasl-cram", lambda s: s.signs_in_badly("cram_md5")),
    (10, "sasl-often", lambda s: s.signs_in_badly("login", 4)),
    (8, "sasl-not-base64", lambda s: s.breaks_off("AUTH LOGIN", "***", "QUIT", service="submission")),
    (15, "sasl-lost", lambda s: s.breaks_off("AUTH LOGIN", service="submission")),
    (20, "sasl-failed-lost", lambda s: s.breaks_off("AUTH LOGIN", b64(f"user{s.number}"), b64(WRONG), service="submission")),
    (20, "lost-helo", lambda s: s.breaks_off("NOOP")),
    (5, "lost-rcpt", lambda s: s.breaks_off(f"MAIL FROM:<{s.from_}>", f"RCPT TO:<{s.to}>")),
    (3, "lost-data", lambda s: s.breaks_off(f"MAIL FROM:<{s.from_}>", f"RCPT TO:<{s.to}>", "DATA")),
    (5, "syntax", lambda s: s.breaks_off("MAIL FROM:foo bar", "RCPT TO:", "FROBNICATE", "QUIT")),
    (8, "http", Session.speaks_http),
    (20, "idle", lambda s: s.breaks_off("QUIT")),
]


def chosen(most):
    """The kind of each session: of each kind as many as it is heavy, but one at least and so many at most."""
    return [kind for weight, kind, _ in KINDS for _ in range(max(1, min(most, weight // 3)))]


class Busy:
    """The Postfix, what it talks to, and its sessions: the kind of session n is kinds[n], its address address_of(n)."""

    def __init__(self, sandbox, most=12):
        self.kinds = chosen(most)
        count = len(self.kinds)
        dns = nameserver.NameServer(names(count), {address_of(n) for n in range(count) if unforward(n)})
        sandbox.at_close(dns.close)
        milter, sinks = self._others(sandbox)
        self.postfix = BusyPostfix(sandbox, "busy", sasl="dovecot", services=SERVICES, settings=settings(milter.port, sinks))
        etc = self.postfix.queue / "etc"
        (etc / "resolv.conf").write_text(f"nameserver {dns.address}\noptions timeout:10 attempts:1\n")
        (etc / "nsswitch.conf").write_text("hosts: files dns\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.2 {HOSTNAME}\n" + "".join(f"{address} mx.{domain}\n" for domain, address in SINKS.items()))

    @staticmethod
    def _others(sandbox):
        milter = Milter()
        servers = {"sent.test": Elsewhere(SINKS["sent.test"]), "refusing.test": Elsewhere(SINKS["refusing.test"], "554 mx.refusing.test No SMTP service here"),
                   "hangup.test": Elsewhere(SINKS["hangup.test"], hang_up=True)}
        for server in (milter, *servers.values()):
            sandbox.at_close(server.close)
        return milter, {**{domain: server.port for domain, server in servers.items()}, "closed.test": free_ports(1)[0]}

    def play(self):
        """All sessions, some at a time. The log, when all mail is delivered, bounced or deferred."""
        self.postfix.start()
        actions = {kind: action for _, kind, action in KINDS}
        with concurrent.futures.ThreadPoolExecutor(SESSIONS_AT_ONCE) as pool:
            runs = [pool.submit(actions[kind], Session(self, number)) for number, kind in enumerate(self.kinds)]
            for run in runs:
                run.result()
        wait_for("the end of all deliveries", self._is_quiet, 60, 0.1)
        log = self.postfix.log_text()
        self.postfix.stop()
        return log

    def _is_quiet(self):
        """Each session has ended, and each message that came into the queue is gone or deferred."""
        log = self.postfix.log_text()
        queued = set(re.findall(r"/qmgr\[\d+\]: (\w+): from=|notification: (\w+)", log))
        done = set(re.findall(r"/qmgr\[\d+\]: (\w+): removed", log)) | set(re.findall(r"\]: (\w+): to=.* status=deferred", log))
        return {one or other for one, other in queued} <= done and log.count(": connect from ") == log.count(": disconnect from ")
