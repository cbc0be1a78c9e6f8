"""pk supervise while it runs: its events come through a FIFO, and what is waited for is an event."""

import atexit
import fcntl
import json
import os
import select
import signal
import subprocess
import tempfile
import time

from command import PATIENCE, PK
from harness import equal


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.split(":", 1) for line in file)


def facts(pid):
    """What it has in memory, in KiB, and how often it has gone to sleep."""
    status = status_of(pid)
    return int(status["VmRSS"].split()[0]), int(status["voluntary_ctxt_switches"])


def asleep(pid):
    """It has done what there was to do, which nobody tells."""
    end = time.monotonic() + PATIENCE
    while status_of(pid)["State"].split()[0] != "S":
        if time.monotonic() > end:
            raise AssertionError("it never rests")


class Supervised:
    """pk supervise with these arguments. What it says of itself is read at the end."""

    def __init__(self, *arguments, crowd=1, everybody=False, **options):
        self.directory = tempfile.TemporaryDirectory()
        path = os.path.join(self.directory.name, "events")
        os.mkfifo(path)
        if everybody:
            os.chmod(self.directory.name, 0o755)
            os.chmod(path, 0o666)
        self.fifo = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        fcntl.fcntl(self.fifo, fcntl.F_SETPIPE_SZ, min(1 << 20, (1 << 16) + 4096 * crowd))
        self.rest = b""
        self.events = []
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   "start_new_session": True, **options}
        self.process = subprocess.Popen([PK, "supervise", "--events", path, *arguments], **options)
        self.pidfd = os.pidfd_open(self.process.pid)
        atexit.register(self.process.kill)  # where a test has failed

    def next(self):
        """The next event; None after the last."""
        end = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            ready = select.select([self.fifo, self.pidfd], [], [], max(0, end - time.monotonic()))[0]
            if self.fifo not in ready:
                if ready:
                    return None
                raise AssertionError(f"no more events after {self.events}")
            self.rest += os.read(self.fifo, 65536)
        line, _, self.rest = self.rest.partition(b"\n")
        self.events.append(json.loads(line))
        return self.events[-1]

    def wait(self, kind, service=None):
        while event := self.next():
            if event["kind"] == kind and service in (None, event["service"]):
                return event
        raise AssertionError(f"it ended without {kind} of {service}: {self.process.communicate()[1]!r}")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def end(self, status=0):
        """After it has ended by itself, or was told to."""
        self.output, self.text = (bytes_.decode() if bytes_ else "" for bytes_ in
                                  self.process.communicate(timeout=PATIENCE))
        while self.next():
            pass
        os.close(self.fifo)
        os.close(self.pidfd)
        self.directory.cleanup()
        equal(self.process.returncode, status, self.text)
        return self

    def stop(self, status=0):
        self.signal()
        return self.end(status)

    def kinds(self, service=None):
        return [event["kind"] for event in self.events if service in (None, event["service"])]


class ServiceFile:
    """A file of services."""

    def __init__(self, text=""):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "services.toml")
        self.write(text)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def supervised(self, *arguments, **options):
        supervised = Supervised("-f", self.path, *arguments, **options)
        supervised.file = self  # which must not be gone before
        return supervised

    def ask(self, *arguments):
        return subprocess.run([PK, "supervise", "-f", self.path, *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)

    def told(self, *arguments):
        """What a request printed, that was granted."""
        result = self.ask(*arguments)
        equal((result.returncode, result.stderr), (0, ""), arguments)
        return result.stdout

    def status(self):
        return {service["name"]: service for service in json.loads(self.told("--status", "--json"))}
