"""Falls that have begun: how a walker that was pushed leaves the robot to the lander.

In the physics of a run a robot stands or walks with its arms held anyhow, is pushed from any side,
and is taken over when the watch of a run (`senses.balance`) is certain that it falls.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from yanshi.bodies.mujoco_body import MujocoBody, SensorNoise
from yanshi.control.kinematics import Kinematics
from yanshi.policies.walker import UpperBody, Walker
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA
from yanshi.senses.balance import Balance
from yanshi.senses.odometry import Odometry
from yanshi.train.fleet import Array
from yanshi.train.g1_fleet import INDICES, JOINTS, mirror_of_joints
from yanshi.train.standing import state_of
from yanshi.worlds.scene import stand_on_floor

_TICK_S = 0.02
_PUSH_NS, _PUSH_S = (70.0, 130.0), 0.1
_WALK_S = (0.8, 1.8)
"""When the push comes: any moment of a stride."""
_SEEN_S = 2.0
_FASTEST = np.array([0.8, 0.2, 0.4])
"""Of the walks, m/s and rad/s; half of the robots stand."""
_ARM_RANGE = 0.5
"""How much of each arm joint's range is used."""
_ARMS = G1.joint_indices(
    name for name in G1.joint_names if any(part in name for part in ("shoulder", "elbow", "wrist"))
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Falls:
    """Robots whose fall is certain, facing x; every other one is the mirror image of the last."""

    state: Array
    """As `Fleet.state`, shape (n, width)."""
    target: Array
    """The last target, rad, shape (n, 29)."""


@cache
def begun_falls(pushes: int = 400, seed: int = 0) -> Falls:
    """Push a robot so often and return the falls that came of it, each with its mirror image."""
    skeleton = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
    walker = Walker(G1, kinematics=skeleton)
    found = []
    for push in range(pushes):
        fall = _fell(walker, skeleton, np.random.default_rng([seed, push]))
        found += [] if fall is None else [fall, _mirrored(*fall)]
    states, targets = zip(*found, strict=True)
    return Falls(state=np.array(states), target=np.array(targets))


def _fell(
    walker: Walker, skeleton: Kinematics, rng: np.random.Generator
) -> tuple[Array, Array] | None:
    """Push a robot; return its state and target when its fall is certain, None if it stays up."""
    floor = stand_on_floor(load_g1(with_looks=False), standing_height=G1.standing_height)
    body = MujocoBody(G1, floor, noise=SensorNoise(), seed=int(rng.integers(2**31)))
    torso = body.model.body(G1_LINKS.torso).id
    walker.reset(body.read())
    odometry, balance = Odometry(skeleton, (0.0, 0.0, 0.0)), Balance(G1)
    ahead, left, turn = (rng.integers(2) * rng.uniform(-1.0, 1.0, 3) * _FASTEST).tolist()
    low, high = _ARM_RANGE * G1.limits.lower[_ARMS], _ARM_RANGE * G1.limits.upper[_ARMS]
    arms = UpperBody(joints=dict(zip(_ARMS.tolist(), rng.uniform(low, high).tolist(), strict=True)))
    angle = rng.uniform(-np.pi, np.pi)
    force = rng.uniform(*_PUSH_NS) / _PUSH_S * np.array([np.cos(angle), np.sin(angle), 0.0])
    push_s = rng.uniform(*_WALK_S)
    for time_s in np.arange(0.0, push_s + _SEEN_S, _TICK_S):
        body.data.xfrc_applied[torso, :3] = force * float(push_s <= time_s < push_s + _PUSH_S)
        state = body.read()
        if balance.update(state, odometry.update(state)):
            target = body.data.ctrl[[body.model.actuator(joint).id for joint in JOINTS]]
            return state_of(body), target
        body.write(walker.step(state, (ahead, left, turn), arms))
        body.advance(_TICK_S)
    return None


def _mirrored(state: Array, target: Array) -> tuple[Array, Array]:
    """Return what a mirror between left and right shows of a robot."""
    twin, sign = mirror_of_joints(JOINTS)
    parts = np.split(state, np.cumsum([1, 3, 4, len(INDICES), 3, 3]))
    time, position, orientation, joints, velocity, spin, rates = parts
    seen = [
        time,
        position * (1.0, -1.0, 1.0),
        orientation * (1.0, -1.0, 1.0, -1.0),
        sign * joints[twin],
        velocity * (1.0, -1.0, 1.0),
        spin * (-1.0, 1.0, -1.0),
        sign * rates[twin],
    ]
    return np.concatenate(seen), sign * target[twin]
