"""How long the tool takes to explain one reply, from its start to its end, and mailwhyd to load the catalogue in all its languages; beside a
program that does nothing, alternating."""

import os
import statistics
import subprocess
import time

from bench import BUILD, Figure, alternate, require
from mailwhyd import TREE

ROUNDS = 41
COMMANDS = {
    "nothing": ("/bin/true",),
    "explain": (BUILD / "mailwhy", "explain", "--lang", "en", "554 5.7.1 <a@b.example>: Relay access denied"),
    "explain.ja": (BUILD / "mailwhy", "explain", "--lang", "ja", "554 5.7.1 <a@b.example>: Relay access denied"),
    "load": (BUILD / "mailwhyd", "-t", "-c", TREE / "conf" / "mailwhy.conf"),
}


def milliseconds(name):
    began = time.monotonic()
    done = subprocess.run(COMMANDS[name], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"LC_ALL": "C"}, timeout=30, check=False)
    took = time.monotonic() - began
    require(done.returncode == 0, f"{name}: exit status {done.returncode}: {done.stderr.decode(errors='replace')[:300]}")
    return 1000 * took


def measure(quick):
    values = alternate(5 if quick else ROUNDS, COMMANDS, milliseconds)
    median = {name: statistics.median(times) for name, times in values.items()}
    note = f"a program that does nothing: {median['nothing']:.1f} ms"
    return [
        Figure("start.explain", "mailwhy explain, start to end, English: ms", median["explain"], 15, at_most=True, note=note),
        Figure("start.explain.ja", "the same, Japanese: ms", median["explain.ja"], 15, at_most=True),
        Figure("start.load", "mailwhyd -t, the catalogue in all languages: ms", median["load"], 50, at_most=True),
    ]
