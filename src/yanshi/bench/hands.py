"""`yanshi bench hands`: does the robot get hold of things, and put them where they are to go?

Each trial stands the robot in a world `tidy` that it has not seen and gives it one plan: to pick a
thing that some stance reaches, to put such a thing on a piece of furniture, into the bowl or on the
tray, to hand it to a person who holds an open hand out (world `handover`), or to push it away; or,
in a world `movers`, to carry the box that stands there to another piece of furniture. It finds
everything with its own camera; the simulator judges. For each failure the robot itself says the
cause; what it believed done and was not is `dropped`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bench.told import Told
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.control.grasp import GraspConfig
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.mind.language import PlanLanguage
from yanshi.policies.walker import Walker
from yanshi.runtime.episode import Episode
from yanshi.runtime.eyes_process import EyesProcess
from yanshi.runtime.observer import Observer, Snapshot
from yanshi.runtime.report import RunReport
from yanshi.skills.carry import plan_carry
from yanshi.skills.push import push_spots
from yanshi.skills.skill import Outcome, Tools
from yanshi.skills.stances import grips_of, spots
from yanshi.worlds import goals
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.layout import distance_to_place
from yanshi.worlds.things import NECKED, PlacedThing, kind_of
from yanshi.worlds.tidy import GRASPABLE
from yanshi.worlds.witness import Witness

WORLDS = {
    "pick": "tidy",
    "place": "tidy",
    "hand": "handover",
    "push": "tidy",
    "carry": "movers",
}
KINDS = tuple(WORLDS)
TARGETS = {
    "pick": ">= 0.92",
    "place": ">= 0.88",
    "hand": ">= 0.85",
    "push": "",
    "carry": ">= 0.9",
}
FELL_OFF_M = 0.2
"""A thing that has sunk so far was knocked off."""
LIGHT_KG = 3.5
"""What a robot that carries it does not find too heavy."""
SMALL = ("cube", "ball", "apple", "walnut")
"""What goes into a bowl."""
CAUSES = {
    "not_found": "not seen",
    "not_found_but": "not seen",
    "lost_sight": "not seen",
    "out_of_reach": "not reachable",
    "unreachable": "not reachable",
    "somebody_there": "somebody stood there",
    "no_grasp": "not reachable",
    "no_space": "not reachable",
    "too_heavy": "too heavy",
    "missed": "missed",
    "knocked_over": "knocked over",
    "slipped": "slipped",
    "timeout": "late",
    "fell_often": "fell",
    "which": "asked",
    "which_instead": "asked",
    "no_open_hand": "hand not seen",
    "hand_out_of_reach": "not reachable",
    "nobody_took": "not felt",
    "fell_from_hand": "dropped",
    "not_stayed": "dropped",
    "no_room_behind": "not reachable",
    "no_push": "not reachable",
    "not_moved": "missed",
    "pushed_unseen": "not seen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One plan in one home, and how it is judged."""

    kind: str
    seed: int
    thing: str
    goal: tuple[str, ...] = ()
    """`("in", "red bowl")` or `("table",)`."""

    @property
    def world(self) -> str:
        """Where it takes place."""
        return WORLDS[self.kind]

    @property
    def plan(self) -> str:
        """The plan as it is said."""
        return " ".join((self.kind, self.thing, *self.goal))


class Judge(Observer):
    """Watches an episode through the simulator's eyes, and how well the robot knows the thing."""

    def __init__(self, simulation: Simulation, thing: str) -> None:
        self._simulation = simulation
        self._body = next(t.body for t in simulation.home.things if t.name == thing)
        self._thing = thing
        self.mass_kg = float(simulation.body.model.body(self._body).mass[0])
        self._is_touched = False
        self.witness = Witness(simulation.body.model, simulation.home)
        self.error_m: float | None = None
        """How far from the truth the thing's place was believed to be before it was touched."""

    def on_tick(self, snapshot: Snapshot) -> None:
        """Look at the simulator's state."""
        data = self._simulation.body.data
        self.witness.sample(data)
        if self._is_touched or len(self.witness) < 2:
            return
        number = self.witness.thing_number(self._thing)
        self._is_touched = bool(self.witness.is_gripped_now(number))
        known = [t for t in snapshot.scene.things if t.name == self._thing and t.solid]
        if known and not self._is_touched:
            true = np.array(data.body(self._body).xpos[:2])
            errors = [
                np.linalg.norm(np.array(t.solid.position[:2]) - true) for t in known if t.solid
            ]
            self.error_m = float(min(errors))


