#!/usr/bin/python3
"""pk run --pty: the program's terminal shown in the one that pk is at, and forwarded to what is none."""

import fcntl
import os
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

from harness import equal, run, test
from session import PATIENCE, Session

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]

BASH = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]


def at_terminal(*words):
    return Session(lambda fifo: [PK, "run", "--pty", *words])


def outer_shell():
    """One with jobs, that leaves the terminal as its jobs leave it."""
    session = Session(lambda fifo: ["/bin/sh", "-i"])
    session.type("stty -echo; PS1='outer''> '\n")
    session.screen.until("outer> ")
    return session


def prepare_inner(session):
    session.type("stty -echo; PS1='inner''> '\n")
    session.screen.until("inner> ")


def resize(session, columns, rows):
    fcntl.ioctl(session.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def settings(session):
    return termios.tcgetattr(session.master)


def is_raw(session):
    return not settings(session)[3] & (termios.ICANON | termios.ISIG | termios.ECHO)


def forwarded(*words, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([PK, "run", "--pty", *words], capture_output=True, timeout=PATIENCE, **options)


# ---- At a terminal ---------------------------------------------------------------------------------------------------


def run_shell(*options):
    session = at_terminal(*options, "--", "sh")
    session.type("echo rea''dy; exit 7\n")
    session.screen.until("ready\r\n")
    equal(session.status(), 7)
    session.close()


@test
def a_shell_runs_and_its_status_is_that_of_pk():
    run_shell()


@test
def a_shell_runs_below_a_reaper():
    run_shell("--mechanism", "reaper")


@test
def a_shell_runs_in_a_process_group():
    run_shell("--mechanism", "process_group")


@test
def the_terminal_is_like_the_outer_one():
    def command(fifo):
        script = 'stty cols 133 rows 44 erase ^H; tty; exec "$0" run --pty sh -c "stty size; stty -a; tty"'
        return ["/bin/sh", "-c", script, PK]
    session = Session(command)
    outer = session.screen.until("\r\n")
    session.screen.until("44 133\r\n")
    session.screen.until("erase = ^H;")
    session.screen.until(" echo ")
    session.screen.until("/dev/pts/")
    equal(session.screen.until("\r\n") == outer.removeprefix("/dev/pts/"), False, "the same terminal")
    equal(session.status(), 0)
    session.close()


@test
def keys_become_signals_in_the_program_only():
    session = Session(lambda fifo: [PK, "run", "--pty", ADVERSARY, "--report", fifo, "catch", "INT", "--", "hold"])
    session.report.until("ready\n")
    session.type("\x03")
    session.report.until("got INT\n")
    session.type("\x1c")
    equal(session.status(), -signal.SIGQUIT)
    session.close()


@test
def jobs_are_controlled_inside():
    session = at_terminal("--", *BASH)
    prepare_inner(session)
    session.type("cat\n")
    session.type("one\n")
    session.screen.until("one\r\n")
    session.type("\x1a")
    session.screen.until("Stopped")
    session.screen.until("inner> ")
    session.type("fg\n")
    session.type("two\n")
    session.screen.until("two\r\n")
    session.type("\x03")
    session.screen.until("inner> ")
    session.type("cat & wait\n")
    session.screen.until("Stopped")
    session.screen.until("inner> ")
    session.type("fg\n\x04")
    session.screen.until("inner> ")
    session.type("\x04")
    equal(session.status(), 0)
    session.close()


@test
def the_size_follows():
    session = at_terminal("--", ADVERSARY, "sizes")
    session.screen.until("\r\n")
    for size in ((100, 30), (65535, 1), (80, 24)):
        resize(session, *size)
        session.screen.until(f"{size[0]}x{size[1]}\r\n")
    session.type("\x03")
    equal(session.status(), -signal.SIGINT)
    session.close()


@test
def nothing_is_lost():
    session = at_terminal("--", "sh", "-c", "stty -onlcr; seq 100000; echo done")
    expected = "".join(f"{i}\n" for i in range(1, 100001))
    equal(session.screen.until("done\n") == expected, True, "the same")
    equal(session.status(), 0)
    session.close()


@test
def what_pk_says_begins_its_lines_at_the_left():
    session = at_terminal("-v", "--", "sh", "-c", "echo hello")
    text = session.screen.until("hello\r\n")
    equal("pk: pid " in text, True, text)
    equal(text.count("\n"), text.count("\r\n"), text)
    equal(session.status(), 0)
    session.close()


# ---- The outer terminal is given back --------------------------------------------------------------------------------


def run_in(session, *words):
    """Types a command line for `pk run --pty WORDS`. Returns the pid of pk."""
    start = "sh -c 'echo pid=$$; exec \"$0\" run --pty \"$@\"'"
    session.type(" ".join([start, *(shlex.quote(word) for word in (PK, *words))]) + "\n")
    session.screen.until("pid=")
    return int(session.screen.until("\r\n"))


def give_back(words, ending, act=None):
    """Raw while it runs, and as it was when the shell goes on."""
    session = outer_shell()
    before = settings(session)
    pid = run_in(session, *words)
    if act:
        session.screen.until("ready")
        equal(is_raw(session), True, "raw")
        act(session, pid)
    session.screen.until("outer> ")
    session.type("echo status=$?\n")
    session.screen.until(f"status={ending}\r\n")
    equal(settings(session), before, words)
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


READY = ["sh", "-c", "echo ready; read line; exit 4"]


@test
def after_an_exit():
    give_back(READY, 4, lambda session, pid: session.type("\n"))


@test
def after_a_signal_to_pk():
    give_back(READY, 143, lambda session, pid: os.kill(pid, signal.SIGTERM))


@test
def after_a_deadline():
    give_back(["-t", "200ms", "sleep", "60"], 124)


@test
def after_a_program_that_was_not_found():
    give_back(["/no/such/program"], 127)


@test
def after_a_program_that_was_killed():
    give_back(["sh", "-c", "echo ready; read line; kill -KILL $$"], 137, lambda session, pid: session.type("\n"))


def stop_and_go_on(stop):
    session = outer_shell()
    before = settings(session)
    pid = run_in(session, *BASH)
    prepare_inner(session)
    stop(session, pid)
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    equal(settings(session), before, "stopped")
    resize(session, 99, 33)
    session.type("fg\n")
    session.type("stty size\n")
    session.screen.until("33 99\r\n")
    equal(is_raw(session), True, "raw again")
    session.type("exit 6\n")
    session.screen.until("outer> ")
    session.type("echo status=$?\n")
    session.screen.until("status=6\r\n")
    equal(settings(session), before, "ended")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


@test
def while_pk_is_stopped():
    stop_and_go_on(lambda session, pid: os.kill(pid, signal.SIGTSTP))


@test
def while_the_program_is_stopped():
    stop_and_go_on(lambda session, pid: session.type("kill -STOP $$\n"))


@test
def in_the_background_it_waits_for_the_foreground():
    session = outer_shell()
    session.type(f"'{PK}' run --pty sh -c 'echo inside; read line; echo read=$line' & wait\n")
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    session.type("bg; wait\n")
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    session.type("fg\n")
    session.screen.until("inside\r\n")
    session.type("words\n")
    session.screen.until("read=words\r\n")
    session.screen.until("outer> ")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


@test
def a_hangup_ends_the_tree():
    session = Session(lambda fifo: [PK, "run", "--pty", ADVERSARY, "--report", fifo, "wide", "2"])
    pidfds = [os.pidfd_open(int(line.split()[0])) for line in session.report.until("ready\n").splitlines()]
    os.close(session.master)
    equal(os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1]), -signal.SIGHUP)
    for pidfd in pidfds:
        equal(select.select([pidfd], [], [], PATIENCE)[0], [pidfd], "dead")
        os.close(pidfd)
    session.close()


