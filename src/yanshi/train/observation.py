"""What the networks of a fleet see: terms side by side, some of them with their past.

The same `Term`s stand in the contract that a trained policy is shipped with, so training and
running cannot disagree about what lies where.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yanshi.policies.contract import Term

Mirror = tuple[NDArray[np.intp], NDArray[np.float32]]
"""How a vector looks in a mirror: `sign * vector[twin]`."""


def layout(rows: Sequence[tuple[str, int, float, int]]) -> tuple[Term, ...]:
    """Return terms of (name, width, scale, history), one after the other."""
    terms: list[Term] = []
    start = 0
    for name, width, scale, history in rows:
        terms.append(Term(name=name, start=start, width=width, scale=scale, history=history))
        start = terms[-1].stop
    return tuple(terms)


def add_noise(
    values: dict[str, NDArray[Any]], noise: Mapping[str, float], rng: np.random.Generator
) -> None:
    """Add an even error of at most so much, before scaling, to each term that is named."""
    for name, most in noise.items():
        error = rng.random(values[name].shape, dtype=np.float32)
        values[name] = values[name] + most * (2.0 * error - 1.0)


def mirror_of(terms: Sequence[Term], mirrors: Mapping[str, Mirror]) -> Mirror:
    """Return the mirror of the whole vector from the mirrors of its terms.

    Args:
        terms: What the vector consists of.
        mirrors: By name of a term; those not named are the same in a mirror.
    """
    twins, signs = [], []
    for term in terms:
        same = (np.arange(term.width), np.ones(term.width, np.float32))
        twin, sign = mirrors.get(term.name, same)
        for tick in range(term.history):
            twins.append(term.start + tick * term.width + np.asarray(twin))
            signs.append(sign)
    return np.concatenate(twins), np.concatenate(signs).astype(np.float32)


class Observation:
    """The observations of `n` robots, shape (n, width), with the past of each term."""

    def __init__(self, terms: Sequence[Term], n: int) -> None:
        self.terms = tuple(terms)
        self.values = np.zeros((n, terms[-1].stop), np.float32)
        self._fresh = np.ones(n, dtype=bool)

    def start(self, who: NDArray[np.intp]) -> None:
        """Forget some robots' past: their next tick stands for it."""
        self._fresh[who] = True

    def add(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Take in one tick, by name of the term, unscaled; return all observations."""
        self._shift_inplace(self.values, values)
        fresh = self._fresh
        if fresh.any():
            for term in self.terms:
                block, width = self.values[:, term.start : term.stop], term.width
                block[fresh, width:] = np.tile(block[fresh, :width], term.history - 1)
        fresh[:] = False
        return self.values

    def peek(self, values: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Return the observations as one more tick would make them, without taking it in."""
        seen = self.values.copy()
        self._shift_inplace(seen, values)
        return seen

    def _shift_inplace(
        self, seen: NDArray[np.float32], values: Mapping[str, NDArray[np.float64]]
    ) -> None:
        """Move the past of each term by one tick and put the newest before it."""
        for term in self.terms:
            block, width = seen[:, term.start : term.stop], term.width
            if term.history > 1:
                block[:, width:] = block[:, :-width].copy()
            block[:, :width] = term.scale * values[term.name]

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return what was seen so far."""
        return {"values": self.values.copy(), "fresh": self._fresh.copy()}

    def load_state_dict(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from what was seen."""
        self.values[:] = state["values"]
        self._fresh[:] = state["fresh"]
