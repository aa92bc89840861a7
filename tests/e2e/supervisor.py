"""A small service manager that speaks systemd's protocol: it holds the listening sockets (sd_listen_fds(3)), hears what its service tells
(sd_notify(3)), and replaces a service that ended, or whose watchdog is silent, with the signals that systemd sends."""

import contextlib
import fcntl
import os
import pathlib
import signal
import socket
import threading
import time

from mailwhyd import BUILD
from sandbox import wait_for

RESTART_S = 0.1


class Supervisor:
    """Runs a Mailwhyd (of mailwhyd.py), which it gives sockets: {name: endpoint}, a name of None being systemd's default. watchdog: seconds."""

    def __init__(self, daemon, sockets, watchdog=0.0):
        self.daemon, self.watchdog = daemon, watchdog
        self.names = [name or "mailwhyd.socket" for name, _ in sockets]
        self.sockets = [self._listen(endpoint) for _, endpoint in sockets]
        path = pathlib.Path(daemon.home) / "notify"
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(path))
        self.notify.settimeout(0.05)
        self.environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self.stored = {}
        self.left = []  # (what it is, what stands in it) of each file that was stored
        self.ready = threading.Event()
        self.ending = threading.Event()
        self.starts = 0
        self.thread = threading.Thread(target=self._watch, daemon=True)

    @staticmethod
    def _listen(endpoint):
        kind, _, address = endpoint.partition(":")
        if kind == "inet":
            port, _, host = address.partition("@")
            return socket.create_server((host, int(port)), backlog=4096)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        os.chmod(address, 0o666)
        listener.listen(4096)
        return listener

    def start(self):
        self._launch()
        self.thread.start()
        self.daemon.sandbox.at_close(self.end)
        wait_for("the service", self.ready.is_set, 30)
        return self

    def _launch(self):
        self.ready.clear()
        self.alive = time.monotonic()
        self.starts += 1
        kept = [*(held.fileno() for held in self.sockets), *self.stored.values()]
        held = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in kept]  # none of them is one that another becomes
        numbers = " ".join(f"{3 + i}<&{number}" for i, number in enumerate(held))
        environment = {**self.environment, "LISTEN_FDS": str(len(held)), "LISTEN_FDNAMES": ":".join([*self.names, *self.stored])}
        self.daemon.process = self.daemon.sandbox.spawn(
            ["bash", "-c", f'export LISTEN_PID=$$; exec "$@" {numbers} {" ".join(f"{number}<&-" for number in held)}', "bash", BUILD / "mailwhyd", "-c",
             self.daemon.config], self.daemon.output, env=environment, pass_fds=held)
        for number in held:
            os.close(number)

    def _watch(self):
        while not self.ending.is_set():
            with contextlib.suppress(TimeoutError):
                message, files, _, _ = socket.recv_fds(self.notify, 4096, 1)
                told = message.decode().split("\n")
                self._store(told, files)
                if "READY=1" in told:
                    self.ready.set()
                if "READY=1" in told or "WATCHDOG=1" in told:
                    self.alive = time.monotonic()
            if self.watchdog and self.ready.is_set() and time.monotonic() - self.alive > self.watchdog:
                self.ready.clear()
                self.daemon.process.send(signal.SIGABRT)
                self.daemon.process.send(signal.SIGCONT)
            if self.daemon.process.status() is not None and not self.ending.wait(RESTART_S):
                self._launch()

    def _store(self, told, files):
        """Keep a file that the service stores, or give one up."""
        name = next((line.removeprefix("FDNAME=") for line in told if line.startswith("FDNAME=")), "stored")
        if "FDSTORE=1" in told:
            self.stored[name], = files
            self.left.append((os.readlink(f"/proc/self/fd/{files[0]}"), os.pread(files[0], 1 << 20, 0).decode()))
            return
        for file in files:  # a barrier (sd_notify_barrier(3))
            os.close(file)
        if "FDSTOREREMOVE=1" in told and name in self.stored:
            os.close(self.stored.pop(name))

    def restart(self):
        """As "systemctl restart": ask it to end; it is back when this returns."""
        starts = self.starts
        self.daemon.process.send(signal.SIGTERM)
        wait_for("the service's end", lambda: self.starts > starts, 30)
        wait_for("the service", self.ready.is_set, 30)

    def end(self):
        self.ending.set()
        if self.thread.is_alive():
            self.thread.join(10)
        for held in (*self.sockets, self.notify):
            held.close()
