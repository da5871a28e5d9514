"""From a sentence to a plan: stop words first, then what was thought before, then the model.

The model reads the sentence alone, without what it quotes and with stand-ins for what it was never
taught (`quotes`, `lexicon`). What it drafts is settled by what was said and seen (`dialogue`).
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from yanshi.core.errors import AssetError, PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind import lexicon, quotes
from yanshi.mind.dialogue import NOWHERE, UNSAFE, Context, Turn, settle
from yanshi.mind.language import PlanLanguage
from yanshi.mind.lexicon import Lexicon, Word
from yanshi.mind.model import ModelConfig, ModelProcess, taught_words
from yanshi.mind.names import NAMES
from yanshi.mind.prompt import few_shot_prompt, instructions, prompt_for
from yanshi.mind.stop_words import is_order_for, is_rise_order, is_stop_order
from yanshi.mind.tongue import Heard, hear, to_traditional
from yanshi.policies.repertoire import Piece, repertoire
from yanshi.skills.skill import installed_skills
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
    turn: Turn
    """What to remember of it, for the context of the next sentence."""


@dataclass(slots=True)
class _Thought:
    """A sentence on its way through the model."""

    heard: Heard
    context: Context
    text: str
    """What the model reads."""
    names: dict[str, str]
    """What its stand-ins stand for."""
    quoted: dict[str, str]
    draft: Plan | None = None
    """What the model has drafted, while it judges what would be said."""


class Understands(Protocol):
    """Whoever turns sentences into plans while the robot goes on; see `Mind`."""

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Begin to understand a sentence; returns at once."""
        ...

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what the sentence means once it is known."""
        ...

    def first_step(self) -> Step | None:
        """Return the first step of the plan under way, if it is certain before the rest is."""
        ...

    def say_again(self, sentence: str) -> Understanding:
        """Return the stand-in for an answer that is too late."""
        ...

    def stopped(self, sentence: str) -> Understanding:
        """Return the understanding of an order to stop."""
        ...


class Mind:
    """Understands sentences about one room; the model thinks in a process of its own.

    Make it early, tell it the room with `know`, and close it in the end.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        self.config = config or ModelConfig.from_environment()
        self._model = ModelProcess(self.config)
        self._language: PlanLanguage | None = None
        self._lexicon = Lexicon()
        self._remembered: OrderedDict[str, Plan] = OrderedDict()
        """Drafts by what the model read."""
        self._thought: _Thought | None = None
        self._asked_at_s = 0.0
        self._answer: Understanding | None = None

    @property
    def pid(self) -> int | None:
        """Number of the model's process, to weigh its memory."""
        return self._model.pid

    @property
    def speaks(self) -> PlanLanguage | None:
        """The language that its plans are in."""
        return self._language

    def know(self, floor_plan: FloorPlan) -> None:
        """Take the room's places into the plan language; returns at once."""
        self.speak(PlanLanguage.of(floor_plan))

    def speak(self, language: PlanLanguage) -> None:
        """Write plans in a language from now on; returns at once."""
        if language != self._language:
            self._language = language
            self._lexicon = new_words(language)
            self._remembered.clear()
            self._model.set_grammar(language.draft.grammar, self._prompt(WARM_UP))
            # Both load a dictionary the first time, which no tick of a moving robot may wait for.
            hear(WARM_UP)
            to_traditional(WARM_UP)

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the model answers at its usual speed.

        Raises:
            AssetError: The language model is missing or is not the pinned one.
        """
        self._model.wait_ready(timeout_s)

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Begin to understand a sentence; returns at once, `poll` has the answer."""
        self._asked_at_s = time.monotonic()
        self._answer = self._at_once(sentence, context)
        if self._answer is None:
            assert self._thought is not None
            self._model.ask(self._prompt(self._thought.text))

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what the sentence means once it is known, waiting for it up to `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        answer, self._answer = self._answer, None
        while answer is None and self._thought is not None:
            try:
                completion = self._model.poll(max(0.0, until_s - time.monotonic()))
            except AssetError:
                return self._nothing(self._thought.heard)
            if completion is None:
                return None
            answer = self._took(self._thought, completion.text)
        return answer

    def _took(self, thought: _Thought, text: str) -> Understanding | None:
        """Take what the model wrote; None when it has to think again."""
        try:
            draft = self._read(text)
            if thought.draft is None and quotes.says_any(draft):
                # What is to be said was lifted out; now the model judges the very words.
                thought.draft = draft
                self._model.ask(self._prompt(thought.heard.text))
                return None
            if thought.draft is not None and UNSAFE not in draft.steps:
                draft = thought.draft
            answer = self._settled(draft, thought, "model")
        except PlanError:
            return self._nothing(thought.heard)
        self._remember(thought.text, draft)
        return answer

    def first_step(self) -> Step | None:
        """Return the first step of the plan under way, if it is certain before the rest is.

        Only `poll` takes it in. A step that talks, or that waits for what is to be judged or
        asked, comes with the whole plan.
        """
        thought, text = self._thought, self._model.first
        if thought is None or thought.draft is not None or text is None or thought.quoted:
            return None
        try:
            draft = lexicon.put_back(self._read(text), thought.names)
        except PlanError:
            return None
        assert self._language is not None
        plan, turn = settle(draft, thought.context, self._language.places)
        is_one = len(plan.steps) == 1 and not turn.asked
        skill = plan.steps[0].skill
        moves = getattr(installed_skills().get(skill), "risk", "none") != "none"
        return plan.steps[0] if is_one and moves else None

    def understand(
        self, sentence: str, context: Context = NOWHERE, timeout_s: float = 30.0
    ) -> Understanding:
        """Return what a sentence means, waiting for it."""
        self.ask(sentence, context)
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

    def _at_once(self, sentence: str, context: Context) -> Understanding | None:
        """Answer without the model, or note what the model is to answer."""
        self._thought = None
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
        text, quoted = quotes.lift(heard.text)
        text, names = self._lexicon.lift(text)
        thought = _Thought(heard, context, text, names, quoted)
        if not quoted and (draft := self._remembered.get(text)) is not None:
            self._remembered.move_to_end(text)
            try:
                return self._settled(draft, thought, "cache")
            except PlanError:  # It was one in another context.
                return self._nothing(heard)
        self._thought = thought
        return None

    def _settled(self, draft: Plan, thought: _Thought, source: Source) -> Understanding:
        """Return what a draft comes to in its context.

        Raises:
            PlanError: It is no plan after all.
        """
        assert self._language is not None
        named = lexicon.put_back(quotes.put_back(draft, thought.quoted), thought.names)
        plan, turn = settle(named, thought.context, self._language.places)
        self._language.parse(str(plan))
        self._thought = None
        return self._understood(plan, thought.heard, source, turn)

    def _piece_in(self, sentence: str) -> Piece | None:
        """Return the routine that a sentence asks for and nothing else, if any."""
        for piece in repertoire().values():
            if is_order_for(piece.title.words, sentence):
                return piece
        return None

    def _understood(
        self, plan: Plan, heard: Heard, source: Source, turn: Turn | None = None
    ) -> Understanding:
        latency_s = time.monotonic() - self._asked_at_s
        return Understanding(
            plan=plan,
            language=heard.tongue.value,
            source=source,
            latency_s=latency_s,
            turn=turn or Turn(plan=plan),
        )

    def _nothing(self, heard: Heard) -> Understanding:
        self._thought = None
        return self._understood(_plan("ask", "what"), heard, "none")

    def _remember(self, text: str, draft: Plan) -> None:
        self._remembered[text] = draft
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)

    def _read(self, text: str) -> Plan:
        assert self._language is not None
        lines = [line.strip().strip("`") for line in text.strip().splitlines()]
        plan = next((line for line in lines if line), "")
        draft = self._language.draft.parse(plan.removesuffix(";").removesuffix("."))
        return _to_its_end(_without_unlearnt(_without_echoes(draft)))

    def _prompt(self, sentence: str) -> str:
        if self.config.is_ours:
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


