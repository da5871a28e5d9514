"""How a Dex3 hand opens, closes round a thing, and tells that it holds it.

Three digits close against each other: the thumb swings ahead, the index and the middle finger curl
towards the side that the palm faces. Each has a *closure* from 0 (open) to 1 (closed). Their motors
are soft springs, so a digit that meets a thing stops there while its target goes on and its torque
grows: closing ends when the torque does, and the same torque later tells that the thing is still
between them. A robot feels nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yanshi.control.kinematics import RIGHT
from yanshi.robots.spec import RobotSpec

THUMB, INDEX, MIDDLE = range(3)
OPEN = (0.0, 0.0, 0.0)
"""Wide open: the thumb back, the fingers straight."""
CAGE = (0.0, 0.28, 0.28)
"""Fingers bent, to come down over a thing without touching what it stands on."""
FINGER_JOINTS = (
    "thumb_0",
    "thumb_1",
    "thumb_2",
    "index_0",
    "index_1",
    "middle_0",
    "middle_1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GripConfig:
    """How a hand closes and what counts as holding."""

    tick_s: float = 0.02
    """Period of `close`."""
    speed: float = 0.9
    """Closure per second."""
    grip_torque: float = 0.6
    """A digit presses with this, N·m, about 9 N at its tip; its motors can do 1.4."""
    hold_torque: float = 1.0
    """… and with this when what it carries is to bear steps: palms go up and down by 10 cm."""
    held_torque: float = 0.25
    """A digit that bears less, N·m, touches nothing."""
    empty_closure: float = 0.9
    """Digits that are closed farther than this have nothing between them."""


class Fingers:
    """The seven finger joints of one hand. It keeps no state: closures come in and go out."""

    def __init__(self, robot: RobotSpec, side: int, config: GripConfig | None = None) -> None:
        """Find the joints.

        Args:
            robot: Has Dex3 hands.
            side: `LEFT` or `RIGHT`.
            config: How it closes.

        Raises:
            UnknownNameError: The robot has no such hands.
        """
        self.config = config or GripConfig()
        prefix = ("left", "right")[side]
        self.joints = robot.joint_indices(f"{prefix}_hand_{name}" for name in FINGER_JOINTS)
        """Places of the seven joints in every joint array, as in `FINGER_JOINTS`."""
        mirror = -1.0 if side == RIGHT else 1.0
        self._open = mirror * np.array(_OPEN_LEFT)
        self._stroke = mirror * np.array(_CLOSED_LEFT) - self._open

    def angles(self, closure: ArrayLike) -> NDArray[np.float64]:
        """Return the angles of the seven joints for the closures of the three digits, rad."""
        angles: NDArray[np.float64] = (
            self._open + self._stroke * np.clip(closure, 0.0, 1.0)[_DIGIT_OF]
        )
        return angles

    def closure(self, joint_position: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each digit is closed, by the joint of it that is closed least, (3,)."""
        shares = (joint_position[self.joints] - self._open)[_MOVING] / self._stroke[_MOVING]
        closure: NDArray[np.float64] = shares.reshape(3, 2).min(axis=1)
        return closure

    def load(self, joint_torque: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how hard each digit presses in the direction of closing, N·m, shape (3,)."""
        torque = (joint_torque[self.joints] * np.sign(self._stroke))[_MOVING]
        load: NDArray[np.float64] = torque.reshape(3, 2).max(axis=1)
        return load

    def close(
        self,
        closure: NDArray[np.float64],
        joint_torque: NDArray[np.float64],
        *,
        firmly: bool = False,
    ) -> NDArray[np.float64]:
        """Return the closures to command next: those that do not yet press close on.

        Args:
            closure: What was commanded last, shape (3,).
            joint_torque: Of all joints, as measured, N·m.
            firmly: Whether they press as hard as for walking.
        """
        wanted = self.config.hold_torque if firmly else self.config.grip_torque
        is_loose = self.load(joint_torque) < wanted
        step = self.config.speed * self.config.tick_s
        closed: NDArray[np.float64] = np.minimum(closure + step * is_loose, 1.0)
        return closed

    def has_closed(self, closure: NDArray[np.float64], joint_torque: NDArray[np.float64]) -> bool:
        """Tell whether closing has ended: each digit presses on something or is all closed."""
        presses = self.load(joint_torque) >= self.config.grip_torque
        return bool((presses | (closure >= 1.0)).all())

    def holds(
        self,
        joint_position: NDArray[np.float64],
        joint_torque: NDArray[np.float64],
        *,
        is_low: bool = False,
    ) -> bool:
        """Tell whether a thing is between thumb and fingers, by what the joints feel.

        Args:
            joint_position: Of the whole robot, rad, shape (n_joints,).
            joint_torque: Of the whole robot, N·m, shape (n_joints,).
            is_low: Whether the thing is so low that the fingers may close over it: the thumb then
                presses it into a fist. Of anything higher a fist is empty, or holds another.
        """
        is_loaded = self.load(joint_torque) >= self.config.held_torque
        is_short = self.closure(joint_position) < self.config.empty_closure
        pinches = is_loaded & is_short
        is_fist = is_low and not (is_short[INDEX] or is_short[MIDDLE])
        return bool(pinches[THUMB] and (pinches[INDEX] or pinches[MIDDLE] or is_fist))


# Left hand, rad, as in `FINGER_JOINTS`; the right hand's have the other sign. The thumb's base
# stays in the middle, where it bends in a plane between the fingers.
_OPEN_LEFT = (0.0, -0.7, 0.0, 0.0, 0.0, 0.0, 0.0)
_CLOSED_LEFT = (0.0, 1.0, 1.2, -1.5, -1.7, -1.5, -1.7)
_DIGIT_OF = np.array([THUMB, THUMB, THUMB, INDEX, INDEX, MIDDLE, MIDDLE])
_MOVING = np.array([1, 2, 3, 4, 5, 6])
"""Joints that close; two for each digit."""
