#!/usr/bin/python3
"""pk batch --log and --resume: what is in the log, what is run again, and which logs and inputs are refused."""

import json
import os
import subprocess
import sys
import tempfile

from command import PATIENCE, PK, pk, refused
from harness import equal, run, test
from interrupted import interrupted

FAILS = ["sh", "-c", 'echo "ran $0"; exit "$0"']


class Log:
    def __init__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "log")

    def run(self, words, *options, command=FAILS, status=0, output=None):
        """What it says on stderr."""
        result = pk("batch", "--log", self.path, "-j1", *options, *command,
                    input="".join(f"{word}\n" for word in words).encode())
        equal(result.returncode, status, result.stderr)
        if output is not None:
            equal(result.stdout.decode(), output)
        return result.stderr.decode()

    def refuses(self, arguments, words, data=b""):
        """And nothing is run, and the log is not changed."""
        before = self.text()
        refused(["batch", "--log", self.path, *arguments], 125, words, input=data)
        equal(self.text(), before)

    def text(self):
        with open(self.path, encoding="utf-8") as file:
            return file.read()

    def events(self):
        return [json.loads(line) for line in self.text().splitlines()]

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)


def event(kind, item, **more):
    return json.dumps({"event": kind, "item": item, **more}) + "\n"


@test
def a_log_has_a_line_for_each_event():
    log = Log()
    log.run([0, 3], status=1)
    batch, *events = log.events()
    equal((batch["event"], batch["schema_version"], batch["template"], batch["null"], batch["max_args"],
           batch["directory"]), ("batch", 1, FAILS, False, 1, None))
    equal(sorted((one["item"], one["event"]) for one in events), [(1, "end"), (1, "start"), (2, "end"), (2, "start")])
    equal([one["words"] for one in events if "words" in one], [["0"], ["3"]])
    ends = [(one["outcome"], one["exit_code"], one["signal"], one["attempts"], one["how"]) for one in events
            if one["event"] == "end"]
    equal(ends, [("succeeded", 0, None, 1, "exited with 0"), ("failed", 3, None, 1, "sh exited with 3")])
    times = [one["time"] for one in (batch, *events)]
    equal(times, sorted(times))


@test
def words_are_escaped():
    log = Log()
    words = ['"\\', "a\tb\x1b", "\u00e9\u202e", "line\nbreak"]
    result = pk("batch", "--log", log.path, "-0", "-n4", "true", input="\0".join(words).encode())
    equal(result.returncode, 0)
    equal(log.events()[1]["words"], words)
    equal("\x1b" in log.text(), False)
    equal(len(log.text().splitlines()), 3)
    log = Log()
    equal(pk("batch", "--log", log.path, "true", input=b"\xff\n").returncode, 0)
    equal(log.events()[1]["words"], ["\\xff"])


@test
def a_start_is_logged_before_it():
    """The item itself finds its line in the log."""
    log = Log()
    log.run(["a"], command=["sh", "-c", 'tail -n 1 "$1" | grep -q \'"event":"start","item":1,\'', "{}", log.path])


@test
def signals_and_attempts_are_logged():
    log = Log()
    log.run(["a"], "-q", "--retries", "2", command=["sh", "-c", "kill -9 $$ {}"], status=1)
    end = log.events()[-1]
    equal((end["outcome"], end["exit_code"], end["signal"], end["attempts"]), ("failed", None, "KILL", 3))
    log = Log()
    log.run(["a"], "-q", command=["{}"], status=1)
    equal((log.events()[-1]["outcome"], log.events()[-1]["exit_code"]), ("failed", None))


@test
def what_succeeded_is_not_run_again():
    log = Log()
    log.run([0, 1], status=1, output="ran 0\nran 1\n")
    text = log.run([0, 1, 0], "--resume", status=1, output="ran 0\n")
    equal("1 succeeded, 0 failed, 0 stopped" in text, True, text)
    equal("before: 1 succeeded, 1 failed, 0 interrupted" in text, True, text)
    log.run([0, 1, 0], "--resume", status=1, output="")
    log.run([0, 1, 0], "--resume-failed", status=1, output="ran 1\n")
    equal([one["item"] for one in log.events() if one["event"] == "start"], [1, 2, 3, 2])


@test
def what_failed_may_succeed_later():
    log = Log()
    switch = os.path.join(log.directory.name, "switch")
    command = ["sh", "-c", '[ -e "$1" ]', "{}", switch]
    log.run("ab", "-q", command=command, status=2)
    with open(switch, "w", encoding="ascii"):
        pass
    log.run("ab", "--resume", command=command, status=2)
    log.run("ab", "--resume-failed", command=command)
    log.run("ab", "--resume", command=command)


@test
def what_has_not_ended_is_reported():
    log = Log()
    log.run([0, 0, 0])
    lines = log.text().splitlines(keepends=True)
    log.write("".join(line for line in lines if '"end","item":2' not in line))
    text = log.run([0, 0, 0, 0], "--resume", status=1, output="ran 0\n")
    equal(text.splitlines()[0],
          "pk: item 2 (0) was started before and has not ended by itself (see --rerun-interrupted)")
    text = log.run([0, 0, 0, 0], "--rerun-interrupted", output="ran 0\n")
    equal("before: 3 succeeded, 0 failed, 0 interrupted" in text, True, text)
    log.run([0, 0, 0, 0], "--resume", output="")


