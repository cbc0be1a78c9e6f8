#!/usr/bin/python3
"""The contract of pk: what it says and how it exits for every bad input, that it exits as the child did, and what signals
to it do. Readiness is a line from the child, never a time."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

from command import ADVERSARY, PATIENCE, PK, Standing, pk, refused
from harness import equal, run, test


class Running(Standing):
    """pk run with an adversary that stands."""

    def __init__(self, *words, options=()):
        super().__init__(lambda path: [PK, "run", *options, "--", ADVERSARY, "--report", path, *words])


# ---- Bad input -------------------------------------------------------------------------------------------------------

BAD = [
    (["frobnicate"], "unknown command 'frobnicate'"),
    (["run"], "the program is missing"),
    (["run", "--"], "the program is missing"),
    (["run", "--frob", "true"], "--frob: unknown option"),
    (["run", "--timeout"], "--timeout: missing argument"),
    (["run", "--timeout", "0", "true"], "leaves no time at all"),
    (["run", "-t", "-1", "true"], "invalid duration '-1'"),
    (["run", "-t", "10parsecs", "true"], "invalid duration '10parsecs'"),
    (["run", "-t", "99999999999999h", "true"], "longer than 584 years"),
    (["run", "-t", "", "true"], "invalid duration ''"),
    (["run", "-k", "x", "true"], "--grace: invalid duration"),
    (["run", "-s", "FOO", "true"], "invalid signal 'FOO'"),
    (["run", "--memory-max", "99999999999999999999G", "true"], "larger than any memory"),
    (["run", "--memory-max", "1X", "true"], "invalid size '1X'"),
    (["run", "--memory-max", "0", "true"], "leaves nothing"),
    (["run", "--cpu-max", "nan", "true"], "invalid number of processors 'nan'"),
    (["run", "--cpu-max", "0", "true"], "invalid number of processors"),
    (["run", "--cpu-max", "-1", "true"], "invalid number of processors"),
    (["run", "--cpu-max", "inf", "true"], "invalid number of processors"),
    (["run", "--pids-max", "0", "true"], "invalid number '0'"),
    (["run", "--pids-max", "4194305", "true"], "from 1 to 4194304"),
    (["run", "--swap-max", "1M", "true"], "needs a memory limit"),
    (["run", "--swap-max", "x", "true"], "--swap-max: invalid size 'x'"),
    (["run", "--memory-high", "0", "true"], "--memory-high: a limit of 0 leaves nothing"),
    (["run", "--memory-max", "1M", "--memory-high", "2M", "true"], "above the memory limit"),
    (["run", "--memory-max", "4095", "true"], "less than a page"),
    (["run", "--oom", "all", "true"], "--oom: unknown word 'all' (group or one)"),
    (["run", "--cpu-max", "0.0001", "true"], "from 0.001 to 1000000"),
    (["run", "--cpu-weight", "0", "true"], "--cpu-weight: invalid number '0'"),
    (["run", "--cpu-weight", "10001", "true"], "--cpu-weight: invalid number '10001'"),
    (["run", "--io-weight", "x", "true"], "--io-weight: invalid number 'x'"),
    (["run", "--cpus", "", "true"], "--cpus: the list is empty"),
    (["run", "--cpus", "1" * 256, "true"], "--cpus: the list is too long"),
    (["run", "--cpus", "0-", "true"], "invalid cpus limit: '0-' is no list"),
    (["run", "--memory-nodes", "all", "true"], "invalid memory-nodes limit: 'all' is no list"),
    (["run", "--io-max", "8:0", "true"], "--io-max '8:0': DEVICE:KEY=VALUE is expected"),
    (["run", "--io-max", "8:0:xbps=1", "true"], "DEVICE:KEY=VALUE is expected"),
    (["run", "--io-max", ":rbps=1M", "true"], "--io-max: cannot find a device: its name is empty"),
    (["run", "--io-max", "4095:9:rbps=1M", "true"], "cannot find the device '4095:9': there is no such"),
    (["run", "--io-max", "/no/such/path:rbps=1M", "true"], "cannot find the device '/no/such/path'"),
    (["run", "--io-max", "/proc:rbps=1M", "true"], "not on one block device"),
    (["run", "--limits-by", "magic", "true"], "--limits-by: unknown delegation 'magic'"),
    (["run", "--limits-by", "root,,leaf", "true"], "is empty"),
    (["run", "--require", "magic", "true"], "unknown guarantee 'magic'"),
    (["run", "--require", "usage,,cgroup", "true"], "is empty"),
    (["run", "--mechanism", "process_group", "--require", "owner-death", "true"], "cannot guarantee owner-death"),
    (["run", "--mechanism", "x", "true"], "unknown mechanism 'x'"),
    (["run", "--mechanism", "process_group", "--memory-max", "1G", "true"], "cannot enforce limits"),
    (["run", "--leftovers", "x", "true"], "unknown policy 'x'"),
    (["run", "--uid", "no-such-user", "true"], "there is no user 'no-such-user'"),
    (["run", "--gid", "4294967295", "true"], "is no id"),
    (["run", "--groups", "0,,1", "true"], "is empty"),
    (["run", "--umask", "9", "true"], "no octal mask"),
    (["run", "--nice", "20", "true"], "no nice value"),
    (["run", "--rlimit", "junk", "true"], "RESOURCE=SOFT"),
    (["run", "--rlimit", "nofile=x", "true"], "invalid number 'x'"),
    (["run", "--rlimit", "nofile=9:8", "true"], "soft limit is above the hard limit"),
    (["run", "--cpu-affinity", "5-2", "true"], "--cpu-affinity"),
    (["run", "--cpu-affinity", "99999", "true"], "no processor from 0 to 1023"),
    (["run", "--env", "noequals", "true"], "--env: NAME=VALUE"),
    (["run", "--env", "=v", "true"], "--env: NAME=VALUE"),
    (["run", "--unset-env", "a=b", "true"], "no name for a variable"),
    (["run", "--env-file", "/no/such/file", "true"], "cannot open /no/such/file"),
    (["run", "-C", "/no/such/directory", "true"], "No such file or directory"),
    (["run", "-C", "", "true"], "name is empty"),
    (["run", "--stdin", "/no/such/file", "true"], "cannot open /no/such/file"),
    (["run", "--stdout", "/", "true"], "cannot open /"),
    (["run", ""], "name is empty"),
    (["doctor", "extra"], "no argument such as 'extra'"),
]


@test
def every_bad_input_is_one_line_and_125():
    for arguments, words in BAD:
        if arguments[0] == "doctor" and "--require" in arguments:
            equal(pk(*arguments).returncode, 125, arguments)
        else:
            refused(arguments, 125, words)


@test
def devices_are_limited_by_keys():
    """A disk of this machine; what is asked for it is refused before controllers are looked for."""
    disks = [name for name in os.listdir("/sys/dev/block")
             if not os.path.exists(f"/sys/dev/block/{name}/partition")] if os.path.isdir("/sys/dev/block") else []
    if not disks:
        return
    for values, words in (("rbps=x", "invalid size 'x'"), ("rbps=0", "leaves nothing"), ("riops=1k", "invalid number"),
                          ("weight=10001", "from 1 to 10000"), ("wbps=1M,", "is empty"), ("wbps=1M,x=1", "'x=1' is not"),
                          ("wiops=1", "at least 2 operations"), ("rbps=100", "at least 4096 bytes")):
        refused(["run", "--io-max", f"{disks[0]}:{values}", "true"], 125, words)


@test
def pk_alone_shows_its_usage_and_fails():
    result = pk()
    equal(result.returncode, 125)
    equal(result.stdout, b"")
    equal(result.stderr.startswith(b"Usage: pk COMMAND"), True)


@test
def what_cannot_be_run_is_126_and_what_is_not_found_127():
    with tempfile.TemporaryDirectory() as directory:
        def write(name, text, mode):
            path = os.path.join(directory, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(path, mode)
            return path

        refused(["run", directory], 126, "it is a directory")
        refused(["run", write("plain", "true\n", 0o644)], 126, "it is not executable")
        refused(["run", write("script", "true\n", 0o755)], 126, "needs a first line")
        refused(["run", write("broken", "#!/no/such/interpreter\n", 0o755)], 126, "its interpreter was not found")
        refused(["run", "no-such-program"], 127, "not found in PATH")
        refused(["run", "/no/such/program"], 127, "No such file or directory")
        refused(["run", "--env", "PATH=/no/such/place", "true"], 127, "not found in PATH")


@test
def names_cannot_forge_output():
    for name in ["a\nb", "\x1b[31mred", "\x07", "a\u202eb", b"\xff\xfe"]:
        refused(["run", name], 127, "cannot run '")


@test
def secrets_are_not_shown():
    for arguments in (["run", "--env", "PASSWORD=tops3cret", "no-such", "tops3cret"],
                      ["run", "--env", "tops3cret", "true"]):
        equal(b"tops3cret" in pk(*arguments).stderr, False, arguments)


@test
def few_descriptors_and_closed_ones_do_no_harm():
    result = pk("run", "true", preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (8, 8)))
    equal((result.returncode == 0) or (result.returncode == 125 and b"Too many open files" in result.stderr), True)
    for closed in range(1, 8):
        def close():
            for fd in range(3):
                if closed & 1 << fd:
                    os.close(fd)
        process = subprocess.Popen([PK, "run", ADVERSARY, "exit", "7"], preexec_fn=close)
        equal(process.wait(PATIENCE), 7, closed)


@test
def output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="utf-8") as full:
        for arguments in (["--help"], ["run", "--help"], ["doctor"], ["doctor", "--json"], ["--version"]):
            equal(subprocess.run([PK, *arguments], stdout=full, stderr=subprocess.DEVNULL).returncode, 125, arguments)


@test
def help_fits_a_terminal():
    for arguments in (["--help"], ["run", "--help"], ["doctor", "--help"]):
        result = pk(*arguments)
        equal(result.returncode, 0)
        equal(max(map(len, result.stdout.splitlines())) <= 80, True, arguments)


# ---- Ending as the child did -----------------------------------------------------------------------------------------


@test
def every_exit_code_is_passed_on():
    for code in range(256):
        equal(pk("run", "sh", "-c", f"exit {code}").returncode, code, code)


@test
def every_signal_is_passed_on():
    not_deadly = {signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH, signal.SIGSTOP, signal.SIGTSTP,
                  signal.SIGTTIN, signal.SIGTTOU}
    for number in signal.valid_signals() - not_deadly:
        command = [ADVERSARY, "die", str(int(number))]
        bare = subprocess.run(command, stderr=subprocess.DEVNULL).returncode
        equal(pk("run", *command).returncode, bare, number)


@test
def verdicts_have_their_statuses():
    equal(pk("run", "-t", "50ms", "-k", "0", "sleep", "60").returncode, 124)
    equal(pk("run", "-q", "-t", "50ms", "-k", "0", "sleep", "60").stderr, b"")
    equal(pk("run", "--leftovers", "fail", ADVERSARY, "leave", "0", "--", "hold").returncode, 125)
    equal(pk("run", "--leftovers", "fail", ADVERSARY, "leave", "3", "--", "hold").returncode, 3)
    equal(pk("run", "--leftovers", "kill", ADVERSARY, "leave", "0", "--", "hold").returncode, 0)
    equal(pk("run", "--leftovers", "wait", "sh", "-c", "(sleep 0.1; exit 1) & exit 4").returncode, 4)


@test
def arguments_are_untouched():
    words = ["--", "-x", "", "a b", "$HOME", "--timeout"]
    equal(pk("run", "--", "printf", "%s|", *words).stdout.decode(), "".join(f"{w}|" for w in words))
    equal(pk("run", "-q", "echo", "-n", "--stats").stdout, b"--stats")


@test
def stats_tell_the_verdict():
    text = pk("run", "--stats", "-t", "100ms", "sleep", "60").stderr.decode()
    for words in ("timed out after", "verdict    timed-out", "mechanism ", "cpu ", "memory ", "wall "):
        equal(words in text, True, f"{words} in {text}")


@test
def stats_are_a_table_of_what_there_is_to_say():
    """Where nothing is limited there is nothing to say of limits, and what is not counted is not made up."""
    for mechanism in ("auto", "reaper", "process_group"):
        lines = pk("run", "--stats", "--mechanism", mechanism, "sh", "-c", "exit 3").stderr.decode().splitlines()
        equal(lines[0], "pk: exited with 3")
        names = [line[2:12].rstrip() for line in lines[1:]]
        equal([line for line in lines[1:] if line[:2] != "  " or line[12] != " " or line[13] == " "], [])
        equal([name for name in names if name not in ("io", "pressure")],
              ["verdict", "wall", "cpu", "memory", "processes", "mechanism"])
        equal("  processes  peak unavailable" in lines, True, lines)


@test
def ignored_signals_stay_ignored():
    """As nohup, and a shell's job in the background, mean it."""
    result = pk("run", "grep", "SigIgn", "/proc/self/status",
                preexec_fn=lambda: (signal.signal(signal.SIGHUP, signal.SIG_IGN),
                                    signal.signal(signal.SIGPIPE, signal.SIG_DFL),
                                    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)))
    equal(int(result.stdout.split()[1], 16), 1 << (signal.SIGHUP - 1))


