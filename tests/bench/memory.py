"""What idle milter sessions cost in memory, and whether thousands of open reply-map connections are all answered."""

import contextlib
import re
import resource
import socket
import struct

from bench import Figure, require, say
from mailwhyd import Mailwhyd
from sandbox import Sandbox, wait_for

SESSION_AIM = 8192  # octets
ACTIONS, STEPS = 0x1FF, 0x1FFFFF  # all that Postfix offers
FIRST_PROCESS = 100_000
REFUSAL = "554 5.7.1 <someone@elsewhere.test>: Relay access denied"


class MilterSession:
    """One session as an MTA tells it to a milter: negotiation, CONNECT, HELO."""

    def __init__(self, path, pid):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(path)
        require(self.ask(b"O", struct.pack("!III", 6, ACTIONS, STEPS)) == b"O", "the milter does not negotiate")
        self.send(b"D", b"C" + self.strings("j", "mx.mailwhy.test", "{pid}", str(pid), "v", "Postfix 3.7.11", "{client_port}", "40000"))
        address = struct.pack("!cH", b"4", 40000) + self.strings("192.0.2.7")
        require(self.ask(b"C", self.strings("client.example.com") + address) == b"c", "the milter does not go on after CONNECT")
        require(self.ask(b"H", self.strings("client.example.com")) == b"c", "the milter does not go on after HELO")

    @staticmethod
    def strings(*texts):
        return b"".join(text.encode() + b"\0" for text in texts)

    def send(self, command, data):
        self.sock.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def ask(self, command, data):
        """Send a packet. The command that answers it."""
        self.send(command, data)
        size = struct.unpack("!I", self.receive(4))[0]
        return self.receive(size)[:1]

    def receive(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            require(piece, "the milter hung up")
            data += piece
        return data

    def close(self):
        self.sock.close()


def resident(pid):
    """(VmRSS, Pss) in octets."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status, open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as maps:
        return tuple(1024 * int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.MULTILINE).group(1))
                     for name, file in (("VmRSS", status), ("Pss", maps)))


def raise_file_limit(wanted):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    require(hard == resource.RLIM_INFINITY or hard >= wanted, f"{wanted} open files are needed, and the limit is {hard}")


def session_memory(daemon, count):
    """Octets a session, by VmRSS and by Pss."""
    pid = daemon.process.pid
    idle = resident(pid)
    with contextlib.ExitStack() as opened:
        for number in range(count):
            opened.callback(MilterSession(str(daemon.directory / "milter"), FIRST_PROCESS + number).close)
        require(daemon.count("sessions") == count, f"{daemon.count('sessions')} sessions are known, not {count}")
        full = resident(pid)
        with daemon.connect() as reply_map:
            reply_map.request(str(FIRST_PROCESS + count - 1), REFUSAL)
        require(daemon.events()[-1].get("client_name") == "client.example.com", "the sessions cannot be found by their process")
    wait_for("the end of the sessions", lambda: daemon.count("sessions") == 0, 20)
    return [(after - before) / count for before, after in zip(idle, full)]


def connection_memory(daemon, count):
    """Octets of VmRSS a reply-map connection; each of them is asked twice while all are open, and must answer."""
    pid = daemon.process.pid
    idle = resident(pid)[0]
    events = daemon.count("events")
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(daemon.connect(30)) for _ in range(count)]
        for _ in range(2):
            for connection in connections:
                connection.send(connection.netstring(f"4711 {REFUSAL}".encode()))
            lost = sum(not is_explained(connection.read()) for connection in connections)
            require(lost == 0, f"{lost} of {count} reply-map connections were not answered")
        full = resident(pid)[0]
    require(daemon.count("events") - events == 2 * count, "an answer without its event")
    return (full - idle) / count


def is_explained(answer):
    return answer is not None and answer[0] == "OK" and b"Ref: " in answer[1]


def measure(quick):
    sessions, connections = (200, 500) if quick else (1000, 5000)
    raise_file_limit(connections + 500)
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        daemon = Mailwhyd(sandbox, sandbox / "run").start()
        say("memory: the idle daemon: VmRSS {0:.0f} KiB, Pss {1:.0f} KiB".format(*(octets / 1024 for octets in resident(daemon.process.pid))))
        rss, pss = session_memory(daemon, sessions)
        connection = connection_memory(daemon, connections)
    # What the first threads and arenas take is shared by few sessions in a quick run.
    aim = None if quick else SESSION_AIM
    return [
        Figure("memory.session.rss", f"{sessions} idle milter sessions: octets of VmRSS each", rss, aim, at_most=True),
        Figure("memory.session.pss", f"{sessions} idle milter sessions: octets of Pss each", pss, aim, at_most=True),
        Figure("memory.connections", "open reply-map connections, each answered twice", connections, None if quick else 5000),
        Figure("memory.connection.rss", f"{connections} open reply-map connections: octets of VmRSS each", connection),
    ]
