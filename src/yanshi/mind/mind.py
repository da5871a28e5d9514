"""From a sentence to a plan: stop words first, then what was thought before, then the model.

The model reads the sentence alone, without what it quotes and with stand-ins for what it was never
taught (`quotes`, `lexicon`). What it drafts is settled by what was said and seen (`dialogue`).
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Literal, Protocol

from yanshi.core.errors import AssetError, PlanError
from yanshi.core.messages import Plan, Step
from yanshi.mind import lexicon, quotes
from yanshi.mind.dialogue import NOWHERE, TOO_LONG, UNSAFE, Context, Turn, settle
from yanshi.mind.language import TAUGHT, PlanLanguage
from yanshi.mind.lexicon import Lexicon, Word
from yanshi.mind.model import BARE, Backend, Completion, ModelConfig, ModelProcess, taught_words
from yanshi.mind.names import NAMES
from yanshi.mind.prompt import few_shot_prompt, instructions, prompt_for
from yanshi.mind.stop_words import is_order_for, is_rise_order, is_stop_order
from yanshi.mind.tongue import Heard, hear, to_traditional
from yanshi.mind.verbatim import in_heard_words
from yanshi.policies.repertoire import Piece, repertoire
from yanshi.skills.skill import installed_skills
from yanshi.worlds.floor_plan import FloorPlan

REMEMBERED_MAX = 256
WARM_UP = "走到桌子前，看看桌上有什么，然后跳个舞"

DONE_ONCE = frozenset({"look", "point", "ask", "refuse", "stop"})
"""Skills that a small model sometimes writes twice in a row and that nobody means twice."""

Source = Literal["stop", "rule", "cache", "model", "cloud", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What a sentence was taken to mean."""

    plan: Plan
    language: str
    """`zh-Hans`, `zh-Hant`, `en` or `other`: how to reply."""
    source: Source
    """What understood it: the stop words, a rule (empty, too long, another language, an
    order to get up or to perform), an earlier answer, the model on this machine, one in the
    cloud, or nothing (no plan was given: the robot asks back)."""
    latency_s: float
    """From the question to the answer, on this machine's clock."""
    turn: Turn
    """What to remember of it, for the context of the next sentence."""
    mind: str = ""
    """Which model understood it; empty when none was needed."""
    why: str = ""
    """Why that one, where there was a choice."""
    confidence: float = 1.0
    """Probability of the token that the model on this machine was least sure of."""
    tokens: tuple[int, int] = (0, 0)
    """How many tokens that model has read and written for it."""
    traffic: tuple[int, int] = (0, 0)
    """How many bytes were sent and received for it."""
    is_sent: bool = False
    """Whether an answer was waited for that came, or did not come, over a network."""


@dataclass(slots=True)
class Thought:
    """A sentence on its way through a model."""

    heard: Heard
    context: Context
    text: str
    """What the model reads."""
    names: dict[str, str]
    """What its stand-ins stand for."""
    called: dict[str, str]
    """What they were called."""
    quoted: dict[str, str]
    draft: Plan | None = None
    """What the model has drafted, while it judges what would be said."""
    confidence: float = 1.0
    """How sure it was of that."""
    tokens: tuple[int, int] = (0, 0)
    """How many it has read and written so far."""


