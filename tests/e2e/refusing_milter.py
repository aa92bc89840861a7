"""A milter (libmilter) that refuses on demand. usage: refusing_milter.py SOCKET RULES

RULES is a JSON file, read anew at each step: {STAGE: {"do": "reject" | "tempfail" | "discard" | "exit" | "hang" | "reply", "reply": [CODE,
ENHANCED, LINES...], "if": TEXT}}. The stages: connect helo mail rcpt data header eoh body eom unknown. "if": only where the step's argument
has the text in it."""

import json
import os
import sys
import time

import Milter

RULES = sys.argv[2]


def answer(milter, stage, argument=""):
    with open(RULES, encoding="utf-8") as file:
        rule = json.load(file).get(stage)
    if not rule or rule.get("if", "") not in argument:
        return Milter.CONTINUE
    if rule["do"] == "exit":
        os._exit(1)
    if rule["do"] == "hang":
        time.sleep(3600)
    if rule["do"] == "reply":
        milter.setreply(*rule["reply"])
    tempfail = rule["do"] == "tempfail" or rule.get("reply", ["5"])[0][0] == "4"
    return Milter.DISCARD if rule["do"] == "discard" else Milter.TEMPFAIL if tempfail else Milter.REJECT


class Refusing(Milter.Base):
    def connect(self, hostname, family, hostaddr):
        return answer(self, "connect", str(hostaddr))

    def hello(self, hostname):
        return answer(self, "helo", hostname)

    def envfrom(self, mailfrom, *params):
        return answer(self, "mail", mailfrom)

    def envrcpt(self, to, *params):
        return answer(self, "rcpt", to)

    def data(self):
        return answer(self, "data")

    def header(self, field, value):
        return answer(self, "header", f"{field}: {value}")

    def eoh(self):
        return answer(self, "eoh")

    def body(self, chunk):
        return answer(self, "body", chunk.decode("latin-1"))

    def eom(self):
        self.addheader("X-Refusing", "seen")
        return answer(self, "eom")

    def unknown(self, command):
        return answer(self, "unknown", command)


Milter.factory = Refusing
Milter.set_flags(Milter.ADDHDRS)
os.umask(0)
Milter.runmilter("refusing", sys.argv[1], 600)
