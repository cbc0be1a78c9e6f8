#!/usr/bin/python3
"""pk supervise --file: order, reloading what has changed, requests, two supervisors of one file, and many services."""

import os
import signal
import subprocess
import sys
import tempfile

import crowd
from command import PATIENCE, PK, refused
from harness import equal, run, test
from supervised import ServiceFile, Supervised

SLEEP = 'command = ["sleep", "1000"]\n'


def services(**texts):
    return "".join(f"[service.{name}]\n{text}\n" for name, text in texts.items())


def refuses(file, *arguments, words, status=125):
    refused(["supervise", "-f", file.path, *arguments], status, words)


# ---- Mistakes --------------------------------------------------------------------------------------------------------


@test
def mistakes_are_one_line():
    file = ServiceFile(services(web=SLEEP))
    for arguments, words in (
            (["true"], "'true': with --file it is the file that says what is run"),
            (["--max-restarts", "1"], "--max-restarts: with --file it is the file that says how its services are"),
            (["--env", "A=1"], "--env: with --file"),
            (["--status", "--stop", "web"], "--stop: there is --status already"),
            (["--restart", "web", "--check"], "--check: there is --restart already"),
            (["--status", "web"], "'web': with --file"),
            (["--reload", "web", "db"], "'db': with --file"),
            (["--check", "--json"], "--json is about --status, which was not given"),
            (["--status"], "nobody supervises"),
            (["--stop", "web"], "nobody supervises"),
            (["--reload"], "nobody supervises"),
            (["--events", "-"], "--events: '-' is no file")):
        refuses(file, *arguments, words=words)
    refused(["supervise", "-f", "/nobody", "--status"], 125, "nobody supervises /nobody")
    refused(["supervise", "-f", "/no/such/place", "--status"], 125, "cannot find /no/such/place")
    refused(["supervise", "-f", "/no/such"], 125, "/no/such")
    refused(["supervise", "-f", ""], 125, "--file: the file's name is empty")


@test
def mistakes_in_a_file_start_nothing():
    file = ServiceFile()
    for text, words in (
            ("[service.web]\ncommand = [", "services.toml:2:"),
            (services(web=SLEEP + 'needs = ["db"]'), "db"),
            (services(a=SLEEP + 'needs = ["b"]', b=SLEEP + 'needs = ["a"]'), "circle"),
            (services(web=SLEEP + 'leftovers = "allow"'), "leftovers"),
            (services(web=SLEEP + 'ready = {port = "name.example:80"}'), "ready.port")):
        file.write(text)
        refuses(file, words=words)
        refuses(file, "--check", words=words)


@test
def a_file_can_be_checked():
    file = ServiceFile(services(web=SLEEP + 'needs = ["db"]\nenvironment.PASSWORD = "secret"', db=SLEEP))
    text = file.told("--check")
    for words in ("web:", "db:", "sleep", "PASSWORD"):
        equal(words in text, True, text)
    equal("secret" in text, False, text)
    equal(file.told("--check", "-q"), "")


# ---- Order and ends --------------------------------------------------------------------------------------------------


@test
def services_are_started_and_stopped_in_order():
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    file = ServiceFile(services(**{name: SLEEP + f"needs = {others}" for name, others in reversed(needs.items())}))
    supervised = file.supervised()
    supervised.wait("ready", "d")
    crowd.check_order(supervised.stop().events, needs)


@test
def who_stays_goes_on_when_all_are_over():
    file = ServiceFile(services(a='command = ["true"]\n'))
    equal(file.supervised().end().kinds()[-1], "over")
    supervised = file.supervised("--stay")
    supervised.wait("over", "a")
    file.write(services(web=SLEEP))
    equal(file.told("--reload"), "removed a\nadded web\n")
    supervised.wait("ready", "web")
    file.told("--stop", "web")
    supervised.wait("rests", "web")
    supervised.stop()


@test
def the_status_tells_whether_all_went_well():
    good, bad = 'command = ["true"]\n', 'command = ["false"]\nrestart = "never"\n'
    for texts, status in (({"a": good}, 0), ({"a": bad}, 1), ({"a": good, "b": bad}, 1),
                          ({"a": 'command = ["/no/such"]\n', "b": SLEEP + 'needs = ["a"]\n'}, 1), ({"a": 'command = ["/no/such"]\n'}, 1)):
        ServiceFile(services(**texts)).supervised().end(status)
    supervised = ServiceFile(services(a=bad, b=SLEEP)).supervised()
    supervised.wait("over", "a")
    supervised.stop(1)


@test
def the_terminal_is_not_theirs():
    file = ServiceFile(services(a='command = ["sh", "-c", "ps -o sid= -p $$ | tr -d \' \'; echo $$"]\nlog = "inherit"\n'))
    sid, pid = file.supervised().end().output.split()
    equal(sid, pid)


# ---- Reloading -------------------------------------------------------------------------------------------------------


