"""`yanshi bench getup`: does it get up from wherever it lies, and would you stand beside it?

Each trial drops the robot in any pose onto a floor that is flat or slopes by 5°, lets it go limp,
and lets the riser get it up, with the body of a run: 43 joints, steps of 2 ms, motors as they are,
noisy senses. Five seconds after it first stood the judge looks at what the simulator knows: how
high the pelvis was, how fast joints moved, how hard motors, hands and head were loaded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.rows import Row, Trial, percentile_row, rate_row, report, run_trials
from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.kinematics import Kinematics
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.riser import DEFAULT_RISER, Riser
from yanshi.policies.walker import IN_STANCE, Velocity, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.worlds.scene import stand_on_floor

TICK_S = 0.02
STILL: Velocity = (0.0, 0.0, 0.0)
WAYS = ("back", "front", "left", "right")
SLOPE = np.deg2rad(5.0)
UP_M, DOWN_M = 0.7, 0.5
"""A pelvis this high above the floor is up; one that sinks this low again is down."""
RISE_S, AFTER_S = 10.0, 5.0
"""Time to get up in, and time to stay up for."""
SMOOTH_S = 0.01
"""Time constant of the second look at forces: a knock shorter than that bends nothing."""
_EDGES = {"speed": np.linspace(0.0, 40.0, 401), "torque": np.linspace(0.0, 1.0, 201)}
"""Of the histograms that trials keep, so that percentiles over all trials are exact enough."""
_HELD = np.array(["hand" not in name for name in G1.joint_names])
"""The joints that rise; fingers only hang on."""

Watch = Callable[[mujoco.MjData], None]
"""Looks at the simulator after every tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How one trial begins."""

    way: str
    """What the robot is dropped on."""
    slope: float
    """How far the floor falls towards +x, rad."""
    seed: int


def start_of(index: int, seed: int) -> Start:
    """Return how trial `index` begins: all ways of lying in turn, flat and sloping."""
    way, is_sloping = WAYS[index % 4], (index // 4) % 2 == 1
    return Start(way=way, slope=SLOPE if is_sloping else 0.0, seed=seed * 100_003 + index)


class Meter:
    """Looks at every physics step of a rise."""

    def __init__(self, body: MujocoBody) -> None:
        self._body = body
        data, names = body.data, G1.joint_names
        self._dof = np.array([body.model.joint(name).dofadr[0] for name in names])[_HELD]
        self._motor = np.array([body.model.actuator(name).id for name in names])[_HELD]
        self._torque = G1.limits.torque[_HELD]
        self._touch = [data.sensor(name).data for name in ("left_touch", "right_touch")]
        self._head = data.sensor("head_touch").data
        self.counts = {name: np.zeros(len(e) - 1, dtype=int) for name, e in _EDGES.items()}
        self.hand_n = self.hand_smooth_n = 0.0
        """Largest force on a hand: as it was, and through a low-pass of `SMOOTH_S`, N."""
        self.head_n = self.head_smooth_n = 0.0
        self._smooth = np.zeros(3)
        self._share = body.config.step_s / (body.config.step_s + SMOOTH_S)

    def look(self) -> None:
        """Take in one step."""
        data = self._body.data
        found = {
            "speed": np.abs(data.qvel[self._dof]),
            "torque": np.abs(data.actuator_force[self._motor]) / self._torque,
        }
        for name, values in found.items():
            scale = (len(_EDGES[name]) - 1) / _EDGES[name][-1]
            bins = np.minimum((values * scale).astype(int), len(_EDGES[name]) - 2)
            np.add.at(self.counts[name], bins, 1)
        force = np.array([np.linalg.norm(felt) for felt in (*self._touch, self._head)])
        self._smooth += self._share * (force - self._smooth)
        self.hand_n = max(self.hand_n, float(force[:2].max()))
        self.head_n = max(self.head_n, float(force[2]))
        self.hand_smooth_n = max(self.hand_smooth_n, float(self._smooth[:2].max()))
        self.head_smooth_n = max(self.head_smooth_n, float(self._smooth[2]))


def percentile(counts: NDArray[np.intp], name: str, percent: float) -> float:
    """Return the upper end of the bin in which a percentile lies."""
    share = np.cumsum(counts) / max(1, counts.sum())
    return float(_EDGES[name][1:][np.searchsorted(share, percent / 100.0)])


def lie_down(start: Start) -> MujocoBody:
    """Drop the robot as told and let it lie limp until it is still."""
    rng = np.random.default_rng(start.seed)
    body = MujocoBody(G1, _floor(start.slope), noise=SensorNoise(), seed=start.seed)
    data = body.data
    lean = np.array([0.0, -0.5, 0.0]) if start.way == "back" else np.array([0.0, 0.5, 0.0])
    if start.way in ("left", "right"):
        lean = np.array([-0.5 if start.way == "left" else 0.5, 0.0, 0.0])
    turn = np.zeros(4)
    mujoco.mju_euler2Quat(turn, np.pi * lean + rng.normal(0.0, 0.25, 3), "XYZ")
    about = np.zeros(4)
    mujoco.mju_axisAngle2Quat(about, np.array([0.0, 0.0, 1.0]), rng.uniform(-np.pi, np.pi))
    data.qpos[2] = rng.uniform(0.45, 0.6)
    mujoco.mju_mulQuat(data.qpos[3:7], about, turn)
    while True:  # No pose in which one link is inside another.
        pose = G1.default_position + _HELD * rng.normal(0.0, 0.7, len(_HELD))
        pose = np.clip(pose, G1.limits.lower, G1.limits.upper)
        for name, angle in zip(G1.joint_names, pose, strict=True):
            data.joint(name).qpos[:] = angle
        mujoco.mj_forward(body.model, data)
        if not _is_tangled(body):
            break
    body.stop()
    for _ in range(200):
        body.advance(TICK_S)
        if data.time > 1.5 and np.abs(data.qvel).max() < 0.3:
            break
    return body


def _is_tangled(body: MujocoBody) -> bool:
    """Whether a link is inside another one, or below the floor."""
    contact = body.data.contact
    return bool((contact.dist < -0.002).any())


def way_of_lying(body: MujocoBody) -> str:
    """Return what the robot lies on, as its pelvis says."""
    up_in_pelvis = body.data.body(G1_LINKS.root).xmat.reshape(3, 3)[2]
    if abs(up_in_pelvis[0]) >= abs(up_in_pelvis[1]):
        return "back" if up_in_pelvis[0] > 0.0 else "front"
    return "right" if up_in_pelvis[1] > 0.0 else "left"


def height_above_floor(body: MujocoBody, slope: float) -> float:
    """Return how high the pelvis is above the floor below it, m."""
    x, _, z = body.data.body(G1_LINKS.root).xpos
    return float(z + np.tan(slope) * x)


class Rise:
    """One robot that gets up, and then stands under a walker."""

    def __init__(self, start: Start, riser: Riser, walker: Walker) -> None:
        self.start, self._riser, self._walker = start, riser, walker
        self.body = lie_down(start)
        self.lay = way_of_lying(self.body)
        self.meter = Meter(self.body)
        self.up_s: float | None = None
        """When the pelvis was first high enough."""
        self.low_m: float | None = None
        """How low it sank after that."""
        self.handed_s: float | None = None
        """When the walker took over."""
        self.jump = 0.0
        """The largest change of a target in one tick of the hand-over's half second, rad."""
        self._begun_s = self.body.data.time
        self._sent = self.body.read().joint_position
        riser.reset(self.body.read())

    @property
    def elapsed_s(self) -> float:
        """How long it has been going."""
        return float(self.body.data.time - self._begun_s)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to see."""
        return self.elapsed_s > (RISE_S if self.up_s is None else self.up_s + AFTER_S)

    def tick(self) -> None:
        """Let riser or walker decide once and the world go on for 20 ms."""
        body = self.body
        target = self._decide(body.read())
        self._sent = target.position
        body.write(target)
        for _ in range(round(TICK_S / body.config.step_s)):
            body.advance(body.config.step_s)
            if self.handed_s is None:
                self.meter.look()
        height = height_above_floor(body, self.start.slope)
        if self.up_s is None and height > UP_M:
            self.up_s = self.elapsed_s
        if self.up_s is not None:
            self.low_m = height if self.low_m is None else min(self.low_m, height)

    def _decide(self, state: RobotState) -> JointTarget:
        riser = self._riser
        if self.handed_s is None:
            if not riser.is_up(state):
                return riser.step(state)
            self.handed_s = self.elapsed_s
            self._walker.reset(state)
        target = riser.ease(self._walker.step(state, STILL, IN_STANCE))
        if self.elapsed_s < self.handed_s + 0.5:
            jump = float(np.abs(target.position - self._sent)[_HELD].max())
            self.jump = max(self.jump, jump)
        return target


def rise(start: Start, riser: Riser, walker: Walker, watch: Watch | None = None) -> Trial:
    """Run one trial.

    Args:
        start: How it begins.
        riser: What gets the robot up.
        walker: What takes over when the riser says that the robot is up.
        watch: Looks on.
    """
    rise = Rise(start, riser, walker)
    while not rise.is_over:
        rise.tick()
        if watch:
            watch(rise.body.data)
    meter = rise.meter
    return {
        "way": rise.lay,
        "slope": start.slope,
        "up_s": _rounded(rise.up_s, 2),
        "low_m": _rounded(rise.low_m, 3),
        "handed_s": _rounded(rise.handed_s, 2),
        "jump": round(rise.jump, 3),
        "hand_n": round(meter.hand_n, 1),
        "head_n": round(meter.head_n, 1),
        "hand_smooth_n": round(meter.hand_smooth_n, 1),
        "head_smooth_n": round(meter.head_smooth_n, 1),
        "speed": _sparse(meter.counts["speed"]),
        "torque": _sparse(meter.counts["torque"]),
        "warnings": rise.body.warnings(),
    }


def is_success(trial: Trial) -> bool:
    """Whether the robot got up in time and stayed up."""
    return trial["up_s"] is not None and trial["low_m"] > DOWN_M and not trial["warnings"]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _sparse(counts: NDArray[np.intp]) -> list[list[int]]:
    return [[int(i), int(counts[i])] for i in np.flatnonzero(counts)]


def pooled(trials: Sequence[Trial], name: str) -> NDArray[np.intp]:
    """Return the histogram of a quantity over all trials."""
    counts = np.zeros(len(_EDGES[name]) - 1, dtype=int)
    for trial in trials:
        for index, count in trial[name]:
            counts[index] += count
    return counts


def rows_of(trials: Sequence[Trial]) -> list[Row]:
    """Return the table of a bench."""
    rose = [t for t in trials if is_success(t)]
    rows = [rate_row("got up and stayed up", map(is_success, trials), ">= 0.99")]
    for lay in WAYS:
        for slope, name in ((0.0, "flat"), (SLOPE, "5° slope")):
            some = [t for t in trials if t["way"] == lay and np.isclose(t["slope"], slope)]
            if some:
                rows.append(rate_row(f"  lying on the {lay}, {name}", map(is_success, some)))
    times = [t["up_s"] for t in rose]
    rows += [
        rate_row("up within 2 to 6 s", [2.0 <= t <= 6.0 for t in times], ">= 0.99"),
        percentile_row("time to 0.7 m, median", times, 50, unit="s"),
        percentile_row("time to 0.7 m, p5", times, 5, unit="s"),
        percentile_row("time to 0.7 m, p95", times, 95, unit="s"),
    ]
    for name, what, target, unit in (
        ("speed", "joint speed, p99", "<= 8", "rad/s"),
        ("torque", "torque as a share of the limit, p99", "<= 0.8", ""),
    ):
        value = percentile(pooled(trials, name), name, 99.0)
        rows.append(
            Row(name=what, value=value, interval=None, n=len(trials), target=target, unit=unit)
        )
    for key, what in (("hand_n", "hands"), ("head_n", "head")):
        peaks = [t[key] for t in trials]
        rows.append(rate_row(f"{what} never above 300 N", [p <= 300.0 for p in peaks], ">= 1"))
        rows.append(percentile_row(f"{what}, peak force, p99", peaks, 99, unit="N"))
        smooth = [t[key.replace("_n", "_smooth_n")] <= 300.0 for t in trials]
        rows.append(rate_row(f"{what} never above 300 N for 10 ms", smooth))
    handed = [t["handed_s"] is not None and is_success(t) for t in trials]
    rows.append(rate_row("stood under the walker at the end", handed, ">= 0.99"))
    jumps = [t["jump"] for t in trials if t["handed_s"] is not None]
    rows.append(percentile_row("change of a target in a tick of it, p99", jumps, 99, unit="rad"))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trials:
    """Runs a trial by its number, in whichever process."""

    folder: Path
    seed: int

    def __call__(self, index: int) -> Trial:
        riser, walker = _pair(self.folder)
        return rise(start_of(index, self.seed), riser, walker)


@cache
def _pair(folder: Path) -> tuple[Riser, Walker]:
    kinematics = skeleton()
    return Riser(G1, kinematics, folder), Walker(G1, kinematics=kinematics)


def skeleton() -> Kinematics:
    """Return the robot's own kinematics."""
    return Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)


