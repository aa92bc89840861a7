"""Names are masked, or replaced by tokens, wherever mailwhyd writes; and what was written so is found all the same."""

import hashlib
import hmac
import json
import os
import pwd
import re
import stat
import threading

from mailwhyd import BUILD, mailwhy
from mta import ELSEWHERE, MAILBOX
from rig import Rig, RigTest
from sandbox import Sandbox, free_ports, run, wait_for
from sasl import PASSWORD, USER, WRONG
from smtp import b64
from test_metrics import fetch
from test_service import ServiceTest
from test_watch import Watcher

STRANGER = "dora.stranger@elsewhere.test"
# What must not be read anywhere: the names of our sessions, also without their domain, and encoded.
NAMES = [STRANGER, "dora.stranger", ELSEWHERE, "someone", USER, USER.split("@")[0], MAILBOX, "unknown.person", "unknown-person", "gwendolyn"]
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def token(key, name):
    """The token as mailwhy.conf(5) says, by another program."""
    bits = int.from_bytes(hmac.new(key, name.lower().encode(), hashlib.sha256).digest()[:8], "big")
    return ("a-" if "@" in name else "u-") + "".join(ALPHABET[bits >> (59 - 5 * i) & 31] for i in range(12))


class Hidden(RigTest):
    """Sessions of each kind, with names everywhere. The classes below say how they are hidden."""

    how = None

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.key = cls.sandbox.path / "keys" / "privacy.key"
        cls.rig = Rig(cls.sandbox, sasl="dovecot", user="nobody", more=f"""
            privacy {{ user = "{cls.how}" address = "{cls.how}" key_file = "{cls.key}" }} log += {{"accepted"}}
            {cls.more()}""", settings={
                "header_checks": "regexp:{{/^Subject: (.*)/ REJECT not to be sent: $$1}}",
                "smtpd_sender_login_maps": f"inline:{{ {{ {STRANGER} = gwendolyn }}, {{ {USER} = {USER} }} }}",
                "smtpd_sender_restrictions": "reject_authenticated_sender_login_mismatch",
                "local_recipient_maps": "inline:{ { root = x } }",
                "mydestination": "host.mailwhy.test",
                "myorigin": "host.mailwhy.test",
                "smtpd_helo_restrictions": "check_helo_access inline:{ { bad.helo.test = REJECT } }",
            })
        cls.daemon = cls.rig.daemon
        cls.logger = cls.daemon.own_syslog()
        cls.heard = []
        threading.Thread(target=cls.listen, daemon=True).start()
        cls.rig.start()
        cls.addClassCleanup(cls.daemon.check_sanitizers)
        cls.replies = cls.play()

    @classmethod
    def more(cls):
        cls.port, = free_ports(1)
        return f'metrics {{ listen = "127.0.0.1:{cls.port}" }}'

    @classmethod
    def listen(cls):
        try:
            while True:
                try:
                    cls.heard.append(cls.logger.recv(65536).decode("ascii"))
                except TimeoutError:
                    pass
        except OSError:
            pass

    @classmethod
    def play(cls):
        """What is refused, by what it is."""
        replies = {}

        def session(service, helo="client.test"):
            client = cls.rig.client(service, helo)
            cls.addClassCleanup(client.close)
            return client

        mail = f"MAIL FROM:<{STRANGER}>"
        replies["failed AUTH"] = session("submission").auth_plain(USER, WRONG)
        replies["AUTH broken off"] = session("submission").play("AUTH LOGIN", b64(USER), "*")
        replies["relay denied"] = session("smtp").play(mail, f"RCPT TO:<{ELSEWHERE}>")
        replies["unknown recipient"] = session("smtp").play(mail, "RCPT TO:<unknown.person@mailwhy.test>")
        replies["unknown, without a domain"] = session("smtp").play(mail, "RCPT TO:<unknown-person@host.mailwhy.test>")
        replies["recipient's syntax"] = session("smtp").play(mail, f"RCPT TO:<{STRANGER}")
        replies["VRFY"] = session("smtp").say("VRFY unknown-person")
        replies["VRFY, an address"] = session("smtp").say("VRFY unknown.person@mailwhy.test")
        replies["header"] = session("smtp").message(
            STRANGER, MAILBOX, f"Subject: {USER} and http://x.test/?id={STRANGER.replace('@', '%40')};a=1\r\n\r\nhello\r\n")
        replies["HELO"] = session("smtp", "bad.helo.test").play(mail, f"RCPT TO:<{MAILBOX}>")
        signed_in = session("submission", f"{USER.split('@')[0]}.laptop.test")
        signed_in.auth_plain(USER, PASSWORD)
        replies["not the owner"] = signed_in.play(mail, f"RCPT TO:<{ELSEWHERE}>")
        signed_in.say("RSET")
        replies["signed in"] = signed_in.play(f"MAIL FROM:<{USER}>", "RCPT TO:<unknown.person@mailwhy.test>")
        signed_in.say("RSET")
        replies["taken"] = signed_in.message(USER, MAILBOX, "\r\nhello\r\n")
        return replies

    def written(self):
        """All that mailwhyd writes, by where."""
        last = self.daemon.events()[-1]["ts"]
        wait_for("the last event in syslog", lambda: any(f"ts={last}" in line for line in self.heard))
        return {"event log": self.daemon.log.read_text(), "syslog": "\n".join(self.heard), "stderr": self.daemon.complaints(),
                "metrics": fetch(self.port)[2]}

    def event_of(self, name):
        return self.daemon.event(self.replies[name].ref)

    def test_no_name(self):
        """No name of a session is in anything that is written."""
        for where, text in self.written().items():
            for name in NAMES:
                place = text.lower().find(name.lower())
                self.assertEqual(place, -1, f"{name} is in {where}: {text[max(0, place - 200):place + 100]}")
        self.assertIn("mailwhy.test", self.daemon.log.read_text(), "hosts stay")

    def test_all_there(self):
        """Each of these was refused for its reason, the client was told it by its name, and the event tells the host."""
        reasons = {"failed AUTH": "auth-bad-credentials", "relay denied": "relay-denied", "unknown recipient": "rcpt-unknown",
                   "unknown, without a domain": "rcpt-unknown", "VRFY": "rcpt-unknown", "not the owner": "sender-not-owned", "signed in": "rcpt-unknown"}
        for name, reply in self.replies.items():
            with self.subTest(name):
                if name == "taken":
                    self.assertEqual(reply.code, 250)
                    continue
                event = self.daemon.event(self.assert_explained(reply, reply.code))
                self.assertEqual(event.get("reason"), reasons.get(name, event.get("reason")))
                self.assertEqual((event["client_addr"], event["code"]), ("127.0.0.1", reply.code))
        self.assertIn(ELSEWHERE, self.replies["relay denied"].lines[0])
        self.assertIn(USER, self.replies["header"].lines[0])
        self.assertEqual(self.event_of("HELO")["reply"], self.replies["HELO"].original)

    def found(self, *options, check=True):
        return mailwhy("ref", "--config", self.daemon.config, "--json", *options, check=check)

    def refs(self, *options):
        return set(re.findall(r'"ref":"([^"]*)"', self.found(*options).stdout))

    def test_found_by_user(self):
        """The events of a user are found by his name in any case, and so are those of a sender and a recipient."""
        self.assertEqual(self.refs("--user", USER.upper(), "--since", "1h"), {self.replies[name].ref for name in ("not the owner", "signed in")})
        self.assertIn('"code":235', self.found("--user", USER).stdout)
        self.assertIn(self.replies["relay denied"].ref, self.refs("--recipient", ELSEWHERE))
        self.assertIn(self.replies["relay denied"].ref, self.refs("--sender", STRANGER, "--reason", "relay-denied"))
        self.assertEqual(self.found("--user", "somebody.else@mailwhy.test", check=False).returncode, 1)
        self.assertEqual(self.found("--user", USER, "--since", "2099-01-01", check=False).returncode, 1)
        listed = mailwhy("ref", "--config", self.daemon.config, "--user", USER).stdout
        self.assertIn(self.replies["signed in"].ref, listed)
        self.assertIn("sender-not-owned", listed)

    def watched(self, count, *options, **changes):
        """The first so many lines that watch shows of the log, and it shows no more."""
        watcher = Watcher("--config", self.daemon.config, "--since", "1h", *options, **changes)
        try:
            lines = watcher.wait(count)
        finally:
            watcher.end()
        self.assertEqual(len(watcher.lines), count, watcher.text)
        return lines

    def assert_hidden(self, text):
        for name in NAMES:
            self.assertNotIn(name.lower(), text.lower())

    def test_watch(self):
        """watch takes whom one asks for by his name, in any case, and as the log has him; what it shows has the hidden name alone."""
        signed_in = self.event_of("signed in")
        of_user = [event for event in self.daemon.events() if event.get("sasl_user") == signed_in["sasl_user"]]
        self.assertGreater(len(of_user), 3)
        for name in (USER, USER.upper(), signed_in["sasl_user"]):
            lines = self.watched(len(of_user), "--user", name)
            self.assertTrue(all(f"user={signed_in['sasl_user']}" in line for line in lines), lines)
            self.assert_hidden("\n".join(lines))
        sent = [event for event in self.daemon.events() if event.get("sender") == self.event_of("relay denied")["sender"]]
        asked = self.watched(len(sent), "--sender", STRANGER, "--json")
        self.assertEqual([json.loads(line) for line in asked], sent)
        explained = "\n".join(self.watched(6, "--recipient", ELSEWHERE, "--reason", "relay-denied", "--explain", COLUMNS="80"))
        self.assertIn(self.replies["relay denied"].ref, explained)
        self.assert_hidden(explained)

    def test_ref(self):
        """ref shows an event with its session, explained, and the hidden names alone."""
        event = self.event_of("signed in")
        shown = mailwhy("ref", "--config", self.daemon.config, event["ref"]).stdout
        for part in (event["sasl_user"], event["sender"], event["recipient"], event["reply"].split(": ")[-1]):
            self.assertIn(part, shown)
        self.assert_hidden(shown)
        whole = json.loads(self.found(event["ref"]).stdout)
        self.assertEqual([part.get("reason") for part in whole["session"] if part["code"] >= 400], ["sender-not-owned", "rcpt-unknown"])
        self.assert_hidden(json.dumps(whole))

    def test_review(self):
        """review counts by the hidden name as by the plain one."""
        seen = mailwhy("review", "--config", self.daemon.config, "--json", "--by", "sender", "--sender", STRANGER).stdout
        self.assertIn(self.event_of("relay denied")["sender"], seen)
        count = len([event for event in self.daemon.events() if event.get("sender") == self.event_of("relay denied")["sender"] and event["code"] >= 400])
        self.assertRegex(seen, rf'"refused":{count}\b')
        self.assertGreater(count, 4)


