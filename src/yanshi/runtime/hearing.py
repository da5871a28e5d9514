"""From words to a plan, in the robot's time: asks the mind and knows when the answer counts."""

import math

from yanshi.core.messages import Step
from yanshi.ledger.meter import Meter
from yanshi.mind.dialogue import NOWHERE, Context
from yanshi.mind.mind import Understanding, Understands
from yanshi.runtime.loops import Timings

THOUGHT = ("model", "cloud")
"""Sources of an understanding that a model was needed for."""
PATIENCE_S = 60.0
"""How long a simulated world waits for the mind."""


class Hearing:
    """Sentences on their way through the mind, one at a time."""

    def __init__(
        self,
        mind: Understands,
        *,
        waits: bool,
        charge_ms: int,
        deadline_ms: int,
        say_again_ms: int,
        meter: Meter | None = None,
    ) -> None:
        """Listen.

        Args:
            mind: Understands; in a process of its own.
            waits: Whether the world waits for the mind (simulated clock). The answer is then
                delivered `charge_ms` of the world's time after the question, whatever it took.
            charge_ms: See `waits`.
            deadline_ms: Longest time that understanding may take.
            say_again_ms: When to stop waiting in real time and ask to hear it again.
            meter: Tells what a thought takes whoever is paid for, instead of `charge_ms`, and
                that it never comes; None for none.
        """
        self._mind = mind
        self._waits = waits
        self._charge_s = charge_ms * 1e-3
        self._meter = meter
        self._metered_s: float | None = None
        self._deadline_ns = deadline_ms * 1_000_000
        self._say_again_ns = say_again_ms * 1_000_000
        self._sentence = ""
        self._asked_ns: int | None = None
        self._thought: Understanding | None = None
        self.took = Timings()
        self.misses = 0
        """Sentences that were not understood inside the deadline."""
        self.is_late = False
        """Whether the deadline has passed without an answer."""

    @property
    def is_thinking(self) -> bool:
        """Whether a sentence has been put to the mind and is not answered yet."""
        return self._asked_ns is not None

    def ask(self, sentence: str, t_ns: int, context: Context = NOWHERE) -> None:
        """Put a sentence to the mind; returns at once. One that it thinks about is dropped."""
        self._sentence = sentence
        self._asked_ns = t_ns
        self._thought = self._metered_s = None
        self.is_late = False
        self._mind.ask(sentence, context)

    def forget(self) -> None:
        """Drop what is being thought about."""
        self._asked_ns = None

    def stopped(self) -> Understanding:
        """Return the understanding of an order to stop that came by another way.

        What was being thought about is dropped.
        """
        self.forget()
        return self._mind.stopped(self._sentence)

    def answer(self, t_ns: int) -> Understanding | None:
        """Return what the sentence means once that is due, or its stand-in when far too late."""
        assert self._asked_ns is not None, "ask() comes first"
        waited_ns = t_ns - self._asked_ns
        understanding = self._await(waited_ns)
        if understanding is not None:
            took_s = understanding.latency_s
            if self._waits and self._metered_s is not None:
                took_s = min(self._metered_s, waited_ns * 1e-9)
            if self._meter is not None:
                if not self._waits and understanding.source in THOUGHT:
                    self._meter.thought(took_s)
                self._meter.carry(understanding.traffic, took_s)
            took_ms = took_s * 1e3
            self.took.add(took_ms)
            self.misses += took_ms * 1e6 > self._deadline_ns
            self._asked_ns = None
        return understanding

    def _await(self, waited_ns: int) -> Understanding | None:
        if self._waits:
            # The world stands still meanwhile; the answer waits for its time in the world.
            self._thought = self._thought or self._mind.poll(timeout_s=PATIENCE_S)
            # A stop word is matched before any model and acts in the tick that heard it.
            is_stop = self._thought is not None and self._thought.source == "stop"
            if is_stop or waited_ns * 1e-9 >= self._charged_s():
                return self._thought
            if waited_ns > self._say_again_ns and math.isinf(self._charged_s()):
                return self._mind.say_again(self._sentence)
            return None
        understanding = self._mind.poll(timeout_s=0.0)
        self.is_late = understanding is None and waited_ns > self._deadline_ns
        if understanding is None and waited_ns > self._say_again_ns:
            return self._mind.say_again(self._sentence)
        return understanding

    def _charged_s(self) -> float:
        """Return what the thought costs in a simulated world: what was waited for has its price.

        Infinite where the answer never comes.
        """
        thought = self._thought
        if thought is None:
            return self._charge_s
        charge_s = self._charge_s
        if self._meter is not None and thought.source in THOUGHT:
            if self._metered_s is None:
                assert self._asked_ns is not None
                self._metered_s = self._meter.think(thought.tokens, self._asked_ns * 1e-9)
            charge_s = self._metered_s
        return max(charge_s, thought.latency_s) if thought.is_sent else charge_s

    def first_step(self) -> Step | None:
        """Return the plan's first step if it is certain before the rest; on the wall clock alone.

        A simulated world takes the whole plan at its time.
        """
        return None if self._waits or self._asked_ns is None else self._mind.first_step()
