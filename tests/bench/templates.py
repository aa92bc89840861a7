"""The real sessions of a log of busy.py as templates for maillog.c: what names a client, a user or a message is a mark there.

A mark is the octet 1, a letter, and for some a digit that tells those of one session apart (maillog.c has the list)."""

import collections
import re

from busy import KINDS, address_of, name_of
from sasl import REALM, USER

LINE = re.compile(r"\w{3} [ \d]\d \d\d:\d\d:\d\d (\S+) (\S+)\[(\d+)\]: (.*)")
QUEUE_ID = re.compile(r"(\w{12,20}): ")
MARKED = re.compile(r"message-id=<[^>]*>|queued as \w+|relay=[\w.]+\[[\d.]+\]:\d+|\bsize=\d+")


def sessions(log, count):
    """{number: its lines (host, program, pid, text)}, in order: those of its smtpd and those of its messages and their bounces."""
    numbers = {address_of(number): number for number in range(count)}
    lines = [match.groups() for match in map(LINE.fullmatch, log.splitlines()) if match]
    owners, of_id = _owners(lines, numbers)
    for _host, _program, _pid, text in lines:
        bounce = re.search(r"sender non-delivery notification: (\w+)", text)
        if bounce:
            of_id[bounce[1]] = of_id.get(text.partition(":")[0])
    found = collections.defaultdict(list)
    for place, line in enumerate(lines):
        queued = QUEUE_ID.match(line[3])
        owner = owners.get(place, queued and of_id.get(queued[1]))
        if owner is not None:
            found[owner].append(line)
    return found


def _owners(lines, numbers):
    """({place of a line of smtpd: number of its session}, {queue id: number}). What a process says before "connect from" is of that session, too."""
    owners, of_id, open_ = {}, {}, collections.defaultdict(list)
    for place, (_host, program, pid, text) in enumerate(lines):
        if not program.endswith("/smtpd"):
            continue
        open_[pid].append(place)
        if text.startswith("disconnect from "):
            number = numbers.get(re.search(r"\[([\d.]+)\]", text)[1])
            for own in open_.pop(pid):
                owners[own] = number
                if queued := QUEUE_ID.match(lines[own][3]):
                    of_id[queued[1]] = number
    return owners, of_id


class Template:
    """One session's lines with marks."""

    def __init__(self, number, lines):
        self.number, self.seen = number, collections.defaultdict(dict)
        text = "\n".join(line[3] for line in lines)
        self.named = f"{name_of(number)}[" in text
        self.marks = {address_of(number): "\1A", name_of(number): "\1N"}
        for kind, value in re.findall(r"\b(from|to|helo)=<([^>]+)>", text) + re.findall(r"(sasl_username)=([^,\s]+)", text):
            self.marks.setdefault(value, self._mark(kind, value))
        self.lines = [self._line(*line) for line in lines]

    def _nth(self, letter, value):
        return f"\1{letter}{self.seen[letter].setdefault(value, len(self.seen[letter])) % 10}"

    def _mark(self, kind, value):
        local = value.endswith(f"@{REALM}")
        if value == USER:
            return "\1L"
        if kind == "sasl_username":
            return value if "(" in value else "\1U"
        if "@" not in value and (kind != "helo" or "." not in value or ".." in value):
            return value.replace(str(self.number), "\1#")
        if kind == "helo":
            return "\1H"
        if kind == "from":
            return "\1S"
        return self._nth("V" if value.startswith("nobody") and local else "R" if local else "E", value)

    def _line(self, host, program, pid, text):
        role = "\1P9" if "submission" in program else "\1P0" if program.endswith("/smtpd") else "\1P1" if program.endswith("/qmgr") else "\1P" + str(2 + hash_of(program) % 7)
        text = MARKED.sub(self._marked, text)
        text = re.sub(r"^\w{12,20}(?=: )|(?<=notification: )\w+", lambda found: self._nth("Q", found[0]), text)
        for value in sorted(self.marks, key=len, reverse=True):
            text = text.replace(value, self.marks[value])
        text = re.sub(rf"(buy now|zork-attachment|junk|doubtful|odd) {self.number}\b", "\\1 \1#", text)
        return f"{host} {program}[{role}]: {text}"

    def _marked(self, found):
        name, equals, value = found[0].partition("=")
        if not equals:
            return "queued as \1K"
        return {"message-id": lambda: f"message-id=<{self._nth('M', value)}>", "relay": lambda: "relay=\1X", "size": lambda: "size=\1Z"}[name]()


def hash_of(text):
    return sum(text.encode())


def write(path, log, kinds):
    """Write the file that maillog.c reads. How many sessions it has."""
    weights, found = {kind: weight for weight, kind, _ in KINDS}, sessions(log, len(kinds))
    each = collections.Counter(kinds[number] for number in found)
    with open(path, "w", encoding="utf-8") as file:
        for number, lines in sorted(found.items()):
            template = Template(number, lines)
            file.write(f"session {1000 * weights[kinds[number]] // each[kinds[number]]} {int(template.named)}\n")
            file.writelines(f"\t{line}\n" for line in template.lines)
    return len(found)
