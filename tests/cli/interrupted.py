#!/usr/bin/python3
"""A batch that is killed again and again at random moments, and resumed each time: every item is run exactly once or
reported.

    interrupted.py [--items N] [--kills N] [--jobs N] [--seed N]
"""

import argparse
import collections
import json
import os
import random
import subprocess
import tempfile
import time

PK = os.environ.get("PK_COMMAND", "pk")
PATIENCE = 600


class Batch:
    """Items that append their words to a file, and a log."""

    def __init__(self, directory, items, jobs):
        self.items = items
        self.ran = os.path.join(directory, "ran")
        self.log = os.path.join(directory, "log")
        self.words = os.path.join(directory, "words")
        self.command = [PK, "batch", "--log", self.log, "--resume", "--progress", "never", f"-j{jobs}", "-a",
                        self.words, "--", "sh", "-c", 'echo "$0" >>"$1"', "{}", self.ran]
        self.peak = 0
        with open(self.words, "w", encoding="ascii") as file:
            file.writelines(f"word {number}\n" for number in range(1, items + 1))

    def start(self):
        return subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, start_new_session=True)

    def note_peak(self, pid):
        """The most memory that pk has had, in KiB."""
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    self.peak = max(self.peak, int(line.split()[1]))

    def interrupt(self, after):
        """Whether it was killed before it had ended."""
        with self.start() as process:
            try:
                process.wait(timeout=after)
                return False
            except subprocess.TimeoutExpired:
                self.note_peak(process.pid)
                process.kill()
                return True

    def finish(self):
        """The items that are reported."""
        with self.start() as process:
            lines = []
            for line in process.stderr:
                lines.append(line.decode())
                if len(lines) == 1:
                    self.note_peak(process.pid)
            status = process.wait(timeout=PATIENCE)
        reported = {int(line.split()[2]) for line in lines if "was started before" in line}
        if status != min(len(reported), 101):
            raise AssertionError(f"status {status} after {len(reported)} reports: {lines[-3:]}")
        return reported

    def check(self, reported):
        """How often items were run, and what the log says of them."""
        with open(self.ran, encoding="ascii") as file:
            ran = collections.Counter(int(line.split()[1]) for line in file)
        with open(self.log, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        ended = {event["item"] for event in events if event["event"] == "end"}
        started = collections.Counter(event["item"] for event in events if event["event"] == "start")
        everything = set(range(1, self.items + 1))
        wrong = {
            "run more than once": {item for item, times in ran.items() if times != 1},
            "started more than once": {item for item, times in started.items() if times != 1},
            "neither run nor reported": everything - set(ran) - reported,
            "ended, and not run": ended - set(ran),
            "run, and neither ended nor reported": set(ran) - ended - reported,
            "ended and reported": ended & reported,
        }
        for what, items in wrong.items():
            if items:
                raise AssertionError(f"{what}: {sorted(items)[:10]}")
        return len(ran)


def interrupted(items, kills, jobs, seed, shortest, longest):
    """A line that tells how it went."""
    chance = random.Random(seed)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        batch = Batch(directory, items, jobs)
        killed = sum(batch.interrupt(chance.uniform(shortest, longest)) for _ in range(kills))
        reported = batch.finish()
        ran = batch.check(reported)
    return (f"{items} items, killed {killed} times, seed {seed}: {ran} were run exactly once, "
            f"{len(reported)} reported; {time.monotonic() - begin:.1f} s, at most {batch.peak} KiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--items", type=int, default=100000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    each = options.items * 0.0012 / (options.kills + 1)  # about as long as an item takes
    print(interrupted(options.items, options.kills, options.jobs, options.seed, 0, 2 * each))
