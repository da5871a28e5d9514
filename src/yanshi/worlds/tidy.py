"""A home to grasp in: tables and boards at several heights, containers, things close together.

The room holds a table, a coffee table, a shelf with three boards, a sofa, a door, a plant, a bin
on the floor, a standing person, a tray, a bowl and five to ten things that a hand can grasp. Some
of the things stand in pairs: one touches the other, or one hides about half of the other from
whoever stands before the front edge. Everything is sampled by rejection.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.core.errors import ConfigError
from yanshi.worlds import furniture
from yanshi.worlds.decor import choose_decor, light_room
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.home import Home, find_spot, shuffle_things
from yanshi.worlds.layout import (
    FRONT_STAND_M,
    ROBOT_RADIUS_M,
    Layout,
    against_wall,
    are_apart,
    measure_clearance,
    reachable_cells,
    sample_layout,
    sample_plant,
    sample_table,
)
from yanshi.worlds.matter import give_matter, set_solver, smooth_furniture
from yanshi.worlds.person import PERSON, add_person
from yanshi.worlds.things import (
    SCALE_MAX,
    SCALE_MIN,
    THING_KINDS,
    TRAY,
    Kind,
    PlacedThing,
    add_thing,
    kind_of,
)

THINGS_MIN, THINGS_MAX = 5, 10
BOARDS_M = (0.45, 0.75, 1.0)
"""Heights of the shelf's boards."""
COFFEE_TABLE_M = 0.45
BIN_SIZE_M = (0.28, 0.28, 0.32)
CLUTTER = 0.6
"""Share of the things that stand close by another, unless it is asked for."""
SURFACES = {"table": 0.4, "coffee_table": 0.25, "shelf": 0.3, "sofa": 0.05}
"""Where things stand, and how often."""
CONTAINER_SURFACES = {"table": 0.5, "coffee_table": 0.5}
ROUNDS = 4
"""How often each surface is tried before a group is left out."""
ATTEMPTS_MAX = 100
"""How often two things are moved until one hides the other as wanted."""
GRASPABLE = (
    *("cube", "ball", "cup", "bottle", "can"),
    *("apple", "banana", "walnut", "sausage", "book"),
)
"""Kinds that a hand can close round: 3 to 10 cm across in some direction."""
SIDE_M = {
    "cube": 0.030,
    "ball": 0.035,
    "cup": 0.0405,
    "bottle": 0.034,
    "can": 0.033,
    "apple": 0.0375,
    "walnut": 0.030,
}
"""From the middle of a thing of scale 1 to its side at its own -x, m. A thing of these kinds can
stand close by another; the cup's handle is at its other side."""
UPRIGHT = ("cube", "bottle", "can", "cup")
"""Kinds with a side wall that stands upright."""
TALL = ("bottle", "can")
"""Kinds that hide another from an eye that looks down on them."""
TOUCH_GAP_M = 0.0002
HIDDEN_SHARE = (0.35, 0.65)
EDGE_TO_THING_M = 0.2
"""How far behind the front edge a hidden thing stands, about."""
EYE_HEIGHT_M = 1.2
"""About that of a G1's head camera."""
BEFORE_PERSON_M = (0.75, 1.0, 1.35)
"""How far before a person who holds a hand out the floor is free."""
HEADROOM_M = 0.02
"""Least distance from a thing's top to the board above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A thing to be placed, in the frame of a group: x to the front edge."""

    kind: str
    colour: str
    scale: float
    yaw: float
    facts: Kind
    offset: tuple[float, float] = (0.0, 0.0)
    """m."""

    @property
    def radius(self) -> float:
        return self.scale * self.facts.radius

    @property
    def height(self) -> float:
        return 2.0 * self.scale * self.facts.half_height

    @property
    def side(self) -> float:
        return self.scale * SIDE_M[self.kind]


_Arrange = Callable[[float], tuple[_Item, ...] | None]
"""Makes a group for a surface at a height, m, about its own middle; None where it cannot be."""


def build_handover(seed: int) -> Home:
    """Build the same home with a person who holds an open hand out."""
    return build_tidy(seed, offers_hand=True)


