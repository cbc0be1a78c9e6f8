#!/usr/bin/python3
"""pk batch at a terminal: what is drawn, as a transcript, what is left on the screen, Ctrl-C once and twice, Ctrl-Z.

Items read a line from a FIFO: each step of the transcript is one that the test has let happen.
"""

import fcntl
import os
import re
import signal
import struct
import sys
import tempfile
import termios
import time

from harness import equal, run, test
from session import Session

PK = os.environ["PK_COMMAND"]
ADVERSARY = os.environ["PK_ADVERSARY"]

# What three items draw, two at once, the second of which fails. Rates and times left are not always the same.
TRANSCRIPT = """\
[.......................] 0/3 done, 0 failed, 2 running
<erased>
from one
[#######................] 1/3 done, 0 failed, 2 running, RATE, ETA TIME
<erased>
pk: item 2 (two): sh exited with 7
[###############........] 2/3 done, 1 failed, 1 running, RATE, ETA TIME
<erased>
from three
pk: 2 succeeded, 1 failed, 0 stopped; WALL, CPU TIME
"""


class Screen:
    """As much of a terminal as a line that is redrawn needs."""

    def __init__(self):
        self.lines = [""]
        self.column = 0

    def show(self, text):
        for piece in re.findall(r"\x1b\[K|\r|\n|[^\x1b\r\n]+|.", text):
            line = self.lines[-1]
            if piece == "\x1b[K":
                self.lines[-1] = line[:self.column]
            elif piece == "\r":
                self.column = 0
            elif piece == "\n":
                self.lines.append("")
            else:
                equal("\x1b" in piece, False, "another escape")
                self.lines[-1] = line[:self.column].ljust(self.column) + piece + line[self.column + len(piece):]
                self.column += len(piece)
        return self


def steps(text):
    """A transcript of what was written: one line for each drawing that is another, each erasure, each line."""
    text = text.replace("\r\n", "\n")
    text = re.sub(r"\r\x1b\[K", "<erased>\n", text)
    text = re.sub(r"\r([^\r\n\x1b]*)\x1b\[K", r"\1\n", text)
    text = re.sub(r"[\d.]+/s", "RATE", text)
    text = re.sub(r"ETA \w+", "ETA TIME", text)
    text = re.sub(r"; [\d.]+\w+, CPU [\d.]+\w+", "; WALL, CPU TIME", text)
    lines = []
    for line in text.splitlines():
        if not lines or line != lines[-1]:
            lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def words_file(directory, words):
    path = os.path.join(directory, "words")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{word}\n" for word in words)
    return path


def session(options, words, command, columns=80, term="xterm"):
    """pk at a terminal of this width; the words come from a file, and {FIFO} is that of its report."""
    directory = tempfile.TemporaryDirectory()
    path = words_file(directory.name, words)

    def make(fifo):
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        return ["/usr/bin/env", f"TERM={term}", PK, "batch", "-a", path, *options,
                *[word.replace("{FIFO}", fifo) for word in command]]

    result = Session(make)
    result.words = directory
    return result


def read_all(terminal):
    """All that is written until nobody has the terminal any more."""
    text = terminal.seen
    while True:
        try:
            piece = os.read(terminal.master, 4096)
        except OSError:
            return text
        if not piece:
            return text
        text += piece.decode()


def until(terminal, words):
    """Keeps everything that was written up to there."""
    terminal.seen += terminal.screen.until(words) + words


@test
def progress_is_drawn_and_erased():
    with tempfile.TemporaryDirectory() as directory:
        for name in ("one", "two", "three"):
            os.mkfifo(os.path.join(directory, name))
        script = 'read line <"$1/$0"; [ "$line" != fail ] || exit 7; echo "from $0"'
        terminal = session(["-j2"], ["one", "two", "three"], ["sh", "-c", script, "{}", directory])
        terminal.seen = ""
        until(terminal, "0/3 done, 0 failed, 2 running")
        for name, line, drawn in (("one", "go", "1/3 done, 0 failed, 2 running"),
                                  ("two", "fail", "2/3 done, 1 failed, 1 running"), ("three", "go", "CPU")):
            with open(os.path.join(directory, name), "w", encoding="ascii") as fifo:
                fifo.write(line + "\n")
            until(terminal, drawn)
        terminal.seen += terminal.screen.text
        text = read_all(terminal)
        equal(terminal.status(), 1)
        equal(steps(text), TRANSCRIPT)
        left = [line for line in Screen().show(text).lines if line]
        equal(left[:-1], ["from one", "pk: item 2 (two): sh exited with 7", "from three"])
        equal(left[-1].startswith("pk: 2 succeeded, 1 failed, 0 stopped; "), True, left)
        terminal.close()


