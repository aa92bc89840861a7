"""A private, real Sendmail: Debian's packages as 'make deps' unpacks them into the build directory, with a configuration, queue, maps and
SASL of their own in a sandbox, on free loopback ports. Needs root.

Its services, each a key of `ports`: smtp (no AUTH), submission (AUTH, STARTTLS offered). It takes mail for mailbox@mailwhy.test, and relays for
users that signed in. Clients come from 127.0.0.1, which Sendmail trusts, or from any other address of 127.0.0.0/8, which it does not."""

import contextlib
import re
import shutil
import socket
import threading

from mailwhyd import TREE, Mailwhyd, following
from sandbox import free_ports, run, wait_for
from sasl import REALM, Cyrus
from smtp import Client

PACKAGES = TREE / "build" / "sendmail"
PROGRAMS = PACKAGES / "usr" / "libexec" / "sendmail"
MACROS = PACKAGES / "usr" / "share" / "sendmail" / "cf"

HOSTNAME = f"mx.{REALM}"
MAILBOX = f"mailbox@{REALM}"
CLIENT = "127.0.0.9"  # an address without a name
NAMED = "127.0.0.3"

SERVICES = {"smtp": "M=A", "submission": "M="}
DELAYED = ["FEATURE(`delay_checks')dnl", "FEATURE(`block_bad_helo')dnl", "FEATURE(`conncontrol', `nodelay', `terminate')dnl"]
ADDED = re.compile(r"; (?:Reason|Fix|Ref): .*$")  # what mailwhy adds to the one line of a ruleset


class MailLog:
    """A syslog of its own: each line that a program sends to the socket `directory`/log stands in the file, as a syslog writes it."""

    def __init__(self, sandbox, directory, file):
        self.directory = sandbox.directory(directory)
        self.file = file
        file.touch()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sandbox.at_close(self.sock.close)
        self.sock.bind(str(self.directory / "log"))
        threading.Thread(target=self._write, daemon=True).start()

    def _write(self):
        with contextlib.suppress(OSError), self.file.open("ab", buffering=0) as out:
            while line := self.sock.recv(10_000):
                out.write(re.sub(rb"^<\d+>(.{15}) ", rb"\1 mx ", line.rstrip(b"\0\n")) + b"\n")


