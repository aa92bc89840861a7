"""`mailwhy probe`: a real Postfix, with mailwhyd and without; certificates of each kind; servers that do what none should."""

import base64
import concurrent.futures
import contextlib
import json
import os
import re
import socket
import ssl
import tempfile
import threading
import time
import unittest

from mailwhyd import SANITIZER, mailwhy
from mta import SERVICES
from pki import Authority
from rig import Rig, RigTest
from sandbox import Sandbox, free_ports

GOOD_NAMES = "DNS:mx.mailwhy.test,DNS:localhost,IP:127.0.0.1"
STEPS = ["unknown-command", "recipient-first", "data-first", "relay", "sign-in"]
CODES = [500, 503, 503, 554, 535]


def probe(*args, timeout=60, **kwargs):
    """Run it. The finished process; what it says is looked through for what a sanitizer says."""
    done = mailwhy("probe", *args, check=False, timeout=timeout, **kwargs)
    if SANITIZER.search(done.stdout):
        raise AssertionError(f"a sanitizer found a fault:\n{done.stdout}")
    return done


def probe_json(*args, **kwargs):
    """Run it with --json. Its exit status and its object; what it says on standard error is left out."""
    with tempfile.TemporaryFile("w+") as errors:
        done = probe("--json", *args, stderr=errors, **kwargs)
        errors.seek(0)
        said = errors.read()
    if SANITIZER.search(said):
        raise AssertionError(f"a sanitizer found a fault:\n{said}")
    found = json.loads(done.stdout)
    if found["status"] != done.returncode:
        raise AssertionError(f"it ended with {done.returncode}, and says {found['status']}")
    return done.returncode, found


def outcomes(found):
    return {step["step"]: step["outcome"] for step in found["steps"]}


class Wired(RigTest):
    """A Postfix that mailwhyd explains, and an authority whose certificates it has."""

    kind = "dovecot"

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.authority = Authority(cls.sandbox)
        issue = cls.authority.issue
        services = {
            **SERVICES,
            "smtps": {"smtpd_tls_wrappermode": "yes"},
            "wrongname": issue("wrongname", "DNS:other.test,DNS:another.test"),
            "expired": issue("expired", GOOD_NAMES, days=-1),
            "selfsigned": issue("selfsigned", GOOD_NAMES, self_signed=True),
            "loginonly": {"smtpd_sasl_security_options": "noanonymous", "smtpd_sasl_mechanism_filter": "login"},
            "notls": {"smtpd_tls_security_level": "none"},
            "trusting": {"mynetworks": "127.0.0.0/8"},
            "tired": {"smtpd_hard_error_limit": "2"},
        }
        cls.rig = Rig(cls.sandbox, sasl=cls.kind, services=services, settings=issue("good", GOOD_NAMES)).start()
        cls.daemon = cls.rig.daemon
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    def options(self, service, host="127.0.0.1"):
        return "--ca-file", self.authority.file, "--log", self.daemon.log, f"{host}:{self.rig.postfix.ports[service]}"

    def assert_all_explained(self, found):
        self.assertEqual([step["step"] for step in found["steps"]], STEPS)
        self.assertEqual([step["code"] for step in found["steps"]], CODES)
        for step in found["steps"]:
            self.assertTrue(step["explained"] and step["in_log"], step)
            event = self.daemon.event(step["reference"])
            self.assertEqual(event["code"], step["code"])
            self.assertEqual(step["event"], {key: event[key] for key in ("reason", "stage", "via")})
            self.assertNotIn("catalogue", step)
        self.assertEqual((found["refused"], found["explained"], found["in_log"]), (5, 5, 5))


