"""Guests: what they begin with, and running them under QEMU's own emulation, which needs no hardware for it.

A guest writes records to its second serial port, each a line "CELL/WHAT/STREAM| TEXT", and ends with the line "end| ".
"""

import os
import re
import shutil
import subprocess
import time
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "3072", "-nodefaults",
        "-display", "none", "-no-reboot"]
KERNEL_ARGUMENTS = " ".join((
    "console=ttyS0 quiet panic=-1",
    # A guest that has to wait for a processor may take its timer for broken.
    "no_timer_check",
    # What may happen between two steps of the kernel happens.
    "preempt=full",
    # An emulator finds code again that it has translated where that is at the same address; and some mitigations are
    # slow beyond measure in one.
    "norandmaps mitigations=off",
    # Otherwise systemd waits 90 s for a terminal on the console.
    "systemd.mask=serial-getty@ttyS0.service systemd.mask=dev-ttyS0.device",
))


# ---- What is in it ---------------------------------------------------------------------------------------------------

def put(tree, source, target):
    """A file, at an absolute path of the guest."""
    path = tree / target.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copy(source, path)


def put_lines(tree, target, lines):
    path = tree / target.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def libraries(*command, form):
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return re.findall(form, said, re.MULTILINE)


def put_program(tree, source, target):
    """A program with the libraries that it needs."""
    put(tree, source, target)
    for library in libraries("ldd", str(source), form=r"(/\S+) \(0x"):
        put(tree, library, library)


# A Debian has its own libraries, and directories in the way of them would replace links of it.
PUT_PROGRAM = {"bare": put_program, "first": put_program, "systemd": put}


def put_guest_programs(tree):
    for path in (HERE / "guest").iterdir():
        if path.is_file():
            put(tree, path, f"/processkit/guest/{path.name}")


def bare_tree(tree):
    """A small userland: busybox, and real programs for what tests copy under other names or expect more of."""
    put(tree, "/bin/busybox", "/bin/busybox")
    for name in ("sh", "true", "sleep"):
        put_program(tree, f"/bin/{name}", f"/bin/{name}")
    # The C library loads it when the first thread ends, and no program names it.
    for library in libraries("/sbin/ldconfig", "-p", form=r"libgcc_s\.so\.1 \(libc6,x86-64\) => (\S+)$"):
        put(tree, library, library)
    # And these when somebody asks for an encoding.
    for folder in Path("/usr/lib").glob("*/gconv"):
        shutil.copytree(folder, f"{tree}{folder}", dirs_exist_ok=True)
    put(tree, HERE / "guest" / "init", "/init")
    put_lines(tree, "/etc/passwd", ["root:x:0:0::/root:/bin/sh", "nobody:x:65534:65534::/:/bin/sh"])
    put_lines(tree, "/etc/group", ["root:x:0:", "nogroup:x:65534:"])
    put_guest_programs(tree)


def systemd_tree(tree):
    """What is laid over the root file system of a Debian."""
    put_guest_programs(tree)
    for manager in ("system", "user"):
        for unit in (HERE / "guest" / manager).iterdir():
            put(tree, unit, f"/etc/systemd/{manager}/{unit.name}")
    wants = tree / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "cells.service").symlink_to("../cells.service")


def pack(tree, archive):
    listed = subprocess.run(["find", "."], cwd=tree, capture_output=True, check=True).stdout
    with open(archive, "ab") as output: # archives that follow one another are laid over one another
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=listed, stdout=output,
                       check=True)


# ---- Running it ------------------------------------------------------------------------------------------------------

class Records(dict):
    """What was said about each WHERE/WHAT: its streams, each a list of lines. What is no record is kept as well."""

    def __init__(self, text):
        super().__init__()
        self.ended = False
        self.other = []
        for line in text.splitlines():
            key, separator, said = line.partition("| ")
            if key == "end":
                self.ended = True
            elif separator and key.count("/") >= 2:
                what, stream = key.rsplit("/", 1)
                self.setdefault(what, defaultdict(list))[stream].append(said)
            elif line.strip():
                self.other.append(line)

    def take_finished(self, others):
        """Adds what came to its end in another guest."""
        self.update({what: said for what, said in others.items() if said["status"]})
        self.ended = others.ended
        self.other += others.other


def boot(kernel, archive, folder, patience_s, arguments=""):
    """Runs a guest to its end, with more arguments for the kernel. Its records, what the console said, and how long it
    took. Both stay in the folder."""
    console, records = folder / "console", folder / "records"
    begin = time.monotonic()
    command = [*QEMU, "-kernel", str(kernel), "-initrd", str(archive), "-append",
               f"{KERNEL_ARGUMENTS} {arguments}",
               "-serial", f"file:{console}", "-serial", f"file:{records}"]
    with open(folder / "qemu", "wb") as said:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said) as qemu:
            try:
                qemu.wait(patience_s)
            except subprocess.TimeoutExpired:
                qemu.kill()
            finally:
                qemu.kill()
    text = {}
    for path in (console, records, folder / "qemu"):
        text[path.name] = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return Records(text["records"]), text["qemu"] + text["console"], time.monotonic() - begin
