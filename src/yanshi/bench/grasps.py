"""`yanshi bench grasps`: of the things that some stance reaches, how many can a hand take?

No step is made and nothing is grasped. In each world `tidy` the robot is posed as it would stand
for a thing, a centimetre off as it does, with the simulator's places in the place of its eyes, and
asked for a grasp and the arm's way to it, from up to three stances, chosen as `pick` does. Where
there is none it is asked again without the things about it, and without one of them: that tells
why.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from yanshi.bench.hands import as_seen, place_at, reach_tools, reachable, shuffled
from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bodies.simulation import Simulation
from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import BaseEstimate, Scene, Thing
from yanshi.policies.walker import UPRIGHT
from yanshi.skills.fetch import best_spot
from yanshi.skills.grip import TRIES, bottom_and_top, plan_reach
from yanshi.skills.hands import hands_of
from yanshi.skills.skill import Percept, Tools
from yanshi.skills.stances import Spot, standing, was_tried
from yanshi.worlds.things import NECKED, kind_of

OFF_M, OFF_RAD = 0.012, 0.024
"""How far from where it wants to the robot stands, one standard deviation."""
ABOUT_M = 0.15
"""What is farther from a thing than this, from middle to middle, does not block it."""


@dataclass(frozen=True)
class GraspsBench:
    """The trials, one a home; called with a number it plans for all things of that home."""

    seed: int

    def __call__(self, index: int) -> Trial:
        """Run a trial."""
        home = self.seed + index
        simulation, tools = reach_tools("tidy", home)
        known = {thing.name: thing for thing in measured(simulation)}
        told = []
        for placed in shuffled(simulation, np.random.default_rng(home)):
            if reachable(simulation, tools, placed):
                told.append(_tell(simulation, tools, known, placed.name))
        return {"seed": home, "things": told}


def measured(simulation: Simulation) -> list[Thing]:
    """Return the things as eyes would measure them from near."""
    things = []
    for thing in as_seen(simulation):
        assert thing.solid is not None
        shape = kind_of(thing.kind).shape
        solid = replace(thing.solid, shape=shape, is_tapered=thing.kind in NECKED)
        things.append(replace(thing, solid=solid))
    return things


def _tell(simulation: Simulation, tools: Tools, known: dict[str, Thing], name: str) -> Trial:
    """Return what the search for a grasp of one thing comes to."""
    thing = known[name]
    others = [other for other in known.values() if other is not thing]
    tries, plan_s = search(simulation, tools, thing, others)
    told: Trial = {
        "thing": name,
        "height_m": bottom_and_top(thing)[0],
        "is_grasped": tries is not None,
        "at_first": tries == 1,
        "plan_s": plan_s,
    }
    if tries is None:
        told["is_grasped_alone"] = search(simulation, tools, thing, [])[0] is not None
        near = [
            o for o in others if np.hypot(*np.subtract(o.position, thing.position)[:2]) < ABOUT_M
        ]
        told["blocked_by"] = [
            one.name
            for one in near
            if told["is_grasped_alone"]
            and search(simulation, tools, thing, [o for o in others if o is not one])[0]
        ]
    return told


def search(
    simulation: Simulation, tools: Tools, thing: Thing, others: Sequence[Thing]
) -> tuple[int | None, list[float]]:
    """Look for a grasp from up to three stances.

    Returns:
        At which try there was one, None if at none; and how long each took, s of the processor.
    """
    rng = np.random.default_rng(0)
    place = place_at(simulation.floor_plan, thing.position)
    assert place is not None  # Else no stance would reach it.
    assert thing.solid is not None
    scene = Scene(t_ns=0, things=tuple(others))
    x, y, _ = simulation.floor_plan.start
    start = _percept(simulation, scene, (x, y))
    tried: list[Spot] = []
    plan_s: list[float] = []
    while len(tried) < TRIES:
        spot = best_spot(tools, start, thing, place, tuple(Approach), tried)
        if was_tried(spot, tried):
            break
        tried.append(spot)
        off = rng.normal(size=3) * (OFF_M, OFF_M, OFF_RAD)
        percept = standing(tools, start, replace(spot, pose=tuple(spot.pose + off)))
        hand = hands_of(tools)[spot.stance.side]
        start_s = time.process_time()
        try:
            plan_reach(
                tools,
                percept,
                hand,
                thing.solid,
                others,
                from_angles=hands_of(tools).ready(hand.side),
            )
        except UnreachableError:
            continue
        else:
            return len(tried), plan_s
        finally:
            plan_s.append(time.process_time() - start_s)
    return None, plan_s


def _percept(simulation: Simulation, scene: Scene, here: tuple[float, float]) -> Percept:
    """Return what the robot knows who stands upright on a point of the map and sees a scene."""
    base = BaseEstimate(
        t_ns=0,
        position=np.array([*here, UPRIGHT[0]]),
        orientation_wxyz=np.array([1.0, 0.0, 0.0, 0.0]),
        velocity=np.zeros(3),
    )
    return Percept(state=simulation.body.read(), base=base, scene=scene)


def bench_grasps(n: int, seed: int, out: Path | None = None, *, workers: int = 1) -> int:
    """Plan for all things of n homes, print the rows, and return 1 when a target was missed."""
    settings = {"n": n, "seed": seed}
    trials = run_trials(GraspsBench(seed), n, out=out, settings=settings, workers=workers)
    return report("bench grasps", make_rows(trials), out, list_failures(trials))


def make_rows(trials: Sequence[Trial]) -> list[Row]:
    """Return the figures of a bench from its trials."""
    things = [thing for trial in trials for thing in trial["things"]]
    low = [thing["is_grasped"] for thing in things if thing["height_m"] < 0.6]
    high = [thing["is_grasped"] for thing in things if thing["height_m"] > 0.9]
    plan_s = [seconds for thing in things for seconds in thing["plan_s"]]
    lone = [thing.get("is_grasped_alone", False) for thing in things]
    return [
        rate_row("things with a grasp", [thing["is_grasped"] for thing in things]),
        rate_row("… at the first stance", [thing["at_first"] for thing in things]),
        rate_row("… of those lower than 0.6 m", low),
        rate_row("… of those higher than 0.9 m", high),
        rate_row("none, but for what is about it", lone),
        rate_row("none, but for one neighbour", [bool(t.get("blocked_by")) for t in things]),
        percentile_row("a plan takes, median", plan_s, 50.0, "", "s"),
        percentile_row("a plan takes, of 90 %", plan_s, 90.0, "", "s"),
    ]


def list_failures(trials: Sequence[Trial]) -> list[str]:
    """Return one line per thing without a grasp."""
    return [
        f"✘ home {trial['seed']}: {thing['thing']} {thing['height_m']:.2f} m high: "
        + (f"blocked by {', '.join(thing['blocked_by'])}" if thing["blocked_by"] else "")
        + ("" if thing["is_grasped_alone"] else "not even alone")
        for trial in trials
        for thing in trial["things"]
        if not thing["is_grasped"]
    ]
