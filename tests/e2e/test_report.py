"""`mailwhy review --format html`: the page as it is written, and as a real Chromium shows it."""

import base64
import collections
import datetime
import hashlib
import itertools
import re
import subprocess
import zoneinfo

from selenium.webdriver.common.keys import Keys

from browser import PATIENCE, Browser
from html_tree import read_html
from sandbox import Sandbox
from test_explain import LANGUAGES, Tool, read_json
from test_review import event, failure, iso, postfix, reject

UTC = datetime.timezone.utc
BERLIN = "Europe/Berlin"  # whose clocks go back on 2026-10-25
MONDAY = datetime.datetime(2026, 11, 9, tzinfo=UTC)
REASONS = ["relay-denied", "rcpt-unknown", "greylisted", "ip-blocklisted", "spam-rejected", "helo-not-fqdn", "sender-domain-not-found", "server-busy",
           "mailbox-full"]
LONG = "a-very-long-local-part-without-any-blank-in-it-" * 3 + "@" + "label." * 20 + "test"
HOSTILE = ["<script>document.title='ran'</script>", "\"><img src=x onerror=\"document.title='ran'\">", "'><svg onload=document.title='ran'>",
           "</td></table></style><script>document.title='ran'</script>", "<!--", "&lt;b&gt;", "{{7*7}} ${x} `y`", "javascript:alert(1)", "a\u202eb\u2066c\u200f",
           "tab\tline\nbell\x07esc\x1b[2Jnul\x00", "]]>", "\ufeff\U000e0041"]


def week():
    """Lines of a mail log and of ours of a week, with something for each question."""
    for hour in range(0, 7 * 24, 2):
        when = MONDAY + datetime.timedelta(hours=hour)
        for i, reason in enumerate(REASONS):
            for client in range(len(REASONS) - i):
                yield event(when, reason=reason, client_addr=f"192.0.2.{client + i}", client_port=client + 1, sender=f"{reason}@x.test")
        yield event(when, reason=None, code=577, enhanced="5.9.3", sender="b@y.test", reply="577 5.9.3 zork blurgh")
        for user in range(4):
            yield failure("2001:db8:7::9", f"user{user}@x.test", when=when)
            yield failure(f"198.51.100.{user}", "root", when=when)
        yield event(when, code=250, enhanced=None, reason=None, reply=None, stage="eom", queue_id=f"Q{hour}", sender="relay-denied@x.test")
        yield postfix("1A2B3C: to=<d@far.test>, relay=mx.far.test[203.0.113.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host mx.far.test"
                      "[203.0.113.9] said: 550 5.1.1 User unknown (in reply to RCPT TO command))", when, "postfix/smtp", old=False)
    yield event(MONDAY, sender=LONG, recipient=LONG)


def luminance(color):
    """Of "#rrggbb", as WCAG 2.2 defines it."""
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return sum(weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4) for weight, part in zip((0.2126, 0.7152, 0.0722), parts))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Page(Tool):
    """Pages of logs that were written for the test."""

    def setUp(self):
        self.home = self.folder()

    def log(self, *lines, name="log"):
        path = self.home / name
        path.write_text("".join(lines), encoding="utf-8", errors="surrogatepass")
        return path

    def page(self, *args, status=0, zone="UTC", name="page.html"):
        """The page's file, and its tree."""
        said = self.says(status, "review", "--format=html", *args, TZ=zone, timeout=60)
        path = self.home / name
        path.write_text(said.out, encoding="utf-8", newline="")
        return path, read_html(said.out)


def number(text):
    """The number that people read there."""
    return int(re.sub(r"[\u202f~ ]", "", text))


def table(tree, section):
    """The rows of a section's table, each a dict by head; the first cell has no head."""
    found = tree.one("section", id=section).all("table")[-1]
    heads = [head.text() for head in found.one("thead").all("th")]
    return [dict(zip(["", *heads[1:]], [cell.text() for cell in row.children if not isinstance(cell, str)])) for row in found.one("tbody").all("tr")]


