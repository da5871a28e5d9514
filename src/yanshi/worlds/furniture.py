"""What does a room's furniture look like? Walls, floor and one function per place."""

from collections.abc import Callable, Sequence

import mujoco
import numpy as np

from yanshi.worlds.decor import Decor
from yanshi.worlds.floor_plan import Place
from yanshi.worlds.shapes import (
    BOX,
    CAPSULE,
    CYLINDER,
    ELLIPSOID,
    METAL,
    SEEN_GROUP,
    SPHERE,
    TOUCHED_GROUP,
    Rgba,
    yaw_quaternion,
)

WALL_HEIGHT_M = 2.5
WALL_THICKNESS_M = 0.06
WALLS = ("wall_east", "wall_north", "wall_west", "wall_south")
"""Geoms at +x, +y, -x and -y."""
FLOOR_FRICTION = (1.0, 0.01, 0.001)
BOARD_M = 0.02
"""Thickness of an open shelf's boards and sides."""
BIN_WALL_M = 0.01
SOFA_BACK_M = 0.2
"""Thickness of the sofa's back, which takes that much off its seat."""


def add_floor(spec: mujoco.MjSpec, size: tuple[float, float], decor: Decor) -> None:
    """Add the floor alone; it reaches a metre past the walls."""
    spec.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(size[0] / 2.0 + 1.0, size[1] / 2.0 + 1.0, 0.05),
        material=decor.floor,
        friction=FLOOR_FRICTION,
        group=SEEN_GROUP,
    )


def add_room(spec: mujoco.MjSpec, size: tuple[float, float], decor: Decor) -> None:
    """Add the floor and four walls with skirting boards."""
    add_floor(spec, size, decor)
    world = spec.worldbody
    for index, name in enumerate(WALLS):
        angle = index * np.pi / 2.0
        ahead = np.array([np.cos(angle), np.sin(angle)])
        length = size[1 - index % 2] / 2.0 + WALL_THICKNESS_M
        half = size[index % 2] / 2.0
        middle = ahead * (half + WALL_THICKNESS_M / 2.0)
        world.add_geom(
            name=name,
            type=BOX,
            size=(WALL_THICKNESS_M / 2.0, length, WALL_HEIGHT_M / 2.0),
            pos=(*middle, WALL_HEIGHT_M / 2.0),
            quat=yaw_quaternion(angle),
            rgba=decor.wall,
            group=SEEN_GROUP,
        )
        board = ahead * (half - 0.006)
        world.add_geom(
            name=f"{name}_skirting",
            type=BOX,
            size=(0.006, length, 0.045),
            pos=(*board, 0.045),
            quat=yaw_quaternion(angle),
            rgba=decor.trim,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
        )


def surface_size(place: Place) -> tuple[float, float]:
    """Return how long and wide the part of a place is on which things may stand, m."""
    if place.name == "sofa":
        return place.size[0] - SOFA_BACK_M, place.size[1] - 0.4
    if place.name == "shelf":
        return place.size[0] - 0.03, place.size[1] - 0.04
    return place.size


def surface_offset(place: Place) -> float:
    """Return how far that part's middle lies before the place's middle, m."""
    return (place.size[0] - surface_size(place)[0]) / 2.0


class Carpenter:
    """Adds boxes and rods to one static body, in the place's own frame (x to its front)."""

    def __init__(self, spec: mujoco.MjSpec, place: Place) -> None:
        self.body = spec.worldbody.add_body(
            name=place.name, pos=(*place.centre, 0.0), quat=yaw_quaternion(place.yaw)
        )

    def board(
        self,
        low: Sequence[float],
        high: Sequence[float],
        *,
        rgba: Rgba = (1.0, 1.0, 1.0, 1.0),
        material: str = "",
        touched: bool = True,
    ) -> None:
        """Add a box from one corner to the other."""
        least, most = np.asarray(low), np.asarray(high)
        geom = self.body.add_geom(
            type=BOX,
            size=(most - least) / 2.0,
            pos=(most + least) / 2.0,
            rgba=rgba,
            group=SEEN_GROUP,
        )
        if material:
            geom.material = material
        if not touched:
            geom.contype = geom.conaffinity = 0

    def part(
        self, shape: mujoco.mjtGeom, size: Sequence[float], position: Sequence[float], rgba: Rgba
    ) -> mujoco.MjsGeom:
        """Add a seen shape that nothing touches."""
        return self.body.add_geom(
            type=shape,
            size=[*size, 0.0, 0.0][:3],
            pos=position,
            rgba=rgba,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
        )

    def pillar(self, radius: float, height: float) -> None:
        """Add an upright cylinder that is touched and not seen."""
        self.body.add_geom(
            type=CYLINDER,
            size=(radius, height / 2.0, 0.0),
            pos=(0.0, 0.0, height / 2.0),
            group=TOUCHED_GROUP,
        )


