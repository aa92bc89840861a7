"""make install and make uninstall, into directories of their own."""

import os
import stat
import unittest

from mailwhyd import TREE
from sandbox import Sandbox, run

# Where things go, below PREFIX and SYSCONFDIR, and their modes.
INSTALLED = {
    "usr/bin/mailwhy": 0o755,
    "usr/sbin/mailwhyd": 0o755,
    "usr/share/mailwhy/catalog/reasons.conf": 0o644,
    "usr/share/mailwhy/catalog/text/de.conf": 0o644,
    "usr/share/man/man1/mailwhy.1": 0o644,
    "usr/share/man/man5/mailwhy.conf.5": 0o644,
    "usr/share/man/man5/mailwhy-catalog.5": 0o644,
    "usr/share/man/man5/mailwhy-events.5": 0o644,
    "usr/share/man/man8/mailwhyd.8": 0o644,
    "usr/share/bash-completion/completions/mailwhy": 0o644,
    "usr/share/zsh/vendor-completions/_mailwhy": 0o644,
    "usr/share/fish/vendor_completions.d/mailwhy.fish": 0o644,
    "usr/lib/systemd/system/mailwhyd.service": 0o644,
    "usr/lib/systemd/system/mailwhyd.socket": 0o644,
    "usr/lib/sysusers.d/mailwhy.conf": 0o644,
    "usr/lib/tmpfiles.d/mailwhy.conf": 0o644,
    "etc/mailwhy/mailwhy.conf": 0o644,
    "etc/logrotate.d/mailwhyd": 0o644,
    "etc/fail2ban/filter.d/mailwhy-auth.conf": 0o644,
    "etc/fail2ban/jail.d/mailwhy.conf": 0o644,
    "etc/lnav/formats/mailwhy/mailwhy.json": 0o644,
}
PLAIN = "build/installed"  # programs without sanitizers


class Install(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox())
        self.root = self.sandbox.directory("root")

    def make(self, *arguments, build=PLAIN, **options):
        return run("make", "-j2", f"BUILD={build}", f"DESTDIR={self.root}", *arguments, cwd=TREE, timeout=110, **options).stdout

    def files(self):
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir()}

    def test_places_and_modes(self):
        """Everything stands where it belongs, with modes that do not depend on the umask, and all of it goes again."""
        self.make("install", umask=0o077)
        for name, mode in INSTALLED.items():
            self.assertEqual(stat.S_IMODE(os.stat(self.root / name).st_mode), mode, name)
        for path in self.root.rglob("*"):
            if path.is_dir():
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o755, path)
        for kind, folder in (("conf/catalog/", "usr/share/mailwhy/catalog"), ("conf/catalog/text/", "usr/share/mailwhy/catalog/text")):
            self.assertEqual({path.name for path in (TREE / kind).glob("*.conf")}, {path.name for path in (self.root / folder).glob("*.conf")})
        pages = {path.name for place in ("conf", "milter") for path in (TREE / place).rglob("*.[1578]")}
        self.assertEqual({path.name for path in (self.root / "usr/share/man").rglob("*.*")}, pages)
        contents = {path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        ours = [path for place in ("conf", "systemd") for path in (TREE / place).rglob("*") if path.is_file() and "debian" not in path.parts]
        self.assertEqual([str(path) for path in ours if path.read_bytes() not in contents], [], "not installed")
        self.make("uninstall")
        self.assertEqual(self.files(), set())

    def test_configuration_stays(self):
        """What an operator changed is not touched, ours goes beside it; what was not changed is left as it is. Neither goes with uninstall."""
        self.make("install")
        conf = self.root / "etc/mailwhy/mailwhy.conf"
        original = conf.read_text()
        conf.write_text(original + 'explain { language = "de" }\n')
        conf.chmod(0o600)
        said = self.make("install")
        self.assertIn('language = "de"', conf.read_text())
        self.assertEqual(stat.S_IMODE(conf.stat().st_mode), 0o600)
        self.assertEqual((self.root / "etc/mailwhy/mailwhy.conf.dpkg-dist").read_text(), original)
        self.assertIn("mailwhy.conf has been changed and stays", said)
        self.assertEqual([name for name in self.files() if name.endswith(".dpkg-dist")], ["etc/mailwhy/mailwhy.conf.dpkg-dist"])
        self.assertIn("mailwhy.conf has been changed and stays", self.make("uninstall"))
        self.assertEqual(self.files(), {"etc/mailwhy/mailwhy.conf", "etc/mailwhy/mailwhy.conf.dpkg-dist"})

    def test_other_places(self):
        """With another PREFIX and SYSCONFDIR, programs, units and pages know it."""
        prefix, etc = self.sandbox / "opt", self.sandbox / "settings"
        places = ("DESTDIR=", f"PREFIX={prefix}", f"SYSCONFDIR={etc}")
        self.make("install", *places, build="build/elsewhere")
        self.assertIn(f"default {etc}/mailwhy/mailwhy.conf", run(prefix / "sbin/mailwhyd", "--help").stdout)
        (etc / "mailwhy/mailwhy.conf").write_text('user = ""\n')
        checked = run(prefix / "sbin/mailwhyd", "-t", "-v").stdout
        self.assertIn(f"{etc}/mailwhy/mailwhy.conf and the catalogue {prefix}/share/mailwhy/catalog are good", checked)
        self.assertIn("Authentication", run(prefix / "bin/mailwhy", "explain", "535").stdout)
        (etc / "mailwhy/catalog").mkdir()
        (etc / "mailwhy/catalog/reasons.conf").write_text("nonsense\n")
        self.assertIn(f"{etc}/mailwhy/catalog/reasons.conf:1", run(prefix / "sbin/mailwhyd", "-t", check=False).stdout)
        unit = (prefix / "lib/systemd/system/mailwhyd.service").read_text()
        self.assertIn(f"ExecStart={prefix}/sbin/mailwhyd\n", unit)
        self.assertIn(f"{etc}/mailwhy/mailwhy.conf", (prefix / "share/man/man8/mailwhyd.8").read_text())
        for path in (*prefix.rglob("*"), *etc.rglob("*")):
            if path.is_file() and path.name not in ("mailwhy", "mailwhyd"):
                self.assertNotRegex(path.read_text(errors="replace"), r"(?<![\w])(/usr/share/mailwhy|/etc/mailwhy|/usr/sbin/mailwhyd)", path)


if __name__ == "__main__":
    unittest.main()
