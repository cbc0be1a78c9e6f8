#!/usr/bin/python3
"""pk supervise with one command: mistakes, restarts, readiness, signals in each state, how it ends. Files are in
test-supervise-file.py."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from command import ADVERSARY, PATIENCE, PK, Standing, pk, refused
from first import each_way, words_before
from harness import equal, run, test
from session import Reader
from supervised import Supervised

NEVER = ["--restart", "never"]
SOON = ["--first-pause", "1ms", "--most-pause", "1ms"]


def supervise(*arguments, status=0, **options):
    """What it wrote to stdout, and what it said."""
    result = pk("supervise", *arguments, **options)
    equal(result.returncode, status, f"{arguments} {result.stderr}")
    return result.stdout.decode(), result.stderr.decode()


def last_lines(text, *lines):
    equal(text.splitlines()[-len(lines):], list(lines))


# ---- Mistakes --------------------------------------------------------------------------------------------------------

MISTAKES = [
    ([], "the program is missing"),
    (["--no-such"], "--no-such: unknown option"),
    (["--restart", "often", "true"], "--restart: unknown word 'often' (on-failure, always or never)"),
    (["--max-restarts", "-1", "true"], "--max-restarts"),
    (["--burst", "5", "true"], "--burst '5': N/DUR is expected"),
    (["--burst", "65/1s", "true"], "at most 64"),
    (["--burst", "5/0", "true"], "--burst '5/0'"),
    (["--first-pause", "x", "true"], "--first-pause"),
    (["--storm", "5/30s", "true"], "--storm '5/30s': N/DUR/PAUSE is expected"),
    (["--storm", "5/30s/x", "true"], "--storm"),
    (["--ready-port", "0", "true"], "--ready-port"),
    (["--ready-port", "name.example:80", "true"], "name.example"),
    (["--ready-port", "x", "true"], "--ready-port"),
    (["--ready-socket", "", "true"], "--ready-socket: there is nothing in it"),
    (["--ready-socket", "/" + 200 * "x", "true"], "longer than the kernel takes"),
    (["--ready-http", "ftp://x", "true"], "ftp://x"),
    (["--ready-fd", "2", "true"], "--ready-fd"),
    (["--ready-port", "1", "--ready-notify", "true"], "--ready-notify: there is --ready-port already"),
    (["--ready-timeout", "0", "true"], "--ready-timeout: 0 leaves no time at all"),
    (["--alive-interval", "1s", "true"], "--alive-interval is about --alive-port and its like, which was not given"),
    (["--alive-port", "1", "--alive-http", "http://localhost/", "true"], "--alive-http: there is --alive-port already"),
    (["--alive-heartbeat", "/x", "true"], "--alive-heartbeat '/x': DUR:FILE is expected"),
    (["--alive-failures", "0", "--alive-port", "1", "true"], "--alive-failures"),
    (["--watchdog", "0", "true"], "--watchdog: 0 leaves no time at all"),
    (["--name", "a b", "true"], "name"),
    (["--reload-signal", "NONE", "true"], "--reload-signal"),
    (["--log-keep", "3", "true"], "--log-keep is about --log, which was not given"),
    (["--log", "/x", "--stdout", "/y", "true"], "--log and --stdout"),
    (["--leftovers", "allow", "true"], "leftovers"),
    (["--timeout", "0", "true"], "leaves no time at all"),
    (["--memory-max", "0", "true"], "--memory-max"),
    (["--require", "luck", "true"], "--require"),
    (["--events", "-", "true"], "--events: '-' is no file"),
    (["--events", "/no/such/place", "true"], "--events: cannot open /no/such/place"),
    (["--status", "true"], "--status is about the services of a file"),
    (["--stay", "true"], "--stay is about the services of a file"),
    (["--json", "true"], "--json is about the services of a file"),
]


@test
def mistakes_are_one_line():
    for arguments, words in MISTAKES:
        refused(["supervise", *arguments], 125, words)


@test
def programs_that_cannot_be_run_are_given_up():
    refused(["supervise", "/no/such"], 127, "such: is given up: cannot run '/no/such'")
    refused(["supervise", "/etc/passwd"], 126, "passwd: is given up: cannot run '/etc/passwd'")


# ---- How it ends -----------------------------------------------------------------------------------------------------


@test
def it_ends_as_the_last_run_did():
    supervise("true")
    supervise(*NEVER, "sh", "-c", "exit 3", status=3)
    supervise(*NEVER, "sh", "-c", "kill -9 $$", status=-signal.SIGKILL)
    supervise(*NEVER, "--timeout", "50ms", "sleep", "1000", status=124)
    supervise(*NEVER, "--ready-path", "/no/such", "--ready-timeout", "50ms", "sh", "-c",
              "trap 'exit 0' TERM; while :; do sleep 0.01; done", status=1)


@test
def what_is_said_is_a_line_for_each_event():
    equal(supervise("--name", "web", *NEVER, "sh", "-c", "exit 3", status=3)[1],
          "pk: web: is ready\npk: web: exited with 3\npk: web: is over: it has failed: sh exited with 3\n")
    equal(supervise("-q", *NEVER, "sh", "-c", "exit 3", status=3)[1], "")
    text = supervise("-v", "--name", "web", "true")[1]
    for words in ("web: started, pid ", "web, mechanism ", "web: is done: it has succeeded"):
        equal(words in text, True, text)


@test
def stdout_is_that_of_the_program():
    equal(supervise("-q", "sh", "-c", "echo hello; echo there >&2"), ("hello\n", "there\n"))
    equal(supervise("-q", "cat", input=b"not for it"), ("", ""))
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x")
        supervise("-q", "--stdout", path, "--stdin", "/etc/hostname", "cat")
        with open(path, encoding="utf-8") as copy, open("/etc/hostname", encoding="utf-8") as file:
            equal(copy.read(), file.read())


# ---- Again -----------------------------------------------------------------------------------------------------------


class Counter:
    """A program that ends as these say, one after the other, and as the last one from then on."""

    def __init__(self, *codes):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "count")
        cases = "".join(f"{number}) exit {code};; " for number, code in enumerate(codes, 1))
        self.command = ["sh", "-c", f'echo run >>"$0"; case $(wc -l <"$0") in {cases} *) exit {codes[-1]};; esac',
                        self.path]

    def runs(self):
        with open(self.path, encoding="ascii") as file:
            return len(file.readlines())

    def gives(self, arguments, status, runs):
        result = supervise(*SOON, *arguments, *self.command, status=status)[1]
        equal(self.runs(), runs, result)
        return result


@test
def failures_are_started_again():
    Counter(1, 2, 0).gives([], 0, 3)
    Counter(1, 2, 0).gives(["--restart", "on-failure"], 0, 3)
    Counter(1, 0).gives(NEVER, 1, 1)


@test
def restarts_are_counted():
    text = Counter(1, 1, 1, 1, 5).gives(["--max-restarts", "4"], 5, 5)
    last_lines(text, "pk: sh: is given up: it was restarted as often as it may be: sh exited with 5")
    Counter(7).gives(["--max-restarts", "0"], 7, 1)
    Counter(7).gives(["--burst", "2/1h"], 7, 3)
    Counter(0).gives(["--restart", "always", "--max-restarts", "3"], 1, 4)


@test
def storms_make_a_long_pause():
    service = Supervised(*SOON, "--storm", "3/1m/1h", "false")
    while not (event := service.wait("pauses"))["storm"]:
        equal(event["pause_ns"] <= 1000000, True)
    equal(event["incarnation"], 3)
    equal(event["pause_ns"] >= 1800 * 10**9, True, event)
    service.stop()


# ---- Ready -----------------------------------------------------------------------------------------------------------


def is_ready_after(options, *command, **popen):
    """The events before it is ready."""
    service = Supervised(*options, *command, **popen)
    service.wait("ready")
    return service.stop()


@test
def it_is_ready_when_it_says_so():
    is_ready_after(["--ready-fd", "5"], "sh", "-c", "echo >&5; exec sleep 1000")
    ended = is_ready_after(["--ready-line", "now"], "sh", "-c", "echo not yet; echo it is now; exec sleep 1000")
    equal(ended.output, "not yet\nit is now\n")
    ended = is_ready_after(["--ready-stderr-line", "now", "-q"], "sh", "-c", "echo it is now >&2; exec sleep 1000")
    equal(ended.text, "it is now\n")
    say = "import os, socket, time\n" \
          "to = os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1)\n" \
          "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1\\nSTATUS=up', to)\n" \
          "time.sleep(1000)"
    ended = is_ready_after(["--ready-notify"], sys.executable, "-c", say)
    equal([event["text"] for event in ended.events if event["kind"] == "says"], ["up"])


@test
def it_is_ready_when_it_answers():
    with tempfile.TemporaryDirectory() as directory, socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        path = os.path.join(directory, "socket")
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        unix.bind(path)
        unix.listen()
        port = str(tcp.getsockname()[1])
        for options in (["--ready-port", port], ["--ready-port", f"127.0.0.1:{port}"], ["--ready-socket", path],
                        ["--ready-path", path], ["--ready-command", f"test -S {path}; echo not shown"]):
            ended = is_ready_after(options, "sleep", "1000")
            equal(ended.output, "", options)


class Health(http.server.BaseHTTPRequestHandler):
    answers = []

    def do_GET(self):
        self.send_response(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        self.end_headers()

    def log_message(self, *_):
        pass


@test
def pages_are_asked_for():
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/health"
    Health.answers = [500, 503, 200]
    is_ready_after(["--ready-http", url], "sleep", "1000")
    Health.answers = [200, 500]
    service = Supervised(*NEVER, "--alive-http", url, "--alive-interval", "10ms", "--alive-failures", "2", "sleep", "1000")
    service.wait("not-well")
    service.end(-signal.SIGTERM)
    server.shutdown()
    thread.join()
    server.server_close()


@test
def what_is_not_ready_in_time_has_failed():
    ended = Supervised(*SOON, "--max-restarts", "1", "--ready-path", "/no/such", "--ready-timeout", "20ms", "sleep",
                       "1000").end(-signal.SIGTERM)
    equal([kind for kind in ended.kinds() if kind in ("not-ready", "ready", "over")], ["not-ready", "not-ready", "over"])


@test
def what_is_not_well_is_started_again():
    with tempfile.TemporaryDirectory() as directory:
        well = os.path.join(directory, "well")
        command = ["sh", "-c", 'touch "$0"; exec sleep 1000', well]
        service = Supervised(*SOON, "--alive-command", f"test -e {well}", "--alive-interval", "10ms", "--alive-failures",
                             "1", "--ready-path", well, *command)
        first = service.wait("ready")
        os.unlink(well)
        service.wait("not-well")
        equal(service.wait("ready")["pid"] != first["pid"], True)
        service.stop()


# ---- Signals ---------------------------------------------------------------------------------------------------------


@test
def signals_stop_it_in_each_state():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        for kind, arguments in (("started", ["--ready-path", "/no/such", "sleep", "1000"]),
                                ("ready", ["sleep", "1000"]),
                                ("pauses", ["--first-pause", "1h", "--most-pause", "1h", "false"]),
                                ("leader-ended", ["--leftovers", "wait", "sh", "-c", "sleep 1000 & exit 0"])):
            service = Supervised(*arguments)
            if kind != "leader-ended":
                service.wait(kind)
            else:
                service.wait("ready")
            service.signal(number)
            equal(service.end().kinds()[-1], "rests", (number, kind))


@test
def the_second_signal_kills():
    service = Supervised("--grace", "1h", "--ready-line", "now", "sh", "-c",
                         "trap '' TERM; echo now; while :; do sleep 1000; done")
    service.wait("ready")
    service.signal()
    service.wait("stops")
    service.signal()
    ended = service.end()
    equal(ended.events[-2]["result"]["signal"], "KILL")


@test
def sighup_reloads_it():
    service = Supervised("--ready-line", "now", "sh", "-c",
                         "trap 'echo again; exit 0' HUP; echo now; while :; do sleep 0.01; done")
    service.wait("ready")
    service.signal(signal.SIGHUP)
    service.wait("reloads")
    equal(service.end().output, "now\nagain\n")
    service = Supervised("--reload-signal", "none", "sleep", "1000")
    first = service.wait("ready")
    service.signal(signal.SIGHUP)
    equal(service.wait("ready")["pid"] != first["pid"], True)
    equal("pauses" in service.stop().kinds(), False)
    service = Supervised("--first-pause", "1h", "--most-pause", "1h", "false")
    service.wait("pauses")
    service.signal(signal.SIGHUP)
    service.signal(signal.SIGTERM)
    service.end()


@test
def other_signals_are_the_programs():
    service = Supervised("--ready-line", "now", "sh", "-c", "trap 'exit 0' USR1; echo now; while :; do sleep 0.01; done")
    service.wait("ready")
    service.signal(signal.SIGUSR1)
    service.end()


@test
def who_ends_of_the_signal_that_pk_has_got_too_was_stopped():
    for option in ([], ["--init"]):
        for _ in range(20):
            service = Supervised("-q", *option, *NEVER, "sleep", "1000")
            service.wait("ready")
            os.killpg(service.process.pid, signal.SIGINT)
            service.end()


@test
def what_a_terminal_may_send_is_the_programs_if_somebody_sends_it():
    service = Standing(lambda fifo: [PK, "supervise", "-q", ADVERSARY, "--report", fifo, "catch", "WINCH,CONT", "--",
                                     "hold"])
    for number in (signal.SIGWINCH, signal.SIGCONT):
        service.process.send_signal(number)
        service.wait_for(f"got {number.name[3:]}\n")
    service.process.terminate()
    equal(service.end(), 0)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


@test
def it_can_be_stopped_and_continued():
    service = Supervised("sleep", "1000")
    service.wait("ready")
    service.signal(signal.SIGTSTP)
    os.waitid(os.P_PID, service.process.pid, os.WSTOPPED)
    service.signal(signal.SIGTERM)
    equal(state_of(service.process.pid), "T")
    service.signal(signal.SIGCONT)
    service.end()


@test
def ignored_signals_stay_so():
    def ignore():
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)

    result = supervise("-q", "sh", "-c", "grep SigIgn /proc/$$/status", preexec_fn=ignore)[0]
    equal(int(result.split()[1], 16), 1 << signal.SIGQUIT - 1)


# ---- Logs ------------------------------------------------------------------------------------------------------------


@test
def what_it_writes_goes_to_a_log():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "log")
        equal(supervise("-q", "--log", path, "sh", "-c", "echo one; echo two >&2"), ("", ""))
        with open(path, encoding="ascii") as file:
            equal(sorted(line.split()[-1] for line in file), ["one", "two"])
    text = supervise("--log", "/no/such/place", "--max-restarts", "0", "true", status=125)[1]
    equal("/no/such/place" in text, True, text)


@test
def a_log_on_a_full_disk_does_not_stop_it():
    ended = Supervised("--log", "/dev/full", "--ready-line", "three", "sh", "-c",
                       "echo one; echo two; echo three; exec sleep 1000")
    ended.wait("ready")
    equal("log-lost" in ended.stop().kinds(), True)


# ---- As an init ------------------------------------------------------------------------------------------------------

# Leaves an orphan, and exits with 0 once that has come to the parent of this one, has ended and was waited for.
ORPHAN = """
parent=$PPID
(sleep 1000 & echo $! >"$0")
orphan=$(cat "$0")
grep -q "^PPid:.$parent\\$" /proc/$orphan/status || exit 5
kill "$orphan"
while [ -e /proc/$orphan ]; do sleep 0.01; done
"""


@each_way
def orphans_are_waited_for(way):
    option = ["--init"] if way == "ordinary" else []
    with tempfile.TemporaryDirectory() as directory:
        command = [*words_before(way), PK, "supervise", "-q", *option, *NEVER, "sh", "-c", ORPHAN,
                   os.path.join(directory, "orphan")]
        equal(subprocess.run(command, stdin=subprocess.DEVNULL, timeout=PATIENCE).returncode, 0)


@each_way
def an_init_stops_and_is_restarted(way):
    option = ["--init"] if way == "ordinary" else []
    with tempfile.TemporaryDirectory() as directory:
        fifo = os.path.join(directory, "fifo")
        os.mkfifo(fifo)
        keep = os.open(fifo, os.O_RDWR)
        command = [*words_before(way), PK, "supervise", *option, *SOON, "sh", "-c",
                   'echo run >>"$0"; [ -e "$0.x" ] && exec sleep 1000; touch "$0.x"; exit 1', fifo]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            reader = Reader(os.open(fifo, os.O_RDONLY))
            reader.until("run\nrun\n")
            pid = process.pid
            if way == "first":
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                    pid = int(children.read().split()[0])
            os.kill(pid, signal.SIGTERM)
            equal(process.wait(timeout=PATIENCE), 0)
        os.close(reader.fd)
        os.close(keep)


# ---- The end of all --------------------------------------------------------------------------------------------------


def standing(*words, options=()):
    return Standing(lambda path: [PK, "supervise", *options, ADVERSARY, "--report", path, *words])


@test
def nothing_is_left_of_a_tree():
    running = standing("ignore", "TERM", "--", "wide", "3", options=["--grace", "50ms"])
    running.process.terminate()
    equal(running.end(), 0)


@test
def nothing_is_left_when_it_is_killed():
    running = standing("ignore", "TERM", "--", "wide", "3")
    running.process.kill()
    equal(running.end(), -signal.SIGKILL)


sys.exit(run())
