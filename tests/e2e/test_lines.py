"""Lines of a real Postfix's log that other tests don't have: refusals whose line lacks the client or the reply, and mail that its own delivery agents
refuse."""

import collections
import contextlib
import itertools
import socketserver
import subprocess
import threading

from mta import ELSEWHERE, Postfix
from sandbox import Sandbox, wait_for
from sasl import PASSWORD, USER, WRONG
from smtp import Client
from test_explain import read_json
from test_review import ReviewTest, counted


class Filter:
    """The mail server behind smtpd_proxy_filter, and one for LMTP: it refuses the sender mail@, breaks off within a message of drop@, and refuses all others'."""

    def __init__(self):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    self.serve()

            def say(self, line):
                self.wfile.write(line + b"\r\n")

            def serve(self):
                sender = b""
                self.say(b"220 filter.test ESMTP")
                for line in self.rfile:
                    if line.startswith(b"MAIL"):
                        sender = line
                        self.say(b"550 5.7.1 Sender blocked by our policy" if b"<mail@" in sender else b"250 2.1.0 Ok")
                    elif line.startswith(b"DATA"):
                        self.say(b"354 go")
                        collections.deque(itertools.takewhile(lambda data: data != b".\r\n", self.rfile), 0)
                        if b"<drop@" in sender:
                            return
                        self.say(b"554 5.7.1 Spam message rejected")
                    else:
                        self.say(b"250 Ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def limit(what):
    return {"mynetworks": "127.0.0.0/8", "smtpd_client_event_limit_exceptions": "", f"smtpd_client_{what}_rate_limit": "1"}


SERVICES = {"smtp": {"mynetworks": "127.0.0.0/8"}, "often": limit("connection"), "auths": limit("auth"), "messages": limit("message"),
            "recipients": limit("recipient"), "tls": limit("new_tls_session"), "few": {"smtpd_hard_error_limit": "1"}}
HERE = ("local", "virtual", "pipe", "error", "lmtp", "socket")  # domains whose mail this host's agents refuse


class Lines(ReviewTest):
    """One Postfix with a filter that refuses, limits of 1, checks of the content, and a domain for each delivery agent."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.filter = Filter()
        cls.addClassCleanup(cls.filter.close)
        there = f"127.0.0.1:{cls.filter.port}"
        transports = {"local": "local", "virtual": "virtual", "pipe": "pipe", "error": "error:5.1.1 moved away", "lmtp": f"lmtp:inet:{there}",
                      "socket": "lmtp:unix:/nowhere/lmtp", "away": "smtp:[127.0.0.1]:" + str(cls.filter.port)}
        cls.postfix = Postfix(cls.sandbox, sasl="dovecot", services={**SERVICES, "proxied": {"smtpd_proxy_filter": there}, "gone": {"smtpd_proxy_filter": "127.0.0.1:1"}},
                              settings={"header_checks": "regexp:{{/^Subject: buy/ REJECT no advertisements}}",
                                        "strict_8bitmime": "yes",
                                        "hopcount_limit": "3",
                                        "message_reject_characters": "\\1",
                                        "mydestination": "local.test",
                                        "local_recipient_maps": "",
                                        "relay_domains": " ".join(f"{name}.test" for name in transports if name != "local"),
                                        "transport_maps": "inline:{ " + ", ".join(f"{{ {name}.test = {to} }}" for name, to in transports.items()) + " }"})
        with open(cls.postfix.config / "master.cf", "a", encoding="utf-8") as file:
            file.write("pipe unix - n n - - pipe\n  flags=R user=nobody argv=/bin/false\n")
        cls.postfix.start()
        cls.refused = []  # what the clients were told
        cls.play()
        wait_for("the deliveries", lambda: cls.postfix.log_text().count(" status=") >= len(HERE) + 1, 30)

    @classmethod
    def session(cls, service, *lines, sign_in=None):
        """Say these lines in a session of their own, up to a refusal."""
        with contextlib.closing(Client(cls.postfix.ports[service])) as client:
            cls.refused += [client.greeting.lines[-1]] if client.greeting.code >= 400 else []
            replies = itertools.chain([client.hello("client.test")], [client.auth_plain(USER, sign_in)] if sign_in else [], map(client.say, lines))
            cls.refused += [reply.lines[-1] for reply in itertools.islice((reply for reply in replies if reply and reply.code >= 400), 1)]

    @classmethod
    def message(cls, service, sender, recipient, text="Subject: x\r\n\r\nx\r\n", **kwargs):
        cls.session(service, f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA", text.encode("latin-1") + b".", **kwargs)

    @classmethod
    def submit(cls, recipient, subject):
        """As a program of this host does, without SMTP."""
        subprocess.run(["/usr/sbin/sendmail", "-C", cls.postfix.config, "-f", "a@local.test", recipient], input=f"Subject: {subject}\n\nx\n".encode(), check=True,
                       timeout=30)

    @classmethod
    def tls(cls):
        """A TLS session, one that is told only then that it is one too many, and one that is not begun."""
        for _ in range(2):
            with contextlib.closing(Client(cls.postfix.ports["tls"], "client.test")) as client:
                reply = client.starttls("client.test")
                cls.refused += [reply.lines[-1]] if reply.code >= 400 else []
        cls.session("tls", "STARTTLS")

    @classmethod
    def play(cls):
        for sender in ("mail", "eom", "drop"):
            cls.message("proxied", f"{sender}@x.test", ELSEWHERE, sign_in=PASSWORD)
        cls.message("gone", "gone@x.test", ELSEWHERE, sign_in=PASSWORD)
        for _ in range(2):
            cls.session("auths", sign_in=WRONG)
            cls.session("messages", "MAIL FROM:<a@b.test>")
            cls.session("recipients", "MAIL FROM:<a@b.test>", "RCPT TO:<x@away.test>")
        cls.tls()
        with contextlib.suppress(OSError):
            cls.session("often")
        for lines in (["MAIL FROM:<a b c>"], ["MAIL FROM:<a@b.test>", "RCPT TO:<a b c>"], ["ETRN x.test"]):
            cls.session("smtp", *lines)
        with contextlib.closing(Client(cls.postfix.ports["few"])) as client:
            cls.refused += [client.play("FROBNICATE", "FROBNICATE").lines[-1]]
        for text in ("Subject: \xe4\r\n", "Subject: c\r\n\r\nx\1y\r\n", "Received: x\r\n" * 9, "Subject: buy\r\n"):
            cls.message("smtp", "a@b.test", "x@local.test", text)
        for name in HERE:
            cls.submit(f"x@{name}.test", "x")
        cls.submit("x@away.test", "x")
        cls.submit("x@local.test", "buy")

    def reasons(self, *args):
        return counted(self.reviewed(0, "--top=99", *args, self.postfix.log)["reasons"])

    def test_reasons(self):
        """Each refusal that a client got is counted once, under the reason of its reply; and that of a program of this host."""
        said = [self.tool("explain", "--json", reply) for reply in self.refused]
        wanted = collections.Counter(read_json(one.out)[0].get("reason", "-") for one in said)
        self.assertGreaterEqual(len(self.refused), 17, self.refused)
        wanted["spam-rejected"] += 1
        found = collections.Counter(self.reasons())
        self.assertEqual((found - wanted, wanted - found), ({}, {}), f"{self.refused}\n{self.postfix.log_text()}")
        self.assertEqual(self.reviewed(0, self.postfix.log)["unread_lines"], 0)

    def test_who(self):
        """Sender, recipient and user are those of the lines."""
        self.assertEqual(self.reasons("--sender=eom@x.test", f"--recipient={ELSEWHERE}", f"--user={USER}"), {"spam-rejected": 1})
        self.assertEqual(sum(self.reasons("--sender=mail@x.test").values()), 1)
        self.assertEqual(self.reasons("--sender=a@local.test", "--recipient=x@local.test"), {"spam-rejected": 1})
        self.assertEqual(self.reasons("--client=127.0.0.1", "--code=421"), {"too-many-connections": 1, "too-many-errors": 1, "too-many-tls-sessions": 1})

    def test_here(self):
        """What the agents of this host refuse is this host's; what its smtp delivers is refused by others."""
        for name in HERE:
            with self.subTest(name):
                review = self.reviewed(0, f"--recipient=x@{name}.test", "--reason=*", self.postfix.log)
                self.assertEqual((review["deliveries_refused_here"], review["deliveries_refused"]), (1, 0))
                self.assertEqual(len(review["refused_here"]), 1)
        self.assertEqual(counted(self.reviewed(0, "--recipient=x@socket.test", self.postfix.log)["refused_here"]), {"local-delivery-failed": 1})
        away = self.reviewed(0, "--recipient=x@away.test", self.postfix.log)
        self.assertEqual((away["deliveries_refused_here"], away["deliveries_refused"], counted(away["refused_by_others"])), (0, 1, {"spam-rejected": 1}))
        page = self.says(0, "review", "--recipient=x@virtual.test", self.postfix.log).out
        self.assertRegex(page, "Deliveries that this server itself refused or put off: +1\n")
        self.assertIn("\nWhy this server could not deliver what it had accepted\n", page)
