"""Who thinks, where, and when the answer is there: on board, in the cloud, or both.

Each tells how long a thought of so many tokens takes from the question to the plan, and whether it
ever comes. Where a model cannot be run here, ours answers in its place and only its time, energy
and money are charged.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from yanshi.ledger.catalog import Model
from yanshi.ledger.hire import answer_usd, carried_usd
from yanshi.ledger.roofline import Job, fitted
from yanshi.ledger.verdict import CLOUD_BYTES, CLOUD_FIRST_MS, CLOUD_TOKEN_MS, INSTRUCTION_TOKENS
from yanshi.ledger.weather import Weather

ONE_STEP = 4
"""Most tokens of a plan of one step; one of several is what the router of `mind.router` sends when
it knows of nothing better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """What one thought takes."""

    takes_s: float
    """From the question to the plan; infinite when it never comes."""
    board_s: float = 0.0
    """How long the board works on it."""
    radio_s: float = 0.0
    """How long something is under way or waited for."""
    bytes_up: float = 0.0
    bytes_down: float = 0.0
    usd: float = 0.0
    """Of the hired model, where its price is known, and of the link."""
    by_cloud: bool = False
    """Whether the cloud's answer is the one that is used."""


class Thinker(Protocol):
    """Somebody who thinks."""

    name: str

    def think(self, tokens: tuple[int, int], t_s: float) -> Thought:
        """Return what a thought takes.

        Args:
            tokens: How many are read and written.
            t_s: When it begins; never earlier than the one before.
        """
        ...


@dataclass(slots=True, kw_only=True)
class OnBoard:
    """A model on a board of the robot's own."""

    job: Job
    is_ours: bool = True
    """Ours reads the sentence alone; another has read its instructions before."""
    name: str = ""

    def __post_init__(self) -> None:
        job = self.job
        self.name = self.name or f"{job.model.id}-{job.precision} on {job.board.id}"

    def think(self, tokens: tuple[int, int], t_s: float = 0.0) -> Thought:
        """Return what a thought takes.

        Raises:
            NeededError: A figure of the board or the model is not known.
        """
        read = float(max(1, tokens[0]))
        remembered = read if self.is_ours else INSTRUCTION_TOKENS + read
        job = replace(self.job, tokens=read, context=remembered)
        fit = fitted()
        took_s = (fit.time_ms("prefill", job) + tokens[1] * fit.time_ms("decode", job)) * 1e-3
        return Thought(takes_s=took_s, board_s=took_s)


@dataclass(slots=True, kw_only=True)
class InCloud:
    """A hired model at the other end of a link."""

    model: Model
    weather: Weather
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or f"{self.model.id} over {self.weather.link.id}"

    def think(self, tokens: tuple[int, int], t_s: float = 0.0) -> Thought:
        """Return what a thought takes, or that its answer is lost."""
        link = self.weather.link
        passage_s = self.weather.passage_s(t_s, int(CLOUD_BYTES[0]), int(CLOUD_BYTES[1]))
        served_s = (CLOUD_FIRST_MS + tokens[1] * CLOUD_TOKEN_MS) * 1e-3
        read = INSTRUCTION_TOKENS + tokens[0]
        usd = answer_usd(self.model, read, tokens[1]) + carried_usd(link, sum(CLOUD_BYTES))
        if passage_s is None:
            return Thought(takes_s=math.inf, radio_s=served_s, bytes_up=CLOUD_BYTES[0])
        return Thought(
            takes_s=served_s + passage_s,
            radio_s=served_s + passage_s,
            bytes_up=CLOUD_BYTES[0],
            bytes_down=CLOUD_BYTES[1],
            usd=usd,
            by_cloud=True,
        )


@dataclass(slots=True, kw_only=True)
class Split:
    """One on board that always answers, and one in the cloud for what is worth sending.

    As `mind.hybrid` does it: the cloud's answer counts if it comes before the deadline, else the
    one in hand is used then.
    """

    near: OnBoard
    far: InCloud
    deadline_s: float = 1.0
    sends: Callable[[tuple[int, int]], bool] = lambda tokens: tokens[1] > ONE_STEP
    """What is sent."""
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or f"{self.near.name} and {self.far.name}"

    def think(self, tokens: tuple[int, int], t_s: float = 0.0) -> Thought:
        """Return what a thought takes."""
        near = self.near.think(tokens, t_s)
        if not self.sends(tokens):
            return near
        far = self.far.think(tokens, t_s)
        is_in_time = far.takes_s <= self.deadline_s
        return replace(
            far,
            takes_s=far.takes_s if is_in_time else max(near.takes_s, self.deadline_s),
            board_s=near.board_s,
            radio_s=min(far.radio_s, self.deadline_s),
            by_cloud=is_in_time,
        )
