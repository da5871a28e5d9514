"""What people say to the robot during a run: one sentence, or a conversation."""

import queue
from collections.abc import Iterable
from typing import Protocol


class Words(Protocol):
    """Where sentences come from."""

    is_conversation: bool
    """Whether the robot says when it is done, and may be told something else meanwhile."""

    is_over: bool
    """Whether nothing more will be said."""

    def next(self, t_ns: int, *, is_idle: bool) -> str | None:
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

    def next(self, t_ns: int, *, is_idle: bool) -> str | None:
        if self.is_over or t_ns < self._at_ns:
            return None
        self.is_over = True
        return self._sentence


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
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.is_over = False

    def say(self, sentence: str) -> None:
        """Say a sentence; may be called from any thread."""
        self._said.put(sentence)

    def end(self) -> None:
        """Say that nothing more will be said; may be called from any thread."""
        self._said.put(None)

    def listen_to(self, lines: Iterable[str]) -> None:
        """Say each line that is not empty, then end; blocks while there are more to come."""
        for line in lines:
            if line.strip():
                self.say(line.strip())
        self.end()

    def next(self, t_ns: int, *, is_idle: bool) -> str | None:
        if self.is_over or t_ns < self._at_ns or (self._waits and not is_idle):
            return None
        try:
            sentence = self._said.get(block=self._waits)
        except queue.Empty:
            return None
        self.is_over = sentence is None
        return sentence
