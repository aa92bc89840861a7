"""A private, real Postfix: its own configuration, queue, data and log in a sandbox, on free loopback ports. Needs root.

Its services, each a key of `ports`: smtp (port 25: no AUTH), submission (AUTH, STARTTLS offered), tlsauth (AUTH only after STARTTLS),
tlsonly (everything only after STARTTLS). It takes mail for mailbox@mailwhy.test and relays for users that signed in."""

import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import ssl
import subprocess
import time

from sandbox import free_ports, run, uninterrupted, wait_for
from sasl import REALM, Cyrus, Dovecot

HOSTNAME = f"mx.{REALM}"
MAILBOX = f"mailbox@{REALM}"
ELSEWHERE = "someone@elsewhere.test"

SERVICES = {
    "smtp": {"smtpd_sasl_auth_enable": "no"},
    "submission": {},
    "tlsauth": {"smtpd_tls_auth_only": "yes"},
    "tlsonly": {"smtpd_tls_security_level": "encrypt"},
}

SETTINGS = {
    "compatibility_level": "3.6",
    "myhostname": HOSTNAME,
    "mydomain": REALM,
    "mydestination": "",
    "mynetworks": "",
    "alias_maps": "",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    "disable_dns_lookups": "yes",
    "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination",
    "virtual_mailbox_domains": REALM,
    "virtual_mailbox_maps": f"inline:{{ {{ {MAILBOX} = mailbox }} }}",
    "virtual_transport": "discard",
    "smtpd_sasl_auth_enable": "no",
    "smtpd_tls_security_level": "may",
    "smtpd_helo_required": "yes",
    "smtpd_error_sleep_time": "0",
    "smtpd_hard_error_limit": "100",
    "smtpd_client_connection_count_limit": "0",
    "in_flow_delay": "0",
    "anvil_status_update_time": "1h",
}


class Postfix:
    """One Postfix. sasl: "dovecot", "cyrus" or None; settings: more main.cf parameters; services: as SERVICES, in their place."""

    def __init__(self, sandbox, name="postfix", chroot=True, sasl=None, settings=None, services=None):
        self.sandbox = sandbox
        self.chroot = chroot
        self.home = sandbox.directory(name)
        self.queue = sandbox.directory(self.home / "queue")
        self.config = sandbox.directory(self.home / "etc")
        self.data = sandbox.directory(self.home / "data", 0o700, "postfix")
        self.log = sandbox.directory(self.home / "log") / "maillog"
        self.mail = sandbox.directory(self.home / "mail", 0o777)
        self.services = SERVICES if services is None else services
        self.ports = dict(zip(self.services, free_ports(len(self.services))))
        self.master = None
        self.settings = {**SETTINGS, **self._paths(), **self._certificate()}
        self._configure_sasl(sasl)
        self.settings.update(settings or {})
        self._write_config()
        run("postfix", "-c", self.config, "check")
        self._fill_chroot()

    def _paths(self):
        mail_user = pwd.getpwnam("nobody")
        return {
            "queue_directory": self.queue,
            "data_directory": self.data,
            "maillog_file": self.log,
            "maillog_file_prefixes": self.home,
            "virtual_mailbox_base": self.mail,
            "virtual_uid_maps": f"static:{mail_user.pw_uid}",
            "virtual_gid_maps": f"static:{mail_user.pw_gid}",
        }

    def _certificate(self):
        key, certificate = self.home / "key.pem", self.home / "certificate.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={HOSTNAME}", "-keyout", key, "-out", certificate)
        return {"smtpd_tls_key_file": key, "smtpd_tls_cert_file": certificate}

    def _fill_chroot(self):
        """Names are looked up in these files and never in the DNS. (After 'postfix check', which takes a second for each that isn't
        the machine's own.)"""
        etc = self.sandbox.directory(self.queue / "etc")
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.0.2 {HOSTNAME}\n")
        (etc / "nsswitch.conf").write_text("hosts: files\n")

    def _configure_sasl(self, kind):
        self.sasl = None
        if kind == "dovecot":
            self.sasl = Dovecot(self.sandbox, self.queue)
        elif kind == "cyrus":
            self.sasl = Cyrus(self.sandbox, self.queue, self.config, self.chroot)
        if self.sasl:
            self.settings.update({"smtpd_sasl_auth_enable": "yes", **self.sasl.settings()})

    def _write_config(self):
        shutil.copy("/usr/share/postfix/dynamicmaps.cf", self.config)
        lines = [f"{name} = {value}\n" for name, value in self.settings.items()]
        main_cf = self.config / "main.cf"
        main_cf.write_text("".join(lines))
        an_hour_ago = time.time() - 3600  # Postfix waits until its main.cf is two seconds old
        os.utime(main_cf, (an_hour_ago, an_hour_ago))
        stock = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text().splitlines()
        kept = [line for line in stock if not line.startswith("#") and " inet " not in line]
        for name, overrides in self.services.items():
            kept.append(f"127.0.0.1:{self.ports[name]} inet n - {'y' if self.chroot else 'n'} - - smtpd")
            kept += [f"  -o {{ {key} = {value} }}" for key, value in {"syslog_name": f"postfix/{name}", **overrides}.items()]
        (self.config / "master.cf").write_text("\n".join(kept) + "\n")

    def wire(self, reply, milter):
        """Have mailwhyd explain what this Postfix refuses: at its next start. The endpoints are as Postfix writes them."""
        macros = run("postconf", "-dh", "milter_connect_macros").stdout.strip()
        self.settings.update({
            "smtpd_reject_footer_maps": f"socketmap:{reply}:$process_id",
            "postscreen_reject_footer_maps": "",
            "smtpd_milters": milter,
            "milter_default_action": "accept",
            "milter_macro_defaults": "pid=$process_id",
            "milter_connect_macros": f"{macros} {{pid}}",
        })
        self._write_config()

    def start(self):
        daemons = run("postconf", "-c", self.config, "-h", "daemon_directory").stdout.strip()
        with uninterrupted():
            self.master = self.sandbox.spawn([f"{daemons}/master", "-c", self.config], self.home / "output")
        for name, port in self.ports.items():
            wait_for(f"Postfix on port {port}", lambda name=name: self._answers(name), 20)
        return self

    def _answers(self, name):
        if self.master.status() is not None:
            raise RuntimeError(f"Postfix ended with {self.master.status()}: {self.log_text()}")
        with contextlib.suppress(OSError):
            with contextlib.ExitStack() as held:
                sock = held.enter_context(socket.create_connection(("127.0.0.1", self.ports[name]), 10))
                if self.services[name].get("smtpd_tls_wrappermode") == "yes":
                    sock = held.enter_context(ssl._create_unverified_context().wrap_socket(sock))
                greeting = sock.recv(512)
                sock.sendall(b"QUIT\r\n")
                return greeting.startswith(b"220 ")

    def stop(self):
        """End the master and everything it started; the queue stays."""
        try:
            self.master.stop()
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the Postfix master {self.master.pid} does not end") from None

    def restart(self):
        self.stop()
        return self.start()

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""
