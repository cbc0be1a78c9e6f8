"""Judges what a cell has said by the table of what is expected."""

import re
from pathlib import Path

from cells import CELLS, CPU_SHARE, OOM_VERDICT, PIDS_VERDICT, Refused, has_scope, is_limited

TRANSCRIPTS = Path(__file__).resolve().parent / "transcripts"


class Disappointment(Exception):
    """With what was expected and what was found."""


def expect(found, expected, about):
    if found != expected:
        raise Disappointment(f"{about}: {found!r} instead of {expected!r}")


# ---- Statistics of pk ------------------------------------------------------------------------------------------------

def stats(said):
    """The rows that --stats prints on stderr, by their names."""
    return dict(re.findall(r"^  (\S+) +(.*)$", "\n".join(said["err"]), re.MULTILINE))


def seconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1}[unit]


def status(said):
    return int(said["status"][0]) if said["status"] else None


# ---- The claims ------------------------------------------------------------------------------------------------------

def expect_row(said, name, form):
    row = stats(said).get(name, "")
    if not re.match(form, row):
        raise Disappointment(f"{name}: {row!r} is not like {form!r}")


def expect_limit(said, expected, verdict, status_expected):
    """What all have in common: how the run ended, and by which way its limits were had."""
    expect(status(said), status_expected, "status")
    expect_row(said, "verdict", f"{verdict}$")
    expect_row(said, "limits", rf".*\(by delegation: {expected.by}\)$")


def judge_memory(said, expected):
    """100 MiB under a cap of 32 MiB."""
    expect_limit(said, expected, OOM_VERDICT, 128 + 9)
    expect_row(said, "memory", r"peak 32\.0 MiB of 32\.0 MiB, reached \d+ times?, members were killed$")


def judge_memory_told(said, _):
    """The same without --stats. The shell of the cell may have a word to say, too."""
    expect(status(said), 128 + 9, "status")
    expect(said["err"][:1], ["pk: out of memory: the tree reached its limit of 32.0 MiB (--memory-max), and the kernel killed "
                         "it"], "stderr")


def judge_pids(said, expected):
    """50 children under a cap of 10 processes, of which the parent is one."""
    expect_limit(said, expected, PIDS_VERDICT, 0)
    expect(said["out"], ["9 of 50 children: Resource temporarily unavailable"], "output")
    expect_row(said, "processes", "peak 10 of 10, 1 start refused$")


def judge_pids_told(said, _):
    """The same with a parent that fails for it, without --stats."""
    expect(status(said), 2, "status")
    expect(said["err"], ["pk: the tree reached its limit of 10 processes (--pids-max): 1 start was refused"], "stderr")


def judge_cpu(said, expected):
    """Two threads for 4 s on half a processor: the last try, which is one that went well if there was any."""
    expect_limit(said, expected, "exited", 0)
    rows = stats(said)
    used = sum(seconds(part.split()[0]) for part in rows["cpu"].split(" (")[0].split(", "))
    share = used / seconds(rows["wall"].split()[0])
    if not CPU_SHARE[0] <= share <= CPU_SHARE[1]:
        raise Disappointment(f"used {share:.3f} of a processor: {rows['cpu']} in {rows['wall']}")
    expect_row(said, "cpu", r".*, throttled in \d+ of \d+ periods under cpu-max 0\.5 \(")


def judge_refusal(said, expected):
    expect(said["err"], [expected.line], "stderr")
    expect(status(said), 125, "status")
    expect(said["out"], [], "output")


def judge_owner_killed(said):
    """All that were reported stood when the owner was killed, and nothing was left of them."""
    expect(status(said), 128 + 9, "status")
    expect(len(said["out"]), 24, "lines")
    expect(said["out"][-1], "ready", "the last line")


def judge_starts(said, by):
    """Commands started one after the other in a group of ten."""
    expect(said["out"], [f"10 started, limits by {by}",
                         "cannot start a process: the group has as many as its pids limit of 10 allows (wait until "
                         "some have ended, or raise it)"], "output")


def judge_cost(said, by):
    """Measured here and judged where nothing else runs: emulation on a busy machine is no place for ratios."""
    expect(status(said), 0, "status")
    expect([line.split(";")[0] for line in said["out"] if ";" in line], [f"limits by {by}"], "the way")