def _without_unlearnt(plan: Plan) -> Plan:
    """Refuse a routine that was written down and not learnt yet."""
    pieces = repertoire()
    refusal = Step(skill="refuse", arguments=("unknown_skill",))
    return Plan(
        steps=tuple(
            refusal if (piece := pieces.get(step.skill)) and not piece.is_learnt else step
            for step in plan.steps
        )
    )


def _to_its_end(plan: Plan) -> Plan:
    """Drop what comes after a refusal or a question: it ends the plan."""
    for index, step in enumerate(plan.steps):
        if step.skill in ("refuse", "ask"):
            return Plan(steps=(plan.steps[: index + 1]))
    return plan


def new_words(language: PlanLanguage) -> Lexicon:
    """Return what a room and a robot have that the adapter was never taught."""
    taught = taught_words()
    words = [
        Word(name=name, sort=sort, called=NAMES.get(name, (name,)))
        for sort, names in (("thing", language.kinds), ("place", language.places))
        for name in names
        if name not in taught
    ]
    for piece in repertoire().values():
        if piece.name not in taught:
            order = piece.name if piece.is_learnt else "refuse unknown_skill"
            words.append(Word(name=order, sort="act", called=piece.title.words))
    return Lexicon(tuple(words))


def _plan(skill: str, *arguments: str) -> Plan:
    return Plan(steps=(Step(skill=skill, arguments=arguments),))