@lru_cache(1)
def reach_tools(world: str, seed: int) -> tuple[Simulation, Tools]:
    """Return the home of a seed, and what is needed to reckon what is in reach there."""
    simulation = simulate(world, seed)
    tools = Tools(
        robot=simulation.robot,
        floor_plan=simulation.floor_plan,
        walker=_walker(),
        kinematics=simulation.kinematics,
    )
    return simulation, tools


@cache
def _walker() -> Walker:
    simulation = simulate("empty", 0)
    return Walker(simulation.robot, kinematics=simulation.kinematics)


def reachable(
    simulation: Simulation, tools: Tools, thing: PlacedThing, *, must_fit: bool = True
) -> bool:
    """Whether some stance reaches a thing, by the simulator's own positions.

    Args:
        simulation: Where it is.
        tools: For the stances.
        thing: Which one.
        must_fit: Whether it must be neither too wide nor too flat for the hand.
    """
    x, y, z = simulation.body.data.body(thing.body).xpos
    witness = Witness(simulation.body.model, simulation.home)
    a, b, half = witness.half_size(witness.thing_number(thing.name))
    config = GraspConfig()
    is_fit = config.width_min <= 2.0 * min(a, b) <= config.width_max
    if must_fit and not (is_fit and half >= config.above_grip[0] - config.above_middle):
        return False
    place = place_at(simulation.floor_plan, (x, y))
    if place is None:
        return False
    try:
        spots(
            tools,
            Scene(t_ns=0),
            simulation.floor_plan.start[:2],
            (x, y),
            place,
            grips=grips_of(z - half, z + half, is_tapered=thing.kind in NECKED),
            sides=(LEFT, RIGHT),
        )
    except UnreachableError:
        return False
    return True


def pushable(simulation: Simulation, tools: Tools, thing: PlacedThing) -> bool:
    """Whether a thing can be pushed from some stance, by the simulator's own positions."""
    known = {other.name: other for other in as_seen(simulation)}
    pushed = known[thing.name]
    place = place_at(simulation.floor_plan, pushed.position)
    if place is None:
        return False
    scene = Scene(t_ns=0, things=tuple(known.values()))
    try:
        ways = push_spots(tools, scene, simulation.floor_plan.start[:2], pushed, place)
    except UnreachableError:
        return False
    return bool(ways)


def as_seen(simulation: Simulation) -> Iterator[Thing]:
    """Yield the things as perfect eyes would tell of them."""
    witness = Witness(simulation.body.model, simulation.home)
    for number, thing in enumerate(simulation.home.things):
        body = simulation.body.data.body(thing.body)
        x, y, z = (float(value) for value in body.xpos)
        a, b, c = (2.0 * float(half) for half in witness.half_size(number))
        yaw = float(np.arctan2(body.xmat[3], body.xmat[0]))
        solid = Solid(shape="box", position=(x, y, z), size=(a, b, c), yaw=yaw)
        yield Thing(
            kind=thing.kind,
            colour=thing.colour,
            position=(x, y, z),
            confidence=1.0,
            t_ns=0,
            solid=solid,
        )


def place_at(plan: FloorPlan, point: Sequence[float]) -> Place | None:
    """Return the furniture that a point is over, None where there is none."""
    for place in plan.places:
        if place.has_surface and distance_to_place(place, np.array([point[:2]]))[0] <= 0.0:
            return place
    return None


