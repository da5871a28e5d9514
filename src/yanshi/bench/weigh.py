"""`yanshi weigh`: the same tasks and seeds for many brains, and what each weighs.

Every brain hears the same sentences in the same homes. Where a model cannot be run here, ours
answers in its place, and only time, energy and money are that model's: what is compared is what
lateness does in the world and what a thought costs, never how clever anybody is. The clock is the
simulated one, so the figures do not depend on this machine's speed.
"""

import atexit
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np

from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, run_trials
from yanshi.bench.weigh_tasks import TASKS, WORLD, Script, has_far_person
from yanshi.bodies.simulation import simulate
from yanshi.core.errors import UnknownNameError
from yanshi.core.messages import Step
from yanshi.ledger import catalog
from yanshi.ledger.battery import Battery
from yanshi.ledger.catalog import Model
from yanshi.ledger.hire import ask_for_price, has_price
from yanshi.ledger.meter import Meter
from yanshi.ledger.motors import Motors
from yanshi.ledger.thinkers import InCloud, OnBoard, Split, Thinker, Thought
from yanshi.ledger.verdict import Question, job_of, read_mind
from yanshi.ledger.weather import Weather
from yanshi.mind.dialogue import NOWHERE, Context
from yanshi.mind.mind import Understanding, Understands
from yanshi.robots.g1.spec import G1
from yanshi.runtime.brain import Brain
from yanshi.runtime.episode import Episode, EpisodeConfig
from yanshi.runtime.observer import Observer

