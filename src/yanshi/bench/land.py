"""`yanshi bench land`: how hard do head and torso hit the floor, and does it help to fall well?

Each trial pushes a robot that stands or walks with 70 to 130 N·s within 0.1 s in one of eight
directions, and waits for the watch of a run (`senses.balance`) to say that the fall is certain.
From that moment on the very same fall is gone through twice: limp under damping, and landed. Both
go on until the robot has lain limp for a while, so that what is merely put off counts, too.

The force on a part is the sum of the normal forces of all contacts of its shapes, whatever they
touch, at every 2 ms step of the physics: MuJoCo's default contacts, whose time constant of 20 ms
makes a floor that gives a little. `smooth` is the same through a low-pass of 10 ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.getup import skeleton
from yanshi.bench.proving_ground import (
    TICK_S,
    Contender,
    ProvingGround,
    direction,
    find_contender,
    ticks_of,
)
from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.control.kinematics import Kinematics
from yanshi.core.messages import RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.lander import DEFAULT_LANDER, Lander
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.spec import G1
from yanshi.senses.balance import Balance
from yanshi.senses.odometry import Odometry

PUSH_NS = (70.0, 130.0)
PUSH_S = 0.1
FIRST_S = (1.5, 2.5)
SEEN_S = 3.0
"""A robot that is not falling so long after the push stays up."""
LIES_S = 2.5
"""How long a fall is looked at."""
WALKER = "g1_walk"
SPEED = (0.2, 0.8)
"""Of those that walk, m/s."""
LEAD_S = 0.15
SMOOTH_S = 0.01
LEAST_N = 100.0
"""Less is no blow: who felt less is taken to have felt this, so that a logarithm has a value."""
WAYS = ("ahead", "left", "back", "right")
PARTS = ("head", "torso", "pelvis", "shoulders", "hands", "thighs", "knees", "feet")
_PARTS = {
    "pelvis": "pelvis",
    "shoulder": "shoulders",
    "elbow": "hands",
    "wrist": "hands",
    "hand": "hands",
    "hip": "thighs",
    "knee": "knees",
    "ankle": "feet",
}
"""What a link belongs to, by a part of its name; forearms count as hands."""


class ForceMeter:
    """Feels every contact of a robot, part by part, at every step of the physics."""

    def __init__(self, model: mujoco.MjModel) -> None:
        """Find out which shape belongs to which part; the contacts must be elliptic cones."""
        self._part_of = np.array([_part_of(model, geom) for geom in range(model.ngeom)])
        self._share = model.opt.timestep / (model.opt.timestep + SMOOTH_S)
        self._smooth = np.zeros(len(PARTS) + 2)
        self.peak = np.zeros(len(PARTS) + 1)
        """Largest force on each of `PARTS`, and on head and torso together, N."""
        self.smooth_peak = 0.0
        """Largest force on head and torso through a low-pass of `SMOOTH_S`, N."""
        self.hit_s: float | None = None
        """When head or torso first felt more than `LEAST_N`, on the simulator's clock."""
        self._smoothed = 0.0

    def look(self, data: mujoco.MjData) -> None:
        """Take in one step."""
        contact = data.contact
        row = contact.efc_address
        normal = np.where(row >= 0, data.efc_force[np.maximum(row, 0)], 0.0) if len(row) else row
        force = np.zeros(len(PARTS) + 1)
        for side in (0, 1):
            np.add.at(force, self._part_of[contact.geom[:, side]], normal)
        spared = force[0] + force[1]
        force[-1] = spared  # What is no part of the robot is not felt.
        np.maximum(self.peak, force, out=self.peak)
        self._smoothed += self._share * (spared - self._smoothed)
        self.smooth_peak = max(self.smooth_peak, self._smoothed)
        if self.hit_s is None and spared > LEAST_N:
            self.hit_s = float(data.time)


