#!/usr/bin/python3
"""pk pipe: what goes through, its options, its mistakes, and what it tells. How it ends is in test-pipe-ends.py."""

import os
import re
import stat
import subprocess
import sys
import tempfile

from command import ADVERSARY, PATIENCE, PK, pk, refused
from harness import Missing, equal, run, test


def pipe(*arguments, **options):
    return pk("pipe", *arguments, **options)


def stages(*commands):
    """Words for pk from commands as a person writes them."""
    words = []
    for command in commands:
        words += ["::"] if words else []
        words += command.split() if isinstance(command, str) else command
    return words


def gives(arguments, output, status=0, **options):
    result = pipe(*arguments, **options)
    equal((result.returncode, result.stdout), (status, output), f"{arguments} {result.stderr}")
    return result.stderr.decode()


def contents(path):
    with open(path, "rb") as file:
        return file.read()


# ---- What goes through -----------------------------------------------------------------------------------------------


@test
def bytes_go_through_untouched():
    data = os.urandom(3 << 20)
    gives(stages("cat", "cat", "cat"), data, input=data)
    gives(["--tee", "1=/dev/null", "--tee", "2=/dev/null", *stages("cat", "cat", "cat")], data, input=data)
    gives(stages("cat", "wc -c"), b"%d\n" % len(data), input=data)


@test
def arguments_are_untouched():
    words = ["--", "-x", "", "a b", "$HOME", "--timeout", "|", ":::", "a::b"]
    gives(["--", "printf", "%s|", *words, "::", "cat"], "".join(f"{word}|" for word in words).encode())
    gives(["-q", "echo", "-n", "--stats", "::", "cat"], b"--stats")


@test
def two_hundred_stages_are_none_too_many():
    data = os.urandom(100000)
    gives(stages(*["cat"] * 200), data, input=data)


@test
def one_stage_is_a_program():
    gives(["echo", "alone"], b"alone\n")
    gives(["--unchecked", "1", "sh", "-c", "echo x; exit 3"], b"x\n")
    gives(["--timeout", "1h", "--stats", "sh", "-c", "exit 3"], b"", 3)


@test
def it_is_a_part_of_a_shells_pipe():
    script = 'printf "b\\na\\n" | "$0" pipe -- sort :: sed s/^/x/ | tr -d "\\n"'
    equal(subprocess.run(["sh", "-c", script, PK], capture_output=True, timeout=PATIENCE).stdout, b"xaxb")


@test
def who_writes_to_the_first_learns_that_it_has_ended():
    """And not when the last one has; nobody but the stages holds what they have."""
    reader, writer = os.pipe()
    with subprocess.Popen([PK, "pipe", "--unchecked", "2", ADVERSARY, "exit", "0", "::", ADVERSARY, "hold"], stdin=reader,
                          stderr=subprocess.DEVNULL) as process:
        os.close(reader)
        try:
            while os.write(writer, bytes(1 << 16)):
                pass
        except BrokenPipeError:
            pass
        equal(process.poll(), None)
        process.kill()
    os.close(writer)


