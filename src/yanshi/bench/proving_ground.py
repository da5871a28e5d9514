"""Where walkers are tried: one robot, an endless flat floor, arms that move, forces that push.

The body is that of a run (43 joints, 2 ms steps, noisy senses, motors as they are), the walker is
asked 50 times a second, and every trial follows from its seed alone. The judge reads the
simulator's own state, which no walker sees.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bench.getup import skeleton
from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.approach import ApproachConfig, approach
from yanshi.core.errors import UnknownNameError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.contract_file import CONTRACT_FILE
from yanshi.policies.walker import UPRIGHT, Posture, UpperBody, Velocity, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.worlds.scene import stand_on_floor

TICK_S = 0.02
STILL: Velocity = (0.0, 0.0, 0.0)
READY = ("g1_walk_ppo", "g1_walk_fastsac")
"""Walkers that were trained elsewhere, with arms that swing as they walk."""
BARE = ":bare"
ARMS = G1.joint_indices(
    name for name in G1.joint_names if any(part in name for part in ("shoulder", "elbow", "wrist"))
)
LOW_M = 0.3
"""A pelvis lower than this has fallen …"""
SUNK_M = 0.2
"""… or, where a lower one is asked for, one that is this far below what was asked."""
UPRIGHT_MIN = 0.5
"""Smallest cosine of the pelvis' tilt: 60°."""

Watch = Callable[[mujoco.MjData], None]
"""Looks at the simulator's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A walker that takes part."""

    name: str
    folder: Path
    is_bare: bool = False
    """Whether the arms' targets are overridden behind the policy's back, so that it sees arms
    that it did not move. In a run, a policy that commands the arms itself sees them at rest."""

    @property
    def is_ours(self) -> bool:
        """Whether the targets are meant for it."""
        return not self.is_bare and self.folder.name not in READY

    @property
    def fingerprint(self) -> str:
        """Which weights these are."""
        return walker_of(self.folder).contract.network_sha256[:12]


def choose_contenders(asked: Sequence[str] | None = None) -> list[Contender]:
    """Return the walkers that were asked for; else ours, and the ready ones as they run and bare.

    Raises:
        See `find_contender`.
    """
    if not asked:
        installed = [name for name in ("g1_walk", *READY) if name in _installed()]
        asked = [*installed, *(name + BARE for name in READY)]
    return [find_contender(text) for text in dict.fromkeys(asked)]


def find_contender(text: str) -> Contender:
    """Return the walker that `NAME`, `FOLDER`, `NAME:bare` or `FOLDER:bare` means.

    Raises:
        UnknownNameError: It is neither the name of a walker nor a folder with one.
        ConfigError: Its contract cannot be read.
        ContractError: It does not fit the robot.
    """
    place = text.removesuffix(BARE)
    folder = policy_folder(place) if place in _installed() else Path(place)
    if not (folder / CONTRACT_FILE).exists():
        raise UnknownNameError("walker", place, _installed())
    walker_of(folder)
    is_bare = text.endswith(BARE)
    return Contender(name=place + " bare" * is_bare, folder=folder.resolve(), is_bare=is_bare)


def _installed() -> list[str]:
    return [path.parent.name for path in policy_folder(".").glob(f"*walk*/{CONTRACT_FILE}")]


@cache
def walker_of(folder: Path) -> Walker:
    """Return the walker of a folder; loaded once a process, to be reset before each trial."""
    return Walker(G1, folder, kinematics=skeleton())


