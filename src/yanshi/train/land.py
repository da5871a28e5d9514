"""Learn to fall well: from the moment at which a fall is certain, spare head and torso.

Every episode begins as a walker that was pushed loses its balance (`train.falls`), and ends when
the robot lies. The network moves all joints but the fingers, as hard as the motors allow, until the
robot would go limp; what then still is to drop is priced by its height. What is priced is the
largest force of the fall, not the sum: a price is due whenever a blow is harder than all before it.
"""

from dataclasses import dataclass, field
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.robots.g1.spec import G1
from yanshi.train.falls import Falls
from yanshi.train.fleet import Array, Fleet, FleetPhysics, gravity_in, rotate_back
from yanshi.train.g1_fleet import (
    INDICES,
    JOINTS,
    Variety,
    bank_of,
    mirror_of_joints,
    standing_state,
    training_model,
)
from yanshi.train.observation import Mirror, Observation, add_noise, layout, mirror_of
from yanshi.train.task import Outcome, arrays_of, put_back

N = len(JOINTS)
LIMP_AFTER_S = 0.7
"""How long a landing takes."""
REACH = G1.limits.torque[INDICES] / G1.stiffness[INDICES]
"""How far from where a joint is its motor pulls with all its torque, rad, shape (29,)."""
ACTION_SCALE = 0.5 * REACH
"""rad per unit of action, counted from where the joints are: action zero holds nothing up."""
ACTION_LIMIT = 2.0
PARTS = {
    "head and torso": ("torso_link",),
    "pelvis": ("pelvis",),
    "left hand": ("left_wrist_yaw_link",),
    "right hand": ("right_wrist_yaw_link",),
}
"""What is spared, and the links whose contacts count."""
PRICES = np.array([1.0, 0.15, 0.05, 0.05])
"""Of a kN of the largest force on each part."""
_BLOW = 1.5
"""kN of a blow per m/s, about: what a head and its torso that fall on the floor feel."""
TERMS = layout(
    [
        ("angular_velocity", 3, 0.25, 3),
        ("gravity", 3, 1.0, 3),
        ("joint_position", N, 1.0, 2),
        ("joint_velocity", N, 0.05, 1),
        ("last_action", N, 0.5, 1),
    ]
)
_ARMS = np.flatnonzero([any(p in n for p in ("shoulder", "elbow", "wrist")) for n in JOINTS])
_ARM_STATE = np.concatenate([1 + 7 + _ARMS, 1 + 7 + N + 6 + _ARMS])
"""Where a state holds their angles and speeds."""
PRIVATE = layout(
    [
        ("velocity", 3, 0.5, 1),
        ("height", 1, 2.0, 1),
        ("torso_height", 1, 2.0, 1),
        ("force", 2, 0.0005, 1),
        ("hand_force", 2, 0.0005, 1),
        ("peak", 2, 0.0005, 1),
        ("hand_peak", 2, 0.0005, 1),
        ("time", 1, 1.0, 1),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandConfig:
    """What a robot meets while it learns to land."""

    robots: int = 512
    threads: int = 2
    physics: FleetPhysics = field(default_factory=FleetPhysics)
    variety: Variety = field(
        default_factory=lambda: Variety(
            models=48, mass=0.1, strength=0.1, friction=(0.4, 1.2), loaded_share=0.0
        )
    )
    pushes: int = 400
    """From which the falls come; see `begun_falls`."""
    haste: tuple[float, float] = (0.85, 1.15)
    """By how much faster than a begun fall a start is …"""
    spread: float = 0.2
    """… and how far its velocities are from that: standard deviation, m/s and rad/s."""
    noise: dict[str, float] = field(
        default_factory=lambda: {
            "angular_velocity": 0.05,
            "joint_position": 0.01,
            "joint_velocity": 0.2,
            "gravity": 0.02,
        }
    )
    """Largest error of each sensed term, before scaling."""


class LandTask:
    """The task of landing for a fleet of G1s; see `Task`."""

    def __init__(self, config: LandConfig, seed: int, falls: Falls) -> None:
        self.config = config
        self._rng = rng = np.random.default_rng(seed)
        n = self.n = config.robots
        model = training_model(config.physics, extend=_add_touch)
        bank = bank_of(model, config.variety, rng)
        start = standing_state(model)
        self.fleet = Fleet(bank, n, config.physics, start, threads=config.threads)
        self._falls = falls
        self._tick_s = config.physics.tick_s
        self._default = G1.default_position[INDICES]
        self._lower, self._upper = G1.limits.lower[INDICES], G1.limits.upper[INDICES]

        self._action = np.zeros((n, N))
        self._tick = np.zeros(n, dtype=np.intp)
        self._force = np.zeros((n, len(PARTS)))
        self._peak = np.zeros((n, len(PARTS)))
        self._mean_peak = np.zeros(len(PARTS))
        self._seen = Observation(TERMS, n)
        self._private = Observation(PRIVATE, n)
        self.actor_width = TERMS[-1].stop
        self.critic_width = self.actor_width + PRIVATE[-1].stop
        self.action_width = N
        self.actor_mirror, self.critic_mirror, self.action_mirror = _mirrors()
        self._begin(np.arange(n))
        self._tick[:] = rng.integers(0, round(0.9 * LIMP_AFTER_S / self._tick_s), n)

    # -- what is seen ----------------------------------------------------------------------

    def observe(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what actor and critic see."""
        values = self._sense()
        add_noise(values, self.config.noise, self._rng)
        return self._with_private(self._seen.add(values))

    def _sense(self) -> dict[str, Array]:
        fleet = self.fleet
        return {
            "angular_velocity": fleet.angular_velocity,
            "gravity": gravity_in(fleet.orientation_wxyz),
            "joint_position": fleet.joint_position - self._default,
            "joint_velocity": fleet.joint_velocity,
            "last_action": self._action,
        }

    def _with_private(
        self, seen: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        fleet = self.fleet
        private: dict[str, Array] = {
            "velocity": rotate_back(fleet.orientation_wxyz, fleet.velocity),
            "height": fleet.position[:, 2:3],
            "torso_height": fleet.sensor("torso_middle")[:, 2:3],
            "force": self._force[:, :2],
            "hand_force": self._force[:, 2:],
            "peak": self._peak[:, :2],
            "hand_peak": self._peak[:, 2:],
            "time": self._tick_s * self._tick[:, None].astype(np.float64),
        }
        return seen, np.concatenate([seen, self._private.add(private)], axis=1)

    def _peek(self) -> NDArray[np.float32]:
        """Return what the critic would see next, without taking it in."""
        return self._with_private(self._seen.peek(self._sense()))[1]

    # -- what happens ----------------------------------------------------------------------

    def step(self, action: NDArray[np.float32]) -> Outcome:
        """Do one tick; see `Task`."""
        fleet = self.fleet
        before, speed_before = self._action, fleet.joint_velocity.copy()
        self._action = np.clip(action, -ACTION_LIMIT, ACTION_LIMIT).astype(np.float64)
        target = fleet.joint_position + ACTION_SCALE * self._action
        blown_up = fleet.step(np.clip(target, self._lower, self._upper))
        if blown_up.any():
            fleet.state[blown_up] = self._falls.state[0]
        self._tick += 1
        parts = self._prices()
        changes = ((self._action - before) ** 2).sum(axis=1)
        jerks = np.minimum((fleet.joint_velocity - speed_before) ** 2, 100.0).sum(axis=1)
        parts["effort"] = -0.0002 * (changes + (self._action**2).sum(axis=1))
        parts["jerks"] = -0.00001 * jerks
        is_over = (self._tick * self._tick_s >= LIMP_AFTER_S) | blown_up
        parts["drop"] = np.where(is_over, -PRICES[0] * self._drop(), 0.0)
        reward = np.where(blown_up, 0.0, sum(parts.values())).astype(np.float32)
        last = self._peek()
        ended = np.flatnonzero(is_over)
        if len(ended):
            weight = 1.0 - 0.998 ** len(ended)  # Over the last 500 episodes or so.
            self._mean_peak += weight * (self._peak[ended].mean(axis=0) - self._mean_peak)
            self._begin(ended)
        return Outcome(
            reward=reward,
            # Who lies has nothing to come.
            has_failed=is_over,
            is_over=np.zeros(self.n, dtype=bool),
            last_critic_input=last,
            parts={name: float(part.mean()) for name, part in parts.items()},
        )

    def _prices(self) -> dict[str, Array]:
        """Take in the forces of a tick, N, and return what they cost."""
        fleet = self.fleet
        for index, name in enumerate(PARTS):
            steps = [fleet.sensor_steps(_touch(name, i)) for i in range(len(PARTS[name]))]
            force = sum(np.linalg.norm(each, axis=2) for each in steps)  # (n, steps)
            self._force[:, index] = np.minimum(force.max(axis=1), 20_000.0)
        harder = np.maximum(self._force - self._peak, 0.0)
        self._peak += harder
        above = fleet.sensor("head_middle")[:, 2]
        falls = np.clip(-fleet.sensor("head_velocity")[:, 2] - 0.5, 0.0, 4.0)
        costs = PRICES * (1e-3 * harder)
        return {
            "torso": -costs[:, 0] - 2e-5 * self._force[:, 0],
            "pelvis": -costs[:, 1],
            "hands": -costs[:, 2:].sum(axis=1),
            "dive": -0.02 * falls * np.clip(1.5 - above / 0.3, 0.0, 1.0),
        }

    def _drop(self) -> Array:
        """Return by how much harder than all blows yet the torso would fall if let go, kN."""
        above = np.maximum(self.fleet.sensor("head_middle")[:, 2] - 0.12, 0.0)
        blow = _BLOW * np.sqrt(2.0 * 9.81 * above)
        result: Array = np.maximum(blow - 1e-3 * self._peak[:, 0], 0.0)
        return result

    def _begin(self, who: NDArray[np.intp]) -> None:
        rng, fleet, k = self._rng, self.fleet, len(who)
        pick = rng.integers(len(self._falls.state), size=k)
        state, target = self._falls.state[pick], self._falls.target[pick]
        # Arms are held anyhow: those of another fall would do as well.
        other = rng.integers(len(self._falls.state), size=k)
        state[:, _ARM_STATE] = self._falls.state[other][:, _ARM_STATE]
        target[:, _ARMS] = self._falls.target[other][:, _ARMS]
        speeds = slice(1 + fleet.model.nq, None)
        state[:, speeds] *= rng.uniform(*self.config.haste, (k, 1))
        state[:, speeds] += rng.normal(0.0, self.config.spread, state[:, speeds].shape)
        fleet.model_of[who] = rng.integers(len(fleet.bank), size=k)
        fleet.delay_steps[who] = rng.integers(3, size=k)
        fleet.place(who, state, target)
        self._action[who] = 0.0
        self._force[who] = self._peak[who] = 0.0
        self._tick[who] = 0
        self._seen.start(who)

    # -- for the log and for going on ------------------------------------------------------

    def progress(self) -> dict[str, float]:
        """Return the mean over falls of the largest force on each part, kN."""
        names = (f"{name}, kN" for name in PARTS)
        return dict(zip(names, (1e-3 * self._mean_peak).tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Return everything that goes on, to the last bit."""
        return {
            "rng": self._rng.bit_generator.state,
            "fleet": self.fleet.state_dict(),
            "seen": self._seen.state_dict(),
            "arrays": arrays_of(self),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self._rng.bit_generator.state = state["rng"]
        self.fleet.load_state_dict(state["fleet"])
        self._seen.load_state_dict(state["seen"])
        put_back(self, state["arrays"])


def _touch(part: str, index: int) -> str:
    return f"{part} {index}"


def _add_touch(world: mujoco.MjSpec) -> None:
    """Add sensors of the net force on each part, of the torso's place and the head's motion."""
    for geom in world.body("torso_link").geoms:
        if geom.type == mujoco.mjtGeom.mjGEOM_CAPSULE:
            geom.name = "head"
    kinds, sensors = mujoco.mjtObj, mujoco.mjtSensor
    force, net = 2, 3  # Only the force, summed over all contacts.
    for part, links in PARTS.items():
        kind = kinds.mjOBJ_XBODY if "hand" in part else kinds.mjOBJ_BODY
        for index, link in enumerate(links):
            world.add_sensor(
                name=_touch(part, index),
                type=sensors.mjSENS_CONTACT,
                objtype=kind,
                objname=link,
                intprm=(force, net, 1),
            )
    for name, sensor, kind, of in (
        ("torso_middle", sensors.mjSENS_FRAMEPOS, kinds.mjOBJ_BODY, "torso_link"),
        ("head_middle", sensors.mjSENS_FRAMEPOS, kinds.mjOBJ_GEOM, "head"),
        ("head_velocity", sensors.mjSENS_FRAMELINVEL, kinds.mjOBJ_GEOM, "head"),
    ):
        world.add_sensor(name=name, type=sensor, objtype=kind, objname=of)


def _mirrors() -> tuple[Mirror, Mirror, Mirror]:
    """Return the mirrors of what the actor sees, what the critic sees, and of actions."""

    def signs(*values: float) -> Mirror:
        return np.arange(len(values)), np.array(values, np.float32)

    swapped: Mirror = np.array([1, 0]), np.ones(2, np.float32)
    twin, sign = mirror_of_joints(JOINTS)
    joints: Mirror = twin, sign.astype(np.float32)
    mirrors = {
        "last_action": joints,
        "joint_position": joints,
        "joint_velocity": joints,
        "angular_velocity": signs(-1.0, 1.0, -1.0),
        "gravity": signs(1.0, -1.0, 1.0),
        "velocity": signs(1.0, -1.0, 1.0),
        "hand_force": swapped,
        "hand_peak": swapped,
    }
    actor, private = mirror_of(TERMS, mirrors), mirror_of(PRIVATE, mirrors)
    both = (
        np.concatenate([actor[0], TERMS[-1].stop + private[0]]),
        np.concatenate([actor[1], private[1]]),
    )
    return actor, both, joints
