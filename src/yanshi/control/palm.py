"""How a palm is turned, and where a thing is in it, when it takes the thing.

From above the palm faces down with its fingers tipped a little, so that the fingertips come down on
the far side of the thing and the thumb on the near side. From the side the palm is upright and the
fingers point ahead. Measured with cubes of 4 to 6 cm and cylinders of 3 to 7 cm in MuJoCo.
"""

from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import LEFT


class Approach(Enum):
    """From where a hand comes to a thing."""

    ABOVE = "above"
    SIDE = "side"


class Lean(NamedTuple):
    """How a palm leans beside what its approach says."""

    roll: float = 0.0
    """About its fingers, rad: a positive one leans a palm from above outwards, as if it came from
    the side, a negative one inwards."""
    tip: float = 0.0
    """How much farther the fingers point down, rad."""


NO_LEAN = Lean()
TIP_DOWN = 0.3
"""Pitch of the fingers from above, rad. Flat ones push the thing to the thumb's root; at 0.6 the
fingers close above things less than 5 cm high."""
GRIP_AHEAD_M = 0.01
"""The middle of a held thing lies this far along the fingers from the palm's middle …"""
GRIP_DEPTH_M = 0.07
"""… and this far before it, from above."""
PALM_FACE_M = 0.0125
"""How far the palm's surface is before its middle."""
PALM_AIR_M = 0.015
"""From the side, air between the palm's surface and the thing before the fingers close."""
_MIRROR = np.diag([1.0, -1.0, 1.0])


def palm_turn(
    approach: Approach, side: int, heading: float, lean: Lean = NO_LEAN
) -> NDArray[np.float64]:
    """Return the rotation of a palm in a level frame, shape (3, 3).

    Args:
        approach: From where the hand comes.
        side: `LEFT` or `RIGHT`.
        heading: To where the fingers point, rad, from x to the left.
        lean: How the palm leans then.
    """
    turn = _FROM_ABOVE if approach is Approach.ABOVE else np.eye(3)
    turn = _about_y(lean.tip) @ turn @ _about_x(lean.roll)
    if side == LEFT:
        turn = _MIRROR @ turn @ _MIRROR
    cos, sin = np.cos(heading), np.sin(heading)
    turned: NDArray[np.float64] = (
        np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ turn
    )
    return turned


def _about_x(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def _about_y(angle: float) -> NDArray[np.float64]:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def grip_in_palm(approach: Approach, side: int, width: float = 0.05) -> NDArray[np.float64]:
    """Return where the middle of a thing should be in the palm's frame before it is grasped, (3,).

    Args:
        approach: From where the hand comes.
        side: `LEFT` or `RIGHT`.
        width: Of the thing across the palm, m; counts from the side.
    """
    depth = GRIP_DEPTH_M
    if approach is Approach.SIDE:
        depth = PALM_FACE_M + PALM_AIR_M + 0.5 * width
    return np.array([GRIP_AHEAD_M, -depth if side == LEFT else depth, 0.0])


_FROM_ABOVE = _about_y(TIP_DOWN) @ _about_x(-0.5 * np.pi)
"""Of the right palm: its face, y, to the floor, then tipped."""
