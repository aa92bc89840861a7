"""A private mailwhyd, and a client of its reply map. The programs are those of $MAILWHY_BUILD (default: build/ of this tree)."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct

from sandbox import free_ports, run, uninterrupted, wait_for

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("MAILWHY_BUILD", "build")
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
EVENT_KEYS = """ts ref host mta via pid stage code enhanced reason client_addr client_port client_name helo tls sasl_method sasl_user
    challenge sender recipient queue_id attempt reply of of_code of_enhanced of_reason""".split()
STATUSES = ("OK", "NOTFOUND", "TEMP", "TIMEOUT", "PERM")


def mailwhy(*args, **kwargs):
    """Run the command-line tool. Its finished process; standard error stands in its output."""
    return run(BUILD / "mailwhy", *args, env={**os.environ, "MAILWHY_CATALOG": str(TREE / "conf" / "catalog")}, **kwargs)


def following(log, sandbox):
    """The section of mailwhy.conf that has a mail log followed; how far is in state/maillog in the sandbox."""
    state = sandbox.directory("state") / "maillog"
    return f'maillog {{ follow = "{log}" state = "{state}" }}'


def read_event(line):
    """One line of the log as a dict: strict JSON, only known keys, each once and in the documented order, none of them empty."""
    if re.search(rb"[\x00-\x1f\x7f]", line):
        raise AssertionError(f"a control character in the log: {line!r}")
    pairs = json.loads(line.decode("utf-8"), object_pairs_hook=list)
    keys = [key for key, _ in pairs]
    if keys != [key for key in EVENT_KEYS if key in keys] or any(value in ("", None) for _, value in pairs):
        raise AssertionError(f"not an event as documented: {line!r}")
    return dict(pairs)


OWN_DEV = """cd "$0"
    for node in null urandom random; do touch $node; mount --bind /dev/$node $node; done
    mount --rbind . /dev
    exec "$@\""""