class WiredDovecot(Wired):
    def test_starttls(self):
        """STARTTLS where it is offered: each refusal is explained, and its event is in the log."""
        status, found = probe_json(*self.options("submission"))
        self.assertEqual(status, 0, found)
        self.assert_all_explained(found)
        self.assertEqual((found["tls"], found["certificate_good"]), ("TLSv1.3", True))

    def test_implicit(self):
        """TLS from the start."""
        status, found = probe_json("--tls=implicit", *self.options("smtps", "localhost"))
        self.assertEqual(status, 0, found)
        self.assert_all_explained(found)

    def test_plain(self):
        """In clear no sign-in is tried, unless it is asked for."""
        status, found = probe_json("--tls=none", *self.options("submission"))
        self.assertEqual(status, 0, found)
        self.assertEqual(outcomes(found)["sign-in"], "not-tried")
        self.assertEqual(found["steps"][4]["why"], "not-encrypted")
        self.assertNotIn("tls", found)
        status, found = probe_json("--tls=none", "--plaintext-auth", *self.options("submission"))
        self.assertEqual(status, 0, found)
        self.assert_all_explained(found)

    def test_one_session(self):
        """One connection, one failed sign-in, a proper HELO, and a QUIT."""
        before = len(self.daemon.events())
        log = len(self.rig.postfix.log_text())
        probe_json(*self.options("submission"))
        events = self.daemon.events()[before:]
        self.assertEqual(len({(event["pid"], event["client_port"]) for event in events}), 1)
        self.assertEqual([event["code"] for event in events], CODES)
        self.assertTrue(all("." in event["helo"] for event in events))
        said = self.rig.postfix.log_text()[log:]
        self.assertEqual(said.count(" connect from"), 1, said)
        self.assertRegex(said, r"disconnect from .* quit=1 ")
        self.assertRegex(said, r" auth=0/1 ")

    def test_more_sign_ins(self):
        """As many failed sign-ins as are asked for, and none for 0."""
        status, found = probe_json("--auth-failures", "3", *self.options("submission"))
        self.assertEqual(status, 0, found)
        self.assertEqual([step["step"] for step in found["steps"]], STEPS + 2 * ["sign-in"])
        events = [self.daemon.event(step["reference"]) for step in found["steps"]]
        self.assertEqual([event["code"] for event in events[4:]], 3 * [535])
        status, found = probe_json("--auth-failures=0", *self.options("submission"))
        self.assertEqual((status, [step["step"] for step in found["steps"]]), (0, STEPS[:4]))

    def test_login(self):
        """AUTH LOGIN where there is no PLAIN."""
        status, found = probe_json(*self.options("loginonly"))
        self.assertEqual(status, 0, found)
        self.assertEqual(found["steps"][4]["sent"], ["AUTH LOGIN"])

    def test_not_offered(self):
        """A server without AUTH is not asked to sign in, and one without TLS is spoken to in clear."""
        status, found = probe_json(*self.options("smtp"))
        self.assertEqual((status, found["steps"][4]["why"]), (0, "not-offered"))
        status, found = probe_json(*self.options("notls"))
        self.assertEqual((status, found["steps"][4]["why"], found.get("tls")), (0, "not-encrypted", None))
        status, found = probe_json("--tls=starttls", *self.options("notls"))
        self.assertEqual(status, 76)
        self.assertIn("STARTTLS", found["fault"])

    def test_everything_after_starttls(self):
        """530 Must issue a STARTTLS command first, in clear."""
        status, found = probe_json("--tls=none", "--auth-failures=0", *self.options("tlsonly"))
        self.assertEqual(status, 0, found)
        self.assertIn(530, [step["code"] for step in found["steps"]])

    def test_page(self):
        """The page says first what will be done, then each step with its reply; nothing of the sign-in is on it."""
        done = probe(*self.options("submission"))
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout.partition("Sent:")[0], r"Sign-ins\s+that\s+fail:\s+1\s+at\s+most")
        for text in ("MAILWHY-PROBE", "DATA", "RCPT TO:<mailwhy-probe@example.invalid>", "AUTH PLAIN (the rest is made up", "Reason, Fix, Ref",
                     "in the log (command-unknown", "Each refusal is explained.", "good until"):
            self.assertIn(text, done.stdout)
        self.assertEqual(len(re.findall(r"^Reference: +[0-9A-Z]{5}-[0-9A-Z]{5}$", done.stdout, re.M)), 5)

    def test_languages(self):
        """The page is in each of the catalogue's languages, and the lines of a server in another language are known."""
        texts = set()
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for done in pool.map(lambda language: probe("--lang", language, "--auth-failures=0", *self.options("submission")), ("en", "de", "fr", "ja", "zh-CN", "ar")):
                self.assertEqual(done.returncode, 0, done.stdout)
                texts.add(done.stdout.splitlines()[1])
        self.assertEqual(len(texts), 6)

    def test_secrets(self):
        """Neither the user nor the password that were made up are printed; the log has no password."""
        _, found = probe_json(*self.options("submission"))
        text = json.dumps(found) + probe(*self.options("submission")).stdout
        self.assertNotRegex(text, r"mailwhy-probe-[0-9a-f]|AUTH PLAIN [A-Za-z0-9+/]{8}")

    def test_trusted(self):
        """A client of the server's own networks may send: nothing is refused there, nothing is sent, and that is no fault."""
        log = len(self.rig.postfix.log_text())
        status, found = probe_json(*self.options("trusting"))
        self.assertEqual((status, outcomes(found)["relay"]), (0, "not-refused"), found)
        self.assertNotIn("qmgr", self.rig.postfix.log_text()[log:])

    def test_hard_limit(self):
        """A 421 ends it: what could not be tried is said, and it is not good."""
        status, found = probe_json(*self.options("tired"))
        self.assertEqual(status, 1)
        self.assertIn(421, [step.get("code") for step in found["steps"]])
        self.assertEqual(found["steps"][4], {"step": "sign-in", "outcome": "not-tried", "why": "connection-ended", "sent": []})
        self.assertNotIn("fault", found)

    def test_other_log(self):
        """An event that is not in the log that was named is missing; a log that isn't there is said before anything is done."""
        with tempfile.NamedTemporaryFile() as empty:
            status, found = probe_json("--ca-file", self.authority.file, "--log", empty.name, f"127.0.0.1:{self.rig.postfix.ports['submission']}")
        self.assertEqual((status, found["explained"], found["in_log"]), (1, 5, 0))
        for option in ("--log", "--ca-file"):
            self.assertEqual(probe(option, "/nonexistent/file", "127.0.0.1").returncode, 66)

    def test_configured_log(self):
        """Without --log it is that of the configuration, as the server is this machine; one that cannot be read is said."""
        target = f"127.0.0.1:{self.rig.postfix.ports['submission']}"
        config = self.sandbox / "probe.conf"
        config.write_text(f'event_log = "{self.daemon.log}"\n')
        status, found = probe_json("--ca-file", self.authority.file, "--config", config, target)
        self.assertEqual((status, found["in_log"]), (0, 5))
        config.write_text('event_log = "/nonexistent/log"\n')
        done = probe("--ca-file", self.authority.file, "--config", config, target)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("not looked at", done.stdout)
        self.assertIn("not looked for", done.stdout)

    def test_certificates(self):
        """A certificate for another name, one that expired, one that nobody signed: each is said and ends it; --insecure goes on and says so."""
        for service, why in (("wrongname", "it is for other.test, another.test"), ("expired", "certificate has expired"),
                             ("selfsigned", "self-signed certificate")):
            with self.subTest(service):
                done = probe(*self.options(service))
                self.assertEqual(done.returncode, 76, done.stdout)
                self.assertIn("the certificate is not good", done.stdout)
                self.assertIn(why, done.stdout)
                self.assertIn("--tls-name", done.stdout)
                self.assertNotIn("Sent:", done.stdout)
                status, found = probe_json("--insecure", *self.options(service))
                self.assertEqual((status, found["certificate_good"]), (0, False), found)
                self.assertIn("WARNING", probe("--insecure", *self.options(service)).stdout)

    def test_certificate_names(self):
        """The name is HOST, or that of --tls-name; the system's authorities do not know ours."""
        target = self.options("submission")
        for name, status in (("mx.mailwhy.test", 0), ("127.0.0.1", 0), ("127.0.0.2", 76), ("mailwhy.test", 76)):
            with self.subTest(name):
                self.assertEqual(probe_json("--tls-name", name, *target)[0], status)
        self.assertEqual(probe_json("--ca-file", self.authority.file, f"localhost:{self.rig.postfix.ports['submission']}")[0], 0)
        status, found = probe_json(f"127.0.0.1:{self.rig.postfix.ports['submission']}")
        self.assertEqual(status, 76)
        self.assertIn("unable to get local issuer certificate", found["fault"])
        self.assertEqual(probe("--ca-file", "/dev/null", target[-1]).returncode, 76)