ROBOT = "g1"
LONGEST_S = 45.0
OURS = "gemma-3-270m-q4"
STAND_IN = "our 270 M model answers in its place"
SAY_AGAIN = "ask what"
"""The plan of a robot that asks to hear a sentence again, as no answer came."""
OTHERWISE_S = (0.3, 1.0, 2.0)
"""What else might be allowed."""
ALLOWED_S = 0.5
"""How much later than with a brain that takes no time an answer may show in the world: the 300 ms
of sense, understand and act, and 0.2 s by which two walks differ anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One brain and where it runs."""

    name: str
    board: str
    """Where eyes and, if there is one, the model on board run."""
    mind: str = ""
    """Model on board and its precision; none: nothing but the cloud."""
    cloud: str = ""
    """Model in the cloud."""
    link: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether what answers here is what would answer there."""
        return self.mind == OURS and not self.cloud

    def thinker(self, seed: int) -> Thinker:
        """Return who thinks in the run of a seed.

        Raises:
            UnknownNameError: There is no such board, model or link.
            NeededError: A figure is not known.
        """
        near = far = None
        if self.mind:
            model, precision = read_mind(self.mind, catalog.models())
            question = Question(
                robot=catalog.find("robot", ROBOT, catalog.robots()),
                board=catalog.find("board", self.board, catalog.boards()),
                mind=model,
                precision=precision,
                is_ours=self.mind == OURS,
            )
            near = OnBoard(job=job_of(question), is_ours=question.is_ours)
        if self.cloud:
            link = catalog.find("link", self.link, catalog.links())
            far = InCloud(model=self._hired, weather=Weather(link, seed))
        if near is not None and far is not None:
            return Split(near=near, far=far)
        if near is None and far is None:
            return AtOnce()
        thinker = near or far
        assert thinker is not None
        return thinker

    def meter(self, seed: int) -> Meter:
        """Return a full battery and everything that draws from it."""
        robot = catalog.find("robot", ROBOT, catalog.robots())
        assert robot.battery_wh is not None
        return Meter(
            thinker=self.thinker(seed),
            board=catalog.find("board", self.board, catalog.boards()),
            robot=robot,
            battery=Battery(capacity_wh=robot.battery_wh),
            motors=Motors(G1.limits),
            link=catalog.find("link", self.link, catalog.links()) if self.link else None,
        )

    @property
    def has_price(self) -> bool:
        """Whether it is known what its thoughts cost: nobody is hired, or for a known price."""
        return not self.cloud or has_price(self._hired)

    @property
    def asks(self) -> str:
        """What is asked for as a price is not known."""
        return "" if self.has_price else ask_for_price(self._hired)

    @property
    def _hired(self) -> Model:
        return catalog.find("model", self.cloud, catalog.models())

    @property
    def price_usd(self) -> float | None:
        """Robot and board; None where one price is not known."""
        robot = catalog.find("robot", ROBOT, catalog.robots()).price_usd
        board = catalog.find("board", self.board, catalog.boards()).price_usd
        return None if robot is None or board is None else robot + board


@dataclass(slots=True)
class AtOnce:
    """A brain that takes no time: what the skills and the room alone allow."""

    name: str = "no time at all"

    def think(self, tokens: tuple[int, int], t_s: float = 0.0) -> Thought:
        """Return a thought that is there at once."""
        return Thought(takes_s=0.0)


REFERENCE = "reference: no time at all"
CANDIDATES: dict[str, Candidate] = {
    candidate.name: candidate
    for candidate in (
        Candidate(name=REFERENCE, board="orin-nx-16gb"),
        Candidate(name="ours, 270 M, Raspberry Pi 5", board="rpi5", mind=OURS),
        Candidate(name="ours, 270 M, Orin Nano Super", board="orin-nano-super", mind=OURS),
        Candidate(name="ours, 270 M, Orin NX", board="orin-nx-16gb", mind=OURS),
        Candidate(name="ours, 270 M, AGX Orin", board="agx-orin-64gb", mind=OURS),
        Candidate(name="ours, 270 M, Thor", board="t5000", mind=OURS),
        Candidate(name="1.7 B, Orin NX", board="orin-nx-16gb", mind="qwen3-1.7b-int4"),
        Candidate(name="8 B, AGX Orin", board="agx-orin-64gb", mind="qwen3-8b-int4"),
        Candidate(name="70 B, Thor", board="t5000", mind="llama-3.3-70b-int4"),
        Candidate(
            name="671 B, cloud, 5G good", board="orin-nx-16gb", cloud="deepseek-v3", link="5g"
        ),
        Candidate(
            name="671 B, cloud, 5G poor", board="orin-nx-16gb", cloud="deepseek-v3", link="5g-poor"
        ),
        Candidate(
            name="671 B, cloud, link lost", board="orin-nx-16gb", cloud="deepseek-v3", link="none"
        ),
        Candidate(
            name="hybrid: ours and 671 B, 5G poor",
            board="orin-nx-16gb",
            mind=OURS,
            cloud="deepseek-v3",
            link="5g-poor",
        ),
    )
}


class Fresh:
    """A mind that is charged for every sentence, also for one that it has thought before."""

    def __init__(self, mind: Understands) -> None:
        self._mind = mind
        self.deadline_s = mind.deadline_s
        self._sentence = ""

    def ask(self, sentence: str, context: Context = NOWHERE) -> None:
        """Begin to understand a sentence."""
        self._sentence = sentence
        self._mind.ask(sentence, context)

    def poll(self, timeout_s: float = 0.0) -> Understanding | None:
        """Return what it means, with the tokens that it took when it was first thought."""
        answer = self._mind.poll(timeout_s)
        if answer is not None and answer.source == "model":
            _TOKENS[self._sentence] = answer.tokens
        if answer is not None and answer.source == "cache":
            tokens = _TOKENS.get(self._sentence, (15, 12))
            return replace(answer, source="model", tokens=tokens)
        return answer

    def first_step(self) -> Step | None:
        """Return nothing: a simulated world takes the whole plan."""
        return None

    def say_again(self, sentence: str) -> Understanding:
        """Return the stand-in for an answer that is too late."""
        return self._mind.say_again(sentence)

    def stopped(self, sentence: str) -> Understanding:
        """Return the understanding of an order to stop."""
        return self._mind.stopped(sentence)


_TOKENS: dict[str, tuple[int, int]] = {}


class Ears(Observer):
    """Keeps when sentences were heard and their plans were there."""

    def __init__(self) -> None:
        self.heard_s: list[float] = []
        self.sentences: list[str] = []
        self.plans: list[tuple[float, str]] = []

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        if kind == "heard":
            self.heard_s.append(t_ns * 1e-9)
            self.sentences.append(text)
        elif kind == "plan":
            self.plans.append((t_ns * 1e-9, text))


@cache
def _brain() -> Brain:
    """Return this process' mind and eyes, kept from trial to trial."""
    brain = Brain()
    atexit.register(brain.close)
    return brain


