"""How hot the motors may get, and when what follows from it ends.

The hottest motor counts. A level is taken up at once and left only when that motor has been clearly
cooler for a while, so that a temperature that swings about a bound changes nothing again and again.
"""

from dataclasses import dataclass

from yanshi.safety.faults import Fault

LEVELS = (Fault.MOTOR_WARM, Fault.MOTOR_HOT, Fault.MOTOR_SCORCHED)
"""From mild to severe."""
WARM_SPEED = 0.25
"""How fast a robot may walk with warm motors, m/s: as near people. Else it walks at 0.4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatConfig:
    """Bounds in °C."""

    bounds_c: tuple[float, float, float] = (80.0, 90.0, 100.0)
    """Where each of `LEVELS` begins: targets of this project's own. Insulation of class B bears
    130 °C (IEC 60085)."""
    cooler_c: float = 5.0
    """A level ends so much below where it began …"""
    cool_s: float = 10.0
    """… when it has been so cool for so long."""


class Heat:
    """Remembers how hot the motors are. Call `update` with each new temperature."""

    def __init__(self, config: HeatConfig | None = None) -> None:
        self.config = config or HeatConfig()
        self._level = 0
        self._cool_since_ns: int | None = None

    def update(self, hottest_c: float, t_ns: int) -> Fault | None:
        """Return what follows from the temperature of the hottest motor, None while it is cool.

        What is no number counts as the worst.
        """
        config = self.config
        level = sum(not hottest_c < bound for bound in config.bounds_c)
        is_cool = level < self._level and (
            hottest_c < config.bounds_c[self._level - 1] - config.cooler_c
        )
        if not is_cool:
            self._cool_since_ns = None
            self._level = max(self._level, level)
        elif self._cool_since_ns is None:
            self._cool_since_ns = t_ns
        elif t_ns - self._cool_since_ns >= config.cool_s * 1e9:
            self._cool_since_ns = None
            self._level = level
        return LEVELS[self._level - 1] if self._level else None