class WiredCyrus(Wired):
    kind = "cyrus"

    def test_cyrus(self):
        """The same with Cyrus SASL."""
        for options in (("--tls=auto", *self.options("submission")), ("--tls=implicit", *self.options("smtps"))):
            status, found = probe_json(*options)
            self.assertEqual(status, 0, found)
            self.assert_all_explained(found)


class Configured(unittest.TestCase):
    def test_styles(self):
        """Each style and each language of a server's is known, and what its configuration leaves out need not be explained."""
        with Sandbox() as sandbox:
            rig = Rig(sandbox, services={"smtp": {}}).start()
            plain = rig.daemon.config.read_text()
            options = ("--tls=none", "--config", rig.daemon.config, f"127.0.0.1:{rig.postfix.ports['smtp']}")
            for explain, labels in (('style = "inline"', "Reason, Fix, Ref"), ('style = "short"', "Reason, Ref"), ('style = "ref"', "Ref"),
                                    ('language = "de" help_url = "https://x.test/%code"', "Reason, Fix, Ref"),
                                    ('skip = {"500", "503", "554"}', None)):
                with self.subTest(explain):
                    rig.daemon.stop()
                    rig.daemon.config.write_text(f"{plain}\nexplain {{ {explain} }}\n")
                    rig.daemon.start()
                    done = probe(*options)
                    if labels:
                        self.assertEqual(done.returncode, 0, done.stdout)
                        self.assertEqual(done.stdout.count(f"yes ({labels})"), 4, done.stdout)
                    else:
                        self.assertEqual(done.returncode, 0, done.stdout)
                        self.assertEqual(done.stdout.count("nothing, as the configuration wants it"), 4, done.stdout)


