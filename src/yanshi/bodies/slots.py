"""Memory that processes share: each slot holds the newest message of one writer.

Nobody waits for anybody. The writer makes the slot's count odd, writes, and makes it even again;
who reads takes a message only when the count was even and the same before and after. Since not
every processor shows writes in the order in which they were made, a checksum must agree, too.
The memory has no name and goes with the last process that holds it, however that one ends.
"""

import multiprocessing
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT, TIME, CHECK, HEADER = 0, 1, 2, 3
TRIES = 3
"""A write takes some microseconds: who finds one under way three times takes what it has."""
_xor = np.bitwise_xor.reduce


class Slot:
    """The newest message of one writer: a time and numbers. Can be handed to a process."""

    def __init__(self, size: int) -> None:
        """Make one for messages of `size` numbers."""
        context = multiprocessing.get_context("spawn")
        self.__setstate__(context.RawArray("q", HEADER + size))

    def __getstate__(self) -> Any:
        return self._raw

    def __setstate__(self, raw: Any) -> None:
        self._raw = raw
        self._words = np.frombuffer(raw, dtype=np.int64)
        self._bits = self._words[HEADER:]
        self._values = self._bits.view(np.float64)

    @property
    def t_ns(self) -> int:
        """When the newest message was written, on the machine's monotonic clock; 0 for none."""
        return int(self._words[TIME])

    @property
    def count(self) -> int:
        """Which message it is: another number for each; odd while it is written."""
        return int(self._words[COUNT])

    @property
    def size(self) -> int:
        """How many numbers a message has."""
        return self._values.size

    def write(self, t_ns: int, *parts: NDArray[np.float64]) -> None:
        """Leave a message, its numbers one part after the other; for one process alone."""
        self._words[COUNT] += 1
        at = 0
        for part in parts:
            self._values[at : at + part.size] = part
            at += part.size
        self._words[TIME] = t_ns
        self._words[CHECK] = _xor(self._bits, initial=t_ns)
        self._words[COUNT] += 1

    def read(self, into: NDArray[np.float64]) -> bool:
        """Copy the newest whole message; tell whether there is one that can be had now."""
        bits = into.view(np.int64)
        for _ in range(TRIES):
            count = self.count
            if count == 0 or count & 1:
                continue
            np.copyto(into, self._values)
            check = _xor(bits, initial=self._words[TIME])
            if check == self._words[CHECK] and count == self.count:
                return True
        return False