class Mask(Hidden):
    how = "mask"

    def test_form(self):
        """The mask has the first letter and the domain; no key is made."""
        event = self.event_of("relay denied")
        self.assert_event(event, sender="d***@elsewhere.test", recipient="s***@elsewhere.test",
                          reply="554 5.7.1 <s***@elsewhere.test>: Relay access denied")
        self.assertEqual(self.event_of("VRFY")["reply"].split(":")[0], "550 5.1.1 <u***>")
        self.assertFalse(self.key.exists())


class Token(Hidden):
    how = "hmac"

    def test_form(self):
        """The token is that of the key in the file, which was made for the daemon's user alone."""
        made = self.key.stat()
        self.assertEqual((made.st_uid, stat.S_IMODE(made.st_mode)), (pwd.getpwnam("nobody").pw_uid, 0o600))
        key = bytes.fromhex(self.key.read_text())
        event = self.event_of("relay denied")
        self.assert_event(event, sender=token(key, STRANGER), recipient=token(key, ELSEWHERE),
                          reply=f"554 5.7.1 <{token(key, ELSEWHERE)}>: Relay access denied")
        self.assert_event(self.event_of("signed in"), sasl_user=token(key, USER), sender=token(key, USER))
        self.assertIn(token(key, "unknown-person"), self.event_of("VRFY")["reply"])

    def test_not_without_the_key(self):
        """One who may not read the key is told so, and finds no name."""
        copy = self.sandbox.path / "unreadable.conf"
        copy.write_text(self.daemon.config.read_text().replace(str(self.key), f"{self.key}.none"))
        found = mailwhy("ref", "--config", copy, "--user", USER, check=False)
        self.assertEqual(found.returncode, 1)
        self.assertIn(f"{self.key}.none: the key cannot be read", found.stdout)


