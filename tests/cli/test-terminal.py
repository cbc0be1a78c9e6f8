#!/usr/bin/python3
"""pk at a terminal: Ctrl-C, Ctrl-Z, interactive programs, hangup. The terminal is a pty; what is waited for is a line."""

import os
import select
import signal
import subprocess
import sys

from harness import equal, run, test
from session import PATIENCE, Session, shell, stop_and_copy_on

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]

def is_dead(pid):
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    dead = bool(select.select([pidfd], [], [], PATIENCE)[0])
    os.close(pidfd)
    return dead


@test
def ctrl_c_reaches_the_leader_once_and_starts_the_ladder():
    session = Session(lambda fifo: [PK, "run", "-k", "300ms", ADVERSARY, "--report", fifo, "catch", "INT", "--", "hold"])
    session.report.until("ready\n")
    session.type("\x03")
    session.report.until("got INT\n")
    equal(session.status(), -signal.SIGINT)
    os.set_blocking(session.report.fd, False)
    try:
        rest = os.read(session.report.fd, 4096).decode()
    except BlockingIOError:
        rest = ""
    equal("got INT" in session.report.text + rest, False, "a second SIGINT")
    session.close()


@test
def ctrl_c_at_a_prompt_is_the_programs():
    script = 'stty -icanon; exec "$0" --report "$1" catch INT,USR1 -- hold'
    session = Session(lambda fifo: [PK, "run", "-k", "1ms", "sh", "-c", script, ADVERSARY, fifo])
    leader = int(session.report.until("ready\n").split()[0])
    session.type("\x03")
    session.report.until("got INT\n")
    os.kill(session.pid, signal.SIGUSR1)  # pk reads its signals in order: it has dealt with the other one
    session.report.until("got USR1\n")
    os.kill(leader, 0)
    os.kill(session.pid, signal.SIGTERM)
    equal(session.status(), -signal.SIGTERM)
    session.close()


def stop_jobs_and_go_on(options):
    session = shell()
    session.type(f"'{PK}' run {options} '{ADVERSARY}' stop -- print go''ing -- exit 3\n")
    session.screen.until("Stopped")
    session.screen.until("ready> ")
    session.type("fg; echo status=$?\n")
    session.screen.until("going")
    session.screen.until("status=3")
    stop_and_copy_on(session, f"'{PK}' run {options} cat")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


@test
def jobs_stop_and_go_on():
    stop_jobs_and_go_on("")


@test
def jobs_below_a_reaper_stop_and_go_on():
    stop_jobs_and_go_on("--mechanism reaper")


@test
def an_interactive_shell_works_below_pk():
    session = Session(lambda fifo: [PK, "run", "/bin/bash", "--norc", "--noprofile", "-i"])
    session.type("PS1='ready''> '; stty -echo\n")
    session.screen.until("ready> ")
    session.type("cat\n")
    session.type("line\n")
    session.screen.until("line")
    session.type("\x03")
    session.screen.until("ready> ")
    session.type("exit 5\n")
    equal(session.status(), 5)
    session.close()


@test
def a_terminal_that_was_taken_is_given_back():
    """A shell without job control would not take it back itself, and could not read from it."""
    script = '"$0" run "$1" child -- setpgid -- steal-terminal -- exit 0; echo status=$?; read line; echo "read=$line"'
    session = Session(lambda fifo: ["/bin/sh", "-c", script, PK, ADVERSARY])
    session.screen.until("status=0")
    session.type("words\n")
    session.screen.until("read=words")
    equal(session.status(), 0)
    session.close()


@test
def a_hangup_ends_the_tree():
    session = Session(lambda fifo: [PK, "run", ADVERSARY, "--report", fifo, "wide", "2"])
    pids = [int(line.split()[0]) for line in session.report.until("ready\n").splitlines()]
    os.close(session.master)
    equal(os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1]), -signal.SIGHUP)
    equal([pid for pid in pids if not is_dead(pid)], [])
    session.close()


@test
def an_alarm_that_was_set_before_pk_is_for_the_program():
    """It comes from the kernel, and still nobody else has got it."""
    for words in (["run"], ["init", "-q"], ["batch", "-q", "-a", "/proc/self/comm"],
                  ["supervise", "-q", "--restart", "never"]):
        process = subprocess.Popen([PK, *words, "--", ADVERSARY, "print", "{}", "--", "hold"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   preexec_fn=lambda: signal.setitimer(signal.ITIMER_REAL, 0.3))
        equal(process.wait(PATIENCE), -signal.SIGALRM, words)


sys.exit(run())
