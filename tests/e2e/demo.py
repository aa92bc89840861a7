"""The demo: a private Postfix, or Sendmail, refuses a client, first as it is, then with mailwhy beside it.

Everything runs on the loopback in a temporary directory; nothing of this machine's own mail is read or changed, and all of it is gone
at the end."""

import argparse
import os
import re
import sys
import textwrap

import sandbox
from mailwhyd import BUILD, mailwhy
from mta import ELSEWHERE
from rig import Rig
from sasl import USER, WRONG
from sendmail import ADDED, MACROS, SendmailRig
from smtp import REFERENCE, b64

COLUMNS = 100
SENDER = "erik@example.org"
HELO = "laptop.example.org"

# What the client does wrong; the service it talks to; what it says, and how that is shown, where it is not for the eye.
SCENES = (
    ("A wrong password, sent with AUTH PLAIN over an encrypted connection", "tlsauth",
     [("STARTTLS", None), ("AUTH PLAIN " + b64(f"\0{USER}\0{WRONG}"), "AUTH PLAIN <user name and a wrong password>")]),
    ("A wrong password, sent with AUTH LOGIN for everybody on the way to read", "submission",
     [("AUTH LOGIN", None), (b64(USER), "<user name>"), (b64(WRONG), "<a wrong password>")]),
    ("A sign-in that breaks off: the server asks for the password in base64, and gets something else", "submission",
     [("AUTH LOGIN", None), (b64(USER), "<user name>"), ("not base64!", None)]),
    ("A recipient before there is a sender", "smtp", [(f"RCPT TO:<{ELSEWHERE}>", None)]),
    ("Message data before there is a recipient", "smtp", [("DATA", None)]),
    ("Message data with a sender and nobody to go to", "smtp", [(f"MAIL FROM:<{SENDER}>", None), ("DATA", None)]),
    ("A command that no mail server knows", "smtp", [("HELLO THERE", None)]),
    ("Mail for somebody elsewhere, without signing in first", "smtp", [(f"MAIL FROM:<{SENDER}>", None), (f"RCPT TO:<{ELSEWHERE}>", None)]),
)


# The same for Sendmail; and where mailwhy gets: to the "reply", or to its "log".
SENDMAIL_SCENES = (
    ("Mail for somebody elsewhere, without signing in first", "smtp", [(f"MAIL FROM:<{SENDER}>", None), (f"RCPT TO:<{ELSEWHERE}>", None)], "reply"),
    ("A sender whom the access map does not want", "smtp", [("MAIL FROM:<offers@spam.example>", None)], "reply"),
    ("A recipient whose mailbox the access map has closed", "smtp", [(f"MAIL FROM:<{SENDER}>", None), ("RCPT TO:<closed@mailwhy.test>", None)], "reply"),
    ("A client on a DNS blocklist", "smtp from 127.0.0.31", [(f"MAIL FROM:<{SENDER}>", None)], "reply"),
    ("A command that no mail server knows", "smtp", [("HELLO THERE", None)], "reply"),
    ("A recipient for whom the virtusertable has an error", "smtp", [(f"MAIL FROM:<{SENDER}>", None), ("RCPT TO:<former@mailwhy.test>", None)], "reply"),
    ("A recipient who does not exist: Sendmail's own code refuses, and lets the milter know", "smtp",
     [(f"MAIL FROM:<{SENDER}>", None), ("RCPT TO:<nobody-here@mailwhy.test>", None)], "log"),
    ("A wrong password: Sendmail's own code refuses, and its mail log tells mailwhyd", "submission",
     [("AUTH PLAIN " + b64(f"\0{USER}\0{WRONG}"), "AUTH PLAIN <user name and a wrong password>")], "log"),
)