def choose_task(kind: str, seed: int) -> Task | None:
    """Return what is asked in the home of a seed; None where nothing there can be asked."""
    simulation, tools = reach_tools(WORLDS[kind], seed)
    if kind == "carry":
        return _choose_carry(simulation, tools, seed)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "push":
        return next(
            (
                Task(kind=kind, seed=seed, thing=thing.name)
                for thing in shuffled(simulation, rng)
                if kind_of(thing.kind).shape != "sphere" and pushable(simulation, tools, thing)
            ),
            None,
        )
    for thing in _takeable(simulation, tools, rng):
        if kind in ("pick", "hand"):
            return Task(kind=kind, seed=seed, thing=thing.name)
        for goal in rng.permutation(np.array([*_goals(simulation, tools, thing), ("", "")])):
            if goal[1]:
                where = tuple(str(word) for word in goal if word)
                return Task(kind=kind, seed=seed, thing=thing.name, goal=where)
    return None


def shuffled(simulation: Simulation, rng: np.random.Generator) -> Iterator[PlacedThing]:
    """Yield what is of a hand's size, in random order; nothing of which there are two alike."""
    names = Counter(thing.name for thing in simulation.home.things)
    things = [t for t in simulation.home.things if t.kind in GRASPABLE and names[t.name] == 1]
    for index in rng.permutation(len(things)):
        yield things[index]


def _takeable(
    simulation: Simulation, tools: Tools, rng: np.random.Generator
) -> Iterator[PlacedThing]:
    """Yield of those what some stance reaches."""
    return (thing for thing in shuffled(simulation, rng) if reachable(simulation, tools, thing))


def choose_things(
    world: str,
    seed: int,
    rng: np.random.Generator,
    *,
    not_on: Collection[str] = (),
    must_reach_tray: bool = False,
) -> tuple[str, str]:
    """Return what a hand is to take in the home of a seed, and the tray there.

    Args:
        world: Of the home.
        seed: Of the home.
        rng: Chooses among what can be taken.
        not_on: Places on which it must not stand.
        must_reach_tray: Whether the tray must be in reach of some stance, too.

    Raises:
        UnreachableError: There is no such thing, or no such tray.
    """
    simulation, tools = reach_tools(world, seed)
    trays = [t for t in simulation.home.things if t.kind == TRAY_KIND]
    if must_reach_tray:
        trays = [t for t in trays if reachable(simulation, tools, t, must_fit=False)]
    for thing in _takeable(simulation, tools, rng) if trays else ():
        point = simulation.body.data.body(thing.body).xpos
        place = place_at(simulation.floor_plan, point)
        if place is not None and place.name not in not_on:
            return thing.name, trays[0].name
    raise UnreachableError(f"No hand can take anything in home {seed} of world {world}.")


def _choose_carry(simulation: Simulation, tools: Tools, seed: int) -> Task | None:
    """Return where the box may be carried; None where no stance takes it or puts it down."""
    (box,) = as_seen(simulation)
    here = place_at(simulation.floor_plan, box.position)
    start = simulation.floor_plan.start[:2]
    rng = np.random.default_rng([seed, KINDS.index("carry")])
    for name in rng.permutation(("table", "coffee_table", "shelf")).tolist():
        if here is not None and here.name == name:
            continue
        try:
            plan = plan_carry(tools, Scene(t_ns=0), start, box, simulation.floor_plan.place(name))
        except UnreachableError:
            return None
        if not isinstance(plan, Outcome):
            return Task(kind="carry", seed=seed, thing=box.name, goal=(name,))
    return None


def _goals(simulation: Simulation, tools: Tools, thing: PlacedThing) -> list[tuple[str, str]]:
    """Return where a thing may go: containers that a stance reaches, and other furniture."""
    found = []
    point = simulation.body.data.body(thing.body).xpos
    here = place_at(simulation.floor_plan, point)
    for other in simulation.home.things:
        is_fit = other.kind == TRAY_KIND or (other.kind == "bowl" and thing.kind in SMALL)
        if is_fit and reachable(simulation, tools, other, must_fit=False):
            found.append(("in", other.name))
    for name in ("table", "coffee_table", "shelf"):
        if here is None or here.name != name:
            found.append(("", name))
    return found


