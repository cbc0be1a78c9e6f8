#!/usr/bin/python3
"""The events of pk supervise: what is told, and the files where it goes."""

import json
import os
import socket
import subprocess
import sys
import tempfile

from command import PATIENCE, PK, pk, refused
from harness import equal, run, test
from supervised import Supervised

NEVER = ["--restart", "never"]
SOON = ["--first-pause", "1ms", "--most-pause", "1ms"]


@test
def events_tell_all():
    ended = Supervised("--name", "job", *NEVER, "sh", "-c", "exit 3").end(3)
    equal(ended.kinds(), ["started", "ready", "leader-ended", "ended", "over"][:2] + ended.kinds()[2:])
    for event in ended.events:
        equal((event["version"], event["service"], event["incarnation"]), (1, "job", 1))
        equal(event["time"].endswith("Z") and len(event["time"]), len("2026-01-01T00:00:00.000000000Z"))
    times = [event["monotonic_ns"] for event in ended.events]
    equal(times, sorted(times))
    result = next(event for event in ended.events if event["kind"] == "ended")["result"]
    equal((result["verdict"], result["exit_code"], result["signal"], result["success"], result["how"]),
          ("exited", 3, None, False, "exited with 3"))
    over = ended.events[-1]
    equal((over["end"], over["error"]["kind"]), ("failed", "exit"))
    over = Supervised("/no/such").end(127).events[-1]
    equal((over["end"], over["error"]["kind"], over["pid"]), ("gave-up", "not-found", None))


@test
def event_files_are_emptied_or_appended_to():
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "events")
        for option, times in ((path, 1), (path, 1), ("+" + path, 2)):
            equal(pk("supervise", "-q", "--events", option, "true").returncode, 0)
            with open(path, encoding="ascii") as file:
                equal([json.loads(line)["kind"] for line in file].count("over"), times)
        os.mkfifo(path + ".fifo")
        refused(["supervise", "--events", path + ".fifo", "true"], 125, "nobody reads from")


def check_mixture(text, *before):
    """Lines for people and for programs, all of them whole."""
    lines = text.splitlines()
    equal(tuple(lines[:len(before)]), before)
    lines = lines[len(before):]
    told = [line for line in lines if line.startswith("pk: ")]
    kinds = [json.loads(line)["kind"] for line in lines if line not in told]
    equal((kinds[0], kinds[-1], kinds.count("ended")), ("started", "over", 1), text)
    equal("pk: false: exited with 1" in told, True, text)


@test
def events_and_messages_may_share_a_file():
    """In one that is appended to and in one that is not, by any of its names, nothing is overwritten or lost."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "log")
        for option in ("/dev/stderr", "+/dev/stderr", "/dev/fd/2", "/proc/self/fd/2", path, "+" + path):
            for mode in ("a", "r+"):
                with open(path, "w", encoding="ascii") as file:
                    file.write("old\n")
                with open(path, mode, encoding="ascii") as file:
                    file.seek(0, os.SEEK_END)
                    subprocess.run([PK, "supervise", "--events", option, *NEVER, "false"], stderr=file, timeout=PATIENCE)
                with open(path, encoding="ascii") as file:
                    check_mixture(file.read(), "old")
        with open(path, encoding="ascii") as file:
            refused(["supervise", "--events", f"/dev/fd/{file.fileno()}", "true"], 125, "it is to be read only",
                    pass_fds=[file.fileno()])
            equal(file.read() != "", True)


@test
def events_may_go_to_a_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        subprocess.run([PK, "supervise", "--events", "/dev/stderr", *NEVER, "false"], stderr=theirs, timeout=PATIENCE)
        theirs.close()
        check_mixture(b"".join(iter(lambda: ours.recv(65536), b"")).decode())
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.join(directory, "socket"))
        refused(["supervise", "--events", os.path.join(directory, "socket"), "true"], 125, "is a socket")


@test
def a_full_disk_is_told_once():
    result = pk("supervise", "--events", "/dev/full", *SOON, "--max-restarts", "3", "false")
    text = result.stderr.decode()
    equal(result.returncode, 1, text)
    equal(text.count("cannot write to /dev/full: No space left on device"), 1, text)
    equal(text.count("exited with 1\n"), 5, text)


sys.exit(run())
