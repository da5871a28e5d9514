"""How one policy leaves the robot to the next: on its feet, in the physics of a run.

A routine begins where a walker left the robot and nowhere else; a walker begins where the riser
has got it up, or where a performer was losing the balance. So who is to take over must have begun
its training in such states, feet as they happen to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.kinematics import Kinematics
from yanshi.policies.contract import installed_policies
from yanshi.policies.performer import Performer
from yanshi.policies.repertoire import repertoire
from yanshi.policies.riser import DEFAULT_RISER, Riser
from yanshi.policies.walker import AT_REST, IN_STANCE, Velocity, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.train.fleet import Array, heading
from yanshi.train.floor_start import any_way_of_lying
from yanshi.train.g1_fleet import FEET, INDICES
from yanshi.worlds.scene import stand_on_floor

WALKERS = ("g1_walk", "g1_walk_ppo")
"""Those of which the installed ones are taken."""
_TICK_S = 0.02
_STILL: Velocity = (0.0, 0.0, 0.0)
_FASTEST = np.array([0.5, 0.25, 0.6])
"""Of the walks, m/s and rad/s."""
_WALK_S = (0.8, 2.0)
_SETTLE_S = 1.2
_FALL_S, _RISE_S = 2.5, 8.0
_PUSH_NS, _PUSH_S = (8.0, 24.0), 0.1
_LEAN_LOST = (0.25, 0.45)
"""A performer that leans by so much, rad, otherwise than its motion gives the robot away."""
_LOOKS, _LOOK_S = 6, 0.14
"""How often, and how far apart, a standing robot is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """Robots on their feet: about the origin, the middle between their feet above it, facing x."""

    state: Array
    """As `Fleet.state`, shape (n, width)."""
    target: Array
    """The last target, rad, shape (n, 29)."""


@cache
def standing_robots(walks: int = 12, seed: int = 0) -> Standing:
    """Return robots that stand after walks of each walker that is installed.

    Args:
        walks: How many for each walker; each gives several states.
        seed: Of the walks.
    """
    installed = installed_policies()
    folders = [installed[name] for name in WALKERS if name in installed]
    found = [
        look
        for folder in folders
        for walk in range(walks)
        for look in _looks(folder, np.random.default_rng([seed, walk]))
    ]
    states, targets = zip(*found, strict=True)
    return Standing(state=np.array(states), target=np.array(targets))


@cache
def handed_robots(rises: int = 64, pushes: int = 96, seed: int = 0) -> Standing:
    """Return robots as a walker has to take them over after a fall or from a performer.

    The first come from the installed riser, just when it thinks that the robot stands; the others
    from the routines that were learnt, when somebody pushes and the balance is being lost.

    Args:
        rises: How often the robot gets up; a rise that fails gives no state.
        pushes: How often it is pushed; a push that does not matter gives none.
        seed: Of the ways of lying, and of the pushes.
    """
    found = []
    folder = installed_policies().get(DEFAULT_RISER)
    if folder is not None:
        kinematics = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
        riser = Riser(G1, kinematics, folder)
        found += [_rise(riser, np.random.default_rng([seed, rise])) for rise in range(rises)]
    performers = [Performer(G1, p.folder) for p in repertoire().values() if p.is_learnt]
    for push in range(pushes if performers else 0):
        performer = performers[push % len(performers)]
        found.append(_stumble(performer, np.random.default_rng([seed, push, 1])))
    handed = [each for each in found if each is not None]
    width, joints = 1 + 7 + 6 + 2 * len(INDICES), len(INDICES)
    return Standing(
        state=np.array([state for state, _ in handed]).reshape(-1, width),
        target=np.array([target for _, target in handed]).reshape(-1, joints),
    )


