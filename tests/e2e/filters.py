"""Real milters, to be wrapped: OpenDKIM and rspamd. Each listens at a path, with a configuration and files of its own in a sandbox."""

from milters import FakeMta, negotiation
from sandbox import run, wait_for

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"  # what every spam filter takes for spam


def answers(path):
    """A milter negotiates at that path."""
    try:
        with FakeMta(path) as mta:
            return mta.ask(negotiation())
    except OSError:
        return False


def opendkim(sandbox, name, path, text):
    """Start OpenDKIM at the path; text: what it does."""
    conf = sandbox / f"{name}.conf"
    conf.write_text(f"Socket local:{path}\nUMask 000\nUserID root\nSyslog no\nRequireSafeKeys no\nTemporaryDirectory {sandbox.path}\n{text}")
    output = sandbox / f"{name}-output"
    sandbox.spawn(["/usr/sbin/opendkim", "-f", "-x", conf], output)
    wait_for(f"OpenDKIM: {output}", lambda: answers(path), 30)


def opendkim_signing(sandbox, name, path, domain):
    """OpenDKIM that signs what the loopback sends in the name of that domain."""
    key = sandbox / f"{name}.key"
    run("openssl", "genrsa", "-traditional", "-out", key, "2048")
    key.chmod(0o600)
    opendkim(sandbox, name, path, f"Domain {domain}\nSelector test\nKeyFile {key}\nMode s\n")


def opendkim_verifying(sandbox, name, path):
    """OpenDKIM that refuses what is not signed."""
    internal = sandbox / f"{name}-internal"
    internal.write_text("192.0.2.1\n")
    opendkim(sandbox, name, path, f"Mode v\nOn-NoSignature reject\nInternalHosts {internal}\n")


def rspamd(sandbox, path):
    """Start rspamd at the path: one worker, which is a milter and looks at the messages itself. No redis, no rules, nothing asked of the network: all
    that it knows of spam is the GTUBE."""
    home = sandbox.directory("rspamd", owner="_rspamd")
    (home / "suffixes").write_text("test\n")
    (home / "rspamd.conf").write_text(f"""
        options {{
            pidfile = "{home}/pid";
            tempdir = "{home}";
            hs_cache_dir = "{home}";
            url_tld = "{home}/suffixes";
            filters = "";
            disable_hyperscan = true;
            dns {{ nameserver = ["127.0.0.1:1:1"]; timeout = 1s; retransmits = 1; }}
        }}
        logging {{ type = "console"; level = "info"; }}
        actions {{ reject = 15; }}
        worker "rspamd_proxy" {{
            bind_socket = "{path} mode=0666";
            count = 1;
            milter = true;
            timeout = 30s;
            upstream "local" {{ default = true; self_scan = true; }}
        }}
    """)
    output = sandbox / "rspamd-output"
    sandbox.spawn(["/usr/bin/rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", home / "rspamd.conf"], output)
    wait_for(f"rspamd: {output}", lambda: answers(path), 60)
