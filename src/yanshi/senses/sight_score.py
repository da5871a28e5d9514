"""How well did the eyes see? Detections held against what was really there.

For training and benches; nothing that drives a robot needs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from yanshi.senses.eyes import Detection

NEAR_M = 2.5
"""Things are counted up to this distance from the camera."""
CLEAR_SHARE = 0.8
"""A thing counts as unoccluded when at least this share of its outline is visible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueThing:
    """One thing that shows in a picture."""

    kind: str
    colour: str
    position_in_camera: tuple[float, float, float]
    is_clear: bool
    """Whether it lies wholly in the picture and nothing hides it."""

    @property
    def distance(self) -> float:
        """From the camera, m."""
        return float(np.linalg.norm(self.position_in_camera))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A true thing and what the eyes made of it."""

    thing: TrueThing
    detection: Detection | None

    @property
    def is_named_right(self) -> bool:
        """Whether it was found under its own kind and colour."""
        found = self.detection
        return found is not None and (found.kind, found.colour) == (
            self.thing.kind,
            self.thing.colour,
        )

    @property
    def error(self) -> float:
        """Distance between where it is and where it was seen, m; infinite if not found."""
        if self.detection is None:
            return float("inf")
        return _distance(self.thing.position_in_camera, self.detection.position_in_camera)

    @property
    def error_share(self) -> float:
        """The error as a share of what is aimed at: 2 cm plus 1 % of the distance."""
        return self.error / (0.02 + 0.01 * self.thing.distance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One picture's outcome."""

    matches: tuple[Match, ...]
    """Every true thing, with its detection if it has one."""
    phantoms: tuple[Detection, ...]
    """Detections of nothing."""


def score_picture(detections: Sequence[Detection], things: Sequence[TrueThing]) -> Score:
    """Pair detections with true things, nearest pairs first, right names before wrong ones."""
    pairs = []
    for i, thing in enumerate(things):
        reach = 0.5 if thing.kind == "person" else 0.06 + 0.03 * thing.distance
        for j, detection in enumerate(detections):
            distance = _distance(thing.position_in_camera, detection.position_in_camera)
            if distance <= reach:
                is_other = (detection.kind, detection.colour) != (thing.kind, thing.colour)
                pairs.append((is_other, distance, i, j))
    found: dict[int, int] = {}
    used: set[int] = set()
    for _, _, i, j in sorted(pairs):
        if i not in found and j not in used:
            found[i] = j
            used.add(j)
    return Score(
        matches=tuple(
            Match(thing=thing, detection=detections[found[i]] if i in found else None)
            for i, thing in enumerate(things)
        ),
        phantoms=tuple(d for j, d in enumerate(detections) if j not in used),
    )


def _distance(a: ArrayLike, b: ArrayLike) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))
