"""A stop that latches: anybody may ask for it, and only a person's own act ends it.

Whoever writes targets does so under a right, a number that the gate compares. A stop calls in
every right that was given before: from that moment the gate refuses what was on its way, until
the writer has heeded the stop, has given up its plan and goes on under the new right, to come
to a stand and nothing else.
"""

from itertools import count


class Stop:
    """The latch. Any thread may ask, a signal's handler too, so that no lock may be held.

    A stop that comes while an earlier one is being ended stays: what is ended is one stop, by
    its number, and no two have the same. A new run begins with a new latch.
    """

    def __init__(self) -> None:
        self._numbers = count(1)
        self._asked = self._ended = 0

    def ask(self) -> None:
        """Stop, as of now; may be called from any thread, any number of times."""
        self._asked = next(self._numbers)

    def rearm(self, right: int) -> bool:
        """End a stop, on a person's word alone; tell whether none holds now.

        Args:
            right: What `right` was when the person spoke: a later stop is not ended by it.
        """
        self._ended = right
        return not self.is_latched

    @property
    def right(self) -> int:
        """The right under which one may write now: the number of the last stop, 0 before any."""
        return self._asked

    @property
    def is_latched(self) -> bool:
        """Whether a stop holds."""
        return self._asked != self._ended
