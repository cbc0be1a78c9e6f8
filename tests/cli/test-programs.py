#!/usr/bin/python3
"""Programs that people use at a terminal, below pk: an editor, a shell with jobs, a pager. As they are without pk, both
with the terminal that pk is at and with one of their own."""

import fcntl
import os
import select
import shlex
import signal
import struct
import sys
import tempfile
import termios
import time

from harness import equal, program, run, test
from session import PATIENCE, Session

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]
BASH = ["--norc", "--noprofile", "--noediting", "-i"]
WAYS = ([], ["--pty"])


def each_way(function):
    """Two tests."""
    for options in WAYS:
        def one(options=options):
            function(options)
        one.__name__ = function.__name__ + ("_at_a_terminal_of_its_own" if options else "")
        test(one)
    return function


# ---- Sessions --------------------------------------------------------------------------------------------------------


def shell():
    """The one that somebody types pk into. What it echoes is not mistaken for output."""
    bash = program("bash")
    session = Session(lambda fifo: [bash, *BASH])
    session.type("stty -echo; PS1='outer''> '\n")
    session.screen.until("outer> ")
    session.before = settings(session)
    return session


def settings(session):
    return termios.tcgetattr(session.master)


def resize(session, columns, rows):
    fcntl.ioctl(session.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(session, options, *words):
    session.type(shlex.join([PK, "run", *options, "--", *words]) + "\n")


def stopped(session):
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    equal(settings(session), session.before, "the settings of the terminal")


def ended(session, status):
    """The shell has its terminal back, as it was, and pk ended so."""
    session.screen.until("outer> ")
    session.type("echo status=$?\n")
    session.screen.until(f"status={status}\r\n")
    session.screen.until("outer> ")
    equal(settings(session), session.before, "the settings of the terminal")
    session.type("jobs; exit\n")
    equal(session.status(), 0)
    session.close()


def until(session, words, keys):
    """Types the same until it has its effect: what was changed meanwhile comes by another way than keys."""
    end = time.monotonic() + PATIENCE
    while True:
        session.type(keys)
        soon = time.monotonic() + 0.3
        while words not in session.screen.text and time.monotonic() < soon:
            if select.select([session.master], [], [], 0.1)[0]:
                session.screen.text += os.read(session.master, 4096).decode(errors="replace")
        if words in session.screen.text:
            session.screen.until(words)
            return
        if time.monotonic() > end:
            raise AssertionError(f"no {words!r} in {session.screen.text!r}")


def open_pid(text):
    return os.pidfd_open(int(text))


def assert_dead(pidfds):
    for pidfd in pidfds:
        equal(select.select([pidfd], [], [], PATIENCE)[0], [pidfd], "dead")
        os.close(pidfd)


# ---- An editor -------------------------------------------------------------------------------------------------------


def edit(session, options, path):
    editor = program("vi", "vim.tiny", "vim")
    start(session, options, editor, "-u", "NONE", "-i", "NONE", "-n", path)
    session.screen.until("[New")


@each_way
def an_editor_writes_a_file(options):
    with tempfile.TemporaryDirectory() as place:
        session = shell()
        edit(session, options, f"{place}/file")
        session.type("ihello\x1b:wq\r")
        ended(session, 0)
        with open(f"{place}/file", encoding="ascii") as file:
            equal(file.read(), "hello\n")


@each_way
def an_editor_knows_the_size(options):
    session = shell()
    resize(session, 91, 31)
    edit(session, options, "new")
    until(session, "columns=91", ":set columns?\r")
    resize(session, 77, 22)
    until(session, "columns=77", ":set columns?\r")
    until(session, "lines=22", ":set lines?\r")
    session.type(":q!\r")
    ended(session, 0)


@each_way
def an_editor_is_interrupted_and_goes_on(options):
    session = shell()
    edit(session, options, "new")
    session.type("\x03")  # what was typed behind it is thrown away
    until(session, "columns=", ":set columns?\r")
    session.type(":cq\r")
    ended(session, 1)


@test
def an_editor_is_suspended():
    """At a terminal of its own there is no shell to come back to, and it stays."""
    with tempfile.TemporaryDirectory() as place:
        session = shell()
        edit(session, [], f"{place}/file")
        for word in ("one", "two"):
            session.type(f"o{word}\x1b\x1a")
            stopped(session)
            session.type("fg\n")
            session.screen.until("\x1b[")
        session.type(":wq\r")
        ended(session, 0)
        with open(f"{place}/file", encoding="ascii") as file:
            equal(file.read(), "\none\ntwo\n")


# ---- A shell with jobs -----------------------------------------------------------------------------------------------


def inner_shell(session, options):
    start(session, options, program("bash"), *BASH)
    session.type("stty -echo; PS1='inner''> '\n")
    session.screen.until("inner> ")


@each_way
def a_shell_controls_its_jobs(options):
    session = shell()
    inner_shell(session, options)
    session.type("sleep 300 &\n")
    session.screen.until("inner> ")
    session.type("jobs\n")
    session.screen.until("Running")
    session.screen.until("inner> ")
    session.type("fg\n")
    session.screen.until("sleep 300")
    until(session, "Stopped", "\x1a")  # the shell says what goes on before it does
    session.screen.until("inner> ")  # it was its job that has stopped, and not pk
    session.type("bg\n")
    session.screen.until("inner> ")
    session.type("jobs\n")
    session.screen.until("Running")
    session.screen.until("inner> ")
    session.type("kill %1; wait; cat\n")
    session.type("line\n")
    session.screen.until("line\r\n")
    session.type("\x03")
    session.screen.until("inner> ")
    session.type("exit 9\n")
    ended(session, 9)


@each_way
def a_shell_at_its_prompt_is_not_stopped(options):
    session = shell()
    inner_shell(session, options)
    session.type("\x1a\x03")
    session.screen.until("inner> ")
    session.type("echo still''here\n")
    session.screen.until("stillhere")
    session.screen.until("inner> ")
    session.type("exit 0\n")
    ended(session, 0)


@test
def a_shell_suspends_itself():
    session = shell()
    inner_shell(session, [])
    session.type("suspend\n")
    stopped(session)
    session.type("fg\n")
    session.type("echo back''again\n")
    session.screen.until("backagain")
    session.type("exit 4\n")
    ended(session, 4)


@each_way
def what_a_shell_leaves_is_ended(options):
    session = shell()
    inner_shell(session, options)
    session.type("nohup sleep 300 >/dev/null 2>&1 & disown; echo pid=$!.\n")
    session.screen.until("pid=")
    pidfd = open_pid(session.screen.until("."))
    session.type("exit 0\n")
    ended(session, 0)
    assert_dead([pidfd])


# ---- Pk as a job -----------------------------------------------------------------------------------------------------


@test
def a_job_goes_on_in_the_background_and_comes_back():
    session = shell()
    start(session, [], ADVERSARY, "chatter", "20")
    session.screen.until("chatter 3\r\n")
    session.type("\x1a")
    stopped(session)
    session.type("bg\n")
    session.screen.until("chatter 30\r\n")
    session.type("fg\n")
    session.screen.until("chatter 60\r\n")
    session.type("\x03")
    ended(session, 130)


@test
def a_job_in_the_background_stops_when_it_reads():
    session = shell()
    session.type(shlex.join([PK, "run", "--", "sh", "-c", "read line; echo read=$line"]) + " &\n")
    session.screen.until("outer> ")
    session.type("wait\n")
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    session.type("fg\n")
    session.type("words\n")
    session.screen.until("read=words\r\n")
    ended(session, 0)


@each_way
def a_job_that_is_killed_while_it_is_stopped_leaves_nothing(options):
    session = shell()
    start(session, ["-k", "200ms", *options], "sh", "-c", "echo pid=$$.; exec sleep 300")
    session.screen.until("pid=")
    pidfd, pk = open_pid(session.screen.until(".")), find_pk(session)
    pk_pidfd = open_pid(pk)
    if options:  # the key would be the program's
        os.kill(pk, signal.SIGTSTP)
    else:
        session.type("\x1a")
    stopped(session)
    session.type("kill %1\n")  # a shell continues what it kills
    assert_dead([pidfd, pk_pidfd])
    session.type("exit 0\n")
    equal(session.status(), 0)
    session.close()


@test
def a_job_that_waits_for_the_foreground_can_be_killed():
    session = shell()
    session.type(shlex.join([PK, "run", "--pty", "sleep", "300"]) + " &\n")
    session.screen.until("outer> ")
    until(session, "Stopped", "jobs\n")
    session.type("bg\n")
    until(session, "Stopped", "jobs\n")
    session.type("kill %1\n")  # which continues it as well
    until(session, "Terminated", "jobs\n")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


def find_pk(session):
    """The child of the shell."""
    with open(f"/proc/{session.pid}/task/{session.pid}/children", encoding="ascii") as children:
        return int(children.read().split()[0])


# ---- A pager ---------------------------------------------------------------------------------------------------------


@each_way
def a_pager_shows_a_file(options):
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines(f"line {i}.\n" for i in range(1000))
        file.flush()
        session = shell()
        resize(session, 80, 24)
        start(session, options, program("less"), file.name)
        session.screen.until("line 10.")
        session.type("\x03")  # what was typed behind it is thrown away
        until(session, "line 999.", "G")
        session.type("q")
        ended(session, 0)


@each_way
def a_pager_that_is_left_early_ends_the_writer(options):
    session = shell()
    resize(session, 80, 24)
    options = [*options, "--stdin", "/dev/null"] if options else options
    writer = shlex.join([PK, "run", *options, "--", "seq", "100000000"])
    session.type(f"{writer} | {program('less')}; echo ended=\"${{PIPESTATUS[*]}}\".\n")
    session.screen.until("\n20")
    session.type("q")
    equal(session.screen.until(".").rpartition("ended=")[2], "141 0")
    ended(session, 0)


@each_way
def a_program_may_have_a_pager(options):
    """As git has."""
    session = shell()
    resize(session, 80, 24)
    start(session, options, "bash", "-c", f"seq 100000000 | {program('less')}; exit ${{PIPESTATUS[0]}}")
    session.screen.until("\n20")
    session.type("q")
    ended(session, 141)


# ---- A terminal that goes away ---------------------------------------------------------------------------------------


def hang_up(options, words, keys, endings):
    """Pk is at the terminal that is closed, with something that nobody else would end. How it ends."""
    session = Session(lambda fifo: [PK, "run", *options, "--", *words])
    session.type(keys)
    session.screen.until("pids=")
    pidfds = [open_pid(pid) for pid in session.screen.until(".").split()]
    os.close(session.master)
    ending = os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1])
    equal(ending in endings, True, ending)
    assert_dead(pidfds)
    session.close()


@each_way
def with_a_shell_go_its_jobs(options):
    jobs = "nohup sleep 300 >/dev/null 2>&1 & disown; sleep 300 & echo pid''s=$$ $(jobs -p) $!.\n"
    hang_up(options, [program("bash"), *BASH], jobs, (-signal.SIGHUP, 0))  # it may see the end of its input first


@each_way
def with_an_editor_goes_its_shell(options):
    editor = program("vi", "vim.tiny", "vim")
    hang_up(options, [editor, "-u", "NONE", "-i", "NONE", "-n", "new"], ":!echo pid''s=$$ $PPID.; sleep 300\r",
            (-signal.SIGHUP, 1))  # or dies of it in its own way


@each_way
def those_who_ignore_it_go_too(options):
    script = "trap '' HUP TERM; sleep 300 & echo pids=$$ $!.; wait; wait; sleep 300"
    hang_up(["-k", "300ms", *options], ["sh", "-c", script], "", (-signal.SIGHUP,))


sys.exit(run())
