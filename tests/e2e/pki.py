"""Certificates for tests: an authority of our own, and what it signs."""

from sandbox import run


class Authority:
    """A certificate authority in a folder of the sandbox; `file` has its certificate."""

    def __init__(self, sandbox, name="authority"):
        self.home = sandbox.directory(name)
        self.file = self.home / "ca.pem"
        self._key("ca")
        run("openssl", "req", "-x509", "-new", "-key", self.home / "ca.key", "-days", "2", "-subj", "/CN=Test authority", "-out", self.file)

    def _key(self, name):
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.home / f"{name}.key")

    def issue(self, name, names, days=2, self_signed=False):
        """A certificate for these names ("DNS:a.test,IP:127.0.0.1"): its files, as main.cf has them. days < 0: it ended so long ago."""
        files = {"smtpd_tls_key_file": self.home / f"{name}.key", "smtpd_tls_cert_file": self.home / f"{name}.pem"}
        request, extensions = self.home / f"{name}.csr", self.home / f"{name}.ext"
        self._key(name)
        extensions.write_text(f"subjectAltName={names}\n")
        run("openssl", "req", "-new", "-key", files["smtpd_tls_key_file"], "-subj", f"/CN={name}", "-out", request)
        signer = ["-signkey", files["smtpd_tls_key_file"]] if self_signed else ["-CA", self.file, "-CAkey", self.home / "ca.key", "-CAcreateserial"]
        run("openssl", "x509", "-req", "-in", request, *signer, "-days", days, "-extfile", extensions, "-out", files["smtpd_tls_cert_file"])
        return files
