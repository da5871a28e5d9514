"""What is to be said is said in the words that were heard.

A small model sometimes misspells what it only has to copy (`say "she owzes me a tenner"`). The
words are looked up in the sentence and taken from there; what does not stand there, like an answer
to a question, is left as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from yanshi.core.errors import PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind.quotes import TEXT

TOKEN = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*|[^\s\w]|\w", re.IGNORECASE)
"""An English word or number, a Chinese character, a sign."""
ALIKE = 0.6
"""Least share of what is to be said that must stand in the sentence in that order."""
ENDS = ".,!?;:，。！？；：、 "


def in_heard_words(plan: Plan, sentence: str, called: Mapping[str, str]) -> Plan:
    """Return a plan that says what was heard.

    Args:
        plan: As the model wrote it.
        sentence: As the model read it.
        called: What each stand-in in it was called by whoever spoke.

    Raises:
        PlanError: The words are too long for a plan.
    """
    return replace(plan, steps=tuple(_heard(step, sentence, called) for step in plan.steps))


def _heard(step: Step, sentence: str, called: Mapping[str, str]) -> Step:
    if step.skill != "say":
        return step
    written = step.arguments[0].strip('"')
    said = written if written in sentence else _found(written, sentence) or written
    for stand_in, words in called.items():
        said = re.sub(rf"\b{stand_in}\b" if said.isascii() else stand_in, words, said)
    text = f'"{said}"'
    if not TEXT.fullmatch(text):
        raise PlanError(f"A plan says at most 40 characters and no quotation marks; asked: {text}.")
    return replace(step, arguments=(text,))


def _found(written: str, sentence: str) -> str:
    """Return the part of a sentence that was meant to be copied; empty when there is none."""
    heard = list(TOKEN.finditer(sentence))
    tokens = [token[0].lower() for token in heard]
    wanted = [token.lower() for token in TOKEN.findall(written)]
    longest = SequenceMatcher(None, tokens, wanted, autojunk=False).find_longest_match()
    # Around what was copied best, with room for a token that was left out.
    begin = max(0, longest.a - longest.b - 1)
    near = tokens[begin : longest.a + len(wanted) - longest.b + 2]
    blocks = [
        block
        for block in SequenceMatcher(None, near, wanted, autojunk=False).get_matching_blocks()
        if block.size
    ]
    if not blocks or sum(block.size for block in blocks) < ALIKE * len(wanted):
        return ""
    first, last = blocks[0], blocks[-1]
    start = begin + max(0, first.a - first.b)
    end = begin + min(len(near), last.a + len(wanted) - last.b)
    return sentence[heard[start].start() : heard[end - 1].end()].strip(ENDS)
