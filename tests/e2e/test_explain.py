"""The command-line tool about replies, logs, bounces and the catalogue: explain, compare, codes, reasons, check."""

import contextlib
import json
import os
import pty
import re
import shutil
import subprocess
import tempfile
import termios
import threading
import time
import unicodedata
import unittest

from mailwhyd import BUILD, SANITIZER, TREE
from mta import ELSEWHERE, MAILBOX
from rig import HELO, RigTest
from sandbox import Sandbox, wait_for
from sasl import USER, WRONG
from smtp import Client
from test_metrics import version_of

CATALOG = TREE / "conf" / "catalog"
BOUNCES = TREE / "tests" / "fixtures" / "bounces"
LANGUAGES = sorted(path.stem for path in (CATALOG / "text").glob("*.conf"))
ISSUE = "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6"
RELAY = "554 5.7.1 <a@elsewhere.test>: Relay access denied"
LOOK = re.compile("\033\\[[0-9;]*m")
CHOOSING = re.compile("LANG|LANGUAGE|LC_.*|COLUMNS|NO_COLOR|TERM|MAILWHY_CATALOG")  # by which the tool chooses, and so tests must

# Nothing of this may reach a terminal: control characters but LF, and what is not seen but changes how other characters are.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")


class Said:
    """What the tool said: its status, and its standard output and error as text."""

    def __init__(self, args, status, out, err):
        self.args, self.status, self.out, self.err = args, status, out.decode("utf-8"), err.decode("utf-8")

    def __str__(self):
        return f"mailwhy {' '.join(map(repr, self.args))}\nended with {self.status}\n{self.out[:3000]}\n{self.err[:3000]}"


def environment(**changes):
    """Ours without what the tool chooses by; changes: NAME=None takes a variable away."""
    kept = {name: value for name, value in os.environ.items() if not CHOOSING.fullmatch(name)}
    kept.update({"LC_ALL": "C", "MAILWHY_CATALOG": str(CATALOG), **changes})
    return {name: value for name, value in kept.items() if value is not None}


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


def paired(pairs):
    """A JSON object whose keys come once each."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise AssertionError(f"a key came twice: {pairs}")
    return dict(pairs)


def read_json(text):
    """The values of lines of JSON, each one whole and strict."""
    def no_number(word):
        raise AssertionError(f"{word} is not JSON")
    return [json.loads(line, object_pairs_hook=paired, parse_constant=no_number) for line in text.splitlines()]


def escaped(match):
    """A character as a page shows it in place of one that is UNSAFE."""
    point = ord(match.group())
    return f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def width(text):
    """The columns of a text on a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    unseen = sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)
    return len(text) + wide - unseen


class Tool(unittest.TestCase):
    """Runs of the tool. Whatever is asked, what it says is UTF-8, does nothing to a terminal, and no sanitizer complains."""

    longMessage = True

    def folder(self):
        """A temporary one that goes with the test."""
        sandbox = Sandbox()
        self.addCleanup(sandbox.close)
        return sandbox.path

    def tool(self, *args, given=None, colored=False, timeout=30, **changes):
        """Run it with standard input as given (None: empty), in an environment with changes. What it said."""
        args = [os.fspath(arg) if isinstance(arg, os.PathLike) else arg for arg in args]
        with tempfile.TemporaryFile() as stdin:
            stdin.write(octets(given or ""))
            stdin.seek(0)
            done = subprocess.run([str(BUILD / "mailwhy"), *args], stdin=stdin, capture_output=True, timeout=timeout, check=False,
                                  env=environment(**changes))
        self.assertFalse(SANITIZER.search(done.stderr.decode("utf-8", "replace")), done.stderr.decode("utf-8", "replace"))
        said = Said(args, done.returncode, done.stdout, done.stderr)
        for text in (said.out, said.err):
            self.assertFalse(UNSAFE.search(LOOK.sub("", text) if colored else text), said)
        return said

    def says(self, status, *args, **kwargs):
        """Run it: it ends with that status. What it said."""
        said = self.tool(*args, **kwargs)
        self.assertEqual(said.status, status, said)
        return said

    def explained(self, status, *args, **kwargs):
        """The answers of 'mailwhy explain --json' as dicts."""
        return read_json(self.says(status, "explain", "--json", *args, **kwargs).out)

    def assert_has(self, answer, **expected):
        """These keys have these values; None: the key is not there."""
        wrong = [f"{key} is {answer.get(key)!r}, not {value!r}" for key, value in expected.items() if answer.get(key) != value]
        self.assertFalse(wrong, f"in {answer}")


# name, operands, exit status, what the answer has
ASKED = (
    ("the first example of the issue", [ISSUE], 0,
     {"code": 535, "enhanced": "5.7.8", "reason": "auth-login-password-step", "challenge": "Password:", "specific": True}),
    ("a code", ["535"], 0, {"code": 535, "class": "Permanent Negative", "enhanced": None, "reason": None, "specific": True}),
    ("a code of success", ["250"], 0, {"code": 250, "class": "Positive Completion"}),
    ("a challenge's code", ["334"], 0, {"code": 334, "class": "Positive Intermediate", "name": "Server challenge"}),
    ("a challenge as the server sends it", ["334 UGFzc3dvcmQ6"], 0, {"code": 334, "challenge": "Password:"}),
    ("an enhanced code", ["5.7.8"], 0, {"code": None, "enhanced": "5.7.8", "specific": True}),
    ("an enhanced code for now", ["4.7.8"], 0, {"enhanced": "4.7.8"}),
    ("an enhanced code as the registry writes it", ["X.7.8"], 0, {"enhanced": "5.7.8"}),
    ("the same, small", ["x.7.8"], 0, {"enhanced": "5.7.8"}),
    ("both codes", ["535 5.7.8"], 0, {"code": 535, "enhanced": "5.7.8", "reason": None}),
    ("both codes, unquoted", ["535", "5.7.8"], 0, {"code": 535, "enhanced": "5.7.8"}),
    ("a reply, unquoted", ["550", "5.1.1", "User", "unknown"], 0, {"code": 550, "enhanced": "5.1.1", "reason": "rcpt-unknown"}),
    ("real line ends", ["550-5.7.1 one\n550-5.7.1 two\n550 5.7.1 Relay access denied"], 0, {"code": 550, "reason": "relay-denied"}),
    ("CR LF", ["550-5.7.1 one\r\n550 5.7.1 Relay access denied\r\n"], 0, {"code": 550, "reason": "relay-denied"}),
    (r"\n as two characters", [r"550-5.7.1 one\n550 5.7.1 Relay access denied\n"], 0, {"code": 550, "reason": "relay-denied"}),
    (r"\r\n as four characters", [r"550-5.7.1 one\r\n550 5.7.1 Relay access denied\r\n"], 0, {"code": 550, "reason": "relay-denied"}),
    ("words over two lines", ["554-5.7.1 Relay\n554 5.7.1 access denied"], 0, {"code": 554, "reason": "relay-denied"}),
    ("the first line of several", ["550-5.7.1 Relay access denied"], 0, {"code": 550, "reason": "relay-denied"}),
    ("words without a code", ["Relay access denied"], 0, {"code": None, "enhanced": None, "reason": "relay-denied"}),
    ("words without a code, unquoted", ["Relay", "access", "denied"], 0, {"reason": "relay-denied"}),
    ("a reason's id", ["relay-denied"], 0, {"asked": None, "code": None, "reason": "relay-denied", "wrong_port": True}),
    ("what a mail program makes of a reply", [f"The server responded: {RELAY}."], 0, {"code": 554, "reason": "relay-denied"}),
    ("what Python says", [f"smtplib.SMTPAuthenticationError: (535, b'{ISSUE[4:]}')"], 0, {"reason": "auth-login-password-step"}),
    ("blanks around", ["  535 5.7.8 x  "], 0, {"code": 535, "enhanced": "5.7.8"}),
    ("a list that is named", ["550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.spamhaus.org"], 0,
     {"reason": "ip-blocklisted"}),
    ("a code we know with words we don't", ["556 frobnicate"], 1, {"code": 556, "reason": None, "specific": False,
                                                                   "name": "Domain does not accept mail"}),
    ("a code nobody knows", ["599 frobnicate"], 1, {"code": 599, "class": "Permanent Negative", "name": None, "specific": False}),
    ("an enhanced code nobody knows", ["5.7.999"], 1, {"enhanced": "5.7.999", "specific": False}),
    ("nonsense", ["frobnicate the mail"], 1, {"asked": "frobnicate the mail", "code": None, "reason": None, "specific": False}),
    ("a hyphen behind --", ["--", "-5"], 1, {"asked": "-5"}),
)


