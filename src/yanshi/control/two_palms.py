"""How two hands hold a box between them.

A Dex3's thumb stands out before its palm, so no palm lies flat on a wall. With the thumb closed and
the fingers straight, the thumb's knuckle and both fingertips touch a plane that is turned by
`TOE_IN` from the palm, and every joint that is pushed is at its stop. Two such hands, one on each
side, press a box between six points; it hangs by friction from a line a little above its middle.
"""

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import LEFT, RIGHT

Pose = NDArray[np.float64]
"""Shape (4, 4)."""

CLOSURE = (1.0, 0.0, 0.0)
"""Of thumb, index and middle finger."""
TOE_IN = 0.37
"""How far the fingers are turned towards the box, rad."""
TIP_DOWN = 0.1
"""Pitch of the fingers, rad."""
TOUCH = (0.055, 0.024)
"""Middle of the touched line in the palm's frame: along the fingers and before the palm, m."""
PUSH_AT = (0.06, 0.0, 0.0)
"""Where the arm's push acts, in the palm's frame, m: so that knuckle and fingertips share it."""
BEHIND_M = 0.025
"""The touched line's middle is so far behind the box's: the fingertips bear more."""
ABOVE_M = 0.04
"""A box is held so far above its middle, so that it hangs."""
LOW_M, RIM_M = 0.065, 0.04
"""The hand's half height and some air: from the box's bottom, and from its top."""


def grip_height(height: float) -> float:
    """Return how far above its middle a box of a height is touched, m."""
    half = 0.5 * height
    return float(np.clip(ABOVE_M, LOW_M - half, half - RIM_M))


def palms_about(size: tuple[float, float, float], gap: float = 0.0) -> tuple[Pose, Pose]:
    """Return the poses of the left and the right palm in the frame of a box, x ahead, z up.

    Args:
        size: Of the box, along the way the robot faces, across it, and its height, m.
        gap: Air between hands and box, m.
    """
    left, right = (_palm(side, size, gap) for side in (LEFT, RIGHT))
    return left, right


def _palm(side: int, size: tuple[float, float, float], gap: float) -> Pose:
    out = 1.0 if side == LEFT else -1.0
    cos, sin = np.cos(TIP_DOWN), np.sin(TIP_DOWN)
    tip = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    cos, sin = np.cos(TOE_IN), -out * np.sin(TOE_IN)
    T = np.eye(4)
    T[:3, :3] = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]) @ tip
    touched = np.array([BEHIND_M, out * (0.5 * size[1] + gap), grip_height(size[2])])
    T[:3, 3] = touched - T[:3, :3] @ np.array([TOUCH[0], -out * TOUCH[1], 0.0])
    return T
