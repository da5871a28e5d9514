"""Do both feet stand on one floor? Told from the legs and the IMU alone.

Who stands on two feet has both of them equally steep from heel to toe, however the floor slopes.
If a leg's encoder has lost its zero, they seem not to be, and nothing else shows it: the motor
believes the same angle. Sideways feet tell nothing, for a walker may stand on the edges of its
soles. Measured in standing between walks, dances, waves and pushes: within 0.4°.
"""

import math
from dataclasses import dataclass

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class FootingConfig:
    """When two feet do not fit one floor."""

    pitch_max: float = 0.06
    """How much steeper than the other a foot may seem, rad: a foot on a mat of 1 cm is 0.05."""
    share_min: float = 0.2
    """The part of the load that each must carry, at least."""
    load_min: float = 150.0
    """What both must carry together, N: half the robot's weight."""
    lasts_s: float = 1.0
    """For how long: no step stands on both feet for so long."""


class Footing:
    """Watches two feet. Call `update` with each new sample of a robot that should be upright."""

    def __init__(self, kinematics: Kinematics, config: FootingConfig | None = None) -> None:
        self.config = config or FootingConfig()
        self._kinematics = kinematics
        self._since_ns: int | None = None

    def reset(self) -> None:
        """Begin anew with a robot that stands."""
        self._since_ns = None

    def update(self, state: RobotState) -> bool:
        """Take in one measurement and return whether the feet do not fit one floor."""
        if not self._is_odd(state):
            self.reset()
            return False
        if self._since_ns is None:
            self._since_ns = state.t_ns
        return state.t_ns - self._since_ns >= self.config.lasts_s * 1e9

    def _is_odd(self, state: RobotState) -> bool:
        config, kinematics = self.config, self._kinematics
        up = rotation_matrix(state.orientation_wxyz)[2]
        ahead = kinematics.feet_ahead_in_pelvis(state.joint_position)
        left, right = (math.asin(min(max(rise, -1.0), 1.0)) for rise in (ahead @ up).tolist())
        if not abs(left - right) > config.pitch_max:
            return False
        loads = kinematics.leg_loads(state.joint_position, state.joint_torque, up)
        total = float(loads.sum())
        return bool(total >= config.load_min and loads.min() >= config.share_min * total)
