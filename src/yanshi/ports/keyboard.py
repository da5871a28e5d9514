"""Words typed while the robot moves: a stop word stops it, whatever else is going on."""

import sys
import threading
from collections.abc import Callable
from typing import TextIO

from yanshi.mind.stop_words import is_stop_order


def listen_for_stop(stop: Callable[[], None], stream: TextIO | None = None) -> None:
    """Call `stop` for every typed line that is a stop order; returns at once.

    Args:
        stop: Must be safe to call from another thread.
        stream: Where lines come from; standard input when it is a terminal, else nothing.
    """
    if stream is None:
        if not sys.stdin.isatty():
            return
        stream = sys.stdin

    def listen(lines: TextIO) -> None:
        for line in lines:
            if is_stop_order(line):
                stop()

    threading.Thread(target=listen, args=(stream,), daemon=True, name="keyboard").start()
