"""What people say to the robot during a run: one sentence, or a conversation."""

import queue
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Protocol

TERMINAL = "terminal"
"""The operator at the terminal in which the run was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A sentence, and whose it is."""

    sentence: str
    operator: str = TERMINAL
    number: int
    """Larger than that of every sentence which the operator has said before."""


class Words(Protocol):
    """Where sentences come from."""

    is_conversation: bool
    """Whether the robot says when it is done, and may be told something else meanwhile."""

    is_over: bool
    """Whether nothing more will be said."""

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        """Return what is said now, if anything.

        Args:
            t_ns: The run's time.
            is_idle: Whether the robot has nothing to do.
        """
        ...


class OneSentence:
    """One sentence at one moment."""

    is_conversation = False

    def __init__(self, sentence: str, at_ns: int) -> None:
        self._sentence = sentence
        self._at_ns = at_ns
        self.is_over = False

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        if self.is_over or t_ns < self._at_ns:
            return None
        self.is_over = True
        return Said(sentence=self._sentence, number=0)


class Conversation:
    """Sentences as they come, from any thread.

    On the wall clock each is heard at once. A simulated world waits for people: what they say is
    heard when the robot has done what was said before, and the world stands still until then.
    """

    is_conversation = True

    def __init__(self, *, waits: bool, at_ns: int = 500_000_000) -> None:
        """Listen.

        Args:
            waits: Whether the world waits for people (simulated clock).
            at_ns: When the robot begins to listen: it has taken its stance by then.
        """
        self._waits = waits
        self._at_ns = at_ns
        self._said: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self._numbers = count()
        self.is_over = False

    def say(self, sentence: str, operator: str = TERMINAL) -> None:
        """Say a sentence; may be called from any thread, but from one alone for each operator."""
        number = next(self._numbers)
        self._said.put(Said(sentence=sentence, operator=operator, number=number))

    def end(self) -> None:
        """Say that nothing more will be said; may be called from any thread."""
        self._said.put(None)

    def listen_to(self, lines: Iterable[str]) -> None:
        """Say each line that is not empty, then end; blocks while there are more to come."""
        for line in lines:
            if line.strip():
                self.say(line.strip())
        self.end()

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        if self.is_over or t_ns < self._at_ns or (self._waits and not is_idle):
            return None
        try:
            said = self._said.get(block=self._waits)
        except queue.Empty:
            return None
        self.is_over = said is None
        return said
