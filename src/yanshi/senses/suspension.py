"""Does something else than its feet bear the robot? Told from the legs and the IMU alone.

A robot that a crane lifts goes on balancing, and its legs thrash. Its joints tell that no foot
carries, and its IMU that its weight is borne all the same. Who jumps or falls is light instead:
in a fall the IMU measures next to nothing until the floor comes.

Measured, on average over 0.3 s: both feet together carry more than 185 N in walks, in routines
and with a box of 3.9 kg. In 26 lifts they carried 30 N at most when they had hung for 0.3 s; legs
that thrash on seem to carry up to 83 N. Who lies on a table with the chest has 65 to 100 N on its
feet. On a crane the IMU measures 8.9 to 11.6 m/s² upwards, in a fall whose feet left the floor -5
to 4.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensionConfig:
    """When a robot is taken for one that hangs."""

    load_max: float = 50.0
    """What both feet together seem to carry then at most, N: a seventh of the robot's weight. One
    that seems to pull counts as nothing: caught under a box it pulls as hard as the other bears."""
    borne_min: float = 6.0
    """What the IMU measures upwards, at least, m/s²."""
    straight: float = 0.15
    """What a leg carries is not told by its torques while its knee is bent by less, rad."""
    over_s: float = 0.3
    """Over how long both are averaged: no stride is without a foot on the floor for so long."""


class Suspension:
    """Watches who carries. Call `update` with each new sample of a robot on its feet."""

    def __init__(self, kinematics: Kinematics, config: SuspensionConfig | None = None) -> None:
        self.config = config or SuspensionConfig()
        self._kinematics = kinematics
        self._samples: deque[tuple[int, float, float]] = deque()

    def reset(self) -> None:
        """Begin anew with a robot whose feet carry."""
        self._samples.clear()

    def update(self, state: RobotState) -> bool:
        """Take in one measurement and return whether the robot hangs."""
        config, samples = self.config, self._samples
        up = rotation_matrix(state.orientation_wxyz)[2]
        wrenches = self._kinematics.foot_wrenches(state.joint_position, state.joint_torque)
        loads = np.maximum(wrenches[:, :3] @ up, 0.0)
        # A stretched leg is a strut: what it carries turns no joint.
        loads[state.joint_position.take(self._kinematics.knees) < config.straight] = np.inf
        load = float(loads.sum())
        samples.append((state.t_ns, load, float(up @ state.acceleration)))
        begin_ns = state.t_ns - round(config.over_s * 1e9)
        if samples[0][0] > begin_ns:
            return False
        while samples[0][0] < begin_ns:
            samples.popleft()
        _, load, felt = np.mean(samples, axis=0)
        return bool(load < config.load_max and felt >= config.borne_min)