class Written(Page):
    """What is in the file."""

    def check_frame(self, tree, language):
        root = tree.one("html")
        self.assertEqual((root["lang"], root["dir"]), (language, "rtl" if language == "ar" else "ltr"))
        self.assertTrue(tree.one("head").one("title").text())
        for name in ("header", "nav", "main", "footer", "h1"):
            self.assertTrue(tree.one(name).text().strip(), name)
        ids = [element["id"] for element in tree.walk() if element["id"]]
        self.assertEqual(len(ids), len(set(ids)))
        for element in tree.walk():
            for key in ("aria-labelledby", "for"):
                for wanted in (element[key] or "").split():
                    self.assertIn(wanted, ids)
            self.assertFalse({"style", "src", "onclick", "onload"} & set(element.attributes), element.attributes)
        self.assertEqual([link["href"][1:] for link in tree.all("a")], [section["id"] for section in tree.all("section")])
        for found in tree.all("table"):
            self.assertTrue(found.one("caption").text())
            self.assertTrue(all(head["scope"] == "col" for head in found.one("thead").all("th")))
            columns = len(found.one("thead").all("th"))
            for row in found.one("tbody").all("tr"):
                self.assertEqual([cell.name for cell in row.children], ["th"] + ["td"] * (columns - 1))
                self.assertEqual(row.children[0]["scope"], "row")
        for chart in tree.all("svg", role="img"):
            self.assertTrue(chart.all("title")[0].text())
        self.assertEqual(len(tree.all("desc")), 3)

    def test_frame(self):
        """In each language: well-formed, with landmarks, heads, captions and a link to each section."""
        log = self.log(*week())
        pages = {language: self.page(f"--lang={language}", log)[1] for language in LANGUAGES}
        for language, tree in pages.items():
            with self.subTest(language):
                self.check_frame(tree, language)
        titles = {tree.one("h1").text() for tree in pages.values()}
        self.assertEqual(len(titles), len(LANGUAGES))

    def test_policy(self):
        """The policy allows this style sheet and this script, and nothing else; nothing is fetched."""
        path, tree = self.page(self.log(*week()))
        policy = tree.all("meta")[1]
        self.assertEqual(policy["http-equiv"], "Content-Security-Policy")
        hashes = [base64.b64encode(hashlib.sha256(tree.one(name).text().encode()).digest()).decode() for name in ("style", "script")]
        self.assertEqual(policy["content"], f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'")
        text = path.read_text()
        self.assertNotRegex(text, r"https?://|url\(|@import")
        self.assertLess(path.stat().st_size, 160 * 1024)

    def test_agrees(self):
        """Each question has the rows of the JSON: names, counts, and how many others."""
        log = self.log(*week())
        tree = self.page(log)[1]
        review = read_json(self.says(0, "review", "--json", log, TZ="UTC").out)[0]
        questions = {key: rows for key, rows in review.items() if isinstance(rows, list) and rows and key != "groups"}
        shown = [section["id"] for section in tree.all("section")]
        self.assertEqual([key for key in shown if key in questions], list(questions))
        self.assertGreaterEqual(len(questions), 8, list(questions))
        for key, rows in questions.items():
            with self.subTest(key):
                page = table(tree, key)
                self.assertEqual([number(row["Count"]) for row in page], [row["count"] for row in rows])
                for row, on_page in zip(rows, page):
                    self.assertIn(row["name"] if row["name"] != "-" else "Not in the catalogue", on_page[""])
                    self.assertEqual(on_page["First"], row["first"][:16].replace("T", " "))
                    self.assertEqual(on_page["Last"], row["last"][:16].replace("T", " "))
                    for other, head in (("clients", "Clients"), ("recipients", "Recipients"), ("users", "Users")):
                        self.assertEqual(row.get(other), number(on_page[head]) if head in on_page else None)
                    if row.get("fix"):
                        self.assertIn(row["fix"], on_page["How to fix it"])
                        self.assertIn(row["title"], on_page[""])
        figures = dict(zip((term.text() for term in tree.all("dt")), (number(value.text()) for value in tree.all("dd"))))
        self.assertEqual(figures["Refusals"], review["refused"])
        self.assertEqual(figures["Sessions with refusals"], review["sessions"])

    def slots(self, tree):
        return [(row[""], [number(text) for head, text in row.items() if head]) for row in table(tree, "over-time")]

    def test_over_time(self):
        """Bars are of hours, days, weeks, months or years, as the span asks for; each adds up, and so do all."""
        begin = datetime.datetime(2023, 1, 2, tzinfo=UTC)
        cases = ((3, 1, "hours", 3), (72, 12, "hours", 7), (24 * 60, 24, "days", 61), (24 * 365, 24, "weeks", 53), (24 * 365 * 3, 24 * 5, "months", 37),
                 (24 * 366 * 30, 24 * 30, "years", 31))
        for hours, every, what, expected in cases:
            with self.subTest(what, hours=hours):
                times = [begin + datetime.timedelta(hours=hour) for hour in range(0, hours + 1 if every > 1 else hours, every)]
                times = [when.replace(year=when.year - 20) if hours > 24 * 366 * 20 else when for when in times]
                tree = self.page(self.log(*(event(when, reason=REASONS[i % 9]) for i, when in enumerate(times))))[1]
                slots = self.slots(tree)
                self.assertEqual(len(slots), expected)
                self.assertEqual(sum(counts[0] for _, counts in slots), len(times))
                for _, counts in slots:
                    self.assertEqual(counts[0], sum(counts[1:]))
                bars = [g for g in tree.one("section", id="over-time").all("g") if g.all("rect", class_="slot")]
                self.assertEqual(len(bars), expected)
                names = [head.text() for head in tree.one("section", id="over-time").one("thead").all("th")][2:]
                self.assertEqual((len(names), names[-1]), (7, "Other reasons") if len(times) > 6 else (len(times), names[-1]))

    def test_local_time(self):
        """Days and hours are those of the local time, also on the day when the clocks go back."""
        zone = zoneinfo.ZoneInfo(BERLIN)
        begin = datetime.datetime(2026, 10, 22, 0, tzinfo=zone)
        times = [begin.astimezone(UTC) + datetime.timedelta(hours=hour) for hour in range(24 * 7)]
        tree = self.page(self.log(*map(event, times)), zone=BERLIN)[1]
        expected = {}
        for when in times:
            expected[f"{when.astimezone(zone):%Y-%m-%d} 00:00"] = expected.get(f"{when.astimezone(zone):%Y-%m-%d} 00:00", 0) + 1
        self.assertEqual(expected["2026-10-25 00:00"], 25)
        self.assertEqual({day: counts[0] for day, counts in self.slots(tree)}, expected)
        heat = {(row[""], day): number(text) for row in table(tree, "by-weekday") for day, text in row.items() if day}
        self.assertEqual(heat["02:00", "Sun"], 2)
        self.assertEqual(heat["23:00", "Wed"], 0)
        self.assertEqual(sum(heat.values()), len(times))

    def test_networks(self):
        """The chart of failed sign-ins has each network, the greatest first."""
        tree = self.page(self.log(*week()))[1]
        rows = table(tree, "auth-by-network")
        self.assertEqual([(row[""], number(row["Count"])) for row in rows], [("198.51.100.0/24", 336), ("2001:db8:7::/64", 336)])
        self.assertEqual(len(tree.one("section", id="auth-by-network").all("rect", class_="bar")), 2)

    def test_by(self):
        """--by: one table and no more."""
        log = self.log(*week())
        for what, first in (("network", "192.0.2.0/24"), ("reason", "relay-denied"), ("day", "2026-11-09")):
            with self.subTest(what):
                tree = self.page(f"--by={what}", log)[1]
                self.assertEqual([section["id"] for section in tree.all("section")], ["groups"])
                self.assertTrue(any(first in row[""] for row in table(tree, "groups")))

    def test_before(self):
        """With --since it is said how many sessions there were before."""
        span = ("--since=2026-11-13T12:00:00Z", "--until=2026-11-15T00:00:00Z", self.log(*week()))
        tree = self.page(*span)[1]
        review = read_json(self.says(0, "review", "--json", *span).out)[0]
        self.assertGreater(review["sessions_before"], 0)
        change = f"{100 * (review['sessions'] / review['sessions_before'] - 1):+.0f} %"
        self.assertEqual(tree.one("dd", class_="note").text(), f"In the span before, as long: {review['sessions_before']:,} ({change})".replace(",", "\u202f"
                         ).replace("before\u202f", "before,"))

    def test_nothing(self):
        """Nothing refused: a page that says so, and exit status 1."""
        tree = self.page(self.log(), status=1)[1]
        self.assertIn("Nothing was refused in this span.", tree.one("main").text())
        self.assertEqual(tree.all("section"), [])

    def test_hostile(self):
        """Text of a log is text: no element comes of it, and what acts unseen is shown."""
        lines = [event(reason=text, sender=text, client_addr=text, sasl_user=text, reply="554 " + text) for text in HOSTILE]
        lines += [event(reason=None, code=577, enhanced=None, reply="577 zork " + text) for text in HOSTILE]
        lines += [failure("192.0.2.9", text) for text in HOSTILE] * 3
        plain = self.page(self.log(event()))[1]
        log = self.log(*lines)
        log.write_bytes(log.read_bytes() + event(reason=None, code=577, enhanced=None, reply="577 zork \udcff\udc80 no utf-8").encode().replace(b"\\udcff\\udc80", b"\xff\x80"))
        _, tree = self.page("--top=100", log)
        self.assertLessEqual({element.name for element in tree.walk()}, {element.name for element in plain.walk()} | {"p", "output", "bdi"})
        self.assertEqual(len(tree.all("script")), 1)
        text = tree.one("main").text()
        for hostile in HOSTILE[:5]:
            self.assertIn(hostile, text)
        for shown in ("a\\u202eb\\u2066c\\u200f", "tab\\x09line\\x0abell\\x07esc\\x1b[2J", "\\ufeff\\U000e0041"):
            self.assertIn(shown, text)

    def test_size(self):
        """A page stays small however long the log is: its tables and charts are bounded."""
        lines = []
        for i in range(30000):
            when = MONDAY - datetime.timedelta(minutes=4 * i)
            lines.append(event(when, reason=f"reason-{i % 300}", client_addr=f"198.18.{i % 200}.{i % 250}", sender=f"u{i}@x.test"))
            lines.append(failure(f"198.19.{i % 200}.{i % 250}", f"user{i % 5000}", when=when))
        path, _ = self.page(self.log(*lines))
        self.assertLess(path.stat().st_size, 256 * 1024)

    def test_colors(self):
        """Text has the contrast of WCAG AA on its background in light and dark, and what a chart draws that of graphics; neighbours differ for all eyes."""
        style = self.page(self.log(event()))[1].one("style").text()
        themes = [dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
        self.assertEqual(len(themes), 2)
        for theme in themes:
            for text, back in itertools.product(("ink", "muted", "accent"), ("paper", "soft")):
                self.assertGreaterEqual(contrast(theme[text], theme[back]), 4.5, (text, back))
            for series in range(7):
                self.assertGreaterEqual(contrast(theme[f"s{series}"], theme["paper"]), 3.0, series)
            steps = [luminance(theme[f"h{level}"]) for level in range(6)]
            self.assertIn(steps, (sorted(steps), sorted(steps, reverse=True)))
            for (a, one), (b, other) in itertools.combinations(enumerate(theme[f"s{i}"] for i in range(7)), 2):
                for sight, matrix in SIGHTS.items():
                    self.assertGreater(difference(one, other, matrix), 10, (sight, a, b))


# What a colour looks like without one kind of cone: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def lab(color, sight):
    """CIE L*a*b* under D65."""
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    seen = [min(1, max(0, part)) for part in times(sight, linear)]
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (a / b for a, b in zip(times(TO_XYZ, seen), (0.95047, 1, 1.08883))))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one, other, sight):
    return sum((a - b) ** 2 for a, b in zip(lab(one, sight), lab(other, sight))) ** 0.5