@test
def only_what_has_changed_is_started_anew():
    file = ServiceFile(services(a=SLEEP, b=SLEEP, c=SLEEP))
    supervised = file.supervised()
    before = {supervised.wait("ready")["service"]: supervised.events[-1]["pid"] for _ in range(3)}
    file.write("# moved about, and no more\n" + services(c=SLEEP, b=SLEEP + 'grace = "1s"', a=SLEEP))
    equal(file.told("--reload"), "changed b\n")
    b = supervised.wait("ready", "b")["pid"]
    after = {name: service["pid"] for name, service in file.status().items()}
    equal(after, {"a": before["a"], "b": b, "c": before["c"]})
    equal(b != before["b"], True)

    file.write(services(b=SLEEP + 'grace = "1s"', d=SLEEP))
    supervised.signal(signal.SIGHUP)
    supervised.wait("ready", "d")
    while set(file.status()) != {"b", "d"}:
        pass
    equal(file.status()["b"]["pid"], b)
    ended = supervised.stop()
    equal("was read again: 1 added, 0 changed, 2 removed" in ended.text, True, ended.text)


@test
def the_new_one_waits_for_the_old_ones_tree():
    with tempfile.TemporaryDirectory() as directory:
        lock = os.path.join(directory, "lock")
        hold = 'command = ["sh", "-c", "mkdir $0 || exit 9; trap : TERM; echo now; while [ -e $0.x ]; do sleep 0.01; ' \
               f'done; rmdir $0", "{lock}"]\nready = {{line = "now"}}\nrestart = "never"\ngrace = "1h"\n'
        with open(lock + ".x", "w", encoding="ascii"):
            pass
        file = ServiceFile(services(a=hold))
        supervised = file.supervised()
        supervised.wait("ready")
        file.write(services(a=hold + 'environment.A = "1"\n'))
        file.told("--reload")
        supervised.wait("stops")
        os.unlink(lock + ".x")
        supervised.wait("removed")
        supervised.wait("ready")
        equal(supervised.end().kinds()[-1], "over")
        equal([event["result"]["exit_code"] for event in supervised.events if event["kind"] == "ended"], [0, 0])


@test
def a_file_with_mistakes_changes_nothing():
    file = ServiceFile(services(a=SLEEP))
    supervised = file.supervised()
    pid = supervised.wait("ready")["pid"]
    file.write("[service.a]\ncommand = 5\n")
    refuses(file, "--reload", words="services.toml:2:")
    supervised.signal(signal.SIGHUP)
    equal(file.status()["a"]["pid"], pid)
    os.unlink(file.path)
    supervised.signal(signal.SIGHUP)
    equal(file.status()["a"]["pid"], pid)
    file.write(services(a=SLEEP))
    equal(file.told("--reload"), "")
    equal(file.status()["a"]["pid"], pid)
    ended = supervised.stop()
    equal(ended.kinds(), ["started", "ready"] + ended.kinds()[2:])
    equal(("services.toml:2:" in ended.text, "No such file" in ended.text), (True, True), ended.text)


@test
def what_was_stopped_stays_at_rest():
    file = ServiceFile(services(a=SLEEP, b=SLEEP + 'needs = ["a"]', c=SLEEP))
    supervised = file.supervised("--stay")
    for name in ("b", "c"):
        supervised.wait("ready", name)
    file.told("--stop", "a")
    supervised.wait("rests", "a")
    for grace in ("1s", "3s"):
        more = f'grace = "{grace}"\n'
        file.write(services(a=SLEEP + more, b=SLEEP + more + 'needs = ["a"]', c=SLEEP + more))
        equal(sorted(file.told("--reload").splitlines()), ["changed a", "changed b", "changed c"])
        supervised.wait("ready", "c")
        equal({name: (service["state"], service["incarnation"]) for name, service in file.status().items()},
              {"a": ("resting", 0), "b": ("resting", 0), "c": ("ready", 1)})
    file.told("--start", "b")
    supervised.wait("ready", "b")
    file.write(services(a=SLEEP, b=SLEEP + 'needs = ["a"]', c=SLEEP))
    file.told("--reload")
    supervised.wait("removed", "a")
    supervised.wait("ready", "b")
    supervised.stop()


@test
def nobody_is_stopped_with_what_rests():
    """What is ready when it has ended is not needed any more."""
    done = 'command = ["true"]\nready.end = true\n'
    file = ServiceFile(services(a=done, c=SLEEP))
    supervised = file.supervised("--stay")
    supervised.wait("over", "a")
    file.told("--stop", "a")
    file.write(services(a=done, b=SLEEP + 'needs = ["a"]', c=SLEEP))
    file.told("--reload")
    pid = supervised.wait("ready", "b")["pid"]
    file.write(services(a=done + 'grace = "1s"\n', b=SLEEP + 'needs = ["a"]', c=SLEEP))
    file.told("--reload")
    supervised.wait("over", "a")
    equal((file.status()["b"]["state"], file.status()["b"]["pid"]), ("ready", pid))
    supervised.stop()