TRAY_KIND = "tray"


def judge(task: Task, result: RunReport, watcher: Judge) -> dict[str, Any]:
    """Return what a trial comes to."""
    witness = watcher.witness
    number = witness.thing_number(task.thing)
    if task.kind == "pick":
        end_s = float(witness.t[-1])
        is_done = goals.lifted(task.thing).is_met(witness)
        is_done &= goals.held(task.thing).met_at(witness, end_s - 1.0) is not None
        spared: tuple[str, ...] = (task.thing,)
    elif task.kind == "hand":
        is_done = goals.handed(task.thing).met_at(witness, float(witness.t[-1]) - 1.0) is not None
        spared = (task.thing,)
    elif task.kind == "push":
        place = place_at(witness.home.floor_plan, witness.things[0, number])
        assert place is not None  # Else it would not have been asked for.
        goal = goals.in_order(goals.shifted(task.thing), goals.on(task.thing, place.name))
        is_done = goal.is_met(witness)
        spared = (task.thing,)
    else:
        name = task.goal[-1]
        left = goals.on if len(task.goal) == 1 else goals.inside
        is_done = left(task.thing, name).is_met(witness)
        spared = (task.thing, name) if len(task.goal) > 1 else (task.thing,)
    others = [k for k in range(len(witness.home.things)) if k != number]
    sunk = witness.things[0, others, 2] - witness.things[-1, others, 2]
    reason = result.steps[-1].reason if result.steps else ""
    is_told_done = result.outcome == "done"
    has_fallen = bool(result.falls) or witness.has_fallen
    if is_done and is_told_done:
        cause = ""
    elif has_fallen:
        cause = "fell"
    elif is_told_done:
        cause = "dropped"
    elif is_done:
        cause = "not believed"
    else:
        cause = CAUSES.get(reason, reason or result.outcome)
    start = np.array(witness.home.floor_plan.start[:2])
    return {
        "is_done": bool(is_done and is_told_done),
        "cause": cause,
        "away_m": float(np.linalg.norm(witness.things[0, number, :2] - start)),
        "was_taken": goals.lifted(task.thing).is_met(witness),
        "has_fallen": has_fallen,
        "knocked_off": bool((sunk > FELL_OFF_M).any()),
        "disturbed": not goals.undisturbed(*spared).is_met(witness),
        "error_m": watcher.error_m,
        "seconds": result.steps[-1].end_s - result.steps[0].start_s if result.steps else None,
    }


_EYES: list[EyesProcess] = []


def _eyes() -> EyesProcess:
    """Return this process' eyes."""
    if not _EYES:
        _EYES.append(EyesProcess())
    return _EYES[0]


@dataclass(frozen=True)
class HandsBench:
    """The trials, numbered from 0; called with a number it runs that one."""

    tasks: tuple[Task, ...]

    def __call__(self, index: int, observers: Sequence[Observer] = ()) -> Trial:
        """Run a trial."""
        task = self.tasks[index]
        eyes = _eyes()
        eyes.enter(task.world, task.seed)
        simulation = simulate(task.world, task.seed, with_looks=bool(observers))
        eyes.wait_ready()
        watcher = Judge(simulation, task.thing)
        language = PlanLanguage.of(simulation.floor_plan)
        episode = Episode(simulation, Told(language), eyes, observers=(watcher, *observers))
        result = episode.run(task.plan)
        simulation.body.close()
        verdict = judge(task, result, watcher)
        print(
            f"{index:3d} home {task.seed}: {task.plan}  "
            + ("✔" if verdict["is_done"] else f"✘ {verdict['cause']}: {result.said[-1:]}"),
            flush=True,
        )
        return {
            **asdict(task),
            **verdict,
            "mass_kg": watcher.mass_kg,
            "said": result.said,
            "outcome": result.outcome,
            "sim_s": result.sim_s,
            "real_time_factor": result.real_time_factor,
            "mujoco_warnings": result.mujoco_warnings,
            "trace_sha256": result.trace_sha256,
        }


