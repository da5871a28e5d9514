"""From a sentence to a plan: stop words first, then what was thought before, then the model."""

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from yanshi.core.errors import AssetError, PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind.language import PlanLanguage
from yanshi.mind.model import ModelConfig, ModelProcess
from yanshi.mind.prompt import few_shot_prompt, instructions, prompt_for
from yanshi.mind.stop_words import is_order_for, is_rise_order, is_stop_order
from yanshi.mind.tongue import Heard, hear, to_traditional
from yanshi.policies.repertoire import Piece, repertoire
from yanshi.worlds.floor_plan import FloorPlan

REMEMBERED_MAX = 256
WARM_UP = "走到桌子前，看看桌上有什么，然后跳个舞"

DONE_ONCE = frozenset({"look", "point", "ask", "refuse", "stop"})
"""Skills that a small model sometimes writes twice in a row and that nobody means twice."""

Source = Literal["stop", "rule", "cache", "model", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What a sentence was taken to mean."""

    plan: Plan
    language: str
    """`zh-Hans`, `zh-Hant`, `en` or `other`: how to reply."""
    source: Source
    """What understood it: the stop words, a rule (empty, too long, another language, an
    order to get up or to perform), an earlier answer, the model, or nothing (the model gave no
    plan: the robot asks back)."""
    latency_s: float
    """From the question to the answer, on this machine's clock."""


class Mind:
    """Understands sentences about one room; the model thinks in a process of its own.

    Make it early, tell it the room with `know`, and close it in the end.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        self._config = config or ModelConfig.from_environment()
        self._model = ModelProcess(self._config)
        self._language: PlanLanguage | None = None
        self._remembered: OrderedDict[str, Plan] = OrderedDict()
        self._heard: Heard | None = None
        self._asked_at_s = 0.0
        self._answer: Understanding | None = None

    @property
    def pid(self) -> int | None:
        """Number of the model's process, to weigh its memory."""
        return self._model.pid

    def know(self, floor_plan: FloorPlan) -> None:
        """Take the room's places into the plan language; returns at once."""
        language = PlanLanguage.of(floor_plan)
        if language != self._language:
            self._language = language
            self._remembered.clear()
            self._model.set_grammar(language.grammar, self._prompt(WARM_UP))
            # Both load a dictionary the first time, which no tick of a moving robot may wait for.
            hear(WARM_UP)
            to_traditional(WARM_UP)

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the model answers at its usual speed.

        Raises:
            AssetError: The language model is missing or is not the pinned one.
        """
        self._model.wait_ready(timeout_s)

    def ask(self, sentence: str) -> None:
        """Begin to understand a sentence; returns at once, `poll` has the answer."""
        self._asked_at_s = time.monotonic()
        self._answer = self._at_once(sentence)
        if self._answer is None:
            assert self._heard is not None
            self._model.ask(self._prompt(self._heard.text))

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what the sentence means once it is known, waiting for it up to `timeout_s`."""
        answer, self._answer = self._answer, None
        if answer is not None or self._heard is None:
            return answer
        try:
            completion = self._model.poll(timeout_s)
        except AssetError:
            return self._nothing(self._heard)
        if completion is None:
            return None
        heard, self._heard = self._heard, None
        try:
            plan = self._read(completion.text)
        except PlanError:
            return self._nothing(heard)
        self._remember(heard.text, plan)
        return self._understood(plan, heard, "model")

    def understand(self, sentence: str, timeout_s: float = 30.0) -> Understanding:
        """Return what a sentence means, waiting for it."""
        self.ask(sentence)
        return self.poll(timeout_s) or self.say_again(sentence)

    def say_again(self, sentence: str) -> Understanding:
        """Return the stand-in for an answer that is too late: the robot asks back."""
        return self._nothing(hear(sentence))

    def stopped(self, sentence: str) -> Understanding:
        """Return the understanding of an order to stop, whatever the sentence was."""
        self._asked_at_s = time.monotonic()
        return self._understood(_plan("stop"), hear(sentence), "stop")

    def close(self) -> None:
        """End the model's process."""
        self._model.close()

    def _at_once(self, sentence: str) -> Understanding | None:
        """Answer without the model, or note what the model is to answer."""
        self._heard = None
        if is_stop_order(sentence):
            return self.stopped(sentence)
        heard = hear(sentence)
        if heard.trouble is not None:
            return self._understood(_plan("refuse", heard.trouble.value), heard, "rule")
        if is_rise_order(sentence):
            return self._understood(_plan("getup"), heard, "rule")
        if (piece := self._piece_in(heard.text)) is not None:
            order = (piece.name,) if piece.is_learnt else ("refuse", "unknown_skill")
            return self._understood(_plan(*order), heard, "rule")
        if (plan := self._remembered.get(heard.text)) is not None:
            self._remembered.move_to_end(heard.text)
            return self._understood(plan, heard, "cache")
        self._heard = heard
        return None

    def _piece_in(self, sentence: str) -> Piece | None:
        """Return the routine that a sentence asks for and nothing else, if any."""
        for piece in repertoire().values():
            if is_order_for(piece.title.words, sentence):
                return piece
        return None

    def _understood(self, plan: Plan, heard: Heard, source: Source) -> Understanding:
        latency_s = time.monotonic() - self._asked_at_s
        return Understanding(
            plan=plan, language=heard.tongue.value, source=source, latency_s=latency_s
        )

    def _nothing(self, heard: Heard) -> Understanding:
        self._heard = None
        return self._understood(_plan("ask", "what"), heard, "none")

    def _remember(self, text: str, plan: Plan) -> None:
        self._remembered[text] = plan
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    def _read(self, text: str) -> Plan:
        assert self._language is not None
        lines = [line.strip().strip("`") for line in text.strip().splitlines()]
        plan = next((line for line in lines if line), "")
        return _without_echoes(self._language.parse(plan.removesuffix(";").removesuffix(".")))

    def _prompt(self, sentence: str) -> str:
        if self._config.is_ours:
            return prompt_for(sentence)
        return few_shot_prompt(self._instructions, sentence)

    @cached_property
    def _instructions(self) -> str:
        assert self._language is not None
        language = self._language
        return instructions(language.syntaxes, language.places, language.kinds, language.colours)


def _without_echoes(plan: Plan) -> Plan:
    """Drop a step that repeats the one before it where doing it twice adds nothing."""
    pairs = zip(plan.steps, (None, *plan.steps), strict=False)
    return Plan(
        steps=tuple(step for step, before in pairs if step != before or step.skill not in DONE_ONCE)
    )


def _plan(skill: str, *arguments: str) -> Plan:
    return Plan(steps=(Step(skill=skill, arguments=arguments),))
