"""What a network sees at one tick: terms side by side, scaled, some of them with their past."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from yanshi.policies.contract import Term

Values = Sequence[float] | NDArray[np.float64]


class Observation:
    """Fills in a network's input, a tick at a time."""

    def __init__(self, terms: Sequence[Term], into: NDArray[np.float32]) -> None:
        """Write into `into`, shape (n,), which stays the network's own."""
        self._into = into
        self._rows = tuple((term.name, term.span) for term in terms)
        self._past = tuple(
            (
                into[term.start + term.width : term.stop],
                into[term.start : term.stop - term.width],
                into[term.span],
            )
            for term in terms
            if term.history > 1
        )
        # What lies in the past has been scaled already.
        self._scale = np.ones(into.shape, np.float32)
        for term in terms:
            self._scale[term.span] = term.scale
        self._is_fresh = True

    def forget(self) -> None:
        """Begin anew: the next tick stands for the past, too."""
        self._is_fresh = True

    def add(self, values: Mapping[str, Values]) -> None:
        """Take in a tick: what was measured and asked, unscaled, by name of the term."""
        into = self._into
        for older, newer, _ in self._past:
            older[:] = newer  # NumPy copies first where the two overlap.
        for name, span in self._rows:
            into[span] = values[name]
        into *= self._scale
        if self._is_fresh:
            self._is_fresh = False
            for older, _, now in self._past:
                older.reshape(-1, len(now))[:] = now


def gravity(orientation_wxyz: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the direction of gravity in a frame of this orientation."""
    # Plain floats: NumPy takes longer over four numbers than Python does.
    w, x, y, z = orientation_wxyz.tolist()
    return 2.0 * (w * y - x * z), -2.0 * (y * z + w * x), 2.0 * (x * x + y * y) - 1.0
