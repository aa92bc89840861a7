"""Refused sessions at a steady rate, from many clients at once, and what became of each."""

import contextlib
import random
import threading
import time

from smtp import Client

CLIENTS = 80


class Load:
    """Within its block sessions begin, `rate` a second; faults() says afterwards what went wrong in any. Each session is refused twice.

    recipient: one that does not exist; within: a context in which each client's thread is (a network, say); pause: the most seconds between two refusals of a
    session. Each session has a HELO of its own: helos is {reference: HELO}."""

    def __init__(self, port, recipient, rate=50, within=contextlib.nullcontext, pause=0.0):
        self.port, self.recipient, self.rate, self.within, self.pause = port, recipient, rate, within, pause
        self.helos = {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.begun = 0
        self.wrong, self.refs, self.longest = [], [], 0.0
        self.threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self):
        self.began = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        self.seconds = time.monotonic() - self.began
        self.wrong += ["a client hangs" for thread in self.threads if thread.is_alive()]

    def _client(self):
        with self.within():
            while not self.stopping.is_set():
                with self.lock:
                    number, self.begun = self.begun, self.begun + 1
                if self.stopping.wait(max(0, self.began + number / self.rate - time.monotonic())):
                    return
                self._session(f"client{number}.test")

    def _session(self, helo):
        began, refs, fault = time.monotonic(), [], None
        try:
            with Client(self.port, helo, timeout=60) as client:
                client.say("MAIL FROM:<sender@elsewhere.test>")
                for line, code in ((f"RCPT TO:<{self.recipient}>", 550), ("FROBNICATE", 500)):
                    reply = client.say(line)
                    refs.append(reply.ref)
                    if reply.code != code or not (reply.reason and reply.fix and reply.ref):
                        fault = f"{line} was answered: {reply}"
                    time.sleep(self.pause * random.random())
                client.say("QUIT")
        except (OSError, AssertionError) as raised:
            fault = f"{type(raised).__name__}: {raised}"
        with self.lock:
            self.refs += refs
            self.helos.update(dict.fromkeys(refs, helo))
            self.longest = max(self.longest, time.monotonic() - began)
            if fault:
                self.wrong.append(f"after {began - self.began:.2f} s: {fault}")

    def sessions(self):
        return len(self.refs) // 2

    def faults(self):
        return "\n".join(self.wrong)
