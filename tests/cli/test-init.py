#!/usr/bin/python3
"""pk init: how it ends, whom it waits for, and whom it ends, as process 1 and as an ordinary process."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from command import ADVERSARY, PATIENCE, PK, pk, refused
from first import (WAYS, Init, children, died, each_way, mechanisms, namespace, stat, standing, until, words_before,
                   zombies)
from harness import Missing, equal, program, run, test

PYTHON = sys.executable


def init(way, *words, **options):
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": PATIENCE, "check": False} | options
    return subprocess.run([*words_before(way), PK, "init", *words], **options)


# ---- How it ends -----------------------------------------------------------------------------------------------------

@each_way
def it_exits_as_the_program_did(way):
    codes = range(256) if way == "ordinary" else (0, 1, 2, 7, 63, 64, 123, *range(124, 132), 137, 143, 200, 254, 255)
    for code in codes:
        equal(init(way, ADVERSARY, "exit", str(code)).returncode, code)


@each_way
def it_ends_by_the_signal_of_the_program(way):
    for name in ("HUP", "INT", "QUIT", "ILL", "ABRT", "KILL", "USR1", "SEGV", "PIPE", "ALRM", "TERM", "SYS"):
        number = signal.Signals[f"SIG{name}"]
        equal(init(way, ADVERSARY, "die", name).returncode, died(way, number), name)


@each_way
def each_mechanism_ends_so(way):
    for mechanism in mechanisms():
        equal(init(way, "-q", "--mechanism", mechanism, ADVERSARY, "exit", "9").returncode, 9, mechanism)
        equal(init(way, "-q", "--mechanism", mechanism, ADVERSARY, "die", "KILL").returncode, died(way, 9), mechanism)


@each_way
def a_deadline_is_one(way):
    equal(init(way, "-t", "50ms", "-k", "50ms", ADVERSARY, "ignore", "TERM", "--", "child", "--", "hold").returncode, 124)


@each_way
def what_cannot_be_run_is_told(way):
    for program, status, words in (("/no/such/program", 127, b"/no/such/program"), ("no-such-program", 127, b"PATH"),
                                   ("/etc/passwd", 126, b"/etc/passwd"), ("/", 126, b"cannot")):
        result = init(way, program, env={"PATH": "/usr/bin:/bin"})  # another one may have what nobody may look into
        equal(result.returncode, status, program)
        equal(result.stderr.count(b"\n"), 1, result.stderr)
        equal(words in result.stderr, True, result.stderr)


@test
def wrong_usage_is_refused():
    refused(["init"], 125, "the program is missing (see pk init --help)")
    refused(["init", "--"], 125, "the program is missing")
    refused(["init", "--frob", "true"], 125, "--frob: unknown option")
    refused(["init", "--leftovers", "allow", "true"], 125, "--leftovers: unknown option")
    refused(["init", "-t", "0", "true"], 125, "leaves no time at all")
    equal(pk("init", "--help").returncode, 0)


# ---- Orphans ---------------------------------------------------------------------------------------------------------

# Makes orphans as fast as it can, in four processes, of which half are in sessions of their own: what contains by process
# groups does not contain those. Some orphans end before their parent does, some after.
MAKER = """
make='i=0; while [ $i -lt '$(($1 / 4))' ]; do (: &); i=$((i + 1)); done'
for before in '' '' setsid setsid; do
    $before sh -c "$make" &