def bench_getup(
    n: int = 200,
    seed: int = 0,
    out: Path | None = None,
    folder: Path | None = None,
    workers: int = 1,
) -> int:
    """Run `n` rises, print the table and return the exit code."""
    folder = folder or policy_folder(DEFAULT_RISER)
    digest = Riser(G1, skeleton(), folder).contract.network_sha256[:12]
    trials = run_trials(
        _Trials(folder=folder, seed=seed),
        n,
        out=out,
        settings={"bench": "getup", "seed": seed, "riser": digest},
        workers=workers,
    )
    return report("Getting up", rows_of(trials), out)


def _floor(slope: float) -> mujoco.MjSpec:
    """Return an endless floor with the robot on it, and sensors of touch on hands and head."""
    robot = load_g1(with_looks=False)
    world = stand_on_floor(robot, standing_height=G1.standing_height, slope=slope)
    add_touch(world)
    return world


def add_touch(world: mujoco.MjSpec) -> None:
    """Add sensors of the net contact force on both hands and on the head."""
    for geom in world.body(G1_LINKS.torso).geoms:
        if geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE:
            geom.name = "head"
    kinds, force, net = mujoco.mjtObj, 2, 3  # Only the force, summed over all contacts.
    for name, kind, what in (
        ("left_touch", kinds.mjOBJ_XBODY, G1_LINKS.hands[0]),
        ("right_touch", kinds.mjOBJ_XBODY, G1_LINKS.hands[1]),
        ("head_touch", kinds.mjOBJ_GEOM, "head"),
    ):
        world.add_sensor(
            name=name,
            type=mujoco.mjtSensor.mjSENS_CONTACT,
            objtype=kind,
            objname=what,
            intprm=(force, net, 1),
        )
