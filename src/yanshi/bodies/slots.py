"""Memory that processes share: each slot holds the newest message of one writer.

Nobody waits for anybody. There are two banks: the writer fills the one that is not shown and then
counts on, which shows it, so that one who is stopped or killed in the middle leaves the message
before. Who reads takes a message only when its bank was not filled anew meanwhile. Since not
every processor shows writes in the order in which they were made, a checksum must agree, too.
The memory has no name and goes with the last process that holds it, however that one ends.
"""

import multiprocessing
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT, BANKS = 0, 1
"""Where the count stands, and from where on the two banks."""
TIME, CHECK, HEADER = 0, 1, 2
"""Where time and checksum stand in a bank, and from where on the numbers."""
TRIES = 3
"""A write takes some microseconds: who is overtaken by it three times takes what it has."""
_xor = np.bitwise_xor.reduce


class Slot:
    """The newest message of one writer: a time and numbers. Can be handed to a process."""

    def __init__(self, size: int) -> None:
        """Make one for messages of `size` numbers."""
        context = multiprocessing.get_context("spawn")
        self.__setstate__(context.RawArray("q", BANKS + 2 * (HEADER + size)))

    def __getstate__(self) -> Any:
        return self._raw

    def __setstate__(self, raw: Any) -> None:
        self._raw = raw
        words = np.frombuffer(raw, dtype=np.int64)
        self._count = words[COUNT:BANKS]
        self._banks = tuple(words[BANKS:].reshape(2, -1))
        self._bits = tuple(bank[HEADER:] for bank in self._banks)
        self._values = tuple(bits.view(np.float64) for bits in self._bits)

    @property
    def t_ns(self) -> int:
        """When the newest message was written, on the machine's monotonic clock; 0 for none."""
        return int(self._banks[self.count & 1][TIME])

    @property
    def count(self) -> int:
        """Which message is the newest: 0 for none, then one more for each."""
        return int(self._count[0])

    @property
    def size(self) -> int:
        """How many numbers a message has."""
        return self._values[0].size

    def write(self, t_ns: int, *parts: NDArray[np.float64]) -> None:
        """Leave a message, its numbers one part after the other; for one process alone."""
        hidden = (self.count + 1) & 1
        bank, values = self._banks[hidden], self._values[hidden]
        at = 0
        for part in parts:
            values[at : at + part.size] = part
            at += part.size
        bank[TIME] = t_ns
        bank[CHECK] = _xor(self._bits[hidden], initial=t_ns)
        self._count += 1

    def read(self, into: NDArray[np.float64]) -> bool:
        """Copy the newest whole message; tell whether there is one that can be had now."""
        bits = into.view(np.int64)
        for _ in range(TRIES):
            count = self.count
            if count == 0:
                return False
            bank = self._banks[count & 1]
            np.copyto(bits, self._bits[count & 1])
            check = _xor(bits, initial=bank[TIME])
            if check == bank[CHECK] and self.count == count:
                return True
        return False
