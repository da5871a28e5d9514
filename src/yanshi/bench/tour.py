"""The tour: a minute of waypoints under blows, after a public benchmark of open G1 walkers.

A crane holds the robot in its stance for 3 s and lets go. Then come 12 waypoints, 5 s each, the
arms on a random walk. On every one of these stretches something hits the link behind a random
joint, in a random direction, for 0.08 s, with up to 600 N. Every walker is led by the same rule
(`control.approach` on the true pose). This harness is not the public one, so figures are compared
only between walkers of the same run.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.contest import Contest, Discipline, select
from yanshi.bench.proving_ground import (
    TICK_S,
    Contender,
    Guide,
    ProvingGround,
    Watch,
    direction,
    rounded,
    ticks_of,
)
from yanshi.bench.rows import Row, Trial, mean_row, percentile_row, rate_row, report
from yanshi.core.messages import JointTarget
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.spec import G1

CRANE_S = 3.0
CRANE_STIFFNESS = 2000.0  # N/m
CRANE_DAMPING = 500.0  # N·s/m
WAYPOINTS = 12
STRETCH_S = 5.0
STEP_M = (1.0, 1.8)
"""How far a waypoint lies from the last one."""
TURN_MAX = 0.5 * math.pi
"""How far the way, and the heading at its end, may turn at a waypoint, rad."""
BLOW_S = 0.08
BLOW_MAX_N = 600.0
BLAME_S = 3.0
"""A fall is laid to a blow that began less than this before."""
STRUCK = tuple(name for name in G1.joint_names if "hand" not in name)
"""The joints whose links are hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One waypoint and the blow on the way to it."""

    goal: NDArray[np.float64]
    """x and y, m, and heading, rad, in the world; shape (3,)."""
    blow_tick: int
    """When the blow begins, ticks after the waypoint was named."""
    joint: str
    force: NDArray[np.float64]
    """N, in the world, shape (3,)."""


def bench_tour(
    contenders: Sequence[Contender], n: int, seed: int, out: Path | None, workers: int
) -> int:
    """Send all walkers on tours, print the rows and return the exit code: 1 for a missed target."""
    trials = make_contest(contenders, n, seed).run_all(out, workers)
    rows = [row for contender in contenders for row in make_rows(contender, trials)]
    notes = [note for contender in contenders for note in list_falls(contender, trials)]
    return report(f"the tour: 60 s, 12 waypoints, 12 blows, n = {n}", rows, out, notes)


def make_contest(contenders: Sequence[Contender], n: int, seed: int) -> Contest:
    """Return the trials of this bench."""
    tours = Discipline(name="tour", run=go_on_tour, n=n, contenders=tuple(contenders))
    return Contest(name="tour", seed=seed, disciplines=(tours,))


def plan_tour(rng: np.random.Generator, waypoints: int = WAYPOINTS) -> list[Stretch]:
    """Draw a tour from the origin, heading along x."""
    place, heading = np.zeros(3), 0.0
    stretches = []
    for _ in range(waypoints):
        heading += rng.uniform(-TURN_MAX, TURN_MAX)
        place = place + rng.uniform(*STEP_M) * direction(heading)
        aim = rng.standard_normal(3)
        stretches.append(
            Stretch(
                goal=np.array([place[0], place[1], heading]),
                blow_tick=int(rng.integers(ticks_of(STRETCH_S) - ticks_of(BLOW_S))),
                joint=STRUCK[rng.integers(len(STRUCK))],
                force=rng.uniform(0.0, BLOW_MAX_N) * aim / np.linalg.norm(aim),
            )
        )
    return stretches


def go_on_tour(
    contender: Contender, rng: np.random.Generator, k: int, watch: Watch | None = None
) -> Trial:
    """Let the crane go and walk until the last waypoint or a fall."""
    plan_rng, ground_rng = rng.spawn(2)
    plan = plan_tour(plan_rng)
    meter = Meter()
    ground = ProvingGround(contender, ground_rng, watch=watch, on_step=meter.add)
    hang(ground)
    meter.restart()
    begun_s = ground.t_s
    errors: list[list[float]] = []
    for stretch in plan:
        _walk_stretch(ground, stretch)
        if ground.has_fallen:
            break
        x, y, yaw = ground.error_to(stretch.goal)
        errors.append(rounded((math.hypot(x, y), abs(math.degrees(yaw)))))
    survived_s = ground.t_s - begun_s
    hits = [s for i, s in enumerate(plan) if _hit_s(i, s) <= survived_s]
    to_blame = ground.has_fallen and hits and survived_s - _hit_s(len(hits) - 1, hits[-1]) < BLAME_S
    return {
        "fell": ground.has_fallen,
        "survived_s": round(survived_s, 2),
        "mujoco_warnings": ground.body.warnings(),
        "waypoints": errors,
        "energy_j": round(meter.energy_j, 1),
        "vibration": round(meter.vibration, 2),
        "blows": [[s.joint, *rounded(s.force, 1)] for s in hits],
        "blow_s": rounded([_hit_s(i, s) for i, s in enumerate(hits)], 2),
        "felled_by": hits[-1].joint if to_blame else None,
    }


def hang(ground: ProvingGround) -> None:
    """Hold the robot in its default pose by a rope at its torso for 3 s; then let go."""
    model, data = ground.model, ground.data
    torso = model.body(G1_LINKS.torso).id
    weight = -model.opt.gravity * model.body_mass.sum()
    hook = data.xipos[torso].copy()
    velocity = np.zeros(6)
    stance = G1.default_position
    for _ in range(ticks_of(CRANE_S)):
        state = ground.body.read()
        target = JointTarget(
            t_ns=state.t_ns, position=stance, stiffness=G1.stiffness, damping=G1.damping
        )
        ground.body.write(target)
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_BODY, torso, velocity, 0)
        pull = CRANE_STIFFNESS * (hook - data.xipos[torso]) - CRANE_DAMPING * velocity[3:]
        ground.push(torso, weight + pull)
        ground.advance()
    ground.push(torso, 0.0)
    ground.walker.reset(ground.body.read())


def _walk_stretch(ground: ProvingGround, stretch: Stretch) -> None:
    guide = Guide()
    link = int(ground.model.joint(stretch.joint).bodyid[0])
    ends = stretch.blow_tick + ticks_of(BLOW_S)
    for tick in range(ticks_of(STRETCH_S)):
        if tick == stretch.blow_tick:
            ground.push(link, stretch.force)
        elif tick == ends:
            ground.push(link, 0.0)
        ground.tick(guide.velocity(ground.error_to(stretch.goal)))
        if ground.has_fallen:
            return
    ground.push(link, 0.0)


def _hit_s(index: int, stretch: Stretch) -> float:
    """Return when a stretch's blow begins, after the crane let go, s."""
    return index * STRETCH_S + stretch.blow_tick * TICK_S


