"""Try again what went wrong: moments shortly before failures, kept to begin episodes with.

Most of what a practised robot does succeeds and teaches little. Beginning more often where it
has been failing is an idea of many (for instance prioritized level replay: M. Jiang and others,
2021); here every robot's state is noted once a period, and what was noted before a failure goes
into a store of the latest ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = Mapping[str, NDArray[Any]]
"""Arrays with a row for each robot, by name."""


class Retries:
    """Notes of `n` robots, and the latest ones that led to a failure."""

    def __init__(self, n: int, rows: Rows, *, period: int, room: int) -> None:
        """Prepare room.

        Args:
            n: How many robots there are.
            rows: Everything that a robot's moment consists of, each of shape (n, …).
            period: Ticks between two notes of a robot. What is kept of a failure is the note
                before its last one: one to two periods old.
            room: How many failures are kept.
        """
        self._period, self._room = period, room
        self._notes = {name: _empty(2 * n, array) for name, array in rows.items()}
        """Each robot's last notes, in turns: rows k and n + k are robot k's."""
        self._kept = {name: _empty(room, array) for name, array in rows.items()}
        self._n = n
        self._tick = 0
        self._noted = np.zeros(n, dtype=np.intp)
        """How many notes of its episode each robot has, shape (n,)."""
        self._failures = 0

    def __len__(self) -> int:
        """How many failures are kept."""
        return min(self._failures, self._room)

    def begin(self, who: NDArray[np.intp]) -> None:
        """Forget the notes of robots whose episode begins anew."""
        self._noted[who] = 0

    def note(self, rows: Rows) -> None:
        """Note the robots whose turn it is: each once a period, not all at once."""
        self._tick += 1
        who = np.arange(self._tick % self._period, self._n, self._period)
        places = who + self._n * (self._noted[who] % 2)
        for name, notes in self._notes.items():
            notes[places] = rows[name][who]
        self._noted[who] += 1

    def keep(self, who: NDArray[np.intp]) -> None:
        """Keep what was noted of robots that have failed now; too soon after a start, nothing."""
        who = who[self._noted[who] >= 2]
        older = who + self._n * (self._noted[who] % 2)
        places = (self._failures + np.arange(len(who))) % self._room
        for name, kept in self._kept.items():
            kept[places] = self._notes[name][older]
        self._failures += len(who)

    def put_back(
        self, who: NDArray[np.intp], rows: Rows, rng: np.random.Generator, share: int = 1
    ) -> None:
        """Put robots into moments before failures, drawn at random from those that are kept.

        Args:
            who: The robots, shape (k,).
            rows: As in `note`; written to.
            rng: Draws the moments.
            share: How many robots, one after another, get the same moment; k is a multiple.
        """
        picks = np.repeat(rng.integers(len(self), size=len(who) // share), share)
        for name, kept in self._kept.items():
            rows[name][who] = kept[picks]

    def state_dict(self) -> dict[str, Any]:
        """Return all notes."""
        return {
            "notes": {name: array.copy() for name, array in self._notes.items()},
            "kept": {name: array.copy() for name, array in self._kept.items()},
            "noted": self._noted.copy(),
            "tick": self._tick,
            "failures": self._failures,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with saved notes."""
        for name in self._notes:
            self._notes[name][:] = state["notes"][name]
            self._kept[name][:] = state["kept"][name]
        self._noted[:] = state["noted"]
        self._tick, self._failures = state["tick"], state["failures"]


def _empty(rows: int, like: NDArray[Any]) -> NDArray[Any]:
    return np.zeros((rows, *like.shape[1:]), like.dtype)
