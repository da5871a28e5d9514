"""Tasks in which a late answer shows in the world, for `yanshi weigh`.

A script is what happens around the robot: what is said when, who walks where, what is moved. It
reads the simulator's own state, as the people in the room would see it, and remembers when it
spoke; a judgement is made of that and of the witness's record afterwards. Nobody says a stop word:
those are matched on board before any model, whoever thinks.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.push import Push, read_push
from yanshi.bodies.simulation import Simulation
from yanshi.core.messages import Scene
from yanshi.mind.names import spoken
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.report import RunReport
from yanshi.runtime.words import Said
from yanshi.skills.ground import floor_of
from yanshi.worlds import goals
from yanshi.worlds.furniture import surface_offset
from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.visitor import Visitor
from yanshi.worlds.witness import Witness
from yanshi.worlds.worlds import build_world

WORLD = "visit"
Point = tuple[float, float]
FIRST_NS = 500_000_000
"""When the first sentence is said: the robot has taken its stance by then."""
TICK_S = 0.02
SHOUT_M, KEEP_M = 1.9, 1.35
"""How far from the person it is warned on its way there, and how near it may come; it would walk up
to 0.9 m. At its usual pace it needs about 0.25 m to stand, so there is about half a second."""
TOLD_M = 1.0
"""How far the robot has walked when what it walks to is moved."""
FACING = math.radians(25.0)
OFF_M, OFF_RAD = 0.1, 0.2
"""Who has moved or turned this far has set off."""
NEAR_M = 1.25
STROLLS, STROLL_M = 2, (1.6, 2.6)
"""How often and how far the person walks away."""
FAR_M = 3.0
"""How far from the person a robot stands at the start of a home that counts."""
PUSH_NS, PUSH_S = 40, (1.5, 3.5)
"""How hard and when the robot is pushed: it walks or thinks then, one foot or the other down."""


@dataclass(slots=True, kw_only=True)
class Judgement:
    """What became of a task."""

    done: bool
    why: str
    """What was not as it should be; empty when all was."""
    world_s: float | None = None
    """From the words to what is seen of them in the world, where that is measured."""


@dataclass(eq=False)
class Script(Observer):
    """What happens around the robot in one run; also the `Words` that are said to it."""

    simulation: Simulation
    rng: np.random.Generator
    language: str = "zh-Hans"
    said_s: list[float] = field(default_factory=list)
    """When each sentence was said, s."""
    is_conversation = True
    is_over: bool = False
    _due: list[str] = field(default_factory=list)
    _is_busy: bool = True

    def __post_init__(self) -> None:
        model = self.simulation.body.model
        self.witness = Witness(model, self.simulation.home)
        self.visitor = Visitor(model, self.simulation.home)
        self._due = [self.first()]

    # -- what a task says ---------------------------------------------------------------------

    def first(self) -> str:
        """Return the order that the run begins with."""
        raise NotImplementedError

    def look_on(self, t_s: float) -> str | None:
        """Act on the world, and return what is said now, if anything."""
        return None

    def judge(self, report: RunReport) -> Judgement:
        """Judge the run."""
        raise NotImplementedError

    @property
    def pushes(self) -> list[Push]:
        """Pushes from outside that the run gets."""
        return []

    @property
    def is_waiting(self) -> bool:
        """Whether more is to happen before the run may end."""
        return False

    # -- `Observer` and `Words` ---------------------------------------------------------------

    def on_tick(self, snapshot: Snapshot) -> None:
        data = self.simulation.body.data
        self.witness.sample(data)
        if self.said_s and (sentence := self.look_on(snapshot.t_ns * 1e-9)) is not None:
            self._due.append(sentence)
        self.visitor.tick(data, TICK_S)

    def next(self, t_ns: int, *, is_idle: bool) -> Said | None:
        if t_ns < FIRST_NS:
            return None
        if self._due:
            self.said_s.append(t_ns * 1e-9)
            self._is_busy = True
            return Said(sentence=self._due.pop(0), number=len(self.said_s))
        self._is_busy = not is_idle
        self.is_over = is_idle and not self.is_waiting
        return None

    # -- what people in the room see ----------------------------------------------------------

    def words(self, zh: str, en: str) -> str:
        """Return the one in this run's language."""
        return zh if self.language.startswith("zh") else en

    @property
    def robot(self) -> NDArray[np.float64]:
        """Where its pelvis is on the floor, m, shape (2,)."""
        return np.array(self.simulation.body.data.body("pelvis").xpos[:2])

    def distance_to_person(self) -> NDArray[np.float64]:
        """Distance of the pelvis to the person at each sample, m, shape (n,)."""
        person = self.witness.outline(self.simulation.home.person)[:, 0, :2]
        return np.asarray(np.linalg.norm(self.witness.base[:, :2] - person, axis=1))

    def faces_after(self, t_s: float, target: NDArray[np.float64]) -> float | None:
        """Return how long after a time the robot first faces a point, m, s; None if never."""
        w = self.witness
        way = target - w.base[:, :2]
        off = np.arctan2(way[:, 1], way[:, 0]) - w.yaw
        off = np.abs((off + np.pi) % (2.0 * np.pi) - np.pi)
        when = w.t[(off < FACING) & (w.t >= t_s)]
        return float(when[0] - t_s) if len(when) else None

    def sets_off_after(self, t_s: float) -> float | None:
        """Return how long after a time the robot has moved or turned, s; None if never."""
        w = self.witness
        after = w.t >= t_s
        way = w.base[after, :2] - w.base[after][0, :2]
        turn = np.abs(w.yaw[after] - w.yaw[after][0])
        when = w.t[after][(np.linalg.norm(way, axis=1) > OFF_M) | (turn > OFF_RAD)]
        return float(when[0] - t_s) if len(when) else None

    def spoken(self, name: str) -> str:
        """Return what a thing or place is called in this run's language."""
        return spoken(name, self.language)


