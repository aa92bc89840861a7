"""A temporary directory and the processes started in it, all of it gone at the end: also on an error, on Ctrl-C or SIGTERM, and, by a
guardian process, on kill -9."""

import atexit
import contextlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

_open = []


class Interrupted(KeyboardInterrupt):
    """A signal asked this program to end."""

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.status = 128 + signum


class _Signals:
    held = 0
    pending = 0

    @classmethod
    def arrived(cls, signum, _frame):
        if cls.held:
            cls.pending = signum
        else:
            raise Interrupted(signum)

    @classmethod
    def install(cls):
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, cls.arrived)


@contextlib.contextmanager
def uninterrupted():
    """Within this block a signal waits: nothing is started without being noted, no cleaning up is left half done."""
    _Signals.held += 1
    try:
        yield
    finally:
        _Signals.held -= 1
        if not _Signals.held and _Signals.pending:
            signum, _Signals.pending = _Signals.pending, 0
            raise Interrupted(signum)


def is_held():
    return _Signals.held > 0


def handle_signals():
    """For the main program: SIGINT, SIGTERM and SIGHUP raise Interrupted, and whatever is still open is closed at exit."""
    _Signals.install()
    atexit.register(close_all)


def be_root():
    """For the main program: go on as root, through sudo where there is one."""
    if os.geteuid() == 0:
        return
    print(f"{sys.argv[0]} runs a private Postfix, and that needs root: trying sudo", file=sys.stderr, flush=True)
    keep = [f"{name}={os.environ[name]}" for name in ("MAILWHY_BUILD", "NO_COLOR", "TERM", "COLUMNS") if name in os.environ]
    try:
        os.execvp("sudo", ["sudo", "env", *keep, sys.executable, *sys.argv])
    except OSError:
        sys.exit(f"{sys.argv[0]}: there is no sudo; please run it as root")


def close_all():
    with uninterrupted():
        while _open:
            _open[-1].close()


class _Guardian:
    """Another process, which is told what we start, and ends and removes it when we are gone without having done so."""

    process = None

    @classmethod
    def note(cls, sign, kind, value):
        """sign "+": value is there now; "-": it is gone. kind: group (of processes), mount, directory."""
        if cls.process is None:
            cls.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, start_new_session=True, text=True)
        print(sign, kind, value, file=cls.process.stdin, flush=True)

    @staticmethod
    def guard():
        """The guardian's own program: it ends when the pipe from its starter does."""
        there = {}
        for line in sys.stdin:
            sign, *what = line.split(maxsplit=2)
            if sign == "+":
                there[tuple(what)] = True
            else:
                there.pop(tuple(what), None)
        for kind, value in reversed(there):
            if kind == "group":
                _end_group(int(value), 0)
            elif kind == "mount":
                subprocess.run(["umount", "-l", value.strip()], check=False)
            else:
                shutil.rmtree(value.strip(), ignore_errors=True)


def wait_for(what, check, timeout=10.0, pause=0.01):
    """The first true value of check(), within timeout seconds; else TimeoutError."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(pause)


def run(*args, timeout=60, check=True, **kwargs):
    """Run a command to its end without a terminal or an inherited pipe. The finished process, its output as text."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    kwargs.setdefault("stdout", subprocess.PIPE)
    kwargs.setdefault("stderr", subprocess.STDOUT)
    done = subprocess.run([str(a) for a in args], timeout=timeout, text=True, errors="replace", check=False, **kwargs)
    if check and done.returncode:
        raise RuntimeError(f"{args[0]} ended with {done.returncode}: {done.stdout}")
    return done


def free_ports(count):
    """TCP ports of 127.0.0.1 that nobody uses at the moment, and that no client is given: those are from 32768 on."""
    ports = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            port = random.randrange(12000, 32000)
            with contextlib.suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
    return ports


class Process:
    """A program in a session of its own. Its output goes to a file."""

    def __init__(self, args, output, **kwargs):
        self.output = output
        with open(output, "ab") as out:
            self._popen = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           start_new_session=True, **kwargs)
        self.pid = self._popen.pid
        _Guardian.note("+", "group", self.pid)

    def status(self):
        """Its exit status, None while it runs."""
        return self._popen.poll()

    def send(self, signum):
        if self.status() is None:
            self._popen.send_signal(signum)

    def wait(self, timeout=10):
        return self._popen.wait(timeout)

    def stop(self, signum=signal.SIGTERM, timeout=10):
        """Ask it to end, then make it and all that it started end. Its exit status."""
        with uninterrupted():
            self.send(signum)
            try:
                self._popen.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
            _end_group(self.pid, 0 if signum == signal.SIGKILL else 0.5)
            _Guardian.note("-", "group", self.pid)
            return self._popen.wait(timeout)


def _end_group(group, seconds):
    """Wait for the processes of a group to end; after that many seconds, make them."""
    grace = time.monotonic() + seconds
    while members := _group_members(group):
        if time.monotonic() > grace:
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if time.monotonic() > grace + 10:
            raise RuntimeError(f"these processes do not end: {members}")
        time.sleep(0.005)


def _group_members(group):
    """The processes of a process group; those that ended and only wait to be reaped don't count."""
    members = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _parent, pgrp = pathlib.Path(entry.path, "stat").read_text().rpartition(")")[2].split()[:3]
                if int(pgrp) == group and state != "Z":
                    members.append(int(entry.name))
    return members


class Sandbox:
    """A directory under the temporary directory, or that one, that other users (postfix, dovecot) can pass through."""

    def __init__(self, prefix="mailwhy-e2e-", under=None):
        with uninterrupted():
            self.path = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=under))
            self._undo = []
            _open.append(self)
            _Guardian.note("+", "directory", self.path)
        self.path.chmod(0o755)

    def __truediv__(self, name):
        return self.path / name

    def directory(self, name, mode=0o755, owner=None):
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if owner:
            shutil.chown(path, owner)
        return path

    def at_close(self, undo):
        """Have undo() called at the end, the latest first."""
        self._undo.append(undo)

    def spawn(self, args, output, stop_with=signal.SIGTERM, **kwargs):
        """Start a program that is stopped, at the latest, when the sandbox is closed."""
        with uninterrupted():
            process = Process(args, output, **kwargs)
            self.at_close(lambda: process.stop(stop_with))
            return process

    def tmpfs(self, name, size):
        """A small file system of its own at that name. False where the system doesn't let us mount."""
        path = self.directory(name)
        with uninterrupted():
            if run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", path, check=False).returncode:
                return False
            _Guardian.note("+", "mount", path)
            self.at_close(lambda: run("umount", "-l", path))
            return True

    def close(self):
        with uninterrupted():
            if self not in _open:
                return
            _open.remove(self)
            faults = []
            while self._undo:
                try:
                    self._undo.pop()()
                except (OSError, RuntimeError, subprocess.SubprocessError) as fault:
                    faults.append(fault)
            shutil.rmtree(self.path, ignore_errors=True)
            _Guardian.note("-", "directory", self.path)
            if faults or self.path.exists():
                raise RuntimeError(f"{self.path} could not be cleaned up: {faults}")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


if __name__ == "__main__":
    _Guardian.guard()