def build_tidy(seed: int, *, clutter: float = CLUTTER, offers_hand: bool = False) -> Home:
    """Build the home that belongs to a seed; the same seed always gives the same home.

    Args:
        seed: Which home.
        clutter: Share of the things that stand close by another, 0 to 1.
        offers_hand: Whether the person holds a hand out, to where a robot can stand.

    Raises:
        ConfigError: There is no such share.
    """
    if not 0.0 <= clutter <= 1.0:
        raise ConfigError(f"A clutter of {clutter} was asked for; it is a share from 0 to 1.")
    rng = np.random.default_rng([seed, 0x746964])
    name = "handover" if offers_hand else "tidy"

    def fill(spec: mujoco.MjSpec, layout: Layout) -> tuple[PlacedThing, ...]:
        return place_things(spec, layout, clutter, rng)

    return furnish(name, seed, fill, rng, offers_hand=offers_hand)


def furnish(
    name: str,
    seed: int,
    fill: Callable[[mujoco.MjSpec, Layout], tuple[PlacedThing, ...]],
    rng: np.random.Generator,
    *,
    offers_hand: bool = False,
) -> Home:
    """Build a home with this furniture.

    Args:
        name: What the world is called.
        seed: Which of the worlds of that name.
        fill: Puts the loose things on the furniture.
        rng: Where everything comes from.
        offers_hand: Whether the person holds a hand out, to where a robot can stand.
    """
    layout = sample_layout(rng, sample_tidy_furniture)
    decor = choose_decor(rng)
    spec = mujoco.MjSpec()
    spec.modelname = f"{name}_{seed}"
    set_solver(spec)
    light_room(spec, layout.size, decor, rng)
    furniture.add_room(spec, layout.size, decor)
    for place in layout.places:
        furniture.TIDY_FURNITURE[place.name](spec, place, decor, rng)
        smooth_furniture(spec, place.name)
    yaw = _free_side(layout) if offers_hand else layout.person_yaw
    hand = add_person(spec, position=layout.person, yaw=yaw, rng=rng, offers_hand=offers_hand)
    things = fill(spec, layout)
    plan = FloorPlan(name=name, size=layout.size, places=layout.places, start=layout.start)
    return Home(spec=spec, floor_plan=plan, things=things, person=PERSON, open_hand=hand)


def _free_side(layout: Layout) -> float:
    """Return where the person faces so that a robot can come before it, rad."""
    clearance = measure_clearance(layout.size, layout.places, layout.person)
    start = clearance.cell(layout.start[:2])
    reached = reachable_cells(clearance.distance >= ROBOT_RADIUS_M, start)

    def is_free(yaw: float) -> bool:
        ahead = np.array([np.cos(yaw), np.sin(yaw)])
        spots = (layout.person + distance * ahead for distance in BEFORE_PERSON_M)
        return all(bool(reached[clearance.cell(spot)]) for spot in spots)

    turns = sorted(np.linspace(-np.pi, np.pi, 36, endpoint=False), key=abs)
    yaws = (float(layout.person_yaw + turn) for turn in turns)
    return next((yaw for yaw in yaws if is_free(yaw)), layout.person_yaw)


