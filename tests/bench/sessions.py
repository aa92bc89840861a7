"""Sessions a second through one Postfix: with mailwhy, without it, with a milter that does nothing, with the reply map alone.

Four smtpd services of one private Postfix take the same load from smtp-source, in turn. Every session must leave its line in the mail log, and,
where mailwhy is, its event: else the round counts for nothing."""

import dataclasses
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import time

from bench import Figure, alternate, compiled, cpu_seconds, processor_seconds, ratio, require, say, wait_for_quiet
from mailwhyd import Mailwhyd
from mta import ELSEWHERE, MAILBOX, Postfix
from sandbox import Sandbox, run, wait_for
from sasl import REALM

WITHOUT, MAILWHY, NOOP, MAP = "plain", "mailwhy", "noop", "map"
PARALLEL = 4  # smtp-source and smtpd take turns: fewer leave a core idle, more gain nothing
ROUND_LIMIT = 120  # seconds
STORED = f"stored@box.{REALM}"
AIM = 0.97
FOREIGN_MOST, TRIES = 0.12, 3  # interrupts and the kernel's own work count as others' too
COMPLAINT = re.compile(r"/smtpd\[\d+\]: (warning|error|fatal|panic):")
SETTINGS = {
    "smtpd_error_sleep_time": "0",
    "smtpd_client_connection_rate_limit": "0",
    "smtpd_client_message_rate_limit": "0",
    "smtpd_client_recipient_rate_limit": "0",
    "smtpd_client_new_tls_session_rate_limit": "0",
    "in_flow_delay": "0",
    "virtual_mailbox_domains": f"{REALM}, box.{REALM}",
    "virtual_mailbox_maps": f"inline:{{ {{ {MAILBOX} = mailbox }}, {{ {STORED} = stored/ }} }}",
    "transport_maps": f"inline:{{ {{ {STORED} = virtual: }} }}",
}


@dataclasses.dataclass
class Load:
    """What smtp-source sends in a round. delivered: its sessions end in a delivered message, else in a refusal."""

    name: str
    what: str
    options: list
    sessions: int
    delivered: bool
    services: tuple
    aimed_at: bool = True


