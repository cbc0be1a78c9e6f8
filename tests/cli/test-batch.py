#!/usr/bin/python3
"""pk batch: items, templates, output, options, mistakes. Logs are in test-batch-log.py, terminals in
test-batch-terminal.py."""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

from command import ADVERSARY, PATIENCE, PK, Report, pk, refused
from harness import equal, run, test


def batch(*arguments, words=(), **options):
    options.setdefault("input", "".join(f"{word}\n" for word in words).encode())
    return pk("batch", *arguments, **options)


def gives(arguments, output, status=0, **options):
    """What it says on stderr."""
    result = batch(*arguments, **options)
    equal((result.returncode, result.stdout), (status, output), f"{arguments} {result.stderr}")
    return result.stderr.decode()


def refuses(arguments, words, status=125):
    refused(["batch", *arguments], status, words)


def says(text, *lines):
    """Whether these are the lines, but for the last, the summary."""
    equal(text.splitlines()[:-1], list(lines))


# ---- Items -----------------------------------------------------------------------------------------------------------


@test
def words_are_appended():
    gives(["--keep-order", "echo", "-n", "x"], b"x ax bx c", words="abc")
    gives(["--keep-order", "--", "printf", "[%s]"], b"[a b][$HOME][*][-x]", words=["a b", "$HOME", "*", "-x"])


@test
def placeholders_are_parts_of_the_word():
    template = ["{}", "{.}", "{/}", "{//}", "{/.}"]
    cases = [
        ("a/b.c", "a/b.c", "a/b", "b.c", "a", "b"),
        ("/x/y.tar.gz", "/x/y.tar.gz", "/x/y.tar", "y.tar.gz", "/x", "y.tar"),
        ("plain", "plain", "plain", "plain", ".", "plain"),
        (".bashrc", ".bashrc", ".bashrc", ".bashrc", ".", ".bashrc"),
        ("d.d/x", "d.d/x", "d.d/x", "x", "d.d", "x"),
        ("d/x.", "d/x.", "d/x.", "x.", "d", "x."),
        ("a.b/c//", "a.b/c//", "a.b/c//", "c", "a.b", "c"),
        ("/", "/", "/", "/", "/", "/"),
        ("//a", "//a", "//a", "a", "/", "a"),
        ("", "", "", "", ".", ""),
    ]
    expected = "".join("".join(f"[{part}]" for part in parts) + "\n" for _, *parts in cases)
    gives(["--keep-order", "printf", "[%s][%s][%s][%s][%s]\n", *template], expected.encode(),
          words=[word for word, *_ in cases])


@test
def placeholders_may_be_anywhere():
    gives(["--keep-order", "echo", "{#}", "x{}y{}", "{x}", "{", "{}}"], b"1 xayaa {x} { a}\n".replace(b"yaa", b"ya"),
          words="a")
    gives(["--keep-order", "echo", "number {#}"], b"number 1\nnumber 2\n", words="ab")
    with tempfile.TemporaryDirectory() as directory:
        for name in "ab":
            path = os.path.join(directory, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"#!/bin/sh\necho this is {name}\n")
            os.chmod(path, 0o755)
        gives(["--keep-order", "-C", directory, "./{}"], b"this is a\nthis is b\n", words="ab")


@test
def several_words_are_arguments_of_their_own():
    gives(["-n3", "--keep-order", "echo", "x"], b"x 1 2 3\nx 4 5 6\nx 7\n", words=range(1, 8))
    gives(["-n2", "--keep-order", "echo", "{}", "{#}", "{.}", "n{#}"], b"a.c b.c 1 a b n1\nd 2 d n2\n",
          words=["a.c", "b.c", "d"])
    refuses(["-n2", "echo", "x{.}"], "{.} in 'x{.}'")
    refuses(["-n2", "echo", "{#}{}"], "{} in '{#}{}'")


@test
def words_end_with_lines_or_nul():
    gives(["--keep-order", "printf", "[%s]"], b"[a][][b]", input=b"a\n\nb")
    gives(["--keep-order", "printf", "[%s]"], b"[a\r][ b ]", input=b"a\r\n b \n")
    gives(["--keep-order", "-0", "printf", "[%s]"], b"[a\nb][][c]", input=b"a\nb\0\0c\0")
    gives(["printf", "[%s]"], b"", input=b"")
    gives(["printf", "[%s]"], b"[]", input=b"\n")


