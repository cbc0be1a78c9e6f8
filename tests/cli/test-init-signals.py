#!/usr/bin/python3
"""Signals to pk init: each of them, as process 1 and as an ordinary one, for the leader and for the tree. The tree is a
leader and its child, and both tell what they get."""

import os
import signal
import sys

from command import refused
from first import WAYS, Init, children, died, each_way, mechanisms, name_of, stat, standing, until
from harness import equal, run, test

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
OTHERS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
          signal.SIGWINCH, signal.SIGIO, signal.SIGPWR, signal.SIGXCPU, signal.SIGSTKFLT, signal.SIGTSTP,
          *(int(number) for number in (signal.SIGRTMIN, signal.SIGRTMIN + 7, signal.SIGRTMAX))]
OPTIONS = {"usual": [], "leader": ["--forward-to", "leader"], "tree": ["--forward-to", "tree"]}
ALL = ",".join(map(name_of, [*ENDING, *OTHERS]))


def two(way, options, more=()):
    init = standing(way, ["-k", "20s", *options, *more], "catch", ALL, "--", "child", "--", "hold")
    init.leader = int(init.born.split()[0])
    return init


def got(init, number, count):
    """The pids of who have told so."""
    words = f" ! got {name_of(number)}\n"
    return [int(init.report.until(words).splitlines()[-1]) for _ in range(count)]


def each_audience(way, numbers, check):
    for audience, options in OPTIONS.items():
        for number in numbers:
            check(way, audience, options, number)


# ---- The matrix ------------------------------------------------------------------------------------------------------

@each_way
def others_come_once_to_whom_they_are_for(way):
    for audience, options in OPTIONS.items():
        with two(way, options) as init:
            for number in OTHERS:
                init.send(number)
                pids = got(init, number, 2 if audience == "tree" else 1)
                equal(init.leader in pids, True, f"{audience}: {name_of(number)} for the leader")
                equal(len(set(pids)), len(pids), f"{audience}: {name_of(number)} for each once")
            init.send(signal.SIGTERM)
            got(init, signal.SIGTERM, 1 if audience == "leader" else 2)
            init.send(signal.SIGTERM)
            init.ends(died(way, signal.SIGTERM), audience)
            equal(init.rest(), "", f"{audience}: anything more")


@each_way
def who_is_asked_to_end_is_killed_by_the_second(way):
    def check(way, audience, options, number):
        with two(way, options) as init:
            init.send(number)
            pids = got(init, number, 1 if audience == "leader" else 2)
            equal(init.leader in pids, True, f"{audience}: {name_of(number)} for the leader")
            init.send(signal.SIGTERM)
            init.ends(died(way, number), f"{audience}: {name_of(number)}")
            equal(init.rest(), "", f"{audience}: {name_of(number)}: anything more")
    each_audience(way, ENDING, check)


@each_way
def who_is_asked_to_end_is_killed_after_the_grace(way):
    def check(way, audience, options, number):
        with two(way, options, ["-k", "100ms"]) as init:
            init.send(number)
            init.ends(died(way, number), f"{audience}: {name_of(number)}")
    each_audience(way, ENDING, check)


@each_way
def who_obeys_ends_as_without_pk(way):
    for number in (*ENDING, signal.SIGHUP):
        with standing(way, [], "hold") as init:
            init.send(number)
            init.ends(died(way, number), name_of(number))
        with standing(way, [], "catch-exit", name_of(number), "33", "--", "hold") as init:
            init.send(number)
            init.ends(33, name_of(number))


@each_way
def many_at_once_are_not_lost(way):
    """Those that the kernel queues come as often as they were sent."""
    number = int(signal.SIGRTMIN + 3)
    with standing(way, [], "catch", str(number), "--", "hold") as init:
        init.send(*[number] * 50)
        got(init, number, 50)
        init.send(signal.SIGKILL)


# ---- Others for them -------------------------------------------------------------------------------------------------