class NotWired(unittest.TestCase):
    def test_not_wired(self):
        """Without mailwhyd nothing is explained: status 1, and what the catalogue says of each reply."""
        with Sandbox() as sandbox:
            authority = Authority(sandbox)
            rig = Rig(sandbox, wired=False, sasl="dovecot", settings=authority.issue("good", GOOD_NAMES))
            rig.postfix.start()
            options = ("--ca-file", authority.file, f"127.0.0.1:{rig.postfix.ports['submission']}")
            status, found = probe_json(*options)
            self.assertEqual((status, found["refused"], found["explained"]), (1, 5, 0), found)
            reasons = [step["catalogue"].get("reason") for step in found["steps"]]
            self.assertEqual(reasons[0], "command-unknown")
            self.assertEqual(reasons[3], "relay-denied")
            done = probe(*options)
            self.assertEqual(done.returncode, 1)
            self.assertIn("Explained:       no", re.sub(r"(Explained:) +", r"\1       ", done.stdout))
            self.assertIn("(relay-denied)", done.stdout)
            self.assertIn("Something is missing", done.stdout)


class Refused(unittest.TestCase):
    """What is not confirmed as one's own is left alone."""

    def test_public(self):
        """A public address is refused before anything is sent there."""
        for target in ("192.0.2.1", "203.0.113.1:587", "[2001:db8::1]:587", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0", "100.64.0.1"):
            with self.subTest(target):
                began = time.monotonic()
                done = probe("--timeout", "1", target)
                self.assertEqual(done.returncode, 64, done.stdout)
                self.assertIn("--yes-it-is-mine", done.stdout)
                self.assertNotIn("Probe of", done.stdout)
                self.assertLess(time.monotonic() - began, 10)

    def test_private(self):
        """Private addresses are taken: here nobody listens there."""
        port = free_ports(1)[0]
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"):
            with self.subTest(host):
                done = probe("--timeout", "2", f"{host}:{port}")
                self.assertEqual(done.returncode, 69, done.stdout)
                self.assertIn("no connection", done.stdout)

    def test_usage(self):
        """What is no server and what is no value is said."""
        for args in ((), ("a", "b"), ("",), (":25",), ("host:",), ("host:0",), ("host:65536",), ("host:1x",), ("[::1",), ("[::1]25",),
                     ("--timeout", "0", "x"), ("--auth-failures", "11", "x"), ("--auth-failures", "-1", "x"), ("--tls", "maybe", "x")):
            with self.subTest(args):
                self.assertEqual(probe(*args).returncode, 64)

    def test_no_such_host(self):
        """A name without an address."""
        done = probe("--timeout", "20", "mailwhy.invalid")
        self.assertEqual(done.returncode, 69, done.stdout)


class BadServer:
    """A server that follows a script: a function of its socket."""

    def __init__(self, script, address="127.0.0.1", port=0, tls=None):
        self.script, self.tls = script, tls
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family)
        self.port = self.listener.getsockname()[1]
        self.heard = b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            self.sock, _ = self.listener.accept()
            self.sock.settimeout(20)
            if self.tls:
                self.sock = self.tls.wrap_socket(self.sock, server_side=True)
            with self.sock:
                self.script(self)

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        """The next line that the client sends; "" at the end."""
        line = b""
        while not line.endswith(b"\n"):
            octet = self.sock.recv(1)
            if not octet:
                break
            line += octet
        self.heard += line
        return line

    def hello(self, *offers):
        self.send(b"220 bad.test ESMTP\r\n")
        self.line()
        lines = [b"bad.test", *offers]
        self.send(b"".join(b"250-%s\r\n" % line for line in lines[:-1]) + b"250 %s\r\n" % lines[-1])

    def rest(self, answers=b"500 5.5.2 no\r\n"):
        while line := self.line():
            if line.startswith(b"QUIT"):
                self.send(b"221 bye\r\n")
                break
            self.send(b"250 ok\r\n" if line.startswith((b"MAIL FROM", b"RSET")) else answers)

    def rest_silent(self):
        """Read until the client ends it."""
        while self.line():
            pass

    def close(self):
        self.listener.close()
        self.thread.join(20)


