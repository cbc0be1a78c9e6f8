#!/usr/bin/python3
"""pk prune: what it says, what it prints as JSON and how it exits, in a place of the test's own.

An owner is made a dead one by its mark: with another start time, its pid is that of a process which came later."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import equal, run, test

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
PATIENCE = 60
MARK = "user.processkit.owner"


def own_cgroup():
    """The directory of our own cgroup, or None."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    paths = [line[3:] for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
             if line.startswith("0::")]
    for fields in mounts:
        if paths and fields[fields.index("-") + 1] == "cgroup2" and fields[3] == "/":
            return Path(fields[4] + paths[0])
    return None


def await_empty(path):
    """A guardian lives where its owner did, and ends a moment after it."""
    with open(path / "cgroup.events", encoding="utf-8") as events:
        changes = select.poll()
        changes.register(events, select.POLLPRI)
        end = time.monotonic() + PATIENCE
        while "populated 1" in events.read():
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"not empty: {(path / 'cgroup.procs').read_text().split()}, {list(path.iterdir())}")
            changes.poll(left * 1000)
            events.seek(0)


def clear(path):
    """After a failure, which must not be that of all tests to come."""
    (path / "cgroup.kill").write_text("1")
    await_empty(path)
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)


@contextlib.contextmanager
def place():
    """An empty cgroup, which must be empty again at the end."""
    path = own_cgroup() / f"cli-prune-{os.getpid()}"
    path.mkdir()
    try:
        yield path
        await_empty(path)
        path.rmdir()
    except BaseException:
        clear(path)
        raise


def prune(path, *options, status=0, **more):
    result = subprocess.run([PK, "prune", "--below", path, *options], capture_output=True, text=True, timeout=PATIENCE,
                            stdin=subprocess.DEVNULL, check=False, **more)
    equal(result.returncode, status, f"{options} -> {result.stdout}{result.stderr}")
    return result


class Owner:
    """pk run with an adversary that stands, in a place."""

    def __init__(self, path, *words):
        fifo = os.path.join(tempfile.mkdtemp(), "report")
        os.mkfifo(fifo)
        keep = os.open(fifo, os.O_RDWR)
        self.process = subprocess.Popen(["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', path, PK, "run", "--",
                                         ADVERSARY, "--report", fifo, *words], stdin=subprocess.DEVNULL)
        self.pidfds = []
        with open(fifo, encoding="utf-8") as lines:
            for line in lines:
                if line == "ready\n":
                    break
                self.pidfds.append(os.pidfd_open(int(line.split()[0])))
        os.close(keep)
        self.directory = next(path.glob(f"processkit-{self.process.pid}-*"))

    def be_dead(self):
        """It stands still, or it would remove the directory itself as soon as its members are dead."""
        self.process.send_signal(signal.SIGSTOP)
        mark = os.getxattr(self.directory, MARK).decode()
        os.setxattr(self.directory, MARK, re.sub(r"start=\d+", "start=1", mark).encode())

    def members_alive(self):
        return sum(not select.select([pidfd], [], [], 0)[0] for pidfd in self.pidfds)

    def end(self):
        """After the members were killed."""
        for pidfd in self.pidfds:
            equal(bool(select.select([pidfd], [], [], PATIENCE)[0]), True, "a member has ended")
            os.close(pidfd)
        self.process.send_signal(signal.SIGCONT)
        self.process.wait(timeout=PATIENCE)


@test
def nothing_found():
    with place() as path:
        equal(prune(path).stdout, "nothing found\n")
        equal(json.loads(prune(path, "--json").stdout)["directories"], [])


@test
def the_living_are_left_alone():
    with place() as path:
        owner = Owner(path, "hold")
        said = prune(path).stdout
        equal(said, f"alive          {owner.directory}, owner {owner.process.pid}\n1 alive\n")
        equal(owner.members_alive(), 1)
        owner.process.terminate()
        owner.end()


@test
def the_dead_are_removed():
    with place() as path:
        owner = Owner(path, "ignore", "TERM", "--", "wide", "2")
        owner.be_dead()
        would = f"would-remove   {owner.directory}, owner {owner.process.pid}, would kill 3 processes\n"
        equal(prune(path, "--dry-run").stdout, would + "1 would-remove; would kill 3 processes\n")
        equal(prune(path, "-n").stdout, would + "1 would-remove; would kill 3 processes\n")
        equal(owner.members_alive(), 3)
        equal(prune(path).stdout, f"removed        {owner.directory}, owner {owner.process.pid}, killed 3 processes\n"
                                  "1 removed; killed 3 processes\n")
        equal(owner.directory.exists(), False, "the directory exists")
        owner.end()


@test
def json_says_the_same():
    with place() as path:
        owner, living = Owner(path, "hold"), Owner(path, "hold")
        owner.be_dead()
        said = json.loads(prune(path, "--json").stdout)
        by_path = {entry["path"]: entry for entry in said.pop("directories")}
        equal(by_path[str(owner.directory)], {"path": str(owner.directory), "action": "removed", "error": None,
                                              "owner": owner.process.pid, "groups": 1, "spared": 0, "killed": 1})
        equal(by_path[str(living.directory)]["action"], "alive")
        counts = said.pop("counts")
        equal({name for name, count in counts.items() if count}, {"removed", "alive"})
        equal(said, {"schema_version": 1, "dry_run": False, "killed": 1, "unreadable": 0})
        equal(json.loads(prune(path, "--json", "-n").stdout)["dry_run"], True)
        owner.end()
        living.process.terminate()
        living.end()


@test
def foreign_names_are_escaped_and_refused():
    with place() as path:
        foreign = path / "processkit-\x1b[2J"
        foreign.mkdir()
        equal(prune(path).stdout, f"unmarked       {path}/processkit-\\x1b[2J\n1 unmarked\n")
        equal(json.loads(prune(path, "--json").stdout)["directories"][0]["owner"], None)
        foreign.rmdir()


@test
def what_is_not_permitted_is_no_failure():
    if os.geteuid() != 0:
        return
    with place() as path, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        pk = shutil.copy(PK, folder)
        owner = Owner(path, "hold")
        owner.be_dead()
        said = subprocess.run([pk, "prune", "--below", path], capture_output=True, text=True, timeout=PATIENCE,
                              user=65534, group=65534, extra_groups=[], check=True).stdout
        equal(said, f"not-permitted  {owner.directory}, owner {owner.process.pid}\n1 not-permitted\n")
        equal(owner.members_alive(), 1)
        prune(path)
        owner.end()


@test
def failures_are_said_once():
    for options, words in ((["--below", "/proc"], "not a directory of cgroup2"), (["--below", ""], "--below"),
                           (["--below", "/no/such"], "No such file"), (["all"], "takes no argument"),
                           (["--frob"], "unknown option")):
        for more in ([], ["--json"]):
            result = subprocess.run([PK, "prune", *more, *options], capture_output=True, text=True, timeout=PATIENCE,
                                    check=False)
            equal(result.returncode, 125, options)
            equal(len(result.stderr.splitlines()), 1, result.stderr)
            equal(result.stderr.startswith("pk: ") and words in result.stderr, True, result.stderr)
    with place() as path, open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([PK, "prune", "--below", path], stdout=full, stderr=subprocess.PIPE, check=False)
        equal(result.returncode, 125, "a full disk")


if own_cgroup() is None or not os.access(own_cgroup(), os.W_OK):
    print("1..0 # SKIP needs a writable cgroup2 directory")
    sys.exit(0)
sys.exit(run())