def judge_scope_stopped(said):
    """The leader ends by the SIGTERM of the manager, or, with a tree that is slow to die, by its SIGKILL."""
    if status(said) not in (128 + 15, 128 + 9):
        raise Disappointment(f"status: {status(said)}")
    expect(said["out"], [], "output")


def judge_nothing_left(said):
    expect(said["out"], [], "left behind")


def normal(text, cell):
    """Without what is different in each run: numbers of processes, scopes named after them, and, below systemd, which
    controllers the neighbours have brought along."""
    text = re.sub(r"run-processkit-[-0-9a-f]+", "run-processkit-PID", text)
    if CELLS[cell].guest == "systemd":
        text = re.sub(r"^controllers .*", "controllers  SOME", text, flags=re.MULTILINE)
    return re.sub(r"\b(such as|process) \d+", r"\1 PID", text)


def judge_doctor(said, kernel, cell, update):
    """Word for word as in the transcript, once it has been read and approved by somebody."""
    path = TRANSCRIPTS / f"{kernel}-{cell}.txt"
    text = normal("".join(f"{line}\n" for line in said["out"]), cell)
    expect(said["err"], [], "stderr")
    expect(said["out"][:1], [f"mechanism    {CELLS[cell].mechanism}"], "the first line")
    if update:
        path.write_text(text, encoding="utf-8")
    expect(text, path.read_text(encoding="utf-8") if path.exists() else "", f"{path.name} (--update writes it)")


# ---- All of them -----------------------------------------------------------------------------------------------------

LIMIT_JUDGES = {
    "memory": {"memory": judge_memory, "memory-told": judge_memory_told},
    "pids": {"pids": judge_pids, "pids-told": judge_pids_told},
    "cpu": {"cpu": judge_cpu},
}


def claims(kernel, cell, update):
    yield "doctor", lambda said: judge_doctor(said, kernel, cell, update)
    for limit, expected in CELLS[cell].limits.items():
        for name, judge in LIMIT_JUDGES[limit].items():
            judge = judge_refusal if isinstance(expected, Refused) else judge
            yield name, lambda said, judge=judge, expected=expected: judge(said, expected)
    yield "owner-killed", judge_owner_killed
    if is_limited(cell):
        yield "owner-killed-with-limits", judge_owner_killed
        by = CELLS[cell].limits["pids"].by
        yield "starts", lambda said: judge_starts(said, by)
        yield "cost", lambda said: judge_cost(said, by)
        if has_scope(cell):
            yield "scope-stopped", judge_scope_stopped
    yield "left", judge_nothing_left
    yield "remains", judge_nothing_left


def judge_cell(kernel, cell, records, update):
    """Its cases in the Test Anything Protocol."""
    for number, (name, judge) in enumerate(claims(kernel, cell, update), 1):
        said = records.get(f"{cell}/{name}")
        try:
            if not said or not said["status"]:
                raise Disappointment("the guest has said nothing of it")
            judge(said)
            yield f"ok {number} - {name}"
        except Disappointment as disappointment:
            yield f"not ok {number} - {name}"
            yield from (f"# {line}" for line in str(disappointment).splitlines())
            yield from (f"# {stream}: {line}" for stream, lines in (said or {}).items() for line in lines)


# ---- Process 1 -------------------------------------------------------------------------------------------------------

def judge_exit(console):
    """The kernel cannot go on without its process 1, and says how that has ended: by an exit with 42."""
    found = re.findall(r"Attempted to kill init! exitcode=(0x[0-9a-f]+)", console)
    expect(found, ["0x00002a00"], "the console")


def judge_first(records, console):
    """Likewise, of the guest whose process 1 is pk init."""
    parent = "/processkit/build/cli/pk init /processkit/guest/first is process 1"
    cases = (("parent", lambda said: expect(said["out"], [parent], "parent")),
             ("orphans", lambda said: expect(said["out"], ["0 zombies"], "left of 1000 orphans")),
             ("exit", lambda _: judge_exit(console)))
    for number, (name, judge) in enumerate(cases, 1):
        try:
            judge(records.get(f"first/{name}", {"out": []}))
            yield f"ok {number} - {name}"
        except Disappointment as disappointment:
            yield f"not ok {number} - {name}"
            yield from (f"# {line}" for line in str(disappointment).splitlines())
