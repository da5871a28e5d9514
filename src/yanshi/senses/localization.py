"""Where the pelvis is on the map: the legs from tick to tick, the eyes against what adds up.

Reckoning by the legs drifts, and is worth little where the robot is pushed over. How far it may
be off by now, in place and heading, is kept as the covariance of a Kalman filter; every picture
in which walls and furniture can be told lessens it (`map_match.py`). The map and what is
remembered stay put: the robot's place moves, slowly, so that who walks by it is not startled.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import Kinematics
from yanshi.core.frames import pose_matrix
from yanshi.core.messages import BaseEstimate, RobotState
from yanshi.senses.map_match import Match, Viewpoint
from yanshi.senses.odometry import Odometry

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizationConfig:
    """How far reckoning is trusted, and how fast it is put right."""

    drift_per_m: float = 0.05
    """Standard deviation of the place after a metre's way from a known one, m."""
    heading_drift: float = 1e-3
    """Standard deviation of the heading a second after it was known, rad."""
    fall_m: float = 0.45
    """What a fall adds to the standard deviation of the place, m. Measured: 0.4 m while the feet
    slide and kick before it is noticed, 0.2 m while the body rolls."""
    fall_heading: float = 0.02
    """What it adds to that of the heading, rad."""
    known: tuple[float, float, float] = (0.015, 0.015, 0.004)
    """Standard deviations below which no number of pictures brings place, m, and heading, rad."""
    surprise_max: float = 3.5
    """A picture that asks for a shift of more standard deviations than this is not believed …"""
    doubt_m: float = 0.02
    """… but shakes the belief by this much, m: what many pictures ask for comes true."""
    speed: float = 0.3
    """How fast the place is shifted, m/s …"""
    turn_speed: float = 0.05
    """… and the heading, rad/s."""


class Localization:
    """Follows the pelvis on a map, from where the robot is switched on."""

    def __init__(
        self,
        kinematics: Kinematics,
        start: tuple[float, float, float],
        config: LocalizationConfig | None = None,
    ) -> None:
        """Begin at `start`: x, y in m and heading in rad on the map, at switch-on."""
        self.config = config or LocalizationConfig()
        self._kinematics = kinematics
        self._odometry = Odometry(kinematics, start)
        self._covariance = np.diag(np.square(self.config.known))
        self._owed = np.zeros(3)  # What has still to be added to x, y and yaw.
        self._paid = np.zeros(3)  # What has been added.
        self._has_feet = True
        self._stand = 0
        self._base: BaseEstimate | None = None

    def update(self, state: RobotState, *, has_feet: bool = True) -> BaseEstimate:
        """Take in one measurement and return where the pelvis is now.

        Args:
            state: What joints and IMU measured.
            has_feet: Whether the feet carry; if not, any part of the body may.
        """
        before = self._base
        elapsed_s = (state.t_ns - before.t_ns) * 1e-9 if before else 0.0
        if has_feet != self._has_feet:
            self._has_feet = has_feet
            self._stand += 1
            if not has_feet:
                fall = (self.config.fall_m, self.config.fall_m, self.config.fall_heading)
                self._covariance += np.diag(np.square(fall))
        if has_feet:
            self._pay(elapsed_s)
        base = self._odometry.update(state, has_feet=has_feet)
        if before:
            self._doubt(float(math.dist(base.position[:2], before.position[:2])), elapsed_s)
        self._base = replace(base, position_sd=self._position_sd())
        return self._base

    def viewpoint(self, state: RobotState) -> Viewpoint:
        """Return where a picture is taken from at the last update, whose state this is."""
        base = self._base
        assert base is not None
        map_from_pelvis = pose_matrix(base.position, base.orientation_wxyz)
        pelvis_from_camera = self._kinematics.pelvis_from_head_camera(state.joint_position)
        centre = base.position[:2]
        return Viewpoint(
            map_from_camera=_shift(map_from_pelvis @ pelvis_from_camera, centre, self._owed),
            centre=centre + self._owed[:2],
            covariance=self._covariance.copy(),
            learnt=self._owed + self._paid,
            stand=self._stand,
        )

    def correct(self, viewpoint: Viewpoint, match: Match | None) -> Array:
        """Learn from a picture how far the place is off.

        Args:
            viewpoint: Where it was taken from.
            match: What it tells, if it tells anything.

        Returns:
            Where the camera was, as is believed now, shape (4, 4).
        """
        if viewpoint.stand != self._stand or not self._has_feet:
            return viewpoint.map_from_camera  # The legs have been off the floor since.
        since = self._owed + self._paid - viewpoint.learnt
        more = (
            np.zeros(3) if match is None else self._believe(match.shift - since, match.information)
        )
        self._owed += more
        return _shift(viewpoint.map_from_camera, viewpoint.centre, since + more)

    def _believe(self, shift: Array, information: Array) -> Array:
        """Update the covariance and return how much of a shift that was seen is believed."""
        after = np.linalg.inv(np.linalg.inv(self._covariance) + information)
        surprise = shift @ (information - information @ after @ information) @ shift
        if surprise > self.config.surprise_max**2:
            self._covariance += np.diag([self.config.doubt_m**2, self.config.doubt_m**2, 0.0])
            return np.zeros(3)
        floor = np.square(self.config.known)
        missing = np.maximum(floor - np.diag(after), 0.0)
        self._covariance = 0.5 * (after + after.T) + np.diag(missing)
        return np.asarray(after @ information @ shift)

    def _pay(self, elapsed_s: float) -> None:
        """Put a little of what is owed right."""
        if not self._owed.any():
            return
        away = float(np.hypot(*self._owed[:2]))
        share = min(1.0, self.config.speed * elapsed_s / away) if away else 0.0
        turn = self.config.turn_speed * elapsed_s
        step = np.array([*(share * self._owed[:2]), np.clip(self._owed[2], -turn, turn)])
        self._odometry.shift(step)
        self._owed -= step
        self._paid += step

    def _doubt(self, moved: float, elapsed_s: float) -> None:
        place = self.config.drift_per_m**2 * moved
        heading = self.config.heading_drift**2 * elapsed_s
        self._covariance += np.diag([place, place, heading])

    def _position_sd(self) -> float:
        (xx, xy, _), (_, yy, _), _ = self._covariance.tolist()
        largest = 0.5 * (xx + yy) + math.hypot(0.5 * (xx - yy), xy)  # Of its eigenvalues.
        x, y, _ = self._owed.tolist()
        return math.hypot(math.sqrt(largest), x, y)


def _shift(map_from_camera: Array, centre: Array, shift: Array) -> Array:
    """Return a pose shifted by x and y and turned by yaw about an upright axis."""
    cos, sin = math.cos(shift[2]), math.sin(shift[2])
    R = np.array([[cos, -sin], [sin, cos]])
    T = map_from_camera.copy()
    T[:2, :3] = R @ T[:2, :3]
    T[:2, 3] = centre + shift[:2] + R @ (map_from_camera[:2, 3] - centre)
    return T
