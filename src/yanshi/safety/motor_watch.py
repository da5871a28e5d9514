"""Does every motor pull as it was told to, by what its own joint measures?

A motor is told an angle and two gains; what it pulls follows from them, from the joint's angle and
from its speed. If what it measures of its pull is another one for several samples in a row, on the
same side, then the motor has lost its strength, or the encoder is off, and whoever balances by them
is deceived. Blows move a joint's speed between the motor's reckoning and the reading, but not for
so long. An encoder whose zero has moved for its own motor, too, is not found here. Like the gate
this has no clock and no I/O.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import RobotSpec
from yanshi.safety.faults import Fault

NO_FAULT: frozenset[Fault] = frozenset()
_HANDS = "hand"
_LEGS = ("hip", "knee", "ankle", "waist")
"""What marks the names of fingers' joints, and of those that carry the robot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MotorConfig:
    """How far a motor's pull may be off."""

    angle: float = 0.06
    """rad: as if its joint were elsewhere by so much. Healthy robots under pushes, dancing and on
    slippery floors come to 0.042 in four samples in a row."""
    torque_min: float = 0.5
    """N·m: less is never a fault, however soft a joint is held."""
    speed: float = 0.8
    """Above this share of its largest speed a motor pulls less, as it should."""
    samples: int = 4
    """How many in a row must show it: 80 ms at 50 samples a second."""
    before_max_s: float = 0.01
    """A sample is judged if it was made at most so long before the time of a target that is
    remembered: later in a tick the next one is in force."""
    targets: int = 4
    """How many targets are remembered, for samples that come late."""


class MotorWatch:
    """Compares pulls. Call `update` with each new good sample while the robot is on its feet."""

    def __init__(self, robot: RobotSpec, config: MotorConfig | None = None) -> None:
        """Watch a robot's motors, but for its fingers'."""
        self.config = config or MotorConfig()
        names = [name for name in robot.joint_names if _HANDS not in name]
        self._joints = robot.joint_indices(names)
        self._names = names
        self._carries = np.array([any(part in name for part in _LEGS) for name in names])
        self._most = robot.limits.torque[self._joints]
        self._speed_max = self.config.speed * robot.limits.velocity[self._joints]
        self._streak = np.zeros(len(names), dtype=np.intp)
        self._sent: deque[tuple[int, JointTarget]] = deque(maxlen=self.config.targets)

    def reset(self) -> None:
        """Begin anew."""
        self._streak[:] = 0
        self._sent.clear()

    def update(self, state: RobotState, sent: JointTarget, now_ns: int) -> frozenset[Fault]:
        """Take in a sample and what the motors obey now; return the fault that it shows.

        Args:
            state: What was measured.
            sent: The last target that was written.
            now_ns: The time now; it never goes back.
        """
        self._sent.append((now_ns, sent))
        later = [(t_ns, target) for t_ns, target in self._sent if t_ns >= state.t_ns]
        if not later or later[0][0] - state.t_ns > self.config.before_max_s * 1e9:
            self._streak[:] = 0
            return NO_FAULT
        _, obeyed = later[0]
        side = self._side(state, obeyed)
        streak = self._streak
        if not side.any():
            streak[:] = 0
            return NO_FAULT
        goes_on = (side != 0) & (side == np.sign(streak))
        streak[:] = np.where(goes_on, streak, 0) + side
        astray = np.abs(streak) >= self.config.samples
        if not astray.any():
            return NO_FAULT
        is_leg = bool((astray & self._carries).any())
        return frozenset({Fault.LEG_ASTRAY if is_leg else Fault.ARM_ASTRAY})

    @property
    def astray(self) -> tuple[str, ...]:
        """Which joints were found at the last update."""
        found = np.abs(self._streak) >= self.config.samples
        return tuple(name for name, is_found in zip(self._names, found, strict=True) if is_found)

    def _side(self, state: RobotState, obeyed: JointTarget) -> NDArray[np.intp]:
        """Return for each joint 1 or -1 where it pulls more or less than it should, else 0."""
        joints = self._joints
        speed, stiffness = state.joint_velocity.take(joints), obeyed.stiffness.take(joints)
        wanted = stiffness * (obeyed.position.take(joints) - state.joint_position.take(joints))
        wanted -= obeyed.damping.take(joints) * speed
        off = state.joint_torque.take(joints) - np.clip(wanted, -self._most, self._most)
        least = np.maximum(self.config.angle * stiffness, self.config.torque_min)
        is_off = (np.abs(off) > least) & (np.abs(speed) <= self._speed_max)
        side: NDArray[np.intp] = np.where(is_off, np.sign(off), 0.0).astype(np.intp)
        return side