def finish(terminal):
    """The status, and what is left on the screen."""
    terminal.seen = terminal.screen.text
    text = read_all(terminal)
    status = terminal.status()
    terminal.close()
    return status, text, [line for line in Screen().show(text).lines if line]


@test
def drawings_are_few():
    """At most ten in a second, whatever happens."""
    begin = time.monotonic()
    status, text, left = finish(session(["-q"], range(500), ["true"]))
    equal((status, left), (0, []))
    drawn, seconds = text.count("done,"), time.monotonic() - begin
    equal(1 <= drawn <= 10 * seconds + 1, True, f"{drawn} drawings in {seconds} s")


@test
def output_without_an_end_of_line_is_not_erased():
    status, _, left = finish(session(["-q", "-j1"], ["a", "b"], ["sh", "-c", 'printf %s "$0"; sleep 0.3']))
    equal((status, "".join(left)), (0, "ab"))


@test
def a_narrow_terminal_gets_a_part_of_it():
    status, text, left = finish(session(["-q", "-j1"], ["a", "b"], ["sh", "-c", "sleep 0.3; : {}"], columns=20))
    equal((status, left), (0, []))
    widths = [len(line) for line in re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", text)]
    equal(max(widths), 19)


@test
def nothing_is_drawn_where_it_is_not_wanted():
    for options, term in ((["--progress", "never"], "xterm"), ([], "dumb"), ([], "")):
        status, text, _ = finish(session(["-q", "-j1", *options], ["a"], ["sh", "-c", "sleep 0.3; echo {}"], term=term))
        equal((status, text), (0, "a\r\n"))


@test
def lines_are_drawn_where_there_is_no_terminal():
    status, text, _ = finish(session(["-q", "-j1", "--progress", "always"], ["a"], ["sh", "-c", "sleep 1.5; : {}"],
                                     term="dumb"))
    equal((status, set(text.splitlines())), (0, {"pk: 0/1 done, 0 failed, 1 running"}))


# ---- Keys ------------------------------------------------------------------------------------------------------------


def interrupted(times, grace):
    script = 'exec "$0" --report "$1" catch INT -- hold'
    terminal = session(["-j2", "-k", grace, "--progress", "never"], ["a", "b", "c"],
                       ["sh", "-c", script, ADVERSARY, "{FIFO}", "{}"])
    lines = "".join(terminal.report.until("ready\n") for _ in range(2)).splitlines()
    pidfds = [os.pidfd_open(int(line.split()[0])) for line in lines]
    equal(len(pidfds), 2)
    terminal.type("\x03")
    for _ in range(2):
        terminal.report.until("got INT\n")
    if times == 2:
        terminal.type("\x03")
    status, text, _ = finish(terminal)
    equal(status, -signal.SIGINT)
    equal("0 succeeded, 0 failed, 2 stopped" in text, True, text)
    for pidfd in pidfds:
        try:
            signal.pidfd_send_signal(pidfd, 0)
            raise AssertionError("an item lives")
        except ProcessLookupError:
            os.close(pidfd)


@test
def ctrl_c_once_stops_gracefully():
    interrupted(1, "300ms")


@test
def ctrl_c_twice_kills():
    interrupted(2, "1h")


@test
def ctrl_z_stops_it_and_fg_goes_on():
    with tempfile.TemporaryDirectory() as directory:
        path = words_file(directory, ["a", "b"])
        gate = os.path.join(directory, "gate")
        os.mkfifo(gate)
        shell = Session(lambda fifo: ["/bin/bash", "--norc", "--noprofile", "-i"])
        shell.type("PS1='ready''> '; stty -echo; TERM=xterm\n")
        shell.screen.until("ready> ")
        shell.type(f"'{PK}' batch -j1 -a '{path}' sh -c 'read line <\"$1\"; echo \"got $line $0\"' {{}} '{gate}'\n")
        shell.screen.until("1 running")
        shell.type("\x1a")
        shell.screen.until("Stopped")
        shell.screen.until("ready> ")
        shell.type("fg; echo status=$?\n")
        shell.screen.until("1 running")
        for word in "ab":
            with open(gate, "w", encoding="ascii") as fifo:
                fifo.write("it\n")
            shell.screen.until(f"got it {word}")
        shell.screen.until("status=0")
        shell.screen.until("ready> ")
        shell.type("exit\n")
        equal(shell.status(), 0)
        shell.close()


sys.exit(run())