class Ports(unittest.TestCase):
    def test_ports(self):
        """Port 25 where none is named; 465 begins with TLS; 587 must have STARTTLS, 25 need not."""
        address = f"127.{os.getpid() % 250 + 1}.{time.monotonic_ns() % 250 + 1}.1"
        for port, operand, status, said in ((25, address, 1, ""), (465, f"{address}:465", 76, "TLS handshake"), (587, f"{address}:587", 76, "STARTTLS")):
            with self.subTest(port):
                server = BadServer(lambda s: (s.hello(), s.rest()), address, port)
                self.addCleanup(server.close)
                status_found, found = probe_json("--timeout", "20", operand)
                self.assertEqual((status_found, found["port"]), (status, port), found)
                self.assertIn(said, found.get("fault", ""))


class BadEncrypted(unittest.TestCase):
    """The same over TLS."""

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.authority = Authority(cls.sandbox)

    def play(self, script, timeout=20, names=GOOD_NAMES, insecure=False):
        files = self.authority.issue("bad", names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["smtpd_tls_cert_file"], files["smtpd_tls_key_file"])
        server = BadServer(script, tls=context)
        self.addCleanup(server.close)
        done = probe("--tls=implicit", "--timeout", timeout, "--ca-file", self.authority.file, *(["--insecure"] if insecure else []), f"127.0.0.1:{server.port}")
        self.assertNotRegex(done.stdout, r"[\x00-\x08\x0b-\x1f\x7f]")
        return done

    def test_bad(self):
        """Drops without a word, stalls, floods, sends what nobody asked for."""
        def flood(server):
            while True:
                server.send(b"220-more\r\n" * 100)

        def two(server):
            server.hello()
            server.line()
            server.send(b"500 no\r\n500 no\r\n")
            server.rest_silent()

        def drop(server):
            server.hello()
            server.line()
            socket.socket(fileno=os.dup(server.sock.fileno())).shutdown(socket.SHUT_RDWR)

        for script, status, said in ((lambda s: s.rest_silent(), 69, "did not answer within 2 seconds"), (lambda s: None, 69, "ended the connection"),
                                     (flood, 76, "the server's reply does not end"), (two, 76, "that nobody asked for"),
                                     (drop, 76, "ended the connection")):
            with self.subTest(said):
                done = self.play(script, 2 if "2 seconds" in said else 20)
                self.assertEqual(done.returncode, status, done.stdout)
                self.assertIn(said, done.stdout)

    def test_ended(self):
        """A 421 that comes by itself is shown, and ends it."""
        def script(server):
            server.hello()
            server.line()
            server.send(b"500 5.5.2 no\r\n")
            server.send(b"421 4.7.0 enough\r\n")
        done = self.play(script)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("421 4.7.0 enough", done.stdout)

    def test_hostile_certificate(self):
        """Names in a certificate do nothing to the terminal."""
        done = self.play(lambda s: s.rest_silent(), names="DNS:evil\x1b]0\x07.test")
        self.assertEqual(done.returncode, 76, done.stdout)
        self.assertIn("it is for evil\\x1b]0\\x07.test", done.stdout)
        done = self.play(lambda s: (s.hello(), s.rest()), names="DNS:evil\x1b]0\x07.test", insecure=True)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("evil\\x1b]0\\x07.test", done.stdout)


