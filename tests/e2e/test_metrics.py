"""What Prometheus reads of mailwhyd, and what is made of it: alerts and a dashboard."""

import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import pathlib
import re
import signal
import socket
import time
import unittest

from mailwhyd import BUILD, TREE, SocketMap
from mta import ELSEWHERE, MAILBOX
from rig import RigTest
from sandbox import free_ports, run, wait_for
from sasl import USER, WRONG
from test_service import ServiceTest

RULES = TREE / "conf" / "prometheus" / "mailwhy.rules"
DASHBOARD = TREE / "conf" / "grafana" / "mailwhy.json"
OURS = re.compile(r"\b(?:mailwhy|process)_[a-z_]+")


def fetch(port, path="/metrics", method="GET", body=None):
    """A page: its status, headers and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def values(text):
    """{series: value} of a page."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, _, value = line.rpartition(" ")
            if series in found:
                raise AssertionError(f"twice: {series}")
            found[series] = float(value)
    return found


def names(text):
    """The metrics that a page declares, with the series of its histograms."""
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        found |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return found


def version_of(*folders):
    """The version of a catalogue: its own folder, and the site's."""
    files = [(path.relative_to(folder), path) for folder in folders
             for path in (*sorted(folder.glob("*.conf")), *sorted(folder.glob("text/*.conf")))]
    lines = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n" for name, path in files)
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