def run_task(
    candidate: Candidate, task: str, seed: int, onlookers: Sequence[Callable[..., Observer]] = ()
) -> tuple[Trial, list[Observer]]:
    """Let a brain do a task in the home of a seed.

    Args:
        candidate: The brain.
        task: Which task.
        seed: Home, script and weather.
        onlookers: Made of the simulation, to look on.

    Returns:
        What became of it, and the onlookers.
    """
    brain = _brain()
    brain.enter(WORLD, seed)
    simulation = simulate(WORLD, seed)
    language = "zh-Hans" if seed % 2 else "en"
    number = list(TASKS).index(task)
    script: Script = TASKS[task](
        simulation=simulation, rng=np.random.default_rng([seed, number]), language=language
    )
    brain.wait_ready(simulation)
    ears, meter = Ears(), candidate.meter(seed)
    looking = [make(simulation) for make in onlookers]
    episode = Episode(
        simulation,
        Fresh(brain.mind),
        brain.eyes,
        observers=[script, ears, *looking],
        pushes=script.pushes,
        meter=meter,
        config=EpisodeConfig(longest_s=LONGEST_S),
    )
    report = episode.hear(script)
    judgement = script.judge(report)
    simulation.body.close()
    assert report.bill is not None
    trial: Trial = {
        "brain": candidate.name,
        "task": task,
        "seed": seed,
        "language": language,
        "done": judgement.done,
        "why": judgement.why,
        "world_s": judgement.world_s,
        "reactions_s": [
            round(plan_s - heard_s, 3)
            for heard_s, (plan_s, plan) in zip(ears.heard_s, ears.plans, strict=False)
            if plan != SAY_AGAIN
        ],
        "plans": [plan for _, plan in ears.plans],
        "falls": max(report.falls, int(script.witness.has_fallen)),
        "sim_s": report.sim_s,
        "lost": meter.lost,
        "by_cloud": meter.by_cloud,
        "joules": report.bill.watt_hours * 3600.0,
        "thought_joules": report.bill.thought_watt * report.sim_s,
        "thoughts": report.bill.thoughts,
        "usd": report.bill.usd,
        "bytes": report.bill.bytes_up + report.bill.bytes_down,
        "sha256": report.trace_sha256,
    }
    return trial, looking


def trial_of(index: int, *, brains: tuple[str, ...], tasks: tuple[str, ...], seed: int) -> Trial:
    """Run one trial: all brains of a task and a home come one after the other."""
    which, brain = divmod(index, len(brains))
    home, task = divmod(which, len(tasks))
    trial, _ = run_task(CANDIDATES[brains[brain]], tasks[task], homes(home + 1, seed)[home])
    return trial


@cache
def homes(n: int, seed: int) -> tuple[int, ...]:
    """Return n seeds of homes in which every task can take place, from `seed` on."""
    found: list[int] = []
    while len(found) < n:
        found += [seed] if has_far_person(seed) else []
        seed += 1
    return tuple(found)


def choose(asked: Sequence[str] | None, known: Sequence[str], kind: str) -> tuple[str, ...]:
    """Return the names that hold one of the words asked for; all if none are asked.

    Raises:
        UnknownNameError: Nothing holds that word.
    """
    if not asked:
        return tuple(known)
    chosen = []
    for word in asked:
        found = [name for name in known if word.lower() in name.lower()]
        if not found:
            raise UnknownNameError(kind, word, known)
        chosen += found
    return tuple(dict.fromkeys(chosen))