def loads(quick):
    count = 300 if quick else 5000
    everywhere, milters = (WITHOUT, MAILWHY, NOOP, MAP), (WITHOUT, MAILWHY, NOOP)
    return [
        Load("refused", "refused sessions (554 at RCPT)", ["-A", "-t", ELSEWHERE], count, False, everywhere),
        Load("accepted", "accepted messages (discarded)", ["-t", MAILBOX], count, True, milters),
        Load("stored", "messages of 50,000 octets into a Maildir", ["-t", STORED, "-l", "50000"], count // 5, True, milters, False),
    ]


def milter_settings(endpoint):
    macros = run("postconf", "-dh", "milter_connect_macros").stdout.strip()
    return {
        "smtpd_milters": endpoint,
        "milter_default_action": "accept",
        "milter_macro_defaults": "pid=$process_id",
        "milter_connect_macros": f"{macros} {{pid}}",
    }


def services():
    reply_map = {"smtpd_reject_footer_maps": "socketmap:unix:mailwhy/reply:$process_id"}
    return {
        WITHOUT: {},
        MAILWHY: {**milter_settings("unix:mailwhy/milter"), **reply_map},
        NOOP: milter_settings("unix:mailwhy/noop"),
        MAP: reply_map,
    }


@dataclasses.dataclass
class Round:
    """What a round came to: sessions a second, and the processor time that each took of all that serves, in seconds."""

    rate: float
    server_cpu: float
    daemon_cpu: float
    foreign: float = 0.0  # the part of the processors that others used meanwhile


class MailLog:
    """The mail log from a moment on: what was written since is read once, in pieces."""

    def __init__(self, path):
        self._file = open(path, encoding="utf-8", errors="replace")
        self._file.seek(0, 2)
        self._text = ""

    def count(self, word):
        self._text += self._file.read()
        return self._text.count(word)

    def complaints(self):
        """What smtpd has to say of its milters and maps, or of itself."""
        self._text += self._file.read()
        return [line for line in self._text.splitlines() if COMPLAINT.search(line)]

    def close(self):
        self._file.close()


class Bench:
    """Postfix, mailwhyd and the milter that does nothing."""

    def __init__(self, sandbox, its_services=None, more="", noop_takes=()):
        self.postfix = Postfix(sandbox, settings=SETTINGS, services=its_services or services())
        self.daemon = Mailwhyd(sandbox, self.postfix.queue / "mailwhy", more=more).start()
        self.noop = sandbox.spawn([compiled("noop_milter"), f"unix:{self.daemon.directory}/noop", *noop_takes], sandbox / "noop-output")
        wait_for("the milter that does nothing", (self.daemon.directory / "noop").exists)
        self.postfix.start()

    def cpu(self):
        """(of all that serves, of mailwhyd): Postfix's daemons are the master's children, and most of them end with a round."""
        servers = [self.daemon.process.pid, self.noop.pid, *children(self.postfix.master.pid)]
        return sum(map(cpu_seconds_so_far, servers)) + cpu_seconds(self.postfix.master.pid, with_ended=True), cpu_seconds(self.daemon.process.pid)

    def round(self, load, service):
        events, cpu, machine = self.daemon.count("events"), self.cpu(), Machine()
        log = MailLog(self.postfix.log)
        began = time.monotonic()
        self.send(load, service)
        sent = time.monotonic() - began
        if load.delivered:
            wait_for("the deliveries", lambda: log.count(": removed\n") >= load.sessions, ROUND_LIMIT, 0.05)
        server, daemon = (after - before for before, after in zip(cpu, self.cpu()))
        foreign = machine.foreign_share(server)
        self.check(load, service, log, self.daemon.count("events") - events)
        shutil.rmtree(self.postfix.mail / "stored", ignore_errors=True)
        return Round(load.sessions / sent, server / load.sessions, daemon / load.sessions, foreign)

    def quiet_round(self, load, service):
        """A round that others disturbed is done again; of several such the least disturbed counts."""
        tries = []
        while len(tries) < TRIES and (not tries or tries[-1].foreign > FOREIGN_MOST):
            tries.append(self.round(load, service))
        return min(tries, key=lambda one: one.foreign)

    def send(self, load, service):
        run("smtp-source", "-s", PARALLEL, "-m", load.sessions, "-M", "client.test", "-f", "sender@client.test", *load.options,
            f"127.0.0.1:{self.postfix.ports[service]}", timeout=ROUND_LIMIT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def check(self, load, service, log, events):
        """Each session was refused, or its message delivered, by that service; each refusal is an event where mailwhy is."""
        what = f"{load.name} at {service}"
        came_in = f"postfix/{service}/smtpd["
        line = "status=sent" if load.delivered else "NOQUEUE: reject: RCPT"
        wait_for(f"{what}: {load.sessions} lines in the mail log", lambda: log.count(line) >= load.sessions, 20)
        require(log.count(line) == load.sessions, f"{what}: {log.count(line)} sessions in the mail log, not {load.sessions}")
        require(log.count(came_in) >= load.sessions, f"{what}: sessions came in by another service")
        require(not log.complaints(), f"{what}: {log.complaints()[:3]}")
        log.close()
        wanted = load.sessions if not load.delivered and service in (MAILWHY, MAP) else 0
        require(events == wanted, f"{what}: {events} events, not {wanted}")
        if wanted:
            self.check_last_event(service)

    def check_last_event(self, service):
        with open(self.daemon.log, "rb") as file:
            file.seek(-4096, 2)
            last = file.read().splitlines()[-1]
        require(b'"code":554' in last and b'"ref"' in last, f"not a refusal's event: {last!r}")
        require((b'"client_addr":"127.0.0.1"' in last) == (service == MAILWHY), f"the milter is not where it should be: {last!r}")


class Machine:
    """What the processors do from a moment on."""

    def __init__(self):
        self._busy, self._total = processor_seconds()
        self._clients = self._children()

    @staticmethod
    def _children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def foreign_share(self, server):
        """The part used by others than our clients and the server, which took that many seconds."""
        busy, total = processor_seconds()
        ours = server + self._children() - self._clients
        return max(0.0, busy - self._busy - ours) / max(total - self._total, 0.01)


def cpu_seconds_so_far(pid):
    """0 for a process that has just ended: its parent has them now."""
    try:
        return cpu_seconds(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def children(parent):
    return [int(pid) for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def measure_load(bench, load, rounds):
    for service in load.services:
        bench.round(dataclasses.replace(load, sessions=100), service)
    wait_for_quiet(60 if rounds > 2 else 5)
    results = alternate(rounds, load.services, lambda service: bench.quiet_round(load, service))
    for service, its_rounds in results.items():
        say(f"{load.name}: {service:<8} {median(its_rounds, 'rate'):6.0f}/s  {1e6 * median(its_rounds, 'server_cpu'):6.0f} us of server CPU each"
            f"  others {100 * median(its_rounds, 'foreign'):.0f} %")
    figures = [rate_figure(load, service, results) for service in load.services[1:]]
    return figures + [cpu_figure(load, service, results) for service in load.services[1:]] + [
        Figure(f"sessions.{load.name}.daemon_us", f"{load.what}: mailwhyd's CPU, us each", 1e6 * median(results[MAILWHY], "daemon_cpu"))]


def median(rounds, aspect):
    return statistics.median(getattr(one, aspect) for one in rounds)


def rate_figure(load, service, results):
    value, spread = ratio(*([one.rate for one in results[who]] for who in (service, WITHOUT)))
    return Figure(f"sessions.{load.name}.{service}", f"{load.what}, a second: {service} / without", value,
                  AIM if service == MAILWHY and load.aimed_at else None, note=spread)


def cpu_figure(load, service, results):
    """The same as the server's work: what is left of the rate when nothing but the processors holds it up, and nobody else is at them."""
    value, spread = ratio(*([one.server_cpu for one in results[who]] for who in (WITHOUT, service)))
    return Figure(f"sessions.{load.name}.{service}.cpu", f"{load.what}, server CPU each: without / {service}", value, note=spread)


def measure(quick):
    rounds = 2 if quick else 7
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        bench = Bench(sandbox)
        return [figure for load in loads(quick) for figure in measure_load(bench, load, rounds)]
