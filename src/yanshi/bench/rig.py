"""A robot in which something breaks at a moment, and what became of it: one trial of a fault.

A case names what breaks, what should follow and how to tell; `bench/faults.py` holds them all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from yanshi.bench.bare_brain import ClosedEyes, PlanReader
from yanshi.bench.injection import InjectedBody, InjectedEpisode, Injection
from yanshi.bench.rows import Trial
from yanshi.bodies.simulation import simulate
from yanshi.runtime.episode import EpisodeConfig
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.words import Words

STANDING, WALKING = "standing", "walking"
PLANS = {STANDING: "wait 60", WALKING: "go forward 3; go left 2; go back 2"}
BREAKS_S = (2.0, 3.0)
"""When it breaks: any moment of a stride."""
AFTER_S = 2.0
"""How long the robot is looked at from then on."""
CHECK_IN_S = 1.0
"""How long who attends may be silent."""
KNEE, SHOULDER = "left_knee", "right_shoulder_pitch"
MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that breaks, and what should follow."""

    row: str
    """Of the fault matrix."""
    what: str
    wanted: str
    """What should follow, in words; `passes` says the same."""
    run: Callable[["Case", int], Trial]
    passes: Callable[[Trial], bool]
    doing: str = ""
    """What the robot does meanwhile; empty where nothing stands or walks."""
    injection: Injection | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    ways: int = 0
    """How many ways to break it there are, where all are to be tried however few trials are asked
    for."""
    is_slow: bool = False
    """Whether a trial takes seconds of this machine's time: a quick run does one."""


# -- what should follow ------------------------------------------------------------------------


def is_whole(trial: Trial) -> bool:
    """Whether what always holds did: only finite targets, torques within limits, no warning."""
    return bool(
        trial["is_finite"] and trial["torque_over"] < 1e-6 and trial["mujoco_warnings"] == 0
    )


def rides_through(trial: Trial) -> bool:
    """Whether it stayed up and did not go limp."""
    return is_whole(trial) and trial["is_upright"] and trial["limp_ms"] is None


def limp_within(limit_ms: float, since: str, trial: Trial) -> bool:
    """Whether the joints were limp so soon after a moment of the trial."""
    limp_ms = trial["limp_ms"]
    return is_whole(trial) and limp_ms is not None and limp_ms - trial[since] <= limit_ms


def told_within(limit_ms: float, trial: Trial) -> bool:
    """Whether a fault was told so soon, and never a fall before."""
    told_ms, fell_ms = trial["told_ms"], trial["fell_ms"]
    is_first = told_ms is not None and (fell_ms is None or told_ms <= fell_ms)
    return is_whole(trial) and is_first and told_ms <= limit_ms


def no_fall_untold(trial: Trial) -> bool:
    """Whether it stayed up, or a fault was told before it fell."""
    fell_ms = trial["fell_ms"]
    return is_whole(trial) and (fell_ms is None or told_within(fell_ms, trial))


# -- a robot in physics ------------------------------------------------------------------------


class Onlooker(Observer):
    """Keeps events, and may do something at a tick."""

    def __init__(self) -> None:
        self.events: list[tuple[int, str, str]] = []
        self.on: Callable[[Snapshot], None] = lambda snapshot: None

    def on_tick(self, snapshot: Snapshot) -> None:
        self.on(snapshot)

    def on_event(self, t_ns: int, kind: str, text: str) -> None:
        self.events.append((t_ns, kind, text))


@dataclass(slots=True)
class Rig:
    """A robot that can begin, and who looks on."""

    episode: InjectedEpisode
    body: InjectedBody
    onlooker: Onlooker
    at_s: float
    chance: np.random.Generator


def set_up(
    case: Case,
    k: int,
    *,
    at_s: float | None = None,
    after_s: float = AFTER_S,
    injections: Sequence[Injection] | None = None,
    **options: Any,
) -> Rig:
    """Return a robot in which the case's thing breaks in the k-th way, or what else is given."""
    chance = np.random.default_rng([k, 0x666175])
    chosen_s = round(float(chance.uniform(*BREAKS_S)), 3)
    at_s = chosen_s if at_s is None else at_s
    simulation = options.pop("simulation", None) or simulate("empty", k)
    if injections is None:
        injections = () if case.injection is None else (case.injection,)
    in_policy = tuple(i for i in injections if i.part == "policy")
    if len(injections) == len(in_policy) == 1:
        at_s = math.ceil(50.0 * at_s) / 50.0  # It fails at a tick of its own.
    in_body = tuple(i for i in injections if i.part != "policy")
    body = InjectedBody(simulation.body, in_body, at_s, seed=k)
    onlooker = Onlooker()
    options.setdefault("config", EpisodeConfig(longest_s=at_s + after_s))
    episode = InjectedEpisode(
        replace(simulation, body=body),
        options.pop("mind", None) or PlanReader(),
        options.pop("eyes", None) or ClosedEyes(),
        observers=[onlooker, *options.pop("observers", ())],
        **options,
    )
    episode.misguide(in_policy, at_s)
    return Rig(episode, body, onlooker, at_s, chance)


def look_at(stage: Rig, plan: str | Words) -> Trial:
    """Let the robot follow a plan and return what became of it; times are ms after the break."""
    episode = stage.episode
    report = episode.run(plan) if isinstance(plan, str) else episode.hear(plan)
    body, at_ns = stage.body, round(stage.at_s * 1e9)
    told = [t for t, kind, _ in stage.onlooker.events if kind == "fault" and t >= at_ns]
    early = [text for t, kind, text in stage.onlooker.events if kind == "fault" and t < at_ns]

    def after(t_ns: int | None) -> float | None:
        return None if t_ns is None else round((t_ns - at_ns) * 1e-6, 3)

    return {
        "told_ms": after(told[0]) if told else None,
        "limp_ms": after(body.limp_ns),
        "fell_ms": after(body.fell_ns),
        "bad_ms": after(body.bad_ns),
        "last_ms": after(body.last_good_ns) if body.bad_ns is not None else 0.0,
        "zero": 0.0,
        "is_upright": body.is_upright,
        "end": end_of(body),
        "faults": sorted({*report.faults} - {"stop_asked"}),
        "early": early,
        "falls": report.falls,
        "outcome": report.outcome,
        "begun_after": sum(
            t > at_ns + 20 * MS for t, kind, _ in stage.onlooker.events if kind == "begin"
        ),
        "is_finite": body.is_finite,
        "torque_over": round(body.torque_over, 6),
        "mujoco_warnings": report.mujoco_warnings,
        "sim_s": report.sim_s,
    }


def held_ms(written: Sequence[tuple[int, Any]], asked_ns: int, heeded_ns: int) -> float:
    """Return after how many ms nothing of the plan was written any more, until it was heeded."""
    between = [(t, q) for t, q in written if asked_ns < t < heeded_ns]
    moved = [t for (_, a), (t, b) in zip(between, between[1:], strict=False) if (a != b).any()]
    return ((moved[-1] if moved else asked_ns) - asked_ns) * 1e-6 + 2.0


def end_of(body: InjectedBody) -> str:
    """Say how the robot is in the end."""
    if body.is_upright:
        return "upright"
    if body.lean_cosine > np.cos(np.radians(45.0)):
        return "sunk"
    R = body.data.xmat[body._torso].reshape(3, 3)
    ahead, left = float(R[2, 0]), float(R[2, 1])  # Of the torso's axes, upwards.
    ways = {"on its face": -ahead, "on its back": ahead, "on its left": -left, "on its right": left}
    return max(ways, key=lambda way: ways[way])
