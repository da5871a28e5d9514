"""Get up from the floor, slowly enough to stand beside.

First the robot draws its limbs into its default pose, as slowly as a plan can: wherever they lay,
nothing knocks. Then a network gets it up. Whatever that asks for, each target is restrained: it
creeps away from the last one, more slowly to begin with, and never so far from where the joint is
that its motor would pull hard. The same restraint held while the network was trained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.policies.ease import Ease, EaseConfig
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values, gravity
from yanshi.robots.spec import RobotSpec

DEFAULT_RISER = "g1_getup"

Array = NDArray[np.float64]

_ARM = ("shoulder", "elbow", "wrist")
SWELL_S = 1.0
"""Time in which the slow motion at the start swells to its full speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """What keeps a target from asking for violence, whatever the network says."""

    share: float = 0.35
    """How much of the way from the last target to the network's wish is gone in a tick."""
    rate: float = 4.0
    """Fastest change of a joint's target, rad/s."""
    torque_share: float = 0.75
    """Largest torque that a target may ask for, as a share of the motor's limit."""
    arm_share: float = 0.6
    """The same of shoulders, elbows and wrists, as a share of that: hands must not knock."""
    gather_s: float = 1.5
    """Time in which the robot draws its limbs into its default pose before it rises."""
    gather_rate: float = 1.0
    """Fastest change of a joint's target meanwhile, reached after `SWELL_S`, rad/s."""
    soft_s: float = 0.8
    """Time from then on after which targets may change as fast as they ever do."""

    def rates(self, joints: Sequence[str]) -> Array:
        """Return the fastest change of each joint's target, rad/s, shape (n_joints,)."""
        arm = np.array([any(part in name for part in _ARM) for name in joints])
        return self.rate * np.where(arm, self.arm_share, 1.0)

    def rates_after(self, time_s: Array | float, rates: Array) -> Array:
        """Return the fastest change of each joint's target so long after it began, rad/s.

        Args:
            time_s: Shape (…).
            rates: What `rates` returned, shape (n_joints,).

        Returns:
            Shape (…, n_joints).
        """
        time_s = np.asarray(time_s)[..., None]
        gathering = self.gather_rate * np.clip(time_s / SWELL_S, 0.0, 1.0)
        share = np.clip((time_s - self.gather_s) / self.soft_s, 0.0, 1.0)
        rising = (1.0 - share) * np.minimum(self.gather_rate, rates) + share * rates
        return np.where(time_s <= self.gather_s, gathering, rising)


def restrained(
    wish: Array,
    before: Array,
    position: Array,
    velocity: Array,
    *,
    share: float,
    step: float | Array,
    stiffness: Array,
    damping: Array,
    torque: Array,
) -> Array:
    """Return the target nearest to a wish that moves no joint hard or suddenly.

    A target goes a share of the way to the wish, by no more than `step`, and lies so near to where
    the joint is that its spring and damper ask for no more than `torque`; where both cannot be,
    the torque counts.

    Args:
        wish: Wanted joint angles, rad, shape (…, n_joints), as are the next three.
        before: The last target.
        position: Where the joints are.
        velocity: How fast they move, rad/s.
        share: How much of the way is gone.
        step: Largest change of a target, rad.
        stiffness: N·m/rad, shape (n_joints,).
        damping: N·m·s/rad, shape (n_joints,).
        torque: N·m, shape (n_joints,).
    """
    target = before + np.clip(share * (wish - before), -step, step)
    middle = position + (damping / stiffness) * velocity
    reach = torque / stiffness
    result: Array = np.clip(target, middle - reach, middle + reach)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class RiserConfig:
    """When a robot counts as being on its feet: as soon as a walker can keep it there."""

    height_min: float = 0.64
    """Pelvis above the lower sole, m."""
    tilt_max: float = 0.35
    """Of the pelvis, rad."""
    spin_max: float = 1.5
    """Of the pelvis, rad/s."""
    speed_max: float = 4.0
    """Of the fastest joint, rad/s."""
    steady_s: float = 0.06
    """How long all of this must hold. Not longer: a walker balances better than a riser."""
    patience_s: float = 2.5
    """Who still lies so long after it began to rise gathers its limbs and begins again, in turn
    with its arms and legs apart and as it did at first: from where it failed once it might again.
    """
    apart: Mapping[str, float] = field(
        default_factory=lambda: {
            "shoulder_pitch": 1.0,
            "shoulder_roll": 1.0,
            "elbow": 1.5,
            "hip_roll": 0.5,
        }
    )
    """Angles of the joints of the left side then, rad; the right side mirrors them."""
    low: float = 0.45
    """A pelvis below this still lies, m."""
    gap_s: float = 0.05
    """A pause longer than this means somebody else moved the robot: start afresh."""


