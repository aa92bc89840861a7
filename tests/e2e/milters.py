"""Other milters, the milter protocol, and both of its ends scripted: an MTA and a milter that say what no well-behaved one would."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import struct
import threading

from sandbox import wait_for

ACTIONS, STEPS = 0x1FF, 0x1FFFFF  # all that Postfix offers
HERE = pathlib.Path(__file__).resolve().parent


def strings(*texts):
    return b"".join(text.encode() + b"\0" for text in texts)


def frame(command, data=b""):
    return struct.pack("!I", len(data) + 1) + command + data


def negotiation(version=6, actions=ACTIONS, steps=STEPS):
    return frame(b"O", struct.pack("!III", version, actions, steps))


def macros(command, **values):
    """SMFIC_MACRO: names of more than one letter stand in braces."""
    pairs = [part for name, value in values.items() for part in (name if len(name) == 1 else "{" + name + "}", str(value))]
    return frame(b"D", command + strings(*pairs))


def connection(name="client.example.com", address="192.0.2.7", port=40000):
    return frame(b"C", strings(name) + b"4" + struct.pack("!H", port) + strings(address))


class Wire:
    """A connection that carries frames."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(30)

    def send(self, *frames):
        self.sock.sendall(b"".join(frames))

    def octets(self, size):
        """So many octets; fewer where the other end says no more."""
        data = b""
        while len(data) < size and (piece := self.sock.recv(size - len(data))):
            data += piece
        return data

    def read(self):
        """The next frame: (command, data). None at the end."""
        head = self.octets(4)
        if len(head) < 4:
            return None
        body = self.octets(struct.unpack("!I", head)[0])
        return body[:1], body[1:]

    def ask(self, *frames):
        """Send frames. The frame that answers them."""
        self.send(*frames)
        return self.read()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


def place(where):
    """A socket and what it binds or connects to: a path, or a port of the loopback."""
    if isinstance(where, int):
        return socket.socket(), ("127.0.0.1", where)
    return socket.socket(socket.AF_UNIX), str(where)


class FakeMta(Wire):
    """An MTA's connection to a milter: at a path, or a port of the loopback."""

    def __init__(self, where):
        sock, address = place(where)
        super().__init__(sock)
        # A full backlog makes a connect with a timeout of Python's fail at once; this one waits for its turn.
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", 30, 0))
        self.sock.connect(address)
        self.sock.settimeout(30)

    def session(self, pid=4711, mta="Postfix 3.7.11", address="192.0.2.7", helo="client.example.com"):
        """Negotiate, and tell of a client up to HELO."""
        answers = [self.ask(negotiation()), self.ask(macros(b"C", j="mx.mailwhy.test", v=mta, pid=pid), connection(address=address)),
                   self.ask(macros(b"H"), frame(b"H", strings(helo)))]
        if [answer and answer[0] for answer in answers] != [b"O", b"c", b"c"]:
            raise AssertionError(f"the milter does not go on: {answers}")
        return self

    def mail(self, sender, *arguments, **values):
        return self.ask(macros(b"M", **values), frame(b"M", strings(f"<{sender}>", *arguments)))

    def rcpt(self, recipient, **values):
        return self.ask(macros(b"R", **values), frame(b"R", strings(f"<{recipient}>")))


class FakeMilter:
    """A milter at a path, or a port: script(wire) is what it does with each connection, in a thread of its own."""

    def __init__(self, where, script):
        self.script = script
        self.faults = []
        self.listener, self.address = place(where)
        self.remove()  # one that was killed left it
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(self.address)
        if isinstance(self.address, str):
            os.chmod(self.address, 0o666)
        self.listener.listen(128)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with Wire(sock) as wire:
            try:
                self.script(wire)
            except OSError:
                pass
            except AssertionError as fault:
                self.faults.append(fault)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)
        self.remove()

    def remove(self):
        if isinstance(self.address, str):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.address)


def go_on(wire, answers=None):
    """A milter that answers each command with "continue", but those in answers: {command: octets of its answer}."""
    while (asked := wire.read()) is not None:
        command, _ = asked
        if command == b"O":
            wire.send(negotiation(steps=0))
        elif command in (answers or {}):
            wire.send(answers[command])
        elif command not in (b"D", b"A", b"Q", b"K"):
            wire.send(frame(b"c"))


class RefusingMilter:
    """refusing_milter.py at a path of its own."""

    def __init__(self, sandbox, path):
        self.sandbox = sandbox
        self.path = path
        self.rules = sandbox / f"{pathlib.Path(path).name}-rules.json"
        self.process = None
        self.refuse()

    def refuse(self, **rules):
        """From now on: stage={"do": ...}, as refusing_milter.py has it."""
        new = self.rules.with_suffix(".new")
        new.write_text(json.dumps(rules))
        new.rename(self.rules)

    def start(self):
        self.process = self.sandbox.spawn(["/usr/bin/python3", HERE / "refusing_milter.py", self.path, self.rules],
                                          self.sandbox / "refusing-output")
        wait_for("the refusing milter", self._answers)
        return self

    def _answers(self):
        try:
            with FakeMta(self.path) as mta:
                return mta.ask(negotiation())
        except OSError:
            return False

    def stop(self):
        self.process.stop(signal.SIGKILL)  # libmilter takes seconds to end by itself
