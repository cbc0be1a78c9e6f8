"""What is to hold in each cell: the one place to change when the product learns to do more.

A cell is a kernel and a place to be: who somebody is there, and what they were given. Limits must hold where the
product says that they do, and must be refused for the right reason elsewhere; no cell accepts both.
"""

from dataclasses import dataclass

KERNELS = ("6.1", "6.12")
LIMITS = ("memory", "pids", "cpu")


@dataclass
class Enforced:
    """The limit can be had, and holds."""
    by: str  # which way to have controllers is taken


@dataclass
class Refused:
    """It is refused, with this one line."""
    line: str


@dataclass
class Cell:
    guest: str  # bare or systemd
    mechanism: str  # the best one that can be had without limits
    limits: dict  # for each of LIMITS, Enforced or Refused


def each(expected):
    return {limit: expected for limit in LIMITS}


# ---- The table -------------------------------------------------------------------------------------------------------

CELLS = {
    # Root at the root of the hierarchy, where nothing else runs.
    "root": Cell("bare", "cgroup2", each(Enforced("root"))),
    # An ordinary user in a service of the system that is not delegated. Their own manager can be asked.
    "nobody-service": Cell("systemd", "reaper", each(Enforced("scope"))),
    # An ordinary user in a service of the user's own manager, not delegated either.
    "user-manager": Cell("systemd", "cgroup2", each(Enforced("scope"))),
    # Root in a service of the system with Delegate=yes, which is not divided unasked.
    "delegate-root": Cell("systemd", "cgroup2", each(Enforced("scope"))),
    # An ordinary user's service with Delegate=yes whose main process asks to be moved to a leaf.
    "delegate-leaf": Cell("systemd", "cgroup2", each(Enforced("leaf"))),
    # The same service, where somebody has moved to a leaf already and enabled controllers beside it.
    "delegate-present": Cell("systemd", "cgroup2", each(Enforced("present"))),
    # Root with a read-only view of its cgroup and nobody to ask, as in a stock container.
    "readonly": Cell("systemd", "reaper", each(Refused(
        "pk: cannot enforce limits: root: this process is not in the root of the cgroup hierarchy; present: this process "
        "is not in a leaf of a cgroup that was delegated to it; scope: no service manager runs here that could be asked "
        "for a scope (run where systemd runs, or at the root of the cgroup hierarchy)"))),
}

# How a run that met its limit ends.
OOM_VERDICT = "oom-killed"
PIDS_VERDICT = "exited"

# How much of a processor is used under a limit of half of one: at least, and at most.
CPU_SHARE = (0.45, 0.55)


def is_limited(cell):
    """Whether a limit can be had there, of those that do no harm to an ordinary tree."""
    return isinstance(CELLS[cell].limits["pids"], Enforced)


def has_scope(cell):
    """Whether that is by a scope."""
    return CELLS[cell].limits["pids"] == Enforced("scope")