class Riser:
    """A policy that gets up.

    `reset`, then `step` once a period until `is_up`; from then on, the walker's targets go
    through `ease`. The robot should lie still when it begins: it was trained from limp poses at
    rest.
    """

    def __init__(
        self,
        robot: RobotSpec,
        kinematics: Kinematics,
        folder: Path | None = None,
        config: RiserConfig | None = None,
    ) -> None:
        """Load the policy and check it.

        Raises:
            ContractError: The policy does not fit the robot.
        """
        self.robot = robot
        self.config = config or RiserConfig()
        self.contract = contract = load_contract(folder or policy_folder(DEFAULT_RISER), robot)
        contract.require("a riser", _TERMS, "gravity")
        self._kinematics = kinematics
        self._network = Network(contract)
        self._observation = Observation(contract.observation, self._network.observation)
        self._terms = {term.name for term in contract.observation}
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = robot.joint_indices(contract.acts_on)
        self._period_s = 1.0 / contract.rate_hz
        self.restraint = Restraint(
            **{field.name: contract.number(field.name) for field in fields(Restraint)}
        )
        self._rates = self.restraint.rates(robot.joint_names)
        self.stiffness, self.damping = robot.stiffness.copy(), robot.damping.copy()
        self.stiffness[self._acted] = contract.stiffness
        self.damping[self._acted] = contract.damping
        for gains in (self.stiffness, self.damping):
            gains.flags.writeable = False  # So that every target can share them.
        self._target = robot.default_position.copy()
        self._apart = robot.default_position.copy()
        for joint, angle in self.config.apart.items():
            mirrored = -angle if joint.endswith(("_roll", "_yaw")) else angle
            self._apart[robot.joint_index(f"left_{joint}")] = angle
            self._apart[robot.joint_index(f"right_{joint}")] = mirrored
        self._steady_ticks = self._low_ticks = self._ticks = self._try_ticks = self._fails = 0
        self._ease: Ease | None = None
        self._last_ns: int | None = None

    @property
    def elapsed_s(self) -> float:
        """How long it has been trying."""
        return self._ticks * self._period_s

    def reset(self, state: RobotState) -> None:
        """Take over a robot that lies as it lies now."""
        self._target[:] = state.joint_position
        self._observation.forget()
        self._steady_ticks = self._low_ticks = self._ticks = self._try_ticks = self._fails = 0
        self._ease = None
        self._last_ns = None

    def step(self, state: RobotState) -> JointTarget:
        """Return the next target of all joints; call it at the contract's rate."""
        if self._last_ns is None or state.t_ns - self._last_ns > self.config.gap_s * 1e9:
            self.reset(state)
        self._last_ns = state.t_ns
        self._ticks += 1
        self._try_ticks += 1
        self._observe(state)
        time_s = self._try_ticks * self._period_s
        restraint, limits = self.restraint, self.robot.limits
        wish = (self._apart if self._fails % 2 else self.robot.default_position).copy()
        if time_s > restraint.gather_s:
            wish[self._acted] = self._wish()
        self._target = restrained(
            np.clip(wish, limits.lower, limits.upper),
            self._target,
            state.joint_position,
            state.joint_velocity,
            share=restraint.share,
            step=restraint.rates_after(time_s, self._rates) * self._period_s,
            stiffness=self.stiffness,
            damping=self.damping,
            torque=restraint.torque_share * limits.torque,
        )
        self._despair(state)
        self._steady_ticks = self._steady_ticks + 1 if self._stands(state) else 0
        return JointTarget(
            t_ns=state.t_ns, position=self._target, stiffness=self.stiffness, damping=self.damping
        )

    def is_up(self, state: RobotState) -> bool:
        """Whether it stands, and has stood steadily for a while: the walker may take over."""
        steady_s = self._steady_ticks * self._period_s
        return steady_s >= self.config.steady_s and self._stands(state)

    def ease(self, target: JointTarget) -> JointTarget:
        """Let the next policy in without a jump: pass each of its targets through here.

        Until a joint has caught up, its target changes no faster than under the riser; see `Ease`.
        """
        if self._ease is None:
            config = EaseConfig(rate=self.restraint.rate, period_s=self._period_s)
            self._ease = Ease(self._target, config)
        return self._ease(target)

    def pelvis_height(self, state: RobotState) -> float:
        """Return how high the pelvis is above the lower sole, m, from encoders and IMU alone."""
        soles = self._kinematics.soles_in_pelvis(state.joint_position)
        up_in_pelvis = rotation_matrix(state.orientation_wxyz)[2]
        return -float((soles @ up_in_pelvis).min())

    def _wish(self) -> Array:
        """Return where the network wants its joints, rad, shape (n_acted,)."""
        self._network.run()
        contract, limit = self.contract, self.contract.action_limit
        result: Array = np.clip(self._network.action, -limit, limit) * contract.action_scale
        return result + contract.action_offset

    def _despair(self, state: RobotState) -> None:
        """Begin again where the network came to rest in a tangle: arms under the head, …"""
        is_low = self.pelvis_height(state) < self.config.low
        self._low_ticks = self._low_ticks + 1 if is_low else 0
        if self._low_ticks * self._period_s > self.restraint.gather_s + self.config.patience_s:
            self._low_ticks = self._try_ticks = 0
            self._fails += 1

    def _stands(self, state: RobotState) -> bool:
        config = self.config
        return (
            -gravity(state.orientation_wxyz)[2] > np.cos(config.tilt_max)
            and float(np.linalg.norm(state.angular_velocity)) < config.spin_max
            and float(np.abs(state.joint_velocity[self._acted]).max()) < config.speed_max
            and self.pelvis_height(state) > config.height_min
        )

    def _observe(self, state: RobotState) -> None:
        contract = self.contract
        taken = (self._target[self._acted] - contract.action_offset) / contract.action_scale
        values: dict[str, Values] = {
            "last_action": taken,
            "angular_velocity": state.angular_velocity,
            "joint_position": state.joint_position[self._seen] - contract.joint_zero,
            "joint_velocity": state.joint_velocity[self._seen],
            "gravity": gravity(state.orientation_wxyz),
        }
        self._observation.add({name: values[name] for name in self._terms})


_TERMS = {"last_action", "angular_velocity", "joint_position", "joint_velocity", "gravity"}
