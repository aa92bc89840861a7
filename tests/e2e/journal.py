"""A journal of systemd in a file, and what journalctl says of it; and one that grows in a folder. No journald runs: systemd-journal-remote writes
the files from export format."""

import datetime
import re
import struct
import subprocess
import time

REMOTE = "/lib/systemd/systemd-journal-remote"
FORMATS = ("export", "json", "json-seq", "json-sse", "json-pretty")
LINE = re.compile(r"(?P<time>\S+ +\d+ \S+) (?P<host>\S+) (?P<program>[^\s:\[]+)(\[(?P<pid>\d+)\])?: (?P<text>.*)", re.DOTALL)


def entry(when, host="mx", program="postfix/smtpd", text="", pid=7, **others):
    """An entry of one line or several, in export format. What is bytes is a binary field."""
    fields = {"__REALTIME_TIMESTAMP": str(round(when.timestamp() * 1e6)), "__MONOTONIC_TIMESTAMP": "5000000", "_BOOT_ID": "4e3e6f3c0b7f4f0ea3a1e1e7d0f2a5b1",
              "PRIORITY": "6", "_HOSTNAME": host, "SYSLOG_FACILITY": "2", "SYSLOG_IDENTIFIER": program, "_PID": str(pid), "SYSLOG_PID": str(pid), **others,
              "MESSAGE": text}
    return b"".join(name.encode() + (b"\n" + struct.pack("<Q", len(value)) + value if isinstance(value, bytes) else b"=" + value.encode()) + b"\n"
                    for name, value in fields.items()) + b"\n"


def of_log(text):
    """The entries of a mail log's lines, each half a second after its time, which is of this year or the last."""
    now = datetime.datetime.now().astimezone()
    for line in text.splitlines():
        found = LINE.match(line)
        when = datetime.datetime.strptime(f"{now.year} {found['time']}", "%Y %b %d %H:%M:%S").replace(microsecond=500000).astimezone()
        when = when if when <= now + datetime.timedelta(seconds=1) else when.replace(year=now.year - 1)
        yield entry(when, found["host"], found["program"], found["text"], found["pid"] or 0)


class Journal:
    """A journal of those entries, in a folder."""

    def __init__(self, folder, entries):
        self.path = folder / "test.journal"
        self.path.unlink(missing_ok=True)
        given = folder / "given.export"
        given.write_bytes(b"".join(entries))
        subprocess.run((REMOTE, f"--output={self.path}", "--split-mode=none", given), check=True, timeout=60, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def said(self, form, *options):
        """What journalctl -o says, as octets."""
        return subprocess.run(("journalctl", f"--file={self.path}", "-o", form, "--no-pager", *options), check=True, timeout=60,
                              stdout=subprocess.PIPE).stdout


class Growing:
    """A journal in a folder, to which entries are added, and whose files are archived and removed, as journald does it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "mail.journal"

    def add(self, *entries):
        subprocess.run((REMOTE, f"--output={self.file}", "--split-mode=none", "-"), input=b"".join(entries), check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def said(self, *lines, **others):
        """Entries of now, of lines as a mail log has them behind their time; to be added."""
        for number, line in enumerate(lines):
            found = LINE.fullmatch(f"Jan 1 0:0:0 {line}")
            yield entry(datetime.datetime.now().astimezone(), found["host"], found["program"], found["text"], found["pid"] or 0,
                        __MONOTONIC_TIMESTAMP=str(time.monotonic_ns() // 1000 + number), **others)

    def rotate(self):
        """The file gets the name of an archived one, of what its first entry is, and entries that are added now come into another."""
        first = subprocess.run(("journalctl", f"--file={self.file}", "-o", "export", "--no-pager"), check=True, timeout=60, stdout=subprocess.PIPE).stdout
        sequence, number, when = re.match(rb"__CURSOR=s=(\w+);i=(\w+);b=\w+;m=\w+;t=(\w+);", first).groups()
        self.file.rename(self.folder / f"mail@{sequence.decode()}-{int(number, 16):016x}-{int(when, 16):016x}.journal")

    def vacuum(self):
        """Remove the archived files."""
        subprocess.run(("journalctl", f"--directory={self.folder}", "--vacuum-size=1"), check=True, timeout=60, stderr=subprocess.DEVNULL)
        assert len(list(self.folder.glob("*"))) <= 1, "nothing was removed"
