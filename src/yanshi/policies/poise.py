"""Keep a standing robot's pelvis where it came to rest.

A walker that stands sways against arms that move, and creeps: it feels how it leans, not where it
is. An outer loop about it knows that from the legs. Where the pelvis is too far ahead the walker is
shown a robot that leans ahead more than it does, and leans back; what it is off its heading is
turned back at the hips. Nothing is learnt, and the feet stay where they are.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import rotation_matrix
from yanshi.core.messages import RobotState
from yanshi.robots.spec import RobotSpec

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoiseConfig:
    """How firmly the pelvis is kept. Tried on 16 stops each; twice as firm, it begins to swing."""

    after_s: float = 0.5
    """So long the robot must have been told to stand, in one posture."""
    lean: float = 1.0
    """How far it seems to lean for each metre that it is off, rad/m …"""
    lean_ahead_s: float = 0.2
    """… where it will be so much later."""
    lean_max: float = 0.12
    """rad."""
    smoothing_s: float = 0.06
    """Time constant of its speed: encoders are noisy."""
    turn: float = 1.0
    """How far the hips turn back for each rad that it is off its heading."""
    turn_max: float = 0.2
    """rad."""
    lost_m: float = 0.12
    """Who is off by more has been pushed or has stepped: what counts then is where it is now."""
    spin_max: float = 0.5
    """A pelvis that turns faster, rad/s, has not come to rest."""


class Poise:
    """The outer loop. `release`, or `hold` once a period; then read `lean` and `turn`."""

    def __init__(
        self,
        robot: RobotSpec,
        kinematics: Kinematics,
        period_s: float,
        config: PoiseConfig | None = None,
    ) -> None:
        self.config = config or PoiseConfig()
        self.hips = robot.joint_indices(["left_hip_yaw", "right_hip_yaw"])
        self._kinematics = kinematics
        self._period_s = period_s
        self._ticks = 0
        self._anchor: Array | None = None
        self._off = np.zeros(2)
        self._speed = np.zeros(2)
        self._heading = 0.0
        self.lean = np.zeros(2)
        """What is added to the direction of gravity as the walker sees it, x and y, rad."""
        self.turn = 0.0
        """What is added to the targets of both hips' yaw, rad."""

    def release(self) -> None:
        """Forget where the robot stood: it walks, crouches, or is somebody else's."""
        self._ticks = 0
        self._let_go()

    def hold(self, state: RobotState) -> None:
        """Take in one measurement of a robot that is to stand."""
        config = self.config
        self._ticks += 1
        if self._ticks * self._period_s < config.after_s:
            return
        place, heading = self._measure(state)
        if self._anchor is None:
            if float(np.abs(state.angular_velocity).max()) < config.spin_max:
                self._anchor, self._heading = place, heading
                self._off = np.zeros(2)
            return
        off = place - self._anchor
        if not float(np.abs(off).max()) < config.lost_m:  # True for NaN, too.
            self._let_go()
            return
        share = self._period_s / (self._period_s + config.smoothing_s)
        self._speed += share * ((off - self._off) / self._period_s - self._speed)
        self._off = off
        lean = config.lean * (off + config.lean_ahead_s * self._speed)
        self.lean = np.clip(lean, -config.lean_max, config.lean_max)
        turned = (heading - self._heading + math.pi) % (2.0 * math.pi) - math.pi
        self.turn = min(max(config.turn * turned, -config.turn_max), config.turn_max)

    def _let_go(self) -> None:
        self._anchor = None
        self._speed = np.zeros(2)
        self.lean = np.zeros(2)
        self.turn = 0.0

    def _measure(self, state: RobotState) -> tuple[Array, float]:
        """Return where the pelvis is from between the feet, ahead and left, m, and its heading."""
        world_from_pelvis = rotation_matrix(state.orientation_wxyz)
        heading = math.atan2(world_from_pelvis[1, 0], world_from_pelvis[0, 0])
        feet = self._kinematics.soles_in_pelvis(state.joint_position).mean(axis=(0, 1))
        x, y, _ = -(world_from_pelvis @ feet)
        cos, sin = math.cos(heading), math.sin(heading)
        return np.array([cos * x + sin * y, cos * y - sin * x]), heading