class Arms:
    """Fourteen arm joints on a random walk: their speeds wander, and turn round at the ends."""

    speed_max = 1.5  # rad/s
    kick = 0.3  # Standard deviation of a speed's change in a tick, rad/s.
    range_share = 0.65  # Of each joint's range, so that the forearms seldom meet the trunk.

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._lower = self.range_share * G1.limits.lower[ARMS]
        self._upper = self.range_share * G1.limits.upper[ARMS]
        self.angle = G1.default_position[ARMS].copy()
        """Where the joints should be now, rad, shape (14,)."""
        self.speed = np.zeros(len(ARMS))
        """rad/s, shape (14,)."""

    def step(self) -> dict[int, float]:
        """Move on by a tick and return the angles by joint index."""
        self.speed += self.kick * self._rng.standard_normal(len(ARMS))
        np.clip(self.speed, -self.speed_max, self.speed_max, out=self.speed)
        self.angle += self.speed * TICK_S
        outward = np.where(self.angle < self._lower, -1.0, 1.0 * (self.angle > self._upper))
        self.speed[outward * self.speed > 0.0] *= -1.0
        np.clip(self.angle, self._lower, self._upper, out=self.angle)
        return dict(zip(ARMS.tolist(), self.angle.tolist(), strict=True))


class ProvingGround:
    """A robot that stands on the floor under a walker; call `tick` until it falls."""

    def __init__(
        self,
        contender: Contender,
        rng: np.random.Generator,
        *,
        load_kg: float = 0.0,
        watch: Watch | None = None,
        on_step: Watch | None = None,
    ) -> None:
        """Stand the robot in its default pose, its heading along x.

        Args:
            contender: Who walks.
            rng: Where noise and arms come from.
            load_kg: A mass in the middle of each palm.
            watch: Looks on, once a tick.
            on_step: Looks on, too, at every 2 ms step of the physics.
        """
        self._is_bare = contender.is_bare
        self._watch, self._on_step = watch, on_step
        noise_rng, arms_rng = rng.spawn(2)
        seed = int(noise_rng.integers(2**31))
        self.body = MujocoBody(G1, endless_floor(), noise=SensorNoise(), seed=seed)
        self.model, self.data = self.body.model, self.body.data
        for hand in G1_LINKS.hands if load_kg else ():
            add_load(self.model, hand, load_kg)
        self._torso = self.model.body(G1_LINKS.torso).id
        self.arms = Arms(arms_rng)
        self.walker = walker_of(contender.folder)
        self.walker.reset(self.body.read())
        self.posture: Posture = UPRIGHT
        """How high it should hold its pelvis and how far it should lean."""
        self.ticks = 0

    # -- what it does ----------------------------------------------------------------------

    def tick(self, velocity: Velocity = STILL) -> None:
        """Let walker and arms decide once and the world go on for 20 ms."""
        self.body.write(self._target(self.body.read(), velocity))
        self.advance()

    def advance(self) -> None:
        """Let the world go on for 20 ms under the targets that were written last."""
        if self._on_step is None:
            self.body.advance(TICK_S)
        else:
            step_s = self.body.config.step_s
            for _ in range(round(TICK_S / step_s)):
                self.body.advance(step_s)
                self._on_step(self.data)
        self.ticks += 1
        if self._watch:
            self._watch(self.data)

    def _target(self, state: RobotState, velocity: Velocity) -> JointTarget:
        angles = self.arms.step()
        if not self._is_bare:
            wish = UpperBody(joints=angles, posture=self.posture)
            return self.walker.step(state, velocity, wish)
        target = self.walker.step(state, velocity, UpperBody(posture=self.posture))
        position = target.position.copy()
        position[ARMS] = list(angles.values())
        return replace(target, position=position)

    def push(self, link: int, force_in_world: NDArray[np.float64] | float) -> None:
        """Push a link at its centre of mass from now on, N; zero lets go."""
        self.data.xfrc_applied[link, :3] = force_in_world

    # -- what the judge sees ---------------------------------------------------------------

    @property
    def t_s(self) -> float:
        """How long it has been going, s."""
        return self.ticks * TICK_S

    @property
    def pose(self) -> NDArray[np.float64]:
        """x and y of the pelvis, m, and its heading, rad, in the world; shape (3,)."""
        x, y, _, w, i, j, k = self.data.qpos[:7]
        return np.array([x, y, math.atan2(2.0 * (w * k + i * j), 1.0 - 2.0 * (j * j + k * k))])

    @property
    def pelvis_height(self) -> float:
        """Of the pelvis' origin above the floor, m."""
        return float(self.data.qpos[2])

    @property
    def torso_pitch(self) -> float:
        """How far the torso leans ahead, rad."""
        ahead_in_world = self.data.xmat[self._torso, [0, 3, 6]]
        return -math.asin(min(1.0, max(-1.0, float(ahead_in_world[2]))))

    @property
    def has_fallen(self) -> bool:
        """Whether the pelvis is low or far from upright, or the physics broke."""
        i, j = self.data.qpos[4:6]
        up = 1.0 - 2.0 * (i * i + j * j)
        low = min(LOW_M, self.posture[0] - SUNK_M)
        return not (up > UPRIGHT_MIN and self.pelvis_height > low)  # True for NaN, too.

    @property
    def soles(self) -> Iterator[NDArray[np.intp]]:
        """The numbers of the spheres under each foot."""
        for foot in G1_LINKS.feet:
            geoms = np.flatnonzero(self.model.geom_bodyid == self.model.body(foot).id)
            is_sphere = self.model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_SPHERE
            yield geoms[is_sphere & (self.model.geom_conaffinity[geoms] > 0)]

    def lowest(self, spheres: NDArray[np.intp]) -> float:
        """Return how high above the floor the lowest of some spheres is, m."""
        return float((self.data.geom_xpos[spheres, 2] - self.model.geom_size[spheres, 0]).min())

    def error_to(self, goal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the way to a pose in the robot's axes: ahead, left, m, and a turn, rad; (3,)."""
        x, y, yaw = self.pose
        cos, sin = math.cos(yaw), math.sin(yaw)
        dx, dy = goal[0] - x, goal[1] - y
        return np.array([cos * dx + sin * dy, cos * dy - sin * dx, wrap(goal[2] - yaw)])


class Guide:
    """Brings a robot to one pose after the other by the same rule, whoever walks."""

    def __init__(self, config: ApproachConfig | None = None) -> None:
        self._config = config or ApproachConfig()
        self._stands = np.zeros(1, dtype=bool)

    @property
    def is_there(self) -> bool:
        """Whether the robot is told to stand because it has arrived."""
        return bool(self._stands[0])

    def velocity(self, error: NDArray[np.float64]) -> Velocity:
        """Return how to go on, given the way to the pose in the robot's axes."""
        velocity, self._stands = approach(error[None], self._stands, self._config)
        ahead, left, turn = velocity[0].tolist()
        return ahead, left, turn


def ticks_of(seconds: float) -> int:
    """Return how many ticks a time has."""
    return round(seconds / TICK_S)


def wrap(angle: float) -> float:
    """Return an angle in [-π, π), rad."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def direction(angle: float) -> NDArray[np.float64]:
    """Return the level unit vector at an angle from x, shape (3,)."""
    return np.array([math.cos(angle), math.sin(angle), 0.0])


def rounded(values: Sequence[float] | NDArray[np.float64], digits: int = 4) -> list[float]:
    """Return numbers as a record keeps them."""
    return [round(float(value), digits) for value in values]


def add_load(model: mujoco.MjModel, link: str, mass_kg: float) -> None:
    """Put a small heavy thing into the palm of a hand, as if it were a part of it."""
    body = model.body(link).id
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, model.body_iquat[body])
    R = axes.reshape(3, 3)  # link_from_inertia
    own, both = float(model.body_mass[body]), float(model.body_mass[body]) + mass_kg
    arm = G1_LINKS.palm - model.body_ipos[body]
    # Two masses about their common centre (Huygens and Steiner), in the link's axes.
    inertia = R @ np.diag(model.body_inertia[body]) @ R.T
    inertia += own * mass_kg / both * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    principal, axes_of = np.linalg.eigh(inertia)
    axes_of[:, 0] *= np.sign(np.linalg.det(axes_of))
    model.body_mass[body] = both
    model.body_ipos[body] += mass_kg / both * arm
    model.body_inertia[body] = principal
    mujoco.mju_mat2Quat(model.body_iquat[body], axes_of.flatten())
    mujoco.mj_setConst(model, mujoco.MjData(model))


def endless_floor() -> mujoco.MjSpec:
    """Return an endless floor with the robot on it."""
    return stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
