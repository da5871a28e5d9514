"""Words that the adapter was never taught: a new place, a new thing, a new routine.

They need no training. What a sentence calls them is replaced by a stand-in (`thing1`, `place1`,
`act1`) that the model was taught to carry over as it is, and the plan gets their names back:

    走到窗户边，练段醉拳  →  走到place1边，练段act1  →  go place1; act1  →  go window; zuiquan
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind.language import STAND_INS

SORTS = ("thing", "place", "act")
STAND_IN = re.compile(rf"\b({'|'.join(SORTS)})([1-{STAND_INS}])\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Something new, and what people call it."""

    name: str
    """As a plan names it."""
    sort: str
    """`thing`, `place` or `act`."""
    called: tuple[str, ...]
    """In simplified Chinese and in English."""


@dataclass(frozen=True)
class Lexicon:
    """All the new words of one room and one robot."""

    words: tuple[Word, ...] = ()

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        called = sorted(self._by_call, key=len, reverse=True)
        if not called:
            return None
        return re.compile("|".join(map(_bounded, called)), re.IGNORECASE)

    @cached_property
    def _by_call(self) -> dict[str, Word]:
        return {call.lower(): word for word in self.words for call in word.called if call}

    def lift(self, sentence: str) -> tuple[str, dict[str, str]]:
        """Return a sentence with stand-ins for its new words, and what they stand for."""
        text, meant, _ = self.lift_all(sentence)
        return text, meant

    def lift_all(self, sentence: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """Return what `lift` does, and what each stand-in was called in the sentence."""
        if self._pattern is None:
            return sentence, {}, {}
        meant: dict[str, str] = {}
        called: dict[str, str] = {}

        def stand_in(found: re.Match[str]) -> str:
            call = found[0].lower()
            word = self._by_call.get(call) or self._by_call[call.removesuffix("s")]
            for stand_in, name in meant.items():
                if name == word.name:
                    return stand_in
            number = 1 + sum(used.startswith(word.sort) for used in meant)
            if number > STAND_INS:
                return found[0]
            meant[f"{word.sort}{number}"] = word.name
            called[f"{word.sort}{number}"] = found[0]
            return f"{word.sort}{number}"

        return self._pattern.sub(stand_in, sentence), meant, called


def _bounded(call: str) -> str:
    """Let an English word begin and end where words do, in the plural, too."""
    escaped = re.escape(call)
    return rf"\b{escaped}s?\b" if call[-1].isascii() else escaped


def put_back(plan: Plan, meant: Mapping[str, str]) -> Plan:
    """Return a plan with names for its stand-ins.

    Raises:
        PlanError: A stand-in stands for nothing.
    """

    def name(found: re.Match[str]) -> str:
        if found[0] not in meant:
            raise PlanError(f"{found[0]} stands for nothing in the sentence; {plan} is no plan.")
        return meant[found[0]]

    steps: list[Step] = []
    for step in plan.steps:
        words = (step.skill, *step.arguments)
        if step.skill != "say":
            words = tuple(STAND_IN.sub(name, word) for word in words)
        # A routine that is not learnt yet stands for a refusal, which is two words.
        skill, *rest = words[0].split()
        steps.append(replace(step, skill=skill, arguments=(*rest, *words[1:])))
    return replace(plan, steps=tuple(steps))