@each_way
def a_signal_is_rewritten(way):
    options = ["--rewrite", "TERM=USR1", "--rewrite", "USR2=none", "--rewrite", "HUP=QUIT"]
    with two(way, options) as init:
        init.send(signal.SIGUSR2, signal.SIGTERM)
        equal(got(init, signal.SIGUSR1, 1), [init.leader], "TERM=USR1")
        init.send(signal.SIGHUP)
        got(init, signal.SIGQUIT, 2)
        init.send(signal.SIGINT)
        init.ends(died(way, signal.SIGQUIT))
        equal(init.rest(), "", "anything more")


@test
def what_cannot_be_rewritten_is_refused():
    for value, words in [("TERM", "SIG=SIG is expected"), ("FOO=TERM", "invalid signal 'FOO'"),
                         ("TERM=FOO", "invalid signal 'FOO'"), ("KILL=TERM", "'KILL' is not one of the signals"),
                         ("TERM=STOP", "'STOP' is not one of the signals"), ("CHLD=TERM", "'CHLD' is not one"),
                         ("=TERM", "invalid signal ''"), ("TERM=", "invalid signal ''")]:
        refused(["init", "--rewrite", value, "true"], 125, words)
    refused(["init", "--forward-to", "all", "true"], 125, "unknown word 'all' (leader or tree)")


# ---- Stopping --------------------------------------------------------------------------------------------------------

def leader_of(init):
    """Seen from here: the namespace has other numbers."""
    if init.way == "ordinary":
        return init.leader
    found = [int(name) for name in os.listdir("/proc") if name.isdigit() and inner_pid(name) == [init.leader] and
             pid_namespace(name) == pid_namespace(init.pid)]
    equal(len(found), 1, "leaders")
    return found[0]


def pid_namespace(pid):
    """Another run of the tests may have the same numbers."""
    try:
        return os.stat(f"/proc/{pid}/ns/pid").st_ino
    except FileNotFoundError:
        return None


def inner_pid(name):
    try:
        with open(f"/proc/{name}/status", encoding="utf-8", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return []
    pids = fields["NSpid"].split()
    named = fields["Name"].strip() == "adversary"
    return [int(pids[1])] if len(pids) > 1 and named and children(int(name)) else []


@test
def process_1_stops_for_nobody():
    """Nobody would continue it; the leader goes on when it is told to."""
    with two("first", []) as init:
        leader = leader_of(init)
        os.kill(leader, signal.SIGSTOP)
        until(lambda: stat(leader)[0] == "T", "stopped")
        init.send(signal.SIGUSR1)
        init.send(signal.SIGCONT)
        got(init, signal.SIGUSR1, 1)
        init.send(signal.SIGTSTP)
        equal(got(init, signal.SIGTSTP, 1), [init.leader], "SIGTSTP")
        os.kill(leader, signal.SIGSTOP)
        init.send(signal.SIGTERM)  # what is stopped is continued, so that it can obey
        got(init, signal.SIGTERM, 2)
        init.send(signal.SIGTERM)
        init.ends(128 + signal.SIGTERM)


@test
def what_is_ignored_stays_so():
    with Init("ordinary", [], lambda fifo: ["sh", "-c", f"echo ready >{fifo}; kill -HUP $$ $PPID; exit 4"],
              preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as init:
        init.ends(4)


@test
def each_mechanism_passes_them_on():
    for mechanism in mechanisms():
        for way in WAYS:
            with two(way, ["-q", "--mechanism", mechanism, "--forward-to", "tree"]) as init:
                init.send(signal.SIGUSR1)
                got(init, signal.SIGUSR1, 2)
                init.send(signal.SIGTERM)
                got(init, signal.SIGTERM, 2)
                init.send(signal.SIGTERM)
                init.ends(died(way, signal.SIGTERM), f"{mechanism}, {way}")


sys.exit(run())