class Scraped(RigTest):
    """Of a Postfix whose sessions were refused."""

    rig_options = {"sasl": "dovecot"}
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.port, = free_ports(1)
        cls.rig_options = {**cls.rig_options, "more": f'metrics {{ listen = "127.0.0.1:{cls.port}" }}'}
        super().setUpClass()

    def values(self):
        return values(fetch(self.port)[2])

    def test_counted(self):
        """Each refusal is counted once, by code, reason and way, and an answer's time too."""
        wait_for("no session", lambda: self.values()["mailwhy_sessions_open"] == 0)
        before = self.values()
        with self.rig.client("submission") as client:
            for _ in range(3):
                self.refused(client.auth_plain(USER, WRONG), 535)
            wait_for("one session", lambda: self.values()["mailwhy_sessions_open"] == 1)
        with self.rig.client() as client:
            self.refused(client.play("MAIL FROM:<a@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>"), 554)
            self.assertEqual(client.say(f"RCPT TO:<{MAILBOX}>").code, 250)
        with self.daemon.connect() as reply_map:
            self.assertEqual(reply_map.request("1", "550 5.9.9 something quite unheard of")[0], "OK")
            reply_map.request("1", "no reply at all")
            reply_map.request("no-such-map", "x")
        wait_for("no session", lambda: self.values()["mailwhy_sessions_open"] == 0)
        after = self.values()
        more = {series: after[series] - before.get(series, 0) for series in after if after[series] != before.get(series, 0)}
        self.assertEqual({series: count for series, count in more.items() if "duration" not in series}, {
            'mailwhy_replies_total{code="535",via="socketmap"}': 3,
            'mailwhy_replies_total{code="554",via="socketmap"}': 1,
            'mailwhy_replies_total{code="550",via="socketmap"}': 1,
            'mailwhy_reply_reasons_total{reason="auth-bad-credentials"}': 3,
            'mailwhy_reply_reasons_total{reason="relay-denied"}': 1,
            'mailwhy_reply_reasons_total{reason=""}': 1,
            "mailwhy_replies_explained_total": 5,
            "mailwhy_replies_plain_total": 1,
            "mailwhy_replies_without_session_total": 1,
            "mailwhy_events_written_total": 5,
            'mailwhy_faults_total{fault="not_a_reply"}': 1,
            'mailwhy_faults_total{fault="map_name"}': 1,
        })
        self.assertEqual(more["mailwhy_reply_map_duration_seconds_count"], 6)
        self.assertEqual(more['mailwhy_reply_map_duration_seconds_bucket{le="+Inf"}'], 6)
        self.assertGreater(more["mailwhy_reply_map_duration_seconds_sum"], 0)
        buckets = [value for series, value in after.items() if "_bucket{" in series]
        self.assertEqual(buckets, sorted(buckets))

    def test_no_name(self):
        """No name, address or client is on the page."""
        with self.rig.client("submission") as client:
            client.auth_plain(USER, WRONG)
        with self.rig.client() as client:
            client.play("MAIL FROM:<dora@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>")
        text = fetch(self.port)[2]
        for name in ("dora", "someone", "anna", "elsewhere", "127.0.0.1", "localhost"):
            self.assertNotIn(name, text)

    def test_promtool(self):
        """promtool finds nothing wrong with the page."""
        status, headers, text = fetch(self.port)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        page = self.sandbox / "page"
        page.write_text(text)
        with open(page, encoding="ascii") as file:
            checked = run("promtool", "check", "metrics", stdin=file, check=False)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""))

    def test_every_reason(self):
        """All reasons of the catalogue are there, each once."""
        ids = re.findall(r"^reason (\S+)", (TREE / "conf" / "catalog" / "reasons.conf").read_text(), re.M)
        there = re.findall(r'^mailwhy_reply_reasons_total\{reason="(.*)"\}', fetch(self.port)[2], re.M)
        self.assertEqual(sorted(there), sorted(["", *ids]))

    def test_bad_requests(self):
        """Other pages and methods are refused, and what is no HTTP harms nothing."""
        self.assertEqual(fetch(self.port, "/")[0], 404)
        self.assertEqual(fetch(self.port, "/metrics/x")[0], 404)
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            status, headers, _ = fetch(self.port, method=method, body="x" * 100 if method in ("POST", "PUT") else None)
            self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(fetch(self.port, method="HEAD")[::2], (200, ""))
        self.assertEqual(fetch(self.port, "/metrics?a=b")[0], 200)
        for nonsense in (b"\0\xff\r\n\r\n", b"GET " + b"/x" * 50000 + b" HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost",
                         b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), 10) as client:
                client.sendall(nonsense)
        self.assertEqual(fetch(self.port)[0], 200)

    def test_kept_open(self):
        """One connection serves many requests."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            connection.request("GET", "/metrics")
            self.assertIn("mailwhy_build_info", connection.getresponse().read().decode())
            self.assertIs(connection.sock, sock)
        connection.close()

    def test_side_by_side(self):
        """Many scrapes at the same time, and connections that say nothing, hold up no reply; none is lost among what is counted meanwhile."""
        idle = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(60)]
        try:
            began = time.monotonic()
            with self.daemon.connect(5) as reply_map:
                for _ in range(200):
                    self.assertEqual(reply_map.request("1", "500 5.5.2 Error: command not recognized")[0], "OK")
            self.assertLess(time.monotonic() - began, 5)
        finally:
            for sock in idle:
                sock.close()
        before = self.values()["mailwhy_events_written_total"]

        def refuse(_):
            with SocketMap(self.daemon.reply) as reply_map:
                return sum(reply_map.request("1", "500 5.5.2 Error: command not recognized")[0] == "OK" for _ in range(100))

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            scrapes = pool.map(lambda _: fetch(self.port)[0], range(100))
            self.assertEqual(sum(pool.map(refuse, range(4))), 400)
            self.assertEqual(set(scrapes), {200})
        self.assertEqual(self.values()["mailwhy_events_written_total"], before + 400)

    def test_drop_by_drop(self):
        """Connections that send an octet now and then, as many as there may be, end after 10 seconds, and the metrics can be read again."""
        slow = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(32)]
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            scrape = pool.submit(fetch, self.port)
            for octet in b"GET /metrics HTTP/1.1\r\nX: ":
                for sock in slow:
                    with contextlib.suppress(OSError):
                        sock.send(bytes([octet]))
                if not scrape.done():
                    time.sleep(1)
            self.assertEqual(scrape.result()[0], 200)
        self.assertGreater(time.monotonic() - began, 8)
        self.assertLess(time.monotonic() - began, 18)
        for sock in slow:
            with contextlib.suppress(ConnectionError):
                self.assertEqual(sock.recv(1), b"")
            sock.close()

    def test_catalog(self):
        """The catalogue's version is on the page, in the status and in the notes: what mailwhyd -t says, and what sha256sum makes of the files."""
        page = re.findall(r'^mailwhy_catalog_info\{version="(.*)"\} 1$', fetch(self.port)[2], re.M)
        self.assertEqual(page, [version_of(self.daemon.catalog)])
        self.assertIn(f" catalog={page[0]} ", self.daemon.status())
        self.assertIn(f"ready, catalogue {page[0]}\n", self.daemon.complaints())
        self.assertIn(f"version is {page[0]}\n", run(BUILD / "mailwhyd", "-t", "-v", "-c", self.daemon.config, timeout=60).stdout)

    def test_rules(self):
        """promtool accepts the alerts, and each comes when it should and not else."""
        self.assertIn("SUCCESS", run("promtool", "check", "rules", RULES).stdout)
        tested = TREE / "tests" / "fixtures" / "alerts.yml"
        self.assertIn("SUCCESS", run("promtool", "test", "rules", tested).stdout)
        text = tested.read_text()
        for alert in re.findall(r"alert: (\w+)", RULES.read_text()):
            self.assertEqual(len(re.findall(rf"alertname: {alert}\b", text)), 2, alert)

    def test_names(self):
        """Alerts, their tests and the dashboard name no metric that there is not; each of the dashboard's queries is one."""
        there = names(fetch(self.port)[2])
        self.assertGreater(len(there), 15)
        dashboard = json.loads(DASHBOARD.read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        queries += [variable["definition"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
        expressions = re.findall(r"expr: (.*(?:\n {10}.*)*)", RULES.read_text())
        tested = re.findall(r"series: '(.*?)\{", (TREE / "tests" / "fixtures" / "alerts.yml").read_text())
        named = {name for text in [*queries, *expressions, *tested] for name in OURS.findall(text)}
        self.assertEqual(named - there, set())
        self.assertEqual(there - named, {"mailwhy_catalog_reasons", "mailwhy_catalog_loaded_timestamp_seconds"})
        as_rules = self.sandbox / "queries.yml"
        as_rules.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": [
            {"record": f"query:{number}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", query)}
            for number, query in enumerate(queries) if not query.startswith("label_values")]}]}))
        self.assertIn("SUCCESS", run("promtool", "check", "rules", as_rules).stdout)
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))


