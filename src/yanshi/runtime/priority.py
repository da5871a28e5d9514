"""The right of way: the robot's thread before everything else on this computer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def right_of_way() -> Iterator[bool]:
    """Run the calling thread under the real-time scheduler, where the system lets it.

    It needs root or a real-time limit (`ulimit -r`). Without it, everything works, with
    delays of a few milliseconds when the computer is busy.

    Yields:
        Whether it was granted.
    """
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))
