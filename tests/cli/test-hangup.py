#!/usr/bin/python3
"""A terminal that goes away: below pk as the leader of the session, below a shell without jobs and below one with them.
The kernel tells the leader, and when that has died the foreground; a shell with jobs tells these as well."""

import os
import select
import shlex
import signal
import sys

from command import ADVERSARY, PK
from first import children
from harness import equal, program, run, test
from session import PATIENCE, Session, shell

GRACE = "300ms"
COMMANDS = {
    "run": ["run", "-q"],
    "run_pty": ["run", "-q", "--pty"],
    "init": ["init", "-q"],
    "init_leader": ["init", "-q", "--forward-to", "leader"],
    "pipe": ["pipe", "-q"],
    "batch": ["batch", "-q", "-a", "/proc/self/comm"],  # one word
    "supervise": ["supervise", "-q", "--signal", "USR2"],
}
TOLD = {"supervise": "USR2"}  # by pk; the others pass SIGHUP on


def words(name, fifo, *program_words, grace=GRACE):
    item = ["print", "{}", "--"] if name == "batch" else []
    more = ["::", ADVERSARY, "ignore", "HUP,USR1", "--", "hold"] if name == "pipe" else []
    return [PK, *COMMANDS[name], "-k", grace, "--", ADVERSARY, "--report", fifo, "catch", "HUP,USR1,USR2", "--", *item,
            *program_words, "hold", *more]


def each_command(function):
    """A test for each."""
    for name in COMMANDS:
        def one(name=name):
            function(name)
        one.__name__ = f"{function.__name__}_{name}"
        test(one)
    return function


def leading(name):
    return Session(lambda fifo: words(name, fifo))


def below_a_shell(name):
    return Session(lambda fifo: [program("sh"), "-c", shlex.join(words(name, fifo)) + "; exit 1"])


def job(name, end, *program_words, grace=GRACE):
    """Of a shell that controls them."""
    session = shell()
    fifo = os.path.join(session.directory.name, "report")
    session.type(shlex.join(words(name, fifo, *program_words, grace=grace)) + f"{end}\n")
    return session


def wait_for_start(session, name):
    """pk has started all of them: what the terminal sent before that, some may have missed, and pk passes it on."""
    session.report.until("ready\n")
    if name == "pipe":
        os.kill(next(iter(children(session.pid))), signal.SIGUSR1)
        session.report.until("got USR1\n")


def hang_up(session):
    """What was told until the last has ended who could tell something."""
    os.close(session.master)
    return rest_of(session)


def rest_of(session):
    os.close(session.keep)
    while select.select([session.report.fd], [], [], PATIENCE)[0]:
        piece = os.read(session.report.fd, 4096).decode()
        if not piece:
            os.waitpid(session.pid, 0)
            session.close()
            return [line.split()[-1] for line in session.report.text.splitlines()]
        session.report.text += piece
    raise AssertionError(f"somebody lives: {session.report.text!r}")


@each_command
def the_leader_of_the_session_passes_it_on(name):
    session = leading(name)
    session.report.until("ready\n")
    equal(hang_up(session), [TOLD.get(name, "HUP")])


@each_command
def what_the_foreground_has_got_it_does_not_get_again(name):
    session = below_a_shell(name)
    wait_for_start(session, name)
    equal(sorted(hang_up(session)), ["HUP", *([TOLD[name]] if name in TOLD else [])])


def ends_when_the_shell_tells(name, end):
    session = job(name, end)
    wait_for_start(session, name)
    told = hang_up(session)
    equal(set(told), {"HUP", TOLD.get(name, "HUP")}, told)


@each_command
def what_a_shell_tells_its_job_ends_it(name):
    """The shell and the kernel tell the foreground, perhaps as one: the program has it from one to three times."""
    ends_when_the_shell_tells(name, "")


@each_command
def what_a_shell_tells_its_background_ends_it(name):
    """It alone does."""
    if name != "run_pty":  # which the background has stopped
        ends_when_the_shell_tells(name, " &")


@each_command
def who_is_told_by_the_shell_and_the_kernel_keeps_the_grace(name):
    """pk reads signals in order, and those of a hangup come before the one that is passed on."""
    own_group = [] if name == "run_pty" else ["setpgid", "--"]  # which the leader of a session has
    session = job(name, "", *own_group, grace="1h")
    wait_for_start(session, name)
    pk = next(iter(children(session.pid)))
    died = os.pidfd_open(session.pid)
    os.close(session.master)
    equal(select.select([died], [], [], PATIENCE)[0], [died], "the shell has died")
    os.close(died)
    session.report.until(f"got {TOLD.get(name, 'HUP')}\n")
    if name != "batch":  # which every signal ends
        os.kill(pk, signal.SIGUSR1)
        session.report.until("got USR1\n")
    os.kill(pk, signal.SIGTERM)
    rest_of(session)


@test
def a_shell_that_sends_it_while_the_terminal_is_there_means_something_else():
    for name in ("init", "supervise"):
        session = job(name, " &", "setpgid", "--", grace="1h")
        session.report.until("ready\n")
        pk = next(iter(children(session.pid)))
        session.type("kill -HUP %1\n")
        session.report.until("got HUP\n")
        session.type("kill -USR1 %1\n")
        session.report.until("got USR1\n")
        os.kill(pk, signal.SIGTERM)
        os.close(session.master)
        rest_of(session)


sys.exit(run())