def choose_tasks(n: int, seed: int, kinds: Sequence[str]) -> tuple[Task, ...]:
    """Return n tasks of each kind, one a home; homes in which nothing can be asked are passed."""
    tasks: list[Task] = []
    for kind in kinds:
        chosen, home = 0, seed
        while chosen < n:
            task = choose_task(kind, home)
            home += 1
            if task is not None:
                tasks.append(task)
                chosen += 1
    return tuple(tasks)


def bench_hands(
    n: int, seed: int, out: Path | None = None, *, kinds: Sequence[str] = KINDS, workers: int = 1
) -> int:
    """Run n trials of each kind, print the rows, and return 1 when a target was missed."""
    bench = HandsBench(choose_tasks(n, seed, kinds))
    settings = {"n": n, "seed": seed, "kinds": list(kinds)}
    try:
        trials = run_trials(bench, len(bench.tasks), out=out, settings=settings, workers=workers)
    finally:
        for eyes in _EYES:
            eyes.close()
        _EYES.clear()
    return report("bench hands", make_rows(trials), out, list_failures(trials))


def make_rows(trials: Sequence[Trial]) -> list[Row]:
    """Return the figures of a bench from its trials."""
    rows = []
    for kind in KINDS:
        of_kind = [t for t in trials if t["kind"] == kind]
        if not of_kind:
            continue
        rows.append(rate_row(f"{kind}: done", [t["is_done"] for t in of_kind], TARGETS[kind]))
        if kind == "carry":
            light = [t["is_done"] for t in of_kind if t["mass_kg"] < LIGHT_KG]
            rows.append(rate_row(f"carry: done, below {LIGHT_KG:g} kg", light))
        if kind == "hand":
            taken = [t["is_done"] for t in of_kind if t["was_taken"]]
            rows.append(rate_row("hand: done, of things taken", taken))
        took = [t["seconds"] for t in of_kind if t["is_done"]]
        rows.append(percentile_row(f"{kind}: takes, median", took, 50.0, "", "s"))
        if kind == "place":
            into = [t["seconds"] for t in of_kind if t["is_done"] and _is_near_tray(t)]
            rows.append(percentile_row("… into a tray, from 2 to 3 m", into, 50.0, "<= 40", "s"))
        causes = Counter(t["cause"] for t in of_kind if t["cause"])
        for cause, count in causes.most_common():
            rows.append(
                rate_row(f"{kind}: {cause}", [True] * count + [False] * (len(of_kind) - count))
            )
    errors = [100.0 * t["error_m"] for t in trials if t["error_m"] is not None]
    rows += [
        rate_row("a thing knocked off", [t["knocked_off"] for t in trials], "<= 0.03"),
        rate_row("a thing moved by 5 cm", [t["disturbed"] for t in trials]),
        rate_row("fell", [t["has_fallen"] for t in trials], "<= 0.01"),
        rate_row("no MuJoCo warning", [t["mujoco_warnings"] == 0 for t in trials], ">= 1"),
        percentile_row("place of the thing, median error", errors, 50.0, "<= 1", "cm"),
        percentile_row(
            "real-time factor, median", [t["real_time_factor"] for t in trials], 50.0, ">= 2", "x"
        ),
    ]
    return rows


def _is_near_tray(trial: Trial) -> bool:
    """Whether a thing was 2 to 3 m away and was to be put on a tray."""
    return bool(trial["goal"][-1].endswith(TRAY_KIND) and 2.0 <= trial["away_m"] <= 3.0)


def list_failures(trials: Sequence[Trial]) -> list[str]:
    """Return one line per trial that was not as asked."""
    return [
        f"✘ home {t['seed']}: {t['kind']} {t['thing']} {' '.join(t['goal'])}: {t['cause']}; "
        f"said {t['said'][-1:]}"
        for t in trials
        if not t["is_done"]
    ]
