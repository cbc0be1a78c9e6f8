"""A command as the leader of a session at a terminal, which is a pty; what is waited for is a line."""

import os
import pty
import select
import signal
import tempfile
import time

PATIENCE = 20


class Reader:
    """Text from a descriptor, up to what is expected."""

    def __init__(self, fd):
        self.fd = fd
        self.text = ""

    def until(self, words):
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {words!r} in {self.text!r}")
            try:
                piece = os.read(self.fd, 4096)
            except OSError:  # the other side of a pty has gone
                piece = b""
            if not piece:
                raise AssertionError(f"the end came before {words!r}: {self.text!r}")
            self.text += piece.decode(errors="replace")
        before, _, self.text = self.text.partition(words)
        return before


class Session:
    """A command as the leader of a session on a terminal, and a FIFO for reports."""

    def __init__(self, make_command):
        self.directory = tempfile.TemporaryDirectory()
        fifo = os.path.join(self.directory.name, "report")
        os.mkfifo(fifo)
        self.keep = os.open(fifo, os.O_RDWR)
        self.report = Reader(os.open(fifo, os.O_RDONLY))
        self.pid, self.master = self.fork()
        if self.pid == 0:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it
            command = make_command(fifo)
            os.execv(command[0], command)
        self.screen = Reader(self.master)

    def fork(self):
        return pty.fork()

    def type(self, keys):
        os.write(self.master, keys.encode())

    def status(self):
        """As subprocess has it. Reads what is still written, as a terminal does."""
        pidfd = os.pidfd_open(self.pid)
        end = time.monotonic() + PATIENCE
        while not select.select([pidfd], [], [], 0)[0]:
            if time.monotonic() > end:
                raise AssertionError("it has not ended")
            if select.select([pidfd, self.master], [], [], 1)[0] == [self.master]:
                try:
                    os.read(self.master, 4096)
                except OSError:
                    pass
        os.close(pidfd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self):
        for fd in (self.master, self.keep, self.report.fd):
            try:
                os.close(fd)
            except OSError:
                pass
        self.directory.cleanup()


def stop_and_copy_on(session, command):
    """A job that copies what is typed: Ctrl-Z stops it, fg brings it back, and Ctrl-D ends it."""
    session.type(f"{command}\n")
    session.type("hello\n")
    session.screen.until("hello")
    session.type("\x1a")
    session.screen.until("Stopped")
    session.screen.until("ready> ")
    session.type("fg\n")
    session.type("again\n")
    session.screen.until("again")
    session.type("\x04")
    session.screen.until("ready> ")


def shell():
    """An interactive one that shows its prompt."""
    session = Session(lambda fifo: ["/bin/bash", "--norc", "--noprofile", "-i"])
    session.type("PS1='ready''> '; stty -echo\n")
    session.screen.until("ready> ")
    return session