class Page:
    """What the demo prints: never wider than COLUMNS, coloured only for a terminal that wants it."""

    def __init__(self, out):
        self.out = out
        self.coloured = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def style(self, text, number):
        return f"\033[{number}m{text}\033[0m" if self.coloured else text

    def bold(self, text):
        return self.style(text, 1)

    def dim(self, text):
        return self.style(text, 2)

    def green(self, text):
        return self.style(text, 32)

    def line(self, text=""):
        print(text, file=self.out, flush=True)

    def heading(self, text):
        self.line()
        for part in textwrap.wrap(text, COLUMNS):
            self.line(self.bold(part))

    def paragraph(self, text):
        for part in textwrap.wrap(text, COLUMNS):
            self.line(part)

    def block(self, label, texts, style=str, hang=0):
        """Texts under one label at the left; what is too wide goes on below, hang columns further in."""
        for number, text in enumerate(texts):
            margin = f"  {label if number == 0 else '':<8}"
            for part in textwrap.wrap(text, COLUMNS - len(margin), subsequent_indent=" " * hang, break_on_hyphens=False) or [""]:
                self.line(self.dim(margin) + style(part))
                margin = " " * len(margin)


def play(rig, scene, wired=False):
    """One scene; the server's last reply, which is the refusal. wired: the client stays until the log has it."""
    _, service, said = scene[:3]
    service, _, source = service.partition(" from ")
    with rig.client(service, HELO, **({"source": source} if source else {})) as client:
        for line, _ in said:
            reply = client.starttls(HELO) if line == "STARTTLS" else client.say(line)
        if wired:
            sandbox.wait_for("the event", lambda: is_logged(rig.daemon, reply), 20)
        return reply


def is_logged(daemon, reply):
    return any(event.get("code") == reply.code and reply.lines[0][4:9] == event["reply"][4:9] for event in daemon.events())


def parts(reply):
    """Its own lines, and what was added, be it on the same line."""
    inline = ADDED.search(reply.lines[0])
    if inline:
        return [reply.lines[0][:inline.start()]], [inline.group()]
    return reply.own, unwrapped(reply)


def unwrapped(reply):
    """The lines that were added, each joined with those that continue it."""
    lines = []
    for line, text in zip(reply.added, reply.texts[reply.own_count:]):
        if lines and text.startswith(" "):
            lines[-1] += " " + text.strip()
        else:
            lines.append(line)
    return lines


def show_scene(page, number, scene, before, after):
    title, _, said = scene[:3]
    page.heading(f"{number}. {title}")
    page.block("client", [shown or line for line, shown in said], page.dim)
    page.block("before", before.lines, hang=10)
    own, added = parts(after)
    page.block("after", own, hang=10)
    page.block("", added or ["the same; its event is in the log, below"], page.green, hang=10)


def show_events(page, events):
    page.heading("The event that each left in the log")
    page.line()
    for event in events:
        row = "{ref:<12} {stage:<7}  {code} {enhanced}  {reason:<21}  {client_addr}  {helo}".format_map(
            {"ref": "no reference", "stage": "-", "reason": "-", "helo": "", **event})
        page.block("", [row])
        if "sender" in event:
            page.block("", [f"             from {event['sender']}" + (f" to {event['recipient']}" if "recipient" in event else "")])


def show_ref(page, rig, ref):
    page.heading("Somebody rings and reads out the reference")
    page.line()
    page.line("  " + page.dim("$ ") + f"mailwhy ref {ref}")
    for line in mailwhy("ref", "--log", rig.daemon.log, ref).stdout.rstrip().splitlines():
        page.line(f"  {line}".rstrip())


def faults(daemon, scene, before, after):
    """What is missing in a reply that should have been explained."""
    title, *_, reach = scene if len(scene) == 4 else (*scene, "reply")
    if reach != "reply":
        if after.lines != before.lines:
            yield f"{title}: the reply changed"
        if not is_logged(daemon, after):
            yield f"{title}: it is not in the log"
        return
    inline = ADDED.search(after.lines[0])
    if inline:
        ref = REFERENCE.search(inline.group()).group(1)
        if not re.search("Reason|Fix", inline.group()) or ref not in {event.get("ref") for event in daemon.events()}:
            yield f"{title}: not explained"
        return
    if after.own_count == len(after.lines) or after.code != before.code:
        yield f"{title}: not explained"
    for label in ("Reason", "Fix"):
        if not after.part(label):
            yield f"{title}: no {label}"
    if not after.ref or after.ref not in {event.get("ref") for event in daemon.events()}:
        yield f"{title}: its reference is not in the log"


