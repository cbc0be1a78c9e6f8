#!/usr/bin/python3
"""The socket of pk supervise: whoever it is that connects to it, and whatever comes, the services go on and others are
answered."""

import json
import os
import resource
import signal
import socket
import sys
import time

from command import PATIENCE, refused
from harness import Missing, equal, run, test
from supervised import ServiceFile, Supervised, asleep, facts

SLEEP = '[service.a]\ncommand = ["sleep", "1000"]\n'


def address_of(pid):
    """Where that one answers, as the kernel lists it."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}").removeprefix("socket:[").removesuffix("]"))
        except OSError:
            pass
    with open("/proc/net/unix", encoding="ascii") as table:
        for line in table:
            words = line.split()
            if len(words) == 8 and words[6] in inodes and words[7].startswith("@processkit/supervise/"):
                return "\0" + words[7][1:]
    raise AssertionError("it does not listen")


class Target:
    """A supervisor with one service."""

    def __init__(self):
        self.file = ServiceFile(SLEEP)
        self.supervised = self.file.supervised()
        self.pid = self.supervised.wait("ready")["pid"]
        self.address = address_of(self.supervised.process.pid)

    def connect(self):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(self.address)
        client.settimeout(PATIENCE)
        return client

    def ask(self, bytes_):
        """The answer to these bytes."""
        with self.connect() as client:
            client.sendall(bytes_)
            return json.loads(read_all(client))

    def is_well(self):
        equal(self.file.status()["a"]["pid"], self.pid)

    def end(self):
        self.is_well()
        self.supervised.stop()


def read_all(client):
    text = b""
    while piece := client.recv(65536):
        text += piece
    return text


@test
def garbage_is_answered_with_one_error():
    target = Target()
    for garbage in (b"\n", b"garbage\n", b"{\n", b"[]\n", b"{}\n", b"null\n", b"\xff\xfe\n", b"\0\n", b"{\"a\":\0}\n",
                    b'{"version":2,"do":"status"}\n', b'{"version":1}\n', b'{"version":1,"do":5}\n',
                    b'{"version":1,"do":"dance"}\n', b'{"version":1,"do":"stop"}\n', b'[' * 4000 + b"\n",
                    b'{"version":1,"do":"stop","service":["a"]}\n', b'{"version":1,"do":"stop","service":"b"}\n'):
        answer = target.ask(garbage)
        equal((sorted(answer), answer["version"]), (["error", "version"], 1), garbage)
    equal(target.ask(b'{"version":1,"do":"status"}\nmore\n')["services"][0]["name"], "a")
    target.end()


@test
def a_request_without_end_is_answered_at_its_end():
    target = Target()
    with target.connect() as client:
        client.sendall(b"garb")
        client.shutdown(socket.SHUT_WR)
        equal("error" in json.loads(read_all(client)), True)
    target.end()


@test
def ten_megabytes_are_not_taken():
    target = Target()
    with target.connect() as client:
        try:
            client.sendall(b"x" * 10_000_000)
            raise AssertionError("all of it was taken")
        except (BrokenPipeError, ConnectionResetError):
            pass
        equal("error" in json.loads(client.recv(65536)), True)
    target.end()


@test
def silent_clients_are_sent_away_and_block_nobody():
    target = Target()
    begun = time.monotonic()
    silent = [target.connect() for _ in range(8)]
    target.is_well()
    equal([client.recv(1) for client in silent], [b""] * 8)
    equal(time.monotonic() - begun < 15, True)
    for client in silent:
        client.close()
    for _ in range(50):
        target.connect().close()
    target.end()


@test
def who_does_not_read_is_sent_away():
    text = "".join(f'[service.s{i}]\ncommand = ["true"]\n' for i in range(300))
    target = Target()
    target.file.write(SLEEP + text)
    target.file.told("--reload")
    with target.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        client.sendall(b'{"version":1,"do":"status"}\n')
        target.is_well()
    equal(len(target.file.status()), 301)
    target.end()


def one_more_descriptor(pid):
    """Lets it have no more than that; what it could have before."""
    taken = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    lowest = min(set(range(len(taken) + 1)) - taken)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest + 1, before[1]))
    return before


@test
def nobody_is_let_in_who_has_no_place():
    """Its door was closed for want of descriptors, and is full when it is to be opened again."""
    target = Target()
    pid = target.supervised.process.pid
    before = one_more_descriptor(pid)
    first = target.connect()
    asleep(pid)
    clients = [target.connect()]
    asleep(pid)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    first.close()
    clients += [target.connect() for _ in range(8)]
    equal([client.recv(1) for client in clients], [b""] * 9)
    target.end()


# ---- Answers that come late ------------------------------------------------------------------------------------------


@test
def the_last_thing_it_does_is_answered():
    file = ServiceFile('[service.a]\ncommand = ["false"]\nrestart.first-pause = "30s"\n')
    supervised = file.supervised()
    supervised.wait("pauses", "a")
    file.told("--stop", "a")
    supervised.end()


@test
def its_own_work_is_not_the_clients_time():
    target = Target()
    path = os.path.join(target.file.directory.name, "variables")
    os.mkfifo(path)
    target.file.write(SLEEP + '[service.b]\ncommand = ["true"]\nenv-file = "variables"\n')
    with target.connect() as client, target.connect() as other:
        client.sendall(b'{"version":1,"do":"reload"}\n')
        with open(path, "w", encoding="ascii"):  # it reads now, and does nothing else
            other.sendall(b'{"version":1,"do":"status"}\n')
            time.sleep(1.5)  # this is what is looked at: longer than the deadline of who has asked
        equal(json.loads(read_all(client))["added"], ["b"])
        equal(len(json.loads(read_all(other))["services"]), 2)
    target.end()


@test
def who_does_not_answer_is_not_waited_for():
    target = Target()
    target.supervised.signal(signal.SIGSTOP)
    refused(["supervise", "-f", target.file.path, "--status"], 125, "has not answered within 10 s")
    target.supervised.signal(signal.SIGCONT)
    target.end()


@test
def what_is_no_name_is_not_asked_about():
    file = ServiceFile(SLEEP)
    for name in ("", "a b", "x" * 65, "x" * 100_000):
        for option in ("--start", "--stop", "--restart", "--reload"):
            refused(["supervise", "-f", file.path, option, name], 125, "is no name for a service: 1 to 64 letters")


# ---- Who may ask -----------------------------------------------------------------------------------------------------


@test
def others_are_not_let_in():
    if os.geteuid() != 0:
        raise Missing("root")
    target = Target()
    child = os.fork()
    if child == 0:
        os.setresuid(65534, 65534, 65534)
        with target.connect() as client:
            try:
                client.sendall(b'{"version":1,"do":"stop","service":"a"}\n')
                os._exit(1 if client.recv(100) else 0)
            except (BrokenPipeError, ConnectionResetError):
                os._exit(0)
    equal(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
    target.end()


@test
def root_may_ask_for_others():
    if os.geteuid() != 0:
        raise Missing("root")
    file = ServiceFile(SLEEP)
    for path in (file.directory.name, file.path):
        os.chown(path, 65534, 65534)
    supervised = Supervised("-f", file.path, user=65534, group=65534, extra_groups=[], everybody=True)
    pid = supervised.wait("ready")["pid"]
    equal(file.status()["a"]["pid"], pid)
    file.told("--stop", "a")
    supervised.end()


@test
def nothing_happens_while_nobody_asks():
    """The door is not polled."""
    target = Target()
    target.is_well()
    pid = target.supervised.process.pid
    asleep(pid)
    before = facts(pid)[1]
    time.sleep(1.5)  # this is what is looked at: longer than the deadline of who has asked
    equal(facts(pid)[1], before)
    target.end()


sys.exit(run())