class Sendmail:
    """One Sendmail. features: lines of its sendmail.mc between FEATURE(`mailwhy') and MAILER; rulesets: what stands behind LOCAL_RULESETS; maps: the
    lines of each database, by name, `access` among them; edit: what to replace in the finished sendmail.cf, by what; services: further ones, with their
    own DAEMON_OPTIONS; log: the file where what it logs shall stand."""

    def __init__(self, sandbox, name="sendmail", features=(), rulesets="", maps=None, edit=None, delay_checks=False, services=None, log=None):
        self.sandbox = sandbox
        self.home = sandbox.directory(name)
        self.queue = sandbox.directory(self.home / "queue", 0o700)
        self.macros = sandbox.directory(self.home / "cf")
        self.services = {**SERVICES, **(services or {})}
        self.ports = dict(zip(self.services, free_ports(len(self.services))))
        self.features = [*(DELAYED if delay_checks else []), *features]
        self.rulesets = rulesets
        self.edit = edit or {}
        self.sasl = Cyrus(sandbox, self.home, self.home, chroot=False, application="Sendmail")
        self.config = self.home / "sendmail.cf"
        self.process = None
        self.log = log and MailLog(sandbox, self.home / "dev", log)
        shutil.copytree(MACROS, self.macros, dirs_exist_ok=True)
        shutil.copy(TREE / "conf" / "sendmail" / "mailwhy.m4", self.macros / "feature")
        self._certificate()
        self.configure()
        for name, lines in {"access": "", "aliases": "mailbox\t/dev/null\n", **(maps or {})}.items():
            self._make_map(name, lines)

    def _certificate(self):
        key, certificate = self.home / "key.pem", self.home / "certificate.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={HOSTNAME}", "-keyout", key, "-out", certificate)
        key.chmod(0o600)

    def _make_map(self, name, lines):
        source = self.home / f"{name}.txt"
        source.write_text(lines)
        with source.open() as content:
            run(PROGRAMS / "makemap", "-C", self.config, "hash", self.home / name, stdin=content)

    def configure(self, mailwhy=""):
        """Write sendmail.cf. mailwhy: the line of FEATURE(`mailwhy'), where there is one."""
        home = self.home
        (home / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.2 {HOSTNAME}\n{NAMED} named.client.test\n")
        (home / "switch").write_text("hosts files\naliases files\n")
        (home / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
        settings = {
            "ALIAS_FILE": home / "aliases", "QUEUE_DIR": self.queue, "STATUS_FILE": home / "statistics", "confPID_FILE": home / "pid",
            "confSERVICE_SWITCH_FILE": home / "switch", "confHOSTS_FILE": home / "hosts", "confDOMAIN_NAME": HOSTNAME,
            "confCW_FILE": f"-o {home}/local", "confCR_FILE": f"-o {home}/relay", "confCT_FILE": f"-o {home}/trusted",
            "confTO_IDENT": "0", "confALIAS_WAIT": "0", "confDONT_BLAME_SENDMAIL": "TrustStickyBit", "confBAD_RCPT_THROTTLE": "0",
            "confAUTH_MECHANISMS": "LOGIN PLAIN CRAM-MD5", "confAUTH_REALM": REALM, "confAUTH_OPTIONS": "A",
            "confSERVER_CERT": home / "certificate.pem", "confSERVER_KEY": home / "key.pem",
            "confCACERT": home / "certificate.pem", "confCACERT_PATH": home,
        }
        lines = [f"define(`_CF_DIR_', `{self.macros}/')dnl", f"include(`{self.macros}/m4/cf.m4')dnl", "OSTYPE(`linux')dnl",
                 *(f"define(`{key}', `{value}')dnl" for key, value in settings.items()),
                 mailwhy,
                 "FEATURE(`no_default_msa')dnl",
                 *(f"DAEMON_OPTIONS(`Addr=127.0.0.1, Port={self.ports[name]}, Name={name}, {flags}')dnl" for name, flags in self.services.items()),
                 "FEATURE(`nocanonify')dnl", "FEATURE(`accept_unresolvable_domains')dnl",
                 f"FEATURE(`access_db', `hash -T<TMPF> {home}/access')dnl", f"LOCAL_DOMAIN(`{REALM}')dnl",
                 "TRUST_AUTH_MECH(`LOGIN PLAIN CRAM-MD5')dnl",
                 *self.features,
                 "MAILER(`local')dnl", "MAILER(`smtp')dnl",
                 "LOCAL_CONFIG", f"ESASL_CONF_PATH={self.sasl.config}",
                 "LOCAL_RULESETS", self.rulesets]
        (home / "sendmail.mc").write_text("\n".join(lines) + "\n")
        with open(home / "m4-says", "w", encoding="ascii") as errors:
            made = run("m4", home / "sendmail.mc", stderr=errors).stdout
        said = (home / "m4-says").read_text()
        if said:
            raise RuntimeError(f"m4 complains: {said}")
        for old, new in self.edit.items():
            if old not in made:
                raise RuntimeError(f"sendmail.cf has no {old}")
            made = made.replace(old, new)
        self.config.write_text(made)

    def wire(self, reply, milter):
        """Have mailwhyd explain what this Sendmail refuses: at its next start."""
        self.configure(f"FEATURE(`mailwhy', `{reply}', `{milter}')dnl")

    def apart(self):
        """What runs a program in a name space of its own, where this machine's name has a domain (without one Sendmail waits for a minute before it
        starts), and names are looked up in our hosts alone. Where we may not make one, it runs as it is."""
        own_log = ('for name in null zero random urandom; do : > "$3/$name" && mount --bind "/dev/$name" "$3/$name" || exit; done; '
                   'mount --rbind "$3" /dev && ') if self.log else ""
        apart = ["unshare", "--uts", "--mount", "sh", "-c", own_log +
                 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/nsswitch.conf && hostname "$0" && shift 3 && exec "$@"',
                 HOSTNAME, self.home / "hosts", self.home / "nsswitch.conf", self.home / "dev"]
        allowed = run(*apart, "true", check=False).returncode == 0
        if self.log and not allowed:
            raise RuntimeError("Sendmail's log can be read only where its own /dev can be mounted")
        return apart if allowed else []

    def start(self):
        self.process = self.sandbox.spawn([*self.apart(), PROGRAMS / "sendmail", "-C", self.config, "-bD"], self.home / "output")
        for port in self.ports.values():
            wait_for(f"Sendmail on port {port}", lambda port=port: self._answers(port), 90)
        return self

    def _answers(self, port):
        if self.process.status() is not None:
            raise RuntimeError(f"Sendmail ended with {self.process.status()}: {self.complaints()}")
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), 10) as sock:
                greeting = sock.recv(512)
                sock.sendall(b"QUIT\r\n")
                return greeting.startswith(b"220 ")

    def stop(self):
        self.process.stop()

    def complaints(self):
        """What it said on standard error."""
        return (self.home / "output").read_text(errors="replace")


class SendmailRig:
    """A Sendmail with a mailwhyd that wire() joins to it, at Sendmail's next start. The options are those of Sendmail, whose log is followed where it has
    one."""

    def __init__(self, sandbox, log=None, **options):
        self.mta = Sendmail(sandbox, log=log, **options)
        self.state = sandbox / "state" / "maillog"
        self.daemon = Mailwhyd(sandbox, sandbox / "mailwhyd-sockets", more=following(log, sandbox) if log else "")

    def wire(self):
        self.mta.wire(self.daemon.reply, self.daemon.milter)

    def start(self):
        self.daemon.start()
        if self.mta.log:
            wait_for("the mail log to be followed", self.state.exists)
        self.mta.start()
        return self

    def client(self, service="smtp", helo=None, source=CLIENT):
        return Client(self.mta.ports[service], helo, source=source)