@test
def with_a_stdin_of_its_own_the_keys_are_for_others():
    session = outer_shell()
    before = settings(session)
    script = "trap 'echo going' CONT; test -t 1; echo terminal=$?; sleep 60 & wait; wait"
    run_in(session, "-k", "100ms", "--stdin", "/dev/null", "sh", "-c", script)
    session.screen.until("terminal=0\r\n")
    equal(settings(session), before, "settings")
    session.type("\x1a")
    session.screen.until("Stopped")
    session.screen.until("outer> ")
    session.type("fg\n")
    session.screen.until("going\r\n")
    session.type("\x03")
    session.screen.until("outer> ")
    session.type("echo status=$?\n")
    session.screen.until("status=130\r\n")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


# ---- Without one -----------------------------------------------------------------------------------------------------


@test
def an_end_of_input_is_passed_on():
    for text, output in ((b"", b""), (b"line\n", b"line\r\n"), (b"begun", b"begun")):
        result = forwarded("--", "cat", stdin=None, input=text)
        equal((result.returncode, result.stdout, result.stderr), (0, output, b""), text)


@test
def much_goes_through_in_both_directions():
    lines = "".join(f"{i}\n" for i in range(100000)).encode()
    result = forwarded("--", "sh", "-c", "stty -onlcr; cat", stdin=None, input=lines)
    equal(result.stdout == lines, True, "the same")
    equal(result.returncode, 0)


@test
def its_size_is_the_usual_one_then():
    equal(forwarded("--", "sh", "-c", "stty size").stdout, b"24 80\r\n")


@test
def options_come_after_the_terminal_whatever_their_order():
    for words in (["--stdout", "/dev/null"], ["--stderr", "/dev/null"]):
        kept = b"err\r\n" if words[0] == "--stdout" else b"out\r\n"
        script = ["sh", "-c", "echo out; echo err >&2; test -t 0"]
        for order in (["--pty", *words], [*words, "--pty"]):
            result = subprocess.run([PK, "run", *order, *script], stdin=subprocess.DEVNULL, capture_output=True,
                                    timeout=PATIENCE)
            equal((result.returncode, result.stdout, result.stderr), (0, kept, b""), order)


