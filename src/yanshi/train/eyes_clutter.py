"""Where things lie in pictures of close work: side by side, on boards, on trays and in bowls.

Places are sampled by rejection, without physics. A thing that is put close by another counts as
round; what stands there already counts as a box with rounded sides, turned as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from yanshi.worlds import furniture
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import EDGE_MARGIN_M, find_spot
from yanshi.worlds.things import PlacedThing, kind_of
from yanshi.worlds.tidy import CONTAINER_SURFACES, GRASPABLE, HEADROOM_M, SIDE_M, SURFACES

FOCUS_SHARE = 0.7
"""How often a thing stands on the surface that is looked at."""
CLOSE_SHARE = 0.55
"""How often a thing stands close by another."""
CONTAINED_SHARE = 0.35
"""How often a thing that fits is in a bowl or on a tray."""
BOWL_ON_TRAY_SHARE = 0.25
GAP_MAX_M = 0.04
"""Widest gap between things close by each other."""
TRIES = 30
TRAY_INSIDE_M = (0.142, 0.092)
"""Half the floor of a tray of scale 1 within its rim."""
TRAY_FLOOR_M = -0.007
"""Its height above the tray's middle."""
BOWL_FLOOR_M = -0.019
BOWL_SHIFT_M = 0.012
"""How far from a bowl's middle its contents lie, at most."""
BOWLFUL = {"ball": 0.0, "apple": 0.0, "walnut": 0.0, "cube": 0.008}
"""What fits into a bowl, and how far above its floor it comes to lie, m."""
ORDER = {"tray": 0, "bowl": 1}
"""Containers are placed first; a bowl may stand on a tray."""
TRAYFUL = tuple(kind for kind in GRASPABLE if kind != "book")
CORES_M = {
    "tray": (0.15, 0.10),
    "book": (0.075, 0.105),
    "box": (0.07, 0.052),
    "sausage": (0.002, 0.06),
}
"""Half the sides of the box in what is not round, at scale 1."""
ROUNDING_M = {"sausage": 0.018}
"""How far what has a core reaches beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spot:
    """Where a thing lies."""

    thing: PlacedThing
    middle: NDArray[np.float64]
    """m, shape (3,)."""
    yaw: float

    @property
    def scale(self) -> float:
        return self.thing.radius / kind_of(self.thing.kind).radius

    @property
    def half_height(self) -> float:
        return self.scale * kind_of(self.thing.kind).half_height

    def gap_to(self, point: NDArray[np.float64]) -> float:
        """Return how far a point on the same surface is from its side, m; negative inside."""
        offset = self._turned(point - self.middle[:2], -self.yaw)
        if self.thing.kind not in CORES_M:
            return float(np.linalg.norm(offset)) - girth(self.thing)
        core = self.scale * np.array(CORES_M[self.thing.kind])
        beyond = np.abs(offset) - core
        inside = min(0.0, float(beyond.max()))
        outside = float(np.linalg.norm(np.maximum(beyond, 0.0)))
        return inside + outside - self.scale * ROUNDING_M.get(self.thing.kind, 0.0)

    def point(self, x: float, y: float) -> NDArray[np.float64]:
        """Return a point on the floor plan that is given in the thing's own frame, m."""
        return self.middle[:2] + self._turned(np.array([x, y]), self.yaw)

    @staticmethod
    def _turned(offset: NDArray[np.float64], yaw: float) -> NDArray[np.float64]:
        cos, sin = np.cos(yaw), np.sin(yaw)
        return np.array([cos * offset[0] - sin * offset[1], sin * offset[0] + cos * offset[1]])


def girth(thing: PlacedThing) -> float:
    """Return how near to its middle others may come, m."""
    facts = kind_of(thing.kind)
    return SIDE_M.get(thing.kind, facts.radius) * thing.radius / facts.radius