@test
def what_was_stopped_is_reported_and_what_was_not_started_is_run():
    log = Log()
    command = ["sh", "-c", 'echo "ran $0"; [ "$0" != b ] || exec sleep 1000']
    log.run("abc", "--timeout", "300ms", command=command, status=124, output="ran a\nran b\n")
    equal([(one["item"], one["outcome"]) for one in log.events() if one["event"] == "end"],
          [(1, "succeeded"), (2, "stopped")])
    text = log.run("abc", "--resume", command=command, status=1, output="ran c\n")
    equal("item 2 (b) was started before" in text, True, text)


@test
def another_batch_is_refused():
    log = Log()
    log.run([0, 1], status=1)
    log.refuses(["--resume", "sh", "-c", 'exit "$0"'], "is of another batch")
    log.refuses(["--resume", "-0", *FAILS], "is of another batch")
    log.refuses(["--resume", "-n2", *FAILS], "is of another batch")
    log.refuses(["--resume", "-C", "/", *FAILS], "is of another batch")
    log.refuses(FAILS, "--resume goes on with that batch")


@test
def another_input_is_refused():
    """Before anything is run, whatever comes first."""
    log = Log()
    log.run([0, 1], status=1)
    log.refuses(["--resume-failed", *FAILS], "another input: item 2 (2) has other words", b"0\n2\n")
    log.refuses(["--resume-failed", *FAILS], "knows of 2 items, and there are only 1", b"0\n")
    log.refuses(["--resume-failed", *FAILS], "knows of 2 items, and there are only 0")
    log.refuses(["--resume-failed", "-a", "/no/such", *FAILS], "cannot open /no/such")


@test
def nonsense_is_refused():
    log = Log()
    log.run([0], status=0)
    good = log.text()
    batch, start, end = good.splitlines(keepends=True)
    for text in ("\n", "word\n", "[]\n", "{}\n", start, batch + end,
                 batch + start + start.replace('"item":1', '"item":3'), batch + start.replace('"item":1', '"item":0'), batch + start.replace('"item":1', '"item":-1'),
                 batch + start + end.replace("succeeded", "vanished"),
                 batch + start.replace('"digest":"', '"digest":"x'),
                 batch + "{\"event\":\"other\",\"item\":1}\n", batch + start + "\0\n", good + good[:50] + "\n"):
        log.write(text)
        log.refuses(["--resume", *FAILS], "none of the log of a batch", b"0\n")
    log.write(batch.replace('"schema_version":1', '"schema_version":2'))
    log.refuses(["--resume", *FAILS], "another version", b"0\n")
    digest = json.loads(start)["digest"]
    log.write(batch + start + start.replace(digest, "0" * 16))
    log.refuses(["--resume", *FAILS], "contradicts", b"0\n")


@test
def a_last_line_without_end_was_not_written():
    log = Log()
    log.run([0, 0])
    whole = log.text()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, 10, len(last) - 1):
        log.write(whole[:-cut])
        text = log.run([0, 0], "--resume", status=1, output="")
        equal("item 2 (0) was started before" in text, True, text)
        equal(log.text().startswith(whole[:-len(last)] + '{"event":"batch"'), True)
    log.write(whole[:20])
    log.run([0], "--resume", output="ran 0\n")
    equal(log.events()[0]["event"], "batch")


@test
def an_empty_or_missing_log_may_be_resumed():
    log = Log()
    log.run([0], "--resume", output="ran 0\n")
    log.write("")
    log.run([0], "--resume", output="ran 0\n")


@test
def only_one_writes_to_a_log():
    log = Log()
    with subprocess.Popen([PK, "batch", "--log", log.path, "echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as process:
        process.stdin.write(b"a\n")
        process.stdin.flush()
        equal(process.stdout.readline(), b"a\n")
        refused(["batch", "--log", log.path, "--resume", "echo"], 125, "another pk batch is writing", input=b"a\n")
        process.stdin.close()
        equal(process.wait(timeout=PATIENCE), 0)
    log.run("a", "--resume", command=["echo"], output="")


@test
def a_log_that_cannot_be_written_ends_it():
    refused(["batch", "--log", "/no/such/log", "echo"], 125, "cannot open /no/such/log", input=b"a\n")
    refused(["batch", "--log", "/dev/full", "echo"], 125, "no regular file", input=b"a\n")
    log = Log()
    result = subprocess.run(["sh", "-c", 'ulimit -f 256; trap "" XFSZ; exec "$@"', "sh", PK, "batch", "-j1", "--log",
                             log.path, "echo"], input=b"a\n" * 1000, capture_output=True, timeout=PATIENCE)
    equal((result.returncode, result.stderr.decode()), (125, f"pk: cannot write to {log.path}: File too large\n"))
    started = log.text().count('"event":"start"')
    equal(1000 > started >= result.stdout.count(b"a\n") > 10, True, f"{started} were started")
    text = log.run("a" * 1000, "-q", "--rerun-interrupted", command=["echo"])
    equal(text, "")
    equal(sum(one["event"] == "end" and one["outcome"] == "succeeded" for one in log.events()) >= 1000, True)


@test
def a_resumed_input_may_be_a_slow_pipe():
    """What was compared is read once more, and what comes after it as it comes."""
    log = Log()
    log.run("ab", command=["echo"])
    with subprocess.Popen([PK, "batch", "-q", "--log", log.path, "--resume", "echo"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        for words in (b"a", b"\nb", b"\nc\n"):
            process.stdin.write(words)
            process.stdin.flush()
        equal(process.stdout.readline(), b"c\n")
        process.stdin.write(b"d\n")
        process.stdin.close()
        equal(process.stdout.read(), b"d\n")
        equal(process.wait(timeout=PATIENCE), 0)


@test
def after_every_kill_each_item_is_run_exactly_once_or_reported():
    print("#", interrupted(2000, 50, 2, int(os.environ.get("PK_SEED", "1")), 0.01, 0.12))


sys.exit(run())
