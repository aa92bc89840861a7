"""What idle sessions of the milter and of the milter proxy cost in memory, and whether thousands of open reply-map connections are all answered."""

import contextlib
import re
import resource
import threading

from bench import Figure, require, say
from mailwhyd import Mailwhyd
from milters import FakeMilter, FakeMta, go_on
from sandbox import Sandbox, wait_for

SESSION_AIM = 8192  # octets
PROXIED_AIM = 4096
FIRST_PROCESS = 100_000
REFUSAL = "554 5.7.1 <someone@elsewhere.test>: Relay access denied"


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
            opened.enter_context(FakeMta(daemon.directory / "milter")).session(pid=FIRST_PROCESS + number)
        require(daemon.count("sessions") == count, f"{daemon.count('sessions')} sessions are known, not {count}")
        full = resident(pid)
        with daemon.connect() as reply_map:
            reply_map.request(str(FIRST_PROCESS + count - 1), REFUSAL)
        require(daemon.events()[-1].get("client_name") == "client.example.com", "the sessions cannot be found by their process")
    wait_for("the end of the sessions", lambda: daemon.count("sessions") == 0, 20)
    return [(after - before) / count for before, after in zip(idle, full)]


def proxied_memory(daemon, count):
    """Octets a session in the milter proxy, up to a recipient, by VmRSS and by Pss."""
    pid = daemon.process.pid
    threading.stack_size(256 * 1024)  # the scripted milter has a thread for each
    milter = FakeMilter(daemon.directory / "scripted", go_on)
    idle = resident(pid)
    with contextlib.ExitStack() as opened:
        opened.callback(milter.close)
        for number in range(count):
            mta = opened.enter_context(FakeMta(daemon.directory / "wrapped")).session(pid=FIRST_PROCESS + number)
            answers = mta.mail(f"sender{number}@elsewhere.test"), mta.rcpt(f"recipient{number}@mailwhy.test", i=f"4XyZ{number}")
            require(answers == ((b"c", b""),) * 2, f"the wrapped milter does not go on: {answers}")
        require(daemon.count("proxied") == count, f"{daemon.count('proxied')} sessions are proxied, not {count}")
        full = resident(pid)
    wait_for("the end of the proxied sessions", lambda: daemon.count("proxied") == 0, 20)
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
        daemon = Mailwhyd(sandbox, sandbox / "run", more='wrap scripted { listen = "unix:DIRECTORY/wrapped" to = "unix:DIRECTORY/scripted" }').start()
        say("memory: the idle daemon: VmRSS {0:.0f} KiB, Pss {1:.0f} KiB".format(*(octets / 1024 for octets in resident(daemon.process.pid))))
        proxied_rss, proxied_pss = proxied_memory(daemon, sessions)
        rss, pss = session_memory(daemon, sessions)
        connection = connection_memory(daemon, connections)
    # What the first threads and arenas take is shared by few sessions in a quick run.
    aim, proxied_aim = (None, None) if quick else (SESSION_AIM, PROXIED_AIM)
    return [
        Figure("memory.session.rss", f"{sessions} idle milter sessions: octets of VmRSS each", rss, aim, at_most=True),
        Figure("memory.session.pss", f"{sessions} idle milter sessions: octets of Pss each", pss, aim, at_most=True),
        Figure("memory.proxied.rss", f"{sessions} proxied sessions: octets of VmRSS each", proxied_rss, proxied_aim, at_most=True),
        Figure("memory.proxied.pss", f"{sessions} proxied sessions: octets of Pss each", proxied_pss, proxied_aim, at_most=True),
        Figure("memory.connections", "open reply-map connections, each answered twice", connections, None if quick else 5000),
        Figure("memory.connection.rss", f"{connections} open reply-map connections: octets of VmRSS each", connection),
    ]
