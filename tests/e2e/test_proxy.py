"""The milter proxy between a scripted MTA and a scripted milter: what no well-behaved one says, back-pressure, thousands of sessions."""

import contextlib
import hashlib
import pathlib
import random
import re
import resource
import shutil
import socket
import struct
import threading
import time
import unittest

from mailwhyd import BUILD, TREE, Mailwhyd
from milters import FakeMilter, FakeMta, Wire, connection, frame, go_on, macros, negotiation, strings
from sandbox import Sandbox, free_ports, wait_for

REFUSED = b"554 5.7.1 Spam message rejected\0"
REPLY = frame(b"y", REFUSED)
MANY = 2000


class ProxyTest(unittest.TestCase):
    """A mailwhyd that wraps what listens at `milter`; `catalog` and `log`: its own, where a test needs them."""

    catalog = log = None
    more = ""

    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.daemon = Mailwhyd(self.sandbox, "sockets", catalog=self.catalog, log=self.log,
                               more='wrap scripted { listen = "unix:DIRECTORY/wrapped" to = "unix:DIRECTORY/scripted" }\n' + self.more)
        self.daemon.start()
        self.addCleanup(self.daemon.check)
        self.wrapped, self.scripted = self.daemon.directory / "wrapped", self.daemon.directory / "scripted"

    def milter(self, script):
        milter = FakeMilter(self.scripted, script)
        self.addCleanup(milter.close)
        return milter

    def refusing(self, **answers):
        """A milter with these answers: {command: octets}; it goes on after any other."""
        return self.milter(lambda wire: go_on(wire, {command.encode(): octets for command, octets in answers.items()}))

    def mta(self):
        return self.enterContext(FakeMta(self.wrapped))

    def proxied(self):
        return self.daemon.count("proxied")

    def all_gone(self):
        wait_for("the end of the sessions", lambda: self.proxied() == 0, 20)

    def lines(self, answer):
        """The lines of a reply that is answered."""
        self.assertIsNotNone(answer)
        command, data = answer
        self.assertEqual((command, data[-1:], data.count(b"\0")), (b"y", b"\0", 1), answer)
        return data[:-1].decode().split("\r\n")

    def assert_explained(self, answer):
        """It is explained, and its event is in the log: the event."""
        lines = self.lines(answer)
        for line in lines[:-1]:
            self.assertEqual(line[:4], lines[-1][:3] + "-")
        self.assertEqual(lines[-1][3], " ")
        self.assertIn("Reason: ", "\n".join(lines))
        ref = re.search(r"Ref: ([0-9A-Z]{5}-[0-9A-Z]{5})", lines[-1])
        self.assertTrue(ref, lines)
        return self.daemon.event(ref.group(1))


