"""pk from outside: what it says and how it ends, and trees of adversaries below it. Readiness is a line from an adversary,
never a time."""

import os
import select
import subprocess
import tempfile

from harness import equal

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
PATIENCE = 60


def pk(*arguments, **options):
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([PK, *arguments], capture_output=True, timeout=PATIENCE, **options)


def refused(arguments, status, words, **options):
    """One line on stderr with these words, nothing on stdout, this status, and no terminal controls."""
    result = pk(*arguments, **options)
    text = result.stderr
    equal(result.returncode, status, f"{arguments} -> {text!r}")
    equal(result.stdout, b"", arguments)
    equal(text.count(b"\n"), 1, f"lines of {text!r}")
    equal([c for c in text[:-1] if c < 32 or c == 127], [], f"control characters in {text!r}")
    if not text.startswith(b"pk: ") or words.encode() not in text:
        raise AssertionError(f"{arguments}: {text!r} lacks {words!r}")


class Report:
    """A FIFO for an adversary's --report, opened so that neither side waits for the other."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "report")
        os.mkfifo(self.path)
        self.keep = os.open(self.path, os.O_RDWR)
        self.lines = os.fdopen(os.open(self.path, os.O_RDONLY), "r")
        self.pids = []
        self.pidfds = []

    def wait_for(self, words):
        for line in self.lines:
            if words in line:
                return line
        raise AssertionError(f"no line with {words!r}")

    def wait_until_ready(self):
        for line in self.lines:
            if line == "ready\n":
                break
            pid = line.split()[0]
            if pid.isdigit() and "!" not in line:
                self.pids.append(int(pid))
                self.pidfds.append(os.pidfd_open(int(pid)))

    def close(self):
        """After proof that all are dead."""
        for pidfd in self.pidfds:
            alive = not select.select([pidfd], [], [], 5)[0]
            os.close(pidfd)
            if alive:
                raise AssertionError("a process is alive")
        self.lines.close()
        os.close(self.keep)
        self.directory.cleanup()


class Standing:
    """pk with adversaries that stand, each with a report of its own. What starts them gets the paths of these."""

    def __init__(self, make_command, reports=1):
        self.reports = [Report() for _ in range(reports)]
        command = make_command(*(report.path for report in self.reports))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        start_new_session=True)
        for report in self.reports:
            report.wait_until_ready()

    def wait_for(self, words):
        self.reports[0].wait_for(words)

    def end(self):
        """The status, after proof that all are dead."""
        self.text = self.process.communicate(timeout=PATIENCE)[1]
        for report in self.reports:
            report.close()
        return self.process.returncode
