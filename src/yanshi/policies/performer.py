"""Perform a routine: follow the motion that was planned from its keyframes, and stay up."""

import math
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from yanshi.control.reference import RATE_HZ
from yanshi.core.errors import ContractError
from yanshi.core.messages import JointTarget, RobotState
from yanshi.policies.contract import load_contract
from yanshi.policies.ease import Ease
from yanshi.policies.motion import Motion, read_motion
from yanshi.policies.network import Network
from yanshi.policies.observation import Observation, Values, gravity
from yanshi.robots.spec import RobotSpec

_TERMS = {
    "angular_velocity",
    "gravity",
    "joint_position",
    "joint_velocity",
    "last_action",
    "reference_position",
    "reference_next",
    "reference_gravity",
    "motion_phase",
}


_STAND_S = 0.3
"""Who stops in the middle keeps both feet down for so long at least."""
_LOWEST_M = 0.66
"""A pelvis lower than this, m, is not left to a walker who wants to stop."""
LEAN_MAX = 0.4
"""Who leans by more than this, rad, otherwise than the motion, is losing the balance."""
_FORESIGHT_S = 0.2
"""What counts of a robot's lean is where it will be so much later."""


class Performer:
    """A policy that performs one routine. `start`, then `step` once a period until None.

    A performer's folder holds the policy and its motion; see `motion.py`.
    """

    def __init__(self, robot: RobotSpec, folder: Path) -> None:
        """Load the policy and its motion, and check them.

        Raises:
            ConfigError: The folder lacks a policy, a routine or a motion.
            ContractError: The policy does not fit the robot, or the motion not the routine.
        """
        self.robot = robot
        self.contract = contract = load_contract(folder, robot)
        contract.require("a performer", _TERMS, "reference_position")
        self._rate = contract.rate_hz
        if abs(self._rate - RATE_HZ) > 1e-6:
            raise ContractError(
                f"{contract.name}: rate_hz is {self._rate:g}, but {RATE_HZ:g} would agree, "
                "the rate of planned motions.",
                zh=f"{contract.name}：rate_hz 是 {self._rate:g}，应为 {RATE_HZ:g}。",
            )
        self.motion = motion = read_motion(folder, robot)
        self._ahead = round(contract.number("ahead_s") * RATE_HZ)
        self._network = Network(contract)
        self._observation = Observation(contract.observation, self._network.observation)
        self._terms = [term.name for term in contract.observation]
        self._seen = robot.joint_indices(contract.joint_names)
        self._acted = robot.joint_indices(contract.acts_on)
        self._reference = motion.joint_position[:, self._seen] - contract.joint_zero
        self.stiffness, self.damping = robot.stiffness.copy(), robot.damping.copy()
        self.stiffness[self._acted] = contract.stiffness
        self.damping[self._acted] = contract.damping
        for gains in (self.stiffness, self.damping):
            gains.flags.writeable = False  # So that every target can share them.
        self._action = np.zeros(len(self._acted))
        self._tick = 0
        self._last = len(motion.target) - 1
        self._ease = Ease(robot.default_position)
        self._may_stop = _moments_to_stop(motion)
        self.lean_max = contract.number("lean_max") if "lean_max" in contract.settings else LEAN_MAX
        """The `LEAN_MAX` of this routine: some always lean otherwise than planned."""
        self._gravity_rate = np.gradient(motion.gravity, 1.0 / RATE_HZ, axis=0)

    @property
    def duration_s(self) -> float:
        """How long the routine takes."""
        return self._last / self._rate

    @property
    def elapsed_s(self) -> float:
        """How much of it has been performed."""
        return self._tick / self._rate

    @property
    def may_stop(self) -> bool:
        """Whether a walker could take over now: both feet stand, for a while yet, and not low."""
        return bool(self._may_stop[self._tick])

    def start(self, target: NDArray[np.float64] | None = None) -> None:
        """Begin; the robot should stand as the walker leaves it.

        Args:
            target: The last target before, rad, shape (n_joints,), from which this one's are
                eased in; the stance if None.
        """
        self._tick = 0
        self._ease = Ease(self.robot.default_position if target is None else target)
        self._action[:] = 0.0
        self._observation.forget()

    def step(self, state: RobotState) -> JointTarget | None:
        """Return the next target of all joints, or None when the routine is over."""
        if self._tick >= self._last:
            return None
        self._observe(state)
        self._network.run()
        contract, limits = self.contract, self.robot.limits
        limit = contract.action_limit
        np.clip(self._network.action, -limit, limit, out=self._action)
        self._tick += 1
        position = self.motion.target[self._tick].copy()
        position[self._acted] += contract.action_scale * self._action
        np.clip(position, limits.lower, limits.upper, out=position)
        target = JointTarget(
            t_ns=state.t_ns, position=position, stiffness=self.stiffness, damping=self.damping
        )
        return self._ease(target)

    def lean(self, state: RobotState) -> float:
        """Return how far the robot leans otherwise than the motion does, in a moment, rad.

        Who follows a motion cannot step where it must not to fall; a walker can, in time.
        """
        down = np.array(gravity(state.orientation_wxyz))
        # What rests in the world turns the other way in the robot.
        rate = np.cross(down, state.angular_velocity)
        off = down - self.motion.gravity[self._tick]
        off_rate = rate - self._gravity_rate[self._tick]
        return float(np.linalg.norm(off + _FORESIGHT_S * off_rate))

    def reference(self) -> NDArray[np.float64]:
        """Return the joint angles that are followed now, rad, shape (n_joints,)."""
        angles: NDArray[np.float64] = self.motion.joint_position[self._tick].copy()
        return angles

    def _observe(self, state: RobotState) -> None:
        last, zero = self._last, self.contract.joint_zero
        phase = math.pi * self._tick / last
        values: dict[str, Values] = {
            "angular_velocity": state.angular_velocity,
            "gravity": gravity(state.orientation_wxyz),
            "joint_position": state.joint_position[self._seen] - zero,
            "joint_velocity": state.joint_velocity[self._seen],
            "last_action": self._action,
            "reference_position": self._reference[min(self._tick + 1, last)],
            "reference_next": self._reference[min(self._tick + self._ahead, last)],
            "reference_gravity": self.motion.gravity[min(self._tick + 1, last)],
            "motion_phase": (math.sin(phase), math.cos(phase)),
        }
        self._observation.add({name: values[name] for name in self._terms})


def _moments_to_stop(motion: Motion) -> NDArray[np.bool_]:
    """Return at which ticks a walker could take over, shape (n,); the last is always one."""
    may = motion.stands.all(axis=1) & (motion.pelvis_height > _LOWEST_M)
    ticks = round(_STAND_S * RATE_HZ)
    ahead = np.concatenate([may, np.ones(ticks, dtype=bool)])
    return np.asarray(sliding_window_view(ahead, ticks + 1).all(axis=1))