class Protocol(ProxyTest):
    def test_octets(self):
        """Frames of all kinds and sizes, in pieces of any size: both ends get what the other sent, octet for octet."""
        rng = random.Random(4)
        commands = b"".join(frame(bytes([command]), rng.randbytes(rng.choice((0, 1, 5, 300, 70_000))))
                            for command in b"OCHDMRDRTLNBBUABEQ\x00\xff" for _ in range(3)) + struct.pack("!I", 0) + frame(b"D", b"M")
        answers = b"".join(frame(bytes([command]), rng.randbytes(size))
                           for command in b"Oc+-2ab4defhilmpqs\x00\xff" for size in (0, 1, 300, 70_000)) + struct.pack("!I", 0)
        # Refusals that are none: with data, without a reply's form, too long, and one that nobody asked for.
        answers += frame(b"r", b"x") + frame(b"t", b"xy") + frame(b"y") + frame(b"y", b"\0") + frame(b"y", b"550 x") + frame(b"y", b"250 x\0")
        answers += frame(b"y", b"550 " + b"x" * 100_000 + b"\0") + struct.pack("!I", 2**32 - 1) + b"y550 5.7.1 endless\0" + rng.randbytes(5000)
        commands += struct.pack("!I", 2**32 - 1) + b"Mendless" + rng.randbytes(5000)
        heard = []

        def script(wire):
            reader = threading.Thread(target=lambda: heard.append(wire.octets(len(commands))))
            reader.start()
            send_in_pieces(wire.sock, answers, random.Random(5))
            reader.join(30)

        self.milter(script)
        mta = self.mta()
        sender = threading.Thread(target=send_in_pieces, args=(mta.sock, commands, rng))
        sender.start()
        self.assertEqual(mta.octets(len(answers)), answers)
        sender.join(30)
        wait_for("what the milter heard", lambda: heard)
        self.assertEqual(heard[0], commands)
        mta.close()
        self.all_gone()
        self.assertEqual(self.daemon.events(), [])

    def test_in_pieces(self):
        """A session octet by octet is understood all the same, and so is the refusal."""
        def script(wire):
            while (asked := wire.read()) is not None:
                if asked[0] in b"CHMR":
                    for octet in REPLY if asked[0] == b"R" else frame(b"c"):
                        wire.send(bytes([octet]))
                        time.sleep(0.001)

        self.milter(script)
        mta = self.mta()
        for octet in macros(b"C", j="mx.mailwhy.test", v="Postfix 3.7.11", pid=77) + connection():
            mta.send(bytes([octet]))
        self.assertEqual(mta.read(), (b"c", b""))
        for octet in frame(b"M", strings("<a@elsewhere.test>")):
            mta.send(bytes([octet]))
        self.assertEqual(mta.read(), (b"c", b""))
        event = self.assert_explained(mta.rcpt("b@mailwhy.test", i="QUEUE1"))
        self.assertEqual({key: event[key] for key in ("sender", "recipient", "queue_id", "pid", "client_addr", "client_name", "via", "stage")},
                         {"sender": "a@elsewhere.test", "recipient": "b@mailwhy.test", "queue_id": "QUEUE1", "pid": 77,
                          "client_addr": "192.0.2.7", "client_name": "client.example.com", "via": "wrap:scripted", "stage": "rcpt"})

    def test_frame_by_frame(self):
        """What the MTA has not finished to say is kept back, but for a frame that is too long; what it has is not."""
        heard = []

        def script(wire):
            while octets := wire.sock.recv(1 << 20):
                heard.append(octets)

        self.milter(script)
        first, second, body = frame(b"H", b"client.test\0"), frame(b"L", b"Subject\0kept back\0"), frame(b"B", b"x" * 100_000)
        mta = self.mta()
        mta.send(first + second[:9])
        wait_for("the first frame", lambda: heard)
        mta.send(second[9:12])
        time.sleep(0.1)
        self.assertEqual(heard, [first])
        mta.send(second[12:])
        wait_for("the second frame", lambda: len(heard) > 1)
        self.assertEqual(heard[1:], [second])
        mta.send(body[:30_000])
        wait_for("what is too long to be kept", lambda: b"".join(heard[2:]) == body[:30_000])
        mta.send(body[30_000:-1])
        mta.close()
        wait_for("the rest, for nothing follows", lambda: b"".join(heard[2:]) == body[:-1])
        self.all_gone()

    def test_versions(self):
        """What MTA and milter negotiate passes through, whatever the version."""
        heard = []

        def script(wire):
            heard.append(wire.read())
            wire.send(frame(b"O", heard[-1][1][:4] + struct.pack("!II", 1, 2) + struct.pack("!I", 3) + strings("{own}")))

        self.milter(script)
        for version in range(2, 7):
            with FakeMta(self.wrapped) as mta:
                answer = mta.ask(negotiation(version, 0x3F, 0x7F))
                self.assertEqual(heard[-1], (b"O", struct.pack("!III", version, 0x3F, 0x7F)))
                self.assertEqual(answer, (b"O", struct.pack("!IIII", version, 1, 2, 3) + strings("{own}")))

    def test_refused_negotiation(self):
        """A milter that refuses to negotiate is not one that refuses mail."""
        self.milter(lambda wire: (wire.read(), wire.send(frame(b"r"))))
        self.assertEqual(self.mta().ask(negotiation()), (b"r", b""))
        self.assertEqual(self.daemon.events(), [])

    def test_next_session(self):
        """SMFIC_QUIT_NC: another session on the same connection, of which nothing of the first one is known."""
        self.refusing(R=REPLY)
        mta = self.mta().session(pid=11)
        mta.mail("first@elsewhere.test", auth_authen="joe", auth_type="PLAIN")
        first = self.assert_explained(mta.rcpt("a@mailwhy.test", i="QUEUE1"))
        mta.send(frame(b"K"))
        self.assertEqual(mta.ask(connection("other.example.com", "192.0.2.8", 1)), (b"c", b""))
        second = self.assert_explained(mta.rcpt("b@mailwhy.test"))
        self.assertEqual((first["sasl_user"], first["pid"], first["attempt"]), ("joe", 11, 1))
        for key in ("sasl_user", "sasl_method", "pid", "sender", "queue_id", "helo", "mta"):
            self.assertNotIn(key, second)
        self.assertEqual((second["client_addr"], second["client_name"], second["attempt"]), ("192.0.2.8", "other.example.com", 1))

    def test_refused_already(self):
        """What a milter says of a recipient that the MTA itself refuses does not reach the client: it stays as it is, and is no event."""
        self.refusing(R=REPLY)
        mta = self.mta().session()
        mta.mail("a@elsewhere.test")
        self.assertEqual(mta.rcpt("b@elsewhere.test", rcpt_mailer="error", rcpt_host="5.7.1", rcpt_addr="no"), (b"y", REFUSED))
        self.assertEqual(self.daemon.events(), [])
        self.assertEqual(self.assert_explained(mta.rcpt("c@mailwhy.test", rcpt_mailer="local"))["recipient"], "c@mailwhy.test")

    def test_process(self):
        """The process is the one of the session, whoever sends the message itself: on Postfix another one does."""
        self.refusing(E=REPLY)
        mta = self.mta().session(pid=4711)
        mta.mail("a@elsewhere.test")
        self.assertEqual(self.assert_explained(mta.ask(macros(b"E", pid=815, i="QUEUE1"), frame(b"E")))["pid"], 4711)

    def test_bare(self):
        """A bare refusal becomes the reply that the MTA would give by itself, explained; where Sendmail does more than to reply, it stays bare."""
        postfix, sendmail = "Postfix 3.7.11", "8.17.1.9/8.17.1.9"
        rows = ((postfix, b"C", b"r", "550-5.7.1 Command rejected"), (postfix, b"E", b"r", "550-5.7.1 Command rejected"),
                (postfix, b"M", b"t", "451-4.7.1 Service unavailable - try again later"), (sendmail, b"C", b"r", None),
                (sendmail, b"H", b"t", None), (sendmail, b"M", b"r", "550-5.7.1 Command rejected"),
                (sendmail, b"R", b"t", "451-4.3.2 Please try again later"), (sendmail, b"E", b"r", "554-5.7.1 Command rejected"))
        for mta_name, command, bare, first in rows:
            with self.subTest(f"{mta_name} {command} {bare}"), contextlib.closing(
                    FakeMilter(self.scripted, lambda wire, c=command, b=bare: go_on(wire, {c: frame(b)}))), FakeMta(self.wrapped) as mta:
                mta.ask(negotiation())
                before = len(self.daemon.events())
                mta.send(macros(b"C", j="mx.mailwhy.test", v=mta_name))
                data = connection()[5:] if command == b"C" else strings("<x@elsewhere.test>")
                answer = mta.ask(frame(command, data))
                new = self.daemon.events()[before:]
                self.assertEqual([event["reason"] for event in new], ["milter-no-reason" if bare == b"r" else "milter-unavailable"])
                if first:
                    self.assertEqual(self.lines(answer)[0], first)
                    self.assertEqual(self.assert_explained(answer), new[0])
                else:
                    self.assertEqual(answer, (bare, b""))
                    self.assertNotIn("ref", new[0])

    def test_doubled(self):
        """A '%' is doubled in the reply, and stands once in the event."""
        self.refusing(M=frame(b"y", b"554-5.7.1 100%% Spam\r\n554 5.7.1 %%s%%n\0"))
        answer = self.mta().session().mail("a@elsewhere.test")
        self.assertEqual(self.lines(answer)[:2], ["554-5.7.1 100%% Spam", "554-5.7.1 %%s%%n"])
        self.assertEqual(self.assert_explained(answer)["reply"], "554-5.7.1 100% Spam\r\n554 5.7.1 %s%n")


