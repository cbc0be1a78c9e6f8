"""pk init, both as process 1 of a pid namespace and as an ordinary process. What it runs is an adversary, or anything else
that writes lines to a FIFO; numbers in them are those of the namespace."""

import os
import shutil
import signal
import subprocess
import tempfile
import time

from command import ADVERSARY, PK
from harness import Missing, equal, test
from session import PATIENCE, Reader

WAYS = ("first", "ordinary")


def namespace(*options):
    """What makes process 1 of the command that follows."""
    unshare = shutil.which("unshare")
    if not unshare:
        raise Missing("unshare")
    words = [unshare, *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork", "--kill-child",
             *options]
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    if tried.returncode:
        raise Missing(f"a pid namespace ({tried.stderr.decode().strip()})")
    return words


def words_before(way):
    return namespace("--mount-proc") if way == "first" else []


def each_way(function):
    """Two tests."""
    for way in WAYS:
        def one(way=way):
            function(way)
        one.__name__ = f"{function.__name__}_{way}"
        test(one)
    return function


def mechanisms():
    """All that can be had here."""
    return [name for name in ("auto", "cgroup2", "reaper", "process_group")
            if not subprocess.run([PK, "run", "-q", "--mechanism", name, "true"], capture_output=True,
                                  check=False).returncode]


def died(way, number):
    """How it ends when the reason is a signal: process 1 cannot die by its own."""
    return 128 + number if way == "first" else -number


def stat(pid):
    """State and parent; the name before them may hold anything."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return fields[0], int(fields[1])


def children(parent):
    """Pids and states."""
    found = {}
    for name in os.listdir("/proc"):
        try:
            state, its_parent = stat(name) if name.isdigit() else ("", 0)
        except OSError:
            continue
        if its_parent == parent:
            found[int(name)] = state
    return found


def zombies(parent):
    return [pid for pid, state in children(parent).items() if state == "Z"]


def until(what, about):
    """What nobody tells of is asked for."""
    end = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > end:
            raise AssertionError(f"never {about}")
        time.sleep(0.01)


class Init:
    """pk init that has begun."""

    def __init__(self, way, options, make_command, **more):
        self.way = way
        self.directory = tempfile.TemporaryDirectory()
        self.fifo = os.path.join(self.directory.name, "report")
        os.mkfifo(self.fifo)
        self.keep = os.open(self.fifo, os.O_RDWR)
        self.report = Reader(os.open(self.fifo, os.O_RDONLY))
        more = {"stdin": subprocess.DEVNULL, "start_new_session": True} | more
        self.process = subprocess.Popen([*words_before(way), PK, "init", *options, "--", *make_command(self.fifo)], **more)

    @property
    def pid(self):
        """Seen from here."""
        if self.way == "ordinary":
            return self.process.pid
        return next(iter(children(self.process.pid)))

    def send(self, *numbers):
        for number in numbers:
            os.kill(self.pid, number)

    def insist(self, number):
        """Until it has ended: two at once are one."""
        def ended():
            try:
                self.send(number)
            except (StopIteration, ProcessLookupError):
                pass
            return self.process.poll() is not None
        until(ended, "ended")

    def rest(self):
        """All that was written and not yet read."""
        os.set_blocking(self.report.fd, False)
        text, self.report.text = self.report.text, ""
        try:
            while piece := os.read(self.report.fd, 65536):
                text += piece.decode()
        except BlockingIOError:
            pass
        return text

    def ends(self, status, about=""):
        equal(self.process.wait(timeout=PATIENCE), status, about)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in (self.keep, self.report.fd):
            os.close(fd)
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def standing(way, options, *words, **more):
    """With an adversary that stands."""
    init = Init(way, options, lambda fifo: [ADVERSARY, "--report", fifo, *words], **more)
    init.born = init.report.until("ready\n")
    return init


def name_of(number):
    return signal.Signals(number).name[3:] if number < signal.SIGRTMIN else str(number)
