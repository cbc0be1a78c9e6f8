#!/usr/bin/python3
"""A message bus with a service manager on it, both of them well or ill, for one client.

    fake-manager.py SOCKET BEHAVIOUR [CGROUP]

Says what happens on its stdout, a line each: "ready", "asked UNIT PID", "property NAME VALUE", "stopped UNIT". A scope
becomes a directory in CGROUP. It runs until it is killed.
"""

import os
import signal
import socket
import struct
import sys

PATH, BEHAVIOUR = sys.argv[1:3]
CGROUP = sys.argv[3] if len(sys.argv) > 3 else None
BUS, MANAGER = "org.freedesktop.DBus", "org.freedesktop.systemd1"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4


# ---- The wire format -------------------------------------------------------------------------------------------------

ALIGNMENT = {"y": 1, "g": 1, "v": 1, "u": 4, "b": 4, "s": 4, "o": 4, "a": 4, "t": 8, "(": 8}
NUMBERS = {"y": "<B", "u": "<I", "b": "<I", "t": "<Q"}


def split(types):
    """The complete types in a signature, one after the other."""
    while types:
        end = 0
        while types[end] == "a":
            end += 1
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(types[end], 0)
            end += 1
            if depth == 0:
                break
        yield types[:end]
        types = types[end:]


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def align(self, to):
        self.at += -self.at % to

    def number(self, form):
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self, length):
        value = self.data[self.at:self.at + length].decode()
        self.at += length + 1
        return value

    def one(self, kind):
        self.align(ALIGNMENT[kind[0]])
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind in "so":
            return self.text(self.number("<I"))
        if kind == "g":
            return self.text(self.number("<B"))
        if kind == "v":
            return self.one(self.one("g"))
        if kind[0] == "(":
            return self.all(kind[1:-1])
        length = self.number("<I")
        self.align(ALIGNMENT[kind[1]])
        end, items = self.at + length, []
        while self.at < end:
            items.append(self.one(kind[1:]))
        return items

    def all(self, types):
        return [self.one(kind) for kind in split(types)]


class Writer:
    def __init__(self):
        self.data = bytearray()

    def align(self, to):
        self.data += bytes(-len(self.data) % to)

    def one(self, kind, value):
        self.align(ALIGNMENT[kind[0]])
        if kind in NUMBERS:
            self.data += struct.pack(NUMBERS[kind], value)
        elif kind in "so":
            self.data += struct.pack("<I", len(value.encode())) + value.encode() + b"\0"
        elif kind == "g":
            self.data += bytes([len(value)]) + value.encode() + b"\0"
        elif kind == "v":
            self.one("g", value[0])
            self.one(*value)
        elif kind[0] == "(":
            self.all(kind[1:-1], value)
        else:
            self.array(kind[1:], value)

    def array(self, kind, items):
        begin = len(self.data)
        self.data += bytes(4)
        self.align(ALIGNMENT[kind[0]])
        first = len(self.data)
        for item in items:
            self.one(kind, item)
        struct.pack_into("<I", self.data, begin, len(self.data) - first)

    def all(self, types, values):
        for kind, value in zip(split(types), values):
            self.one(kind, value)


class Message:
    """What came: its kind and number, the fields of its header by their numbers, and its body."""

    def __init__(self, stream):
        begin = stream.take(16)
        length, self.serial, fields = struct.unpack_from("<III", begin, 4)
        header = begin + stream.take(fields + -fields % 8)
        self.kind = header[1]
        self.fields = {code: value for code, value in Reader(header, 12).one("a(yv)")}
        self.body = Reader(stream.take(length)).all(self.fields.get(8, ""))
        self.member = self.fields.get(3)


# ---- The conversation ------------------------------------------------------------------------------------------------