class Misbehaved(ProxyTest):
    def test_down(self):
        """No milter: the connection is closed at once."""
        for _ in range(3):
            with FakeMta(self.wrapped) as mta, contextlib.suppress(ConnectionError):
                self.assertIsNone(mta.ask(negotiation()))
        self.all_gone()

    def test_too_early(self):
        """A refusal that comes before anything was asked goes as it came."""
        def script(wire):
            wire.send(REPLY)
            go_on(wire)

        self.milter(script)
        mta = self.mta()
        self.assertEqual(mta.read(), (b"y", REFUSED))
        self.assertEqual(self.daemon.events(), [])
        self.assertEqual(mta.ask(negotiation())[0], b"O")

    def test_twice(self):
        """Of two answers to one command the second goes as it came."""
        self.refusing(M=REPLY + REPLY, R=frame(b"c") + REPLY)
        mta = self.mta().session()
        self.assert_explained(mta.mail("a@elsewhere.test"))
        self.assertEqual(mta.read(), (b"y", REFUSED))
        self.assertEqual(mta.rcpt("b@mailwhy.test"), (b"c", b""))
        self.assertEqual(mta.read(), (b"y", REFUSED))
        self.assertEqual(len(self.daemon.events()), 1)

    def test_progress(self):
        """Changes and signs of life before the answer do not take its turn."""
        self.refusing(E=frame(b"p") + frame(b"h", strings("X-A", "b")) + frame(b"p") + REPLY)
        mta = self.mta().session()
        mta.mail("a@elsewhere.test")
        self.assertEqual([mta.ask(frame(b"E"))[0], mta.read()[0], mta.read()[0]], [b"p", b"h", b"p"])
        self.assertEqual(self.assert_explained(mta.read())["stage"], "eom")

    def test_never(self):
        """A milter that never answers: the MTA waits as long as it likes, and when it goes, so does the session."""
        silent = threading.Event()
        self.addCleanup(silent.set)
        self.milter(lambda wire: silent.wait(60))
        mta = self.mta()
        mta.send(negotiation())
        mta.sock.settimeout(1)
        with self.assertRaises(TimeoutError):
            mta.read()
        self.assertEqual(self.proxied(), 1)
        mta.close()
        self.all_gone()

    def test_dies(self):
        """A milter that goes in the middle of an answer: the MTA gets that half, and the end."""
        self.milter(lambda wire: (wire.read(), wire.send(REPLY[:9])))
        mta = self.mta()
        mta.send(frame(b"M", strings("<a@elsewhere.test>")))
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(mta.octets(100), REPLY[:9])
        mta.close()
        self.all_gone()

    def test_garbage(self):
        """What is no milter at all is passed on until one of the two has enough."""
        self.milter(lambda wire: (wire.read(), wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
        mta = self.mta()
        mta.send(negotiation())
        self.assertEqual(mta.octets(200), b"HTTP/1.1 400 Bad Request\r\n\r\n")
        mta.close()
        self.all_gone()

    def test_vanishes(self):
        """An MTA that vanishes in mid-body: the milter gets what was sent, and the end."""
        heard = []
        self.milter(lambda wire: heard.append(hashlib.sha256(wire.octets(1 << 30)).digest()))
        body = frame(b"B", b"x" * 65535) * 20 + frame(b"B", b"y" * 65535)[:1000]
        mta = self.mta()
        mta.send(body)
        mta.close()
        wait_for("the end", lambda: heard)
        self.assertEqual(heard, [hashlib.sha256(body).digest()])
        self.all_gone()

    def test_half_closed(self):
        """An end that says no more is still answered, from either side."""
        def script(wire):
            asked = wire.octets(1 << 20)
            wire.send(b"%d" % len(asked), REPLY)

        self.milter(script)
        mta = self.mta()
        mta.send(frame(b"B", b"x" * 500))
        mta.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(mta.octets(100), b"505" + REPLY)
        mta.close()
        self.all_gone()

    def test_half_closed_by_the_milter(self):
        """The other way round."""
        heard = []

        def script(wire):
            wire.send(frame(b"c"))
            wire.sock.shutdown(socket.SHUT_WR)
            heard.append(wire.octets(1 << 20))

        self.milter(script)
        mta = self.mta()
        self.assertEqual(mta.octets(100), frame(b"c"))
        mta.send(frame(b"B", b"x"))
        mta.close()
        wait_for("what the milter heard", lambda: heard)
        self.assertEqual(heard, [frame(b"B", b"x")])
        self.all_gone()

    def test_terminated(self):
        """SIGTERM in the middle of sessions: status 0, no socket left, and each MTA sees the end."""
        self.refusing()
        sessions = [self.mta().session() for _ in range(5)]
        self.assertEqual(self.daemon.stop(), 0, self.daemon.complaints())
        for mta in sessions:
            with contextlib.suppress(ConnectionResetError):
                self.assertIsNone(mta.read())
        self.assertEqual([path.name for path in self.daemon.directory.iterdir()], ["scripted"])
        self.daemon.start()


class OverTcp(ProxyTest):
    def setUp(self):
        self.listen, self.to = free_ports(2)
        self.more = f'wrap tcp {{ listen = "inet:{self.listen}@127.0.0.1" to = "inet:{self.to}@localhost" }}'
        super().setUp()

    def serve(self, script):
        self.addCleanup(FakeMilter(self.to, script).close)

    def mta(self):
        return self.enterContext(FakeMta(self.listen))

    def test_down(self):
        """No milter: the connection is closed at once."""
        with contextlib.suppress(ConnectionError):
            self.assertIsNone(self.mta().ask(negotiation()))
        self.all_gone()

    def test_refused(self):
        """A refusal is explained, under the name of that milter, and without delay."""
        self.serve(lambda wire: go_on(wire, {b"R": REPLY}))
        began = time.monotonic()
        for number in range(20):
            mta = self.mta().session(pid=100 + number)
            mta.mail(f"sender{number}@elsewhere.test")
            event = self.assert_explained(mta.rcpt("b@mailwhy.test"))
            self.assertEqual((event["via"], event["sender"], event["pid"]), ("wrap:tcp", f"sender{number}@elsewhere.test", 100 + number))
            mta.close()
        self.assertLess(time.monotonic() - began, 20 * 3 * 0.04)  # what Nagle's algorithm would take
        self.all_gone()

    def test_much(self):
        """Megabytes both ways; an end that says no more is answered."""
        body = random.Random(6).randbytes(5 << 20)

        def script(wire):
            wire.send(wire.octets(1 << 30))

        self.serve(script)
        mta = self.mta()
        send_in_pieces(mta.sock, body, random.Random(7))
        mta.sock.shutdown(socket.SHUT_WR)
        self.assertEqual(hashlib.sha256(mta.octets(1 << 30)).digest(), hashlib.sha256(body).digest())
        mta.close()
        self.all_gone()

    def test_vanishes(self):
        """An MTA that is reset in mid-body leaves nothing behind, and the milter sees an end."""
        heard = []

        def script(wire):
            try:
                heard.append(len(wire.octets(1 << 30)))
            except ConnectionError:
                heard.append(-1)

        self.serve(script)
        mta = self.mta()
        mta.send(frame(b"B", b"x" * 65535))
        mta.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
        mta.close()
        wait_for("the end", lambda: heard)
        self.all_gone()


class Pressure(ProxyTest):
    def resident(self):
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text()).group(1))

    def assert_held_up(self, send):
        """The sender is held up before it has sent all, and mailwhyd keeps little of it. How much went."""
        before, sent = self.resident(), 0
        piece = frame(b"B", b"x" * 65535)
        send.sock.settimeout(1)
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                sent += send.sock.send(piece[sent % len(piece):])
        self.assertLess(sent, 4 << 20)
        self.assertLess(self.resident() - before, 16 << 20)  # the sanitizers' shadow counts
        return sent

    def test_slow_milter(self):
        """A milter that does not read holds up its MTA, and nobody else; when it reads it gets all."""
        wait, heard = threading.Event(), []
        self.addCleanup(wait.set)

        def script(wire):
            command, _ = wire.read()
            if command == b"B":
                wait.wait(60)
                heard.append(len(wire.octets(1 << 30)))
            else:
                wire.send(negotiation())

        self.milter(script)
        slow = self.mta()
        sent = self.assert_held_up(slow)
        self.assertEqual(self.mta().ask(negotiation())[0], b"O")
        wait.set()
        slow.close()
        wait_for("what the milter heard", lambda: heard)
        self.assertEqual(heard, [sent - 5 - 65535])

    def test_slow_mta(self):
        """The other way round."""
        sent = []

        def script(wire):
            wire.read()
            sent.append(self.assert_held_up(wire))

        milter = self.milter(script)
        mta = self.mta()
        mta.send(negotiation())
        wait_for("a milter that is held up", lambda: sent or milter.faults)
        self.assertEqual(milter.faults, [])
        self.assertEqual(len(mta.octets(1 << 30)), sent[0])