def add_table(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A wooden top on four legs."""
    make, (x, y), h = (
        Carpenter(spec, place),
        (place.size[0] / 2.0, place.size[1] / 2.0),
        place.height,
    )
    make.board((-x, -y, h - 0.035), (x, y, h), material=decor.wood)
    leg, inset = rng.uniform(0.022, 0.035), 0.05
    for sx in (-1.0, 1.0):
        for sy in (-1.0, 1.0):
            middle = np.array([sx * (x - inset), sy * (y - inset)])
            make.board((*(middle - leg), 0.0), (*(middle + leg), h - 0.035), rgba=decor.shelf)
    make.board((-x + 0.06, -y + 0.06, h - 0.1), (x - 0.06, y - 0.06, h - 0.035), rgba=decor.shelf)


def add_shelf(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A low cabinet with drawers, a clear top and a back board with a rail above it."""
    make, (x, y), h = (
        Carpenter(spec, place),
        (place.size[0] / 2.0, place.size[1] / 2.0),
        place.height,
    )
    make.board((-x, -y, 0.06), (x - 0.012, y, h), rgba=decor.shelf)
    make.board((-x + 0.03, -y + 0.03, 0.0), (x - 0.05, y - 0.03, 0.06), rgba=(0.2, 0.2, 0.2, 1.0))
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    dark: Rgba = (*(0.88 * c for c in decor.shelf[:3]), 1.0)  # type: ignore[assignment]
    for column in range(columns):
        for row in range(rows):
            left, low = -y + 2 * y * column / columns, 0.06 + (h - 0.09) * row / rows
            right, high = -y + 2 * y * (column + 1) / columns, 0.06 + (h - 0.09) * (row + 1) / rows
            face = ((x - 0.012, left + 0.012, low + 0.012), (x, right - 0.012, high - 0.012))
            make.board(*face, rgba=dark, touched=False)
            knob = (x + 0.008, (left + right) / 2.0, high - 0.05)
            make.part(SPHERE, (0.013,), knob, METAL)
    top = h + rng.uniform(0.35, 0.55)
    make.board((-x, -y, h), (-x + 0.02, y, top), rgba=decor.shelf)
    make.board((-x, -y, top), (-x + 0.1, y, top + 0.02), rgba=decor.shelf)


def add_door(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A closed door in its frame: panel, two fields and a handle, flush with the wall."""
    make, y, h = Carpenter(spec, place), place.size[1] / 2.0, place.height
    back, front = -place.size[0] / 2.0, -place.size[0] / 2.0 + 0.02
    make.board((back, -y, 0.0), (front + 0.02, -y + 0.06, h), rgba=decor.trim, touched=False)
    make.board((back, y - 0.06, 0.0), (front + 0.02, y, h), rgba=decor.trim, touched=False)
    make.board((back, -y, h - 0.06), (front + 0.02, y, h), rgba=decor.trim, touched=False)
    make.board(
        (back, -y + 0.06, 0.005), (front, y - 0.06, h - 0.06), rgba=decor.door, touched=False
    )
    field: Rgba = (*(0.85 * c for c in decor.door[:3]), 1.0)  # type: ignore[assignment]
    for low, high in ((0.15, 0.85), (1.05, h - 0.2)):
        corner = ((front, -y + 0.18, low), (front + 0.006, y - 0.18, high))
        make.board(*corner, rgba=field, touched=False)
    side = float(rng.choice([-1.0, 1.0])) * (y - 0.12)
    make.part(SPHERE, (0.028,), (front + 0.045, side, 0.98), METAL)
    make.board(
        (front, side - 0.02, 0.9), (front + 0.01, side + 0.02, 1.06), rgba=METAL, touched=False
    )


def add_sofa(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A seat, a back and two arms, with cushions for the eye."""
    make, (x, y), h = (
        Carpenter(spec, place),
        (place.size[0] / 2.0, place.size[1] / 2.0),
        place.height,
    )
    make.board((-x, -y, 0.06), (x, y, h), material=decor.fabric)
    make.board((-x, -y, h), (-x + SOFA_BACK_M, y, h + 0.4), material=decor.fabric)
    for side in (-1.0, 1.0):
        low, high = sorted((side * y, side * (y - 0.18)))
        make.board((-x, low, h), (x - 0.02, high, h + 0.2), material=decor.fabric)
    make.board(
        (x, -y + 0.19, h - 0.15), (x + 0.006, y - 0.19, h - 0.02), rgba=decor.sofa, touched=False
    )
    cushion = 0.9 * np.asarray(decor.sofa[:3]) + 0.1 * rng.uniform(0.0, 1.0, 3)
    for side in (-1.0, 1.0):
        middle = (-x + SOFA_BACK_M + 0.02, side * (y - 0.42), h + 0.2)
        make.part(ELLIPSOID, (0.07, 0.2, 0.19), middle, (*cushion, 1.0))


def add_plant(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A pot with a stem and a crown of leaves."""
    make, radius = Carpenter(spec, place), place.size[0] / 2.0
    pot = 0.8 * radius
    make.part(CYLINDER, (pot, 0.16), (0.0, 0.0, 0.16), decor.pot)
    make.part(CYLINDER, (pot * 1.06, 0.02), (0.0, 0.0, 0.31), decor.pot)
    make.part(CYLINDER, (pot * 0.95, 0.004), (0.0, 0.0, 0.332), (0.16, 0.11, 0.07, 1.0))
    make.pillar(pot, 0.33)
    stem = make.part(CAPSULE, (0.016,), (0.0, 0.0, 0.0), (0.32, 0.24, 0.14, 1.0))
    stem.fromto = (0.0, 0.0, 0.3, 0.0, 0.0, place.height - 0.15)
    count = int(rng.integers(18, 28))
    for index in range(count):
        height = 0.55 + (place.height - 0.65) * (index + rng.uniform(0, 1)) / count
        angle, tilt = index * 2.399963 + rng.normal(0.0, 0.2), rng.uniform(-0.9, 0.2)
        length = radius * rng.uniform(0.5, 0.75)
        turn, lift, both = yaw_quaternion(angle), np.zeros(4), np.zeros(4)
        mujoco.mju_axisAngle2Quat(lift, np.array([0.0, 1.0, 0.0]), tilt)
        mujoco.mju_mulQuat(both, turn, lift)
        reach = length * 0.9
        middle = (reach * np.cos(angle) * np.cos(tilt), reach * np.sin(angle) * np.cos(tilt))
        green = np.clip(np.asarray(decor.leaf[:3]) * rng.uniform(0.75, 1.3), 0.0, 1.0)
        position = (*middle, height - reach * np.sin(tilt))
        leaf = make.part(ELLIPSOID, (length, length * 0.36, 0.006), position, (*green, 1.0))
        leaf.quat = both


def add_open_shelf(
    spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator
) -> None:
    """Boards between two sides, open to the front, with a thin back and a plinth."""
    make, (x, y) = Carpenter(spec, place), (place.size[0] / 2.0, place.size[1] / 2.0)
    dark: Rgba = (*(0.88 * c for c in decor.shelf[:3]), 1.0)  # type: ignore[assignment]
    for side in (-1.0, 1.0):
        low, high = sorted((side * y, side * (y - BOARD_M)))
        make.board((-x, low, 0.0), (x, high, place.height - BOARD_M), rgba=decor.shelf)
    make.board((-x, -y, 0.0), (-x + 0.008, y, place.height - BOARD_M), rgba=dark)
    make.board((-x, -y + BOARD_M, 0.0), (x - 0.03, y - BOARD_M, 0.08), rgba=dark)
    for height in place.boards:
        inset = 0.0 if height == place.height else BOARD_M
        make.board((-x, -y + inset, height - BOARD_M), (x, y - inset, height), material=decor.wood)


def add_bin(spec: mujoco.MjSpec, place: Place, decor: Decor, rng: np.random.Generator) -> None:
    """A square bin without a lid."""
    make, (x, y) = Carpenter(spec, place), (place.size[0] / 2.0, place.size[1] / 2.0)
    inside: Rgba = (*(0.5 * c for c in decor.pot[:3]), 1.0)  # type: ignore[assignment]
    make.board((-x, -y, 0.0), (x, y, BIN_WALL_M), rgba=inside)
    for side in (-1.0, 1.0):
        low, high = sorted((side * x, side * (x - BIN_WALL_M)))
        make.board((low, -y, BIN_WALL_M), (high, y, place.height), rgba=decor.pot)
        low, high = sorted((side * y, side * (y - BIN_WALL_M)))
        ends = x - BIN_WALL_M
        make.board((-ends, low, BIN_WALL_M), (ends, high, place.height), rgba=decor.pot)


FURNITURE: dict[str, Callable[[mujoco.MjSpec, Place, Decor, np.random.Generator], None]] = {
    "table": add_table,
    "shelf": add_shelf,
    "door": add_door,
    "sofa": add_sofa,
    "plant": add_plant,
}

TIDY_FURNITURE = {
    **FURNITURE,
    "shelf": add_open_shelf,
    "coffee_table": add_table,
    "bin": add_bin,
}
"""What the world `tidy` has; see `worlds.tidy`."""
