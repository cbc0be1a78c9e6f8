#!/usr/bin/python3
"""pk run --detach, pk list and pk stop: the contract of each, with names that no other test has."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time

from harness import equal, run, test

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
PATIENCE = 60
NAME = f"cli-test-{os.getpid()}"


def pk(*arguments, status=0, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run([PK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            timeout=PATIENCE, check=False, **options)
    equal(result.returncode, status, f"{arguments} -> {result.stdout}{result.stderr}")
    return result


def refused(status, words, *arguments):
    """One line on stderr with these words, and nothing on stdout."""
    result = pk(*arguments, status=status)
    equal(result.stdout, "", arguments)
    equal(len(result.stderr.splitlines()), 1, result.stderr)
    equal(result.stderr.startswith("pk: ") and words in result.stderr, True, result.stderr)


def listed(name=NAME):
    """What pk list --json has under that name."""
    said = json.loads(pk("list", "--json").stdout)
    equal(said["schema_version"], 1)
    return [entry for entry in said["detached"] if entry["name"] == name]


class Detached:
    """A detached adversary that stands. Its output is not ours: a pipe would be held open."""

    def __init__(self, *words, name=NAME, options=()):
        fifo = os.path.join(tempfile.mkdtemp(), "report")
        os.mkfifo(fifo)
        keep = os.open(fifo, os.O_RDWR)
        subprocess.run([PK, "run", "--detach", name, *options, "--", ADVERSARY, "--report", fifo, *words], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
        self.pids, self.pidfds = [], []
        with open(fifo, encoding="utf-8") as lines:
            for line in lines:
                if line == "ready\n":
                    break
                self.pids.append(int(line.split()[0]))
                self.pidfds.append(os.pidfd_open(self.pids[-1]))
        os.close(keep)

    def end(self):
        """Proves that all are dead."""
        for pidfd in self.pidfds:
            equal(bool(select.select([pidfd], [], [], 5)[0]), True, "a process has ended")
            os.close(pidfd)


@test
def detached_is_listed_and_stopped():
    before = time.time()
    detached = Detached("wide", "2")
    entries = listed()
    equal(len(entries), 1)
    equal((entries[0]["leader"], entries[0]["members"]), (detached.pids[0], 3))
    equal(abs(entries[0]["started"] - before) < PATIENCE, True, "started about now")
    equal(entries[0]["path"].endswith(f"/processkit-detached-{NAME}"), True, entries[0]["path"])
    equal(os.getsid(detached.pids[0]), detached.pids[0], "leads a session")
    equal(os.readlink(f"/proc/{detached.pids[0]}/fd/0"), "/dev/null")
    lines = pk("list").stdout.splitlines()
    equal(lines[0].split(), ["NAME", "LEADER", "MEMBERS", "STARTED", "DIRECTORY"])
    equal([line.split()[:3] for line in lines if line.split()[0] == NAME], [[NAME, str(detached.pids[0]), "3"]])
    refused(125, f"pk stop {NAME}", "run", "--detach", NAME, "true")
    result = pk("stop", NAME)
    equal(result.stdout + result.stderr, "")
    detached.end()
    equal(listed(), [])
    refused(125, "there is no detached command", "stop", NAME)


@test
def pk_prints_nothing_and_is_gone():
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        result = pk("run", "--detach", NAME, "--stdout", out, "--stderr", out, "sleep", "1000")
        equal(result.stdout + result.stderr, "")
        pk("stop", "-k", "0", NAME)
    equal(listed(), [])


@test
def stubborn_one_is_killed_after_the_grace():
    detached = Detached("ignore", "TERM", "--", "hold")
    pk("stop", "-k", "50ms", NAME)
    detached.end()
    equal(listed(), [])


@test
def signal_can_be_chosen():
    detached = Detached("ignore", "TERM", "--", "catch-exit", "USR1", "0", "--", "hold")
    began = time.monotonic()
    pk("stop", "--signal", "USR1", "--grace", "1h", NAME)
    equal(time.monotonic() - began < PATIENCE, True, "did not wait for the grace")
    detached.end()


@test
def stdin_can_be_given():
    with tempfile.NamedTemporaryFile("w") as file:
        for options in (["--stdin", file.name, "--detach", NAME], ["--detach", NAME, "--stdin", file.name]):
            subprocess.run([PK, "run", *options, "sleep", "1000"], stdout=subprocess.DEVNULL, check=True)
            leader = listed()[0]["leader"]
            equal(os.readlink(f"/proc/{leader}/fd/0"), file.name)
            pk("stop", NAME)


@test
def what_contains_pk_contains_what_it_detaches():
    """A way out of pk's own containment, and not of the one that somebody else has put pk into."""
    result = pk("run", "--leftovers", "fail", "--", PK, "run", "--detach", NAME, "--stderr", "/dev/null", "sleep", "999",
                status=125)
    equal("(sleep)" in result.stderr, True, result.stderr)
    equal(listed(), [])


@test
def failures_are_those_of_run():
    refused(127, "not found in PATH", "run", "--detach", NAME, "no-such-program")
    refused(126, "is not executable", "run", "--detach", NAME, "/etc/passwd")
    refused(125, "--chdir", "run", "--detach", NAME, "-C", "", "true")
    refused(125, "invalid name", "run", "--detach", ".x", "true")
    refused(125, "invalid name", "run", "--detach", "a/b", "true")
    refused(125, "the program is missing", "run", "--detach", NAME)
    equal(listed(), [])


@test
def what_needs_pk_to_stay_is_refused():
    for option in (["-t", "5"], ["-k", "1"], ["-s", "INT"], ["--leftovers", "wait"], ["--memory-max", "1G"],
                   ["--pids-max", "9"], ["--cpu-max", "1"], ["--require", "usage"], ["--mechanism", "cgroup2"],
                   ["--stats"]):
        refused(125, "cannot be had with --detach", "run", "--detach", NAME, *option, "true")
        refused(125, "cannot be had with --detach", "run", *option, "--detach", NAME, "true")
    equal(listed(), [])


@test
def wrong_usage():
    refused(125, "takes no argument", "list", "x")
    refused(125, "one name is expected", "stop")
    refused(125, "one name is expected", "stop", "a", "b")
    refused(125, "invalid signal", "stop", "-s", "FOO", "a")
    refused(125, "invalid duration", "stop", "-k", "x", "a")
    refused(125, "invalid name", "stop", "")


if subprocess.run([PK, "doctor", "--require", "cgroup"], capture_output=True, check=False).returncode:
    print("1..0 # SKIP needs a cgroup2 directory that can be made")
    sys.exit(0)
sys.exit(run())