class Shown(Page):
    """What Chromium makes of it."""

    @classmethod
    def setUpClass(cls):
        sandbox = Sandbox()
        cls.addClassCleanup(sandbox.close)
        cls.browser = Browser(sandbox)

    def open(self, *args, width=1280, dark=False, scripts=True, **kwargs):
        """Open the page: nothing but it is fetched, and the console says nothing. Its tree."""
        path, tree = self.page(*args, **kwargs)
        self.browser.open(path, width, dark, scripts)
        self.silent(path)
        return tree

    def silent(self, path=None):
        console, fetched = self.browser.said()
        self.assertEqual((console, fetched), ([], [path.as_uri()] if path else []))

    def find(self, css):
        return self.browser.driver.find_elements("css selector", css)

    def column(self, section, cell):
        """The texts of a column's cells that are to be seen."""
        return self.browser.run("return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility()).map(e => e.textContent)",
                                f"#{section} tbody tr > :nth-child({cell})")

    def state(self, section):
        return self.browser.run("return [...document.querySelectorAll(arguments[0])].map(e => e.getAttribute('aria-sort'))", f"#{section} thead th")

    def test_opens(self):
        """In each language it opens without an error and without fetching anything, and all its text is to be seen."""
        log = self.log(*week())
        for language in LANGUAGES:
            with self.subTest(language):
                tree = self.open(f"--lang={language}", log)
                shown = "".join(self.browser.text().split())
                for heading in tree.all("h2"):
                    self.assertIn("".join(heading.text().split()), shown)
        self.assertGreater(self.browser.run("return document.querySelector('#over-time svg').getBoundingClientRect().width"), 500)

    def test_policy_holds(self):
        """Chromium runs no script but ours: one octet more in it, or a script in the page, and it is refused and said."""
        path, _ = self.page(self.log(*week()))
        text = path.read_text()
        for changed in (text.replace("<script>", "<script> "), text.replace("</main>", "<script>document.title='ran'</script></main>"),
                        text.replace("<h1", "<h1 style='color:red'"), text.replace("</main>", "<img src='x.png'></main>")):
            with self.subTest():
                path.write_text(changed)
                self.browser.open(path)
                console, _ = self.browser.said()
                self.assertIn("Content Security Policy", "".join(console))
                self.assertNotEqual(self.browser.driver.title, "ran")

    def test_sorts(self):
        """A head that is clicked sorts: numbers the greatest first, names from a; again turns it; aria-sort says so."""
        self.open(self.log(*week()))
        counts = self.column("reasons", 2)
        self.assertEqual(self.state("reasons"), [None, "descending", None, None, None, None, None])
        buttons = self.find("#reasons thead button")
        self.assertEqual(len(buttons), 6)
        buttons[1].click()
        self.assertEqual(self.state("reasons")[1], "ascending")
        self.assertEqual([number(text) for text in self.column("reasons", 2)], sorted(number(text) for text in counts))
        buttons[0].click()
        names = self.column("reasons", 1)
        self.assertEqual(names, sorted(names, key=str.casefold))
        self.assertEqual(self.state("reasons"), ["ascending"] + [None] * 6)
        buttons[0].click()
        self.assertEqual(self.column("reasons", 1), names[::-1])
        buttons[2].click()
        clients = [number(text) for text in self.column("reasons", 4)]
        self.assertEqual(clients, sorted(clients, reverse=True))
        self.silent()

    def test_keyboard(self):
        """The same by keyboard alone, and where the focus is can be seen."""
        self.open(self.log(*week()))
        self.find("#filter")[0].send_keys(Keys.TAB)
        for _ in range(60):
            if self.browser.run("return document.activeElement.matches('#reasons thead th:first-child button')"):
                break
            self.browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = self.browser.driver.switch_to.active_element
        self.assertEqual(focused.text, "Reason")
        self.assertEqual(self.browser.run("const s = getComputedStyle(arguments[0]); return [s.outlineStyle, s.outlineWidth]", focused), ["solid", "2px"])
        focused.send_keys(Keys.ENTER)
        names = self.column("reasons", 1)
        self.assertEqual(names, sorted(names, key=str.casefold))
        self.browser.driver.switch_to.active_element.send_keys(Keys.SPACE)
        self.assertEqual(self.column("reasons", 1), names[::-1])
        summary = self.find("#over-time summary")[0]
        summary.send_keys(Keys.ENTER)
        self.assertTrue(self.find("#over-time details")[0].get_attribute("open"))

    def test_filters(self):
        """The filter leaves the rows that have all of its words, whatever the case, and says how many; emptied, all come back."""
        tree = self.open(self.log(*week()))
        rows = sum(len(found.one("tbody").all("tr")) for found in tree.all("table") if "sortable" in found["class"])
        box, shown = self.find("#filter")[0], self.find("#shown")[0]
        self.assertEqual(self.find("label[for=filter]")[0].text, "Filter")
        box.send_keys("RELAY-denied")
        self.assertEqual([name for name in self.column("reasons", 1) if "relay-denied" not in name], [])
        self.assertEqual(len(self.column("reasons", 1)), 1)
        self.assertEqual(self.column("guessing_clients", 1), [])
        left = sum(len(self.column(section["id"], 1)) for section in tree.all("section") if section.all("table", class_="sortable names")
                   or section.all("table", class_="sortable reasons") or section.all("table", class_="sortable names long"))
        self.assertEqual(shown.text, f"Rows shown: {left} / {rows}")
        box.send_keys(" nonsense")
        self.assertEqual((self.column("reasons", 1), shown.text), ([], f"Rows shown: 0 / {rows}"))
        box.clear()
        box.send_keys(" ")
        self.assertEqual((len(self.column("reasons", 1)), shown.text), (len(table(tree, "reasons")), ""))
        self.silent()

    def on_paper(self):
        """The text of the printed page, without blanks, and its pages."""
        (self.home / "page.pdf").write_bytes(self.browser.printed())
        text = subprocess.run(("pdftotext", "-raw", self.home / "page.pdf", "-"), capture_output=True, check=True, timeout=PATIENCE).stdout.decode()
        return "".join(text.split()), text.count("\f")

    def test_prints(self):
        """On paper all of it is there, also the numbers of the charts, and no controls; a dark screen prints in the light colours."""
        for dark in (False, True):
            tree = self.open(self.log(*week()), dark=dark)
            text, pages = self.on_paper()
            for section in tree.all("section"):
                for row in table(tree, section["id"]):
                    for head, cell in row.items():
                        if head != "Trend":  # its numbers are for those who don't see it
                            self.assertIn("".join(cell.split()), text)
            for heading in tree.all("h2"):
                self.assertIn("".join(heading.text().split()), text)
            self.assertNotIn("Filter", text)
            self.assertNotIn("Asatable", text)
            self.assertLess(pages, 12)
            self.browser.command("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
            self.assertEqual(self.browser.run("return getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
            self.browser.command("Emulation.setEmulatedMedia", media="")

    def test_light_and_dark(self):
        """Both are designed: what is shown has its contrast, as Chromium computes the colours."""
        backs = set()
        for dark in (False, True):
            self.open(self.log(*week()), dark=dark)
            found = self.browser.run("""
                const color = (e, what) => getComputedStyle(e)[what];
                const back = e => { while (e && color(e, "backgroundColor") === "rgba(0, 0, 0, 0)") e = e.parentElement; return color(e, "backgroundColor"); };
                return [...document.querySelectorAll("h1, h2, dt, dd, th, td, a, label, input, summary, footer p, .who, code, bdi, .sum, th button")]
                    .map(e => [e.tagName, color(e, "color"), back(e)]);""")
            pairs = {(text, back) for _, text, back in found}
            self.assertGreater(len(found), 100)
            for text, back in pairs:
                colors = ["#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", color)[:3]) for color in (text, back)]
                self.assertGreaterEqual(contrast(*colors), 4.5, (text, back))
            backs |= {back for _, back in pairs}
        self.assertLessEqual({"rgb(255, 255, 255)", "rgb(20, 24, 29)"}, backs)

    def test_accessible(self):
        """What a screen reader is told: landmarks, named charts and tables with heads; the same on a phone, where rows are stacked."""
        told = {}
        for width in (1280, 360):
            tree = self.open(self.log(*week()), width=width)
            nodes = [node for node in self.browser.command("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
            told[width] = collections.Counter(node["role"]["value"] for node in nodes)
            names = {role: [node["name"]["value"] for node in nodes if node["role"]["value"] == role] for role in ("image", "table", "navigation", "searchbox")}
            self.assertTrue(all(all(found) for found in names.values()), names)
            self.assertEqual((names["navigation"], names["searchbox"]), (["Contents"], ["Filter"]))
            for chart in ("Refusals over time, by reason", "Refusals by weekday and hour", "Failed sign-ins by network"):
                self.assertEqual(len([name for name in names["image"] if name.startswith(chart)]), 1, names["image"])
        for role in ("banner", "navigation", "main", "contentinfo"):
            self.assertEqual(told[1280][role], 1)
        tables = [found for found in tree.all("table") if "sortable" in found["class"]]
        self.assertEqual(told[1280]["table"], len(tables))
        self.assertEqual(told[1280]["rowheader"], sum(len(found.one("tbody").all("tr")) for found in tables))
        self.assertEqual(told[1280]["button"], told[1280]["columnheader"] - sum("reasons" in found["class"] for found in tables))
        self.assertEqual(told[1280]["graphics-symbol"], 0)
        for role in ("table", "row", "rowheader", "cell", "button", "image"):
            self.assertEqual(told[360][role], told[1280][role], role)

    def test_phone(self):
        """360 pixels wide nothing has to be scrolled sideways but a table in its own box, in each language; tables of reasons are stacked."""
        log = self.log(*week())
        for language, width in itertools.chain(((language, 360) for language in LANGUAGES), (("en", 320), ("ar", 768), ("de", 1100))):
            with self.subTest(language, width=width):
                self.open(f"--lang={language}", log, width=width)
                self.assertEqual(*self.browser.run("const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"))
                self.assertEqual(self.browser.run("return innerWidth"), width)
                outside = self.browser.run("""
                    return [...document.querySelectorAll("h1, h2, dt, dd, li, a, input, .reasons th, .reasons td, .reasons button, svg.chart, svg.chart text")]
                        .filter(e => e.checkVisibility() && !e.closest(".scroll:has(.names, .data)"))
                        .map(e => [e.tagName, e.textContent.slice(0, 40), e.getBoundingClientRect()])
                        .filter(([, , box]) => box.left < -1 || box.right > innerWidth + 1)
                        .map(([name, text, box]) => `${name} ${text} ${box.left} ${box.right}`);""")
                self.assertEqual(outside if width < 760 else [], [])

    def test_right_to_left(self):
        """In Arabic the page begins at the right, and time runs from there; addresses keep their order."""
        log = self.log(*week())
        for language, first_is_right in (("ar", True), ("en", False)):
            self.open(f"--lang={language}", log)
            nav, main = (self.browser.run("return document.querySelector(arguments[0]).getBoundingClientRect().left", name) for name in ("nav", "main"))
            self.assertEqual(nav > main, first_is_right)
            bars = self.browser.run("return [...document.querySelectorAll('#over-time g')].map(e => e.getBoundingClientRect().left)")
            self.assertEqual(bars, sorted(bars, reverse=first_is_right))
            heat = self.browser.run("return [...document.querySelectorAll('.heat rect')].slice(0, 24).map(e => e.getBoundingClientRect().left)")
            self.assertEqual(heat, sorted(heat, reverse=first_is_right))
            self.assertEqual(self.browser.run("""
                return [...document.querySelectorAll("#guessing_clients tbody bdi")].map(e => getComputedStyle(e).direction)"""), ["ltr"] * 5)

    def test_without_scripts(self):
        """Without JavaScript it is as complete: all rows, no buttons that do nothing, no filter."""
        tree = self.open(self.log(*week()), scripts=False)
        shown = "".join(self.browser.text().split())
        for key in ("reasons", "guessing_clients", "unknown"):
            for row in table(tree, key):
                self.assertIn("".join(row[""].split()), shown)
        self.assertEqual(self.find("th button"), [])
        self.assertFalse(self.find("#filter")[0].is_displayed())
        self.find("#over-time summary")[0].click()
        self.assertTrue(self.find("#over-time table")[0].is_displayed())

    def test_hostile(self):
        """What a client sent runs nothing and makes nothing, also when it is sorted, filtered and printed."""
        lines = [event(reason=text, sender=text, sasl_user=text, reply="554 " + text) for text in HOSTILE]
        lines += [event(reason=None, code=577, enhanced=None, reply="577 zork " + text) for text in HOSTILE]
        lines += [failure(f"192.0.2.{i}", text) for text in HOSTILE for i in range(4)]
        lines += [reject(sender="<script>document.title='ran'</script>@x", helo="<script>document.title='ran'</script>", old=False)]
        tree = self.open("--top=100", self.log(*lines))
        title = self.browser.driver.title
        for button in self.find("th button")[:12]:
            button.click()
        self.find("#filter")[0].send_keys("<script>")
        self.browser.printed()
        self.silent()
        self.assertEqual(self.browser.driver.title, title)
        self.assertTrue(title.startswith("What was refused"))
        elements = self.browser.run("return [...new Set([...document.querySelectorAll('main *')].map(e => e.localName))]")
        self.assertEqual(set(elements) - {"button"}, {element.name for element in tree.one("main").walk()})
        self.assertIn(HOSTILE[0], self.browser.text())