@test
def who_reads_from_the_last_learns_that_it_has_closed_its_end():
    with subprocess.Popen([PK, "pipe", "true", "::", ADVERSARY, "print", "x", "--", "close", "1", "--", "hold"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        equal(process.stdout.read(), b"x\n")
        equal(process.poll(), None)
        process.kill()


# ---- Options for single stages ---------------------------------------------------------------------------------------


@test
def separator_can_be_another_word():
    gives(["--separator", "|", "--", "echo", "::", "|", "cat"], b"::\n")
    gives(["--separator=--then", "--", "echo", "x", "--then", "cat"], b"x\n")
    gives(["--separator", "a", "--separator", "b", "--", "echo", "a", "b", "cat"], b"a\n")


@test
def unchecked_stages_may_fail():
    gives(["--unchecked", "1", *stages("false", "cat")], b"")
    gives(["--unchecked", "1,2", *stages("false", "false", "cat")], b"")
    gives(["--unchecked", "1", "--unchecked", "3", *stages("false", "cat", "false")], b"")
    gives(["--unchecked", "1", "yes", "::", "head", "-n1"], b"y\n")
    gives(["--unchecked", "2", *stages("false", "cat")], b"", 1)


@test
def merged_stages_send_stderr_along():
    both = ["sh", "-c", "echo out; echo err >&2"]
    equal(gives(["--merge", "1", *both, "::", "cat"], b"out\nerr\n"), "")
    equal(gives([*both, "::", "cat"], b"out\n"), "err\n")
    script = ["sh", "-c", "cat; echo err >&2"]
    equal(gives(["--merge", "1,2", *both, "::", *script, "::", "cat"], b"out\nerr\nerr\n"), "")


@test
def tees_get_what_goes_to_the_next():
    with tempfile.TemporaryDirectory() as directory:
        one, two = (os.path.join(directory, name) for name in ("one", "two"))
        data = os.urandom(1 << 20)
        command = ["--tee", f"1={one}", "--tee", f"2=+{two}", *stages("cat", "wc -c", "cat")]
        for round in (1, 2):
            gives(command, b"%d\n" % len(data), input=data)
            equal(contents(one) == data, True)
            equal(contents(two), b"%d\n" % len(data) * round)


@test
def a_tee_that_is_not_complete_is_a_failure():
    text = gives(["--tee", "1=/dev/full", *stages("echo x", "cat")], b"x\n", 125)
    equal(text, "pk: /dev/full is not complete: No space left on device\n")


# ---- Options for all of them -----------------------------------------------------------------------------------------


@test
def files_are_the_ends_of_it():
    with tempfile.TemporaryDirectory() as directory:
        source, out, errors = (os.path.join(directory, name) for name in ("source", "out", "errors"))
        with open(source, "w", encoding="utf-8") as file:
            file.write("text")
        speak = ["sh", "-c", "cat; echo $0 >&2"]
        files = ["--stdin", source, "--stdout", out, "--stderr"]
        words = [*speak, "one", "::", *speak, "two"]
        equal(gives([*files, errors, *words], b""), "")
        equal(contents(out), b"text")
        equal(sorted(contents(errors).split()), [b"one", b"two"])
        equal(gives([*files, f"+{errors}", "--merge", "1", *words], b""), "")
        equal(contents(out), b"textone\n")
        equal(sorted(contents(errors).split()), [b"one", b"two", b"two"])
        equal(stat.S_IMODE(os.stat(errors).st_mode) & 0o111, 0)


@test
def both_are_born_with_it():
    rounds = [
        (["-C", "/"], "pwd", "/"),
        (["--env", "A=b=c"], "echo $A", "b=c"),
        (["--env", "A=1", "--unset-env", "A"], "echo ${A-unset}", "unset"),
        (["--clear-env", "--env", "A=1", "--env", f"PATH={os.environ['PATH']}"], "echo ${HOME-unset}", "unset"),
        (["--umask", "077"], "umask", "0077"),
        (["--nice", "7"], "nice", "7"),
        (["--rlimit", "nofile=64"], "ulimit -n", "64"),
        (["--cpu-affinity", str(min(os.sched_getaffinity(0)))], "nproc", "1"),
    ]
    if os.geteuid() == 0:
        rounds += [(["--uid", "65534"], "id -u", "65534"), (["--gid", "65534", "--groups", "3"], "id -G", "65534 3")]
    for options, script, words in rounds:
        speak = ["sh", "-c", f"cat; {script}"]
        gives([*options, *speak, "::", *speak], f"{words}\n{words}\n".encode(), cwd="/tmp")


@test
def a_file_of_variables_is_read_once():
    """It may be a pipe, as a shell makes for <(...)."""
    reader, writer = os.pipe()
    os.write(writer, b"A=one\n")
    os.close(writer)
    gives(["--env-file", f"/dev/fd/{reader}", "--", "sh", "-c", "echo $A", "::", "sh", "-c", "cat; echo $A"], b"one\none\n",
          pass_fds=[reader])
    os.close(reader)


@test
def every_mechanism_carries_it():
    for mechanism in ("auto", "reaper", "process_group"):
        gives(["--mechanism", mechanism, *stages("echo x", "cat", "wc -l")], b"1\n")
    refused(["pipe", "--mechanism", "process_group", "--require", "whole-tree", "true"], 125, "cannot guarantee whole-tree")


@test
def a_limit_is_one_of_all_stages():
    result = pipe("--memory-max", "64M", ADVERSARY, "memory", "20", "::", ADVERSARY, "memory", "20")
    if b"cannot enforce limits" in result.stderr:
        raise Missing("a memory controller")
    equal(result.returncode, 0, result.stderr)
    hold = [ADVERSARY, "memory", "40", "--", "hold"]
    result = pipe("--memory-max", "64M", "--timeout", "1m", *hold, "::", *hold)
    equal(result.returncode, -9, result.stderr)
    equal(b"out of memory: the tree reached its limit of 64.0 MiB" in result.stderr, True, result.stderr)


@test
def leftovers_of_any_stage_count():
    leave = [ADVERSARY, "leave", "0", "--", "close-stdio", "--", "hold"]
    gives([*leave, "::", "cat"], b"")
    text = gives(["--leftovers", "fail", *leave, "::", "cat"], b"", 125)
    equal(re.fullmatch(r"pk: stage 1 \(adversary\): exited with 0, but left 1 running: \d+ \(adversary\)\n", text) is None,
          False, text)


# ---- Mistakes --------------------------------------------------------------------------------------------------------

BAD = [
    ([], "the stages are missing"),
    (["--"], "the stages are missing"),
    (["::"], "stage 1 is empty: a program is expected before the first '::'"),
    (["::", "a"], "stage 1 is empty"),
    (["true", "::"], "stage 2 is empty: a program is expected after the last '::'"),
    (["true", "::", "::", "true"], "stage 2 is empty: a program is expected between '::' and '::'"),
    (["true", "::", "true", "::", "::"], "stage 3 is empty"),
    (["--separator", "|", "true", "|"], "stage 2 is empty: a program is expected after the last '|'"),
    (["--separator", "", "true"], "--separator: the word is empty"),
    (["--separator"], "--separator: missing argument"),
    (["--unchecked", "3", *stages("true", "true")], "--unchecked: there is no stage '3': they are counted from 1 to 2"),
    (["--unchecked", "0", *stages("true", "true")], "there is no stage '0'"),
    (["--unchecked", "x", *stages("true", "true")], "there is no stage 'x'"),
    (["--unchecked", "2", "true"], "there is no stage '2', but 1 alone"),
    (["--unchecked", "1,,2", *stages("true", "true")], "is empty"),
    (["--unchecked", "", *stages("true", "true")], "is empty"),
    (["--merge", "9", *stages("true", "true")], "--merge: there is no stage '9'"),
    (["--merge", "2", *stages("true", "true")], "--merge: stage 2 is the last, and gives nothing to another"),
    (["--tee", "x", *stages("true", "true")], "--tee 'x': N=FILE is expected"),
    (["--tee", "5=x", *stages("true", "true")], "--tee: there is no stage '5'"),
    (["--tee", "2=x", *stages("true", "true")], "--tee: stage 2 is the last"),
    (["--tee", "1=", *stages("true", "true")], "--tee: the file's name is empty"),
    (["--tee", "1=+", *stages("true", "true")], "--tee: the file's name is empty"),
    (["--tee", "1=/dev/null", "--tee", "1=/dev/null", *stages("true", "true")], "--tee: stage 1 has a file already"),
    (["--tee", "1=/no/such/file", *stages("true", "true")], "cannot open /no/such/file: No such file or directory"),
    (["--stderr", "/", "true"], "cannot open /: Is a directory"),
    (["--stderr", "", "true"], "--stderr: the file's name is empty"),
    (["--stdin", "/no/such/file", *stages("cat", "cat")], "cannot open /no/such/file"),
    (["--settle", "soon", "true"], "--settle: invalid duration 'soon'"),
    (["--timeout", "0", "true"], "leaves no time at all"),
    (["--leftovers", "allow", "true"], "--leftovers: what a stage leaves behind cannot live on"),
    (["--leftovers", "x", "true"], "unknown policy 'x'"),
    (["--pty", "true"], "--pty: unknown option (see pk pipe --help)"),
    (["-C", "/no/such/directory", *stages("true", "true")], "No such file or directory"),
    (["", "::", "true"], "name is empty"),
    (["true", "::", ""], "name is empty"),
]


@test
def every_mistake_is_one_line_and_125():
    for arguments, words in BAD:
        refused(["pipe", *arguments], 125, words)


@test
def what_is_not_there_lets_nothing_begin():
    """No stage runs, nothing of the input is read, and no file is emptied."""
    with tempfile.TemporaryDirectory() as directory:
        file, mark = (os.path.join(directory, name) for name in ("file", "mark"))
        with open(file, "w", encoding="utf-8") as stream:
            stream.write("kept")
        reader, writer = os.pipe()
        os.write(writer, b"unread")
        os.close(writer)
        for options in ([], ["--stderr", file], ["--tee", f"1={file}"]):
            words = [*options, "sh", "-c", 'cat; touch "$0"', mark, "::", "no-such-program", "::", "touch", mark]
            refused(["pipe", *words], 127, "cannot run 'no-such-program': not found in PATH", stdin=reader)
        refused(["pipe", "cat", "::", directory, "::", "true"], 126, "it is a directory", stdin=reader)
        equal(os.path.exists(mark), False)
        equal(os.read(reader, 100), b"unread")
        equal(contents(file), b"kept")
        os.close(reader)


@test
def closed_descriptors_do_no_harm():
    for closed in range(1, 8):
        def close():
            for fd in range(3):
                if closed & 1 << fd:
                    os.close(fd)
        process = subprocess.Popen([PK, "pipe", "--tee", "1=/dev/null", ADVERSARY, "print", "x", "::", ADVERSARY, "count",
                                    "--", "exit", "7"], preexec_fn=close, stdout=subprocess.PIPE)
        output = process.communicate(timeout=PATIENCE)[0]
        equal((process.returncode, output), (7, b"" if closed & 2 else b"2\n"), closed)


# ---- What it tells ---------------------------------------------------------------------------------------------------


@test
def the_culprit_is_named_unless_it_is_the_last():
    equal(gives(stages("cat", "false"), b"", 1), "")
    equal(gives(stages("false", "cat"), b"", 1), "pk: stage 1 (false): exited with 1\n")
    equal(gives(["-q", *stages("false", "cat")], b"", 1), "")
    equal(gives(["/bin/sh", "-c", "kill -SEGV $$", "::", "cat"], b"", -11), "pk: stage 1 (sh): killed by SIGSEGV\n")
    equal(gives(["yes", "::", "head", "-n1"], b"y\n", -13), "pk: stage 1 (yes): killed by SIGPIPE, since the next read no "
          "more (--unchecked 1 makes that a success)\n")
    text = gives(["-t", "50ms", *stages("sleep 60", "cat")], b"", 124)
    equal(re.fullmatch(r"pk: stage 1 \(sleep\): timed out after .*; killed by SIGTERM\n", text) is None, False, text)


@test
def verbose_tells_pids_and_mechanism():
    for mechanism in ("auto", "reaper"):
        text = gives(["-v", "--mechanism", mechanism, *stages("cat", "false")], b"", 1)
        equal(re.search(r"^pk: pids \d+, \d+, mechanism \w+, guarantees: ", text, re.MULTILINE) is None, False, text)
        equal(text.endswith("pk: stage 2 (false): exited with 1\n"), True, text)


@test
def stats_have_a_line_for_each_stage():
    for mechanism in ("auto", "reaper", "process_group"):
        text = gives(["--stats", "--mechanism", mechanism, "--unchecked", "1", "sh", "-c", "exit 5", "::", "cat", "::",
                      ADVERSARY, "cpu", "30", "--", "exit", "3"], b"", 3)
        lines = text.splitlines()
        equal(lines[0], "pk: stage 3 (adversary): exited with 3")
        equal(lines[1].split(), ["stage", "wall", "cpu", "program", "ended"])
        ends = [re.fullmatch(r" +(\d) +[\d.]+\w+ +(?:[\d.]+\w+|-)  (\w+) +(.*)", line) for line in lines[2:5]]
        equal([end.groups() if end else None for end in ends],
              [("1", "sh", "exited with 5 (unchecked)"), ("2", "cat", "exited with 0"),
               ("3", "adversary", "exited with 3 (culprit)")], text)
        names = [line[2:12].rstrip() for line in lines[5:]]
        equal([name for name in names if name not in ("io", "pressure")],
              ["culprit", "wall", "cpu", "memory", "processes", "mechanism"], text)
        equal(lines[5], "  culprit    stage 3 (adversary)")
        cpu = next(line for line in lines if line.startswith("  cpu "))
        equal(re.match(r"  cpu +(\d+\.\d*ms|\d+ms|\d\.\d*s) user", cpu) is None, False, cpu)
    equal(gives(["--stats", *stages("true", "true")], b"").splitlines()[0], "pk: no stage failed")


@test
def names_cannot_forge_output():
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "a\nb\x1b[31m")
        os.symlink("/bin/false", program)
        for options in ([], ["--stats"], ["-v"]):
            text = gives([*options, program, "::", "cat"], b"", 1)
            equal([c for c in text if c < " " and c != "\n"], [], text)
            equal("a\\nb\\x1b[31m" in text, True, text)


@test
def help_fits_a_terminal():
    result = pipe("--help")
    equal(result.returncode, 0)
    equal(max(map(len, result.stdout.splitlines())) <= 80, True, result.stdout)


sys.exit(run())
