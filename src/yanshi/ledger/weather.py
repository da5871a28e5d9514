"""What becomes of an exchange over a link: how late it is, or that it is lost; from a seed.

Delays are log-normal around the link's median, there and back; outages come and go by themselves,
the times between them and their lengths exponential.
"""

import math
import random
from dataclasses import dataclass, field

from yanshi.ledger.catalog import Link


@dataclass(slots=True)
class Weather:
    """A link as it is in one run."""

    link: Link
    seed: int = 0
    _rng: random.Random = field(init=False)
    _outages: random.Random = field(init=False)
    _begins_s: float = field(init=False)
    _ends_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"exchanges {self.seed}")
        self._outages = random.Random(f"outages {self.seed}")
        self._begins_s = self._ends_s = 0.0
        self._next_outage()

    def passage_s(self, t_s: float, bytes_up: int, bytes_down: int) -> float | None:
        """Return how long an exchange is under way, there and back, or None when it is lost.

        Args:
            t_s: When it begins; never earlier than the one before.
            bytes_up: What is sent.
            bytes_down: What is received.
        """
        link = self.link
        delays = [self._rng.lognormvariate(0.0, link.delay_spread) for _ in range(2)]
        is_lost = self._rng.random() < link.loss
        while t_s >= self._ends_s and link.outage_every_s:
            self._next_outage()
        is_out = bool(link.outage_every_s) and t_s >= self._begins_s
        if link.delay_ms is None or is_lost or is_out:
            return None
        carried_s = 8e-6 * (
            bytes_up / (link.up_mbit_s or math.inf) + bytes_down / (link.down_mbit_s or math.inf)
        )
        return link.delay_ms * 1e-3 * sum(delays) + carried_s

    def _next_outage(self) -> None:
        if self.link.outage_every_s:
            self._begins_s = self._ends_s + self._outages.expovariate(1 / self.link.outage_every_s)
            self._ends_s = self._begins_s + self._outages.expovariate(1 / self.link.outage_s)