def weigh(
    n: int,
    seed: int,
    *,
    out: Path | None,
    brains: tuple[str, ...],
    tasks: tuple[str, ...],
    workers: int = 1,
    ray: str = "",
) -> list[Trial]:
    """Run every brain through every task in n homes; goes on from what is beside `out`.

    Raises:
        ConfigError: See `rows.run_trials`.
    """
    settings = {"seed": seed, "brains": list(brains), "tasks": list(tasks)}
    trial = partial(trial_of, brains=brains, tasks=tasks, seed=seed)
    count = n * len(brains) * len(tasks)
    return run_trials(trial, count, out=out, settings=settings, workers=workers, ray=ray)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What one brain comes to."""

    candidate: Candidate
    success: dict[str, Row]
    """By task, and `all`: done, and in the world no more than `ALLOWED_S` after the reference."""
    otherwise: tuple[Row, ...]
    """`all`, were `OTHERWISE_S` allowed, and last: however late."""
    reaction_50: Row
    reaction_99: Row
    """Both of the plans that came."""
    never: float
    """Share of sentences whose plan never came."""
    falls: int
    joules_per_task: Row
    thought_watt: float
    """Board and radio, mean."""
    endurance_h: float
    """Battery over this power and that of a body that does the tasks as the reference did."""
    endurance_lost: float
    """Share of the endurance that board and radio take."""
    usd_per_1000: float | None
    """For a thousand thoughts: hired model and link; None where the model's price is not known."""
    usd_per_task: float | None
    """The same for one task, in the mean."""


def weights(trials: Sequence[Trial]) -> list[Weight]:
    """Return what each brain comes to, in the order of the trials."""
    names = list(dict.fromkeys(trial["brain"] for trial in trials))
    first = [trial for trial in trials if trial["brain"] == names[0]]
    at_once = [trial for trial in trials if trial["brain"] == REFERENCE]
    reference = {(trial["task"], trial["seed"]): trial for trial in at_once}
    body = at_once or first
    body_watt = sum(t["joules"] - t["thought_joules"] for t in body) / sum(t["sim_s"] for t in body)
    return [
        _weight(CANDIDATES[name], [t for t in trials if t["brain"] == name], reference, body_watt)
        for name in names
    ]


def _weight(
    candidate: Candidate,
    trials: list[Trial],
    reference: dict[tuple[str, int], Trial],
    body_watt: float,
) -> Weight:
    tasks = list(dict.fromkeys(trial["task"] for trial in trials))

    def successes(allowed_s: float, some: list[Trial]) -> list[bool]:
        return [
            t["done"] and is_in_time(t, reference.get((t["task"], t["seed"])), allowed_s)
            for t in some
        ]

    success = {
        task: rate_row(task, successes(ALLOWED_S, [t for t in trials if t["task"] == task]))
        for task in tasks
    }
    success["all"] = rate_row("all", successes(ALLOWED_S, trials))
    reactions = [value for t in trials for value in t["reactions_s"]]
    robot = catalog.find("robot", ROBOT, catalog.robots())
    assert robot.battery_wh is not None
    seconds = sum(t["sim_s"] for t in trials)
    thought = sum(t["thought_joules"] for t in trials) / seconds
    thoughts, usd = (sum(t[key] for t in trials) for key in ("thoughts", "usd"))
    return Weight(
        candidate=candidate,
        success=success,
        otherwise=(
            *(rate_row(f"within {s:g} s", successes(s, trials)) for s in OTHERWISE_S),
            rate_row("done, however late", [t["done"] for t in trials]),
        ),
        reaction_50=percentile_row("reaction, median", reactions, 50.0, unit="s"),
        reaction_99=percentile_row("reaction, 99th", reactions, 99.0, unit="s"),
        never=sum(t["lost"] for t in trials) / max(thoughts, 1),
        falls=sum(t["falls"] for t in trials),
        joules_per_task=percentile_row("joules", [t["joules"] for t in trials], 50.0, unit="J"),
        thought_watt=thought,
        endurance_h=robot.battery_wh / (body_watt + thought),
        endurance_lost=thought / (body_watt + thought),
        usd_per_1000=1000.0 * usd / max(thoughts, 1) if candidate.has_price else None,
        usd_per_task=usd / len(trials) if candidate.has_price else None,
    )


def is_in_time(trial: Trial, reference: Trial | None, allowed_s: float = ALLOWED_S) -> bool:
    """Whether what was asked shows in the world no later than allowed after the reference.

    Where that is not measured, all is in time.
    """
    if reference is None or reference["world_s"] is None:
        return True
    took_s = math.inf if trial["world_s"] is None else trial["world_s"]
    return bool(took_s <= reference["world_s"] + allowed_s)


def cores() -> int:
    """Return how many processes use all of this machine."""
    return os.cpu_count() or 1
