"""Remember what the eyes have seen, where it is on the map, and how old that is.

Each remembered thing is a track: its place is a mean over its sightings, weighted by how exact
they were; its kind and colour are what most of what was seen speaks for, by the shares that the
eyes give to each name, and its kind also by its height, which not every kind may have. Its
confidence rises with every sighting and falls with every look that should have shown it and did
not: fast where its place is seen to be empty, slowly where something stands there, for it may be
the thing, half hidden by another. A thing out of sight keeps its confidence and grows older. The
answer does not depend on the order of the detections in a picture.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yanshi.core.messages import Image, Scene, Solid, Thing
from yanshi.senses.eyes import LEAST, Detection
from yanshi.worlds.person import PERSON_MIDDLE_M
from yanshi.worlds.things import KINDS, NECKED, can_be_as_high, kind_of

Votes = dict[str, float]
SOLIDS_KEPT = 7
"""A thing's shape is the median of those of the last so many measurements …"""
SOLIDS_AGREE_M = 0.025
"""… that agree so well with what the newest say, or, as long as those contradict each other, with
what most say …"""
SOLIDS_NEW = 3
"""… of which it takes so many to be believed against older ones …"""
SOLIDS_LAST_S = 1.5
"""… and are not older than the newest of these by more than this."""
STILL_M = 0.04
"""What is measured so near to where it was is the same thing still, as high as it was."""
TOO_HIGH_OR_LOW = 0.2
"""Share of the votes that counts for a kind which cannot be as high as was measured."""
BEHIND = 0.5
"""A place is empty where the surface seen is farther behind the middle of what should be there than
this share of its half height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneMemoryConfig:
    """How sightings become memories."""

    gate_m: float = 0.10
    """Farthest a sighting may lie from a remembered thing to be it, at no distance …"""
    gate_per_m: float = 0.04
    """… and how much farther per metre between camera and thing."""
    person_gate_m: float = 0.6
    """The same for a person, who is wide and may sway."""
    gain_min: float = 0.12
    """Least weight of a new sighting in the place: small is calm, large follows a moved thing."""
    confidence_shown: float = 0.5
    """Things below this are not told to anybody yet: it takes two sure sightings."""
    rise: float = 0.45
    """Share of the doubt that a sure sighting removes."""
    fall: float = 0.22
    """Share of the confidence that one look without the thing removes, from as near as it was ever
    seen, if what is behind it shows …"""
    fall_hidden: float = 0.022
    """… and if something stands where it should be: it may be the thing, half hidden."""
    forget_below: float = 0.08
    """A track this unsure is dropped."""
    margin_share: float = 0.04
    """A thing nearer than this to the picture's edge, as a share of its width, is not expected."""
    expected_within_m: float = 3.0
    """A thing farther away than this is not expected to be seen."""
    hidden_m: float = 0.12
    """Something this much nearer than the thing hides it."""
    vote_distance_min: float = 0.5
    """Nearer than this (m) a sighting's name counts no more."""
    votes_max: float = 12.0
    """Old votes fade so that their sum stays below this."""


