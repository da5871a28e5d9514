"""Where does everything stand in a room so that a robot can get to it?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.worlds.floor_plan import Place

CELL_M = 0.05
ROBOT_RADIUS_M = 0.4
PERSON_RADIUS_M = 0.28
START_FREE_M = 0.85
DANCE_FREE_M = 1.15
FRONT_STAND_M = 0.45
"""How far from a front edge a robot's pelvis stands when it is there."""
PERSON_STAND_M = 0.9
ATTEMPTS_MAX = 4000
FurnitureSampler = Callable[[tuple[float, float], np.random.Generator], tuple[Place, ...] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A room's size and what stands where."""

    size: tuple[float, float]
    places: tuple[Place, ...]
    person: tuple[float, float]
    person_yaw: float
    start: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """Distance from each 5 cm cell of the floor to the nearest obstacle or wall."""

    x: NDArray[np.float64]
    """Cell centres along x, m, shape (nx,)."""
    y: NDArray[np.float64]
    """Cell centres along y, m, shape (ny,)."""
    distance: NDArray[np.float64]
    """m, shape (nx, ny); 0 inside an obstacle."""

    def cell(self, point: tuple[float, float] | NDArray[np.float64]) -> tuple[int, int]:
        """Return the indices of the cell that holds a point (clipped to the floor)."""
        i = int(np.clip(round((point[0] - self.x[0]) / CELL_M), 0, len(self.x) - 1))
        j = int(np.clip(round((point[1] - self.y[0]) / CELL_M), 0, len(self.y) - 1))
        return i, j


def distance_to_place(place: Place, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance from points (..., 2) to a place's box, 0 inside it."""
    offset = points - np.asarray(place.centre)
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    along = np.abs(offset[..., 0] * cos + offset[..., 1] * sin) - place.size[0] / 2.0
    across = np.abs(offset[..., 1] * cos - offset[..., 0] * sin) - place.size[1] / 2.0
    return np.asarray(np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0)))


def measure_clearance(
    size: tuple[float, float],
    places: tuple[Place, ...],
    person: tuple[float, float] | None = None,
) -> Clearance:
    """Measure the free room round every floor cell."""
    x = np.arange(-size[0] / 2.0, size[0] / 2.0 + 1e-9, CELL_M)
    y = np.arange(-size[1] / 2.0, size[1] / 2.0 + 1e-9, CELL_M)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)  # (nx, ny, 2)
    to_wall = np.minimum(
        size[0] / 2.0 - np.abs(points[..., 0]), size[1] / 2.0 - np.abs(points[..., 1])
    )
    distance = to_wall
    for place in places:
        if place.is_solid:
            distance = np.minimum(distance, distance_to_place(place, points))
    if person is not None:
        gap = np.linalg.norm(points - np.asarray(person), axis=-1) - PERSON_RADIUS_M
        distance = np.minimum(distance, np.maximum(gap, 0.0))
    return Clearance(x, y, distance)