class Shout(Script):
    """It walks to a person, who warns it: it is to stop before it comes near."""

    def first(self) -> str:
        return self.words("请走到我这边来", "please come over here to me")

    def look_on(self, t_s: float) -> str | None:
        away_m = float(np.linalg.norm(self.robot - self.visitor.position))
        if len(self.said_s) > 1 or away_m > SHOUT_M:
            return None
        return self.words("小心，先别过来了", "watch out, don't come any closer")

    def judge(self, report: RunReport) -> Judgement:
        if len(self.said_s) < 2:
            return Judgement(done=False, why="was never on its way to the person")
        w, told_s = self.witness, self.said_s[1]
        after = w.t >= told_s
        nearest_m = float(self.distance_to_person()[after].min())
        speed = np.linalg.norm(np.gradient(w.base[:, :2], w.t, axis=0), axis=1)
        slow = w.t[after & (speed < 0.15)]
        why = "" if nearest_m >= KEEP_M else f"came to {nearest_m:.2f} m"
        return Judgement(
            done=not why, why=why, world_s=float(slow[0] - told_s) if len(slow) else None
        )


class Moved(Script):
    """It walks to a thing that somebody carries elsewhere meanwhile and says so."""

    thing: str = ""
    _spot: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        home = self.simulation.home
        data = self.simulation.body.data
        plan = home.floor_plan
        places = {name: plan.place(name) for name in ("table", "shelf")}
        self._places = places
        lies = {}
        for thing in home.things:
            xyz = np.array(data.body(thing.body).xpos)
            for name, place in places.items():
                if distance_to_place(place, xyz[None, :2])[0] == 0.0 and xyz[2] > 0.3:
                    lies[thing.name] = name
        names = sorted(lies)
        self.thing = names[int(self.rng.integers(len(names)))] if names else ""
        self._from = lies.get(self.thing, "table")
        self._to = "shelf" if self._from == "table" else "table"
        self._start = np.array(data.body("pelvis").xpos[:2])
        super().__post_init__()

    def first(self) -> str:
        name = self.spoken(self.thing or "red cup")
        return self.words(f"走到{name}那里", f"go to {name}")

    def look_on(self, t_s: float) -> str | None:
        if len(self.said_s) > 1 or np.linalg.norm(self.robot - self._start) < TOLD_M:
            return None
        place = self._places[self._to]
        ahead = np.array([math.cos(place.yaw), math.sin(place.yaw)])
        spot = np.asarray(place.centre) + surface_offset(place) * ahead
        if self.thing:
            self.visitor.put(
                self.simulation.body.data, self.thing, (spot[0], spot[1], place.height + 0.08)
            )
        self._spot = np.asarray(place.centre)
        name = self.spoken(self._to)
        return self.words(f"东西被拿走了，去{name}那里", f"it has been taken away, go to {name}")

    def judge(self, report: RunReport) -> Judgement:
        if self._spot is None:
            return Judgement(done=False, why="was never on its way")
        told_s = self.said_s[1]
        world_s = self.faces_after(told_s, self._spot)
        near = goals.near(self._to, 0.75).met_at(self.witness, told_s)
        why = ""
        if near is None:
            why = f"did not get to the {self._to}"
        return Judgement(done=not why, why=why, world_s=world_s)


