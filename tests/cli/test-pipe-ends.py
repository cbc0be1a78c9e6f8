#!/usr/bin/python3
"""How pk pipe ends: the rule of pk-pipe(1), for all outcomes of three stages; and signals, terminals and the end of pk."""

import concurrent.futures
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys

from command import ADVERSARY, PATIENCE, PK, Standing, pk
from harness import equal, run, test
from session import Session, shell, stop_and_copy_on

MANUAL = pathlib.Path(__file__).resolve().parents[2] / "man" / "pk-pipe.1.scd"

# ---- The rule --------------------------------------------------------------------------------------------------------

# What a stage does when it has read all of its input: exits with a code, dies by a signal, or goes on until it is ended.
LATE = "late"


def fate(outcome, unchecked, last):
    """Of a stage that nobody ended."""
    if outcome == LATE:
        return "failed"
    if outcome == 0 or unchecked:
        return "clean"
    return "cut off" if outcome == -signal.SIGPIPE and not last else "failed"


def judge(outcomes, unchecked):
    """How pk ends, and the culprit's number or None. Stages end from the left to the right, and who is late at last."""
    count = len(outcomes)
    fates = [fate(outcome, i in unchecked, i + 1 == count) for i, outcome in enumerate(outcomes)]
    if any(fate == "failed" and outcome != LATE for fate, outcome in zip(fates, outcomes)):
        fates = ["torn down" if outcome == LATE else fate for fate, outcome in zip(fates, outcomes)]
    for kind in ("failed", "cut off"):
        if kind in fates:
            culprit = fates.index(kind)
            return 124 if outcomes[culprit] == LATE else outcomes[culprit], culprit + 1
    return 0, None


def act(outcome):
    if outcome == LATE:
        return ["close", "1", "--", "hold"]
    return ["die", str(-outcome)] if outcome < 0 else ["exit", str(outcome)]


def found(outcomes, unchecked):
    """What pk makes of it. Who is late is ended by another's failure, or else by the deadline."""
    torn_down = any(fate(outcome, i in unchecked, i + 1 == len(outcomes)) == "failed" and outcome != LATE
                    for i, outcome in enumerate(outcomes))
    words = ["--stats", "--settle", "30ms", "--timeout", "150ms" if LATE in outcomes and not torn_down else "40s"]
    for i in unchecked:
        words += ["--unchecked", str(i + 1)]
    for i, outcome in enumerate(outcomes):
        words += ["::"] if i else ["--"]
        words += [ADVERSARY, "count", "--", *act(outcome)]
    result = pk("pipe", *words)
    culprit = re.search(rb"^  culprit    (?:none|stage (\d) \(adversary\))$", result.stderr, re.MULTILINE)
    return result.returncode, int(culprit.group(1)) if culprit.group(1) else None


def check_all(cases):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for case, end in zip(cases, pool.map(lambda case: found(*case), cases)):
            rule = judge(*case)
            if rule[0] == 124:  # with more than one that is late, who of them was noticed first does not matter
                end, rule = end[:1], rule[:1]
            equal(end, rule, case)


@test
def all_outcomes_of_three_stages_end_by_the_rule():
    kinds = (0, 3, -signal.SIGKILL, -signal.SIGPIPE, LATE)
    check_all([(outcomes, unchecked) for outcomes in itertools.product(kinds, repeat=3)
               for unchecked in ((), (0,), (1,), (2,))])


def read_outcome(text):
    """As the manual has it; in brackets: unchecked."""
    word = text.strip("[]")
    number = -getattr(signal, "SIG" + word) if word.isupper() else LATE if word == LATE else int(word)
    return number, text.startswith("[")


@test
def the_table_in_the_manual_is_the_rule():
    rows = re.findall(r"^\|  (\S+)\n:  (\S+)\n:  (\S+)\n:  (\S+)\n:  (\S+)$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    cases = []
    for *stages, status, culprit in rows:
        read = [read_outcome(stage) for stage in stages]
        case = tuple(outcome for outcome, _ in read), tuple(i for i, (_, unchecked) in enumerate(read) if unchecked)
        equal((read_outcome(status)[0], {"none": None, "first": 1, "second": 2, "third": 3}[culprit]), judge(*case), case)
        cases.append(case)
    equal(len(cases) > 20, True, "rows in the manual")
    check_all(cases)


# ---- What the rule does not tell -------------------------------------------------------------------------------------


@test
def a_failure_ends_a_silent_producer_at_once():
    """There is no deadline: who would wait for it would wait for ever."""
    equal(pk("pipe", "--settle", "forever", ADVERSARY, "hold", "::", "sh", "-c", "exit 3").returncode, 3)


@test
def who_comes_after_a_failure_may_finish():
    result = pk("pipe", "--settle", "forever", "sh", "-c", "echo x; exit 3", "::", ADVERSARY, "read-slowly", "1", "50", "--",
                "print", "done")
    equal((result.returncode, result.stdout), (3, b"done\n"))
    for settle in ("0", "1ms"):
        equal(pk("pipe", "--settle", settle, "sh", "-c", "exit 3", "::", ADVERSARY, "hold").returncode, 3)


@test
def every_exit_code_and_signal_is_passed_on():
    for code in (1, 2, 124, 125, 126, 127, 128, 255):
        equal(pk("pipe", "cat", "::", "sh", "-c", f"exit {code}").returncode, code)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGABRT, signal.SIGUSR1, signal.SIGTERM):
        equal(pk("pipe", ADVERSARY, "die", str(int(number)), "::", "cat").returncode, -number)


# ---- Signals to pk ---------------------------------------------------------------------------------------------------


