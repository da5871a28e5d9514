"""Two minds: the one on this machine always answers; one in the cloud may answer better.

The plan of the cloud takes the place of ours if it comes, and is one, before the deadline. At the
deadline the best answer in hand is used, and whatever comes later is dropped by its number. An
endpoint that does not answer is not waited for until it does again.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import wait

from yanshi.core.errors import AssetError, PlanError
from yanshi.core.messages import Step
from yanshi.ledger.weather import Weather
from yanshi.mind.cloud import Cloud, Reply, in_chinese
from yanshi.mind.dialogue import NOWHERE, Context
from yanshi.mind.language import PlanLanguage
from yanshi.mind.mind import Mind, Thought, Understanding
from yanshi.mind.router import Choice, Router, sort_of
from yanshi.worlds.floor_plan import FloorPlan

MARGIN_S = 0.03
"""How long before its deadline an answer is settled on: whoever polls does so every 20 ms."""


class HybridMind:
    """Understands sentences with a model on this machine and one behind a network; see `Mind`."""

    def __init__(
        self,
        onboard: Mind,
        cloud: Cloud,
        router: Router,
        clock: Callable[[], float] = time.monotonic,
        weather: Weather | None = None,
    ) -> None:
        """Join two minds that have been started; both are closed with this one.

        Args:
            onboard: Answers every sentence.
            cloud: Answers those that are sent.
            router: Chooses which are.
            clock: Seconds, never going back.
            weather: A link that every answer is held up or lost by, besides the real one.
        """
        self.onboard = onboard
        self.cloud = cloud
        self.router = router
        self.deadline_s = cloud.config.deadline_s
        self._clock = clock
        self._weather = weather
        self._started_s = clock()
        self._held: tuple[float, Reply] | None = None
        """A reply that the link still holds up, and until when."""
        self._began_s = 0.0
        self._thought: Thought | None = None
        self._ours: Understanding | None = None
        self._choice: Choice | None = None
        self._reply: Reply | None = None

    @property
    def pid(self) -> int | None:
        """Number of the process of the model on this machine."""
        return self.onboard.pid

    @property
    def speaks(self) -> PlanLanguage | None:
        """The language that its plans are in."""
        return self.onboard.speaks

    @property
    def troubles(self) -> list[AssetError]:
        """Why minds that were asked for are left aside for the next best."""
        if not (trouble := self.cloud.trouble):
            return self.onboard.troubles
        where = self.cloud.config.url
        words = (
            f"The cloud mind at {where}: {trouble}. It is tried again, and used once it answers."
        )
        zh = f"云端大脑 {where}：{in_chinese(trouble)}。会自动重试，恢复后继续使用。"
        return [*self.onboard.troubles, AssetError(words, zh=zh)]

    def know(self, floor_plan: FloorPlan) -> None:
        """Take the room's places into the plan language; returns at once."""
        self.speak(PlanLanguage.of(floor_plan))

    def speak(self, language: PlanLanguage) -> None:
        """Write plans in a language from now on; returns at once."""
        if language != self.onboard.speaks:
            self.cloud.speak(language)
        self.onboard.speak(language)

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Wait until the model on this machine answers, and until it is known who else does.

        Raises:
            AssetError: No language model can be had on this machine.
        """
        self.onboard.wait_ready(timeout_s)
        self.cloud.wait_ready()

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Begin to understand a sentence; returns at once. One under way is dropped."""
        self._began_s = self._clock()
        self._ours = self._choice = self._reply = self._held = None
        self.cloud.drop()
        self.cloud.poll()  # It may have come up, or gone down, meanwhile.
        self.onboard.ask(sentence, context)
        self._thought = self.onboard.thought
        if self._thought is not None and self.router.is_always:
            self._choose("one step, unsure")

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what the sentence means once that is settled, waiting up to `timeout_s`."""
        until_s = self._clock() + timeout_s
        while True:
            self._ours = self._ours or self.onboard.poll()
            self._reply = self._received() or self._reply
            answer = self._settle()
            now_s = self._clock()
            if answer is not None or now_s >= until_s:
                return answer
            deadline_s = self._began_s + self.deadline_s - MARGIN_S
            ends_s = min(until_s, deadline_s) if now_s < deadline_s else until_s
            connections = [self.cloud.connection, self.onboard.connection]
            held_s = self._held[0] - now_s if self._held else math.inf
            wait(connections, max(0.001, min(ends_s - now_s, held_s, 0.05)))

    def _received(self) -> Reply | None:
        """Return the reply once it is there and the link has let it through."""
        reply = self.cloud.poll()
        if reply is not None and self._weather is not None:
            sent_s = self._clock() - reply.took_s - self._started_s
            passage_s = self._weather.passage_s(sent_s, reply.bytes_sent, reply.bytes_received)
            until_s = math.inf if passage_s is None else self._clock() + passage_s
            self._held, reply = (until_s, reply), None
        if self._held is not None and self._clock() >= self._held[0]:
            reply, self._held = self._held[1], None
        return reply

    def first_step(self) -> Step | None:
        """Return the first step of the plan under way, if it is certain before the rest is.

        It is not while the cloud may still change it.
        """
        return self.onboard.first_step() if self.cloud.trouble else None

    def understand(
        self, sentence: str, context: Context = NOWHERE, timeout_s: float = 30.0
    ) -> Understanding:
        """Return what a sentence means, waiting for it."""
        self.ask(sentence, context)
        return self.poll(timeout_s) or self.say_again(sentence)

    def say_again(self, sentence: str) -> Understanding:
        """Return the stand-in for an answer that is too late: the robot asks back."""
        self._forget()
        return self.onboard.say_again(sentence)

    def stopped(self, sentence: str) -> Understanding:
        """Return the understanding of an order to stop, whatever the sentence was."""
        self._forget()
        return self.onboard.stopped(sentence)

    def close(self) -> None:
        """End both processes and keep what the router has learnt."""
        self.router.save()
        self.cloud.close()
        self.onboard.close()

    def _forget(self) -> None:
        self._thought = self._ours = self._choice = self._reply = self._held = None
        self.cloud.drop()

    def _settle(self) -> Understanding | None:
        """Return the answer once nothing better can come before the deadline."""
        ours, thought = self._ours, self._thought
        if ours is None:
            return None
        if thought is None or ours.source not in ("model", "none"):
            return self._answer(ours, "")
        sort = _sort_of(ours)
        if self._choice is None:
            self._choose(sort)
        assert self._choice is not None
        if not self._choice.is_sent:
            return self._answer(ours, self._choice.why)
        if self._reply is not None:
            return self._weigh(thought, ours, self._reply, sort)
        is_under_way = self.cloud.is_pending or self._held is not None
        if self._clock() < self._began_s + self.deadline_s - MARGIN_S and is_under_way:
            return None
        self.router.learn(sort, came=False, differed=False)
        return self._answer(ours, f"the cloud did not answer in {self.deadline_s * 1e3:.0f} ms")

    def _choose(self, sort: str) -> None:
        """Decide whether the sentence is sent, and send it."""
        assert self._thought is not None
        left_s = self._began_s + self.deadline_s - MARGIN_S - self._clock()
        if self.cloud.trouble:
            self._choice = Choice(False, f"the cloud is left aside: {self.cloud.trouble}")
        elif left_s <= 0.0:
            self._choice = Choice(False, "no time is left to ask the cloud")
        else:
            self._choice = self.router.choose(sort)
        if self._choice.is_sent:
            self.cloud.ask(self._thought.text, left_s)

    def _weigh(
        self, thought: Thought, ours: Understanding, reply: Reply, sort: str
    ) -> Understanding:
        """Return the cloud's plan if it is one, else ours."""
        try:
            if reply.trouble:
                raise PlanError(reply.trouble)
            theirs = self.onboard.weigh(thought, reply.text, ours)
        except PlanError as error:
            self.router.learn(sort, came=False, differed=False)
            return self._answer(ours, f"the cloud gave no plan: {error}")
        self.router.learn(sort, came=True, differed=theirs.plan != ours.plan)
        if theirs is ours:
            return self._answer(ours, "the mind on this machine finds it unsafe")
        assert self._choice is not None
        why = self._choice.why
        name = f"cloud: {self.cloud.config.model or self.cloud.dialect}"
        answer = replace(
            theirs,
            mind=name,
            confidence=ours.confidence,
            tokens=ours.tokens,
            traffic=(reply.bytes_sent, reply.bytes_received),
        )
        return self._answer(answer, why)

    def _answer(self, answer: Understanding, why: str) -> Understanding:
        """Return the answer that is settled on."""
        is_sent = self._choice is not None and self._choice.is_sent
        took_s = self._clock() - self._began_s if is_sent else answer.latency_s
        self._forget()
        return replace(answer, why=why, latency_s=took_s, is_sent=is_sent)


def _sort_of(ours: Understanding) -> str:
    confidence = ours.confidence if ours.source == "model" else 0.0
    return sort_of(len(ours.plan.steps), confidence)