done
wait
echo made >"$2"
read line
exit 5
"""


def orphans(way, mechanism, count):
    """The most zombies that were seen while they were made, after proof that none is left."""
    most = 0
    words = [program("sh"), "-c", MAKER, program("setsid"), str(count)]
    with Init(way, ["-q", "--mechanism", mechanism], lambda fifo: [*words, fifo], stdin=subprocess.PIPE) as one:
        until(lambda: way == "ordinary" or children(one.process.pid), "there")
        pid = one.pid
        os.set_blocking(one.report.fd, False)
        end = time.monotonic() + PATIENCE * 3
        while time.monotonic() < end:
            most = max(most, len(zombies(pid)))
            if "made" in one.rest():
                break
            time.sleep(0.05)
        else:
            raise AssertionError("they were not made")
        until(lambda: not zombies(pid), "without zombies")
        one.process.stdin.close()
        one.ends(5, f"{way}, {mechanism}")
    return most


@each_way
def thousands_of_orphans_are_waited_for(way):
    """The machine has something else to do meanwhile."""
    with subprocess.Popen([ADVERSARY, "burn", "1", "600000"], stdout=subprocess.DEVNULL) as load:
        begin = time.monotonic()
        most = orphans(way, "auto", 10000)
        print(f"# {way}: {most} zombies at most, {time.monotonic() - begin:.1f} s")
        load.kill()
    equal(most < 1000, True, f"{most} zombies at once")


@each_way
def with_each_mechanism_they_are(way):
    for mechanism in mechanisms():
        orphans(way, mechanism, 400)


# The leader's child sees it end, and makes orphans then.
LATE_MAKER = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
leader = os.getpid()
if os.fork():
    os._exit(3)
while os.getppid() == leader:
    time.sleep(0.001)
for one in range(200):
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            if one % 2:
                os.setsid()
            os._exit(0)
        os._exit(0)
    os.waitpid(child, 0)
with open(sys.argv[1], "w") as report:
    report.write("made\\n")
time.sleep(1000)
"""


@each_way
def a_leader_that_is_kept_hides_none(way):
    """Its number may stand for its process group until that is empty, so it stays a zombie, older than all others."""
    for mechanism in mechanisms():
        with Init(way, ["-q", "-k", "100s", "--mechanism", mechanism],
                  lambda fifo: [PYTHON, "-c", LATE_MAKER, fifo]) as one:
            one.report.until("made\n")
            pid = one.pid
            until(lambda: len(zombies(pid)) <= 1, f"without zombies ({mechanism})")
            if mechanism == "process_group":
                equal(len(zombies(pid)), 1, "the leader is the library's to wait for")
            one.insist(signal.SIGTERM)
            one.ends(3, f"{way}, {mechanism}")


@test
def children_from_before_are_waited_for():
    """A shell that becomes pk has some."""
    script = '(exit 1) & sleep 100 & echo $! >"$1"; exec "$0" init sh -c "exit 6"'
    with tempfile.NamedTemporaryFile("r") as file:
        result = subprocess.run(["sh", "-c", script, PK, file.name], check=False, timeout=PATIENCE)
        equal(result.returncode, 6)
        equal(os.path.exists(f"/proc/{file.read().strip()}"), False, "what came from before")


# ---- What is left ----------------------------------------------------------------------------------------------------

@each_way
def what_the_leader_leaves_is_asked_to_end(way):
    for mechanism in mechanisms():
        with standing(way, ["-q", "--mechanism", mechanism], "catch-exit", "TERM", "0", "--", "leave", "8", "--",
                      "hold") as one:
            one.ends(8, mechanism)
            equal(one.rest().count("got TERM"), 1, f"{way}, {mechanism}")


@each_way
def who_does_not_obey_is_killed(way):
    for mechanism in mechanisms():
        with standing(way, ["-q", "-k", "100ms", "--mechanism", mechanism], "ignore", "TERM,HUP,INT", "--", "leave", "8",
                      "--", "wide", "3") as one:
            begin = time.monotonic()
            one.ends(8, mechanism)
            equal(time.monotonic() - begin < 10, True, "in time")


# The last one that a shell has started has become what it was to be.
HOPS = "until tr '\\0' ' ' </proc/$!/cmdline | grep -q ' hop '; do :; done"


@each_way
def a_storm_is_ended(way):
    """Whose processes lose their parents all the time. One that has left what contains it is an orphan of pk."""
    for mechanism in mechanisms():
        words = [program("sh"), "-c", f'{program("setsid")} "$0" hop 600000 & {HOPS}; exit 2', ADVERSARY]
        begin = time.monotonic()
        with Init(way, ["-q", "-k", "100ms", "--mechanism", mechanism], lambda fifo: words) as one:
            one.ends(2, f"{way}, {mechanism}")
        equal(time.monotonic() - begin < 20, True, f"{way}, {mechanism}: in time")
        equal(hopping(), [], f"{way}, {mechanism}: left")


