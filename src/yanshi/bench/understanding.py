"""The frozen set: 600 sentences with what was seen and said before, and the plans they mean.

They were written by hand, from a description of the plan language alone, and none is ever taught.
A line of the file is

    {"id": "zh-117", "kind": "reference", "say": "走到它旁边", "plans": ["go walnut"],
     "things": ["walnut on table"], "before": [{"say": "看看核桃", "plan": "look walnut"}]}

A plan with a skill that is not installed yet ends there with `refuse unknown_skill`, or is that
refusal alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from yanshi.core.errors import ConfigError, PlanError
from yanshi.core.messages import Plan
from yanshi.mind.dialogue import Context, Seen, Turn
from yanshi.mind.language import BETWEEN_STEPS, TAUGHT, PlanLanguage
from yanshi.mind.tongue import to_simplified

SENTENCES = Path(__file__).with_name("data") / "understanding.jsonl"
EXAMPLE = '{"say": "go to the door", "plans": ["go door"]}'
UNLEARNT = "refuse unknown_skill"
STILL = frozenset({"refuse", "ask", "say", "stop", "wait"})
"""Skills that move nothing."""


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence of a set."""

    name: str
    kind: str
    """What it tests: `order`, `reference`, `unsafe` …; empty where that is not said."""
    say: str
    plans: tuple[str, ...]
    """Every plan that is right, the best first."""
    language: PlanLanguage
    """What can be done where it is said."""
    context: Context

    @cached_property
    def right(self) -> frozenset[str]:
        """The right plans in simplified characters, as far as the installed skills go."""
        return frozenset(
            to_simplified(plan) for wanted in self.plans for plan in _doable(wanted, self.language)
        )

    def accepts(self, plan: Plan) -> bool:
        """Whether a plan is one of the right ones, word for word."""
        return to_simplified(str(plan)) in self.right

    def is_overdone(self, plan: Plan) -> bool:
        """Whether a plan moves the robot in a way that no right plan does."""
        wanted = {step for right in self.right for step in right.split(BETWEEN_STEPS)}
        return any(step.skill not in STILL and str(step) not in wanted for step in plan.steps)


def load_sentences(path: Path, language: PlanLanguage) -> list[Sentence]:
    """Read a file of sentences and the plans they mean.

    Raises:
        ConfigError: The file is missing, or a line is not of the form above, or not a plan.
    """
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except OSError as error:
        raise ConfigError(f"Sentences were asked from {path}: {error.strerror}.") from error
    sentences: list[Sentence] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            sentences.append(_sentence(json.loads(line), f"line {number}", language))
        except (ValueError, KeyError, TypeError, AttributeError, PlanError) as error:
            raise ConfigError(
                f"{path}, line {number} is not a sentence with its plans: {error} "
                f"It should look like {EXAMPLE}"
            ) from error
    if not sentences:
        raise ConfigError(f"{path} holds no sentences.")
    return sentences


def _sentence(record: Mapping[str, Any], name: str, language: PlanLanguage) -> Sentence:
    if places := record.get("places"):
        language = replace(language, places=tuple(places))
    for plan in record["plans"]:
        for way in _doable(plan, language):
            language.parse(way)
    return Sentence(
        name=record.get("id", name),
        kind=record.get("kind", ""),
        say=record["say"],
        plans=tuple(record["plans"]),
        language=language,
        context=Context(
            things=tuple(read_seen(thing) for thing in record.get("things", ())),
            holding=record.get("holding", ""),
            turns=tuple(_turn(turn, language) for turn in record.get("before", ())),
        ),
    )


def read_seen(text: str) -> Seen:
    """Read `red cup on table`, or `red cup`."""
    name, _, place = text.strip().partition(" on ")
    return Seen(name=name, place=place)


def _turn(record: Mapping[str, str], language: PlanLanguage) -> Turn:
    plan = language.draft.parse(_doable(record["plan"], language)[0])
    return Turn(plan=plan, asked=record.get("asked", ""))


def _doable(wanted: str, language: PlanLanguage) -> list[str]:
    """Return a plan, or what becomes of it where one of its skills is not installed."""
    steps = wanted.split(BETWEEN_STEPS)
    unlearnt = TAUGHT.keys() - language.syntaxes.keys()
    for index, step in enumerate(steps):
        skill = step.split()[0]
        if skill in unlearnt or skill not in language.draft.syntaxes:
            return list(dict.fromkeys([BETWEEN_STEPS.join([*steps[:index], UNLEARNT]), UNLEARNT]))
    return [wanted]