def _part_of(model: mujoco.MjModel, geom: int) -> int:
    link = model.body(model.geom_bodyid[geom]).name
    if link == G1_LINKS.torso:
        is_head = model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CAPSULE
        return PARTS.index("head" if is_head else "torso")
    part = next((part for name, part in _PARTS.items() if name in link), None)
    return PARTS.index(part) if part else len(PARTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How one trial begins."""

    seed: int
    heading: float
    """Where the push goes, rad from the robot's own heading."""
    walks: bool


def start_of(index: int, seed: int) -> Start:
    """Return how trial `index` begins: eight directions in turn, standing and walking."""
    rng = np.random.default_rng([seed, index])
    heading = 0.25 * np.pi * (index % 8 + rng.uniform(-0.5, 0.5))
    return Start(seed=int(rng.integers(2**31)), heading=float(heading), walks=(index // 8) % 2 == 1)


class Fall:
    """One robot that is pushed and falls."""

    def __init__(self, start: Start, contender: Contender) -> None:
        """Push it, and let it balance until its fall is certain, or it stays up."""
        rng = np.random.default_rng(start.seed)
        self.meter: ForceMeter | None = None
        self.push_ns = float(rng.uniform(*PUSH_NS))
        self.ground = ground = ProvingGround(contender, rng, on_step=self._look)
        self._body, self._torso = ground.body, ground.model.body(G1_LINKS.torso).id
        speed = float(rng.uniform(*SPEED)) if start.walks else 0.0
        odometry, balance = Odometry(skeleton_once(), (0.0, 0.0, 0.0)), Balance(G1)
        begin = ticks_of(rng.uniform(*FIRST_S))
        self.is_certain = False
        self.after_s = 0.0
        """How long after the push began its fall was certain."""
        for tick in range(begin + ticks_of(SEEN_S)):
            pushes = begin <= tick < begin + ticks_of(PUSH_S)
            angle = float(ground.pose[2]) + start.heading if tick == begin else None
            if angle is not None:
                ground.push(self._torso, self.push_ns / PUSH_S * direction(angle))
            elif not pushes:
                ground.push(self._torso, 0.0)
            self.state = self._body.read()
            if balance.update(self.state, odometry.update(self.state)):
                self.is_certain = True
                self.after_s = (tick - begin) * TICK_S
                break
            ground.tick((speed, 0.0, 0.0))
        self.way = way_of(self.state)

    def land(self, lander: Lander | None) -> Trial:
        """Go through the fall, limp without a lander, and return what was felt."""
        body, ground = self._body, self.ground
        self.meter = meter = ForceMeter(ground.model)
        began_s = float(ground.data.time)
        is_limp = lander is None
        if lander is not None:
            lander.reset(self.state)
        state = self.state
        for _ in range(ticks_of(LIES_S)):
            if lander is not None and not is_limp:
                is_limp = lander.is_over(state)
            if is_limp:
                body.stop()
            else:
                assert lander is not None
                body.write(lander.step(state))
            ground.advance()
            ground.push(self._torso, 0.0)
            state = body.read()
        hit_s = None if meter.hit_s is None else round(meter.hit_s - began_s, 3)
        return {
            "peak_n": round(float(meter.peak[-1]), 1),
            "smooth_n": round(meter.smooth_peak, 1),
            "parts_n": dict(zip(PARTS, meter.peak.round(1).tolist(), strict=False)),
            "hit_s": hit_s,
            "warnings": body.warnings(),
        }

    def _look(self, data: mujoco.MjData) -> None:
        if self.meter is not None:
            self.meter.look(data)


def way_of(state: RobotState) -> str:
    """Return where a robot leans to, as its IMU says: one of `WAYS`."""
    w, x, y, z = state.orientation_wxyz.tolist()
    up_x, up_y = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x)  # In the pelvis' frame.
    if abs(up_x) >= abs(up_y):
        return "ahead" if up_x < 0.0 else "back"
    return "left" if up_y < 0.0 else "right"


# -- the figures -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trials:
    """Runs a trial by its number, in whichever process."""

    folder: Path
    seed: int

    def __call__(self, index: int) -> Trial:
        return fall_twice(start_of(index, self.seed), _lander(self.folder))


def fall_twice(start: Start, lander: Lander) -> Trial:
    """Run one trial: the same fall limp and landed, unless the robot stays up."""
    contender = find_contender(WALKER)
    limp = Fall(start, contender)
    trial: Trial = {"walks": start.walks, "push_ns": round(limp.push_ns, 1), "way": limp.way}
    if not limp.is_certain:
        return trial
    return trial | {
        "after_s": round(limp.after_s, 2),
        "limp": limp.land(None),
        "landed": Fall(start, contender).land(lander),
    }


def rows_of(trials: Sequence[Trial]) -> list[Row]:
    """Return the table of a bench."""
    fell = [t for t in trials if "limp" in t]
    rows = [rate_row("fell", ["limp" in t for t in trials])]
    for way in WAYS:
        some = [t for t in fell if t["way"] == way]
        rows += _force_rows(f"{way}: ", some) if some else []
    rows += _force_rows("", fell, target="<= 0.5")
    for part in PARTS:
        for how in ("limp", "landed"):
            forces = [t[how]["parts_n"][part] for t in fell]
            rows.append(percentile_row(f"{part}, {how}, median", forces, 50, unit="N"))
    leads = [t["limp"]["hit_s"] for t in fell if t["limp"]["hit_s"] is not None]
    rows += [
        percentile_row("limp: head or torso hit after, p5", leads, 5, unit="s"),
        percentile_row("limp: head or torso hit after, median", leads, 50, unit="s"),
        rate_row(f"limp: certain {LEAD_S} s before that", [lead >= LEAD_S for lead in leads]),
        rate_row(
            "physics without a warning",
            [not t[how]["warnings"] for t in fell for how in ("limp", "landed")],
            ">= 1",
        ),
    ]
    return rows


def _force_rows(name: str, fell: Sequence[Trial], target: str = "") -> list[Row]:
    """Return the rows of the force on head and torso."""
    rows = []
    for key, what in (("peak_n", "peak force"), ("smooth_n", "smooth force")):
        limp, landed = (
            np.maximum([t[how][key] for t in fell], LEAST_N) for how in ("limp", "landed")
        )
        rows += [
            _geometric_row(f"{name}{what}, limp", limp, unit="N"),
            _geometric_row(f"{name}{what}, landed", landed, unit="N"),
            _geometric_row(f"{name}{what}, landed to limp", landed / limp, target),
        ]
    return rows


def _geometric_row(name: str, values: NDArray[np.float64], target: str = "", unit: str = "") -> Row:
    """Make the row of a geometric mean, with a bootstrap interval from 500 seeded resamples."""
    logs = np.log(values)
    picks = np.random.default_rng(0).integers(len(logs), size=(500, len(logs)))
    low, high = np.exp(np.percentile(logs[picks].mean(axis=1), [2.5, 97.5]))
    return Row(
        name=name,
        value=float(np.exp(logs.mean())),
        interval=(float(low), float(high)),
        n=len(values),
        target=target,
        unit=unit,
    )


def bench_land(
    n: int = 96,
    seed: int = 0,
    out: Path | None = None,
    folder: Path | None = None,
    workers: int = 1,
) -> int:
    """Run `n` falls, print the table and return the exit code."""
    folder = folder or policy_folder(DEFAULT_LANDER)
    trials = run_trials(
        _Trials(folder=folder, seed=seed),
        n,
        out=out,
        settings={"bench": "land", "seed": seed, "lander": _lander(folder).contract.network_sha256},
        workers=workers,
    )
    return report(f"Falling, n = {n}", rows_of(trials), out)


@cache
def _lander(folder: Path) -> Lander:
    return Lander(G1, folder)


@cache
def skeleton_once() -> Kinematics:
    """Return the robot's own kinematics, made once a process."""
    return skeleton()
