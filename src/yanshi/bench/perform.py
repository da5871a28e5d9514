"""`yanshi bench perform`: does a routine succeed every time, also when somebody pushes?

Each trial lets the robot walk a little, on a floor and with link masses drawn at random, then asks
the skill for the routine as a plan would, and watches until 3 s after the walker has the robot
again. Body, motors and noisy senses are those of a run. Half of the trials push the torso with 10
N·s in the middle of the routine. The judge reads the simulator's own state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.getup import skeleton
from yanshi.bench.proving_ground import STILL, TICK_S, Watch, direction, endless_floor, ticks_of
from yanshi.bench.rows import Row, Trial, mean_row, percentile_row, rate_row, report, run_trials
from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.core.errors import ConfigError
from yanshi.core.messages import JointTarget, Scene
from yanshi.policies.contract import installed_policies, policy_folder
from yanshi.policies.performer import Performer
from yanshi.policies.repertoire import Piece, repertoire
from yanshi.policies.walker import DEFAULT_WALKER, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.spec import G1
from yanshi.senses.odometry import Odometry
from yanshi.skills.perform import Perform, skill_of
from yanshi.skills.skill import Outcome, Percept, Tools
from yanshi.worlds.floor_plan import FloorPlan

FRICTION = (0.5, 1.1)
MASS = 0.1
"""Largest relative change of each link's mass."""
WALK_S = (0.0, 2.0)
FASTEST = (0.5, 0.25, 0.6)
"""Bounds of the walk beforehand, m/s and rad/s."""
PUSH_NS, PUSH_S = 10.0, 0.1
MIDDLE = (0.3, 0.7)
"""Shares of the routine between which the push comes."""
AFTER_S = 3.0
JUMP_S = 0.5
"""How long after a change of hands jumps of targets are looked for."""
LOW_M, UPRIGHT_MIN = 0.35, 0.5
"""A pelvis lower than this, or with a smaller cosine of its tilt, has fallen."""
LAG_MAX_S = 0.3
HALL = FloorPlan(name="hall", size=(40.0, 40.0), places=(), start=(0.0, 0.0, 0.0))
_HELD = np.array(["hand" not in name for name in G1.joint_names])
"""The joints that count; fingers only make fists."""


class Meter:
    """Looks at the robot while the performer has it."""

    def __init__(self, body: MujocoBody) -> None:
        self._data = body.data
        names = np.array(G1.joint_names)[_HELD]
        joints = [body.model.joint(name) for name in names]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dof = np.array([joint.dofadr[0] for joint in joints])
        self._motor = np.array([body.model.actuator(name).id for name in names])
        self._step_s = float(body.model.opt.timestep)
        self.energy_j = 0.0
        """Sum over all motors of |torque × speed| over time, J."""
        self.speed = 0.0
        """Of the fastest joint, rad/s."""
        self.found: list[NDArray[np.float64]] = []
        """Joint angles, one row a tick."""

    def look(self) -> None:
        """Take in a step of the physics."""
        speed = self._data.qvel[self._dof]
        power = np.abs(self._data.actuator_force[self._motor] * speed).sum()
        self.energy_j += self._step_s * float(power)
        self.speed = max(self.speed, float(np.abs(speed).max()))

    def note(self) -> None:
        """Take in the pose at the end of a tick."""
        self.found.append(self._data.qpos[self._qpos].copy())