class Stream:
    def __init__(self, connection):
        self.connection = connection
        self.unread = b""
        self.sent = 0

    def take(self, size):
        while len(self.unread) < size:
            more = self.connection.recv(4096)
            if not more:
                raise EOFError
            self.unread += more
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def line(self):
        taken = b""
        while not taken.endswith(b"\r\n"):
            taken += self.take(1)
        return taken.decode().strip()

    def send(self, *message):
        self.connection.sendall(self.message(*message))

    def message(self, kind, fields, types="", values=()):
        """Fields are (number, type, value)."""
        self.sent += 1
        body = Writer()
        body.all(types, values)
        fields = fields + ([(8, "g", types)] if types else [])
        message = Writer()
        message.data += struct.pack("<BBBBII", ord("l"), kind, 1, 1, len(body.data), self.sent)
        message.one("a(yv)", [(code, (form, value)) for code, form, value in fields])
        message.align(8)
        return message.data + body.data

    def answer(self, call, types="", values=()):
        self.send(RETURN, [(5, "u", call.serial), (7, "s", MANAGER)], types, values)

    def refuse(self, call, name, words):
        self.send(ERROR, [(4, "s", name), (5, "u", call.serial), (7, "s", MANAGER)], "s", [words])

    def tell_removed(self, unit, result):
        self.connection.sendall(self.removed(unit, result))

    def removed(self, unit, result):
        return self.message(SIGNAL, [(1, "o", "/org/freedesktop/systemd1"), (2, "s", MANAGER + ".Manager"), (3, "s", "JobRemoved"),
                           (7, "s", ":1.1")], "uoss", [7, "/org/freedesktop/systemd1/job/7", unit, result])


def say(*words):
    print(*words, flush=True)


def hang():
    while True:
        signal.pause()


def at(stage, stream):
    """The illnesses: what happens to everybody who comes so far."""
    if BEHAVIOUR == f"mute-{stage}":
        hang()
    if BEHAVIOUR == f"dead-{stage}":
        stream.connection.close()
        hang()
    if BEHAVIOUR == f"babble-{stage}":
        stream.connection.sendall(b"\xffno such protocol\r\n" * 20)
        hang()


def authenticate(stream):
    at("greeting", stream)
    assert stream.take(1) == b"\0"
    while (line := stream.line()) != "BEGIN":
        if BEHAVIOUR == "stranger":
            stream.connection.sendall(b"REJECTED EXTERNAL\r\n")
        elif line == "AUTH EXTERNAL":
            stream.connection.sendall(b"DATA\r\n")
        elif line.startswith(("AUTH", "DATA")):
            stream.connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
        else:
            stream.connection.sendall(b"AGREE_UNIX_FD\r\n")


# ---- The manager -----------------------------------------------------------------------------------------------------

def make_scope(unit, pid):
    directory = os.path.join(CGROUP, unit)
    os.mkdir(directory)
    if BEHAVIOUR != "elsewhere":
        with open(os.path.join(directory, "cgroup.procs"), "w", encoding="ascii") as procs:
            procs.write(str(pid))
    for kept in BEHAVIOUR.split("-without-")[1:]:
        os.chmod(os.path.join(directory, f"cgroup.{kept}"), 0o444)


def start(stream, call):
    unit, _, properties, _ = call.body
    properties = dict(properties)
    pid = properties["PIDs"][0]
    say("asked", unit, pid)
    for name, value in properties.items():
        say("property", name, value)
    at("call", stream)
    if BEHAVIOUR == "unanswering":
        return
    if BEHAVIOUR == "refusing":
        stream.refuse(call, "org.freedesktop.DBus.Error.AccessDenied", "not\x1b[31m today\n")
        return
    if CGROUP:
        make_scope(unit, pid)
    result = "failed" if BEHAVIOUR == "failing" else "done"
    if BEHAVIOUR == "hasty":
        stream.tell_removed(unit, result)
    stream.answer(call, "o", ["/org/freedesktop/systemd1/job/7"])
    much = stream.removed("other.service", "done") * 1000
    while BEHAVIOUR == "chatty":
        stream.connection.sendall(much)
    at("job", stream)
    if BEHAVIOUR not in ("hasty", "unending"):
        stream.tell_removed("other.service", "failed")
        stream.tell_removed(unit, result)


def serve(stream):
    authenticate(stream)
    at("hello", stream)
    while True:
        call = Message(stream)
        if call.member == "Hello":
            stream.send(RETURN, [(5, "u", call.serial), (7, "s", BUS)], "s", [":1.7"])
            at("match", stream)
        elif call.member == "AddMatch":
            stream.answer(call)
        elif BEHAVIOUR == "lonely":
            stream.refuse(call, BUS + ".Error.ServiceUnknown", "The name is not activatable")
        elif call.member == "StartTransientUnit":
            start(stream, call)
        elif call.member == "StopUnit":
            say("stopped", call.body[0])


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    crowd = [socket.socket(socket.AF_UNIX)]
    listener.listen(0)
    if BEHAVIOUR == "crowded":
        crowd[0].connect(PATH)
    say("ready")
    if BEHAVIOUR in ("crowded", "asleep"):
        hang()
    connection, _ = listener.accept()
    try:
        serve(Stream(connection))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        say("gone")
    hang()


main()