# ---- Requests --------------------------------------------------------------------------------------------------------


@test
def services_are_started_and_stopped_on_request():
    file = ServiceFile(services(db=SLEEP, web=SLEEP + 'needs = ["db"]'))
    supervised = file.supervised()
    supervised.wait("ready", "web")
    file.told("--stop", "db")
    supervised.wait("rests", "db")
    supervised.end()
    equal([event["service"] for event in supervised.events if event["kind"] == "rests"], ["web", "db"])


@test
def requests_are_about_one_service():
    file = ServiceFile(services(a=SLEEP, b='command = ["sleep", "1000"]\nreload-signal = "none"\n'))
    supervised = file.supervised("--stay")
    pids = {supervised.wait("ready")["service"]: supervised.events[-1]["pid"] for _ in range(2)}
    file.told("--restart", "a")
    equal(supervised.wait("ready", "a")["pid"] != pids["a"], True)
    file.told("--stop", "a")
    supervised.wait("rests", "a")
    equal(file.status()["a"]["state"], "resting")
    file.told("--start", "a")
    supervised.wait("ready", "a")
    file.told("--reload", "b")
    equal(supervised.wait("ready", "b")["pid"] != pids["b"], True)
    refuses(file, "--stop", "c", words="there is no service 'c'")
    file.told("--stop", "a")
    file.told("--stop", "b")
    supervised.wait("rests", "b")
    refuses(file, "--reload", "a", words="cannot reload a: it is resting")
    supervised.stop()


@test
def status_tells_all():
    file = ServiceFile(services(a=SLEEP, failed='command = ["sh", "-c", "exit 3"]\nrestart = "never"\n'))
    supervised = file.supervised()
    supervised.wait("over", "failed")
    while file.status()["a"]["state"] != "ready":
        pass
    status = file.status()
    equal(set(status["a"]), {"name", "state", "end", "since", "since_ns", "reloading", "stuck", "pid", "incarnation",
                             "restarts", "storms", "not_well", "alive_misses", "started", "resumes", "log_lost", "errno",
                             "result", "text", "mechanism", "cgroup", "usage"})
    equal((status["a"]["end"], status["a"]["result"], status["a"]["incarnation"]), (None, None, 1))
    failed = status["failed"]
    usage = status["a"]["usage"]
    equal((usage["members"], usage["memory_peak"] > 0, failed["usage"], failed["mechanism"]), (1, True, None, None))
    equal(status["a"]["mechanism"] != "cgroup2" or os.path.isdir(status["a"]["cgroup"]), True, status["a"])
    equal((failed["state"], failed["end"], failed["pid"], failed["result"]["exit_code"]), ("over", "failed", None, 3))
    table = file.told("--status").splitlines()
    equal(table[0].split(), ["NAME", "STATE", "PID", "SINCE", "CPU", "PEAK", "RESTARTS", "LAST", "SAYS"])
    equal(len({line.index(word) for line, word in zip(table, ("STATE", "ready", "over (failed)"))}), 1, table)
    equal(table[1].split()[:3], ["a", "ready", str(status["a"]["pid"])])
    equal(table[2].endswith("0  exited with 3"), True, table)
    supervised.stop(1)


@test
def centuries_are_no_negative_numbers():
    file = ServiceFile(services(a='command = ["false"]\nrestart = { first-pause = "200000d", most-pause = "200000d", '
                                  'jitter = false }\n'))
    supervised = file.supervised()
    equal(supervised.wait("pauses", "a")["pause_ns"], 2**63 - 1)
    equal(file.status()["a"]["resumes"], None)
    supervised.stop()


@test
def a_file_has_one_supervisor():
    file = ServiceFile(services(a=SLEEP))
    supervised = file.supervised()
    supervised.wait("ready")
    words = f"is supervised already, by pid {supervised.process.pid}"
    refuses(file, words=words)
    link = os.path.join(file.directory.name, "link")
    os.symlink(file.path, link)
    refused(["supervise", "-f", link], 125, words)
    equal(subprocess.run([PK, "supervise", "-q", "-f", "services.toml"], cwd=file.directory.name, timeout=PATIENCE,
                         stderr=subprocess.DEVNULL).returncode, 125)
    other = ServiceFile(services(a=SLEEP)).supervised()
    other.wait("ready")
    other.stop()
    supervised.signal(signal.SIGKILL)
    supervised.end(-signal.SIGKILL)
    again = file.supervised()
    again.wait("ready")
    again.stop()


# ---- Many ------------------------------------------------------------------------------------------------------------


@test
def two_hundred_services_are_in_order_and_idle():
    found = crowd.measure(200, 10, 3)
    print(f"# {found}")
    equal(found["wakes"], 0)


sys.exit(run())
