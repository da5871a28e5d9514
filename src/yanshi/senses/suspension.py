"""Does something else than its feet bear the robot? Told from the legs and the IMU alone.

A robot that a crane lifts goes on balancing, and its legs thrash. Its joints tell that no foot
carries, and its IMU that its weight is borne all the same. Who jumps or falls is light instead:
in a fall the IMU measures next to nothing until the floor comes.

Measured in walks, routines and pushes: feet that stand carry more than 170 N together at least once
in 0.3 s. In 32 lifts feet that hung carried less than 80 N for the first 0.3 s; legs that thrash on
for longer read anything. On a crane the IMU measures 8.9 to 11.6 m/s² upwards on average, in a fall
whose feet left the floor -5 to 4.
"""

from dataclasses import dataclass

import numpy as np

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionConfig:
    """When a robot is taken for one that hangs."""

    load_max: float = 80.0
    """What both feet together seem to carry then at most, N: a quarter of the robot's weight. One
    that seems to pull counts as nothing: caught under a box it pulls as hard as the other bears."""
    borne_min: float = 6.0
    """What the IMU measures upwards on average, at least, m/s²."""
    lasts_s: float = 0.3
    """For how long: no stride is without a foot on the floor for so long."""


class Suspension:
    """Watches who carries. Call `update` with each new sample of a robot on its feet."""

    def __init__(self, kinematics: Kinematics, config: SuspensionConfig | None = None) -> None:
        self.config = config or SuspensionConfig()
        self._kinematics = kinematics
        self._since_ns: int | None = None
        self._sum = 0.0
        self._samples = 0

    def reset(self) -> None:
        """Begin anew with a robot whose feet carry."""
        self._since_ns = None
        self._sum, self._samples = 0.0, 0

    def update(self, state: RobotState) -> bool:
        """Take in one measurement and return whether the robot hangs."""
        config = self.config
        up = rotation_matrix(state.orientation_wxyz)[2]
        loads = self._kinematics.leg_loads(state.joint_position, state.joint_torque, up)
        if not float(np.maximum(loads, 0.0).sum()) < config.load_max:
            self.reset()
            return False
        if self._since_ns is None:
            self._since_ns = state.t_ns
        self._sum += float(up @ state.acceleration)
        self._samples += 1
        lasts = state.t_ns - self._since_ns >= config.lasts_s * 1e9
        return lasts and self._sum >= config.borne_min * self._samples