class Understands(Protocol):
    """Whoever turns sentences into plans while the robot goes on; see `Mind`."""

    deadline_s: float
    """Longest time that it means to take for a sentence."""

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

    deadline_s = 0.3

    def __init__(
        self,
        config: ModelConfig | None = None,
        backend: Callable[[ModelConfig], Backend] | None = None,
    ) -> None:
        """Start the model's process.

        Args:
            config: Which model; ours and its adapter if None.
            backend: What runs it; see `ModelProcess`.
        """
        self.config = config or ModelConfig()
        self.troubles: list[AssetError] = []
        """Why models that were asked for were left aside for the next best."""
        self._backend = backend
        self._model = ModelProcess(self.config, backend)
        self._language: PlanLanguage | None = None
        self._lexicon = Lexicon()
        self._remembered: OrderedDict[str, Plan] = OrderedDict()
        """Drafts by what the model read."""
        self.thought: Thought | None = None
        """The sentence that the model thinks about."""
        self._asked_at_s = 0.0
        self._answer: Understanding | None = None

    @property
    def pid(self) -> int | None:
        """Number of the model's process, to weigh its memory."""
        return self._model.pid

    @property
    def connection(self) -> Connection:
        """What becomes readable when the model has written something."""
        return self._model.connection

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
            self._remembered.clear()
            self._brief(language)
            # All of this takes milliseconds the first time, for which no tick of a moving robot
            # may wait.
            hear(WARM_UP)
            to_traditional(WARM_UP)
            self._lexicon.lift(WARM_UP)
            for known in (language, language.draft):
                known.prepare()

    def _brief(self, language: PlanLanguage) -> None:
        """Tell the model the language that it is to write in."""
        self._lexicon = new_words(language, self.config) if self.config.is_adapted else Lexicon()
        self._model.set_language(language.draft, self._prompt(WARM_UP))

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the model answers at its usual speed, or the next best does.

        What is wrong with a model that cannot be had is kept in `troubles`.

        Raises:
            AssetError: No language model can be had.
        """
        while True:
            try:
                self._model.wait_ready(timeout_s)
                return
            except AssetError as error:
                following = next_best(self.config)
                if following is None:
                    raise
                self.troubles.append(error)
                self._model.close()
                self.config = following
                self._model = ModelProcess(following, self._backend)
                if self._language is not None:
                    self._brief(self._language)

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Begin to understand a sentence; returns at once, `poll` has the answer."""
        self._asked_at_s = time.monotonic()
        self._answer = self._at_once(sentence, context)
        if self._answer is None:
            assert self.thought is not None
            self._model.ask(self._prompt(self.thought.text))

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what the sentence means once it is known, waiting for it up to `timeout_s`."""
        until_s = time.monotonic() + timeout_s
        answer, self._answer = self._answer, None
        while answer is None and self.thought is not None:
            try:
                completion = self._model.poll(max(0.0, until_s - time.monotonic()))
            except AssetError:
                return self._nothing(self.thought.heard)
            if completion is None:
                return None
            answer = self._took(self.thought, completion)
        return answer

    def _took(self, thought: Thought, completion: Completion) -> Understanding | None:
        """Take what the model wrote; None when it has to think again."""
        thought.confidence = min(thought.confidence, completion.confidence)
        read, written = completion.tokens
        thought.tokens = (thought.tokens[0] + read, thought.tokens[1] + written)
        try:
            draft = self._read(completion.text)
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
        return replace(
            answer,
            mind=self.config.name,
            confidence=thought.confidence,
            tokens=thought.tokens,
        )

    def weigh(self, thought: Thought, text: str, ours: Understanding) -> Understanding:
        """Return what another model's draft of a thought comes to.

        Args:
            thought: The sentence, as it was put to that model.
            text: What it wrote.
            ours: What the model on this machine made of the sentence. Who finds it unsafe is
                right, whichever of the two it is.

        Raises:
            PlanError: It is no plan, or says quoted words that nobody has judged.
        """
        draft = self._read(text)
        says = any(step.skill == "say" for step in ours.plan.steps)
        if quotes.says_any(draft) and not says:
            raise PlanError(f"{draft} says what was quoted and has not been judged.")
        if UNSAFE in ours.plan.steps:
            return ours
        theirs = self._settled(draft, thought, "cloud")
        self._remember(thought.text, draft)
        return theirs

    def first_step(self) -> Step | None:
        """Return the first step of the plan under way, if it is certain before the rest is.

        Only `poll` takes it in. A step that talks, or that waits for what is to be judged or
        asked, comes with the whole plan.
        """
        thought, text = self.thought, self._model.first
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
        """Return the understanding of an order to stop, whatever the sentence was.

        What is being thought about is dropped.
        """
        self._asked_at_s = time.monotonic()
        self._answer = self.thought = None
        return self._understood(_plan("stop"), hear(sentence), "stop")

    def close(self) -> None:
        """End the model's process."""
        self._model.close()

    def _at_once(self, sentence: str, context: Context) -> Understanding | None:
        """Answer without the model, or note what the model is to answer."""
        self.thought = None
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
        text, names, called = self._lexicon.lift_all(text)
        thought = Thought(heard, context, text, names, called, quoted)
        if not quoted and (draft := self._remembered.get(text)) is not None:
            self._remembered.move_to_end(text)
            try:
                return self._settled(draft, thought, "cache")
            except PlanError:  # It was one in another context.
                return self._nothing(heard)
        self.thought = thought
        return None

    def _settled(self, draft: Plan, thought: Thought, source: Source) -> Understanding:
        """Return what a draft comes to in its context.

        Raises:
            PlanError: It is no plan after all.
        """
        assert self._language is not None
        heard = in_heard_words(draft, thought.text, thought.called)
        named = lexicon.put_back(quotes.put_back(heard, thought.quoted), thought.names)
        plan, turn = settle(named, thought.context, self._language.places)
        if plan != TOO_LONG:
            self._language.parse(str(plan))
        self.thought = None
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
        self.thought = None
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
        return _to_its_end(_without_unlearnt(_without_echoes(draft), self._language))

    def _prompt(self, sentence: str) -> str:
        if self.config.is_adapted:
            return prompt_for(sentence)
        assert self._language is not None
        return few_shot_prompt(instructions(self._language.draft), sentence)


