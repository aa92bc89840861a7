"""The systemd journal in place of a mail log: real files of one, written, archived and removed while mailwhyd follows them or is down."""

import datetime
import os
import re
import shutil
import time

import journal
from sandbox import wait_for
from test_authlog import Written, supplements

FAILURE = "6AL6KVbo005101: AUTH failure (LOGIN): authentication failure (-13) SASL(-13): x, relay=c.test [192.0.2.7]"
POSTFIX = "warning: c.test[192.0.2.7]: SASL LOGIN authentication failed: x, sasl_username={user}"


class InJournal(Written):
    def make_log(self):
        self.journal = journal.Growing(self.sandbox.directory("journal"))
        return f"journal:{self.journal.folder}"

    def write(self, *lines, **others):
        self.journal.add(*self.journal.said(*lines, **others))

    def empty(self):
        for file in self.journal.folder.iterdir():
            file.unlink()


class Entries(InJournal):
    """One that can be read."""

    def test_sendmail(self):
        """A failed sign-in of Sendmail becomes an event with reason and reference, at once."""
        self.sendmail(3)
        self.assert_sendmail()

    def test_postfix(self):
        """A failure that the reply map was asked about gets the user, though the journal received the line late; any other an event of its own."""
        sent = time.time_ns() // 1000
        self.start()
        with self.daemon.connect() as reply_map:
            reply_map.request("77", "535 5.7.8 Error: authentication failed: x")
        late = datetime.datetime.fromtimestamp(sent / 1e6 + 20).astimezone()
        self.journal.add(journal.entry(late, pid=77, text=POSTFIX.format(user="anna"), _SOURCE_REALTIME_TIMESTAMP=str(sent)))
        named, = wait_for("the user", lambda: supplements(self.daemon.events()))
        self.assert_event(named, pid=77, sasl_user="anna", ref=None, code=None, client_addr="192.0.2.7")
        self.write(f"mx postfix/smtpd[78]: {POSTFIX.format(user='otto')}")
        wait_for("the event", lambda: len(self.daemon.events()) == 3)
        self.assert_event(self.daemon.events()[2], pid=78, sasl_user="otto", code=535, reason="auth-bad-credentials", host="mx")

    def test_other_entries(self):
        """Entries of others than the mail programs, and such as lack what is needed, are no events; binary ones are read like any."""
        def entry(**others):
            return journal.entry(datetime.datetime.now().astimezone(), **{"program": "sm-mta", "text": FAILURE, **others})

        self.start()
        self.journal.add(entry(SYSLOG_FACILITY="3", pid=1), entry(program="other", pid=2), entry(text="AUTH failure (LOGIN", pid=3), entry(text=b"\xff" * 100, pid=4),
                         entry(text="x" * 200000, pid=5), entry(pid=0), entry(pid=6).replace(b"SYSLOG_IDENTIFIER", b"OTHER"),
                         entry(pid=7).replace(b"MESSAGE=", b"OTHER="), entry(pid=8, text=FAILURE.replace("c.test", "\xe9").encode("latin-1")),
                         entry(pid=9, program="postfix/smtpd", text="NOQUEUE: reject: RCPT from c.test[192.0.2.7]: 554 5.7.1 <a@b.test>: Relay access denied"))
        self.expect([8, *self.sendmail()])

    def test_first_start(self):
        """Of a journal that comes after the first start all since then is read; that there is none is said once."""
        self.start()
        wait_for("the complaint", lambda: "there are no files of a journal" in self.daemon.complaints())
        expected = self.sendmail(2)
        self.expect(expected)
        self.daemon.stop()
        self.journal.folder.rename(self.sandbox / "away")
        self.daemon.start()
        wait_for("the complaint", lambda: self.daemon.complaints().count("there are no files of a journal") == 2)
        time.sleep(1.5)
        self.sandbox.directory("journal")
        self.expect(expected + self.sendmail(2))
        self.assertEqual(self.daemon.complaints().count("cannot be read"), 2)

    def test_ended_and_changed(self):
        """While it is down entries are added, and files archived and removed, with what was read and with all: each entry that is left is taken once."""
        expected = []

        def rotated_with_both():
            self.journal.rotate()
            return self.sendmail(2)

        def rotated_twice():
            self.journal.rotate()
            more = self.sendmail(2)
            self.journal.rotate()
            return more + self.sendmail(2)

        def nothing():
            return self.sendmail(2)

        def read_ones_removed():
            return []

        def all_removed():
            self.empty()
            del expected[-2:]
            return self.sendmail(2)

        self.start()
        for end in (self.daemon.stop, self.daemon.kill9):
            for change in (nothing, rotated_with_both, rotated_twice, read_ones_removed, all_removed):
                with self.subTest(change=change.__name__, end=end.__name__):
                    expected += self.sendmail(3)
                    self.expect(expected)
                    if change == read_ones_removed:  # also the one that the cursor names
                        self.journal.rotate()
                    end()
                    expected += self.sendmail(2)
                    if change == read_ones_removed:
                        self.journal.vacuum()
                    expected += change()
                    self.daemon.start()
                    self.expect(expected)

    def test_changed_at_work(self):
        """Files that are archived and removed while it runs, the whole folder, and one that is cut under it: it reads on in what comes after."""
        self.start()
        expected = self.sendmail(2)
        self.expect(expected)
        for change in (self.journal.rotate, self.journal.vacuum, self.empty, lambda: shutil.rmtree(self.journal.folder),
                       lambda: os.truncate(self.journal.file, 0)):
            change()
            if not self.journal.folder.exists():
                time.sleep(1.5)
            self.sandbox.directory("journal")
            expected += self.sendmail(2)
            self.expect(expected)
        wait_for("the complaint", lambda: "Input/output error" in self.daemon.complaints())

    def test_killed_at_work(self):
        """kill -9 while it works off many entries, many times, the journal being archived meanwhile: each is taken once, also where events were written
        after the state was."""
        self.assert_killed_at_work(lambda number: number % 4 == 3 and self.journal.rotate())

    def test_removed_when_killed(self):
        """kill -9 before the state says what was written, and some of those entries are removed: the ones that are left are not taken twice."""
        self.start()
        expected = self.sendmail(2)
        self.expect(expected)
        self.daemon.stop()
        state = self.state.read_text()
        expected += self.sendmail(2)
        self.journal.rotate()
        expected += self.sendmail(2)
        self.daemon.start()
        self.expect(expected)
        self.daemon.kill9()
        self.state.write_text(state)
        self.journal.vacuum()
        expected += self.sendmail(1)
        self.daemon.start()
        self.expect(expected)

    def test_cursor(self):
        """A cursor of no entry that there is, of another machine's journal: what was received later than it says is taken, what was earlier is not."""
        self.start()
        self.expect(self.sendmail(2))
        self.daemon.stop()
        text = self.state.read_text()
        self.sendmail(2)
        time.sleep(0.1)
        cursor = f"s={1:032x};i=5;b={2:032x};m=77;t={time.time_ns() // 1000:x};x=99"
        self.state.write_text(re.sub("(?m)^s=.*$", cursor, text))
        before = self.pids()
        later = self.sendmail(2)
        self.daemon.start()
        self.expect(before + later)

    def test_state(self):
        """A state with a damaged place, and one of a file, are said: the journal is followed from its end."""
        for pattern, text, said in (("(?m)^(s|t)=.*$", "s=1;i=2", "is damaged"), ("(?m)^journal:.*", "/var/log/mail.log", "is of another mail log")):
            with self.subTest(said):
                self.sendmail(2)
                if not self.state.exists():
                    self.start()
                    self.daemon.stop()
                self.state.write_text(re.sub(pattern, text, self.state.read_text()))
                before = self.state.read_text()
                self.sendmail(2)
                self.daemon.start()
                wait_for("the state", lambda before=before: self.state.read_text() != before)
                wait_for(said, lambda said=said: f"{self.state}: {said}; journal:{self.journal.folder} is followed from its end on" in self.daemon.complaints())
                have = self.pids()
                self.expect(have + self.sendmail())
                self.daemon.stop()


class Unreadable(InJournal):
    """One that the user must not read."""

    user = "nobody"

    def test_unreadable(self):
        """It is said once, with what to do; when it can be read, what came since the start is taken and nothing from before."""
        self.sandbox.directory("state", owner="nobody")
        self.sendmail(2)
        self.journal.file.chmod(0o600)
        self.start()
        wait_for("the complaint", lambda: "permission denied: mailwhyd runs in no group that may read it" in self.daemon.complaints())
        expected = self.sendmail(2)
        self.daemon.kill9()
        expected += self.sendmail(2)
        self.daemon.start()
        wait_for("the second one", lambda: self.daemon.complaints().count("permission denied") == 2)
        time.sleep(1.5)
        self.assertEqual((self.daemon.complaints().count("permission denied"), self.pids()), (2, []))
        self.journal.file.chmod(0o644)
        self.expect(expected)
