"""How two hands hold a box between them.

A Dex3's thumb stands out before its palm, so no palm lies flat on a wall; a closed fist does. Its
knuckles, thumb and fingertips touch a plane before the palm, every joint that is pushed is at its
stop, and the push passes 10 cm before the wrist, whose yaw bears 5 N·m; that of straight fingers
would pass 15 cm before it. Two fists, one on each side, press a box, which hangs by friction from a
line a little above its middle.
"""

import numpy as np
from numpy.typing import NDArray

from yanshi.control.kinematics import LEFT, RIGHT

Pose = NDArray[np.float64]
"""Shape (4, 4)."""

CLOSURE = (1.0, 1.0, 1.0)
"""Of thumb, index and middle finger."""
TOUCH = (-0.003, 0.05)
"""Middle of the touched patch in the palm's frame: along the fingers and before the palm, m."""
PUSH_AT = (TOUCH[0], 0.0, 0.0)
"""Where the arm's push acts, in the palm's frame, m."""
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
    T = np.eye(4)
    T[:3, 3] = (-TOUCH[0], out * (0.5 * size[1] + gap + TOUCH[1]), grip_height(size[2]))
    return T
