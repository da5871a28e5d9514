"""A furnished room, made from a seed.

The room holds a table, a shelf, a door, a sofa, a plant, a standing person and five to eight
loose things. Sampling is by rejection: a layout counts only when a robot of 0.4 m radius can
walk from its start to the front of every place and up to the person, and when some spot is
free enough to dance on.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from yanshi.worlds import furniture
from yanshi.worlds.decor import choose_decor, light_room
from yanshi.worlds.floor_plan import FloorPlan, Place
from yanshi.worlds.layout import Layout, sample_layout
from yanshi.worlds.person import PERSON, add_person
from yanshi.worlds.things import SCALE_MAX, THING_KINDS, PlacedThing, add_thing

THINGS_MIN, THINGS_MAX = 5, 8
EDGE_MARGIN_M = 0.03
"""Free rim of a surface: nothing is placed closer to an edge."""
GAP_M = 0.025
"""Smallest gap between two things."""
REACH_M = 0.36
"""Depth of the strip along the front edge in which most things stand: what arms can reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A room ready for a robot. Judges may read all of it; skills and mind only `floor_plan`."""

    spec: mujoco.MjSpec
    floor_plan: FloorPlan
    things: tuple[PlacedThing, ...]
    person: str
    """Name of the person's body; empty when nobody is there."""
    open_hand: tuple[float, float, float] | None = None
    """The middle of the upper side of a hand that the person holds out, m; None where none is."""


def build_visited_home(seed: int) -> Home:
    """Build the same room with a person who can walk about in it."""
    return build_home(seed, person_walks=True)


def build_home(seed: int, *, person_walks: bool = False) -> Home:
    """Build the room that belongs to a seed; the same seed always gives the same room."""
    rng = np.random.default_rng([seed, 0x59616E])
    layout = sample_layout(rng)
    decor = choose_decor(rng)
    spec = mujoco.MjSpec()
    spec.modelname = f"home_{seed}"
    light_room(spec, layout.size, decor, rng)
    furniture.add_room(spec, layout.size, decor)
    for place in layout.places:
        furniture.FURNITURE[place.name](spec, place, decor, rng)
    add_person(spec, position=layout.person, yaw=layout.person_yaw, rng=rng, walks=person_walks)
    things = place_things(spec, layout, rng)
    name = "visit" if person_walks else "home"
    plan = FloorPlan(name=name, size=layout.size, places=layout.places, start=layout.start)
    return Home(spec=spec, floor_plan=plan, things=things, person=PERSON)


def shuffle_things(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return every kind in every colour in a random order that favours rare kinds."""
    pairs = [(kind, colour) for kind, facts in THING_KINDS.items() for colour in facts.colours]
    weights = np.array([1.0 / len(THING_KINDS[kind].colours) ** 0.6 for kind, _ in pairs])
    order = rng.choice(len(pairs), size=len(pairs), replace=False, p=weights / weights.sum())
    return [pairs[index] for index in order]


def place_things(
    spec: mujoco.MjSpec, layout: Layout, rng: np.random.Generator
) -> tuple[PlacedThing, ...]:
    """Put things on the table, the shelf and now and then the sofa, apart from each other."""
    surfaces = {place.name: place for place in layout.places if place.has_surface}
    count = int(rng.integers(THINGS_MIN, THINGS_MAX + 1))
    taken: list[tuple[np.ndarray, float]] = []
    placed: list[PlacedThing] = []
    for kind, colour in shuffle_things(rng):
        radius = THING_KINDS[kind].radius * SCALE_MAX
        names = rng.choice(["table", "shelf", "sofa"], size=3, replace=False, p=[0.62, 0.33, 0.05])
        spots = (find_spot(surfaces[str(name)], radius, taken, rng) for name in names)
        spot = next((spot for spot in spots if spot is not None), None)
        if spot is None:
            continue
        taken.append((spot[:2], radius))
        yaw = float(rng.uniform(-np.pi, np.pi))
        placed.append(add_thing(spec, kind, colour, position=spot, yaw=yaw, rng=rng))
        if len(placed) == count:
            break
    return tuple(placed)


def find_spot(
    place: Place,
    radius: float,
    taken: list[tuple[np.ndarray, float]],
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Return a free point on a surface, mostly near its front, or None after sixty tries."""
    along, across = furniture.surface_size(place)
    along_free = along / 2.0 - EDGE_MARGIN_M - radius
    across_free = across / 2.0 - EDGE_MARGIN_M - radius
    if along_free < 0.0 or across_free < 0.0:
        return None
    ahead = np.array([np.cos(place.yaw), np.sin(place.yaw)])
    left = np.array([-ahead[1], ahead[0]])
    offset = furniture.surface_offset(place)
    back = -along_free if rng.random() < 0.2 else max(-along_free, along / 2.0 - REACH_M + radius)
    for _ in range(60):
        forward = rng.uniform(min(back, along_free), along_free) + offset
        side = rng.uniform(-across_free, across_free)
        spot = np.asarray(place.centre) + forward * ahead + side * left
        if all(np.linalg.norm(spot - other) > radius + size + GAP_M for other, size in taken):
            return np.array([*spot, place.height])
    return None
