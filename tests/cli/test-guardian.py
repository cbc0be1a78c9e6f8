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

from harness import equal, run, test

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
PATIENCE = 20


def can_make_cgroups():
    return subprocess.run([PK, "run", "--mechanism", "cgroup2", "true"], stdin=subprocess.DEVNULL,
                          capture_output=True).returncode == 0


class Report:
    """A FIFO for an adversary's --report."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "report")
        os.mkfifo(self.path)
        self.keep = os.open(self.path, os.O_RDWR)
        self.lines = os.fdopen(os.open(self.path, os.O_RDONLY), "r")
        self.pidfds = []

    def ready(self):
        """Holds all that are reported until all stand."""
        for line in self.lines:
            if line == "ready\n":
                return
            pid = line.split()[0]
            if pid.isdigit() and "!" not in line:
                self.pidfds.append(os.pidfd_open(int(pid)))

    def alive(self, patience=0):
        return [fd for fd in self.pidfds if not select.select([fd], [], [], patience)[0]]

    def close(self):
        for fd in self.pidfds:
            os.close(fd)
        self.lines.close()
        os.close(self.keep)
        self.directory.cleanup()


def directories_of(pid):
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        points = [line.split()[4] for line in mounts if " - cgroup2 " in line]
    return [name for point in points for name in glob.glob(f"{point}/**/processkit-{pid}-*", recursive=True)]


def guardian_of(pid):
    """A pidfd. By its arguments: the name of the directory that it guards has the pid in it."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[:2] == [b"processkit-guardian", b"guard"] and words[2].startswith(b"processkit-%d-" % pid):
            return os.pidfd_open(int(number))
    raise AssertionError(f"pid {pid} has no guardian, but {directories_of(pid)}")


def assert_gone(report, guardian, pid):
    equal(report.alive(PATIENCE), [], "alive")
    equal(bool(select.select([guardian], [], [], PATIENCE)[0]), True, "the guardian has gone")
    os.close(guardian)
    equal(directories_of(pid), [])


def start(report, *words, **options):
    return subprocess.Popen([PK, "run", *words[:-1], "--", ADVERSARY, "--report", report.path, *words[-1].split()],
                            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


@test
def nothing_is_left_of_a_killed_pk():
    for words in ("tree 12", "wide 2 -- setsid -- ignore TERM,INT,HUP -- hold", "cgroup -- hold"):
        report = Report()
        process = start(report, words)
        report.ready()
        guardian = guardian_of(process.pid)
        equal(report.alive(), report.pidfds)
        process.kill()
        process.wait(PATIENCE)
        assert_gone(report, guardian, process.pid)
        report.close()


@test
def nothing_is_left_of_a_pk_that_dies_of_another_signal():
    for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
        report = Report()
        process = start(report, "-k", "50ms", "wide 2 -- setsid -- ignore TERM -- hold")
        report.ready()
        guardian = guardian_of(process.pid)
        process.send_signal(number)
        process.wait(PATIENCE)
        assert_gone(report, guardian, process.pid)
        report.close()


@test
def nothing_is_left_of_an_inner_pk():
    """The outer one is killed: its group has the inner one, and the inner one's guardian, and all of their members."""
    report = Report()
    outer = subprocess.Popen([PK, "run", PK, "run", ADVERSARY, "--report", report.path, "wide", "2"],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report.ready()
    guardian = guardian_of(outer.pid)
    outer.kill()
    outer.wait(PATIENCE)
    assert_gone(report, guardian, outer.pid)
    report.close()


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
    report = Report()
    pid, master = pty.fork()
    if pid == 0:
        os.execv("/bin/sh", ["sh", "-c", '"$0" run "$1" --report "$2" wide 2 -- setsid -- ignore HUP,TERM,INT -- hold; :',
                             PK, ADVERSARY, report.path])
    report.ready()
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
        inner = int(children.read().split()[0])
    guardian = guardian_of(inner)
    os.close(master)
    os.waitpid(pid, 0)
    assert_gone(report, guardian, inner)
    report.close()


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
