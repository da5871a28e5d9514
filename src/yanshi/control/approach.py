"""Which velocity brings a walking robot to a pose: straight at it, faster from farther away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproachConfig:
    """How eagerly, and when it is near enough to stand."""

    gain: float = 1.2
    """Speed by distance, 1/s."""
    turn_gain: float = 2.0
    """Turning speed by angle, 1/s."""
    speed_max: tuple[float, float, float] = (0.8, 0.4, 1.0)
    """Bounds ahead and to the side, m/s, and of turning, rad/s."""
    arrived_m: float = 0.04
    arrived_rad: float = 0.04
    left_m: float = 0.10
    """Standing, it walks again when it is farther than this …"""
    left_rad: float = 0.10
    """… or turned farther than this."""


def approach(
    error: NDArray[np.float64], is_standing: NDArray[np.bool_], config: ApproachConfig
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return velocities towards goals, and who stands because it has arrived.

    Args:
        error: From each robot to its goal in the robot's own axes: ahead and to the left, m, and
            to the left, rad; shape (n, 3).
        is_standing: Who stood before, shape (n,).

    Returns:
        Velocities ahead and to the left, m/s, and turning to the left, rad/s, zero for those that
        stand, shape (n, 3); and who stands, shape (n,).
    """
    distance = np.hypot(error[:, 0], error[:, 1])
    angle = np.abs(error[:, 2])
    near = np.where(is_standing, config.left_m, config.arrived_m)
    turned = np.where(is_standing, config.left_rad, config.arrived_rad)
    stands = (distance < near) & (angle < turned)
    velocity = error * (config.gain, config.gain, config.turn_gain)
    most = np.asarray(config.speed_max)
    # Bounded in its direction: what is straight ahead is walked to straight.
    excess = np.maximum(1.0, np.abs(velocity[:, :2] / most[:2]).max(axis=1))
    velocity[:, :2] /= excess[:, None]
    velocity[:, 2] = np.clip(velocity[:, 2], -most[2], most[2])
    velocity[stands] = 0.0
    return velocity, stands