class Key(ServiceTest):
    """The key's file."""

    def setUp(self):
        super().setUp()
        self.path = self.sandbox.path / "privacy.key"
        self.service = self.daemon(more=f'privacy {{ address = "hmac" key_file = "{self.path}" }}')

    def recipient(self):
        """What a recipient is written as now."""
        with self.service.connect() as reply_map:
            self.assertEqual(reply_map.request("1", f"554 5.7.1 <{ELSEWHERE}>: Relay access denied")[0], "OK")
        return re.search("<(.*)>", self.service.events()[-1]["reply"]).group(1)

    def ended(self, *options):
        return run(BUILD / "mailwhyd", "-c", self.service.config, *options, check=False, timeout=20)

    def test_read_again(self):
        """A new key counts from SIGHUP on; one that is bad does not, and is said."""
        self.service.start()
        first = self.recipient()
        self.assertEqual(first, token(bytes.fromhex(self.path.read_text()), ELSEWHERE))
        self.path.write_text("00" * 32 + "\n")
        self.assertEqual(self.recipient(), first)
        self.service.hup()
        second = wait_for("the new key", lambda: (now := self.recipient()) != first and now)
        self.assertEqual(second, token(bytes(32), ELSEWHERE))
        for spoil, said in ((lambda: self.path.chmod(0o640), "mode 0640"), (lambda: self.path.write_text("nonsense"), "hexadecimal"), (self.path.unlink, "No such file")):
            spoil()
            self.service.hup()
            wait_for(said, lambda said=said: said in self.service.complaints())
            self.assertEqual(self.recipient(), second)
            if self.path.exists():
                self.path.chmod(0o600)
        self.assertEqual(self.service.stop(), 0)

    def test_bad_at_the_start(self):
        """A key that others can read, or that is none, is a fault of -t (78) and of the start (69), which say what to do."""
        for text, mode, said in (("11" * 32, 0o644, "chmod 600"), ("11" * 32, 0o640, "mode 0640"), ("11" * 31, 0o600, "64 hexadecimal digits"), ("", 0o600, "64 hexadecimal")):
            with self.subTest(said):
                self.path.write_text(text)
                self.path.chmod(mode)
                tested, started = self.ended("-t"), self.ended()
                self.assertEqual((tested.returncode, started.returncode), (78, 69))
                self.assertIn(said, tested.stdout)
                self.assertIn(f"{self.service.config}:0: privacy: {self.path}", tested.stdout)
                self.assertIn(said, started.stdout)
                self.assertNotIn("11" * 31, tested.stdout + started.stdout)
        self.assertEqual(os.listdir(self.service.directory), [])

    def test_missing(self):
        """-t makes no key; the start does, whole, with its folder, and leaves one that is there alone."""
        self.assertEqual(self.ended("-t").returncode, 0)
        self.assertFalse(self.path.exists())
        self.service.start()
        made = self.path.read_text()
        self.assertRegex(made, r"\A[0-9a-f]{64}\n\Z")
        self.assertIn("a new key was made", self.service.complaints())
        self.assertEqual(self.service.stop(), 0)
        self.service.start()
        self.assertEqual(self.path.read_text(), made)
        self.assertEqual([name for name in os.listdir(self.sandbox.path) if "privacy.key" in name], ["privacy.key"])

    def test_nowhere_to_make_it(self):
        """Where no key can be made, or the user cannot read it then, the start fails, and says so; -t says so before."""
        config, folder = self.service.config.read_text(), self.sandbox.directory("roots")
        for path in (folder, folder / "closed"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755 if path == folder else 0o700)
        (folder / "key").write_text("11" * 32)
        (folder / "key").chmod(0o600)
        root, nobody = [], ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        for path, user, who, said in (("/proc/no/such/place", "", root, "made"), (folder / "missing" / "too" / "key", "", root, "made"),
                                      (folder / "key", "nobody", root, "read"), (folder / "closed" / "key", "nobody", root, "read"),
                                      (folder / "new", "", nobody, "made"), (folder / "missing" / "key", "", nobody, "made")):
            with self.subTest(path=path, who=who):
                self.service.config.write_text(config.replace(str(self.path), str(path)).replace('user = ""', f'user = "{user}"', 1))
                tested, started = (run(*who, BUILD / "mailwhyd", "-c", self.service.config, *options, check=False, timeout=20) for options in (("-t",), ()))
                self.assertEqual(tested.returncode, 78, tested.stdout)
                self.assertIn(f"{self.service.config}:0: privacy: {path}: the key cannot be {said}", tested.stdout)
                self.assertEqual(started.returncode, 69)
                if not who:
                    self.assertIn(f"{path}: the key cannot be {said}", started.stdout)
        self.assertEqual(sorted(os.listdir(folder)), ["closed", "key"])


del Hidden  # it is no test by itself
