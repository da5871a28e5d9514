"""Who has the upper body while the robot walks: two ways of sharing it with a walking network.

`HiddenArms` is for networks that were trained with their arms swinging and their waist straight.
Such a network falls, or walks off, when it sees an arm raised that it did not raise itself. So what
the upper body does on its own is taken out of what the network sees: an arm that is borrowed looks
to it as if it hung at rest, a waist that bows as if it were upright. Measured with arms moving at
random, this keeps the robot within centimetres where the network fell or drifted by metres.

`SeenArms` is for networks that never had arms of their own: they see where the arms are and where
they are going, and balance legs and waist against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import RobotState
from yanshi.policies.contract import Contract
from yanshi.robots.spec import RobotSpec

Array = NDArray[np.float64]
Posture = tuple[float, float]
"""Height of the pelvis above the floor, m, and how far the torso leans ahead, rad."""

UPRIGHT: Posture = (0.7, 0.0)
"""The posture in which the robot walks: with its knees bent it bears harder blows."""
RELAXED: Posture = (0.74, 0.0)
"""The posture of the default pose."""
_WAIST_SHARE = 0.78
"""rad of the waist for a rad of the torso's lean: the pelvis gives way. Measured bowing."""
_LEG = ("hip", "knee", "ankle")
"""What marks the name of a leg's joint; legs are never lent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBody:
    """What the upper body should do beside walking; joints not named hang at rest."""

    joints: Mapping[int, float] = field(default_factory=dict)
    """Angles by joint index in rad, for arms and hands."""
    waist: Mapping[int, float] = field(default_factory=dict)
    """Angles added to the walker's own, by joint index in rad, for a waist that does not itself
    balance the arms; a walker that sees the arms needs none of it."""
    effort: Mapping[int, float] = field(default_factory=dict)
    """Torques to add by joint index, N·m, against the weight of what is held out."""
    firmness: float = 1.0
    """How many times as stiff as usual `joints` are held, by a walker that sees the arms."""
    waist_firmness: float = 1.0
    """The same for the waist's roll and pitch, under a load or an arm that is led."""
    posture: Posture = UPRIGHT
    """How high to stand and how far to lean; bounded by what the walker has learned. One that was
    never taught to squat only leans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBodyConfig:
    """How quickly the upper body moves and changes hands."""

    lend_s: float = 0.4
    """Time over which a hidden joint goes from the network to the upper body's wish."""
    return_s: float = 0.8
    """Time over which it goes back."""
    speed_max: float = 2.5
    """Fastest change of a joint's target, rad/s."""
    waist_stiffening: float = 3.0
    """How much stiffer the waist becomes while hidden arms are held out, so that it bears them."""
    effort_rate_max: float = 40.0
    """Fastest change of an added torque, N·m/s."""


class Arms(Protocol):
    """A way of sharing the upper body. Arrays follow the robot's joints unless said otherwise."""

    stiffness: Array
    damping: Array
    """Gains for the next target."""

    def reset(self, state: RobotState) -> None:
        """Take over the robot as it is now."""

    def follow(self, wish: UpperBody) -> None:
        """Move one tick towards what is asked."""

    def see(self, position: Array, velocity: Array) -> Array:
        """Hide from the joints that the network sees, in its order, what it must not notice.

        Returns:
            Where the joints are going that it sees but does not command, rad from their zero.
        """

    def move(self, position: Array) -> None:
        """Put the upper body's share into a target of all joints."""


class HiddenArms:
    """Lends joints that the network believes to have; see the module."""

    def __init__(
        self,
        robot: RobotSpec,
        contract: Contract,
        config: UpperBodyConfig,
        gains: tuple[Array, Array],
    ) -> None:
        """Share a robot whose network commands all that it sees."""
        self._config = config
        self._period_s = 1.0 / contract.rate_hz
        self._rise, self._fall = self._period_s / config.lend_s, self._period_s / config.return_s
        self._indices = robot.joint_indices(contract.joint_names)
        self._waist = [i for i, name in enumerate(robot.joint_names) if name.startswith("waist")]
        self._bow = robot.joint_index("waist_pitch")
        self._legs = np.array([any(part in name for part in _LEG) for name in robot.joint_names])
        self._soft = self._stiffened = gains
        self._stiffened_for = 0.0
        self.stiffness, self.damping = gains
        n = len(robot.joint_names)
        self._share = np.zeros(n)  # 0: the network's joint, 1: the upper body's.
        self._wish = robot.default_position.copy()
        self._lean = np.zeros(n)  # What the waist adds to the network's wish.
        self._effort = np.zeros(n)
        self._is_lending = False

    def reset(self, state: RobotState) -> None:
        self._wish[:] = state.joint_position
        for part in (self._share, self._lean, self._effort):
            part[:] = 0.0
        self._is_lending = False
        self.stiffness, self.damping = self._soft

    def follow(self, wish: UpperBody) -> None:
        bow = _WAIST_SHARE * wish.posture[1]
        is_asked = bool(wish.joints or wish.waist or wish.effort or bow)
        if not (is_asked or self._is_lending):
            return  # The common case: nothing is lent and nothing on its way back.
        step = self._config.speed_max * self._period_s
        self._share -= self._fall
        for joint, angle in wish.joints.items():
            # Nobody's joint takes the wish as it is; a lent one moves towards it.
            far = angle - self._wish[joint]
            is_lent = self._share[joint] > -self._fall
            self._wish[joint] += clamp(far, step) if is_lent else far
            self._share[joint] += self._fall + self._rise
        self._share[self._legs] = 0.0
        np.maximum(self._share, 0.0, out=self._share)
        np.minimum(self._share, 1.0, out=self._share)
        for joint in self._waist:
            lean = wish.waist.get(joint, 0.0) + (bow if joint == self._bow else 0.0)
            self._lean[joint] += clamp(lean - self._lean[joint], step)
        approach_effort(self._effort, wish.effort, self._config.effort_rate_max * self._period_s)
        self._is_lending = is_asked or bool(
            self._share.any() or self._lean.any() or self._effort.any()
        )
        self._stiffen()

    def see(self, position: Array, velocity: Array) -> Array:
        if self._is_lending:
            kept = 1.0 - self._share[self._indices]
            position -= self._lean[self._indices]
            position *= kept
            velocity *= kept
        return _NONE

    def move(self, position: Array) -> None:
        if not self._is_lending:
            return
        position += self._lean
        share = self._share * self._share * (3.0 - 2.0 * self._share)
        position += share * (self._wish - position)
        # A motor is a spring: to add torque, ask for an angle farther on.
        position += self._effort / self.stiffness

    def _stiffen(self) -> None:
        """Make the waist stiffer under arms that are held out."""
        held_out = float(self._share.max())
        if held_out != self._stiffened_for and held_out > 0.0:
            self._stiffened_for = held_out
            more = 1.0 + held_out * (self._config.waist_stiffening - 1.0)
            stiffness, damping = (part.copy() for part in self._soft)
            for part in (stiffness, damping):
                part[self._waist] *= more
                part.flags.writeable = False
            self._stiffened = stiffness, damping
        self.stiffness, self.damping = self._stiffened if held_out > 0.0 else self._soft


