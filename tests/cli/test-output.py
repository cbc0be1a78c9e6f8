#!/usr/bin/python3
"""Output that goes through pk: --idle-timeout, --capture, --capture-max. Nothing of it may be lost, and whoever reads it, or
does not, finds what there would be without pk."""

import os
import signal
import subprocess
import sys
import tempfile

from harness import equal, run, test

PK = os.environ["PK_COMMAND"]
PATIENCE = 60


def pk(*arguments, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PK, "run", *arguments], stderr=subprocess.PIPE, timeout=PATIENCE, check=False, **options)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def refused(*arguments, words):
    result = pk(*arguments)
    equal((result.returncode, result.stdout, result.stderr.count(b"\n")), (125, b"", 1), result.stderr)
    if words.encode() not in result.stderr:
        raise AssertionError(f"{result.stderr!r} lacks {words!r}")


@test
def silence_ends_a_run():
    result = pk("--idle-timeout", "300ms", "--", "sh", "-c", "echo out; echo err >&2; exec sleep 600")
    equal(result.returncode, 124)
    equal(result.stdout, b"out\n")
    lines = result.stderr.splitlines()
    equal(lines[0], b"err")
    equal(lines[1].startswith(b"pk: fell silent, ended after "), True, lines)


@test
def a_run_that_speaks_goes_on():
    script = "for i in 1 2 3 4 5 6 7 8; do echo $i; read -r line <&3; done 3<fifo"
    with tempfile.TemporaryDirectory() as place:
        os.mkfifo(os.path.join(place, "fifo"))
        process = subprocess.Popen([PK, "run", "--idle-timeout", "30s", "--", "sh", "-c", script], cwd=place,
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        with open(os.path.join(place, "fifo"), "wb", buffering=0) as fifo:
            for i in range(1, 9):
                equal(process.stdout.readline(), b"%d\n" % i)
                fifo.write(b"\n")
        equal(process.wait(PATIENCE), 0)
        process.stdout.close()


@test
def all_of_it_is_captured_and_shown():
    with tempfile.TemporaryDirectory() as place:
        result = pk("--capture", f"{place}/kept", "--", "sh", "-c", "seq 200000; echo err >&2; exit 3")
        expected = b"".join(b"%d\n" % i for i in range(1, 200001))
        equal(result.returncode, 3)
        equal(result.stdout == expected, True)
        equal(result.stderr, b"err\n")
        equal(read(place, "kept", "stdout") == expected, True)
        equal(read(place, "kept", "stderr"), b"err\n")
        equal(os.stat(f"{place}/kept/stdout").st_mode & 0o777, 0o600)


@test
def a_part_is_kept_with_its_gap():
    with tempfile.TemporaryDirectory() as place:
        result = pk("--capture", place, "--capture-max", "10", "--", "printf", "%s", "abcde0123456789vwxyz")
        equal(result.stdout, b"abcde0123456789vwxyz")
        equal(read(place, "stdout"), b"abcde\n[10 bytes left out]\nvwxyz")
        equal(read(place, "stderr"), b"")
        pk("--capture", place, "--capture-max", "10", "--", "printf", "%s", "abcdefghij")
        equal(read(place, "stdout"), b"abcdefghij")


@test
def the_end_of_a_reader_reaches_the_program():
    for options in (["--idle-timeout", "60s"], ["--capture", "kept"], ["--pty", "--idle-timeout", "60s"]):
        with tempfile.TemporaryDirectory() as place:
            process = subprocess.Popen([PK, "run", *options, "--", "yes"], stdout=subprocess.PIPE, cwd=place,
                                       stdin=subprocess.DEVNULL)
            equal(process.stdout.readline().strip(), b"y")
            process.stdout.close()
            equal(process.wait(PATIENCE), -signal.SIGPIPE, options)


@test
def a_reader_that_waits_is_waited_for_and_a_signal_is_not_kept_waiting():
    with tempfile.TemporaryDirectory() as place:
        reader, writer = os.pipe()
        process = subprocess.Popen([PK, "run", "--capture", place, "--", "head", "-c", "1000000", "/dev/zero"],
                                   stdout=writer, stdin=subprocess.DEVNULL)
        os.close(writer)
        equal(len(os.read(reader, 1 << 16)) > 0, True)
        process.send_signal(signal.SIGTERM)
        equal(process.wait(PATIENCE), -signal.SIGTERM)
        os.close(reader)


@test
def what_cannot_be_written_is_said():
    with tempfile.TemporaryDirectory() as place, open("/dev/full", "wb") as full:
        result = pk("--capture", place, "--", "seq", "10", stdout=full)
        equal((result.returncode, result.stderr), (125, b"pk: cannot write to stdout: No space left on device\n"))
        equal(read(place, "stdout"), b"".join(b"%d\n" % i for i in range(1, 11)))
        os.remove(f"{place}/stdout")
        os.symlink("/dev/full", f"{place}/stdout")
        result = pk("--capture", place, "--", "echo", "shown")
        equal((result.returncode, result.stdout), (125, b"shown\n"))
        equal(result.stderr, f"pk: {place}/stdout is not complete: No space left on device\n".encode())


@test
def a_terminal_is_captured_too():
    with tempfile.TemporaryDirectory() as place:
        result = pk("--pty", "--capture", place, "--", "sh", "-c", "test -t 1 && echo out; echo err >&2")
        equal((result.returncode, result.stdout), (0, b"out\r\nerr\r\n"))
        equal(read(place, "stdout"), b"out\r\nerr\r\n")
        equal(os.listdir(place), ["stdout"])


@test
def what_is_left_of_a_terminal_is_captured_too():
    """Stdout goes to a file, as without a terminal; what is shown is what else is written to that."""
    script = ["sh", "-c", "test -t 0 && test -t 2 || exit 9; test -t 1 || echo out; echo err >&2; exit 3"]
    with tempfile.TemporaryDirectory() as place:
        kept = f"{place}/kept"
        for words in (["--pty", "--stdout", f"{place}/file"], ["--stdout", f"{place}/file", "--pty"]):
            for more in ([], ["--idle-timeout", "60s"], ["--capture-max", "1K"]):
                result = pk(*words, "--capture", kept, *more, "--", *script)
                equal((result.returncode, result.stdout, result.stderr), (3, b"err\r\n", b""), words)
                equal((read(place, "file"), read(kept, "stderr"), os.listdir(kept)), (b"out\n", b"err\r\n", ["stderr"]))
        result = pk("--pty", "--stdin", "/dev/null", "--stdout", f"{place}/file", "--idle-timeout", "60s", "--", "sh", "-c",
                    "echo err >&2")
        equal((result.returncode, result.stdout, result.stderr), (0, b"err\r\n", b""))


@test
def what_makes_no_sense_is_refused():
    refused("--idle-timeout", "0", "--", "true", words="leaves no time")
    refused("--capture-max", "1K", "--", "true", words="for --capture")
    refused("--capture", "x", "--capture-max", "0", "--", "true", words="no number of bytes")
    refused("--capture", "/dev/null/x", "--", "true", words="cannot make the directory")
    refused("--idle-timeout", "1s", "--stdout", "/dev/null", "--stderr", "/dev/null", "--", "true", words="goes to files")
    refused("--detach", "x", "--idle-timeout", "1s", "--", "true", words="--detach")
    with tempfile.TemporaryDirectory() as place:
        refused("--detach", "x", "--capture", f"{place}/kept", "--", "true", words="--detach")
        refused("--capture", f"{place}/kept", "--stdout", "x", "--stderr", "y", "--", "true", words="leave out --stdout or --stderr")
        refused("--pty", "--capture", f"{place}/kept", "--stdout", "x", "--stderr", "y", "--", "true", words="goes to files")
        equal(os.listdir(place), [])


sys.exit(run())