class Many(ProxyTest):
    def setUp(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        super().setUp()

    def each(self, sessions, *parts):
        """Say the parts in each session, then read all the answers."""
        for number, mta in enumerate(sessions):
            mta.send(*(part(number) for part in parts))
        return [mta.read() for mta in sessions]

    def test_thousands(self):
        """2,000 sessions at once: none is lost, none is mixed up with another; each event has its own sender, client and recipient."""
        def script(wire):
            sender = b"?"
            while (asked := wire.read()) is not None:
                command, data = asked
                if command == b"M":
                    sender = data.split(b"\0")[0].strip(b"<>")
                if command == b"R":
                    wire.send(frame(b"y", b"554 5.7.1 Spam message rejected: " + sender + b"\0"))
                elif command not in b"DAQ":
                    wire.send(frame(b"c"))

        threading.stack_size(256 * 1024)
        self.addCleanup(threading.stack_size, 0)
        self.milter(script)
        sessions = [self.mta() for _ in range(MANY)]
        answers = self.each(sessions, lambda n: macros(b"C", pid=10_000 + n, v="Postfix 3.7.11", j="mx.mailwhy.test"),
                            lambda n: connection(f"c{n}.example.com", f"10.1.{n // 250}.{n % 250}"))
        self.assertEqual({answer for answer in answers}, {(b"c", b"")})
        self.assertEqual(self.proxied(), MANY)
        self.assertEqual(set(self.each(sessions, lambda n: frame(b"M", strings(f"<sender{n}@elsewhere.test>")))), {(b"c", b"")})
        refused = self.each(sessions, lambda n: macros(b"R", i=f"Q{n}"), lambda n: frame(b"R", strings(f"<to{n}@mailwhy.test>")))
        events = {event["ref"]: event for event in self.daemon.events()}
        self.assertEqual(len(events), MANY)
        for number, answer in enumerate(refused):
            lines = self.lines(answer)
            self.assertEqual(lines[0], f"554-5.7.1 Spam message rejected: sender{number}@elsewhere.test")
            event = events.pop(re.search(r"Ref: (\S+)", lines[-1]).group(1))
            self.assertEqual((event["sender"], event["recipient"], event["queue_id"], event["pid"], event["client_addr"], event["client_name"]),
                             (f"sender{number}@elsewhere.test", f"to{number}@mailwhy.test", f"Q{number}", 10_000 + number,
                              f"10.1.{number // 250}.{number % 250}", f"c{number}.example.com"))
            self.assertEqual(event["reply"], f"554 5.7.1 Spam message rejected: sender{number}@elsewhere.test")
        for mta in sessions:
            mta.close()
        self.all_gone()

    def test_few_files(self):
        """With few files to open, sessions beyond what they allow wait for their turn, and each gets it."""
        self.refusing()
        self.daemon.stop()
        self.daemon.process = self.sandbox.spawn(["prlimit", "--nofile=150:150", BUILD / "mailwhyd", "-c", self.daemon.config], self.daemon.output)
        wait_for("mailwhyd", self.daemon.answers, 20)
        waiting = [self.mta() for _ in range(60)]
        for mta in waiting:
            mta.send(negotiation())
        wait_for("as many sessions as it serves at once", lambda: self.proxied() == 25)
        for mta in waiting:
            self.assertEqual(mta.read()[0], b"O")
            mta.close()
        self.all_gone()

    def test_full_backlog(self):
        """A milter with a short backlog, to which many connect at once: those that find no room wait for it, and none is turned away."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.scripted))
        listener.listen(1)
        sessions = [self.mta() for _ in range(40)]
        for mta in sessions:
            mta.send(negotiation())
        time.sleep(0.6)
        for _ in sessions:
            sock, _ = listener.accept()
            with Wire(sock) as wire:
                wire.read()
                wire.send(negotiation())
        self.assertEqual([mta.read()[0] for mta in sessions], [b"O"] * len(sessions))

    def test_gives_up_waiting(self):
        """One that goes while it waits for the milter leaves nothing behind."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.scripted))
        listener.listen(0)
        for mta in [FakeMta(self.wrapped) for _ in range(10)]:
            mta.send(negotiation())
            mta.close()
        wait_for("the end of those that wait", lambda: self.proxied() <= 2)


class Faults(ProxyTest):
    log = pathlib.Path("/dev/full")

    def test_no_log(self):
        """An event that cannot be written: the reply has reason and fix, and no reference."""
        self.refusing(M=REPLY)
        lines = self.lines(self.mta().session().mail("a@elsewhere.test"))
        self.assertIn("Reason: ", lines[1])
        self.assertNotIn("Ref:", "\n".join(lines))


class NewCatalogue(ProxyTest):
    def setUp(self):
        self.copy = self.enterContext(Sandbox())
        self.catalog = self.copy / "catalog"
        shutil.copytree(TREE / "conf" / "catalog", self.catalog)
        super().setUp()

    def test_reload(self):
        """A session keeps the catalogue it began with; the next one has the new one."""
        self.refusing(M=REPLY)
        begun = self.mta().session()
        before = self.lines(begun.mail("a@elsewhere.test"))[1]
        path = self.catalog / "text" / "en.conf"
        text, count = re.subn(r"(\nreason spam-rejected \{(?:\n .*)*?\n +reason +=) .*", r'\1 "Quite another text."', path.read_text())
        self.assertEqual(count, 1)
        path.write_text(text)
        self.daemon.hup()

        def is_new():
            with FakeMta(self.wrapped) as mta:
                return self.lines(mta.session().mail("a@elsewhere.test"))[1] == "554-5.7.1 Reason: Quite another text."

        wait_for("the new text", is_new)
        self.assertEqual(self.lines(begun.mail("a@elsewhere.test"))[1], before)


def send_in_pieces(sock, octets, rng):
    """Send octets in pieces of many sizes."""
    at = 0
    while at < len(octets):
        size = rng.choice((1, 2, 3, 4, 5, 7, 100, 5000, 100_000))
        sock.sendall(octets[at:at + size])
        at += size
