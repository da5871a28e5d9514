"""What a process gives back of its memory is weighed from outside."""

import subprocess
import sys

import pytest

HOLD_AND_GIVE_BACK = """
import os
from yanshi.bench.soak import anonymous_mb
from yanshi.core.memory import give_back

held = [bytearray(b"1" * 100_000) for _ in range(400)]
held = held[-1:]  # What is last in the heap holds all that is below it.
before = anonymous_mb(os.getpid())
give_back()
print(before - anonymous_mb(os.getpid()))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc trims its heap")
def test_holes_in_the_heap_are_given_back():
    run = [sys.executable, "-c", HOLD_AND_GIVE_BACK]
    given_mb = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert given_mb > 30.0