class Meter:
    """Adds up the work of the motors and the shaking of the IMU, step by step."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what has been."""
        self.energy_j = 0.0
        """Sum over all motors of |torque × speed| over time, J."""
        self._jerk_squares = 0.0
        self._steps = 0
        self._acceleration: NDArray[np.float64] | None = None

    def add(self, data: mujoco.MjData) -> None:
        """Take in the step that has just been made."""
        step_s = data.model.opt.timestep
        self.energy_j += step_s * float(np.abs(data.actuator_force * data.actuator_velocity).sum())
        before = self._acceleration
        self._acceleration = data.sensor("imu_acceleration").data.copy()
        if before is not None:
            change = (self._acceleration - before) / step_s
            self._jerk_squares += float(change @ change)
            self._steps += 1

    @property
    def vibration(self) -> float:
        """Root mean square of the IMU's change of acceleration, m/s³."""
        return math.sqrt(self._jerk_squares / max(self._steps, 1))


# -- the figures -------------------------------------------------------------------------------


def make_rows(contender: Contender, trials: Sequence[Trial]) -> list[Row]:
    """Return one walker's figures; the target is for ours.

    Errors are means over the waypoints that a tour came to, energy and vibration those of tours
    that were completed.
    """
    tours = select(trials, contender, "tour")
    completed = [t for t in tours if not t["fell"] and not t["mujoco_warnings"]]
    errors = [np.mean(t["waypoints"], axis=0) for t in tours if t["waypoints"]]
    name = contender.name
    target = ">= 0.9" if contender.is_ours else ""
    survived = [t["survived_s"] for t in tours]
    return [
        rate_row(f"{name}: completed", [t in completed for t in tours], target),
        mean_row(f"{name}: survived", survived, unit="s"),
        percentile_row(f"{name}: survived, median", survived, 50.0, unit="s"),
        mean_row(f"{name}: position error", [100.0 * e[0] for e in errors], unit="cm"),
        mean_row(f"{name}: yaw error", [e[1] for e in errors], unit="°"),
        mean_row(f"{name}: energy", [t["energy_j"] for t in completed], unit="J"),
        mean_row(f"{name}: vibration", [t["vibration"] for t in completed], unit="m/s³"),
    ]


def list_falls(contender: Contender, trials: Sequence[Trial]) -> list[str]:
    """Return behind which joints, left or right, links were hit before falls, of how many hits."""
    tours = select(trials, contender, "tour")
    hits = Counter(_either_side(blow[0]) for t in tours for blow in t["blows"])
    falls = Counter(_either_side(t["felled_by"] or "no blow") for t in tours if t["fell"])
    told = [
        f"{joint} {count} of {hits[joint]}" if hits[joint] else f"{joint} {count}"
        for joint, count in falls.most_common()
    ]
    return [f"{contender.name}, falls within 3 s of a blow to: {', '.join(told)}"] if told else []


def _either_side(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")
