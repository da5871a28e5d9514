"""What stands between quotation marks is to be said or is written somewhere: it orders nothing.

The model reads a stand-in instead, so it can neither obey such words nor misspell them:

    看看写着“快去门口”的盒子，说“你好”  →  看看写着“text1”的盒子，说“text2”  →  look box; say "你好"
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind.language import FIXED_SLOTS
from yanshi.mind.names import NAMES

QUOTED = re.compile(
    "“([^“”]+)”|「([^「」]+)」|『([^『』]+)』|«([^«»]+)»|‘([^‘’]+)’"
    r"|\"([^\"]+)\"|(?<![^\s(:,])'((?:[^']|(?<=\w)'(?=\w))+)'(?![^\s).,!?;:])"
)
STAND_IN = re.compile(r'"(text\d)"')
TEXT = re.compile(FIXED_SLOTS["text"][1])
_KNOWN = frozenset(word for words in NAMES.values() for word in words)


def lift(sentence: str) -> tuple[str, dict[str, str]]:
    """Return a sentence with stand-ins for what it quotes, and what they stand for.

    A name that somebody put in quotation marks (“桌子”) loses them instead.
    """
    meant: dict[str, str] = {}

    def stand_in(found: re.Match[str]) -> str:
        text: str = next(filter(None, found.groups())).strip()
        if text in _KNOWN:
            return text
        if not text or len(meant) == 9:
            return str(found[0])
        name = f"text{len(meant) + 1}"
        meant[name] = text
        return f"“{name}”"

    return QUOTED.sub(stand_in, sentence), meant


def put_back(plan: Plan, meant: Mapping[str, str]) -> Plan:
    """Return a plan that says what was quoted.

    Raises:
        PlanError: A text is too long for a plan, or holds what none may.
    """
    return replace(plan, steps=tuple(_with_text(step, meant) for step in plan.steps))


def says_any(plan: Plan) -> bool:
    """Whether a plan says something that was quoted."""
    return any(_stand_in(step) is not None for step in plan.steps)


def _stand_in(step: Step) -> str | None:
    found = STAND_IN.fullmatch(step.arguments[0]) if step.skill == "say" else None
    return found[1] if found else None


def _with_text(step: Step, meant: Mapping[str, str]) -> Step:
    name = _stand_in(step)
    if name is None or name not in meant:
        return step
    text = f'"{meant[name]}"'
    if not TEXT.fullmatch(text):
        raise PlanError(f"A plan says at most 40 characters and no quotation marks; asked: {text}.")
    return replace(step, arguments=(text,))
