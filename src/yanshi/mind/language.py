"""The plan language: its grammar for the language model, and its parser for everybody else.

Both are made from one source, the `syntax` of the installed skills, the things that the eyes know
and the places on the floor plan. A plan that cannot be carried out can therefore neither be
written by the model nor be read here.

The model itself writes a *draft*: the same language with words that point at something else,
which `mind.dialogue` puts in their place:

    go it; point other cup; look there; again; mean blue

`it`, `other` and `there` are what was spoken of before, `again` is the last plan, `mean` is what an
answer or a correction puts into it, and `thing1`, `place1`, `act1` stand for words that the model
was never taught (`mind.lexicon`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan, Step
from yanshi.policies.repertoire import repertoire
from yanshi.skills.skill import installed_skills
from yanshi.worlds.floor_plan import FloorPlan
from yanshi.worlds.things import COLOURS, KINDS

STEPS_MAX = 6
BETWEEN_STEPS = "; "
STEP_END = f"(?={BETWEEN_STEPS}|$)"
SLOT = re.compile(r'"?\{(\w+)\}"?')

# Slots that are the same everywhere: as llama.cpp's grammar (GBNF) and as a regular expression.
FIXED_SLOTS: dict[str, tuple[str, str]] = {
    "person": ('"person"', "person"),
    "turn": ('"left" | "right"', "left|right"),
    "metres": ('[1-9] ("." [1-9])? | "0." [1-9]', r"[1-9](?:\.[1-9])?|0\.[1-9]"),
    "degrees": (
        '[1-9] [0-9]? | [1-2] [0-9] [0-9] | "3" [0-5] [0-9] | "360"',
        "[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|360",
    ),
    "seconds": ('[1-9] | [1-5] [0-9] | "60"', "[1-9]|[1-5][0-9]|60"),
    "text": (
        r'"\"" [^"\\\x00-\x1F\x7F-\x9F\u2028\u2029]{1,40} "\""',
        r'"[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]{1,40}"',
    ),
}

AGAIN, MEAN, IT, OTHER, THERE = "again", "mean", "it", "other", "there"
WAYS = ("left", "right", "forward", "back")
"""Directions that a correction may name."""
UNITS = {"metres": "m", "degrees": "deg", "seconds": "s"}
"""How the number of a correction says what it counts, by slot."""
STAND_INS = 3
"""How many new words of a sort one sentence may hold."""
DRAFTS: dict[str, tuple[str, ...]] = {
    AGAIN: ("",),
    MEAN: (
        *("{colour}", "{thing}", "{place}", "{person}", "{way}"),
        *(f"{{{slot}}} {unit}" for slot, unit in UNITS.items()),
    ),
}
"""What only a draft holds, and what may follow it."""
TAUGHT: dict[str, tuple[str, ...]] = {
    "pick": ("{thing}",),
    "place": ("{thing} in {thing}", "{thing} on {thing}", "{thing} {place}", "{thing}"),
    "hand": ("{thing}",),
    "push": ("{thing}",),
    "carry": ("{thing} {place}",),
}
"""What the model was taught of hands, also where a robot's skills lack some of it: such a step is
understood, and refused."""


@dataclass(frozen=True)
class PlanLanguage:
    """The plans that can be carried out by these skills, with these things, in this place."""

    syntaxes: Mapping[str, Sequence[str]]
    """What may follow each skill's name; see `Skill.syntax`."""
    places: Sequence[str]
    kinds: Sequence[str] = KINDS
    colours: Sequence[str] = COLOURS
    is_draft: bool = False
    """Whether it is what the model writes, with words that point at something else."""

    @classmethod
    def of(cls, floor_plan: FloorPlan, kinds: Sequence[str] = KINDS) -> Self:
        """Return the language of the installed skills in a room with these kinds of things."""
        skills = installed_skills()
        return cls(
            syntaxes={name: skill.syntax for name, skill in skills.items()},
            places=[place.name for place in floor_plan.places],
            kinds=kinds,
        )

    @cached_property
    def draft(self) -> "PlanLanguage":
        """The language that the model writes for this one, with routines not learnt yet."""
        acts = {name: ("",) for name in (*stand_ins("act"), *repertoire())}
        return replace(
            self,
            syntaxes={**acts, **TAUGHT, **self.syntaxes, **DRAFTS},
            places=(*self.places, THERE, *stand_ins("place")),
            kinds=(*self.kinds, *stand_ins("thing")),
            is_draft=True,
        )

    @cached_property
    def grammar(self) -> str:
        """The language in llama.cpp's notation, ending with the line break after the plan."""
        steps = " | ".join(_rule(name) for name in self.syntaxes)
        lines = [
            f'root ::= step ("{BETWEEN_STEPS}" step){{0,{STEPS_MAX - 1}}} "\\n"',
            f"step ::= {steps}",
        ]
        for name, alternatives in self.syntaxes.items():
            ways = (_to_gbnf(f"{name} {alternative}".strip()) for alternative in alternatives)
            lines.append(f"{_rule(name)} ::= {' | '.join(ways)}")
        lines += [f"slot-{name} ::= {gbnf}" for name, (gbnf, _) in self._slots.items()]
        return "\n".join(lines) + "\n"

    @cached_property
    def _slots(self) -> dict[str, tuple[str, str]]:
        def either(words: Sequence[str]) -> tuple[str, str]:
            return " | ".join(f'"{word}"' for word in words), "|".join(map(_plain, words))

        places, kinds, colours = either(self.places), either(self.kinds), either(self.colours)
        thing = (
            f'(({colours[0]}) " ")? ({kinds[0]})',
            f"(?:(?:{colours[1]}) )?(?:{kinds[1]})",
        )
        if self.is_draft:
            thing = (
                f'{thing[0]} | "{IT}" | "{OTHER}" (" " ({kinds[0]}))?',
                f"{thing[1]}|{IT}|{OTHER}(?: (?:{kinds[1]}))?",
            )
        ways = either(WAYS)
        return {**FIXED_SLOTS, "place": places, "thing": thing, "colour": colours, "way": ways}

    def _ways(self) -> Iterator[tuple[str, list[str]]]:
        """Yield every alternative of every skill with the pattern of each argument."""
        for name, alternatives in self.syntaxes.items():
            for alternative in alternatives:
                yield (
                    name,
                    [
                        self._slots[slot[1]][1] if (slot := SLOT.fullmatch(word)) else _plain(word)
                        for word in alternative.split()
                    ],
                )

    @cached_property
    def _patterns(self) -> list[tuple[str, re.Pattern[str]]]:
        """Every alternative of every skill, with a group for each argument."""
        return [
            (name, re.compile(" ".join((name, *(f"({word})" for word in words))) + STEP_END))
            for name, words in self._ways()
        ]

    @cached_property
    def pattern(self) -> str:
        """The language as a regular expression that other programs understand, too."""
        ways = "|".join(
            " ".join((name, *(f"(?:{word})" for word in words))) for name, words in self._ways()
        )
        return f"(?:{ways})(?:{BETWEEN_STEPS}(?:{ways})){{0,{STEPS_MAX - 1}}}"

    def prepare(self) -> None:
        """Make what parsing needs, which takes some 10 ms the first time."""
        assert self._patterns

    def parse(self, text: str) -> Plan:
        """Read a plan. Every word of a step is an argument, but a thing and a text are one each.

        Raises:
            PlanError: The text is not a plan; the message says where and what would have worked.
        """
        line = text.removesuffix("\n")
        steps: list[Step] = []
        at = 0
        while not steps or at < len(line):
            if steps:
                if not line.startswith(BETWEEN_STEPS, at):
                    raise self._error(line, at, f"expected {BETWEEN_STEPS!r} and another step")
                at += len(BETWEEN_STEPS)
            found = self._step_at(line, at)
            if found is None:
                raise self._error(line, at, self._hint(line[at:]))
            step, at = found
            steps.append(step)
        if len(steps) > STEPS_MAX:
            raise PlanError(f"The plan {line!r} has {len(steps)} steps; at most {STEPS_MAX} work.")
        return Plan(steps=tuple(steps))

    def _step_at(self, line: str, at: int) -> tuple[Step, int] | None:
        """Return the step that begins there and where it ends, or None."""
        for name, pattern in self._patterns:
            if match := pattern.match(line, at):
                return Step(skill=name, arguments=match.groups()), match.end()
        return None

    def _error(self, line: str, at: int, hint: str) -> PlanError:
        return PlanError(f"{line!r} is not a plan: at {line[at : at + 20]!r}, {hint}.")

    def _hint(self, rest: str) -> str:
        skill = re.split(r"[\s;]", rest, maxsplit=1)[0]
        if skill not in self.syntaxes:
            return f"no skill is called {skill!r}; known: {', '.join(self.syntaxes)}"
        ways = ", ".join(repr(f"{skill} {way}".strip()) for way in self.syntaxes[skill])
        return (
            f"{skill!r} is written {ways}; places: {', '.join(self.places)}; "
            f"things: {', '.join(self.kinds)}; colours: {', '.join(self.colours)}; metres 0.1 to "
            f"9.9, degrees 1 to 360, seconds 1 to 60, text of at most 40 characters"
        )


def stand_ins(sort: str) -> tuple[str, ...]:
    """Return the words that stand for new things, places or acts: `thing1`, `thing2` …"""
    return tuple(f"{sort}{number}" for number in range(1, STAND_INS + 1))


def _plain(word: str) -> str:
    """Escape what a pattern would take otherwise, and nothing that some dialects do not know."""
    return re.sub(r"[.^$*+?()[\]{}|\\]", r"\\\g<0>", word)


def _rule(skill: str) -> str:
    """Name a skill's rule; GBNF allows no underscore there."""
    return "skill-" + skill.replace("_", "-")


def _to_gbnf(syntax: str) -> str:
    """Turn `go forward {metres}` into `"go forward " slot-metres`."""
    parts: list[str] = []
    end = 0
    for slot in SLOT.finditer(syntax):
        if literal := syntax[end : slot.start()]:
            parts.append(f'"{literal}"')
        parts.append(f"slot-{slot[1]}")
        end = slot.end()
    if literal := syntax[end:]:
        parts.append(f'"{literal}"')
    return " ".join(parts)