def hopping():
    """Whoever runs that, and was not started by somebody else's tests."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[:2] == [ADVERSARY.encode(), b"hop"]:
            found.append(name)
    return found


def enter(one, *words):
    """Runs something in its namespace that is no child of anybody there, as docker exec does."""
    users = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    return subprocess.Popen([program("nsenter"), f"--target={one.pid}", *users, "--pid", "--mount", *words],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)


@test
def who_came_into_the_namespace_ends_with_it():
    with standing("first", ["-k", "300ms"], "catch-exit", "USR1", "4", "--", "hold") as one:
        obeys = enter(one, "sh", "-c", "trap 'echo obeyed; exit 0' TERM; echo here; while :; do sleep 0.02; done")
        ignores = enter(one, "sh", "-c", "trap '' TERM; echo here; while :; do sleep 0.02; done")
        orphan = enter(one, "sh", "-c", "(sleep 1000 & echo here)")
        for entered in (obeys, ignores, orphan):
            equal(entered.stdout.readline(), b"here\n")
        orphan.wait(timeout=PATIENCE)
        one.send(signal.SIGUSR1)
        equal(obeys.communicate(timeout=PATIENCE)[0], b"obeyed\n", "who obeys")
        ignores.communicate(timeout=PATIENCE)
        one.ends(4)
        orphan.stdout.read()  # its end is that of the orphan
        orphan.stdout.close()


# ---- Bare places -----------------------------------------------------------------------------------------------------

def in_place(before, *options, command=PK):
    """Status and message of what leaves a tree."""
    words = [*before, command, "init", "-q", *options, "sh", "-c", "setsid sleep 1000 & (sleep 1000 &) ; exit 7"]
    result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)
    return result.returncode, result.stderr.decode()


@test
def with_the_proc_of_others():
    """In which a reaper would take strangers for its members."""
    for mechanism in set(mechanisms()) - {"reaper"}:
        equal(in_place(namespace(), "--mechanism", mechanism), (7, ""), mechanism)
    status, message = in_place(namespace(), "--mechanism", "reaper")
    equal((status, "/proc is that of another pid namespace" in message), (125, True), message)


def need_no_proc():
    with open(PK, "rb") as file:
        if re.search(rb"__[at]san_init", file.read()):
            raise Missing("a pk that has no sanitizer, which reads /proc itself")


@test
def without_proc():
    """What cannot be had without is refused by name, and by default something else is had."""
    need_no_proc()
    before = [*namespace("--mount"), "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    for mechanism in ("auto", "process_group"):
        equal(in_place(before, "--mechanism", mechanism), (7, ""), mechanism)
    for mechanism in ("cgroup2", "reaper"):
        status, message = in_place(before, "--mechanism", mechanism)
        equal((status, "/proc" in message), (125, True), message)


@test
def without_proc_nobody_is_left_silently():
    """An ordinary process cannot find who has left what contains it."""
    need_no_proc()
    before = [*namespace("--mount"), "sh", "-c", 'mount -t tmpfs none /proc; "$@"; exit $?', "sh"]
    status, message = in_place(before, "--mechanism", "process_group")
    equal(status, 7, message)
    equal("left running: /proc does not show it" in message, True, message)


@test
def with_nothing_to_write_to():
    before = [*namespace("--mount-proc"), "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh"]
    equal(in_place(before), (7, ""))


@each_way
def with_closed_streams(way):
    """The program finds /dev/null, and nothing of pk's."""
    script = '"$@" <&- >&- 2>&-'
    with tempfile.NamedTemporaryFile("r") as file:
        inner = f'for fd in 0 1 2; do readlink /proc/self/fd/$fd; done >{file.name}.out; exit 3'
        words = ["sh", "-c", script, "sh", *words_before(way), PK, "init", "-v", "sh", "-c", inner]
        result = subprocess.run(words, check=False, timeout=PATIENCE)
        equal(result.returncode, 3)
        with open(f"{file.name}.out", encoding="ascii") as said:
            equal(said.read().splitlines()[::2], ["/dev/null", "/dev/null"])
        os.unlink(f"{file.name}.out")


@test
def for_an_ordinary_user():
    """Who is root in a namespace of users, and who is nobody special in it."""
    if os.geteuid() != 0:
        raise Missing("root, to become an ordinary user")
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    inside = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        copy = shutil.copy(PK, place)
        for words in ([*user], [*user, *inside], [*namespace("--mount-proc"), *user]):
            tried = subprocess.run([*words, "true"], capture_output=True, check=False)
            if tried.returncode:
                raise Missing(tried.stderr.decode().strip())
            equal(in_place(words, command=copy), (7, ""), words)


sys.exit(run())
