"""Let one policy take over from another without a jump."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from yanshi.core.messages import JointTarget

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseConfig:
    """How softly targets change hands."""

    duration_s: float = 0.3
    """Time over which the next policy's targets are eased in."""
    rate: float = 5.0
    """Fastest change of a joint's target meanwhile, rad/s."""
    period_s: float = 0.02
    """Between two targets."""

    @property
    def step(self) -> float:
        """Largest change of a joint's target in a tick, rad."""
        return self.rate * self.period_s

    @property
    def ticks(self) -> int:
        """How many targets are eased."""
        return round(self.duration_s / self.period_s)


class Ease:
    """Goes from the last policy's target to the next one's; pass each target through it.

    Its first targets are reached no faster than `rate`; after `duration_s` they go through as
    they are.
    """

    def __init__(self, last: Array, config: EaseConfig | None = None) -> None:
        """Begin at the last target before, joint angles in rad, shape (n_joints,)."""
        self.config = config or EaseConfig()
        self._last = last
        self._ticks = 0

    def __call__(self, target: JointTarget) -> JointTarget:
        """Return what to send instead of the next policy's target."""
        self._ticks += 1
        if self._ticks > self.config.ticks:
            return target
        self._last = eased(self._last, target.position, self.config.step)
        return replace(target, position=self._last)


def eased(before: Array, wanted: Array, step: float) -> Array:
    """Return `wanted`, or as far towards it as a step of at most `step` in each joint goes."""
    result: Array = before + np.clip(wanted - before, -step, step)
    return result