class Running(Standing):
    """Two stages that stand."""

    def __init__(self, one, other, options=()):
        super().__init__(lambda first, second: [PK, "pipe", *options, "--", ADVERSARY, "--report", first, *one.split(), "::",
                                                ADVERSARY, "--report", second, *other.split()], 2)


@test
def a_signal_ends_all_trees_and_then_pk():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        running = Running("wide 3", "tree 5")
        running.process.send_signal(number)
        equal(running.end(), -number, number)
        equal(running.text, b"")


@test
def a_stage_that_obeys_does_not_hide_one_that_was_killed():
    running = Running("catch-exit TERM 0", "hold")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)
    running = Running("catch-exit TERM 0", "catch-exit TERM 0")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), 0)
    running = Running("catch-exit TERM 9", "hold")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), 9)


@test
def stubborn_trees_are_killed_after_the_grace():
    running = Running("ignore TERM -- wide 2", "ignore TERM -- wide 2", options=["-k", "100ms"])
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def the_second_signal_kills():
    running = Running("catch TERM -- hold", "catch TERM -- hold", options=["-k", "1h"])
    running.process.send_signal(signal.SIGTERM)
    for report in running.reports:
        report.wait_for("got TERM")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def the_soft_signal_can_be_chosen():
    running = Running("catch USR1 -- hold", "catch USR1 -- hold", options=["-s", "USR1", "-k", "100ms", "-t", "100ms"])
    for report in running.reports:
        report.wait_for("got USR1")
    equal(running.end(), 124)


@test
def other_signals_go_to_all_leaders():
    running = Running("catch USR1,WINCH -- hold", "catch USR1,WINCH -- hold")
    for name in ("USR1", "WINCH"):
        running.process.send_signal(getattr(signal, "SIG" + name))
        for report in running.reports:
            report.wait_for("got " + name)
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def nothing_outlives_pk():
    for mechanism in ("auto", "reaper"):
        running = Running("ignore TERM,HUP -- tree 5", "setsid -- tree 5", options=["--mechanism", mechanism])
        running.process.kill()
        equal(running.end(), -signal.SIGKILL)


@test
def ignored_signals_stay_ignored():
    result = subprocess.run([PK, "pipe", "grep", "SigIgn", "/proc/self/status", "::", "sh", "-c",
                             "cat; exec grep SigIgn /proc/self/status"], capture_output=True, timeout=PATIENCE,
                            preexec_fn=lambda: (signal.signal(signal.SIGHUP, signal.SIG_IGN),
                                                signal.signal(signal.SIGPIPE, signal.SIG_DFL),
                                                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)))
    equal([int(word, 16) for word in result.stdout.split()[1::2]], [1 << (signal.SIGHUP - 1)] * 2)


# ---- At a terminal ---------------------------------------------------------------------------------------------------


@test
def ctrl_c_reaches_all_stages_once():
    stage = f"'{ADVERSARY}' --report \"$1\" catch INT,USR1 -- hold"
    session = Session(lambda fifo: ["/bin/sh", "-c", f"exec '{PK}' pipe -k 1h {stage} :: {stage}", "sh", fifo])
    for _ in range(2):
        session.report.until("ready\n")
    os.kill(session.pid, signal.SIGUSR1)  # what comes after that finds pk past the start, when nobody knows who has it
    for _ in range(2):
        session.report.until("got USR1\n")
    session.type("\x03")
    for _ in range(2):
        session.report.until("got INT\n")
    os.kill(session.pid, signal.SIGUSR1)  # what comes after that was sent after it
    said = session.report.until("got USR1\n") + session.report.until("got USR1\n")
    equal("INT" in said, False, "a second SIGINT")
    session.type("\x03")
    equal(session.status(), -signal.SIGINT)
    session.close()


def stop_and_go_on(options):
    session = shell()
    stop_and_copy_on(session, f"'{PK}' pipe {options} cat :: cat :: cat")
    session.type(f"'{PK}' pipe {options} cat :: sh -c 'read one; echo $one; read other; exit 3'\n")
    session.type("standing\n")
    session.screen.until("standing")
    session.type("\x1a")
    session.screen.until("Stopped")
    session.screen.until("ready> ")
    session.type("fg; echo status=$?\n")
    session.type("enough\n")
    session.screen.until("status=3")
    session.screen.until("ready> ")
    session.type("exit\n")
    equal(session.status(), 0)
    session.close()


@test
def ctrl_z_stops_all_stages_and_pk():
    stop_and_go_on("")


@test
def ctrl_z_stops_those_below_a_reaper():
    stop_and_go_on("--mechanism reaper")


@test
def one_stopped_stage_does_not_stop_pk():
    """As a shell has it: the pipeline has stopped when all that are left of it have."""
    running = Running("catch USR1 -- hold", "catch USR1 -- hold")
    os.kill(running.reports[1].pids[0], signal.SIGSTOP)
    running.process.send_signal(signal.SIGUSR1)
    running.wait_for("got USR1")
    os.kill(running.reports[0].pids[0], signal.SIGSTOP)
    equal(os.WIFSTOPPED(os.waitpid(running.process.pid, os.WUNTRACED)[1]), True)
    running.process.send_signal(signal.SIGCONT)
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def a_terminal_that_was_taken_is_given_back():
    script = ('"$0" pipe true :: "$1" child -- setpgid -- steal-terminal -- exit 0; echo status=$?; '
              'read line; echo "read=$line"')
    session = Session(lambda fifo: ["/bin/sh", "-c", script, PK, ADVERSARY])
    session.screen.until("status=0")
    session.type("words\n")
    session.screen.until("read=words")
    equal(session.status(), 0)
    session.close()


sys.exit(run())
