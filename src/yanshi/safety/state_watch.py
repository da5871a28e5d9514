"""Take in what joints and IMU measured, and keep only what can be true.

The gate judges targets; this judges what they are made from. A sample with a number that is none
is left out and the last good one stands in for it, but only for a moment: who goes on without
feeling falls. A sensor that repeats itself to the last bit while the body moves is as blind as
one that says nothing. Like the gate this has no clock and no I/O: samples and the time come in,
faults go out. It remembers what it must compare with.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import BodyError
from yanshi.core.messages import RobotState
from yanshi.safety.faults import Fault

NO_FAULT: frozenset[Fault] = frozenset()
SAMPLE_DROPPED = frozenset({Fault.SAMPLE_DROPPED})
STATE_MALFORMED = frozenset({Fault.STATE_MALFORMED})
IMU_FROZEN = frozenset({Fault.IMU_FROZEN})
JOINT_FROZEN = frozenset({Fault.JOINT_FROZEN})
_largest, _smallest = np.maximum.reduce, np.minimum.reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class StateConfig:
    """How far measurements are trusted."""

    dropped_max: int = 2
    """So many bad samples in a row are left out; the next one is a fault."""
    size_max: float = 1e6
    """Largest measured number of any kind, SI: no sensor of a robot that walks among people reads
    a millionfold. NaN and infinity fail it, too."""
    unit_error: float = 0.1
    """How far the squared length of an orientation may be from one."""
    frozen_s: float = 0.08
    """How long a sensor may repeat itself to the last bit. At 50 samples a second that is four
    repeats, found within 100 ms of the last change."""
    frozen_torque: float = 2.5
    """N·m: a joint whose torque changes by more moves by more than the last bit of its encoder.
    Between two planted feet a hip may bear a change of 2 N·m without."""
    frozen_angle: float = 0.02
    """rad: neither can one stay where it is that tells a speed which takes it so far."""


class StateWatch:
    """Holds the last good sample. Call `take` with each one that comes."""

    def __init__(self, first: RobotState, config: StateConfig | None = None) -> None:
        """Begin with a robot that is felt.

        Raises:
            BodyError: It is not.
        """
        self.config = config or StateConfig()
        joints = first.joint_position.shape
        self._shapes = (joints, joints, joints, (4,), (3,), (3,))
        numbers = self._numbers_of(first)
        if numbers is None:
            raise BodyError(
                "The robot was read and what came is no measurement: every angle, speed, torque, "
                "orientation, rotation rate and acceleration must be finite. Check the sensors' "
                f"link; measured: {first}.",
                zh="读到的机器人状态无效：关节和 IMU 的测量都必须是有限数值。请检查传感器连接。",
            )
        self.state = first
        """The last good sample."""
        self._numbers = numbers
        self.is_missing = False
        """Whether the last thing to come was no new good sample: it is worth asking again soon."""
        self._bad = 0
        self._imu_since_ns = first.t_ns
        self._joints_since_ns = np.full(joints, -1)  # When each began to repeat itself.
        self._joints_torque = first.joint_torque.copy()
        self._has_repeated = False

    def take(self, sample: RobotState | None) -> frozenset[Fault]:
        """Take in a sample, None for one that did not come; return the fault that it shows.

        How old the last good one may get is the gate's to judge.
        """
        self.is_missing = True
        if sample is None:
            return NO_FAULT
        numbers = self._numbers_of(sample)
        if numbers is None:
            self._bad += 1
            return SAMPLE_DROPPED if self._bad <= self.config.dropped_max else STATE_MALFORMED
        if sample.t_ns <= self.state.t_ns:
            return NO_FAULT
        self.is_missing = False
        self._bad = 0
        before, self.state = self.state, sample
        had_repeated, self._has_repeated = self._has_repeated, self._is_repeated(numbers)
        self._numbers = numbers
        if not had_repeated and not self._has_repeated:
            self._imu_since_ns = sample.t_ns
            return NO_FAULT  # Nearly always: every bit counts, and sensors have noise.
        if self._is_imu_frozen(before, sample):
            return IMU_FROZEN
        return JOINT_FROZEN if self._is_joint_frozen(before, sample) else NO_FAULT

    def _numbers_of(self, sample: RobotState) -> NDArray[np.float64] | None:
        """Return every number of a sample, or None for one that cannot have been measured."""
        parts = (
            sample.joint_position,
            sample.joint_velocity,
            sample.joint_torque,
            sample.orientation_wxyz,
            sample.angular_velocity,
            sample.acceleration,
        )
        for part, shape in zip(parts, self._shapes, strict=True):
            if part.shape != shape:
                return None
        numbers = np.concatenate(parts)
        most = self.config.size_max
        if not (_largest(numbers) <= most and _smallest(numbers) >= -most):
            return None
        w, x, y, z = sample.orientation_wxyz.tolist()
        is_rotation = abs(w * w + x * x + y * y + z * z - 1.0) <= self.config.unit_error
        return numbers if is_rotation else None

    def _is_repeated(self, numbers: NDArray[np.float64]) -> bool:
        """Whether any number is to the last bit what it was."""
        return bool(np.count_nonzero(numbers == self._numbers))

    def _is_imu_frozen(self, before: RobotState, now: RobotState) -> bool:
        """Whether it repeats itself; at rest, too: no IMU is without noise for so long."""
        if not (
            _is_same(before.angular_velocity, now.angular_velocity)
            and _is_same(before.acceleration, now.acceleration)
        ):
            self._imu_since_ns = now.t_ns
        return now.t_ns - self._imu_since_ns >= self.config.frozen_s * 1e9

    def _is_joint_frozen(self, before: RobotState, now: RobotState) -> bool:
        """Whether a joint repeats itself although it moves; at rest an encoder may."""
        is_still = now.joint_position == before.joint_position
        is_still &= now.joint_velocity == before.joint_velocity
        since_ns, torque = self._joints_since_ns, self._joints_torque
        has_begun = is_still & (since_ns < 0)
        since_ns[has_begun] = before.t_ns
        torque[has_begun] = before.joint_torque[has_begun]
        since_ns[~is_still] = -1
        still_s = np.where(is_still, (now.t_ns - since_ns) * 1e-9, 0.0)
        moves = np.abs(now.joint_torque - torque) > self.config.frozen_torque
        moves |= np.abs(now.joint_velocity) * still_s > self.config.frozen_angle
        return bool((moves & (still_s >= self.config.frozen_s)).any())


def _is_same(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    return a.tobytes() == b.tobytes()
