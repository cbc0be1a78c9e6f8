#!/usr/bin/python3
"""The guardian behind pk: however pk ends, nothing of what it ran is left. Members are held by pidfd while they live."""

import glob
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time

from harness import equal, run, test

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
PATIENCE = 20


def can_make_cgroups():
    return subprocess.run([PK, "run", "--mechanism", "cgroup2", "true"], stdin=subprocess.DEVNULL,
                          capture_output=True).returncode == 0


class Report:
    """A FIFO for an adversary's --report, and whoever is behind it: none of them outlives the test."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "report")
        os.mkfifo(self.path)
        self.fifo = os.open(self.path, os.O_RDWR)
        self.text = b""
        self.owners = []
        self.members = {}  # what was reported: a pidfd

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pidfds = self.owners + list(self.members.values())
        for pidfd in pidfds:
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.close(pidfd)
        os.close(self.fifo)
        self.directory.cleanup()

    def own(self, pid):
        """A child of ours that is to end with the test."""
        self.owners.append(os.pidfd_open(pid))
        return pid

    def take(self, line):
        pid = line.split()[0]
        if pid.isdigit() and "!" not in line:
            self.members[line] = os.pidfd_open(int(pid))

    def ready(self):
        """Holds all that are reported until all stand."""
        end = time.monotonic() + PATIENCE
        while not self.text.endswith(b"ready\n"):
            left = max(0, end - time.monotonic())
            readable = select.select([self.fifo, *self.owners], [], [], left)[0]
            if self.fifo not in readable:
                raise AssertionError(f"{'pk has ended' if readable else 'not ready in time'}: only {self.text!r} came")
            self.text += os.read(self.fifo, 65536)
        for line in self.text.decode().splitlines():
            self.take(line)

    def alive(self, patience=0):
        end = time.monotonic() + patience
        return [line for line, pidfd in self.members.items()
                if not select.select([pidfd], [], [], max(0, end - time.monotonic()))[0]]


def directories_of(pid):
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    return [name for point in points for name in glob.glob(f"{point}/**/processkit-{pid}-*", recursive=True)]


def guards(number, pid):
    """By what it holds: the owner's pidfd is its second descriptor before pk goes on. Its arguments may come later."""
    try:
        with open(f"/proc/{number}/fdinfo/1", encoding="utf-8") as file:
            return f"Pid:\t{pid}\n" in file.readlines()
    except OSError:
        return False


def guardian_of(pid):
    """A pidfd."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        if guards(number, pid):
            return os.pidfd_open(int(number))
    raise AssertionError(f"pid {pid} has no guardian, but {directories_of(pid)}")


def assert_gone(report, guardian, pid):
    equal(report.alive(PATIENCE), [], "alive")
    equal(bool(select.select([guardian], [], [], PATIENCE)[0]), True, "the guardian has gone")
    os.close(guardian)
    equal(directories_of(pid), [], "directories")


def start(report, *words):
    process = subprocess.Popen([PK, "run", *words[:-1], "--", ADVERSARY, "--report", report.path, *words[-1].split()],
                               stdin=subprocess.DEVNULL)
    report.own(process.pid)
    return process


@test
def nothing_is_left_of_a_killed_pk():
    for words in ("tree 12", "wide 2 -- setsid -- ignore TERM,INT,HUP -- hold", "cgroup -- hold"):
        with Report() as report:
            process = start(report, words)
            report.ready()
            guardian = guardian_of(process.pid)
            equal(report.alive(), list(report.members), "alive")
            process.kill()
            process.wait(PATIENCE)
            assert_gone(report, guardian, process.pid)


@test
def nothing_is_left_of_a_pk_that_dies_of_another_signal():
    for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
        with Report() as report:
            process = start(report, "-k", "50ms", "wide 2 -- setsid -- ignore TERM -- hold")
            report.ready()
            guardian = guardian_of(process.pid)
            process.send_signal(number)
            process.wait(PATIENCE)
            assert_gone(report, guardian, process.pid)


@test
def nothing_is_left_of_an_inner_pk():
    """The outer one is killed: its group has the inner one, and the inner one's guardian, and all of their members."""
    with Report() as report:
        outer = subprocess.Popen([PK, "run", PK, "run", ADVERSARY, "--report", report.path, "wide", "2"],
                                 stdin=subprocess.DEVNULL)
        report.own(outer.pid)
        report.ready()
        guardian = guardian_of(outer.pid)
        outer.kill()
        outer.wait(PATIENCE)
        assert_gone(report, guardian, outer.pid)


@test
def an_inner_pk_leaves_nothing_running():
    """Not even its guardian, at the moment when it has ended."""
    for _ in range(30):
        result = subprocess.run([PK, "run", "--leftovers", "fail", PK, "run", "true"], stdin=subprocess.DEVNULL,
                                capture_output=True, timeout=PATIENCE)
        equal(result.returncode, 0, result.stderr)


@test
def nothing_is_left_when_the_terminal_is_closed():
    """The shell and pk are hung up; one that is killed by it at once, and members that are not."""
    with Report() as report:
        pid, master = pty.fork()
        if pid == 0:
            os.execv("/bin/sh", ["sh", "-c", '"$0" run "$1" --report "$2" wide 2 -- setsid -- '
                                             'ignore HUP,TERM,INT -- hold; :', PK, ADVERSARY, report.path])
        report.own(pid)
        report.ready()
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            inner = int(children.read().split()[0])
        guardian = guardian_of(inner)
        os.close(master)
        os.waitpid(pid, 0)
        assert_gone(report, guardian, inner)


@test
def the_guarantee_can_be_required():
    for arguments in (["--require", "owner-death"], ["--require", "owner-death,whole-tree,usage"]):
        result = subprocess.run([PK, "run", *arguments, "true"], stdin=subprocess.DEVNULL, capture_output=True)
        equal((result.returncode, result.stderr), (0, b""), arguments)
    result = subprocess.run([PK, "run", "--require", "owner-death", "--mechanism", "process_group", "true"],
                            stdin=subprocess.DEVNULL, capture_output=True)
    equal(result.returncode, 125)
    equal(b"owner-death" in result.stderr, True, result.stderr)


@test
def a_small_limit_of_file_size_is_survived():
    """The program in memory is a file, too."""
    result = subprocess.run(["/bin/sh", "-c", 'ulimit -f 1; exec "$0" run true', PK], stdin=subprocess.DEVNULL,
                            capture_output=True)
    equal(result.returncode, 0, result.stderr)


if not can_make_cgroups():
    print("1..0 # SKIP needs a writable cgroup2 directory")
    sys.exit(0)
sys.exit(run())