class Follow(Script):
    """It comes to the person, who walks off to one side, then to another, and calls each time."""

    def __post_init__(self) -> None:
        self._goals: list[Point] = []
        super().__post_init__()

    def first(self) -> str:
        return self.words("到我这儿来", "come to me")

    @property
    def is_waiting(self) -> bool:
        return len(self._goals) < STROLLS or self.visitor.is_walking

    def look_on(self, t_s: float) -> str | None:
        if self.visitor.is_walking or self._is_busy:
            return None
        if len(self._goals) == len(self.said_s):  # Has got there and not called yet.
            return self.words("我在这儿，到我这儿来", "I am over here, come to me")
        if len(self._goals) < STROLLS:
            self._goals.append(self._way_off())
            self.visitor.walk_to(self._goals[-1])
        return None

    def _way_off(self) -> Point:
        """Choose where the person goes: free floor, a straight way, well to one side."""
        floor = floor_of(self.simulation.floor_plan, Scene(t_ns=0, things=()))
        here = np.array(self.visitor.position)
        before = self.robot - here
        ways = []
        for _ in range(300):
            angle, length = self.rng.uniform(0.0, 2.0 * np.pi), self.rng.uniform(*STROLL_M)
            way = length * np.array([math.cos(angle), math.sin(angle)])
            spots = here + np.linspace(0.0, 1.0, 12)[:, None] * way
            turned = abs(math.remainder(angle - math.atan2(before[1], before[0]), math.tau))
            room = min(floor.clearance((float(x), float(y))) for x, y in spots[1:])
            clear = float(np.linalg.norm(spots[1:] - self.robot, axis=1).min())
            if turned > 0.5 and clear > 0.7:
                ways.append((min(room, 0.6), float(spots[-1][0]), float(spots[-1][1])))
        _, x, y = max(ways, default=(0.0, *self.visitor.position))
        return x, y

    def judge(self, report: RunReport) -> Judgement:
        if len(self.said_s) < 1 + STROLLS:
            return Judgement(done=False, why="never came to the person")
        took = [self.sets_off_after(told_s) for told_s in self.said_s[1:]]
        found = [value for value in took if value is not None]
        away_m = float(self.distance_to_person()[-1])
        why = f"ended {away_m:.1f} m from the person" if away_m > NEAR_M else ""
        return Judgement(
            done=not (why or self.witness.has_fallen),
            why=why or "fell" * self.witness.has_fallen,
            world_s=max(found) if len(found) == len(took) else None,
        )


class Pushed(Script):
    """It is pushed while it thinks or walks: balance waits for no thought."""

    def __post_init__(self) -> None:
        at_s = self.rng.uniform(*PUSH_S)
        way = ("ahead", "left", "back", "right")[int(self.rng.integers(4))]
        self._push = read_push(f"{PUSH_NS}@{at_s:.2f}:{way}")
        super().__post_init__()

    def first(self) -> str:
        return self.words("先走到架子那里，再鞠躬", "first go to the shelf, then bow")

    @property
    def pushes(self) -> list[Push]:
        return [self._push]

    def judge(self, report: RunReport) -> Judgement:
        return _judge_steps(self, "shelf", None)


class TwoSteps(Script):
    """An order of two steps."""

    def first(self) -> str:
        return self.words("走到桌子旁边，然后鞠个躬", "walk to the table and then take a bow")

    def judge(self, report: RunReport) -> Judgement:
        return _judge_steps(self, "table", self.sets_off_after(self.said_s[0]))


def _judge_steps(script: Script, place: str, world_s: float | None) -> Judgement:
    """Judge whether the place was got to, then a bow was taken, and nobody fell."""
    witness = script.witness
    met_s = goals.near(place, 0.75).met_at(witness, 0.0)
    why = ""
    if witness.has_fallen:
        why = "fell"
    elif met_s is None:
        why = f"did not get to the {place}"
    elif goals.bowed().met_at(witness, met_s) is None:
        why = "did not bow"
    return Judgement(done=not why, why=why, world_s=world_s)


def has_far_person(seed: int) -> bool:
    """Whether the robot of a home starts so far from the person that it may be warned in time."""
    home = build_world(WORLD, seed)
    x, y, _ = home.floor_plan.start
    person = home.spec.body(home.person).pos
    return math.hypot(x - person[0], y - person[1]) >= FAR_M


TASKS: dict[str, Callable[..., Script]] = {
    "stop on a shout": Shout,
    "a thing is moved": Moved,
    "follow a person": Follow,
    "a push": Pushed,
    "two steps": TwoSteps,
}
