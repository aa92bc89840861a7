"""The reply map by itself, against clients that are slow, silent or wrong. The others are served on meanwhile."""

import contextlib
import resource
import select
import time

from mailwhyd import Mailwhyd
from rig import Explained
from sandbox import Sandbox

REFUSAL = "554 5.7.1 <someone@elsewhere.test>: Relay access denied"
LIMIT = 15  # seconds; a request must be complete 10 s after its first octet
SILENT = 5000


class ReplyMap(Explained):
    @classmethod
    def setUpClass(cls):
        cls.raise_file_limit(SILENT + 500)
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)
        cls.daemon = Mailwhyd(cls.sandbox, cls.sandbox / "run").start()
        cls.addClassCleanup(cls.daemon.check_sanitizers)

    def setUp(self):
        self.addCleanup(self.daemon.check)

    @staticmethod
    def raise_file_limit(wanted):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise RuntimeError(f"these tests need {wanted} open files, and the limit is {hard}")

    def connect(self):
        reply_map = self.daemon.connect()
        self.addCleanup(reply_map.close)
        return reply_map

    def assert_serves(self, within=2.0):
        """Another client is answered, and soon."""
        began = time.monotonic()
        with self.daemon.connect() as other:
            status, value = other.request("4711", REFUSAL)
        self.assertEqual(status, "OK")
        self.assertIn(b"Reason: ", value)
        self.assertLess(time.monotonic() - began, within)

    def assert_closed_or_answered(self, reply_map, *statuses):
        """The server closes the connection, or answers with one of these statuses, within its limit. Others are served meanwhile."""
        end = time.monotonic() + LIMIT
        while not select.select([reply_map.sock], [], [], 1)[0]:
            self.assertLess(time.monotonic(), end, "neither closed nor answered")
            self.assert_serves()
        with contextlib.suppress(ConnectionResetError):
            answer = reply_map.read()
            if answer:
                self.assertIn(answer[0], statuses, answer)
        self.assert_serves()

    def test_status(self):
        """`status` answers with one line."""
        self.assertRegex(self.daemon.status(), r"\A[ -~]+\Z")

    def test_answers_in_order(self):
        """Requests that come many at once are answered in their order."""
        reply_map = self.connect()
        keys = [f"554 5.7.1 <{number}@elsewhere.test>: Relay access denied" for number in range(200)]
        reply_map.send(b"".join(reply_map.netstring(f"4711 {key}".encode()) for key in keys))
        refs = []
        for _ in keys:
            status, value = reply_map.read()
            self.assertEqual(status, "OK")
            refs.append(value.decode().partition("Ref: ")[2].split()[0])
        events = {event["ref"]: event["reply"] for event in self.daemon.events() if "ref" in event}
        self.assertEqual([events[ref] for ref in refs], keys)

    def test_wrong_length(self):
        """What is no netstring, or longer than it says; shorter is never finished, and below."""
        for sent in (b"5:4711 554 5.7.1 no,", b"3:abcd", b":x,", b"-1:x,", b"+3:abc,", b"007:1 554 x,", b"x:abc,",
                     b"3;abc,", b"0:,", b"99999999999999999999999999:x,"):
            with self.subTest(sent):
                reply_map = self.connect()
                reply_map.send(sent)
                self.assert_closed_or_answered(reply_map, "NOTFOUND", "PERM", "OK")

    def test_billion(self):
        """A netstring that announces 10^9 octets."""
        reply_map = self.connect()
        reply_map.send(b"1000000000:4711 554 5.7.1 x")
        self.assert_closed_or_answered(reply_map, "PERM", "NOTFOUND")

    def test_never_finished(self):
        """A request that stops in the middle, be it in its length or its text."""
        begun = (b"4", b"60:", b"60:4711 554 5.7.1 <x@els", b"60:4711 554 5.7.1 x,")
        half = [self.connect() for _ in begun]
        for reply_map, sent in zip(half, begun):
            reply_map.send(sent)
        for reply_map in half:
            self.assert_closed_or_answered(reply_map)

    def test_nul(self):
        """NULs in the key, in the map name, and instead of both."""
        for name, key in (("4711", "554 5.7.1 a\0b: Relay access denied\0"), ("47\0" "11", REFUSAL), ("\0", "\0\0\0"),
                          ("4711", "\0" + REFUSAL)):
            with self.subTest(key):
                reply_map = self.connect()
                reply_map.send(reply_map.netstring(f"{name} {key}".encode()))
                self.assert_closed_or_answered(reply_map, "OK", "NOTFOUND", "PERM")
        self.daemon.events()

    def test_long(self):
        """A request of 100,000 octets."""
        reply_map = self.connect()
        reply_map.send(reply_map.netstring(b"4711 554 5.7.1 <" + b"x" * 99_980 + b">: Relay access denied"))
        self.assert_closed_or_answered(reply_map, "OK", "NOTFOUND", "PERM")
        self.daemon.events()

    def test_map_name(self):
        """A map name that is no process: explained without a session, not found, or refused; always an answer."""
        for name in ("x", "-1", "0", "99999999999999999999", "4711@", "@host", "4711@other.example", "a@b@c", "$process_id", "ü"):
            with self.subTest(name):
                with self.daemon.connect() as reply_map:
                    status, value = reply_map.request(name, REFUSAL)
                self.assertIn(status, ("OK", "NOTFOUND", "PERM"))
                self.assertTrue(value or status != "OK")

    def test_key(self):
        """A key that is no refusal is not found."""
        for key in ("", " ", "hello", "55", "5541", "abc 5.7.1 x", "250 2.0.0 Ok", "354 go on", "999 x", "000 x", "554", "554-", "\r\n",
                    "554 \r\n", "554 a\r\n250 b"):
            with self.subTest(key):
                with self.daemon.connect() as reply_map:
                    status, value = reply_map.request("4711", key)
                self.assertIn(status, ("NOTFOUND",) if key[:1] not in ("5",) else ("NOTFOUND", "OK"))
                self.assertEqual(bool(value), status == "OK")

    def test_no_name(self):
        """A request without a key, or without anything."""
        for request in (b"4711", b"", b" ", b"status"):
            with self.subTest(request):
                reply_map = self.connect()
                reply_map.send(reply_map.netstring(request))
                self.assert_closed_or_answered(reply_map, "OK", "NOTFOUND", "PERM")

    def test_one_octet_a_second(self):
        """A client that sends one octet a second is closed within the limit, however busy it looks."""
        reply_map = self.connect()
        request = reply_map.netstring(b"4711 " + REFUSAL.encode() + b" " * 200)
        end = time.monotonic() + LIMIT
        for octet in request:
            self.assertLess(time.monotonic(), end, "not closed")
            try:
                reply_map.send(bytes([octet]))
            except (BrokenPipeError, ConnectionResetError):
                break
            if select.select([reply_map.sock], [], [], 1)[0]:
                break
            self.assert_serves()

    def test_reader_that_does_not_read(self):
        """A client that asks and asks and never reads its answers costs nobody else anything."""
        reply_map = self.connect()
        reply_map.sock.settimeout(1)
        request = reply_map.netstring(f"4711 {REFUSAL}".encode())
        with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            for _ in range(500):
                reply_map.send(request * 20)
        self.assert_serves()

    def test_silent_connections(self):
        """5,000 connections that say nothing, and then each its request: nobody is lost."""
        with contextlib.ExitStack() as held:
            silent = [held.enter_context(self.daemon.connect()) for _ in range(SILENT)]
            self.assert_serves()
            request = silent[0].netstring(f"4711 {REFUSAL}".encode())
            for reply_map in silent:
                reply_map.send(request)
            answered = sum(reply_map.read()[0] == "OK" for reply_map in silent)
            self.assertEqual(answered, SILENT)
        self.assert_serves()
