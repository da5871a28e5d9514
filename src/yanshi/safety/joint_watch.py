"""Does every joint do what its motor was told to, where it says that it is?

A motor pulls by a law that both sides know: stiffness times the way to its target, less damping
times its speed, within what it can. So what it was sent, where it says it is and how hard it says
it pulls must fit. They do not when its encoder is read wrongly, or when the motor is weaker than
it should be. What pulls at the joint from outside, as a load or a push, does not matter: it
changes the angle and the pull alike. An encoder whose zero has moved for the motor, too, is not
seen so. Like the gate this has no clock and no I/O.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import JointTarget, RobotState
from yanshi.robots.spec import JointLimits
from yanshi.safety.faults import Fault

NO_FAULT: frozenset[Fault] = frozenset()
JOINT_ODD = frozenset({Fault.JOINT_ODD})
JOINT_FROZEN = frozenset({Fault.JOINT_FROZEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class JointConfig:
    """How far a joint may seem to be from where it says it is."""

    odd_rad: float = 0.07
    """The angle at which a joint would pull as it does may be so far from the measured one, rad.
    Measured in 26 runs of walking, dancing, bowing, pushes of 20 to 100 N·s, falls and rises: at
    most 0.043 over four samples."""
    odd_samples: int = 4
    """In so many samples in a row, at 50 a second: a blow shakes a joint for less."""
    frozen_rad: float = 0.008
    """The same for one that repeats itself to the last bit: 1 N·m at a knee, ten steps of a coarse
    encoder."""
    frozen_samples: int = 3
    """How often it has repeated itself by then."""
    age_max_s: float = 0.005
    """A sample is judged only by a target that was sent so shortly before or after."""
    speed_share: float = 0.85
    """Faster than this share of its no-load speed a motor loses its pull: not judged."""


class JointWatch:
    """Counts for how long each joint does not fit. Call `take` with each new sample."""

    def __init__(self, limits: JointLimits, config: JointConfig | None = None) -> None:
        self.config = config or JointConfig()
        self._torque = limits.torque
        self._fast = self.config.speed_share * limits.velocity
        self._odd: NDArray[np.intp] = np.zeros(limits.torque.shape, dtype=np.intp)
        self._repeats: NDArray[np.intp] = self._odd.copy()
        self._position = self._velocity = np.full(limits.torque.shape, np.nan)
        self._age_max_ns = round(self.config.age_max_s * 1e9)

    def take(self, state: RobotState, sent: JointTarget) -> frozenset[Fault]:
        """Take in a new good sample and the target that moved the joints up to it.

        Args:
            state: What was measured.
            sent: What went to the motors last.
        """
        q, v, stiffness = state.joint_position, state.joint_velocity, sent.stiffness
        is_same = (q == self._position) & (v == self._velocity)
        self._position, self._velocity = q, v
        self._repeats = (self._repeats + 1) * is_same
        if abs(state.t_ns - sent.t_ns) > self._age_max_ns:
            return NO_FAULT
        pull = stiffness * (sent.position - q) - sent.damping * v
        off = np.abs(np.clip(pull, -self._torque, self._torque) - state.joint_torque)
        is_judged = (stiffness > 0.0) & (np.abs(v) <= self._fast)
        is_frozen = is_judged & (self._repeats >= self.config.frozen_samples)
        if (is_frozen & (off > self.config.frozen_rad * stiffness)).any():
            return JOINT_FROZEN
        self._odd = (self._odd + 1) * (is_judged & (off > self.config.odd_rad * stiffness))
        return JOINT_ODD if self._odd.max() >= self.config.odd_samples else NO_FAULT
