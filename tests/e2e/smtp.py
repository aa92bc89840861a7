"""A small SMTP client that shows every reply as it came, and lets a test say what no well-behaved client would."""

import base64
import hashlib
import hmac
import re
import socket
import ssl

REFERENCE = re.compile(r"\bRef: ([0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5})(?=\s|$)")
LABELS = ("Reason", "Fix", "Ref")


def b64(text):
    data = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(data).decode()


class IllegalReply(AssertionError):
    """What the server sent is no SMTP reply."""


class Reply:
    """One reply: its code, its lines as octets without CRLF, and the lines mailwhy added to it."""

    def __init__(self, lines):
        self.raw = lines
        self.code = int(lines[0][:3])
        self.lines = [line.decode("ascii", "surrogateescape") for line in lines]
        self.texts = [re.sub(r"^\d{3}[ -](\d\.\d{1,3}\.\d{1,3} )?", "", line) for line in self.lines]
        self.own_count = next((i for i, text in enumerate(self.texts) if i and text.startswith("Reason: ")), len(lines))

    @property
    def own(self):
        """The MTA's own lines."""
        return self.lines[:self.own_count]

    @property
    def original(self):
        """The reply as it was before lines were added, its lines joined by CRLF: as it stands in the event."""
        last = self.own[-1]
        return "\r\n".join([*self.own[:-1], last[:3] + " " + last[4:]])

    @property
    def added(self):
        """The lines that were added to them."""
        return self.lines[self.own_count:]

    def part(self, label):
        """The text after 'Reason:', 'Fix:' or 'Ref:', unwrapped; "" where there is none."""
        found, within = [], False
        for text in self.texts[self.own_count:]:
            starts = next((other for other in LABELS if text.startswith(other + ": ")), None)
            within = starts == label or (within and not starts)
            if within:
                found.append(text[len(label) + 2:] if starts else text.strip())
        return " ".join(found)

    @property
    def reason(self):
        return self.part("Reason")

    @property
    def fix(self):
        return self.part("Fix")

    @property
    def ref(self):
        found = REFERENCE.search("\n".join(self.texts[self.own_count:]))
        return found and found.group(1)

    def without_ref(self):
        """The reply with its reference blotted out, to compare with another."""
        return [REFERENCE.sub("Ref: #", line) for line in self.lines]

    def __str__(self):
        return "\n".join(self.lines)

    __repr__ = __str__


def check_legal(lines):
    """Raise IllegalReply unless these are the lines of one SMTP reply (RFC 5321, 4.2), within the limits we promise."""
    for line in lines[:-1]:
        if line[3:4] != b"-":
            raise IllegalReply(f"not a continued line: {line!r}")
    for line in lines:
        if not re.match(rb"[2-5]\d\d[ -]", line + b" ") or line[:3] != lines[0][:3]:
            raise IllegalReply(f"no reply line: {lines!r}")
        if b"\r" in line or b"\n" in line:
            raise IllegalReply(f"CR or LF within a line: {line!r}")
    if lines[0][:1] not in b"45":
        return
    added = lines[Reply(lines).own_count:]
    if len(added) > 8:
        raise IllegalReply(f"{len(added)} lines were added")
    for line in added:
        if len(line) + 2 > 512 or re.search(rb"[^ -~]", line):
            raise IllegalReply(f"too long, or not printable ASCII: {line!r}")


class Client:
    """A connection to an SMTP server on the loopback. Replies are checked to be legal as they are read."""

    def __init__(self, port, helo=None, timeout=30, source=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout, source and (source, 0))
        self._file = self.sock.makefile("rb")
        self.greeting = self.read()
        if helo:
            self.hello(helo)

    def read(self):
        lines = []
        while not lines or lines[-1][3:4] == b"-":
            line = self._file.readline(100_000)
            if not line.endswith(b"\r\n"):
                raise ConnectionResetError(f"the server closed the connection after {lines + [line]!r}")
            lines.append(line[:-2])
        check_legal(lines)
        return Reply(lines)

    def send(self, line):
        self.sock.sendall(line if isinstance(line, bytes) else line.encode())

    def say(self, line):
        """Send one line and read the reply to it."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.read()

    def play(self, *lines):
        """Send the lines one after the other; the reply to the last."""
        reply = None
        for line in lines:
            reply = self.say(line)
        return reply

    def hello(self, name):
        return self.say("EHLO " + name)

    def starttls(self, helo):
        self.say("STARTTLS")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._file.close()
        self.sock = context.wrap_socket(self.sock)
        self._file = self.sock.makefile("rb")
        return self.hello(helo)

    def auth_plain(self, user, password):
        return self.say("AUTH PLAIN " + b64(f"\0{user}\0{password}"))

    def auth_login(self, user, password):
        return self.play("AUTH LOGIN", b64(user), b64(password))

    def auth_cram_md5(self, user, password):
        challenge = base64.b64decode(self.say("AUTH CRAM-MD5").texts[0])
        digest = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        return self.say(b64(f"{user} {digest}"))

    def message(self, sender, recipient, body="Subject: hello\r\n\r\nhello\r\n"):
        """Hand in a whole message; the reply to its end."""
        return self.play(f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA", body + ".")

    def close(self):
        self._file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()