@test
def what_makes_no_sense_is_refused():
    files = [word for name in ("stdin", "stdout", "stderr") for word in (f"--{name}", "/dev/null")]
    for words in (files, ["--detach", "pk-test-pty"]):
        result = forwarded(*words, "true")
        equal((result.returncode, result.stdout, result.stderr.count(b"\n")), (125, b"", 1), result.stderr)


@test
def who_reads_no_more_ends_the_program():
    script = '"$0" run --pty -- yes </dev/null | head -n 1; echo "${PIPESTATUS[@]}"'
    result = subprocess.run(["/bin/bash", "-c", script, PK], capture_output=True, timeout=PATIENCE)
    equal((result.stdout, result.stderr), (b"y\r\n141 0\n", b""))


@test
def a_full_disk_ends_the_program():
    with open("/dev/full", "wb") as full:
        result = subprocess.run([PK, "run", "--pty", "--", "yes"], stdin=subprocess.DEVNULL, stdout=full,
                                stderr=subprocess.PIPE, timeout=PATIENCE)
    equal(result.returncode, 125)
    equal(result.stderr, b"pk: cannot write to stdout: No space left on device\n")


@test
def who_is_slow_gets_it_all():
    reader, writer = os.pipe()
    process = subprocess.Popen([PK, "run", "--pty", "--", "sh", "-c", "stty -onlcr; seq 30000; echo end >&2"],
                               stdin=subprocess.DEVNULL, stdout=writer)
    os.close(writer)
    equal(fcntl.fcntl(reader, fcntl.F_GETFL) & os.O_NONBLOCK, 0)
    text = b""
    while piece := os.read(reader, 777):
        text += piece
    equal(text == "".join(f"{i}\n" for i in range(1, 30001)).encode() + b"end\n", True, "the same")
    equal(process.wait(PATIENCE), 0)
    os.close(reader)


@test
def who_reads_nothing_does_not_delay_a_deadline():
    reader, writer = os.pipe()
    process = subprocess.Popen([PK, "run", "--pty", "-t", "300ms", "--", "yes"], stdin=subprocess.DEVNULL,
                               stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    begin = time.monotonic()
    equal(process.wait(PATIENCE), 124)
    equal(time.monotonic() - begin < 5, True, "in time")
    os.close(reader)


@test
def who_was_spared_and_holds_the_terminal_delays_nothing():
    result = forwarded("--leftovers", "allow", "-q", "--", "sh", "-c",
                       "trap '' HUP; sleep 60 & echo $!; echo last", start_new_session=True)
    pid, last = result.stdout.split()
    os.kill(int(pid), signal.SIGKILL)
    equal((last, result.returncode), (b"last", 0))


@test
def descriptors_that_are_shared_stay_blocking():
    script = '"$0" run --pty -- true; "$1" describe'
    process = subprocess.run(["/bin/sh", "-c", script, PK, ADVERSARY], stdin=subprocess.PIPE, capture_output=True,
                             timeout=PATIENCE)
    flags = [line for line in process.stdout.splitlines() if line.startswith(b"flags.")]
    equal(flags, [b"flags.0=read", b"flags.1=write", b"flags.2=write"])


def start_at_closed_terminal(*words):
    """At one that it has been given, and cannot open."""
    master, terminal = os.openpty()
    os.fchown(terminal, 65534, -1)
    os.fchmod(terminal, 0o600)
    blind = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    process = subprocess.Popen([*blind, PK, "run", "--pty", *words], stdin=subprocess.DEVNULL, stdout=terminal,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    os.close(terminal)
    return process, master


@test
def a_terminal_that_cannot_be_opened_gets_it_all():
    if os.geteuid() != 0:
        return
    process, master = start_at_closed_terminal("seq", "5000")
    expected = "".join(f"{i}\r\n" for i in range(1, 5001)).encode()
    text = b""
    while len(text) < len(expected):
        text += os.read(master, 4096)
    equal(text == expected, True, "the same")
    equal(process.wait(PATIENCE), 0)
    os.close(master)


@test
def a_terminal_that_cannot_be_opened_does_not_delay_a_deadline():
    if os.geteuid() != 0:
        return
    process, master = start_at_closed_terminal("-t", "300ms", "yes")
    equal(process.wait(PATIENCE), 124)
    os.close(master)


@test
def a_pager_pages():
    pager = "less" if shutil.which("less") else "more"
    for options in ("--stdin /dev/null -- seq 100000", "-- seq 100000 </dev/null"):
        command = f"'{PK}' run --pty {options} | {pager}; echo done"
        session = Session(lambda fifo: ["/bin/sh", "-c", command])
        session.screen.until("\n20")
        session.type("q")
        session.screen.until("done")
        equal(session.status(), 0)
        session.close()


sys.exit(run())
