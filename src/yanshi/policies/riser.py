"""Get up from the floor, slowly enough to stand beside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Restraint:
    """What keeps a target from asking for violence, whatever the network says."""

    rate: float = 8.0
    """Fastest change of a joint's target, rad/s."""
    torque_share: float = 0.75
    """Largest torque that a target may ask for, as a share of the motor's limit."""


def restrained(
    wish: Array,
    before: Array,
    position: Array,
    velocity: Array,
    *,
    step: float,
    stiffness: Array,
    damping: Array,
    torque: Array,
) -> Array:
    """Return the target nearest to a wish that moves no joint hard or suddenly.

    A target moves by no more than `step` from the last one, and lies so near to where the joint
    is that its spring and damper ask for no more than `torque`.

    Args:
        wish: Wanted joint angles, rad, shape (…, n_joints), as are the next three.
        before: The last target.
        position: Where the joints are.
        velocity: How fast they move, rad/s.
        step: Largest change of a target, rad.
        stiffness: N·m/rad, shape (n_joints,).
        damping: N·m·s/rad, shape (n_joints,).
        torque: N·m, shape (n_joints,).
    """
    target = np.clip(wish, before - step, before + step)
    middle = position + (damping / stiffness) * velocity
    reach = torque / stiffness
    result: Array = np.clip(target, middle - reach, middle + reach)
    return result
