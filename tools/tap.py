"""Results of a check in the Test Anything Protocol, one test case per claim."""


class Tap:
    def __init__(self):
        self.cases = 0
        self.failures = 0

    def case(self, name, complaints=()):
        """One claim; it holds if there is nothing to complain about."""
        complaints = list(complaints)
        self.cases += 1
        self.failures += bool(complaints)
        print(f"{'not ' if complaints else ''}ok {self.cases} - {name}")
        for complaint in complaints:
            for line in str(complaint).splitlines():
                print(f"# {line}")

    def skip(self, name, missing):
        self.cases += 1
        print(f"ok {self.cases} - {name} # SKIP needs {missing}")

    def end(self):
        """Prints the plan; the exit status for it."""
        print(f"1..{self.cases}", flush=True)
        return 1 if self.failures else 0


def differences(left, left_name, right, right_name):
    """What is in one set and not in the other, as complaints."""
    for name in sorted(set(left) - set(right)):
        yield f"{name}: in {left_name}, but not in {right_name}"
    for name in sorted(set(right) - set(left)):
        yield f"{name}: in {right_name}, but not in {left_name}"
