"""What is to hold in each cell: the one place to change when the product learns to do more.

A cell is a kernel and a place to be: who somebody is there, and what they were given. Limits must hold where the product
says that they do, and must be refused for the right reason elsewhere; no cell accepts both.
"""

from dataclasses import dataclass

KERNELS = ("6.1", "6.12")
LIMITS = ("memory", "pids", "cpu")


@dataclass
class Enforced:
    """The limit can be had, and holds."""


@dataclass
class Refused:
    """It is refused, with this one line."""
    line: str


@dataclass
class Cell:
    guest: str  # bare or systemd
    mechanism: str  # the best one that can be had
    limits: dict  # for each of LIMITS, Enforced or Refused


def everything_enforced():
    return {limit: Enforced() for limit in LIMITS}


def everything_refused(line, **others):
    """NAME in the line stands for the controller."""
    return {limit: Refused(line.replace("NAME", limit)) for limit in LIMITS} | others


# ---- Refusals --------------------------------------------------------------------------------------------------------

SYSTEM = "/sys/fs/cgroup/system.slice"
USER = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice"


def no_cgroup(place, why):
    return f"pk: cannot enforce limits without a cgroup: cannot make a cgroup in {place}: {why}"


def occupied(place):
    return (f"pk: cannot enforce limits: cannot enable the controllers '+NAME' in {place}/cgroup.subtree_control: a "
            "cgroup with processes in it cannot enable them (run in a service or scope of its own with Delegate=yes, or "
            "below a cgroup that has them enabled)")


def no_controller(name, place):
    return Refused(f"pk: cannot enforce limits: the controller '{name}' is not available in {place} (enable it in the "
                   "cgroups above, or boot with the unified hierarchy)")


# ---- The table -------------------------------------------------------------------------------------------------------

CELLS = {
    # Root at the root of the hierarchy, where nothing else runs.
    "root": Cell("bare", "cgroup2", everything_enforced()),
    # An ordinary user in a service of the system that is not delegated.
    "nobody-service": Cell("systemd", "reaper", everything_refused(
        no_cgroup(f"{SYSTEM}/cell-nobody-service.service", "Permission denied"))),
    # An ordinary user in a service of the user's own manager, not delegated either. That manager has no cpu to give.
    "user-manager": Cell("systemd", "cgroup2", everything_refused(
        occupied(f"{USER}/cell-user-manager.service"),
        cpu=no_controller("cpu", f"{USER}/cell-user-manager.service"))),
    # Root in a service of the system with Delegate=yes.
    "delegate-root": Cell("systemd", "cgroup2", everything_refused(
        occupied(f"{SYSTEM}/cell-delegate-root.service"))),
    # Root with a read-only view of its cgroup, as in a stock container.
    "readonly": Cell("systemd", "reaper", everything_refused(no_cgroup("/sys/fs/cgroup", "Read-only file system"))),
}

# How a run that met its limit ends.
OOM_VERDICT = "oom-killed"
PIDS_VERDICT = "exited"


def is_limited(cell):
    """Whether a limit can be had there, of those that do no harm to an ordinary tree."""
    return isinstance(CELLS[cell].limits["pids"], Enforced)
