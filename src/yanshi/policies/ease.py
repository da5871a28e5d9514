"""Let one policy take over from another without a jump."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import JointTarget

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseConfig:
    """How softly targets change hands."""

    rate: float = 5.0
    """Fastest change of a joint's target, rad/s."""
    period_s: float = 0.02
    """Between two targets."""

    @property
    def step(self) -> float:
        """Largest change of a joint's target in a tick, rad."""
        return self.rate * self.period_s


class Ease:
    """Goes from the last policy's target to the next one's; pass each target through it.

    Each joint's target changes no faster than `rate` until it has caught up with what the next
    policy wants; from then on that goes through as it is.
    """

    def __init__(self, last: Array, config: EaseConfig | None = None) -> None:
        """Begin at the last target before, joint angles in rad, shape (n_joints,)."""
        self.config = config or EaseConfig()
        self._last = last
        self._is_caught = np.zeros(len(last), dtype=bool)

    def __call__(self, target: JointTarget) -> JointTarget:
        """Return what to send instead of the next policy's target."""
        wanted, step = target.position, self.config.step
        self._is_caught |= np.abs(wanted - self._last) <= step
        if self._is_caught.all():
            return target
        self._last = np.where(self._is_caught, wanted, eased(self._last, wanted, step))
        return replace(target, position=self._last)


def eased(before: Array, wanted: Array, step: float) -> Array:
    """Return `wanted`, or as far towards it as a step of at most `step` in each joint goes."""
    result: Array = before + np.clip(wanted - before, -step, step)
    return result
