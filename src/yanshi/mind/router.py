"""Which sentences are worth sending away, learnt from what came back.

A sentence is worth sending when the endpoint is likely to answer in time, and then likely to change
the plan. Both are counted (Beta distributions): how often it came in time, whatever the sentence;
and how often its plan differed, apart for each *sort* of sentence: one step or several, and how
sure the on-board model was. Now and then one is sent whatever the counts say, to learn.

The counts of an endpoint are kept in a file, so that the next run begins with them.
"""

import json
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

from yanshi.core.errors import ConfigError
from yanshi.core.files import write_whole

WORTH = 0.12
"""Least chance to gain something for which a sentence is sent."""
CURIOSITY = 0.03
"""Share of the others that is sent to learn."""
SURE, LIKELY = 0.9, 0.6
"""Least probability of every token of a plan for it to be sure, or likely."""
MEMORY = 400.0
"""After so many answers the oldest count half as much."""
DIFFERS: dict[str, tuple[float, float]] = {
    "one step, sure": (0.5, 24.5),
    "one step, likely": (2.0, 8.0),
    "one step, unsure": (4.0, 4.0),
    "several steps, sure": (1.5, 8.5),
    "several steps, likely": (3.0, 7.0),
    "several steps, unsure": (4.0, 4.0),
}
"""Counts to begin with, by sort: plans that differed, and that did not. How often the adapter was
wrong on sentences of its own kind, rounded and taken for ten answers or so."""
IN_TIME = (4.0, 1.0)


def sort_of(steps: int, confidence: float) -> str:
    """Return the sort of a sentence that became so many steps, with that probability."""
    how = "sure" if confidence >= SURE else "likely" if confidence >= LIKELY else "unsure"
    return f"{'one step' if steps == 1 else 'several steps'}, {how}"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether a sentence is sent, and why."""

    is_sent: bool
    why: str


@dataclass(slots=True)
class Router:
    """Chooses, and learns from what comes of it."""

    path: Path | None = None
    """Where the counts are kept; None to forget them."""
    seed: int = 0
    """Of what is sent out of curiosity."""
    is_always: bool = False
    """Whether everything is sent."""
    in_time: list[float] = field(default_factory=lambda: list(IN_TIME))
    differs: dict[str, list[float]] = field(default_factory=dict)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self.differs = {sort: list(counts) for sort, counts in DIFFERS.items()}
        if self.path is not None and self.path.is_file():
            self._read(self.path)

    def choose(self, sort: str) -> Choice:
        """Decide about one sentence."""
        if self.is_always:
            return Choice(True, "every sentence is sent")
        changed, timely = _mean(self.differs[sort]), _mean(self.in_time)
        odds = (
            f"{sort}: such a plan is changed in {changed:.0%}, the answer comes in time in "
            f"{timely:.0%}"
        )
        if changed * timely >= WORTH:
            return Choice(True, odds)
        if self._rng.random() < CURIOSITY:
            return Choice(True, f"{odds}; sent to learn")
        return Choice(False, odds)

    def learn(self, sort: str, *, came: bool, differed: bool) -> None:
        """Take in what came of a sentence that was sent.

        Args:
            sort: As it was chosen by.
            came: Whether a plan came in time.
            differed: Whether it was another one than the on-board model's.
        """
        _count(self.in_time, came)
        if came:
            _count(self.differs[sort], differed)

    def save(self) -> None:
        """Keep the counts, if there is a place for them that can be written."""
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(
                self.path, json.dumps({"in_time": self.in_time, "differs": self.differs}, indent=1)
            )
        except (OSError, ConfigError):
            pass  # Nobody's work is lost: the next run learns anew.

    def _read(self, path: Path) -> None:
        try:
            kept = json.loads(path.read_text(encoding="utf8"))
            in_time = _counts(kept["in_time"])
            differs = {sort: _counts(kept["differs"][sort]) for sort in DIFFERS}
        except (OSError, ValueError, LookupError, TypeError):
            return  # Written by another version, or broken: begin anew.
        self.in_time, self.differs = in_time, differs


def place_for(url: str, model: str) -> Path:
    """Return where the counts of an endpoint are kept."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = "".join(c if c.isalnum() else "-" for c in f"{url}-{model}".lower()).strip("-")
    return Path(home) / "yanshi" / f"router-{name}.json"


def _mean(counts: list[float]) -> float:
    return counts[0] / (counts[0] + counts[1])


def _count(counts: list[float], hit: bool) -> None:
    counts[0 if hit else 1] += 1.0
    if sum(counts) > MEMORY:
        counts[:] = [0.5 * count for count in counts]


def _counts(value: object) -> list[float]:
    """Read two positive numbers."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError(value)
    counts = [float(number) for number in value]
    if not all(0.0 < number < 1e9 for number in counts):
        raise ValueError(value)
    return counts