@dataclass
class _Track:
    position: NDArray[np.float64]
    information: float
    confidence: float
    t_ns: int
    number: int
    nearest: float
    """From how near it was seen, m."""
    kind_votes: Votes = field(default_factory=dict)
    colour_votes: Votes = field(default_factory=dict)
    solids: deque[tuple[int, Solid]] = field(default_factory=lambda: deque(maxlen=SOLIDS_KEPT))
    whole: Solid | None = None
    """The last measurement of a shape whose upper end was in the picture."""
    solid: Solid | None = None
    """What the measurements agree on."""

    @property
    def kind(self) -> str:
        return _winner(self.weighed_kinds())

    @property
    def colour(self) -> str:
        return _winner(self.colour_votes)

    def weighed_kinds(self) -> Votes:
        """Return the votes for each kind; for one that is not so high, a share of them."""
        if self.solid is None or self.solid.is_cut:
            return self.kind_votes
        height = self.solid.size[2]
        return {
            kind: vote if can_be_as_high(kind, height) else TOO_HIGH_OR_LOW * vote
            for kind, vote in self.kind_votes.items()
        }

    def measure(self, t_ns: int, solid: Solid) -> None:
        """Add a measurement of the shape."""
        self.solids.append((t_ns, self._complete(solid)))
        self.solid = _agreed(self.solids)

    def _complete(self, solid: Solid) -> Solid:
        """Return a shape as high as it was when all of it was seen, or cut, as high as its kind."""
        if not solid.is_cut:
            self.whole = solid
            return solid
        x, y, z = solid.position
        whole = self.whole
        if whole and np.hypot(x - whole.position[0], y - whole.position[1]) > STILL_M:
            whole = None
        height = whole.size[2] if whole else 2.0 * _half_height(self.kind)
        height = max(height, solid.size[2])
        is_tapered = whole.is_tapered if whole else self.kind in NECKED
        return replace(
            solid,
            position=(x, y, z + 0.5 * (height - solid.size[2])),
            size=(*solid.size[:2], height),
            is_tapered=is_tapered or solid.is_tapered,
            is_cut=whole is None,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surfaces:
    """How far away the surfaces in a picture were: a coarse copy of its depth."""

    depth: NDArray[np.float32]
    """Along the optical axis, m, 0 where unknown, shape (rows, columns)."""
    focal_length: float
    """In rows."""

    @classmethod
    def of(cls, image: Image, every: int = 8) -> "Surfaces":
        """Take every eighth row and column of a picture: small enough to hand about."""
        depth = np.ascontiguousarray(image.depth[every // 2 :: every, every // 2 :: every])
        return cls(depth=depth, focal_length=image.focal_length_px / every)


class SceneMemory:
    """The scene so far. Give it every picture's detections, in the order of time."""

    def __init__(self, config: SceneMemoryConfig | None = None) -> None:
        self.config = config or SceneMemoryConfig()
        self._tracks: list[_Track] = []
        self._count = 0

    def update(
        self,
        detections: Sequence[Detection],
        map_from_camera: ArrayLike,
        t_ns: int,
        surfaces: Surfaces | None = None,
        solids: Sequence[Solid | None] = (),
    ) -> Scene:
        """Add one picture's detections and return the scene.

        Args:
            detections: What `Eyes.detect` found.
            map_from_camera: The optical camera frame on the map when the picture was taken,
                shape (4, 4).
            t_ns: When the picture was taken.
            surfaces: What the picture's depth shows; without it nothing is ever missed, hence
                never forgotten.
            solids: What shape each detection has, on the map; may be left out.
        """
        T_mc = np.asarray(map_from_camera, dtype=np.float64)
        shapes = [*solids] or [None] * len(detections)
        both = sorted(zip(detections, shapes, strict=True), key=lambda d: _canonical_order(d[0]))
        ordered = [detection for detection, _ in both]
        on_map = [T_mc[:3, :3] @ d.position_in_camera + T_mc[:3, 3] for d in ordered]
        pairs = self._match(ordered, on_map, T_mc[:3, 3])
        seen = set(pairs.values())
        for index, fall in self._falls(T_mc, surfaces).items():
            if index not in seen:
                self._tracks[index].confidence *= 1.0 - fall
        for index, (detection, position) in enumerate(zip(ordered, on_map, strict=True)):
            if index in pairs:
                track = self._tracks[pairs[index]]
                self._strengthen(track, detection, position, t_ns)
            else:
                track = self._begin(detection, position, t_ns)
            if (solid := both[index][1]) is not None:
                track.measure(t_ns, solid)
        self._tracks = [t for t in self._tracks if t.confidence >= self.config.forget_below]
        return self._scene(t_ns)

    def clear(self) -> None:
        """Forget everything."""
        self._tracks.clear()

    def _match(
        self,
        detections: Sequence[Detection],
        positions: Sequence[NDArray[np.float64]],
        camera: NDArray[np.float64],
    ) -> dict[int, int]:
        """Pair detections with tracks, the cheapest pair first; return detection → track."""
        pairs = []
        for i, (detection, position) in enumerate(zip(detections, positions, strict=True)):
            gate = self.config.gate_m + self.config.gate_per_m * np.linalg.norm(position - camera)
            for j, track in enumerate(self._tracks):
                is_person = detection.kind == "person"
                if is_person != (track.kind == "person"):
                    continue
                distance = float(np.linalg.norm(position - track.position))
                if distance > (self.config.person_gate_m if is_person else gate):
                    continue
                # A wrong name doubles the distance: two neighbours keep their own names.
                names = (detection.kind != track.kind) + (detection.colour != track.colour)
                pairs.append((distance + 0.5 * gate * names, i, j))
        chosen: dict[int, int] = {}
        taken: set[int] = set()
        for _, i, j in sorted(pairs):
            if i not in chosen and j not in taken:
                chosen[i] = j
                taken.add(j)
        return chosen

    def _falls(self, pose: NDArray[np.float64], surfaces: Surfaces | None) -> dict[int, float]:
        """Return the tracks that the picture should show: inside it, near and not hidden.

        Returns:
            By track the share of its confidence that goes when the picture does not show it.
        """
        if surfaces is None:
            return {}
        rows, columns = surfaces.depth.shape
        margin = self.config.margin_share * columns
        falls = {}
        for index, track in enumerate(self._tracks):
            x, y, z = in_camera = pose[:3, :3].T @ (track.position - pose[:3, 3])
            if not 0.2 < z < self.config.expected_within_m:
                continue
            column = 0.5 * columns + surfaces.focal_length * x / z
            row = 0.5 * rows + surfaces.focal_length * y / z
            if not (margin <= column < columns - margin and margin <= row < rows - margin):
                continue
            surface = float(surfaces.depth[int(row), int(column)])
            if surface == 0.0 or surface > z - self.config.hidden_m:
                is_empty = surface == 0.0 or surface > z + BEHIND * _half_height(track.kind)
                fall = self.config.fall if is_empty else self.config.fall_hidden
                # From twice as far a thing shows a quarter of its pixels.
                nearness = track.nearest / float(np.linalg.norm(in_camera))
                falls[index] = fall * min(1.0, nearness) ** 2
        return falls

    def _begin(self, detection: Detection, position: NDArray[np.float64], t_ns: int) -> _Track:
        track = _Track(
            position=position,
            information=_information(detection),
            confidence=self.config.rise * detection.confidence,
            t_ns=t_ns,
            number=self._count,
            nearest=_distance(detection),
        )
        self._count += 1
        self._vote(track, detection)
        self._tracks.append(track)
        return track

    def _strengthen(
        self, track: _Track, detection: Detection, position: NDArray[np.float64], t_ns: int
    ) -> None:
        information = _information(detection)
        gain = max(information / (track.information + information), self.config.gain_min)
        track.position = track.position + gain * (position - track.position)
        track.information = min(track.information + information, information / self.config.gain_min)
        track.confidence += self.config.rise * detection.confidence * (1.0 - track.confidence)
        track.t_ns = t_ns
        track.nearest = min(track.nearest, _distance(detection))
        self._vote(track, detection)

    def _vote(self, track: _Track, detection: Detection) -> None:
        # A thing twice as near covers four times the pixels, and is worth as many votes.
        vote = detection.confidence / max(_distance(detection), self.config.vote_distance_min) ** 2
        for votes, shares in (
            (track.kind_votes, detection.kind_shares or {detection.kind: 1.0}),
            (track.colour_votes, detection.colour_shares or {detection.colour: 1.0}),
        ):
            fade = min(1.0, self.config.votes_max / (sum(votes.values()) + vote))
            for other in votes:
                votes[other] *= fade
            for name, share in shares.items():
                votes[name] = votes.get(name, 0.0) + share * vote

    def _scene(self, t_ns: int) -> Scene:
        shown = [t for t in self._tracks if t.confidence >= self.config.confidence_shown]
        things = [  # A tuple made from a generator would leave a free one behind, ten a second.
            Thing(
                kind=track.kind,
                colour=track.colour,
                position=(
                    float(track.position[0]),
                    float(track.position[1]),
                    float(track.position[2]),
                ),
                confidence=float(track.confidence),
                t_ns=track.t_ns,
                solid=track.solid,
                kind_shares=_shares(track.weighed_kinds()),
                colour_shares=_shares(track.colour_votes),
            )
            for track in sorted(shown, key=lambda track: track.number)
        ]
        return Scene(t_ns=t_ns, things=tuple(things))


def _agreed(solids: Sequence[tuple[int, Solid]]) -> Solid:
    """Return the median of the measurements of a shape that count, of one at least."""
    where = np.array([(*solid.position, solid.size[2]) for _, solid in solids])
    is_alike = np.linalg.norm(where[:, None] - where, axis=2) < SOLIDS_AGREE_M
    shapes = np.array([solid.shape for _, solid in solids])
    is_alike &= shapes[:, None] == shapes
    newest = is_alike[-SOLIDS_NEW:, -SOLIDS_NEW:]
    if len(newest) == SOLIDS_NEW and newest.all():
        middle = len(solids) - 1
    else:
        middle = len(solids) - 1 - int(is_alike.sum(axis=1)[::-1].argmax())
    agreed = [pair for pair, is_like in zip(solids, is_alike[middle], strict=True) if is_like]
    fresh = [solid for t_ns, solid in agreed if agreed[-1][0] - t_ns < SOLIDS_LAST_S * 1e9]
    fresh = fresh[1 - len(fresh) % 2 :]  # The median is one of them.
    # Edges keep their order only among boxes that are turned alike; the middle one will do.
    ranked = sorted(fresh, key=lambda solid: solid.size[0] * solid.size[1])
    x, y, z = np.median([solid.position for solid in fresh], axis=0)
    return replace(ranked[len(ranked) // 2], position=(float(x), float(y), float(z)))


def _information(detection: Detection) -> float:
    """Return one over the variance of a sighting: 2 cm and 1 % of the distance, 1/m²."""
    return float(max(detection.confidence, 0.05) / (0.02 + 0.01 * _distance(detection)) ** 2)


def _distance(detection: Detection) -> float:
    return float(np.linalg.norm(detection.position_in_camera))


def _half_height(kind: str) -> float:
    return kind_of(kind).half_height if kind in KINDS else PERSON_MIDDLE_M


def _canonical_order(detection: Detection) -> tuple[float, str, str, tuple[float, float, float]]:
    return (
        -detection.confidence,
        detection.kind,
        detection.colour,
        detection.position_in_camera,
    )


def _shares(votes: Votes) -> Mapping[str, float]:
    """Return what share of the votes each name has, of those that are not out of the question."""
    total = sum(votes.values())
    return {name: vote / total for name, vote in votes.items() if vote > LEAST * total}


def _winner(votes: Votes) -> str:
    """Return the name with most votes; of equals the first in the alphabet."""
    return min(votes, key=lambda name: (-votes[name], name))