def next_best(config: ModelConfig) -> ModelConfig | None:
    """Return the model to take when one cannot be had: ours, and then ours without its adapter."""
    if config.source:
        return ModelConfig(threads=config.threads)
    return replace(BARE, threads=config.threads) if config.is_adapted else None


def _without_echoes(plan: Plan) -> Plan:
    """Drop a step that repeats the one before it where doing it twice adds nothing."""
    pairs = zip(plan.steps, (None, *plan.steps), strict=False)
    return Plan(
        steps=tuple(step for step, before in pairs if step != before or step.skill not in DONE_ONCE)
    )


def _without_unlearnt(plan: Plan, language: PlanLanguage) -> Plan:
    """Refuse what was taught or written down and is not among the robot's skills."""
    pieces = repertoire()
    refusal = Step(skill="refuse", arguments=("unknown_skill",))

    def is_unlearnt(skill: str) -> bool:
        piece = pieces.get(skill)
        return (piece is not None and not piece.is_learnt) or (
            skill in TAUGHT and skill not in language.syntaxes
        )

    return Plan(steps=tuple(refusal if is_unlearnt(s.skill) else s for s in plan.steps))


def _to_its_end(plan: Plan) -> Plan:
    """Drop what comes after a refusal or a question: it ends the plan."""
    for index, step in enumerate(plan.steps):
        if step.skill in ("refuse", "ask"):
            return Plan(steps=(plan.steps[: index + 1]))
    return plan


def new_words(language: PlanLanguage, config: ModelConfig) -> Lexicon:
    """Return what a room and a robot have that the adapter was never taught."""
    taught = taught_words(config.adapter)
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
    for name, skill in installed_skills().items():
        if name not in taught and name not in repertoire() and language.syntaxes.get(name) == ("",):
            own = (*skill.called.get("", (name,)), *skill.words)
            words.append(Word(name=name, sort="act", called=own))
    return Lexicon(tuple(words))


def _plan(skill: str, *arguments: str) -> Plan:
    return Plan(steps=(Step(skill=skill, arguments=arguments),))