def lag_s(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    """Return by how much joints come late, s: the shift that brings them nearest to their goal.

    Args:
        found: Joint angles, one row a tick, shape (n, n_joints).
        wanted: What they follow, the same shape.
    """
    most = min(ticks_of(LAG_MAX_S), len(found) // 3)
    shifts = np.arange(-most, most + 1)
    n = len(found) - most
    errors = np.array(
        [((found[max(s, 0) : n + s] - wanted[max(-s, 0) : n]) ** 2).mean() for s in shifts]
    )
    best = int(np.argmin(errors))
    if not 0 < best < len(shifts) - 1:
        return float(shifts[best] * TICK_S)
    before, at, after = errors[best - 1 : best + 2]  # A parabola through three points.
    bend = before - 2.0 * at + after
    between = 0.5 * (before - after) / bend if bend > 0.0 else 0.0
    return float((shifts[best] + between) * TICK_S)


class Performance:
    """One robot that walks, performs and stands."""

    def __init__(
        self,
        piece: Piece,
        walker: Walker,
        rng: np.random.Generator,
        *,
        is_pushed: bool,
        watch: Watch | None = None,
    ) -> None:
        """Stand the robot on its floor.

        Args:
            piece: What it performs.
            walker: What walks before, and takes over afterwards.
            rng: Where everything random comes from.
            is_pushed: Whether it is pushed in the middle.
            watch: Looks on, once a tick.
        """
        self._rng, self._watch = rng, watch
        seed = int(rng.integers(2**31))
        self.body = body = MujocoBody(G1, endless_floor(), noise=SensorNoise(), seed=seed)
        vary(body.model, rng)
        kinematics = skeleton()
        self._odometry = Odometry(kinematics, HALL.start)
        tools = Tools(robot=G1, floor_plan=HALL, walker=walker, kinematics=kinematics)
        self._walker = walker
        walker.reset(body.read())
        self.skill: Perform = skill_of(piece)((), tools)
        self._performer = self.skill.performer
        share = rng.uniform(*MIDDLE)
        self._push_from = round(share * self._performer.duration_s / TICK_S)
        force = PUSH_NS / PUSH_S * float(is_pushed)
        self._push_force = force * direction(rng.uniform(-np.pi, np.pi))
        self._torso = body.model.body(G1_LINKS.torso).id
        self.meter = Meter(body)
        self.wanted: list[NDArray[np.float64]] = []
        """What the joints followed, one row a tick of the performer's."""
        self.jumps = [0.0, 0.0]
        """Largest change of a target in a tick, after the performer and after the walker took
        over, rad."""
        self._sent = G1.default_position
        self._since_change = [0, 0]
        self.end = ""
        """How the skill's step ended; empty while it goes on."""

    @property
    def has_fallen(self) -> bool:
        """Whether the pelvis is low or far from upright, or the physics broke."""
        i, j = self.body.data.qpos[4:6]
        up = 1.0 - 2.0 * (i * i + j * j)
        return not (up > UPRIGHT_MIN and self.body.data.qpos[2] > LOW_M)  # True for NaN, too.

    def run(self) -> None:
        """Walk, perform, and stand, until that is over or the robot has fallen."""
        velocity = self._rng.uniform(-1.0, 1.0, 3) * FASTEST
        ahead, left, turn = velocity.tolist()
        self._walk((ahead, left, turn), self._rng.uniform(*WALK_S))
        percept = self._percept()
        self.skill.start(percept)
        while not self.has_fallen:
            before = self._performer.elapsed_s
            result = self.skill.step(percept)
            if isinstance(result, Outcome):
                self.end = result.kind
                break
            is_at_work = self.skill.is_performing and self._performer.elapsed_s > before
            self._go(result, is_at_work=is_at_work)
            percept = self._percept()
        self._walk(STILL, AFTER_S)

    def _walk(self, velocity: tuple[float, float, float], seconds: float) -> None:
        for _ in range(ticks_of(seconds)):
            if self.has_fallen:
                return
            self._go(self._walker.step(self._percept().state, velocity), is_at_work=False)

    def _go(self, target: JointTarget, *, is_at_work: bool) -> None:
        """Let the world go on for a tick under a target."""
        self._note_jump(target, is_at_work=is_at_work)
        body, meter, tick = self.body, self.meter, len(self.wanted)
        pushes = is_at_work and 0 <= tick - self._push_from < ticks_of(PUSH_S)
        body.data.xfrc_applied[self._torso, :3] = self._push_force * float(pushes)
        body.write(target)
        for _ in range(round(TICK_S / body.config.step_s)):
            body.advance(body.config.step_s)
            if is_at_work:
                meter.look()
        if is_at_work:
            meter.note()
            self.wanted.append(self._performer.reference()[_HELD])
        if self._watch:
            self._watch(body.data)

    def _note_jump(self, target: JointTarget, *, is_at_work: bool) -> None:
        jump = float(np.abs(target.position - self._sent)[_HELD].max())
        self._sent = target.position
        has_begun = bool(self.wanted) or is_at_work
        side = 0 if is_at_work else 1
        if has_begun and self._since_change[side] < ticks_of(JUMP_S):
            self._since_change[side] += 1
            self.jumps[side] = max(self.jumps[side], jump)

    def _percept(self) -> Percept:
        state = self.body.read()
        scene = Scene(t_ns=state.t_ns)
        return Percept(state=state, base=self._odometry.update(state), scene=scene)


def vary(model: mujoco.MjModel, rng: np.random.Generator) -> None:
    """Give every link another mass, and feet and floor another friction."""
    scale = rng.uniform(1.0 - MASS, 1.0 + MASS, model.nbody)
    model.body_mass[:] *= scale
    model.body_inertia[:] *= scale[:, None]
    model.geom_friction[:, 0] = rng.uniform(*FRICTION)
    mujoco.mj_setConst(model, mujoco.MjData(model))


def perform(
    piece: Piece,
    walker: Walker,
    rng: np.random.Generator,
    *,
    is_pushed: bool,
    watch: Watch | None = None,
) -> Trial:
    """Run one trial; see `Performance`."""
    show = Performance(piece, walker, rng, is_pushed=is_pushed, watch=watch)
    show.run()
    found, wanted = np.array(show.meter.found), np.array(show.wanted)
    trial: Trial = {
        "routine": piece.name,
        "pushed": is_pushed,
        "upright": not show.has_fallen and show.end == "done",
        "end": show.end,
        "losses": show.skill.losses,
        "performed_s": round(len(found) * TICK_S, 2),
        "warnings": show.body.warnings(),
        "energy_j": round(show.meter.energy_j, 1),
        "speed": round(show.meter.speed, 2),
        "jumps": [round(jump, 4) for jump in show.jumps],
    }
    if trial["upright"] and not trial["losses"]:
        error = np.abs(found - wanted)
        trial["error"] = round(float(error.mean()), 5)
        trial["error_p95"] = round(float(np.percentile(error, 95)), 5)
        trial["lag_s"] = round(lag_s(found, wanted), 4)
    return trial


def rows_of(trials: Sequence[Trial]) -> list[Row]:
    """Return the table of a bench, a block for each routine."""
    names = dict.fromkeys(trial["routine"] for trial in trials)
    return [row for name in names for row in _rows_of(name, trials)]


def _rows_of(name: str, trials: Sequence[Trial]) -> list[Row]:
    mine = [trial for trial in trials if trial["routine"] == name]
    calm, pushed = ([t for t in mine if t["pushed"] is way] for way in (False, True))
    good = [trial for trial in calm if is_at_once(trial)]
    ends = [t for t in mine if t["performed_s"] > 0.0]
    rows = [
        rate_row(f"{name}: upright to 3 s after", map(is_success, calm), ">= 0.98"),
        rate_row(f"{name}: the same, pushed by 10 N·s", map(is_success, pushed), ">= 0.9"),
        rate_row(f"{name}: to the end at once", map(is_at_once, calm)),
        rate_row(f"{name}: to the end at once, pushed", map(is_at_once, pushed)),
    ]
    for key, what, unit in (
        ("error", "joint error, mean", "rad"),
        ("error_p95", "joint error, p95", "rad"),
        ("lag_s", "time error", "s"),
        ("energy_j", "energy", "J"),
        ("speed", "fastest joint", "rad/s"),
    ):
        rows.append(mean_row(f"{name}: {what}", [t[key] for t in good], unit=unit))
    for side, what in enumerate(("beginning", "end")):
        jumps = [trial["jumps"][side] for trial in ends]
        rows.append(
            percentile_row(f"{name}: change of a target in a tick at its {what}, p99", jumps, 99)
        )
    return rows


def is_success(trial: Trial) -> bool:
    """Whether the robot performed to the end, if anew, and stood afterwards."""
    return bool(trial["upright"] and not trial["warnings"])


def is_at_once(trial: Trial) -> bool:
    """Whether it did so without losing its balance on the way and beginning anew."""
    return is_success(trial) and not trial["losses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trials:
    """Runs a trial by its number, in whichever process."""

    pieces: tuple[Piece, ...]
    walker: Path
    seed: int

    def __call__(self, index: int) -> Trial:
        number, which = divmod(index, 2 * len(self.pieces))
        piece, way = divmod(which, 2)
        rng = np.random.default_rng([self.seed, number, way])
        walker = _walker_of(self.walker)
        return perform(self.pieces[piece], walker, rng, is_pushed=bool(way))


@cache
def _walker_of(folder: Path) -> Walker:
    return Walker(G1, folder, kinematics=skeleton())


def choose_pieces(asked: Sequence[str] | None) -> tuple[Piece, ...]:
    """Return the routines that were asked for, or all that were learnt.

    Raises:
        ConfigError: There is none, or one that was asked for has not been learnt.
    """
    learnt = {name: piece for name, piece in repertoire().items() if piece.is_learnt}
    strangers = [name for name in asked or () if name not in learnt]
    if strangers or not learnt:
        known = ", ".join(learnt) or "none"
        raise ConfigError(
            f"No routine {', '.join(strangers) or 'at all'} has been learnt; those that were: "
            f"{known}. `yanshi train track` teaches one, --policies FOLDER says where it lies.",
            zh=f"没有学会的套路：{'、'.join(strangers) or '全部'}；已学会：{known}。"
            "用 `yanshi train track` 训练，用 --policies FOLDER 指明位置。",
        )
    return tuple(learnt[name] for name in asked or learnt)


def bench_perform(
    routines: Sequence[str] | None,
    n: int,
    seed: int,
    out: Path | None,
    walker: str | None,
    workers: int,
) -> int:
    """Run `n` trials of each kind for each routine, print the table and return the exit code."""
    pieces = choose_pieces(routines)
    name = walker or DEFAULT_WALKER
    folder = policy_folder(name) if name in installed_policies() else Path(name)
    weights = {piece.name: _fingerprint(piece) for piece in pieces}
    settings = {
        "bench": "perform",
        "seed": seed,
        "walker": _walker_of(folder).contract.network_sha256[:12],
        "routines": weights,
    }
    trials = run_trials(
        _Trials(pieces=pieces, walker=folder, seed=seed),
        2 * n * len(pieces),
        out=out,
        settings=settings,
        workers=workers,
    )
    title = f"Performing, n = {n} each, pushed and not; under {folder.name}"
    return report(title, rows_of(trials), out)


def _fingerprint(piece: Piece) -> str:
    return Performer(G1, piece.folder).contract.network_sha256[:12]