class Explain(Tool):
    def test_asked(self):
        """Codes, replies, words and ids, as somebody types or pastes them: each has its answer, as a page and as JSON."""
        for name, operands, status, expected in ASKED:
            with self.subTest(name):
                answers = self.explained(status, *operands)
                self.assertEqual(len(answers), 1, answers)
                self.assert_has(answers[0], **expected)
                page = self.says(status, "explain", *operands)
                heading = answers[0].get("name")
                if heading:
                    self.assertEqual(page.out.split("\n")[0], heading, page)
                    for key in ("description", "when", "fix"):
                        self.assertIn(answers[0][key], " ".join(page.out.split()), page)

    def test_first_example(self):
        """The issue's first example gets all it asks for: the name, the class, the challenge in clear, when, how to fix it, who."""
        page = " ".join(self.says(0, "explain", ISSUE).out.split())
        for part in ("535 Authentication failed (Permanent Negative)", "Enhanced code: 5.7.8", "Reason: auth-login-password-step",
                     "UGFzc3dvcmQ6 is base64 for: Password:", "Description", "When you see it", "How to fix it",
                     "Who can fix it The person or program that sends"):
            self.assertIn(part, page)

    def test_wrong_port(self):
        """Where port 25 is often the cause, the page says so; where it is not, it does not."""
        self.assertIn("port 25", self.says(0, "explain", "relay-denied").out)
        self.assertNotIn("port 25", self.says(0, "explain", "spf-fail").out)

    def test_usage(self):
        """What can't be explained is said in a sentence on standard error, with the exit status for it, and nothing on standard output."""
        rows = (
            ("nothing", 64, [], "which reply"),
            ("an unknown option", 64, ["--bogus", "535"], "--bogus"),
            ("an option without its value", 64, ["535", "--lang"], "--lang"),
            ("a colour there is not", 64, ["--color=blue", "535"], "blue"),
            ("a path as a language", 64, ["--lang", "../en", "535"], "../en"),
            ("an empty string", 65, [""], "empty"),
            ("blanks", 65, [" \t"], "empty"),
            ("nonsense", 1, ["frobnicate"], "nothing is known of: frobnicate"),
            ("nonsense with ESC", 1, ["\033[2Jfrobnicate\u202e"], r"\x1b[2Jfrobnicate\u202e"),
            ("a reference", 1, ["3ARFZ-36BTD"], "mailwhy ref 3ARFZ-36BTD"),
            ("a catalogue that is not there", 78, ["--catalog", "/etc/passwd/x", "535"], "/etc/passwd/x"),
            ("a configuration that is not there", 78, ["--config", "/etc/passwd/x", "535"], "/etc/passwd/x"),
        )
        for name, status, args, words in rows:
            with self.subTest(name):
                said = self.says(status, "explain", *args)
                self.assertEqual(said.out, "", said)
                self.assertIn(words, said.err, said)

    def test_help(self):
        """Each verb has its help, which names each of its options."""
        for verb in ("explain", "compare", "codes", "reasons", "check"):
            with self.subTest(verb):
                said = self.says(0, verb, "--help")
                self.assertTrue(said.out.startswith(f"usage: mailwhy {verb} "), said)
                for option in set(re.findall(r"\[(--\w+)", said.out)):
                    self.assertIn(f"\n  {option}", said.out)

    def test_why(self):
        """--why names the rule, the pattern and what it matched; each rule in its words, none of them wrong."""
        rows = (
            (ISSUE, "pattern-and-both-codes", "authentication failed: UGFzc3dvcmQ6"),
            ("550 Relay access denied", "pattern-and-code", "Relay access denied"),
            ("Relay access denied", "pattern", "Relay access denied"),
            ("535", "code", None),
            ("5.7.8", "enhanced", None),
            ("599 frobnicate", "nothing", None),
        )
        for reply, rule, matched in rows:
            with self.subTest(reply):
                status = 1 if rule == "nothing" else 0
                why = self.explained(status, reply)[0]["why"]
                self.assertEqual(why["rule"], rule)
                self.assertEqual(why.get("matched"), matched)
                self.assertEqual("pattern" in why, matched is not None)
                if matched:
                    self.assertTrue(re.search(re.sub(r"\(\?-i:", "(?:", why["pattern"]), matched, re.I), why)
                page = self.says(status, "explain", "--why", reply).out
                self.assertIn("Why this reason", page)
                self.assertEqual("Pattern:" in page, matched is not None, page)
                self.assertNotIn("Why this reason", self.says(status, "explain", reply).out)

    def test_why_of_an_id(self):
        """Of a reason that was asked for by its id, --why does not say that it is not in the catalogue."""
        self.assertNotIn("is in the catalogue", " ".join(self.says(0, "explain", "--why", "relay-denied").out.split()))
        self.assertNotEqual(self.explained(0, "relay-denied")[0]["why"]["rule"], "nothing")

    def test_hostile(self):
        """Nothing in a reply does anything to a terminal, on a page or in JSON; JSON has it as it was."""
        for hostile in ("\033[2J", "\033]0;title\a", "\u009b2J", "\u202eevil", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\x7f", "\b\b\b"):
            with self.subTest(hostile):
                reply = f"550 5.7.1 {hostile} frob {hostile}: Relay access denied"
                answer = self.explained(0, reply)[0]
                self.assert_has(answer, asked=reply, reason="relay-denied")
                for args in ([reply, "--why"], [f"frobnicate {hostile}"], [f"./{hostile}.eml"], ["--catalog", f"/{hostile}", "535"]):
                    self.tool("explain", *args)  # which looks at what comes out
                self.assertIn(UNSAFE.sub(escaped, reply), self.says(0, "explain", "-", given=reply).out)

    def test_no_utf8(self):
        """Octets that are not UTF-8 are shown as such, and JSON stays JSON."""
        reply = b"550 5.7.1 caf\xe9 \xff\xfe \x9b2J Relay access denied"
        self.assertIn(r"caf\xe9 \xff\xfe \x9b2J", self.says(0, "explain", "-", given=reply).out)
        self.assert_has(self.explained(0, "-", given=reply)[0], reason="relay-denied")
        self.assert_has(self.explained(0, os.fsdecode(reply))[0], reason="relay-denied")

    def test_full_disk(self):
        """Output that could not be written is a failure, whichever verb."""
        for args in (["explain", ISSUE], ["explain", "--json", ISSUE], ["compare", "334", "535"], ["codes"], ["reasons", "--json"], ["check"],
                     ["--help"], ["explain", "--help"]):
            with self.subTest(args), open("/dev/full", "wb") as full:
                done = subprocess.run([str(BUILD / "mailwhy"), *args], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                      timeout=60, check=False, env=environment())
                self.assertEqual(done.returncode, 74, done.stderr)
                self.assertIn(b"No space left", done.stderr)


class Look(Tool):
    """Languages, colours, widths."""

    def own(self, language, *args, **changes):
        """The name of the answer, and the language that it says it is in."""
        answer = self.explained(0, *args, ISSUE, **changes)[0]
        if language != "en":
            self.assertNotEqual(answer["name"], self.explained(0, ISSUE)[0]["name"], f"{language} says what English says")
        self.assertEqual(answer["lang"], language)
        return answer

    def test_languages(self):
        """--lang: a page and JSON in each language that the catalogue has, with its own words."""
        self.assertIn("en", LANGUAGES)
        english = self.explained(0, ISSUE)[0]
        for language in LANGUAGES:
            with self.subTest(language):
                answer = self.own(language, "--lang", language)
                said = self.says(0, "explain", "--lang", language, ISSUE)
                self.assertEqual(said.err, "")
                self.assertEqual(said.out.split("\n")[0], answer["name"])
                same = [key for key in ("name", "description", "when", "fix") if answer[key] == english[key]]
                self.assertEqual(same, ["name", "description", "when", "fix"] if language == "en" else [])
                words = (CATALOG / "text" / f"{language}.conf").read_text()
                for word in ("description", "when", "how-to-fix", "who-acts"):
                    self.assertIn("\n" + re.search(rf'^words \{{.*?^ *{word} *= "(.*?)"', words, re.M | re.S).group(1) + "\n", said.out)
                for verb in (["compare", "334", "535"], ["codes", "535"], ["reasons", "relay-denied"]):
                    rows = self.says(0, *verb, "--json", "--lang", language).out
                    self.assertIn(f'"lang":"{language}"', rows)
                    self.says(0, *verb, "--lang", language)

    def test_language_missing(self):
        """A language that is not there: said on standard error, and shown in English."""
        said = self.says(0, "explain", "--lang", "xx", ISSUE)
        self.assertIn("xx", said.err)
        self.assertIn("English", said.err)
        self.assertEqual(said.out, self.says(0, "explain", ISSUE).out)
        self.assertEqual(self.explained(0, "--lang", "xx", ISSUE)[0]["lang"], "en")

    def test_locale(self):
        """The locale chooses, LC_ALL before LC_MESSAGES before LANG, where it can write UTF-8; C is English, and so is a language that is
        not there, without a word about it."""
        for language in LANGUAGES:
            locale = f"{language.replace('-', '_')}_XX.UTF-8" if "-" not in language else f"{language.replace('-', '_')}.UTF-8"
            for name, changes in ((locale, {"LC_ALL": locale}), ("LANG", {"LC_ALL": None, "LANG": locale}),
                                  ("LC_MESSAGES", {"LC_ALL": "", "LC_MESSAGES": locale, "LANG": "xx_XX.UTF-8"}),
                                  ("small letters", {"LC_ALL": locale.replace("UTF-8", "utf8")})):
                with self.subTest(f"{language}, {name}"):
                    self.own(language, **changes)
            with self.subTest(f"{language}, overridden"):
                self.own("en", LC_ALL="C", LANG=locale)
                self.own("en", LC_ALL=locale.partition(".")[0])
                self.own("en", "--lang", "en", LC_ALL=locale)
        for locale in ("C", "C.UTF-8", "POSIX", "en_GB.UTF-8", "xx_XX.UTF-8", "xx", "../../etc.UTF-8", "x" * 500 + ".UTF-8", "_.UTF-8", ".UTF-8"):
            with self.subTest(locale):
                self.own("en", LC_ALL=locale)
                self.assertEqual(self.tool("explain", ISSUE, LC_ALL=locale).err, "")

    def test_color(self):
        """Colour: none to a file, always and never as asked for; the words are the same."""
        for args in (["explain", "--why", ISSUE], ["compare", "334", "535"], ["codes", "53"], ["reasons", "spf"]):
            with self.subTest(args):
                plain = self.says(0, *args).out
                colored = self.says(0, *args, "--color=always", colored=True).out
                self.assertNotEqual(colored, plain)
                self.assertEqual(LOOK.sub("", colored), plain)
                self.assertTrue(all(line.count("\033[0m") == len(LOOK.findall(line)) / 2 for line in colored.split("\n")), repr(colored))
                self.assertEqual(self.says(0, *args, "--color=always", colored=True, NO_COLOR="1", TERM="dumb").out, colored)
                self.assertEqual(self.says(0, *args, "--color=never").out, plain)

    def on_terminal(self, *args, **changes):
        """What is seen on a terminal of 60 columns."""
        ours, theirs = pty.openpty()
        with contextlib.closing(os.fdopen(ours, "rb", buffering=0)) as terminal:
            termios.tcsetwinsize(theirs, (24, 60))
            with subprocess.Popen([str(BUILD / "mailwhy"), *args], stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.STDOUT,
                                  env=environment(**{"TERM": "xterm", **changes})) as process:
                os.close(theirs)
                seen = b""
                with contextlib.suppress(OSError):  # EIO: the other end is closed
                    while block := terminal.read(65536):
                        seen += block
                self.assertEqual(process.wait(30), 0, seen)
        return seen.decode("utf-8").replace("\r\n", "\n")

    def test_terminal(self):
        """On a terminal there is colour, but with NO_COLOR or TERM=dumb or never; and lines are as wide as it is."""
        self.assertRegex(self.on_terminal("explain", ISSUE), LOOK)
        self.assertRegex(self.on_terminal("explain", ISSUE, NO_COLOR=""), LOOK)
        for args, changes in ((["--color=never"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"})):
            plain = self.on_terminal("explain", ISSUE, *args, **changes)
            self.assertNotRegex(plain, "\033")
            self.assert_fits(plain, 60)
        for verb in ("codes", "reasons"):
            table = self.on_terminal(verb, "--color=never", COLUMNS="90")
            self.assert_fits(table, 90)

    def assert_fits(self, page, columns):
        """No line is wider, but what stands there as it came: a reply, a pattern and what it matched."""
        verbatim = re.compile("(Reply|Pattern|Matched): ")
        wide = [line for line in page.split("\n") if width(line) > columns and not verbatim.match(line)]
        self.assertFalse(wide, f"wider than {columns}:\n{page}")

    def test_columns(self):
        """COLUMNS=50: the texts are wrapped within 50 columns, and no word is lost."""
        for args in ([ISSUE], ["relay-denied"], ["greylisted"]):
            with self.subTest(args):
                narrow, broad = (self.says(0, "explain", *args, COLUMNS=columns).out for columns in ("50", "100"))
                self.assert_fits(narrow, 50)
                self.assertEqual(narrow.split(), broad.split())
                self.assertGreater(narrow.count("\n"), broad.count("\n"))
        self.assert_fits(self.says(0, "compare", "334", "535", COLUMNS="50").out, 50)

    def test_columns_of_all_scripts(self):
        """Within 50 columns also where characters are two columns wide, or marks none, and words have no blanks between them."""
        labels = {}
        for language in LANGUAGES:
            with self.subTest(language):
                words = (CATALOG / "text" / f"{language}.conf").read_text()
                labels = re.findall(r'^ *(?:code|enhanced|id|reply|pattern|matched) *= "(.*)"', words, re.M)
                for args in (["explain", ISSUE], ["explain", "greylisted"], ["compare", "334", "535"]):
                    page = self.says(0, *args, "--lang", language, COLUMNS="50").out
                    text = [line for line in page.split("\n")[1:] if not line.startswith(tuple(labels)) and not re.match(r"\d", line)]
                    self.assertFalse([line for line in text if width(line) > 50], page)

    def test_strange_columns(self):
        """COLUMNS that is no sensible number does no harm."""
        for columns in ("0", "1", "-1", "7", "x", "", "99999999999999999999", "401"):
            with self.subTest(columns):
                said = self.says(0, "explain", ISSUE, COLUMNS=columns).out
                self.assertEqual(said.split(), self.says(0, "explain", ISSUE).out.split())

    def test_color_of_classes(self):
        """The four classes have four looks."""
        looks = {self.says(0, "explain", "--color=always", code, colored=True).out[:7] for code in ("250", "334", "450", "550")}
        self.assertEqual(len(looks), 4, looks)


class Sites(Tool):
    """Which catalogue it is."""

    def setUp(self):
        self.home = self.folder()
        self.local = self.home / "local"
        (self.local / "text").mkdir(parents=True)

    def config(self, more=""):
        path = self.home / "mailwhy.conf"
        path.write_text(f'catalog = "{CATALOG}"\nlocal_catalog = "{self.local}"\n{more}')
        return path

    def small(self, name):
        """A catalogue that calls 535 so."""
        directory = self.home / name
        shutil.copytree(CATALOG, directory)
        text = directory / "text" / "en.conf"
        text.write_text(text.read_text().replace('"Authentication failed"', f'"{name}"', 1))
        return directory

    def test_which(self):
        """--catalog goes before MAILWHY_CATALOG, and that before the configuration."""
        asked, around = self.small("asked"), self.small("around")
        self.assertEqual(self.explained(0, "--catalog", asked, "535", MAILWHY_CATALOG=str(around))[0]["name"], "asked")
        self.assertEqual(self.explained(0, "535", MAILWHY_CATALOG=str(around))[0]["name"], "around")
        self.assertEqual(self.explained(0, "--config", self.config(), "535", MAILWHY_CATALOG=str(around))[0]["name"], "around")
        self.assertEqual(self.explained(0, "--config", self.config(), "535", MAILWHY_CATALOG=None)[0]["name"], "Authentication failed")
        self.assertEqual(self.explained(0, "--config", self.config(), "535", MAILWHY_CATALOG="")[0]["name"], "Authentication failed")

    def test_own_words(self):
        """The site's own catalogue overrides a fix, and adds a reason; explain, reasons and check know both."""
        (self.local / "reasons.conf").write_text("""
            reason wombat-season { codes = {550} enhanced = {"5.7.1"} patterns = {'no mail in wombat season'} who = "receiver-admin" }
        """)
        (self.local / "text" / "en.conf").write_text("""
            reason relay-denied { fix = "Call 4711 and ask for Jo." }
            reason wombat-season { name = "Wombat season" reason = "It is wombat season." when = "In spring." fix = "Wait for summer." }
        """)
        config = ["--config", self.config()]
        answer = self.explained(0, *config, RELAY, MAILWHY_CATALOG=None)[0]
        self.assert_has(answer, reason="relay-denied", fix="Call 4711 and ask for Jo.", name=self.explained(0, RELAY)[0]["name"])
        answer = self.explained(0, *config, "550 5.7.1 Sorry, no mail in wombat season!", MAILWHY_CATALOG=None)[0]
        self.assert_has(answer, reason="wombat-season", name="Wombat season", fix="Wait for summer.", who="receiver-admin")
        self.assertIn("Wombat season", self.says(0, "reasons", *config, "wombat", MAILWHY_CATALOG=None).out)
        self.assertIn("wombat-season Wombat season", self.says(0, "compare", *config, "wombat-season", "535", MAILWHY_CATALOG=None).out)
        self.assertNotIn("wombat", self.tool("check", *config, MAILWHY_CATALOG=None).out)
        self.assert_has(self.explained(1, "550 no mail in wombat season")[0], reason=None)

    def test_broken(self):
        """A configuration or a catalogue with a fault: its file and line, and exit status 78; no answer."""
        bad = self.home / "bad.conf"
        bad.write_text("\n\nfrobnicate = 1\n")
        (self.local / "text" / "en.conf").write_text('\nreason relay-denied { fix = "no %such placeholder" }\n')
        rows = ((["--config", bad], {}, f"{bad}:3: "), (["--config", self.config()], {"MAILWHY_CATALOG": None}, f"{self.local}/text/en.conf:2: "),
                (["--catalog", self.home], {}, f"{self.home}/"), ([], {"MAILWHY_CATALOG": "/dev/null"}, "/dev/null"))
        for args, changes, words in rows:
            for verb in (["explain", "535"], ["compare", "334", "535"], ["codes"], ["reasons"], ["check"]):
                with self.subTest((verb, args)):
                    said = self.says(78, *verb, *args, **changes)
                    self.assertIn(words, said.out + said.err)
                    if verb != ["check"]:
                        self.assertEqual(said.out, "", said)


class Files(Tool):
    """What is given as a file, or on standard input."""

    def setUp(self):
        self.home = self.folder()

    def file(self, content, name="mail.log"):
        path = self.home / name
        path.write_bytes(octets(content))
        return path

    def test_file(self):
        """A file by any name, and standard input: the replies in it, each with what it was."""
        path = self.file(RELAY + "\n")
        for args, given in (([path], None), (["-"], RELAY), (["-"], RELAY + "\r\n"), (["/dev/stdin"], RELAY)):
            with self.subTest(args):
                self.assert_has(self.explained(0, *args, given=given)[0], asked=RELAY, count=1, reason="relay-denied")
                self.assertIn(RELAY, self.says(0, "explain", *args, given=given).out)
        several = self.says(0, "explain", "-", given=f"{RELAY}\n{ISSUE}\n").out
        self.assertIn("Relay access denied", several)
        self.assertIn("Password:", several)

    def test_one_unknown(self):
        """Several replies, of one of which nothing exact is known: all are shown, and the exit status says it."""
        answers = self.explained(1, "-", given=f"{RELAY}\n556 frobnicate\n{ISSUE}\n")
        self.assertEqual([answer.get("reason") for answer in answers], ["relay-denied", None, "auth-login-password-step"])

    def test_multiline_in_file(self):
        """Replies of several lines, one behind the other, stay apart."""
        first, second = "550-5.7.1 one\n550 5.7.1 Relay access denied", "550-5.1.1 two\n550 5.1.1 User unknown"
        answers = self.explained(0, "-", given=f"{first}\n{second}\n{first}\n")
        self.assertEqual([(a["asked"], a["count"], a["reason"]) for a in answers], [(first, 2, "relay-denied"), (second, 1, "rcpt-unknown")])

    def test_no_reply(self):
        """What holds no reply, or can't be read: the status for it, and a sentence with the name of the file."""
        octets_of_all_kinds = bytes(range(256)) * 400
        directory = self.home / "folder"
        directory.mkdir()
        rows = (
            ("empty standard input", 65, "-", b"", "standard input"),
            ("an empty file", 65, self.file("", "empty"), None, "empty"),
            ("a directory", 66, directory, None, "directory"),
            ("a file that is not there", 66, "./nothing-there", None, "nothing-there"),
            ("a bounce that is not there", 66, "nothing-there.eml", None, "nothing-there.eml"),
            ("a path through a file", 66, "/etc/passwd/x", None, "/etc/passwd/x"),
            ("a device", 66, "/dev/null", None, "/dev/null"),
            ("octets", 65, self.file(octets_of_all_kinds, "octets"), None, "octets"),
            ("random octets", 65, self.file(os.urandom(100000).replace(b"\0", b""), "random"), None, "random"),
            ("a NUL", 65, self.file(b"550 5.7.1 Relay\0access denied\n", "nul"), None, "NUL"),
            ("a NUL on standard input", 65, "-", b"550 5.7.1 Relay access denied\n\0", "NUL"),
            ("a file of words", 65, self.file("Dear all,\nthe meeting is at 550 Main Street.\n", "words"), None, "words"),
            ("a log without a refusal", 65, self.file("Nov 20 22:26:00 mx postfix/smtpd[811]: connect from unknown[192.0.2.7]\n"), None, "mail.log"),
        )
        for name, status, path, given, words in rows:
            with self.subTest(name):
                for json_too in ([], ["--json"]):
                    said = self.says(status, "explain", *json_too, path, given=given)
                    self.assertEqual(said.out, "")
                    self.assertIn(words, said.err)

    def test_endless(self):
        """A device that never ends is not read."""
        self.assertIn("/dev/zero", self.says(66, "explain", "/dev/zero", timeout=5).err)

    def test_huge(self):
        """A sparse file of 1 GB is not read: at once, and by a process that may have 512 MB."""
        path = self.home / "huge.log"
        with open(path, "wb") as huge:
            huge.truncate(1 << 30)
        began = time.monotonic()
        said = self.says(65, "explain", path)
        self.assertLess(time.monotonic() - began, 2)
        self.assertIn("64 MiB", said.err)
        with open(path, "rb") as huge:
            done = subprocess.run([str(BUILD / "mailwhy"), "explain", "-"], stdin=huge, capture_output=True, timeout=20, check=False,
                                  env=environment())
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn(b"64 MiB", done.stderr)

    def test_fifo(self):
        """A pipe with a name is read to its end, like the file that a shell puts in its place: <(zcat mail.log.2.gz)."""
        fifo = self.home / "pipe"
        os.mkfifo(fifo)
        for name, before in (("the writer waits", 0), ("the writer comes later", 0.7)):
            with self.subTest(name):
                writer = threading.Thread(target=self.write_later, args=(fifo, before), daemon=True)
                writer.start()
                time.sleep(0 if before else 0.5)
                try:
                    self.assert_has(self.explained(0, fifo, timeout=10)[0], reason="relay-denied", count=2000)
                finally:
                    os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))
                    self.drain(fifo, writer)

    @staticmethod
    def write_later(fifo, before):
        time.sleep(before)
        with contextlib.suppress(OSError), open(fifo, "wb") as out:
            out.write((RELAY + "\n").encode() * 2000)

    @staticmethod
    def drain(fifo, writer):
        """Let the writer end, whether anybody has read it or not."""
        with contextlib.closing(os.fdopen(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), "rb")) as left:
            for _ in range(100):
                if not writer.is_alive():
                    break
                left.read(65536)
                time.sleep(0.05)

    def test_large_log(self):
        """100,000 lines of a log, half of them refusals of three kinds: soon done, and each reply once, with its count."""
        kinds = (("554 5.7.1 <a@elsewhere.test>: Relay access denied", "relay-denied"),
                 ("550 5.1.1 <joe@mx.test>: Recipient address rejected: User unknown in virtual mailbox table", "rcpt-unknown"),
                 ("450 4.2.0 <joe@mx.test>: Recipient address rejected: Greylisted", "greylisted"))
        lines = []
        for i in range(50000):
            lines.append(f"Nov 20 22:26:00 mx postfix/smtpd[{i}]: connect from unknown[192.0.2.7]")
            lines.append(f"Nov 20 22:26:00 mx postfix/smtpd[{i}]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: {kinds[i % 3][0]}; "
                         "from=<b@x.test> to=<a@elsewhere.test> proto=ESMTP helo=<c.test>")
        path = self.file("\n".join(lines))
        began = time.monotonic()
        answers = self.explained(0, path)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual([(a["asked"], a["reason"], a["count"]) for a in answers],
                         [(kinds[i][0], kinds[i][1], 16667 if i < 2 else 16666) for i in range(3)])

    def test_many_replies(self):
        """20,000 different replies: each has its line, in the order of the log."""
        replies = [f"550 5.1.1 <user{i * 7919 % 20000}@mx.test>: User unknown" for i in range(20000)]
        answers = self.explained(0, self.file("\n".join(replies)), timeout=60)
        self.assertEqual([answer["asked"] for answer in answers], replies)

    def test_long_lines(self):
        """Lines of megabytes, in the shapes that invite to look at them again and again: done within seconds."""
        for piece in ("Relay access denied ", ": 550-a ", "550-a\n", "550-", "from [", ">: ", "said: ", "(", "reject: RCPT from x[y]: ", "a:"):
            with self.subTest(piece):
                for before in ("550 5.7.1 ", "From: a@b.test\n\n", "reject: RCPT from x[192.0.2.7]; ", "status=deferred (x "):
                    began = time.monotonic()
                    said = self.tool("explain", "--json", self.file(before + piece * (2000000 // len(piece))), timeout=60)
                    self.assertLess(time.monotonic() - began, 10)
                    self.assertIn(said.status, (0, 1, 65), said)
                    read_json(said.out)


# A line of a log; the reply in it (None: it says of none), and the reason.
SMTPD = "Nov 20 22:26:00 mx postfix/smtpd[811]: NOQUEUE: "
TAIL = "; from=<b@x.test> to=<a@elsewhere.test> proto=ESMTP helo=<c.test>"
OUT = "Nov 20 22:26:00 mx postfix/smtp[901]: 4XyZ12: to=<joe@there.test>, relay=mx.there.test[198.51.100.3]:25, delay=1.2, delays=0.1/0/0.6/0.5, "
LOST = "550 5.1.1 <joe@there.test>: Recipient address rejected: User unknown in virtual mailbox table"
GREY = "450 4.2.0 <joe@there.test>: Recipient address rejected: Greylisted"
SENDMAIL = "Nov 20 22:26:00 mx sendmail[811]: 2AKMQ0aa000811: "
SENT = SENDMAIL + "to=<joe@there.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120345, relay=mx.there.test. [198.51.100.3], "
EXIM = "2026-11-20 22:26:00 "

LINES = (
    ("Postfix, RCPT", f"{SMTPD}reject: RCPT from unknown[192.0.2.7]: {RELAY}{TAIL}", RELAY, "relay-denied"),
    ("Postfix, an address of IPv6", f"{SMTPD}reject: RCPT from mail.x.test[2001:db8::7]: {GREY}{TAIL}", GREY, "greylisted"),
    ("Postfix, CONNECT", f"{SMTPD}reject: CONNECT from unknown[192.0.2.7]: 554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied; proto=SMTP",
     "554 5.7.1 <unknown[192.0.2.7]>: Client host rejected: Access denied", "client-access-denied"),
    ("Postfix, EHLO", f"{SMTPD}reject: EHLO from unknown[192.0.2.7]: 504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname; proto=SMTP helo=<x>",
     "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname", "helo-not-fqdn"),
    ("Postfix, a text with semicolons", f"{SMTPD}reject: RCPT from unknown[192.0.2.7]: 550 5.7.1 Service unavailable; Client host [192.0.2.7] blocked "
     f"using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7{TAIL}",
     "550 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7",
     "ip-blocklisted"),
    ("Postfix, a warning of a refusal", f"{SMTPD}reject_warning: RCPT from unknown[192.0.2.7]: {RELAY}{TAIL}", RELAY, "relay-denied"),
    ("Postfix, a milter at the end", "2026-11-20T22:26:00.123456+01:00 mx postfix/cleanup[900]: 4XyZ12: milter-reject: END-OF-MESSAGE from "
     f"unknown[192.0.2.7]: 5.7.1 Spam message rejected{TAIL}", "5.7.1 Spam message rejected", "spam-rejected"),
    ("Postfix, a milter at once", f"{SMTPD}milter-reject: CONNECT from unknown[192.0.2.7]: 451 4.7.1 Service unavailable - try again later; proto=SMTP",
     "451 4.7.1 Service unavailable - try again later", "milter-unavailable"),
    ("Postfix, postscreen", "Nov 20 22:26:00 mx postfix/postscreen[812]: NOQUEUE: reject: RCPT from [192.0.2.7]:53021: 550 5.7.1 Service unavailable; "
     "client [192.0.2.7] blocked using zen.spamhaus.org; from=<b@x.test>, to=<joe@mx.test>, proto=ESMTP, helo=<c.test>",
     "550 5.7.1 Service unavailable; client [192.0.2.7] blocked using zen.spamhaus.org", "ip-blocklisted"),
    ("Postfix, a header", "Nov 20 22:26:00 mx postfix/cleanup[900]: 4XyZ12: reject: header Subject: buy now from unknown[192.0.2.7]"
     f"{TAIL}: 5.7.1 message content rejected", "5.7.1 message content rejected", "content-policy"),
    ("Postfix, SASL", "Nov 20 22:26:00 mx postfix/smtpd[811]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, "
     "sasl_username=joe@x.test", ISSUE, "auth-login-password-step"),
    ("Postfix, SASL without a reason", "Nov 20 22:26:00 mx postfix/smtpd[811]: warning: unknown[192.0.2.7]: SASL PLAIN authentication failed: "
     "(reason unavailable)", "535 5.7.8 Error: authentication failed: (reason unavailable)", "auth-bad-credentials"),
    ("Postfix, bounced", f"{OUT}dsn=5.1.1, status=bounced (host mx.there.test[198.51.100.3] said: {LOST} (in reply to RCPT TO command))",
     LOST, "rcpt-unknown"),
    ("Postfix, bounced with several lines", f"{OUT}dsn=5.7.1, status=bounced (host mx.there.test[198.51.100.3] said: 550-5.7.1 one 550-5.7.1 two "
     "550 5.7.1 Relay access denied (in reply to RCPT TO command))", "550-5.7.1 one\n550-5.7.1 two\n550 5.7.1 Relay access denied", "relay-denied"),
    ("Postfix, deferred", f"{OUT}dsn=4.2.0, status=deferred (host mx.there.test[198.51.100.3] said: {GREY} (in reply to RCPT TO command))",
     GREY, "greylisted"),
    ("Postfix, refused at once", f"{OUT}dsn=4.3.2, status=deferred (host mx.there.test[198.51.100.3] refused to talk to me: 421 4.3.2 Too many connections)",
     "421 4.3.2 Too many connections", "too-many-connections"),
    ("Postfix, never reached", f"{OUT}dsn=4.4.1, status=deferred (connect to mx.there.test[198.51.100.3]:25: Connection timed out)",
     "4.4.1 connect to mx.there.test[198.51.100.3]:25: Connection timed out", "peer-unreachable"),
    ("Postfix, local", "Nov 20 22:26:00 mx postfix/local[901]: 4XyZ12: to=<joe@there.test>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=5.1.1, "
     'status=bounced (unknown user: "joe")', '5.1.1 unknown user: "joe"', "rcpt-unknown"),
    ("Postfix, sent", f"{OUT}dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABC)", None, None),
    ("Postfix, deliverable", f"{OUT}dsn=2.1.5, status=deliverable (250 2.1.5 Ok)", None, None),
    ("Postfix, a session's end", "Nov 20 22:26:00 mx postfix/smtpd[811]: disconnect from unknown[192.0.2.7] ehlo=1 mail=1 rcpt=0/1 commands=3/4", None, None),
    ("Dovecot, a session's end", "Nov 20 22:26:00 mx dovecot: imap(joe@x.test)<811><abc>: Disconnected: Logged out in=450 out=1023 deleted=0", None, None),
    ("Sendmail, RCPT", f"{SENDMAIL}ruleset=check_rcpt, arg1=<a@elsewhere.test>, relay=unknown [192.0.2.7], reject=550 5.7.1 <a@elsewhere.test>... "
     "Relaying denied", "550 5.7.1 <a@elsewhere.test>... Relaying denied", "relay-denied"),
    ("Sendmail, a milter", f"{SENDMAIL}Milter: data, reject=550 5.7.1 Spam message rejected", "550 5.7.1 Spam message rejected", "spam-rejected"),
    ("Sendmail, AUTH", f"{SENDMAIL}AUTH failure (LOGIN): authentication failure (-13) SASL(-13): authentication failure: checkpass failed, "
     "relay=unknown [192.0.2.7]", "535 5.7.0 authentication failed: authentication failure (-13) SASL(-13): authentication failure: checkpass failed",
     "auth-bad-credentials"),
    ("Sendmail, stat", f"{SENT}dsn=5.1.1, stat=User unknown", "5.1.1 User unknown", "rcpt-unknown"),
    ("Sendmail, deferred", f"{SENT}dsn=4.2.0, stat=Deferred: {GREY}", GREY, "greylisted"),
    ("Sendmail, reply", f"{SENT}dsn=5.7.1, reply=550 5.7.1 Relaying denied, stat=Service unavailable", "550 5.7.1 Relaying denied", "relay-denied"),
    ("Sendmail, sent", f"{SENT}dsn=2.0.0, stat=Sent (Ok: queued as 4ABC)", None, None),
    ("Exim, RCPT", f"{EXIM}H=(c.test) [192.0.2.7] F=<b@x.test> rejected RCPT <a@elsewhere.test>: relay not permitted", "relay not permitted",
     "relay-denied"),
    ("Exim, for now", f"{EXIM}H=(c.test) [192.0.2.7] F=<b@x.test> temporarily rejected RCPT <joe@mx.test>: Greylisted, please try again later",
     "Greylisted, please try again later", "greylisted"),
    ("Exim, AUTH", f"{EXIM}login authenticator failed for (c.test) [192.0.2.7]: 535 Incorrect authentication data (set_id=joe@x.test)",
     "535 Incorrect authentication data (set_id=joe@x.test)", "auth-bad-credentials"),
    ("Exim, bounced", f"{EXIM}1uAbCd-0001xY-Zz ** joe@there.test R=dnslookup T=remote_smtp H=mx.there.test [198.51.100.3]: SMTP error from remote "
     f"mail server after RCPT TO:<joe@there.test>: {LOST}", LOST, "rcpt-unknown"),
    ("Exim, deferred", f"{EXIM}1uAbCd-0001xY-Zz == joe@there.test R=dnslookup T=remote_smtp defer (-44) H=mx.there.test [198.51.100.3]: SMTP error "
     f"from remote mail server after RCPT TO:<joe@there.test>: {GREY}", GREY, "greylisted"),
    ("Exim, delivered", f'{EXIM}1uAbCd-0001xY-Zz => joe@there.test R=dnslookup T=remote_smtp H=mx.there.test [198.51.100.3] C="250 2.0.0 Ok"', None, None),
    ("our event log", json.dumps({"ts": "2026-11-20T22:26:00.000000Z", "ref": "3ARFZ-36BTD", "host": "mx.x.test", "mta": "Postfix 3.7",
                                  "via": "socketmap", "pid": 811, "stage": "rcpt", "code": 554, "reason": "relay-denied",
                                  "client_addr": "192.0.2.7", "reply": RELAY}), RELAY, "relay-denied"),
    ("a line that began as ours", '{"ts":"2026-11-20T22:26:00.000000Z","ref":"3ARFZ-36BTD","reply":"554 5.7.1 <a@els', None, None),
)


class Logs(Tool):
    def test_lines(self):
        """Lines as Postfix, Sendmail, Exim and mailwhyd log them: the reply in each, and its reason; none where mail went through."""
        for name, line, reply, reason in LINES:
            with self.subTest(name):
                answers = self.explained(65 if reply is None else 0, "-", given=line + "\n")
                self.assertEqual([(a["asked"], a.get("reason")) for a in answers], [] if reply is None else [(reply, reason)])

    def test_line_as_operand(self):
        """A line of a log pasted on the command line is explained as one from a file."""
        for name, line, reply, reason in LINES:
            if reply:
                with self.subTest(name):
                    self.assertEqual([(a["asked"], a["reason"]) for a in self.explained(0, line)], [(reply, reason)])

    def test_whole_log(self):
        """All of them in one file, with other lines between: the same replies, each once."""
        seen = {}
        for _name, _line, reply, reason in LINES:
            if reply:
                seen.setdefault(reply, [reason, 0])[1] += 1
        log = "".join(f"{line}\nNov 20 22:26:00 mx postfix/qmgr[1]: 4XyZ12: removed\n\n" for _name, line, *_ in LINES)
        answers = self.explained(0, "-", given=log)
        self.assertEqual({a["asked"]: [a["reason"], a["count"]] for a in answers}, seen)

    def test_client_in_the_texts(self):
        """The client's address of the line stands in the text that speaks of it, and never what a client wrote instead."""
        reply = "554 5.7.1 <mail.x.test>: Client host rejected: Access denied"
        for line in (f"{SMTPD}reject: RCPT from x[192.0.2.7]: {reply}; from=<[10.9.8.7]@x.test> to=<a@mx.test> proto=ESMTP helo=<[10.9.8.7]>",
                     f"{SENDMAIL}ruleset=check_rcpt, arg1=<[10.9.8.7]@x.test>, relay=x [192.0.2.7], reject={reply}",
                     f"{EXIM}H=x ([10.9.8.7]) [192.0.2.7] F=<b@x.test> rejected RCPT <a@mx.test>: Client host rejected: Access denied"):
            with self.subTest(line):
                self.assertIn("192.0.2.7", self.explained(0, "-", given=line)[0]["description"])
        self.assertNotIn("192.0.2.7", self.explained(0, reply)[0]["description"])


# A bounce's file, and the replies in it with their reasons.
FAILED = (
    ("postfix.eml", [(LOST, "rcpt-unknown"), ("552 5.2.2 <ann@there.test>: Quota exceeded (mailbox for user is full)", "rcpt-mailbox-full")]),
    ("mbox.eml", [(f"{GREY}, see http://postgrey.schweikert.ch/help/there.test.html", "greylisted")]),
    ("exim.eml", [("554 5.7.1 <someone@elsewhere.test>: Relay access denied", "relay-denied")]),
    ("exchange.eml", [("5.2.2", None)]),
    ("gmail.eml", [("550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's "
                    "email address for typos or\n550-5.1.1 unnecessary spaces. For more information, go to\n550 5.1.1  "
                    "https://support.google.com/mail/?p=NoSuchUser a1-2002 - gsmtp", "rcpt-unknown")]),
    ("sendmail.eml", [("550 5.7.1 <someone@elsewhere.test>... Relaying denied", "relay-denied")]),
    ("qmail.eml", [("550 5.1.1 <joe@there.test>: Recipient address rejected: User unknown", "rcpt-unknown")]),
    ("words-in-base64.eml", [("550 5.7.1 Message rejected because of its SPF record: SPF fail", "spf-fail")]),
)


class BouncesOfAll(Tool):
    def test_fixtures(self):
        """Bounces as Postfix, Exim, Exchange, Gmail, Sendmail and qmail write them: the replies of the recipients, with their reasons; nothing of
        the message that came back."""
        self.assertEqual(sorted(path.name for path in BOUNCES.glob("*.eml")), sorted([name for name, _ in FAILED] + ["delivered.eml"]))
        for name, expected in FAILED:
            text = (BOUNCES / name).read_bytes()
            for form, given in (("a file", None), ("standard input", text), ("with CR LF", text.replace(b"\n", b"\r\n"))):
                with self.subTest(f"{name}, {form}"):
                    answers = self.explained(0, BOUNCES / name if given is None else "-", given=given)
                    self.assertEqual([(a["asked"], a.get("reason")) for a in answers], expected)

    def test_delivered(self):
        """A report that mail was delivered has no refusal in it."""
        self.says(65, "explain", BOUNCES / "delivered.eml")

    def test_truncated(self):
        """A bounce cut anywhere: what is there is explained, or it is said that there is nothing; never more than that."""
        for name, _ in FAILED:
            text = (BOUNCES / name).read_bytes()
            for end in range(0, len(text), 211):
                with self.subTest(f"{name}, {end} octets"):
                    said = self.tool("explain", "--json", "-", given=text[:end])
                    self.assertIn(said.status, (0, 1, 65), said)
                    read_json(said.out)

    def test_broken_parts(self):
        """Broken encodings, boundaries and headers in a bounce do no harm."""
        text = (BOUNCES / "exchange.eml").read_text()
        for name, broken in (("no boundary", re.sub(r'boundary="9b1.*"', "", text)), ("an empty boundary", re.sub('boundary="9b1.*"', 'boundary=""', text)),
                             ("bad base64", text.replace("base64\n\n", "base64\n\n=?*")), ("an unknown encoding", text.replace("base64", "rot13")),
                             ("an unknown character set", text.replace("utf-8", "x-nope")), ("no status", text.replace("Status:", "State:")),
                             ("octets", text.replace("Joe", "J\udcff\udcfe"))):
            with self.subTest(name):
                said = self.tool("explain", "--json", "-", given=broken.encode("utf-8", "surrogateescape"))
                self.assertIn(said.status, (0, 65), said)
                read_json(said.out)

    def test_nested(self):
        """Parts within parts: some are read as such; of 20,000 the lines are, and it takes no time."""
        for depth, status in ((1, 0), (10, 0), (20000, 0)):
            with self.subTest(depth):
                parts = "".join(f"Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n" for i in range(depth))
                began = time.monotonic()
                self.says(status, "explain", "-", given=f"From: a@b.test\nMIME-Version: 1.0\n{parts}Content-Type: text/plain\n\n{RELAY}\n")
                self.assertLess(time.monotonic() - began, 10)

    def test_many_parts(self):
        """A message of 50,000 parts is read soon."""
        parts = f"--b\nContent-Type: text/plain\n\n{RELAY}\n" * 50000
        answers = self.explained(0, "-", given=f"From: a@b.test\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--\n", timeout=60)
        self.assertEqual([(a["asked"], a["count"]) for a in answers], [(RELAY, 50000)])


class Compare(Tool):
    def page(self, *operands):
        return " ".join(self.says(0, "compare", *operands).out.split())

    def test_issue(self):
        """334 and 535, as the issue asks: class, meaning, moment and fix of both, and when to do what."""
        page = self.page("334", "535")
        for code in ("334", "535"):
            answer = self.explained(0, code)[0]
            self.assertIn(f"{code} {answer['name']}", page)
            self.assertIn(answer["class"], page)
            for key in ("description", "when", "fix"):
                self.assertIn(answer[key], page)
        self.assertIn("334 is a Positive Intermediate reply, while 535 is a Permanent Negative reply", page)
        self.assertIn("Key differences", page)
        self.assertIn("What to do for which", page)

    def test_same_class(self):
        """Two of one class: that is said once, and not that they differ."""
        page = self.page("535", "550")
        self.assertIn("535 and 550 are both Permanent Negative replies", page)
        self.assertNotIn("while", page.split("1.")[1].split("2.")[0])

    def test_kinds(self):
        """Enhanced codes and reasons can be compared, among themselves and with each other."""
        for a, b in (("5.7.8", "5.7.9"), ("5.7.8", "4.7.8"), ("relay-denied", "spf-fail"), ("535", "auth-bad-credentials"), ("535", "5.7.8"),
                     ("535", "535")):
            with self.subTest(f"{a} {b}"):
                page = self.page(a, b)
                for operand in (a, b):
                    answer = self.explained(0, operand)[0]
                    self.assertIn(f"{operand} {answer['name']}", page)
                    self.assertIn(answer["fix"], page)

    def test_as_listed(self):
        """What 'mailwhy codes' lists can be compared: X.7.8, too, of which 'mailwhy explain' knows."""
        self.assertIn("X.7.8", self.says(0, "codes").out)
        self.says(0, "compare", "X.7.8", "X.7.9")

    def test_unknown(self):
        """One that is not in the catalogue: which one, and exit status 1; not two operands: 64."""
        for status, operands, words in ((1, ["535", "599"], "599"), (1, ["frobnicate", "535"], "frobnicate"), (1, ["5.99.99", "5.7.8"], "5.99.99"),
                                        (1, ["535", ""], "not a code"), (1, ["\033[2J", "535"], r"\x1b[2J"), (1, [ISSUE, "550"], "not a code"),
                                        (64, [], "which two"), (64, ["535"], "which two"), (64, ["334", "535", "550"], "which two")):
            with self.subTest(operands):
                for json_too in ([], ["--json"]):
                    said = self.says(status, "compare", *json_too, *operands)
                    self.assertEqual(said.out, "")
                    self.assertIn(words, said.err)

    def test_json(self):
        """--json: one array of the two answers."""
        for a, b in (("334", "535"), ("relay-denied", "5.7.8")):
            with self.subTest(f"{a} {b}"):
                (both,) = read_json(self.says(0, "compare", "--json", a, b).out)
                self.assertEqual([both[i]["name"] for i in (0, 1)], [self.explained(0, code)[0]["name"] for code in (a, b)])
                self.assertEqual(len(both), 2)
                for answer in both:
                    self.assertTrue(answer["description"] and answer["when"] and answer["fix"] and answer["who"], answer)


class Lists(Tool):
    """codes and reasons."""

    @staticmethod
    def sections(name, kinds):
        """The titles of sections as they stand in a file of the catalogue."""
        return re.findall(rf"^ *(?:{kinds}) +\"?([^ \"{{]+)\"? *{{", (CATALOG / name).read_text(), re.M)

    def rows(self, *args):
        return read_json(self.says(0, *args, "--json").out)

    def test_all(self):
        """All codes, enhanced codes and reasons of the catalogue are listed, each once, and as JSON with all there is to say."""
        for verb, keys, expected in (("codes", ("code", "enhanced"), self.sections("codes.conf", "code|enhanced")),
                                     ("reasons", ("reason",), self.sections("reasons.conf", "reason"))):
            with self.subTest(verb):
                rows = self.rows(verb)
                titles = [str(row[key]) for row in rows for key in keys if key in row]
                self.assertGreater(len(titles), 100)
                self.assertEqual(sorted(titles), sorted(expected))
                self.assertEqual([line.split()[0] for line in self.says(0, verb).out.splitlines()[1:]], titles)
                for row in rows:
                    self.assertTrue(all(row.get(key) for key in ("who", "lang", "name", "description", "when", "fix")), row)
                    self.assertIn(row["who"], ("sender", "sender-admin", "receiver-admin"))

    def test_reasons_as_json(self):
        """A reason's row has what can match it."""
        (row,) = self.rows("reasons", "auth-login-password-step")
        self.assert_has(row, reason="auth-login-password-step", codes=[535, 435], enhanced=["5.7.8", "4.7.8"], stage="auth", wrong_port=False)
        self.assertIn("authentication failed: (?-i:UGFzc3dvcm", row["patterns"][0])

    def test_aligned(self):
        """The columns of the tables stand under their heads, also where names are of wide characters."""
        for verb in ("codes", "reasons"):
            for language in LANGUAGES:
                with self.subTest(f"{verb}, {language}"):
                    names = [row["name"] for row in self.rows(verb, "--lang", language)]
                    head, *lines = self.says(0, verb, "--lang", language).out.splitlines()
                    self.assertEqual(len(names), len(lines))
                    begins = set()
                    for name, line in zip(names, lines):
                        self.assertTrue(line.endswith(f"  {name}"), line)
                        begins.add(width(line[:-len(name)]))
                    begins.add(width(head[:len(head.rstrip()) - len(re.split("  +", head.rstrip())[-1])]))
                    self.assertEqual(len(begins), 1, f"the last column begins at {begins}")

    def test_filters(self):
        """Only what is asked for; several words are joined by or."""
        rows = (
            ("codes", ["53"], {"code": r"53\d"}),
            ("codes", ["535"], {"code": "535"}),
            ("codes", ["535", "550"], {"code": "535|550"}),
            ("codes", ["5.7"], {"enhanced": r"[5X]\.7\d*\.\d+"}),
            ("codes", ["X.7.8"], {"enhanced": r"X\.7\.8"}),
            ("codes", ["x.7.2"], {"enhanced": r"X\.7\.2\d?"}),
            ("codes", ["5.7.8"], {"enhanced": r"[5X]\.7\.8"}),
            ("codes", ["4."], {"enhanced": r"[4X]\..*"}),
            ("reasons", ["spf"], {"reason": "spf-.*"}),
            ("reasons", ["SPF"], {"reason": "spf-.*"}),
            ("reasons", ["spf", "relay-denied"], {"reason": "spf-.*|relay-denied"}),
        )
        for verb, words, expected in rows:
            with self.subTest(f"{verb} {words}"):
                found = self.rows(verb, *words)
                (key, pattern), = expected.items()
                self.assertTrue(found)
                self.assertEqual([row for row in found if not re.fullmatch(pattern, str(row.get(key)))], [])
                self.assertEqual(len(self.says(0, verb, *words).out.splitlines()), len(found) + 1)

    def test_reasons_of_a_code(self):
        """Reasons are found by their codes, and by words of their names, in the language that is shown."""
        for word, key in (("530", "codes"), ("5.7.23", "enhanced")):
            with self.subTest(word):
                found = self.rows("reasons", word)
                self.assertTrue(found)
                for row in found:
                    self.assertIn(int(word) if key == "codes" else word, row[key])
        for language in LANGUAGES:
            with self.subTest(language):
                name = self.rows("reasons", "relay-denied", "--lang", language)[0]["name"]
                self.assertIn("relay-denied", [row["reason"] for row in self.rows("reasons", name, "--lang", language)])

    def test_nothing(self):
        """Nothing of that name: a sentence on standard error, nothing on standard output, exit status 1."""
        for args in (["codes", "9"], ["codes", "frobnicate"], ["codes", "-", "9"], ["reasons", "frobnicate"], ["reasons", "5.99.99"],
                     ["reasons", "\033[2J"]):
            for json_too in ([], ["--json"]):
                with self.subTest([*args, *json_too]):
                    said = self.says(1, *args, *json_too)
                    self.assertEqual(said.out, "")
                    self.assertIn("nothing", said.err)

    def test_empty_word(self):
        """An empty word, as an unset variable of a script gives it, does not fail."""
        self.assertEqual(self.says(0, "codes", "").out, self.says(0, "codes").out)


class Check(Tool):
    """A catalogue is checked. Each copy of ours has its own faults; the numbers of their lines are looked up in it."""

    def setUp(self):
        self.catalog = self.folder() / "catalog"
        shutil.copytree(CATALOG, self.catalog)

    def add(self, name, text):
        """Append to a file of the copy. The number of the text's first line."""
        path = self.catalog / name
        before = path.read_text() if path.exists() else ""
        path.write_text(before + text)
        return before.count("\n") + 1

    def faults(self):
        """The lines that check prints; the same as JSON."""
        said = self.says(78, "check", "--catalog", self.catalog, timeout=90)
        self.assertEqual(said.err, "")
        lines = said.out.splitlines()
        for line in lines:
            self.assertRegex(line, r"^\S+\.conf:\d+: \S")
        (answer,) = read_json(self.says(78, "check", "--json", "--catalog", self.catalog, timeout=90).out)
        self.assertEqual([UNSAFE.sub(escaped, fault) for fault in answer["faults"]], lines)
        return lines

    def assert_fault(self, faults, name, line, *words):
        """There is a fault at that line of that file, with these words in it."""
        place = f"{self.catalog}/{name}:{line}: "
        found = [fault for fault in faults if fault.startswith(place) and all(word in fault for word in words)]
        ours = [fault for fault in faults if any(word in fault for word in words)]
        self.assertTrue(found, f"no fault {place}{words} in:\n" + "\n".join(ours or faults))

    def test_shipped(self):
        """The catalogue that is shipped has no faults, and check says how much there is."""
        said = self.says(0, "check", timeout=90)
        self.assertEqual(said.err, "")
        (answer,) = read_json(self.says(0, "check", "--json", timeout=90).out)
        self.assertEqual(answer["faults"], [])
        self.assertEqual(answer["languages"], len(LANGUAGES))
        codes = self.tool("codes", "--json").out.splitlines()
        self.assertEqual(answer["codes"] + answer["enhanced"], len(codes))
        self.assertEqual(answer["reasons"], len(self.tool("reasons", "--json").out.splitlines()))
        for key in ("codes", "enhanced", "reasons", "patterns", "languages"):
            self.assertRegex(said.out, rf"\b{answer[key]}\b")
        self.assertEqual(answer["version"], version_of(CATALOG))
        self.assertEqual(said.out.splitlines()[-1], f"version {answer['version']}")

    def test_operand(self):
        """An operand is a mistake, and check says how the catalogue is named."""
        self.assertIn("--catalog", self.says(64, "check", self.catalog).err)

    def test_patterns(self):
        """Two reasons that match the same words equally well, and a pattern that never wins: both are named, with both reasons."""
        reason = 'reason {} {{ codes = {{550}} enhanced = {{"5.7.1"}} patterns = {{\'{}\'}} who = "sender" }}\n'
        text = 'reason {} {{ name = "n" reason = "r" when = "w" fix = "f" }}\n'
        patterns = {"test-twin-a": "frobnicated wombats", "test-twin-b": "frobnicated wombats", "test-loser": r"quixotic\K aardvark",
                    "test-loser-too": "quixotic(?= aardvark)",
                    "test-winner": "quixotic aardvark"}
        lines = {name: self.add("reasons.conf", reason.format(name, pattern)) for name, pattern in patterns.items()}
        for language in LANGUAGES:
            self.add(f"text/{language}.conf", "".join(text.format(name) for name in patterns))
        faults = self.faults()
        self.assert_fault(faults, "reasons.conf", lines["test-twin-a"], "test-twin-a", "equally well", "test-twin-b")
        self.assert_fault(faults, "reasons.conf", lines["test-twin-b"], "test-twin-b", "equally well", "test-twin-a")
        for loser in ("test-loser", "test-loser-too"):
            with self.subTest(loser):
                self.assert_fault(faults, "reasons.conf", lines[loser], f"reason {loser}:", "never wins", "test-winner")
        self.assertFalse([fault for fault in faults if ": reason test-winner:" in fault], faults)

    def test_language(self):
        """A language without a key, with another placeholder, without a whole entry or a word: each is named, with the line of the file to mend."""
        text = (CATALOG / "text" / "en.conf").read_text()
        greylisted = re.search(r"^reason greylisted \{\n(.*?)^\}", text, re.M | re.S)
        placeholder = re.search(r'^reason ([a-z-]+) \{\n(?:(?!^\}).*\n)*? *reason *= "[^"\n]*%client[^"\n]*"', text, re.M)
        changed = text.replace(greylisted.group(1), re.sub(r"^ *fix .*\n", "", greylisted.group(1), flags=re.M), 1)
        changed = changed.replace(placeholder.group(0), placeholder.group(0).replace("%client", "somebody"), 1)
        changed = re.sub(r"^reason relay-denied \{\n.*?^\}\n", "", changed, count=1, flags=re.M | re.S)
        changed = re.sub(r"^ *contact *=.*\n", "", changed, count=1, flags=re.M)
        (self.catalog / "text" / "xx.conf").write_text(changed)

        def line(title):
            return changed[:changed.index(f"reason {title} {{")].count("\n") + 1
        faults = self.faults()
        for name, words in (("a key", ("greylisted", "fix", "xx", "missing")), ("a placeholder", (placeholder.group(1), "reason", "xx", "placeholders")),
                            ("an entry", ("relay-denied", "xx", "missing")), ("a word", ("contact", "xx", "missing"))):
            with self.subTest(f"{name} is named"):
                self.assertTrue([fault for fault in faults if all(word in fault for word in words)], "\n".join(faults))
        with self.subTest("where the key is missing"):
            self.assert_fault(faults, "text/xx.conf", line("greylisted"), "greylisted", "fix", "missing")
        with self.subTest("where the placeholder is missing"):
            self.assert_fault(faults, "text/xx.conf", line(placeholder.group(1)), placeholder.group(1), "placeholders")
        with self.subTest("whose words they are"):
            self.assertTrue([fault for fault in faults if fault.startswith(f"{self.catalog}/text/xx.conf:") and "contact" in fault], "\n".join(faults))

    def test_rows(self):
        """What no catalogue may have: the file, the line, and what is wrong there."""
        rows = (
            ("a bad pattern", "reasons.conf", 'reason test-a {\n who = "sender"\n patterns = {\'broken (pattern\'}\n}\n', 2, "bad pattern"),
            ("an unknown key", "reasons.conf", 'reason test-a {\n who = "sender"\n frobnicate = 1\n}\n', 2, "frobnicate"),
            ("nobody who acts", "reasons.conf", "reason test-a { codes = {550} }\n", 0, "who is missing"),
            ("nothing that matches", "reasons.conf", 'reason test-a { who = "sender" }\n', 0, "nothing can match"),
            ("no such code", "codes.conf", 'code 735 { who = "sender" }\n', 0, "735"),
            ("an unknown key of a text", "text/xx.conf", 'reason relay-denied {\n frobnicate = "x"\n}\n', 1, "frobnicate"),
            ("an unknown placeholder", "text/xx.conf", 'reason relay-denied {\n fix = "%frob"\n}\n', 1, "%"),
            ("a text too long", "text/xx.conf", f'reason relay-denied {{\n fix = "{"x" * 241}"\n}}\n', 1, "longer"),
            ("a section left open", "reasons.conf", "reason test-a {\n", 0, "not closed"),
            ("an entry twice", "text/en.conf", 'reason relay-denied { fix = "x" }\n', 0, "relay-denied"),
        )
        for name, file, text, down, words in rows:
            with self.subTest(name):
                line = self.add(file, text)
                self.assert_fault(self.faults(), file, line + down, words)
            shutil.rmtree(self.catalog)
            shutil.copytree(CATALOG, self.catalog)

    def test_no_text(self):
        """A reason without an English text is named with its line in reasons.conf."""
        line = self.add("reasons.conf", 'reason test-a { codes = {550} patterns = {\'frobnicated wombats\'} who = "sender" }\n')
        self.assert_fault(self.faults(), "reasons.conf", line, "test-a", "fix", "en")

    def test_site(self):
        """The site's own catalogue is checked with ours."""
        home = self.folder()
        (home / "text").mkdir()
        (home / "text" / "en.conf").write_text('\n\nreason relay-denied { fix = "%frob" }\n')
        config = home / "mailwhy.conf"
        config.write_text(f'catalog = "{CATALOG}"\nlocal_catalog = "{home}"\n')
        said = self.says(78, "check", "--config", config, MAILWHY_CATALOG=None, timeout=90)
        self.assertIn(f"{home}/text/en.conf:3: ", said.out)

    def test_hostile(self):
        """A fault shows what is wrong without doing anything to a terminal."""
        self.add("reasons.conf", 'reason "\033[2J\u202e" { who = "sender" codes = {550} }\n')
        self.faults()


class FromLife(RigTest, Tool):
    """What a real Postfix logs, and another one's bounce, given to the tool."""

    rig_options = {"sasl": "dovecot", "settings": {"smtpd_client_restrictions": "", "header_checks": "regexp:{ { /^Subject: wombat/ REJECT } }"}}

    def logged(self, event, words="reject: "):
        """The line of Postfix's log about the event."""
        log = self.rig.postfix
        pattern = re.compile(rf"^.*\[{event['pid']}\]: .*{words}.*$", re.M)
        return wait_for(f"{words!r} of process {event['pid']} in Postfix's log", lambda: pattern.findall(log.log_text()))[-1]

    def assert_same(self, event, line):
        """The line, from a file and as an operand, has the event's reason and reply."""
        (answer,) = self.explained(0, "-", given=line + "\n")
        self.assert_has(answer, reason=event["reason"], asked=event["reply"])
        self.assertEqual(self.explained(0, line)[0]["reason"], event["reason"])

    def test_refusals(self):
        """A client is refused; the line that Postfix logs of it has the same reply and the same reason as our event."""
        sender = "MAIL FROM:<sender@elsewhere.test>"
        rows = (("relaying", 554, [sender, f"RCPT TO:<{ELSEWHERE}>"]), ("an unknown mailbox", 550, [sender, "RCPT TO:<nobody-here@mailwhy.test>"]),
                ("no sender", 503, ["RCPT TO:<mailbox@mailwhy.test>"]), ("too large", 552, ["MAIL FROM:<sender@elsewhere.test> SIZE=999999999"]))
        for name, code, lines in rows:
            with self.subTest(name):
                with self.client() as client:
                    event = self.refused(client.play(*lines), code)
                self.assertTrue(event.get("reason"), event)
                if code in (550, 554):
                    self.assert_same(event, self.logged(event))
                self.assert_has(self.explained(0, event["reply"])[0], reason=event["reason"])

    def test_password(self):
        """A wrong password: the warning in Postfix's log gives the reason that our event has."""
        for sign_in in ("auth_plain", "auth_login"):
            with self.subTest(sign_in):
                with self.client("submission") as client:
                    event = self.refused(getattr(client, sign_in)(USER, WRONG), 535)
                (answer,) = self.explained(0, "-", given=self.logged(event, "authentication failed") + "\n")
                self.assert_has(answer, reason=event["reason"], code=535)

    def test_header(self):
        """A header that Postfix refuses: its cleanup logs the reason without a code; the same reason as the client's reply has."""
        with self.client() as client:
            reply = client.play("MAIL FROM:<sender@elsewhere.test>", f"RCPT TO:<{MAILBOX}>", "DATA", "Subject: wombat\r\n\r\nhello\r\n.")
            event = self.refused(reply, 550)
        line = wait_for("the header in Postfix's log", lambda: re.findall(r"^.*reject: header Subject.*$", self.rig.postfix.log_text(), re.M))[-1]
        (answer,) = self.explained(0, "-", given=line)
        self.assert_has(answer, reason=event["reason"])

    def test_event_log(self):
        """Our own event log is a log, too: each event's reply, with the reason that stands in it."""
        with self.client() as client:
            self.refused(client.play("MAIL FROM:<sender@elsewhere.test>", f"RCPT TO:<{ELSEWHERE}>"), 554)
            self.refused(client.say("FROBNICATE"), 500)
        reasons = {event["reply"]: event.get("reason") for event in self.daemon.events() if event.get("reply")}
        answers = {answer["asked"]: answer.get("reason") for answer in read_json(self.tool("explain", "--json", self.daemon.log).out)}
        self.assertEqual(answers, reasons)

    def test_whole_log(self):
        """Postfix's whole log: the refusal is in it."""
        with self.client() as client:
            event = self.refused(client.play("MAIL FROM:<sender@elsewhere.test>", "RCPT TO:<wombat@elsewhere.test>"), 554)
        self.logged(event)
        answers = read_json(self.tool("explain", "--json", self.rig.postfix.log).out)
        found = [answer for answer in answers if answer["asked"] == event["reply"]]
        self.assertEqual([answer.get("reason") for answer in found], ["relay-denied"], answers)

    def test_bounce(self):
        """Another server, refused, sends its user a bounce: explain knows why, from the file as it was delivered and from that server's log."""
        other = self.other_server()
        with Client(other.ports["smtp"], HELO) as client:
            self.assertEqual(client.message("writer@other.test", ELSEWHERE).code, 250)
        mailbox = other.mail / "writer"
        wait_for("the bounce", lambda: mailbox.exists() and mailbox.read_bytes().endswith(b"--\n\n"), 30)
        (answer,) = self.explained(0, mailbox)
        self.assert_has(answer, code=554, enhanced="5.7.1", reason="relay-denied", count=1)
        self.assertIn("Reason: ", answer["asked"])
        page = self.says(0, "explain", mailbox)
        self.assertIn("Ref: ", page.out)
        status = wait_for("the bounce in the other's log", lambda: re.findall(r"^.*status=bounced.*$", other.log_text(), re.M))[0]
        self.assertIn("relay-denied", [answer.get("reason") for answer in self.explained(0, "-", given=status)])


if __name__ == "__main__":
    unittest.main()
