"""What the tests of pk share: a test is a function, and what they say is the Test Anything Protocol."""

import shutil
import signal

tests = []


class Missing(Exception):
    """What a test cannot do without: it is skipped, by that name."""


def program(*names):
    """The first of those that is there."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    raise Missing(" or ".join(names))


def test(function):
    tests.append(function)
    return function


def equal(found, expected, about=""):
    if found != expected:
        raise AssertionError(f"{about}: {found!r} instead of {expected!r}")


def begin_clean():
    """What started us may have us ignore signals, as nohup and a shell's background do; pk would keep that."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def run():
    """Runs them all; the exit status."""
    begin_clean()
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, function in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except Missing as missing:
            print(f"ok {number} - {function.__name__} # SKIP without {missing}", flush=True)
        except Exception as error:  # whatever it is, it is this test's
            failed += 1
            said = f"{type(error).__name__}: {error}".replace("\n", "\n# ")
            print(f"# {said}\nnot ok {number} - {function.__name__}", flush=True)
    return 1 if failed else 0