class Bad(unittest.TestCase):
    """Servers that do what none should: bounded, and said."""

    def play(self, script, *options, timeout=20):
        server = BadServer(script)
        self.addCleanup(server.close)
        began = time.monotonic()
        done = probe("--timeout", timeout, *options, f"127.0.0.1:{server.port}")
        self.assertLess(time.monotonic() - began, 50)
        self.assertNotRegex(done.stdout, r"[\x00-\x08\x0b-\x1f\x7f]|\u202e")
        return done, server

    def ends(self, script, status, said, *options):
        done, server = self.play(script, *options, timeout=2 if "2 seconds" in said else 20)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertIn(said, done.stdout)
        return server

    def test_greeting(self):
        """No greeting, a refusal, garbage, nothing at all."""
        self.ends(lambda s: s.rest_silent(), 69, "did not answer within 2 seconds")
        self.ends(lambda s: None, 69, "ended the connection")
        self.ends(lambda s: s.send(b"554 5.3.2 bad.test takes nothing\r\n"), 69, "554 5.3.2 bad.test takes nothing")
        self.ends(lambda s: s.send(b"421 4.3.2 later\r\n"), 69, "421 4.3.2 later")
        self.ends(lambda s: s.send(b"SSH-2.0-OpenSSH_9.2\r\n"), 76, "no SMTP reply: SSH-2.0-OpenSSH_9.2")
        self.ends(lambda s: s.send(b"\x16\x03\x01\x00\x02\x02\x28\n"), 76, "\\x16\\x03")
        self.ends(lambda s: s.send(b"\x1b]0;evil\x07\x1b[2J\xe2\x80\xae\n"), 76, "\\x1b]0;evil\\x07\\x1b[2J\\u202e")

    def test_endless(self):
        """A line without end, lines without end, more and more of it, one octet at a time."""
        def flood(data):
            def script(server):
                while True:
                    server.send(data)
            return script

        self.ends(flood(b"2" * 4096), 76, "a line of the server's reply does not end")
        self.ends(flood(b"220-more\r\n"), 76, "the server's reply does not end")
        self.ends(flood(b"220-" + b"x" * 4000 + b"\r\n"), 76, "the server's reply does not end")

        def trickle(server):
            for _ in range(100):
                server.send(b"2")
                time.sleep(0.1)
        self.ends(trickle, 76, "did not answer within 2 seconds")

    def test_drops(self):
        """The connection ends in the middle: what was done is shown, the rest was not tried."""
        def script(server):
            server.hello(b"8BITMIME")
            server.line()
            server.send(b"500 5.5.2 no\r\n")
            server.line()
        done, _ = self.play(script)
        self.assertEqual(done.returncode, 76, done.stdout)
        self.assertIn("500 5.5.2 no", done.stdout)
        self.assertIn("the connection was ended before", done.stdout)
        self.assertIn("the server ended the connection", done.stdout)

    def test_stalls(self):
        """No reply to a command."""
        def script(server):
            server.hello()
            server.line()
            server.rest_silent()
        self.ends(script, 76, "did not answer within 2 seconds")

    def test_nuls(self):
        """NULs, controls and what is not UTF-8 within replies."""
        def script(server):
            server.hello()
            server.rest(b"500-5.5.2 a\0b\x1b[31m\xff\r\n500 5.5.2 \xe2\x80\xaeend\r\r\n")
        done, _ = self.play(script)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("a\\x00b\\x1b[31m\\xff", done.stdout)
        server = BadServer(script)
        self.addCleanup(server.close)
        status, found = probe_json(f"127.0.0.1:{server.port}")
        self.assertEqual(status, 1)
        self.assertIn("a\0b\x1b[31m\xff", found["steps"][0]["reply"])

    def test_mixed_codes(self):
        """Lines of one reply with different codes are no reply."""
        def script(server):
            server.hello()
            server.line()
            server.send(b"500-a\r\n501 b\r\n")
            server.rest_silent()
        self.ends(script, 76, "no SMTP reply: 500-a\\x0d\\x0a501 b")

    def test_two_replies(self):
        """A reply that nobody asked for must not be taken for that to the next command."""
        def script(server):
            server.hello()
            server.line()
            server.send(b"500 no\r\n500 no\r\n")
            server.rest_silent()
        self.ends(script, 76, "a reply that nobody asked for: 500 no")

    def test_injection(self):
        """What is sent in clear together with the reply to STARTTLS is not taken for what came encrypted."""
        def script(server):
            server.hello(b"STARTTLS")
            server.line()
            server.send(b"220 go\r\n250 injected\r\n")
            server.rest_silent()
        self.ends(script, 76, "went on in clear")

    def test_no_tls(self):
        """Something else than TLS after STARTTLS, and nothing."""
        def script(data):
            def play(server):
                server.hello(b"STARTTLS")
                server.line()
                server.send(b"220 go\r\n")
                server.sock.recv(1000)
                server.send(data)
                if not data:
                    server.rest_silent()
            return play
        self.ends(script(b"250 hello\r\n"), 76, "the TLS handshake failed")
        self.ends(script(b""), 76, "did not answer within 2 seconds")
        self.ends(lambda s: (s.hello(b"STARTTLS"), s.line(), s.send(b"220 go\r\n")), 76, "ended the connection")
        self.ends(lambda s: (s.hello(b"STARTTLS"), s.line(), s.send(b"454 4.7.0 no\r\n"), s.line()), 76, "454 4.7.0 no")

    def test_takes_data(self):
        """A server that takes DATA without a recipient: no message is finished there, nothing more is said."""
        def script(server):
            server.hello()
            while line := server.line():
                server.send(b"354 go on\r\n" if line.startswith(b"DATA") else b"250 ok\r\n" if line.startswith(b"MAIL FROM") else b"500 5.5.2 no\r\n")
        done, server = self.play(script)
        self.assertEqual(done.returncode, 1, done.stdout)
        server.thread.join(10)
        self.assertTrue(server.heard.endswith(b"DATA\r\n"), server.heard)

    def test_takes_all(self):
        """One that accepts everything, any sign-in too, is not good."""
        def script(server):
            server.hello(b"AUTH PLAIN")
            while line := server.line():
                if line.startswith(b"QUIT"):
                    break
                server.send(b"235 2.7.0 welcome\r\n" if line.startswith(b"AUTH") else b"554 5.5.1 no\r\n" if line.startswith(b"DATA") else b"250 ok\r\n")
        done, server = self.play(script, "--plaintext-auth")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(server.heard.count(b"RSET"), 3)

    def test_echo(self):
        """A server that repeats what was made up: it is blotted out."""
        def script(server):
            server.hello(b"AUTH LOGIN")
            said = b""
            while line := server.line():
                if line.startswith(b"QUIT"):
                    break
                if line.startswith(b"AUTH"):
                    server.send(b"334 VXNlcm5hbWU6\r\n")
                    said = server.line().strip()
                    server.send(b"334 UGFzc3dvcmQ6\r\n")
                    said += b" " + server.line().strip()
                    server.send(b"535-5.7.8 not %s\r\n535 5.7.8 %s\r\n" % (said, b" ".join(map(base64.b64decode, said.split()))))
                else:
                    server.send(b"250 ok\r\n" if line.startswith((b"MAIL FROM", b"RSET")) else b"500 5.5.2 no\r\n")
        done, server = self.play(script, "--plaintext-auth")
        secrets = server.heard.split(b"AUTH LOGIN\r\n")[1].split(b"\r\n")[:2]
        self.assertIn("535-5.7.8 not ****", done.stdout)
        self.assertNotRegex(done.stdout, r"mailwhy-probe-[0-9a-f]")
        for secret in secrets:
            self.assertNotIn(secret.decode(), done.stdout)
            self.assertNotIn(base64.b64decode(secret).decode(), done.stdout)

    def test_ipv6(self):
        """An IPv6 address with a port."""
        server = BadServer(lambda s: (s.hello(), s.rest()), "::1")
        self.addCleanup(server.close)
        status, found = probe_json(f"[::1]:{server.port}")
        self.assertEqual((status, found["host"], found["address"], found["refused"]), (1, "::1", "::1", 4))
        self.assertRegex(server.heard.decode(), r"\AEHLO (\[IPv6:::1\]|[A-Za-z0-9.-]+\.[A-Za-z0-9-]+)\r\n")
        self.assertTrue(server.heard.endswith(b"QUIT\r\n"))

    def test_others_reference(self):
        """Words that only look like ours explain nothing."""
        def script(server):
            server.hello()
            server.rest(b"500-5.5.2 Reasonable: no\r\n500 5.5.2 Ref: 12345\r\n")
        done, _ = self.play(script)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("Reference:", done.stdout)


if __name__ == "__main__":
    unittest.main()