# A pid namespace of its own, where memory files cannot be executed; its init is pk itself.
WITHOUT_HELPER = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                  'echo 2 2>/dev/null > /proc/sys/vm/memfd_noexec || exit 77; exec "$@"', "sh"]
AS_USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@test
def the_fallback_is_said():
    """An ordinary user may make no cgroup here; where it may, there is nothing to say. A reaper gives all that was asked
    for, a process group does not."""
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "pk")
        shutil.copy(PK, program)
        os.chmod(directory, 0o755)
        for before, option, words in (
            ([], [], b""),
            ([], ["-v"], b"no better mechanism: "),
            ([], ["-q"], b""),
            ([], ["--mechanism", "process_group"], b""),
            (WITHOUT_HELPER, [], b"process group only"),
            (WITHOUT_HELPER, ["-q"], b""),
        ):
            result = subprocess.run([*before, *AS_USER, program, "run", *option, "true"], capture_output=True, cwd="/",
                                    timeout=PATIENCE)
            if before and result.returncode in (1, 77):
                continue  # no namespace, or a kernel before 6.3
            equal(result.returncode, 0, f"{option} {result.stderr}")
            equal(words in result.stderr and bool(words) == bool(result.stderr), True, f"{option} {result.stderr}")


# ---- Signals to pk ---------------------------------------------------------------------------------------------------


@test
def a_signal_ends_the_tree_and_then_pk():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        running = Running("wide", "3")
        running.process.send_signal(number)
        equal(running.end(), -number, number)


@test
def a_leader_that_catches_it_decides_the_status():
    running = Running("catch-exit", "TERM", "9")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), 9)


@test
def a_stubborn_tree_is_killed_after_the_grace():
    running = Running("ignore", "TERM", "--", "wide", "2", options=["-k", "100ms"])
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def the_second_signal_kills():
    running = Running("catch", "TERM", "--", "hold", options=["-k", "1h"])
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("got TERM")
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


@test
def other_signals_are_the_leaders():
    running = Running("catch", "USR1,USR2,WINCH", "--", "hold")
    for name in ("USR1", "USR2", "WINCH"):
        running.process.send_signal(getattr(signal, "SIG" + name))
        running.wait_for("got " + name)
    running.process.send_signal(signal.SIGTERM)
    equal(running.end(), -signal.SIGTERM)


sys.exit(run())
