"""Checks, one after the other, and how many passed."""

import sys
import traceback


class Failed(Exception):
    """What a check saw and did not expect."""


class Tally:
    """Runs checks; one that fails does not keep the others from running."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def run(self, name, check, *arguments):
        try:
            check(*arguments)
        except Exception as error:
            words = error if isinstance(error, Failed) else traceback.format_exc()
            print(f"FAILED: {name}:\n{words}", flush=True)
            self.failed += 1
        else:
            self.passed += 1

    def skip(self, name, reason):
        print(f"skipped: {name}: {reason}", flush=True)
        self.skipped += 1

    def finish(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{skipped}")
        sys.exit(1 if self.failed or not self.passed else 0)


def equal(seen, expected, context=""):
    if seen != expected:
        raise Failed(f"expected {expected!r}\n     saw {seen!r}\n{context}")


def contains(text, part):
    if part not in text:
        raise Failed(f"expected {part!r} in:\n{text}")
