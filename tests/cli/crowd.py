#!/usr/bin/python3
"""Many services in one pk supervise: the order in which they are started and stopped, the memory and the descriptors that
they take, and how often pk wakes while nothing happens.

    crowd.py [--services N] [--layers N] [--seconds S] [--check]
"""

import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from supervised import ServiceFile, asleep, facts  # noqa: E402

MOST_KIB = 64  # for each service, beyond what pk is itself


def layered(count, layers):
    """Services as text, and what each of them needs: all of the layer below."""
    names = [f"s{number:03}" for number in range(count)]
    size = -(-count // layers)
    needs = {name: names[max(0, i // size * size - size):i // size * size] for i, name in enumerate(names)}
    lines = []
    for name in names:
        words = ", ".join(f'"{need}"' for need in needs[name])
        lines.append(f'[service.{name}]\ncommand = ["sleep", "1000"]\nneeds = [{words}]\n')
    return "".join(lines), needs


def check_order(events, needs):
    """Whoever needs another one is started when that is ready, and has ended before that is stopped."""
    seen = {}
    for number, event in enumerate(events):
        seen.setdefault((event["service"], event["kind"]), number)
    for name, others in needs.items():
        for other in others:
            if seen[other, "ready"] > seen[name, "started"]:
                raise AssertionError(f"{name} was started before {other} was ready")
            if seen[name, "ended"] > seen[other, "stops"]:
                raise AssertionError(f"{other} was stopped before {name} had ended")


def measure(count, layers, seconds):
    """What was found, as a dictionary."""
    text, needs = layered(count, layers)
    file = ServiceFile(text)
    begun = time.monotonic()
    supervised = file.supervised("-q", crowd=count)
    for _ in range(count):
        supervised.wait("ready")
    ready = time.monotonic()
    pid = supervised.process.pid
    asleep(pid)
    resident, woken = facts(pid)
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    time.sleep(seconds)  # this is what is measured
    wakes = facts(pid)[1] - woken
    stopped = time.monotonic()
    supervised.stop()
    ended = time.monotonic()
    check_order(supervised.events, needs)
    return {"wakes": wakes, "resident": resident, "descriptors": descriptors, "start": ready - begun,
            "stop": ended - stopped}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--layers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    one = measure(1, 1, 0)
    many = measure(arguments.services, arguments.layers, arguments.seconds)
    each = (many["resident"] - one["resident"]) / max(1, arguments.services - 1)
    print(f"{arguments.services} services in {arguments.layers} layers, each of which needs all of the one before:")
    print(f"  started in order in {many['start']:.2f} s, stopped in order in {many['stop']:.2f} s")
    print(f"  resident: {many['resident']} KiB; {one['resident']} KiB with one service; {each:.1f} KiB for each more")
    print(f"  descriptors: {many['descriptors']}; {one['descriptors']} with one service")
    print(f"  woken in {arguments.seconds:g} s without anything to do: {many['wakes']} times")
    good = many["wakes"] == 0 and each <= MOST_KIB
    print(f"target: never woken, at most {MOST_KIB} KiB for each: {'PASS' if good else 'FAIL'}")
    return 1 if arguments.check and not good else 0


if __name__ == "__main__":
    sys.exit(main())
