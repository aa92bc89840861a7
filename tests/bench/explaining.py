"""Instructions for explaining one reply with the full catalogue, counted by callgrind: two runs of different length, subtracted.

callgrind runs the machine code that PCRE2's JIT makes like any other code, so it is in the count."""

import re
import statistics

from bench import HERE, Figure, compiled, require, say
from mailwhyd import TREE
from sandbox import Sandbox, run

CALLS = 200
AIM = 25_000
REPLIES = [
    "535 5.7.8 Error: authentication failed: (reason unavailable)",
    "535 5.7.8 Error: authentication failed: authentication failure",
    "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
    "535 5.7.8 Error: authentication failed: another step is needed in authentication",
    "501 5.7.0 Authentication aborted",
    "530 5.7.0 Must issue a STARTTLS command first",
    "503 5.5.1 Error: send HELO/EHLO first",
    "503 5.5.1 Error: need MAIL command",
    "503 5.5.1 Error: authentication not enabled",
    "500 5.5.2 Error: command not recognized",
    "554 5.7.1 <someone@elsewhere.test>: Relay access denied",
    "554 5.5.1 Error: no valid recipients",
    "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7",
    "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown in local recipient table",
    "452 4.3.1 Insufficient system storage",
    "599 5.9.9 a text that no catalogue knows",
]


def count(sandbox, program, reply, calls):
    """Instructions of a whole run, and what it recognised."""
    done = run("valgrind", "--tool=callgrind", f"--callgrind-out-file={sandbox / 'callgrind'}", program, TREE / "conf" / "catalog", reply, calls)
    collected = re.search(r"Collected : (\d+)", done.stdout)
    recognised = re.search(r"^(\S+)\t\d+$", done.stdout, re.MULTILINE)
    require(collected and recognised, f"{HERE.name}/explain failed: {done.stdout}")
    return int(collected.group(1)), recognised.group(1)


def instructions(sandbox, program, reply):
    few, _ = count(sandbox, program, reply, CALLS)
    many, reason = count(sandbox, program, reply, 2 * CALLS)
    say(f"explain: {(many - few) / CALLS:7.0f} instructions  {reason:<28} {reply[:60]}")
    return (many - few) / CALLS, reason


def measure(quick):
    program = compiled("explain")
    with Sandbox(prefix="mailwhy-bench-") as sandbox:
        results = [instructions(sandbox, program, reply) for reply in (REPLIES[::4] if quick else REPLIES)]
    counts = [number for number, _ in results]
    require(len({reason for _, reason in results}) > len(results) // 2, "the replies are not recognised")
    return [
        Figure("explain.instructions.mean", "explain, full catalogue: instructions a call, mean", statistics.mean(counts), AIM, at_most=True),
        Figure("explain.instructions.worst", "explain, full catalogue: instructions a call, worst", max(counts)),
    ]