def sample_tidy_furniture(
    size: tuple[float, float], rng: np.random.Generator
) -> tuple[Place, ...] | None:
    """Return the furniture, or None when two pieces are too close."""
    walls = [int(wall) for wall in rng.permutation(4)]

    def stand(
        name: str, wall: int, depth: float, width: float, height: float, *, is_solid: bool = True
    ) -> Place:
        slack = size[1 - wall % 2] / 2.0 - width / 2.0 - 0.35
        centre, yaw = against_wall(size, wall, depth, float(rng.uniform(-slack, slack)))
        return Place(
            name=name,
            centre=centre,
            size=(depth, width),
            yaw=yaw,
            height=height,
            is_solid=is_solid,
        )

    def draw(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    shelf = stand("shelf", walls[0], draw(0.34, 0.40), draw(0.9, 1.2), BOARDS_M[-1])
    sofa = stand("sofa", walls[1], draw(0.75, 0.88), draw(1.5, 1.9), draw(0.40, 0.45))
    places = (
        replace(shelf, boards=BOARDS_M, has_surface=True),
        replace(sofa, has_surface=True),
        stand("door", walls[2], 0.06, draw(0.85, 0.95), 2.02, is_solid=False),
        sample_plant(size, rng),
        replace(sample_table(size, walls[3], rng), height=draw(0.72, 0.78)),
        _sample_coffee_table(sofa, rng),
        replace(stand("bin", int(rng.integers(4)), *BIN_SIZE_M), is_container=True),
    )
    return places if are_apart(places) else None


def _sample_coffee_table(sofa: Place, rng: np.random.Generator) -> Place:
    """Return a low table before the sofa, with room to pass between them."""
    depth, width = float(rng.uniform(0.5, 0.6)), float(rng.uniform(0.8, 1.1))
    ahead = np.array([np.cos(sofa.yaw), np.sin(sofa.yaw)])
    left = np.array([-ahead[1], ahead[0]])
    gap, shift = rng.uniform(0.9, 1.3), rng.uniform(-0.4, 0.4)
    x, y = sofa.centre + (sofa.size[0] / 2.0 + gap + depth / 2.0) * ahead + shift * left
    yaw = sofa.yaw + float(rng.choice([0.0, np.pi]))
    return Place(
        name="coffee_table",
        centre=(float(x), float(y)),
        size=(depth, width),
        yaw=float(np.arctan2(np.sin(yaw), np.cos(yaw))),
        height=COFFEE_TABLE_M,
        has_surface=True,
        is_open_below=True,
    )


def place_things(
    spec: mujoco.MjSpec, layout: Layout, clutter: float, rng: np.random.Generator
) -> tuple[PlacedThing, ...]:
    """Put a tray, a bowl and five to ten graspable things on the furniture."""
    surfaces = {place.name: place for place in layout.places if place.has_surface}
    taken: dict[tuple[str, float], list[tuple[NDArray[np.float64], float]]] = {}
    placed: list[PlacedThing] = []
    for arrange, shares in _sample_groups(clutter, rng):
        for name in _some_order(shares, rng):
            place = surfaces[name]
            height = float(rng.choice(place.surface_heights))
            group = arrange(height)
            if group is None or not _has_headroom(place, height, group):
                continue
            radius = max(float(np.linalg.norm(item.offset)) + item.radius for item in group)
            others = taken.setdefault((name, height), [])
            spot = find_spot(replace(place, height=height), radius, others, rng)
            if spot is None:
                continue
            others.append((spot[:2], radius))
            placed += [_put(spec, item, spot, place.yaw, rng) for item in group]
            break
    return tuple(placed)


def _some_order(shares: dict[str, float], rng: np.random.Generator) -> list[str]:
    """Return names in a random order that favours large shares, a few times over."""
    names, p = list(shares), np.array(list(shares.values())) / sum(shares.values())
    return [
        str(name)
        for _ in range(ROUNDS)
        for name in rng.choice(names, size=len(names), replace=False, p=p)
    ]


def _has_headroom(place: Place, height: float, group: tuple[_Item, ...]) -> bool:
    """Say whether things fit below the board above theirs, if there is one."""
    above = [board - furniture.BOARD_M for board in place.boards if board > height]
    top = height + max(item.height for item in group)
    return not above or top + HEADROOM_M < above[0]


def _put(
    spec: mujoco.MjSpec,
    item: _Item,
    spot: NDArray[np.float64],
    yaw: float,
    rng: np.random.Generator,
) -> PlacedThing:
    """Add a thing whose group stands on a spot and is turned by `yaw`."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    x, y = item.offset
    thing = add_thing(
        spec,
        item.kind,
        item.colour,
        position=spot + [cos * x - sin * y, sin * x + cos * y, 0.0],
        yaw=yaw + item.yaw,
        rng=rng,
        scale=item.scale,
    )
    give_matter(spec, thing, rng)
    return thing


def _sample_groups(
    clutter: float, rng: np.random.Generator
) -> Iterator[tuple[_Arrange, dict[str, float]]]:
    """Yield what to put where: containers, pairs that touch or hide each other, single things."""
    tray = _sample_item("tray", str(rng.choice(TRAY.colours)), rng)
    # Its long side along the edge.
    yield _alone(replace(tray, yaw=np.pi / 2.0 + float(rng.normal(0.0, 0.1)))), CONTAINER_SURFACES
    bowl_colours = THING_KINDS["bowl"].colours
    yield _alone(_sample_item("bowl", str(rng.choice(bowl_colours)), rng)), CONTAINER_SURFACES
    count = int(rng.integers(THINGS_MIN, THINGS_MAX + 1))
    pool = [
        _sample_item(kind, colour, rng) for kind, colour in shuffle_things(rng) if kind in GRASPABLE
    ]
    pairs = min(round(clutter * count / 2.0 + 0.49), count // 2)
    for number in range(pairs):
        is_touching = number % 2 == 0
        first = _take(pool, UPRIGHT if is_touching else TALL)
        pair = (first, _take(pool, tuple(SIDE_M)), rng)
        yield (_beside(*pair) if is_touching else _behind(*pair)), SURFACES
    for _ in range(count - 2 * pairs):
        yield _alone(_take(pool, GRASPABLE)), SURFACES


def _sample_item(kind: str, colour: str, rng: np.random.Generator) -> _Item:
    return _Item(
        kind=kind,
        colour=colour,
        scale=float(rng.uniform(SCALE_MIN, SCALE_MAX)),
        yaw=float(rng.uniform(-np.pi, np.pi)),
        facts=kind_of(kind),
    )


def _take(pool: list[_Item], kinds: tuple[str, ...]) -> _Item:
    """Take the first thing of one of these kinds out of the pool."""
    item = next(item for item in pool if item.kind in kinds)
    pool.remove(item)
    return item


def _alone(item: _Item) -> _Arrange:
    return lambda height: (item,)


def _beside(first: _Item, second: _Item, rng: np.random.Generator) -> _Arrange:
    """Let two things touch, each with its -x side."""
    direction = float(rng.uniform(-np.pi, np.pi))
    apart = (first.side + second.side + TOUCH_GAP_M) / 2.0
    x, y = apart * np.cos(direction), apart * np.sin(direction)
    pair = (
        replace(first, offset=(-x, -y), yaw=direction + np.pi),
        replace(second, offset=(x, y), yaw=direction),
    )
    return lambda height: pair


def _behind(first: _Item, second: _Item, rng: np.random.Generator) -> _Arrange:
    """Let the taller of two things hide about half of the other."""
    hidden, hider = sorted((first, second), key=lambda item: item.height)

    def arrange(height: float) -> tuple[_Item, ...] | None:
        for _ in range(ATTEMPTS_MAX):
            ahead = hider.radius + hidden.radius + float(rng.uniform(0.004, 0.05))
            across = float(rng.uniform(-1.0, 1.0)) * (hider.side + hidden.side)
            pair = (
                replace(hider, offset=(ahead / 2.0, across / 2.0)),
                replace(hidden, offset=(-ahead / 2.0, -across / 2.0)),
            )
            if HIDDEN_SHARE[0] <= hidden_share(*pair, height) <= HIDDEN_SHARE[1]:
                return pair
        return None

    return arrange


def hidden_share(hider: _Item, hidden: _Item, height: float) -> float:
    """Return how much of a thing another hides from a robot that stands before the edge.

    Both are taken as upright cylinders on a surface at `height`, m; a line of sight to each of
    7 by 7 points of the hidden one's middle plane is blocked where it passes nearest to the
    other's axis.
    """
    half = 0.95 * hidden.side
    across, up = np.meshgrid(np.linspace(-half, half, 7), np.linspace(0.05, 0.95, 7))
    points = np.stack([0.0 * across, across, up * hidden.height], axis=-1).reshape(-1, 3)
    eye = np.array([FRONT_STAND_M + EDGE_TO_THING_M, 0.0, EYE_HEIGHT_M - height])
    axis = np.subtract(hider.offset, hidden.offset)
    ray = points - eye
    nearest = np.clip((axis - eye[:2]) @ ray[:, :2].T / (ray[:, :2] ** 2).sum(axis=1), 0.0, 1.0)
    passed = eye + nearest[:, None] * ray
    is_close = np.linalg.norm(passed[:, :2] - axis, axis=1) < hider.side
    return float((is_close & (passed[:, 2] < hider.height)).mean())
