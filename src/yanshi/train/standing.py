"""How a walker leaves the robot: states in which it stands, from walks in the physics of a run.

A routine begins there and nowhere else. So a performer that is to take over from a walker must
have begun its training in such states, feet apart as they happen to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.policies.contract import installed_policies
from yanshi.policies.walker import AT_REST, IN_STANCE, Velocity, Walker
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import Array, heading
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
_LOOKS, _LOOK_S = 6, 0.14
"""How often, and how far apart, a standing robot is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standing:
    """Robots under a walker that has been told to stand.

    They stand about the origin, the middle between their feet above it, facing x on average.
    """

    state: Array
    """As `Fleet.state`, shape (n, width)."""
    target: Array
    """The walker's last target, rad, shape (n, 29)."""


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
        found.append((_state_of(body), position))
    return found if float(body.data.qpos[2]) > 0.6 else []


def _state_of(body: MujocoBody) -> Array:
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