class Served(ServiceTest):
    """A mailwhyd of its own."""

    def setUp(self):
        super().setUp()
        self.port, = free_ports(1)

    def test_off(self):
        """Without the key nothing listens."""
        daemon = self.daemon().start()
        opened = run("ss", "-Hltnp").stdout
        self.assertNotIn(f"pid={daemon.process.pid},", opened)
        self.assertEqual(daemon.stop(), 0)

    def test_reload(self):
        """Reloads are counted, also one that fails; a reason that goes keeps its count."""
        catalog = self.sandbox / "mailwhyd" / "local-catalog"
        daemon = self.daemon(more=f'metrics {{ listen = "127.0.0.1:{self.port}" }}')
        (catalog / "text").mkdir(parents=True)
        (catalog / "reasons.conf").write_text('reason site-own { codes = {550} patterns = {"quite unheard of"} who = "sender" }\n')
        (catalog / "text" / "en.conf").write_text('reason site-own { name = "Own" reason = "It is our own." when = "Always." fix = "Do something about it." }\n')
        daemon.start()
        with daemon.connect() as reply_map:
            reply_map.request("1", "550 5.9.9 something quite unheard of")
        own = 'mailwhy_reply_reasons_total{reason="site-own"}'
        page = values(fetch(self.port)[2])
        self.assertEqual((page[own], page["mailwhy_reload_successful"]), (1, 1))
        loaded = page["mailwhy_catalog_loaded_timestamp_seconds"]
        with_ours = version_of(daemon.catalog, catalog)
        self.assertEqual(page[f'mailwhy_catalog_info{{version="{with_ours}"}}'], 1)
        (catalog / "reasons.conf").write_text("nonsense\n")
        daemon.hup()
        wait_for("the failed reload", lambda: values(fetch(self.port)[2])['mailwhy_reloads_total{result="failed"}'] == 1)
        page = values(fetch(self.port)[2])
        self.assertEqual((page[own], page["mailwhy_reload_successful"], page["mailwhy_catalog_loaded_timestamp_seconds"]), (1, 0, loaded))
        self.assertEqual(page[f'mailwhy_catalog_info{{version="{with_ours}"}}'], 1)
        (catalog / "reasons.conf").unlink()
        (catalog / "text" / "en.conf").unlink()
        daemon.hup()
        wait_for("the good reload", lambda: values(fetch(self.port)[2])['mailwhy_reloads_total{result="good"}'] == 1)
        page = values(fetch(self.port)[2])
        self.assertEqual((page[own], page["mailwhy_reload_successful"]), (1, 1))
        self.assertGreaterEqual(page["mailwhy_catalog_loaded_timestamp_seconds"], loaded)
        self.assertNotEqual(with_ours, version_of(daemon.catalog))
        self.assertEqual(page[f'mailwhy_catalog_info{{version="{version_of(daemon.catalog)}"}}'], 1)
        wait_for("the note of it", lambda: f"catalogue {version_of(daemon.catalog)} loaded: " in daemon.complaints())
        self.assertEqual(daemon.stop(), 0)

    def test_lost(self):
        """Events that could not be written are counted as lost."""
        if not self.sandbox.tmpfs("full", "64k"):
            self.fail("no tmpfs to fill")
        daemon = self.daemon(log=pathlib.Path(self.sandbox / "full" / "events.jsonl"), more=f'metrics {{ listen = "127.0.0.1:{self.port}" }}').start()
        with daemon.connect() as reply_map:
            for _ in range(600):
                reply_map.request("1", "500 5.5.2 Error: command not recognized")
        page = values(fetch(self.port)[2])
        self.assertGreater(page["mailwhy_events_lost_total"], 0)
        self.assertEqual(page["mailwhy_events_lost_total"] + page["mailwhy_events_written_total"], 600)
        self.assertEqual(daemon.stop(), 0)

    def test_not_logged(self):
        """Refusals that are not to be logged are counted all the same."""
        daemon = self.daemon(more=f'log = {{}} metrics {{ listen = "127.0.0.1:{self.port}" }}').start()
        with daemon.connect() as reply_map:
            self.assertNotIn(b"Ref:", reply_map.request("1", "500 5.5.2 Error: command not recognized")[1])
        page = values(fetch(self.port)[2])
        self.assertEqual(page['mailwhy_replies_total{code="500",via="socketmap"}'], 1)
        self.assertEqual(page["mailwhy_events_written_total"], 0)
        self.assertEqual(daemon.events(), [])

    def test_port_taken(self):
        """A port that is taken ends the start, which says which, and leaves no socket behind."""
        with socket.create_server(("127.0.0.1", self.port)):
            daemon = self.daemon(more=f'metrics {{ listen = "127.0.0.1:{self.port}" }}')
            ended = run(BUILD / "mailwhyd", "-c", daemon.config, check=False, timeout=20)
        self.assertEqual(ended.returncode, 69)
        self.assertIn(f"inet:{self.port}@127.0.0.1: cannot listen: Address already in use (metrics)", ended.stdout)
        self.assertEqual(list(daemon.directory.iterdir()), [])

    def test_other_address(self):
        """An address that others can reach is warned of; IPv6's loopback is not."""
        for listen, warned in ((f"0.0.0.0:{self.port}", True), (f"127.0.0.1:{self.port}", False), (f"[::1]:{self.port}", False)):
            with self.subTest(listen):
                daemon = self.daemon(more=f'metrics {{ listen = "{listen}" }}').start()
                before = len(daemon.complaints())
                self.assertEqual(daemon.stop(), 0)
                self.assertEqual("whoever reaches this address" in daemon.complaints()[:before] + daemon.complaints()[before:], warned)
                daemon.output.write_text("")

    def test_hung_scraper(self):
        """A client that reads nothing of what it asked for delays neither replies nor the end."""
        daemon = self.daemon(more=f'metrics {{ listen = "127.0.0.1:{self.port}" }}').start()
        scrapers = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(40)]
        for sock in scrapers:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        with daemon.connect(5) as reply_map:
            self.assertEqual(reply_map.request("1", "500 5.5.2 Error: command not recognized")[0], "OK")
        began = time.monotonic()
        self.assertEqual(daemon.process.stop(signal.SIGTERM), 0)
        self.assertLess(time.monotonic() - began, 5)
        for sock in scrapers:
            sock.close()


if __name__ == "__main__":
    unittest.main()