@dataclass(slots=True)
class _Surface:
    """A board or a table top and what stands on it."""

    place: Place
    """Its height is that of this surface."""
    headroom: float
    """m."""
    spots: list[Spot] = field(default_factory=list)

    def put(self, thing: PlacedThing, rng: np.random.Generator, *, close: bool) -> Spot | None:
        """Put a thing somewhere free, close by another if that is wanted and possible."""
        facts = kind_of(thing.kind)
        half = facts.half_height * thing.radius / facts.radius
        if 2.0 * half + HEADROOM_M > self.headroom:
            return None
        point = self._close_by(thing, rng) if close else None
        if point is None:
            taken = [(spot.middle[:2], spot.thing.radius) for spot in self.spots]
            found = find_spot(self.place, thing.radius, taken, rng)
            if found is None:
                return None
            point = found[:2]
        yaw = float(rng.uniform(-np.pi, np.pi))
        if thing.kind == "tray" and rng.random() < 0.7:  # Its long side along the edge.
            yaw = self.place.yaw + np.pi / 2.0 + float(rng.normal(0.0, 0.15))
        spot = Spot(thing=thing, middle=np.array([*point, self.place.height + half]), yaw=yaw)
        self.spots.append(spot)
        return spot

    def _close_by(self, thing: PlacedThing, rng: np.random.Generator) -> NDArray[np.float64] | None:
        if not self.spots:
            return None
        mine = girth(thing)
        for _ in range(TRIES):
            other = self.spots[rng.integers(len(self.spots))]
            angle, reach = rng.uniform(-np.pi, np.pi), other.thing.radius + mine + GAP_MAX_M
            point = other.middle[:2] + reach * rng.random() * np.array(
                [np.cos(angle), np.sin(angle)]
            )
            gaps = [spot.gap_to(point) - mine for spot in self.spots]
            if 0.0 < min(gaps) < GAP_MAX_M and self._holds(point, mine):
                return point
        return None

    def _holds(self, point: NDArray[np.float64], radius: float) -> bool:
        ahead = np.array([np.cos(self.place.yaw), np.sin(self.place.yaw)])
        left = np.array([-ahead[1], ahead[0]])
        middle = np.asarray(self.place.centre) + furniture.surface_offset(self.place) * ahead
        offset = point - middle
        free = np.array(furniture.surface_size(self.place)) / 2.0 - EDGE_MARGIN_M - radius
        return bool(abs(offset @ ahead) < free[0] and abs(offset @ left) < free[1])


def surfaces_of(plan: FloorPlan) -> list[Place]:
    """Return the place that each surface belongs to, with the surface's height as its own."""
    return [
        replace(place, height=height) for place in plan.places for height in place.surface_heights
    ]


def arrange_closely(
    things: Sequence[PlacedThing], plan: FloorPlan, focus: Place, rng: np.random.Generator
) -> list[Spot]:
    """Return where things lie; what finds no room is left out.

    Args:
        things: What there is to be placed.
        plan: The room of a home of the world `tidy`.
        focus: The surface that is looked at, one of `surfaces_of`.
        rng: Where everything comes from.
    """
    surfaces = [_Surface(place, _headroom(place)) for place in surfaces_of(plan)]
    places = [surface.place for surface in surfaces]
    looked_at = surfaces[places.index(focus)]
    shares = np.array([SURFACES[p.name] / len(p.surface_heights) for p in places])
    fit = np.array([CONTAINER_SURFACES.get(p.name, 0.0) for p in places])
    containers: list[tuple[Spot, list[Spot]]] = []
    for thing in sorted(things, key=lambda thing: ORDER.get(thing.kind, len(ORDER))):
        is_container = thing.kind in ORDER
        spot = _put_into(thing, containers, rng)
        if spot is None:
            is_looked_at = rng.random() < FOCUS_SHARE
            p = fit if is_container else shares
            others = [surfaces[k] for k in rng.choice(len(surfaces), 2, p=p / p.sum())]
            close = bool(rng.random() < CLOSE_SHARE)
            for surface in ([looked_at] if is_looked_at else []) + others:
                spot = surface.put(thing, rng, close=close)
                if spot is not None:
                    break
        if spot is not None and is_container:
            containers.append((spot, []))
    loose = [spot for surface in surfaces for spot in surface.spots]
    return loose + [spot for _, contents in containers for spot in contents]


def _headroom(place: Place) -> float:
    above = [board - furniture.BOARD_M - place.height for board in place.boards]
    return min((gap for gap in above if gap > 0.0), default=np.inf)


def _put_into(
    thing: PlacedThing, containers: list[tuple[Spot, list[Spot]]], rng: np.random.Generator
) -> Spot | None:
    """Put a thing into a bowl or onto a tray, now and then, if it fits."""
    share = BOWL_ON_TRAY_SHARE if thing.kind == "bowl" else CONTAINED_SHARE
    if not containers or rng.random() > share:
        return None
    container, contents = containers[rng.integers(len(containers))]
    facts = kind_of(thing.kind)
    scale = thing.radius / facts.radius
    yaw = float(rng.uniform(-np.pi, np.pi))
    mine = girth(thing)
    if container.thing.kind == "bowl":
        if thing.kind not in BOWLFUL or contents:
            return None
        x, y = rng.uniform(-BOWL_SHIFT_M, BOWL_SHIFT_M, 2)
        floor = container.scale * BOWL_FLOOR_M + BOWLFUL[thing.kind]
    else:
        if thing.kind not in (*TRAYFUL, "bowl"):
            return None
        free = container.scale * np.array(TRAY_INSIDE_M) - min(mine, 0.08)
        x, y = rng.uniform(-1.0, 1.0, 2) * free
        floor = container.scale * TRAY_FLOOR_M
    point = container.point(float(x), float(y))
    if any(spot.gap_to(point) < mine for spot in contents):
        return None
    height = container.middle[2] + floor + scale * facts.half_height
    spot = Spot(thing=thing, middle=np.array([*point, height]), yaw=yaw)
    contents.append(spot)
    return spot