def _stumble(performer: Performer, rng: np.random.Generator) -> tuple[Array, Array] | None:
    """Let a robot perform, push it, and return its state and target when it loses its balance."""
    floor = stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
    body = MujocoBody(G1, floor, noise=SensorNoise(), seed=int(rng.integers(2**31)))
    torso = body.model.body(G1_LINKS.torso).id
    angle = rng.uniform(-np.pi, np.pi)
    force = rng.uniform(*_PUSH_NS) / _PUSH_S * np.array([np.cos(angle), np.sin(angle), 0.0])
    push_s = rng.uniform(0.2, 0.8) * performer.duration_s
    lean_max = rng.uniform(*_LEAN_LOST)
    performer.start()
    while (target := performer.step(body.read())) is not None:
        is_pushed = push_s <= performer.elapsed_s < push_s + _PUSH_S
        body.data.xfrc_applied[torso, :3] = force * float(is_pushed)
        body.write(target)
        body.advance(_TICK_S)
        if performer.lean(body.read()) > lean_max:
            return state_of(body), target.position[INDICES]
    return None


def _rise(riser: Riser, rng: np.random.Generator) -> tuple[Array, Array] | None:
    """Let a robot fall over, lie limp, and rise; return its state and target on its feet."""
    floor = stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
    body = MujocoBody(G1, floor, noise=SensorNoise(), seed=int(rng.integers(2**31)))
    data = body.data
    data.qpos[2] = 0.55
    data.qpos[3:7] = any_way_of_lying(rng, 1)[0]
    pose = G1.default_position.copy()
    pose[INDICES] += rng.normal(0.0, 0.5, len(INDICES))
    pose = np.clip(pose, G1.limits.lower, G1.limits.upper)
    for name, angle in zip(G1.joint_names, pose, strict=True):
        data.joint(name).qpos[:] = angle
    body.stop()
    body.advance(_FALL_S)
    riser.reset(body.read())
    while riser.elapsed_s < _RISE_S:
        target = riser.step(body.read())
        body.write(target)
        body.advance(_TICK_S)
        if riser.is_up(body.read()):
            return state_of(body), target.position[INDICES]
    return None


def _looks(folder: Path, rng: np.random.Generator) -> Sequence[tuple[Array, Array]]:
    """Walk a little, stand, and return states and targets of a robot that has not fallen."""
    floor = stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
    body = MujocoBody(G1, floor, noise=SensorNoise(), seed=int(rng.integers(2**31)))
    walker = Walker(G1, folder)
    walker.reset(body.read())
    ahead, left, turn = (rng.uniform(-1.0, 1.0, 3) * _FASTEST).tolist()
    found = []

    def go(velocity: Velocity, seconds: float) -> NDArray[np.float64]:
        for _ in range(round(seconds / _TICK_S)):
            upper_body = IN_STANCE if velocity == _STILL else AT_REST
            target = walker.step(body.read(), velocity, upper_body)
            body.write(target)
            body.advance(_TICK_S)
        return target.position[INDICES]

    go(_STILL, 0.4)
    go((ahead, left, turn), rng.uniform(*_WALK_S))
    go(_STILL, _SETTLE_S)
    for _ in range(_LOOKS):
        position = go(_STILL, _LOOK_S)
        found.append((state_of(body), position))
    return found if float(body.data.qpos[2]) > 0.6 else []


def state_of(body: MujocoBody) -> Array:
    """Return where the robot is as training has it, moved to the origin."""
    model, data = body.model, body.data
    names = [G1.joint_names[index] for index in INDICES]
    joints = [model.joint(name) for name in names]
    angles = data.qpos[[joint.qposadr[0] for joint in joints]]
    rates = data.qvel[[joint.dofadr[0] for joint in joints]]
    feet = np.array([data.body(foot).xpos for foot in FEET])
    quats = np.array([data.body(foot).xquat for foot in FEET])
    yaw = float(np.angle(np.exp(1j * heading(quats)).sum()))
    cos, sin = np.cos(yaw), np.sin(yaw)
    back = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    middle = feet.mean(axis=0) * (1.0, 1.0, 0.0)
    orientation, unturn = np.zeros(4), np.array([np.cos(0.5 * yaw), 0.0, 0.0, -np.sin(0.5 * yaw)])
    mujoco.mju_mulQuat(orientation, unturn, data.qpos[3:7])
    return np.concatenate(
        [
            [0.0],
            back @ (data.qpos[:3] - middle),
            orientation,
            angles,
            back @ data.qvel[:3],
            data.qvel[3:6],
            rates,
        ]
    )