class SocketMap:
    """A connection to a socketmap server, as Postfix's own client speaks to it."""

    def __init__(self, endpoint, timeout=10):
        kind, _, address = endpoint.partition(":")
        if kind == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            # A full backlog makes a connect with a timeout of Python's fail at once; this one waits for its turn.
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", timeout, 0))
            self.sock.connect(address)
            self.sock.settimeout(timeout)
        else:
            port, _, host = address.partition("@")
            self.sock = socket.create_connection((host, int(port)), timeout)
        self._file = self.sock.makefile("rb")

    @staticmethod
    def netstring(data):
        return b"%d:%s," % (len(data), data)

    def send(self, data):
        """Send octets as they are."""
        self.sock.sendall(data)

    def read(self):
        """The next answer: (status, value as octets); None where the server closed the connection."""
        digits = b""
        while not digits.endswith(b":"):
            octet = self._file.read(1)
            if not octet:
                return None
            digits += octet
        value = self._file.read(int(digits[:-1]))
        if self._file.read(1) != b",":
            raise AssertionError(f"no netstring: {digits!r}{value!r}")
        status, _, rest = value.partition(b" ")
        if status.decode() not in STATUSES:
            raise AssertionError(f"no socketmap answer: {value!r}")
        return status.decode(), rest

    def request(self, name, key):
        """Look a key up in the map of that name."""
        octets = [part.encode() if isinstance(part, str) else part for part in (name, key)]
        self.send(self.netstring(b" ".join(octets)))
        return self.read()

    def close(self):
        self._file.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Mailwhyd:
    """A mailwhyd that listens in `directory` (kind "unix") or on free loopback ports (kind "inet").

    user: whom it becomes ("": who started it); log: the event log's file, catalog: the catalogue's directory, where they are not the
    usual ones; more: further lines of mailwhy.conf, DIRECTORY in them being `directory`."""

    def __init__(self, sandbox, directory, kind="unix", user="", log=None, catalog=None, more=""):
        self.sandbox = sandbox
        self.home = sandbox.directory("mailwhyd")
        self.directory = sandbox.directory(directory, owner=user or None)
        self.log = log or sandbox.directory(self.home / "log", owner=user or None) / "events.jsonl"
        self.catalog = catalog or TREE / "conf" / "catalog"
        self.config = self.home / "mailwhy.conf"
        self.output = self.home / "output"
        if kind == "unix":
            self.reply, self.milter = f"unix:{self.directory}/reply", f"unix:{self.directory}/milter"
        else:
            self.reply, self.milter = (f"inet:{port}@127.0.0.1" for port in free_ports(2))
        self.config.write_text(self._config(user, more))
        self.process = None
        self.wrapper = []
        self.checked = 0

    def _config(self, user, more):
        return f"""
            socketmap {{ listen = "{self.reply}" }}
            milter {{ listen = "{self.milter}" }}
            user = "{user}"
            socket_group = ""
            socket_mode = "0666"
            catalog = "{self.catalog}"
            local_catalog = "{self.sandbox.directory(self.home / 'local-catalog')}"
            event_log = "{self.log}"
            {more.replace("DIRECTORY", str(self.directory))}
        """

    def own_syslog(self):
        """Have it log, from its next start on, to a socket of ours: its /dev/log, in a mount namespace of its own. The socket."""
        dev = self.sandbox.directory("dev")
        logger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sandbox.at_close(logger.close)
        logger.bind(str(dev / "log"))
        (dev / "log").chmod(0o666)
        logger.settimeout(10)
        self.wrapper = ["unshare", "-m", "sh", "-c", OWN_DEV, dev]
        return logger

    def launch(self):
        """Start it, without waiting until it answers."""
        self.process = self.sandbox.spawn([*self.wrapper, BUILD / "mailwhyd", "-c", self.config], self.output)

    def start(self):
        self.launch()
        wait_for("mailwhyd", self.answers, 20)
        return self

    def answers(self):
        """True once its reply map gives its status."""
        if self.process.status() is not None:
            raise RuntimeError(f"mailwhyd ended with {self.process.status()}: {self.complaints()}")
        with contextlib.suppress(OSError):
            return bool(self.status())

    def status(self):
        with self.connect() as reply_map:
            answer = reply_map.request("status", "status")
            return answer and answer[0] == "OK" and answer[1].decode()

    def count(self, name):
        """A number of its status line."""
        return int(re.search(rf"\b{name}=(\d+)", self.status()).group(1))

    def connect(self, timeout=10):
        return SocketMap(self.reply, timeout)

    def hup(self):
        self.process.send(signal.SIGHUP)

    def stop(self):
        """End it as an operator would. Its exit status."""
        status = self.process.stop()
        self.check_sanitizers()
        return status

    def kill9(self):
        with uninterrupted():
            self.process.stop(signal.SIGKILL)
        self.check_sanitizers()

    def complaints(self):
        """What it said on standard error."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def check(self):
        """It runs, and no sanitizer has complained. One that ended is started again, for the tests that follow."""
        status = self.process.status()
        if status is not None:
            self.start()
        self.check_sanitizers()
        if status is not None:
            raise AssertionError(f"mailwhyd ended by itself, with {status}: {self.complaints()[-2000:]}")

    def check_sanitizers(self):
        """No sanitizer has complained since the last time this was asked."""
        said = self.complaints()[self.checked:]
        self.checked += len(said)
        found = SANITIZER.search(said)
        if found:
            raise AssertionError(f"a sanitizer found a fault:\n{said[found.start():][:4000]}")

    def events(self, log=None):
        """The events in its log. Each line must be one whole JSON object."""
        log = log or self.log
        if not log.exists():
            return []
        return [read_event(line) for line in wait_for("the end of a line in the log", lambda: self._whole_lines(log), 2)[:-1]]

    @staticmethod
    def _whole_lines(log):
        """The log's lines and what is behind the last: nothing; None while a line is half there, as a reader may see it for a moment."""
        lines = log.read_bytes().split(b"\n")
        return lines if not lines[-1] else None

    def event(self, ref):
        """The one event of that reference."""
        found = [event for event in self.events() if event.get("ref") == ref]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} events have the reference {ref}")
        return found[0]