class SeenArms:
    """Moves the joints that the network sees but does not command; see the module."""

    def __init__(
        self,
        robot: RobotSpec,
        contract: Contract,
        config: UpperBodyConfig,
        gains: tuple[Array, Array],
    ) -> None:
        """Take all joints that the contract does not act on."""
        self.stiffness, self.damping = self._usual = gains
        self._firm: tuple[float, float, tuple[int, ...]] = (1.0, 1.0, ())
        self._bend = robot.joint_indices(["waist_roll", "waist_pitch"])
        self._rest = robot.default_position
        self._lower, self._upper = robot.limits.lower, robot.limits.upper
        self._period_s = 1.0 / contract.rate_hz
        self._step = config.speed_max * self._period_s
        self._effort_step = config.effort_rate_max * self._period_s
        own = set(contract.acts_on)
        self._free = np.array([name not in own for name in robot.joint_names])
        is_told = np.array([name not in own for name in contract.joint_names])
        self._told = robot.joint_indices(contract.joint_names)[is_told]
        self._told_zero = contract.joint_zero[is_told]
        self._goal = robot.default_position.copy()
        self._wish = robot.default_position.copy()
        self._effort = np.zeros(len(robot.joint_names))
        self._has_effort = False
        self._target = self._goal.copy()

    def reset(self, state: RobotState) -> None:
        self._goal[:] = state.joint_position
        self._effort[:] = 0.0
        self._has_effort = False

    def follow(self, wish: UpperBody) -> None:
        self._wish[:] = self._rest
        for joint, angle in wish.joints.items():
            self._wish[joint] = angle
        approach(self._goal, self._wish, self._step)
        self._target[:] = self._goal
        self._stiffen(wish)
        if wish.effort or self._has_effort:
            approach_effort(self._effort, wish.effort, self._effort_step)
            self._effort *= self._free
            self._has_effort = bool(self._effort.any())
            self._target += self._effort / self.stiffness
        np.maximum(self._target, self._lower, out=self._target)
        np.minimum(self._target, self._upper, out=self._target)

    def see(self, position: Array, velocity: Array) -> Array:
        goal: Array = self._target.take(self._told)
        goal -= self._told_zero
        return goal

    def move(self, position: Array) -> None:
        np.copyto(position, self._target, where=self._free)

    def _stiffen(self, wish: UpperBody) -> None:
        """Hold joints as firmly as is wished."""
        is_usual = wish.firmness == wish.waist_firmness == 1.0
        firm = (wish.firmness, wish.waist_firmness, () if is_usual else tuple(wish.joints))
        if firm == self._firm:
            return
        self._firm = firm
        joints = [joint for joint in firm[2] if self._free[joint]]
        stiffness, damping = (part.copy() for part in self._usual)
        for part in (stiffness, damping):
            part[joints] *= wish.firmness
            part[self._bend] *= wish.waist_firmness
            part.flags.writeable = False  # Targets share them.
        self.stiffness, self.damping = stiffness, damping


def clamp(value: float, most: float) -> float:
    """Return `value` bounded to plus or minus `most`."""
    return most if value > most else -most if value < -most else value


def approach(values: Array, wanted: Array, step: float) -> None:
    """Move `values` in place towards `wanted`, each by `step` at most; `wanted` is overwritten."""
    wanted -= values
    np.maximum(wanted, -step, out=wanted)
    np.minimum(wanted, step, out=wanted)
    values += wanted


def approach_effort(effort: Array, wish: Mapping[int, float], step: float) -> None:
    """Move torques in place towards those wished for, each by `step` at most."""
    wanted = np.zeros(len(effort))
    for joint, torque in wish.items():
        wanted[joint] = torque
    approach(effort, wanted, step)


_NONE = np.zeros(0)
