"""Servers that a busy Postfix talks to: a milter that refuses, and mail servers elsewhere that refuse in every way."""

import contextlib
import re
import socketserver
import struct
import threading


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Listening:
    """A server of connections, each in a thread of its own."""

    def __init__(self, address, serve):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, struct.error):
                    serve(self)

        self.server = _Server((address, 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Milter(_Listening):
    """It refuses the HELO name, sender or recipient that begins with "milter" and has a text in `texts` behind that; of a sender at the end of the message."""

    texts = {"helo": b"550 5.7.1 Client not welcome here", "spam": b"554 5.7.1 Spam message rejected", "virus": b"550 5.7.1 Message contains a virus",
             "later": b"451 4.7.1 Please try again later", "dmarc": b"550 5.7.1 rejected by DMARC policy for the domain", "rcpt": b"550 5.7.1 Recipient does not want this"}

    def __init__(self):
        super().__init__("127.0.0.1", self._serve)

    def _serve(self, connection):
        verdict = None
        while True:
            size, = struct.unpack("!I", connection.rfile.read(4))
            packet = connection.rfile.read(size)
            command, data = packet[:1], packet[1:]
            if command == b"O":  # nothing of the headers and the body, no changes
                self._send(connection, b"O" + struct.pack("!III", 6, 0, 0x10 | 0x20))
            elif command == b"Q":
                return
            elif command in b"CHRMTLNBEU":
                refused = self._refused(data) if command in b"HMR" else None
                if command == b"M":
                    verdict, refused = refused, None
                if command == b"E":
                    refused = verdict
                self._send(connection, b"y" + refused + b"\0" if refused else b"c")

    @classmethod
    def _refused(cls, data):
        found = re.match(rb"<?milter([a-z]+)", data)
        return found and cls.texts.get(found[1].decode())

    @staticmethod
    def _send(connection, packet):
        connection.wfile.write(struct.pack("!I", len(packet)) + packet)


class Elsewhere(_Listening):
    """A mail server. What the recipient begins with says what it answers; greeting: its own, in place of "220 ..."."""

    answers = {
        "nobody": "550 5.1.1 <{}>: Recipient address rejected: User unknown in virtual mailbox table",
        "gone": "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos",
        "full": "452 4.2.2 The email account that you tried to reach is over quota",
        "quota": "552 5.2.2 <{}>: Mailbox full",
        "grey": "451 4.7.1 <{}>: Recipient address rejected: Greylisting in effect, please come back later",
        "listed": "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.25",
        "norelay": "554 5.7.1 <{}>: Relay access denied",
        "dmarc": "550 5.7.26 Unauthenticated email from senders.test is not accepted due to domain's DMARC policy",
        "rate": "421 4.7.0 Try again later, closing connection.",
        "odd": "577 5.9.3 the daemon of mails is not amused by {}",
    }

    def __init__(self, address, greeting=None, hang_up=False):
        self.greeting, self.hang_up = greeting, hang_up
        super().__init__(address, self._serve)

    def _serve(self, connection):
        def say(text):
            connection.wfile.write(text.encode() + b"\r\n")

        say(self.greeting or "220 mx.elsewhere.test ESMTP")
        for line in connection.rfile:
            verb = line[:4].upper()
            if verb == b"RCPT":
                address = line.decode("ascii", "replace").partition("<")[2].partition(">")[0]
                kind = re.match("[a-z]*", address)[0]
                if self.hang_up:
                    return
                say(self.answers.get(kind, "250 2.1.5 Ok").format(address))
                if kind == "rate":
                    return
            elif verb == b"DATA":
                say("354 go on")
                while connection.rfile.readline() not in (b".\r\n", b""):
                    pass
                say("250 2.0.0 Ok: queued as 4XyZ12abc3zq9T")
            elif verb == b"QUIT":
                say("221 2.0.0 Bye")
                return
            elif verb == b"EHLO":
                say("250-mx.elsewhere.test\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME")
            else:
                say("250 2.0.0 Ok")
