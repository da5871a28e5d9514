"""What motors draw from the battery and how warm they get.

A motor draws the work that it does and what its winding turns into heat, the square of its torque
times R / K² (resistance over the square of the torque constant, both seen at the joint). Of the
G1's motors only the peak torque and the no-load speed are published. The slope of the line from the
one to the other is R / K² times what the winding would take of the voltage at peak torque:

    R / K² = RESISTIVE · no-load speed / peak torque

with one number for all motors, chosen so that a robot that walks about draws what its published
battery and endurance come to. Nothing flows back: a motor that brakes more than it heats draws 0.
Temperatures follow one time constant (a lumped body); how they are bounded is assumed.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yanshi.robots.spec import JointLimits

RESISTIVE = 0.2
"""Share of the voltage that a winding takes at peak torque. With it and what `ledger/meter.py`
assumes of the rest, a G1 under our walker that goes about a home and dances
(`yanshi run "走到门口，走到沙发，跳舞" --board …`) draws its battery over its endurance, 216 W."""
AMBIENT_C = 25.0
WARM_K, WARM_TORQUE = 80.0, 1.0 / 3.0
"""A motor that is held at this share of its peak torque gets so much warmer than the room;
recollection of rated against peak torques, not verified."""
TIME_CONSTANT_S = 500.0
"""Of a motor and its housing; recollection, not verified."""


@dataclass(slots=True, eq=False)
class Motors:
    """All motors of a robot, in the order of its joints."""

    limits: JointLimits
    work_joules: float = 0.0
    """Torque times speed, where that is positive."""
    copper_joules: float = 0.0
    """Heat of the windings."""
    temperature_c: NDArray[np.float64] = field(init=False)
    """Shape (n_joints,)."""
    _slope: NDArray[np.float64] = field(init=False)
    _kelvin_per_joule: NDArray[np.float64] = field(init=False)
    _copper: NDArray[np.float64] = field(init=False)
    _drawn: NDArray[np.float64] = field(init=False)
    _scratch: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        peak = self.limits.torque
        self._slope = RESISTIVE * self.limits.velocity / peak
        # Held there it comes to rest WARM_K above the room: resistance to cooling, K/W, over the
        # time constant is what a joule warms it by.
        self._kelvin_per_joule = WARM_K / (self._slope * (WARM_TORQUE * peak) ** 2)
        self._kelvin_per_joule /= TIME_CONSTANT_S
        self.temperature_c = np.full(len(peak), AMBIENT_C)
        self._copper, self._drawn, self._scratch = (np.zeros(len(peak)) for _ in range(3))

    def draw(
        self, torque: NDArray[np.float64], velocity: NDArray[np.float64], tick_s: float
    ) -> float:
        """Charge one tick and return the power that it takes from the battery, W.

        Args:
            torque: N·m at the joints, shape (n_joints,).
            velocity: rad/s, same shape.
            tick_s: How long the tick lasts.
        """
        np.multiply(torque, torque, out=self._copper)
        np.multiply(self._copper, self._slope, out=self._copper)
        np.multiply(torque, velocity, out=self._drawn)
        np.maximum(self._drawn, 0.0, out=self._scratch)
        self.work_joules += float(self._scratch.sum()) * tick_s
        self.copper_joules += float(self._copper.sum()) * tick_s
        np.add(self._drawn, self._copper, out=self._drawn)
        np.maximum(self._drawn, 0.0, out=self._drawn)
        self._warm(tick_s)
        return float(self._drawn.sum())

    def _warm(self, tick_s: float) -> None:
        np.subtract(self.temperature_c, AMBIENT_C, out=self._scratch)
        np.multiply(self._scratch, tick_s / TIME_CONSTANT_S, out=self._scratch)
        np.subtract(self.temperature_c, self._scratch, out=self.temperature_c)
        np.multiply(self._copper, self._kelvin_per_joule, out=self._scratch)
        np.multiply(self._scratch, tick_s, out=self._scratch)
        np.add(self.temperature_c, self._scratch, out=self.temperature_c)
