"""A small Debian of its own, with Postfix, run by a real systemd in a container (systemd-nspawn). Needs root.

Its files are made once for each set of packages, by mmdebstrap from the mirror that apt is set to, and kept in the build directory; what
a machine writes is in memory, and gone with it. It has a loopback network alone."""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import pathlib
import subprocess

from mailwhyd import TREE
from sandbox import run, uninterrupted, wait_for

KEPT = TREE / "build" / "machine"
PACKAGES = ["systemd", "systemd-sysv", "dbus", "postfix", "dovecot-imapd", "logrotate"]


def base(packages):
    """The root directory of a Debian with these packages, made where it is missing."""
    packages = sorted({*PACKAGES, *packages})
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = KEPT / name
        if not root.exists():
            making = KEPT / f"{name}.making"
            for old in KEPT.glob("*"):
                if old.is_dir():
                    run("rm", "-rf", "--one-file-system", old)
            # In name spaces of its own: where it takes too long, all of it ends, and nothing stays mounted.
            apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            run(*apart, "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", "bookworm", making, *mirrors(), timeout=110)
            making.rename(root)
        return root


def lacking(root, package):
    """The files of what a Debian lacks for a package, the package among them: downloaded where they are missing, and kept beside it."""
    kept = root.with_name(f"{root.name}.{package}")
    if not kept.exists():
        making = root.with_name(f"{kept.name}.making")
        (making / "partial").mkdir(parents=True, exist_ok=True)
        settings = {"Dir::State::status": root / "var/lib/dpkg/status", "Dir::Cache::archives": making, "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "",
                    "Debug::NoLocking": "1", "APT::Sandbox::User": ""}
        run("apt-get", *(f"-o{key}={value}" for key, value in settings.items()), "-qq", "-y", "--no-install-recommends", "--download-only", "install", package)
        making.rename(kept)
    return sorted(kept.glob("*.deb"))


def last_child(pid):
    """The process that another one, which may be None, has started last; None where there is none."""
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return children[-1] if children else None
    return None


def mirrors():
    """Where apt has Debian from, as lines of sources.list(5); none where it has no lists: then mmdebstrap knows itself."""
    lines = run("apt-get", "indextargets", "--format", "deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian").stdout
    return sorted({line for line in lines.splitlines() if line.startswith("deb ") and " bookworm" in line})


def own_cgroup(sandbox):
    """A new cgroup, removed with the sandbox: within the same one the units of two machines would be one, and systemd fail at what it cannot see."""
    root = next(path for path in (pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup")) if (path / "cgroup.procs").exists())
    ours = pathlib.Path("/proc/self/cgroup").read_text().rpartition("0::/")[2].splitlines()[0]
    group = root / ours / sandbox.path.name

    def remove():
        for path in sorted(group.rglob("*/"), reverse=True):
            path.rmdir()
        group.rmdir()

    with uninterrupted():
        group.mkdir()
        sandbox.at_close(remove)
    return group


class Machine:
    """A booted machine. packages: what it has besides PACKAGES; share: a directory that it sees as /share."""

    def __init__(self, sandbox, packages, share):
        self.sandbox = sandbox
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with uninterrupted():
            # In a process namespace of its own, with which all of it ends when systemd-nspawn is killed.
            self.nspawn = sandbox.spawn(["sh", "-c", 'echo $$ >"$0/cgroup.procs"; exec "$@"', own_cgroup(sandbox), "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "systemd-nspawn", "--quiet", f"--directory={base(packages)}", "--volatile=overlay", "--boot", "--register=no",
                                         "--keep-unit", "--private-network", "--resolv-conf=off", "--timezone=off", "--hostname=mx",
                                         "--console=pipe", f"--bind-ro={share}:/share"], sandbox / "console", env=environment)
            sandbox.at_close(self.power_off)
        self.leader = None
        wait_for("the machine", self._is_up, 60, 0.1)

    def _is_up(self):
        """Its init is the child that systemd-nspawn has in the end; another one comes before it."""
        if self.nspawn.status() is not None:
            raise RuntimeError(f"the machine ended: {(self.sandbox / 'console').read_text(errors='replace')}")
        self.leader = last_child(last_child(self.nspawn.pid))
        state = self.leader and self.run("systemctl", "is-system-running", check=False).stdout.split()
        return state and state[-1] in ("running", "degraded")

    def enter(self, *args):
        """The command that runs another one in the machine."""
        return ["nsenter", f"--target={self.leader}", "--all", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", *args]

    def run(self, *args, **options):
        return run(*self.enter(*args), **options)

    def text(self, *args):
        """What a command prints."""
        return self.run(*args).stdout.strip()

    def shell(self, script, **options):
        return self.run("sh", "-ec", script, **options).stdout.strip()

    @contextlib.contextmanager
    def network(self):
        """Within this block the caller's new sockets are the machine's."""
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        theirs = os.open(f"/proc/{self.leader}/ns/net", os.O_RDONLY)
        try:
            setns(theirs)
            yield
        finally:
            setns(ours)
            os.close(ours)
            os.close(theirs)

    def power_off(self):
        if self.nspawn.status() is None and self.leader:
            run(*self.enter("systemctl", "poweroff", "--force", "--force"), check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.nspawn.wait(5)


def setns(descriptor):
    """Move the calling thread to that network, as os.setns() does, which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")