def run(page, rig, scenes):
    """Play the scenes before and after, and show them. What is wrong."""
    rig.mta.start()
    before = [play(rig, scene) for scene in scenes]
    rig.mta.stop()
    rig.wire()
    rig.start()
    after = [play(rig, scene, wired=True) for scene in scenes]
    for number, replies in enumerate(zip(scenes, before, after), 1):
        show_scene(page, number, *replies)
    events = [event for event in rig.daemon.events() if event["code"] >= 400]
    show_events(page, events)
    wrong = [fault for scene in zip(scenes, before, after) for fault in faults(rig.daemon, *scene)]
    if not wrong:
        show_ref(page, rig, REFERENCE.search([reply.lines[-1] for reply in after if "Ref: " in reply.lines[-1]][-1]).group(1))
    return wrong


def demo(page, box):
    page.line(page.bold("mailwhy: what a refused client is told, before and after"))
    page.paragraph("A private Postfix with Dovecot's sign-in, on the loopback, in a temporary directory: nothing of this machine's own mail"
                   " is touched. Long replies are wrapped here to fit the page.")
    return run(page, Rig(box, sasl="dovecot", wired=False), SCENES)


def demo_sendmail(page, box):
    if not MACROS.is_dir():
        sys.exit("demo: there is no Sendmail: run 'make deps' first")
    page.line(page.bold("mailwhy: what a client that Sendmail refuses is told, before and after"))
    page.paragraph("A private Sendmail with Cyrus SASL, on the loopback, in a temporary directory: nothing of this machine's own mail is"
                   " touched. Its rulesets answer in one line, which is wrapped here to fit the page.")
    log = box.directory("log") / "mail.log" if sandbox.run("unshare", "--mount", "true", check=False).returncode == 0 else None
    blocklist = box / "sendmail" / "blocklist"
    rig = SendmailRig(box, features=["FEATURE(`blocklist_recipients')dnl", "define(`DNSBL_MAP', `hash -a. BL')dnl", "FEATURE(`dnsbl', `bl.example')dnl",
                                     "FEATURE(`virtusertable', `hash VIRTUAL')dnl"],
                      log=log,
                      maps={"virtual": "former@mailwhy.test\terror:5.1.6:550 No longer with us\n", "access": "From:spam.example\tREJECT\nTo:closed@mailwhy.test\tREJECT\n",
                            "blocklist": "31.0.0.127.bl.example.\t127.0.0.2\n"},
                      edit={"hash -a. BL": f"hash {blocklist}", "hash VIRTUAL": f"hash {box / 'sendmail' / 'virtual'}"})
    return run(page, rig, SENDMAIL_SCENES if log else SENDMAIL_SCENES[:-1])


MTAS = {"postfix": (demo, "Postfix, Dovecot"), "sendmail": (demo_sendmail, "Sendmail")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mta", nargs="?", choices=MTAS, default="postfix")
    play_all, programs = MTAS[parser.parse_args().mta]
    missing = [name for name in ("mailwhyd", "mailwhy") if not os.access(BUILD / name, os.X_OK)]
    if missing:
        sys.exit(f"demo: {BUILD} lacks {' and '.join(missing)}: run 'make' first")
    sandbox.be_root()
    sandbox.handle_signals()
    page = Page(sys.stdout)
    try:
        with sandbox.Sandbox("mailwhy-demo-") as box:
            wrong = play_all(page, box)
        page.line()
        page.paragraph(f"{programs} and mailwhyd are stopped, and their directory is gone.")
    except sandbox.Interrupted as interrupted:
        sandbox.close_all()
        sys.exit(interrupted.status)
    for fault in wrong:
        print(f"demo: {fault}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
