#!/usr/bin/python3
"""pk init at a terminal: as process 1 that leads the session there, as container managers start it; as process 1 in the
session of a shell outside; and as an ordinary process."""

import fcntl
import os
import select
import signal
import struct
import sys
import termios

from command import ADVERSARY, PK
from first import died, mechanisms, namespace
from harness import equal, program, run, test
from session import PATIENCE, Session, shell, stop_and_copy_on

PLACES = ("container", "namespace", "ordinary")
BASH = ["--norc", "--noprofile", "--noediting", "-i"]


def mechanisms_of_terminals():
    """By process groups each leader has one of its own, and is in the background."""
    return [name for name in mechanisms() if name != "process_group"]


def words_before(place):
    return [] if place == "ordinary" else namespace("--mount-proc")


class Container(Session):
    """As docker run -it: process 1 leads a session at a terminal that nobody else has."""

    def fork(self):
        """What begins the session is process 1 and not this child."""
        master, slave = os.openpty()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            for fd in range(3):
                os.dup2(slave, fd)
        os.close(slave)
        return pid, master


def begin(place, options, make_words):
    def make_command(fifo):
        leads = [program("setsid"), "--ctty"] if place == "container" else []
        return [*words_before(place), *leads, PK, "init", *options, "--", *make_words(fifo)]
    kind = Container if place == "container" else Session
    return kind(make_command)


def standing(place, options, *words):
    session = begin(place, options, lambda fifo: [ADVERSARY, "--report", fifo, *words])
    session.born = session.report.until("ready\n")
    return session


def rest_of(session):
    os.set_blocking(session.report.fd, False)
    try:
        return session.report.text + os.read(session.report.fd, 4096).decode()
    except BlockingIOError:
        return session.report.text


def each_place(function):
    """Three tests."""
    for place in PLACES:
        def one(place=place):
            function(place)
        one.__name__ = f"{function.__name__}_{place}"
        test(one)
    return function


def ends(session, place, number):
    equal(session.status(), died("ordinary" if place == "ordinary" else "first", number), place)
    session.close()


@each_place
def ctrl_c_reaches_each_once_and_begins_the_ladder(place):
    for mechanism in mechanisms_of_terminals():
        session = standing(place, ["-k", "300ms", "--mechanism", mechanism], "catch", "INT", "--", "child", "--", "hold")
        session.type("\x03")
        for _ in range(2):
            session.report.until("got INT\n")
        equal(session.status(), died("ordinary" if place == "ordinary" else "first", signal.SIGINT), mechanism)
        equal("got INT" in rest_of(session), False, f"{mechanism}: a second SIGINT")
        session.close()


@each_place
def the_second_ctrl_c_kills(place):
    session = standing(place, ["-v", "-k", "1h"], "catch", "INT", "--", "hold")
    session.type("\x03")
    session.screen.until("SIGINT: stopping the tree")
    session.type("\x03")
    ends(session, place, signal.SIGINT)


@each_place
def the_program_is_in_the_foreground(place):
    script = "import os; print(os.tcgetpgrp(0) == os.getpgrp(), input())"
    for mechanism in mechanisms_of_terminals():
        session = begin(place, ["-q", "--mechanism", mechanism], lambda fifo: [sys.executable, "-c", script])
        session.type("words\n")
        session.screen.until("True words")
        equal(session.status(), 0, mechanism)
        session.close()


@test
def a_terminal_that_was_taken_is_given_back():
    script = '"$0" init "$1" child -- setpgid -- steal-terminal -- exit 0; echo status=$?; read line; echo "read=$line"'
    session = Session(lambda fifo: [program("sh"), "-c", script, PK, ADVERSARY])
    session.screen.until("status=0")
    session.type("words\n")
    session.screen.until("read=words")
    equal(session.status(), 0)
    session.close()


@each_place
def a_shell_controls_its_jobs(place):
    session = begin(place, [], lambda fifo: [program("bash"), *BASH])
    session.type("stty -echo; PS1='inner''> '\n")
    session.screen.until("inner> ")
    stop_and_copy_on_at(session, "inner> ")
    session.type("cat\n")
    session.type("line\n")
    session.screen.until("line")
    session.type("\x03")
    session.screen.until("inner> ")
    session.type("exit 9\n")
    equal(session.status(), 9, place)
    session.close()


def stop_and_copy_on_at(session, prompt):
    session.type("cat\n")
    session.type("hello\n")
    session.screen.until("hello")
    session.type("\x1a")
    session.screen.until("Stopped")
    session.screen.until(prompt)
    session.type("fg\n")
    session.type("again\n")
    session.screen.until("again")
    session.type("\x04")
    session.screen.until(prompt)


@test
def nothing_stops_where_nobody_could_continue_it():
    """The kernel does not stop by a key whoever has no parent elsewhere in the session."""
    for mechanism in mechanisms_of_terminals():
        session = begin("container", ["-q", "--mechanism", mechanism], lambda fifo: ["sh", "-c", "stty -echo; exec cat"])
        session.type("one\n")
        session.screen.until("one\r\n")
        session.type("\x1a")
        session.type("two\n")
        session.screen.until("two\r\n")
        session.type("\x04")
        equal(session.status(), 0, mechanism)
        session.close()


@test
def a_job_of_a_shell_stops_and_goes_on():
    for mechanism in mechanisms_of_terminals():
        session = shell()
        stop_and_copy_on(session, f"'{PK}' init --mechanism {mechanism} cat")
        session.type("exit\n")
        equal(session.status(), 0, mechanism)
        session.close()


@each_place
def the_size_is_that_of_the_terminal(place):
    session = standing(place, [], "sizes", "--", "hold")
    for columns, rows in ((91, 31), (77, 22)):
        fcntl.ioctl(session.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        session.screen.until(f"{columns}x{rows}")
    session.type("\x03")
    ends(session, place, signal.SIGINT)


@each_place
def a_hangup_ends_all(place):
    """Who does not obey either: the end of what can be read from the FIFO is the death of the last."""
    session = standing(place, ["-k", "200ms"], "ignore", "HUP,TERM", "--", "wide", "2")
    pidfd = os.pidfd_open(session.pid)
    os.close(session.master)
    equal(select.select([pidfd], [], [], PATIENCE)[0], [pidfd], "dead")
    status = os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1])
    equal(status in (-signal.SIGHUP, 128 + signal.SIGHUP), True, status)
    session.close()


sys.exit(run())