def reachable_cells(free: NDArray[np.bool_], start: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the free cells that are joined to `start` through free neighbours."""
    reached = np.zeros_like(free)
    if not free[start]:
        return reached
    reached[start] = True
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= free
        if np.array_equal(grown, reached):
            return reached
        reached = grown


def front_point(place: Place, distance: float = FRONT_STAND_M) -> tuple[float, float]:
    """Return the point on the floor before the middle of a place's front edge."""
    reach = place.size[0] / 2.0 + distance
    return (
        place.centre[0] + reach * float(np.cos(place.yaw)),
        place.centre[1] + reach * float(np.sin(place.yaw)),
    )


def against_wall(
    size: tuple[float, float], wall: int, depth: float, shift: float
) -> tuple[tuple[float, float], float]:
    """Return centre and yaw of a box with its back to a wall, `shift` m along that wall."""
    yaw = (np.pi, -np.pi / 2.0, 0.0, np.pi / 2.0)[wall]  # Walls +x, +y, -x, -y face inward.
    ahead = np.array([np.cos(yaw), np.sin(yaw)])
    half = size[wall % 2] / 2.0
    centre = -ahead * (half - depth / 2.0 - 0.01) + shift * np.array([-ahead[1], ahead[0]])
    return (float(centre[0]), float(centre[1])), float(yaw)


def sample_home_furniture(
    size: tuple[float, float], rng: np.random.Generator
) -> tuple[Place, ...] | None:
    """Return the furniture, or None when two pieces are too close."""
    walls = rng.permutation(4)
    boxes = {
        "shelf": (rng.uniform(0.34, 0.42), rng.uniform(0.9, 1.3), rng.uniform(0.74, 0.84), True),
        "sofa": (rng.uniform(0.75, 0.88), rng.uniform(1.5, 1.9), rng.uniform(0.40, 0.45), True),
        "door": (0.06, rng.uniform(0.85, 0.95), 2.02, False),
    }
    places = []
    for index, (name, (depth, width, height, surface)) in enumerate(boxes.items()):
        wall = int(walls[index])
        slack = size[1 - wall % 2] / 2.0 - width / 2.0 - 0.35
        centre, yaw = against_wall(size, wall, depth, float(rng.uniform(-slack, slack)))
        solid = name != "door"
        box = (float(depth), float(width))
        places.append(
            Place(
                name=name,
                centre=centre,
                size=box,
                yaw=yaw,
                height=float(height),
                has_surface=surface,
                is_solid=solid,
            )
        )
    places.append(sample_plant(size, rng))
    places.append(sample_table(size, int(walls[3]), rng))
    return tuple(places) if are_apart(tuple(places)) else None


def sample_plant(size: tuple[float, float], rng: np.random.Generator) -> Place:
    """Return a plant near a corner, facing the middle of the room."""
    width, corner = float(rng.uniform(0.36, 0.44)), rng.choice([-1.0, 1.0], size=2)
    inset = width / 2.0 + rng.uniform(0.06, 0.2, size=2)
    centre = corner * (np.asarray(size) / 2.0 - inset)
    return Place(
        name="plant",
        centre=(float(centre[0]), float(centre[1])),
        size=(width, width),
        yaw=float(np.arctan2(-centre[1], -centre[0])),
        height=float(rng.uniform(1.05, 1.4)),
    )


def sample_table(size: tuple[float, float], wall: int, rng: np.random.Generator) -> Place:
    """Return a table: with its back to a wall, or standing free."""
    depth, width = float(rng.uniform(0.6, 0.75)), float(rng.uniform(1.0, 1.4))
    height = float(rng.uniform(0.75, 0.82))
    if rng.random() < 0.6:
        slack = size[1 - wall % 2] / 2.0 - width / 2.0 - 0.3
        centre, yaw = against_wall(size, wall, depth, float(rng.uniform(-slack, slack)))
    else:
        half = np.asarray(size) / 2.0 - 1.3
        x, y = rng.uniform(-half, half)
        centre = (float(x), float(y))
        yaw = float(rng.choice([0.0, 0.5, 1.0, 1.5]) * np.pi + rng.uniform(-0.15, 0.15))
    return Place(
        name="table",
        centre=centre,
        size=(depth, width),
        yaw=float(np.arctan2(np.sin(yaw), np.cos(yaw))),
        height=height,
        has_surface=True,
        is_open_below=True,
    )


def are_apart(places: tuple[Place, ...]) -> bool:
    """Say whether every piece keeps 0.12 m from the others and 0.9 m before its front free."""
    for place in places:
        front = np.asarray(front_point(place, 0.45))
        left = np.array([-np.sin(place.yaw), np.cos(place.yaw)])
        width = place.size[1] / 2.0
        ring = np.array([front + shift * left for shift in (-0.7 * width, 0.0, 0.7 * width)])
        outline = _outline(place)
        for other in places:
            if other is place:
                continue
            if distance_to_place(other, outline).min() < 0.12:
                return False
            if other.is_solid and distance_to_place(other, ring).min() < ROBOT_RADIUS_M:
                return False
    return True


def _outline(place: Place) -> NDArray[np.float64]:
    """Return points all over a place's box, shape (n, 2)."""
    along = np.linspace(-0.5, 0.5, 7) * place.size[0]
    across = np.linspace(-0.5, 0.5, 13) * place.size[1]
    a, b = (grid.ravel() for grid in np.meshgrid(along, across))
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    turned = np.stack([a * cos - b * sin, a * sin + b * cos], axis=1)
    return np.asarray(turned + np.asarray(place.centre))


def _sample_people(
    size: tuple[float, float], places: tuple[Place, ...], rng: np.random.Generator
) -> Layout | None:
    """Add person and robot; None when the robot could not get somewhere."""
    furniture = measure_clearance(size, places)
    spots = np.argwhere(furniture.distance > 0.6)
    if not len(spots):
        return None
    i, j = rng.choice(spots)
    person = (float(furniture.x[i]), float(furniture.y[j]))
    clearance = measure_clearance(size, places, person)
    if clearance.distance.max() < DANCE_FREE_M:
        return None
    starts = np.argwhere(clearance.distance > START_FREE_M)
    i, j = rng.choice(starts)
    reached = reachable_cells(clearance.distance >= ROBOT_RADIUS_M, (int(i), int(j)))
    goals = [reached[clearance.cell(front_point(place))] for place in places]
    around = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
    ring = np.asarray(person) + PERSON_STAND_M * np.stack([np.cos(around), np.sin(around)], axis=1)
    inside = np.all(np.abs(ring) < np.asarray(size) / 2.0 - ROBOT_RADIUS_M, axis=1)
    beside = [reached[clearance.cell(point)] for point in ring[inside]]
    dance = reached & (clearance.distance >= DANCE_FREE_M)
    if not all(goals) or sum(beside) < 6 or not dance.any():
        return None
    start = (float(clearance.x[i]), float(clearance.y[j]), float(rng.uniform(-np.pi, np.pi)))
    to_robot = float(np.arctan2(start[1] - person[1], start[0] - person[0]))
    return Layout(
        size=size,
        places=places,
        person=person,
        person_yaw=to_robot + float(rng.normal(0.0, 0.5)),
        start=start,
    )


def sample_layout(
    rng: np.random.Generator, sample_furniture: FurnitureSampler = sample_home_furniture
) -> Layout:
    """Sample layouts until one lets the robot get everywhere it may be sent.

    Args:
        rng: Where everything comes from.
        sample_furniture: Returns the furniture of a room of some size, or None when two pieces
            are too close.

    Raises:
        ConfigError: None did.
    """
    for _ in range(ATTEMPTS_MAX):
        size = (float(rng.uniform(5.6, 6.8)), float(rng.uniform(4.7, 5.6)))
        places = sample_furniture(size, rng)
        if places is None:
            continue
        layout = _sample_people(size, places, rng)
        if layout is not None:
            return layout
    raise ConfigError(f"No room could be laid out in {ATTEMPTS_MAX} attempts; use another seed.")