@test
def words_may_come_from_a_file():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("a\nb\n")
        file.flush()
        gives(["--keep-order", "-a", file.name, "echo"], b"a\nb\n", input=b"not these\n")
        gives(["--keep-order", "-a", "-", "echo"], b"these\n", input=b"these\n")
    refuses(["-a", "/no/such", "echo"], "cannot open /no/such")
    refuses(["-a", "/", "echo"], "cannot read /: Is a directory")


@test
def items_have_no_stdin():
    gives(["-j1", "sh", "-c", "cat; echo end {}"], b"end a\nend b\n", words="ab")


@test
def a_slow_producer_starts_items_at_once():
    with subprocess.Popen([PK, "batch", "echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        for word in (b"one\n", b"two\n"):
            process.stdin.write(word)
            process.stdin.flush()
            equal(process.stdout.readline(), word)
        process.stdin.write(b"th")
        process.stdin.flush()
        process.stdin.write(b"ree")
        process.stdin.close()
        equal(process.stdout.readline(), b"three\n")
        equal(process.wait(timeout=PATIENCE), 0)


# ---- Bad items -------------------------------------------------------------------------------------------------------


@test
def items_that_cannot_be_run_fail_alone():
    """And pk's messages are safe for a terminal."""
    text = gives(["--keep-order", "echo"], b"a\nb\n", 1, input=b"a\n" + b"x" * 3000000 + b"\nb\n")
    says(text, f"pk: item 2 ({'x' * 63}): a word of it is longer than any argument may be")
    text = gives(["--keep-order", "echo"], b"a\n", 1, input=b"n\0ul\na\n")
    says(text, "pk: item 1 (n): there is a NUL byte in a word of it (see --null)")
    text = gives(["--keep-order", "-n40", "echo"], b"z\n", 1, input=(b"x" * 130000 + b"\n") * 40 + b"z\n")
    equal("and 39 more): cannot run" in text and "Argument list too long" in text, True, text)
    text = gives(["-n1000", "true"], b"", 1, input=(b"x" * 130000 + b"\n") * 100)
    equal("more than any command may have" in text, True, text)
    text = gives(["-0", "sh", "-c", "exit 3"], b"", 1, input=b"a\n\x1b[31m\0")
    says(text, "pk: item 1 (a\\n\\x1b[31m): sh exited with 3")
    text = gives(["{}"], b"", 2, words=["", "/no/such"])
    equal("program's name is empty" in text and "cannot run '/no/such'" in text, True, text)


@test
def a_program_that_is_nowhere_is_told_once():
    path = {**os.environ, "PATH": "/usr/bin:/bin"}
    refused(["batch", "no-such-program"], 127, "not found in PATH", input=b"a\nb\n", env=path)
    refused(["batch", "/etc/passwd"], 126, "/etc/passwd", input=b"a\nb\n")


@test
def mistakes_are_refused_in_one_line():
    refuses([], "the program is missing")
    refuses(["-j0", "true"], "--jobs")
    refuses(["-j", "many", "true"], "--jobs")
    refuses(["-n0", "true"], "--max-args")
    refuses(["--rate", "10", "true"], "--rate '10'")
    refuses(["--rate", "0/1s", "true"], "--rate '0/1s'")
    refuses(["--rate", "1/0s", "true"], "--rate '1/0s'")
    refuses(["--memory-floor", "lots", "true"], "--memory-floor")
    refuses(["--halt", "later", "true"], "--halt: unknown word 'later'")
    refuses(["--progress", "x", "true"], "--progress: unknown word 'x'")
    refuses(["--timeout", "0", "true"], "--timeout")
    refuses(["--item-timeout", "0", "true"], "--item-timeout")
    refuses(["--resume", "true"], "(--log)")
    refuses(["--nonsense", "true"], "--nonsense")
    refuses(["--mechanism", "process_group", "--require", "whole-tree", "true"], "")


# ---- How many at a time ----------------------------------------------------------------------------------------------


@test
def so_many_run_at_once():
    """All of them wait for a reader that comes when so many have said that they are there."""
    with tempfile.TemporaryDirectory() as directory:
        gate = os.path.join(directory, "gate")
        os.mkfifo(gate)
        arrivals = Report()
        script = 'echo here >>"$0"; read line <"$1"'
        with subprocess.Popen([PK, "batch", "-q", "-j3", "sh", "-c", script, arrivals.path, gate, "{}"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            process.stdin.write(b"a\n" * 7)
            process.stdin.close()
            for _ in range(3):
                arrivals.wait_for("here")
            equal(select.select([arrivals.lines], [], [], 0.2)[0], [], "a fourth one runs")
            with open(gate, "w", encoding="ascii") as file:
                for _ in range(4):
                    file.write("go\n")
                    file.flush()
                    arrivals.wait_for("here")
                file.write("go\n" * 3)
                file.flush()
                equal(process.wait(timeout=PATIENCE), 0)
        arrivals.close()


@test
def starts_may_be_spread():
    begin = time.monotonic()
    gives(["-q", "--rate", "100/1s", "-j4", "true"], b"", words=range(20))
    equal(time.monotonic() - begin >= 0.19, True)


@test
def a_floor_or_a_load_holds_up_all_but_one():
    gives(["--memory-floor", "900T", "--load", "1", "-j4", "true"], b"", words="ab")


@test
def a_low_limit_of_descriptors_holds_nothing_up():
    text = gives(["--keep-order", "-j20", "sh", "-c", "ulimit -n"], b"64\n" * 60, words=range(60),
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    says(text, "pk: only 4 at once: pk may not have more than 64 descriptors (ulimit -Hn)")
    gives(["-q", "-j20", "true"], b"", words=range(60),
          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))


@test
def items_have_the_limits_that_pk_was_given():
    gives(["sh", "-c", "ulimit -n; ulimit -Hn; exit 0"], b"99\n300\n", words="a",
          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (99, 300)))
    gives(["--rlimit", "nofile=33", "sh", "-c", "ulimit -n; exit 0"], b"33\n", words="a")


# ---- Output ----------------------------------------------------------------------------------------------------------


@test
def output_is_never_mixed():
    script = 'for i in 1 2 3 4 5; do echo "$0 $i"; echo "$0 $i" >&2; done; printf %s "$0"'
    result = batch("-q", "-j8", "sh", "-c", script, words=range(100))
    equal(result.returncode, 0)
    for text, end in ((result.stdout.decode(), True), (result.stderr.decode(), False)):
        for item in range(100):
            lines = "".join(f"{item} {line}\n" for line in range(1, 6)) + (str(item) if end else "")
            equal(text.count(lines) >= 1, True, f"item {item} in {text[:200]!r}")
        equal(len(text), sum(len(f"{item} 1\n") * 5 + (len(str(item)) if end else 0) for item in range(100)))


def peak(process):
    """The most memory that it has had, in bytes."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@test
def output_is_not_held_in_memory():
    size = 96 << 20
    with subprocess.Popen([PK, "batch", "-q", "-j1", "sh", "-c", f"head -c {size} /dev/zero; exit 0"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"a\nb\n")
        process.stdin.flush()
        total = 0
        while total < 2 * size:
            total += len(process.stdout.read(1 << 20))
        equal((total, peak(process) < size // 3), (2 * size, True), f"{peak(process)} bytes")
        process.stdin.close()
        equal((process.stdout.read(), process.wait(timeout=PATIENCE)), (b"", 0))


@test
def order_is_kept_on_request():
    script = '[ "$0" != 0 ] || while [ ! -e "$1" ]; do :; done; echo "$0"; [ "$0" != 9 ] || : >"$1"'
    with tempfile.TemporaryDirectory() as directory:
        gives(["-q", "-j4", "--keep-order", "sh", "-c", script, "{}", os.path.join(directory, "nine")],
              b"".join(b"%d\n" % i for i in range(10)), words=range(10))


@test
def lines_are_tagged():
    gives(["--keep-order", "--tag", "sh", "-c", 'printf "x\\n\\ny"; echo e >&2; exit 0 "$0"', "{}"],
          b"a\tx\na\t\na\ty\nb\\tc\tx\nb\\tc\t\nb\\tc\ty\n", words=["a", "b\tc"])
    result = batch("-q", "--tag", "sh", "-c", 'echo e >&2; : "$0"', "{}", words=["a"])
    equal(result.stderr, b"a\te\n")
    gives(["--tag", "sh", "-c", f'printf "%070000d\\n" 0; printf "%s\\n" end; : "$0"', "{}"],
          ("1\t" + "0" * 70000 + "\n1\tend\n").encode(), words=["1"])


@test
def a_closed_stdout_ends_it():
    for words in ("Broken pipe", "Bad file descriptor", "No space left on device"):
        reader, writer = os.pipe()
        os.close(reader)
        if words.startswith("No"):
            os.close(writer)
            writer = os.open("/dev/full", os.O_WRONLY)
        script = 'exec "$@" >&-' if words.startswith("Bad") else 'exec "$@"'
        with subprocess.Popen(["sh", "-c", script, "sh", PK, "batch", "echo"], stdin=subprocess.PIPE, stdout=writer,
                              stderr=subprocess.PIPE) as process:
            os.close(writer)
            text = process.communicate(b"a\n" * 1000, timeout=PATIENCE)[1].decode()
            equal((process.returncode, text), (125, f"pk: cannot write to stdout: {words}\n"))


@test
def a_slow_reader_is_waited_for():
    with subprocess.Popen([PK, "batch", "-q", "-j2", "sh", "-c", 'head -c 100000 /dev/zero; : "$0"'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"a\n" * 200)
        process.stdin.close()
        select.select([], [], [], 0.3)  # pk has all to itself meanwhile, and nowhere to put it
        equal(len(process.stdout.read()), 200 * 100000)
        equal(process.wait(timeout=PATIENCE), 0)


@test
def leftovers_that_were_spared_write_to_nobody_elses():
    """The file of an item whose child lives on is not used again: that child writes when the first has been told."""
    script = """case $0 in
                a) (trap "" TERM; read line <"$1"; echo late; echo >"$2") & ;;
                c) echo >"$1"; read line <"$2" ;;
                esac
                echo "$0" """
    with tempfile.TemporaryDirectory() as directory:
        gates = [os.path.join(directory, name) for name in ("go", "gone")]
        for gate in gates:
            os.mkfifo(gate)
        gives(["-q", "-j1", "--leftovers", "allow", "sh", "-c", script, "{}", *gates], b"a\nb\nc\n", words="abc")


# ---- Failures --------------------------------------------------------------------------------------------------------


@test
def the_status_says_how_many_failed():
    gives(["-q", "sh", "-c", 'exit "$0"'], b"", 3, words=[0, 1, 2, 3])
    gives(["-q", "false"], b"", 100, words=range(100))
    gives(["-q", "false"], b"", 101, words=range(101))
    says(gives(["-j1", "sh", "-c", 'kill -9 $$; : "$0"'], b"", 1, words="a"), "pk: item 1 (a): sh killed by SIGKILL")


@test
def a_failure_may_end_it():
    text = gives(["-j1", "--halt", "soon", "sh", "-c", 'echo "$0"; exit "$0"'], b"0\n1\n", 1, words=[0, 1, 0, 0])
    equal("1 succeeded, 1 failed, 0 stopped by the failure" in text, True, text)
    script = '[ "$0" = 0 ] || exit 1; exec sleep 1000'
    text = gives(["-j2", "--halt", "now", "sh", "-c", script], b"", 1, words=[0, 1, 0])
    equal("0 succeeded, 1 failed, 1 stopped by the failure" in text, True, text)
    gives(["-q", "-j1", "--halt", "never", "sh", "-c", 'echo "$0"; exit "$0"'], b"0\n1\n0\n", 1, words=[0, 1, 0])


@test
def deadlines_are_kept():
    text = gives(["-j2", "--item-timeout", "1s", "sleep"], b"", 1, words=[0, 1000])
    equal("item 2 (1000): sleep timed out after" in text, True, text)
    text = gives(["-j1", "--timeout", "1s", "sleep"], b"", 124, words=[0, 1000, 1000])
    equal("timed out after 1.00s" in text and "1 succeeded, 0 failed, 1 stopped" in text, True, text)


@test
def what_failed_is_tried_again():
    """And what is passed on is what the last attempt has written."""
    script = 'echo x >>"$1"; echo "attempt $(wc -l <"$1")"; [ "$(wc -l <"$1")" -ge 3 ]'
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "count")
        gives(["-q", "--retries", "4", "sh", "-c", script, "{}", path], b"attempt 3\n", words="a")
        text = gives(["--retries", "1", "sh", "-c", "echo {}; exit 3"], b"a\n", 1, words="a")
        says(text, "pk: item 1 (a): tried 2 times: sh exited with 3")
        gives(["-q", "--retries", "1", "--item-timeout", "100ms", "sleep"], b"", 1, words=[1000])


def end_by(number, grace, again):
    reports = [Report(), Report()]
    name = signal.Signals(number).name[3:]
    with subprocess.Popen([PK, "batch", "-q", "-j2", "-k", grace, "sh", "-c",
                           f'exec "$0" --report "$1" catch {name} -- hold', ADVERSARY, "{}"], stdin=subprocess.PIPE,
                          start_new_session=True) as process:
        process.stdin.write("".join(f"{report.path}\n" for report in reports).encode())
        process.stdin.flush()
        for report in reports:
            report.wait_until_ready()
        process.send_signal(number)
        for report in reports:
            report.wait_for(f"got {name}")
        if again:
            process.send_signal(number)
        equal(process.wait(timeout=PATIENCE), -number)
        for report in reports:
            report.close()


@test
def a_signal_ends_it_and_a_second_one_at_once():
    """It dies by that signal, and so does everything that it has started."""
    end_by(signal.SIGTERM, "100ms", False)
    end_by(signal.SIGHUP, "100ms", False)
    end_by(signal.SIGUSR1, "100ms", False)
    end_by(signal.SIGINT, "1h", True)
    end_by(signal.SIGTERM, "1h", True)


@test
def it_can_be_ended_while_it_waits_for_words():
    with subprocess.Popen([PK, "batch", "-q", "echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"a\n")
        process.stdin.flush()
        equal(process.stdout.readline(), b"a\n")
        process.terminate()
        equal(process.wait(timeout=PATIENCE), -signal.SIGTERM)
    with subprocess.Popen([PK, "batch", "-q", "--timeout", "100ms", "echo"], stdin=subprocess.PIPE) as process:
        equal(process.wait(timeout=PATIENCE), 124)


@test
def output_that_nobody_reads_is_given_up_after_an_end_by_force():
    """And pk says so."""
    with subprocess.Popen([PK, "batch", "-j1", "-k", "0", "sh", "-c", 'head -c 200000 /dev/zero; : "$0"'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(b"a\n")
        process.stdin.flush()
        equal(process.stdout.read(1), b"\0")
        process.terminate()
        text = process.stderr.read().decode()
        equal(process.wait(timeout=PATIENCE), -signal.SIGTERM)
        equal("pk: what 1 items have written was not passed on: nobody reads it" in text, True, text)


@test
def files_for_output_that_cannot_be_made_are_told():
    refused(["batch", "echo"], 125, "cannot make files for output in /no/such: No such file", input=b"a\nb\n",
            env={**os.environ, "TMPDIR": "/no/such"})


@test
def options_of_pk_run_hold_for_all_items():
    with tempfile.TemporaryDirectory() as directory:
        gives(["--keep-order", "-C", directory, "--env", "X=1", "sh", "-c", 'pwd; echo "$X {}"'],
              f"{directory}\n1 a\n{directory}\n1 b\n".encode(), words="ab")
    gives(["--mechanism", "reaper", "echo"], b"a\n", words="a")
    text = gives(["-v", "--mechanism", "reaper", "echo"], b"a\n", words="a")
    equal("pk: each item, mechanism reaper" in text, True, text)


@test
def limits_are_for_all_items_together():
    """Or refused, and nothing is run."""
    result = batch("--memory-max", "512M", "echo", words="ab")
    doctor = pk("doctor", "--json")
    can = "memory" in json.dumps(json.loads(doctor.stdout)) and result.returncode == 0
    if can:
        equal(sorted(result.stdout.split()), [b"a", b"b"])
    else:
        refused(["batch", "--memory-max", "512M", "echo"], 125, "", input=b"a\nb\n")


@test
def a_descriptor_that_is_shared_stays_as_it_is():
    reader, writer = os.pipe()
    with subprocess.Popen([PK, "batch", "-q", "echo"], stdin=subprocess.PIPE, stdout=writer) as process:
        process.communicate(b"a\n", timeout=PATIENCE)
    equal((os.get_blocking(writer), os.read(reader, 10)), (True, b"a\n"))
    os.close(reader)
    os.close(writer)


@test
def many_items_take_little_memory():
    """A megabyte of words, most of them not to be run: what is read ahead is bounded."""
    with subprocess.Popen([PK, "batch", "-q", "-j1", "sh", "-c", 'read line <"$0"', "{}"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as process:
        report = Report()
        writer = threading.Thread(target=feed, args=(process.stdin, report.path))
        writer.start()
        report.lines.close()
        equal(writer.join(timeout=2), None)
        equal(writer.is_alive(), True, "all of it was read")
        equal(peak(process) < 32 << 20, True, f"{peak(process)} bytes")
        process.terminate()
        equal(process.wait(timeout=PATIENCE), -signal.SIGTERM)
        writer.join()


def feed(stream, word):
    try:
        for _ in range(64):
            stream.write((word + "\n").encode() * 10000)
        stream.close()
    except BrokenPipeError:
        pass


sys.exit(run())
