"""A lithium-ion battery that runs down: charge, voltage under load, and its own heat.

The voltage is that of its charge less what its resistance takes, U = U₀(charge) − R·I, and the
load takes P = U·I; of the two currents that do, the smaller is drawn.
"""

import math
from dataclasses import dataclass, field

import numpy as np

CHARGES = (0.0, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0)
CELL_VOLT = (3.0, 3.3, 3.42, 3.54, 3.69, 3.98, 4.2)
"""Voltage of a cell at rest at these charges; the usual curve of NMC cells, recollection."""
NOMINAL_VOLT = 3.7
CELL_OHM_AH = 0.12
"""Resistance of a cell times its capacity: 40 mΩ at 3 Ah; recollection, not verified."""
LOW, EMPTY = 0.2, 0.1
"""Charge below which the robot says so, and below which it takes on nothing and sits down."""


@dataclass(slots=True)
class Battery:
    """One battery."""

    capacity_wh: float
    charge: float = 1.0
    """0 to 1."""
    cells: int = 13
    """In a row: 48 V."""
    volt: float = field(init=False)
    """Under the load of the last tick."""
    least_volt: float = field(init=False)
    heat_joules: float = 0.0
    """Lost in its own resistance."""
    drawn_joules: float = 0.0
    """Given to the load."""
    is_overdrawn: bool = False
    """Whether a load ever asked for more than it can give."""
    _ohm: float = field(init=False)
    _ampere_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        hours = self.capacity_wh / (self.cells * NOMINAL_VOLT)
        self._ampere_seconds = hours * 3600.0
        self._ohm = self.cells * CELL_OHM_AH / hours
        self.volt = self.least_volt = self.open_volt

    @property
    def open_volt(self) -> float:
        """The voltage without a load."""
        return self.cells * float(np.interp(self.charge, CHARGES, CELL_VOLT))

    @property
    def is_low(self) -> bool:
        """Whether it is time to say so."""
        return self.charge < LOW

    @property
    def is_empty(self) -> bool:
        """Whether it is time to sit down."""
        return self.charge < EMPTY

    def drain(self, watt: float, tick_s: float) -> None:
        """Give a load its power for one tick, as far as there is any."""
        rest = self.open_volt
        most = rest * rest / (4.0 * self._ohm)
        if watt > most:
            self.is_overdrawn, watt = True, most
        root = math.sqrt(max(0.0, rest * rest - 4.0 * self._ohm * watt))
        ampere = (rest - root) / (2.0 * self._ohm)
        self.volt = rest - self._ohm * ampere
        self.least_volt = min(self.least_volt, self.volt)
        self.drawn_joules += watt * tick_s
        self.heat_joules += self._ohm * ampere * ampere * tick_s
        self.charge = max(0.0, self.charge - ampere * tick_s / self._ampere_seconds)
