"""Is the robot past catching itself? Told from the IMU and the legs alone.

A walker that is pushed leans, steps and comes back; one that leans far and leans on faster never
does. So what counts is where the lean will be in a moment. A robot whose knees give way stays
upright but sinks: its pelvis comes nearer to its soles than any squat brings it.

Measured with both ready walkers and their dances, squats and bows, and after pushes of 28 to
110 N·s: no robot that stayed up leaned by more than 30°, or came lower than 0.40 m.
"""

import math
from dataclasses import dataclass

from yanshi.core.messages import BaseEstimate, RobotState


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceConfig:
    """When a robot counts as falling. Angles are the pelvis' tilt from upright."""

    tilt_min: float = math.radians(38.0)
    """Less than this, rad, may be a lean that was meant, however fast."""
    tilt_lost: float = math.radians(60.0)
    """This far it is lost …"""
    foresight_s: float = 0.3
    """… and so it is when it would be this far so much later."""
    height_lost: float = 0.36
    """A pelvis this near to the lower sole, m, has sunk."""
    ticks: int = 2
    """How many ticks in a row must say so."""


class Balance:
    """Watches for a fall. Call `update` 50 times a second while the robot should be upright."""

    def __init__(self, config: BalanceConfig | None = None) -> None:
        self.config = config or BalanceConfig()
        self._ticks = 0

    def reset(self) -> None:
        """Begin anew with a robot that stands."""
        self._ticks = 0

    def update(self, state: RobotState, base: BaseEstimate) -> bool:
        """Take in one measurement and return whether the robot is falling or has fallen."""
        self._ticks = self._ticks + 1 if self._is_lost(state, base) else 0
        return self._ticks >= self.config.ticks

    def _is_lost(self, state: RobotState, base: BaseEstimate) -> bool:
        config = self.config
        if float(base.position[2]) < config.height_lost:
            return True
        tilt, rate = tilt_and_rate(state)
        return tilt > config.tilt_min and tilt + config.foresight_s * rate > config.tilt_lost


def tilt_and_rate(state: RobotState) -> tuple[float, float]:
    """Return how far the pelvis leans from upright, rad, and how fast it leans on, rad/s.

    With u the upward direction in the pelvis frame and ω the rotation rate there, u̇ = -ω × u;
    the tilt is the angle whose cosine is u's z.
    """
    w, x, y, z = state.orientation_wxyz.tolist()
    turn_x, turn_y, _ = state.angular_velocity.tolist()
    up_x, up_y = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x)
    sine = math.hypot(up_x, up_y)
    tilt = math.atan2(sine, 1.0 - 2.0 * (x * x + y * y))
    return tilt, (turn_x * up_y - turn_y * up_x) / sine if sine > 1e-6 else 0.0
