"""The two ways Postfix checks a password: a private Dovecot as authentication server, and Cyrus SASL with a sasldb.

Both know the same users. Each has settings(): the main.cf parameters that Postfix needs to use it."""

import os
import signal

from sandbox import run, wait_for

REALM = "mailwhy.test"
USER = f"anna@{REALM}"
PASSWORD = "correct horse"
WRONG = "battery staple"
UNKNOWN_USER = f"nobody-here@{REALM}"
DISABLED_USER = f"dora@{REALM}"  # Dovecot only: the account is locked


class Dovecot:
    """`dovecot -F` with nothing but its authentication service, listening within the queue directory (so also in a chroot); where there is a port, there
    too, on the loopback of the network that the command `within` brings it into."""

    kind = "dovecot"

    def __init__(self, sandbox, queue, port=None, within=()):
        self.sandbox = sandbox
        self.port = port
        self.within = within
        self.home = sandbox.directory("dovecot")
        self.socket = sandbox.directory(queue / "auth") / "dovecot"
        self.config = self.home / "dovecot.conf"
        self.config.write_text(self._config())
        (self.home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (self.home / "locked").write_text(f"{DISABLED_USER}:{{PLAIN}}{PASSWORD}\n")
        for name in ("users", "locked"):
            (self.home / name).chmod(0o644)
        self.process = None
        self.start()

    def _config(self):
        inet = f"inet_listener {{\n address = 127.0.0.1\n port = {self.port}\n }}" if self.port else ""
        return f"""
            base_dir = {self.home}/run
            state_dir = {self.home}/state
            log_path = {self.home}/log
            protocols =
            ssl = no
            disable_plaintext_auth = no
            auth_mechanisms = plain login cram-md5
            auth_failure_delay = 0 secs
            passdb {{
                driver = passwd-file
                args = {self.home}/locked
                deny = yes
            }}
            passdb {{
                driver = passwd-file
                args = {self.home}/users
            }}
            service auth {{
                unix_listener {self.socket} {{
                    mode = 0666
                }}
                {inet}
            }}
            service anvil {{
                unix_listener anvil-auth-penalty {{
                    mode = 0
                }}
            }}
        """

    def start(self):
        self.process = self.sandbox.spawn([*self.within, "dovecot", "-F", "-c", self.config], self.home / "output", signal.SIGKILL)
        wait_for("Dovecot's socket", self.socket.exists)

    def stop(self):
        self.process.stop(signal.SIGKILL)
        self.socket.unlink()

    def settings(self):
        return {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": f"inet:127.0.0.1:{self.port}" if self.port else "auth/dovecot"}


class Cyrus:
    """A sasldb within the queue directory, and a smtpd.conf where Debian's Postfix looks for it whatever cyrus_sasl_config_path says:
    in $config_directory/sasl. application: whose configuration it is."""

    kind = "cyrus"

    def __init__(self, sandbox, queue, config, chroot, application="smtpd"):
        database = sandbox.directory(queue / "sasl") / "sasldb2"
        run("saslpasswd2", "-p", "-c", "-u", REALM, "-f", database, USER.partition("@")[0], stdin=self._password())
        database.chmod(0o644 if application == "smtpd" else 0o600)  # Sendmail refuses one that others can read
        self.config = sandbox.directory(config / "sasl")
        (self.config / f"{application}.conf").write_text(
            "pwcheck_method: auxprop\n"
            "auxprop_plugin: sasldb\n"
            "mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5\n"
            f"sasldb_path: {'/sasl/sasldb2' if chroot else database}\n")

    @staticmethod
    def _password():
        reader, writer = os.pipe()
        os.write(writer, PASSWORD.encode())
        os.close(writer)
        return os.fdopen(reader)

    def stop(self):
        pass

    def settings(self):
        return {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd", "smtpd_sasl_local_domain": REALM}
