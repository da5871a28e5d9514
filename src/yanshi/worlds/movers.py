"""A home to carry boxes in: the furniture of the world `tidy` and one large box.

The box stands near an edge of the table or the coffee table, its long side along the edge: 35 to
40 cm long, 26 to 30 cm deep, 22 to 26 cm high, 0.5 to 4 kg.
"""

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.worlds.floor_plan import Place
from yanshi.worlds.home import Home
from yanshi.worlds.layout import Layout
from yanshi.worlds.matter import give_matter
from yanshi.worlds.things import PlacedThing, add_thing, kind_of
from yanshi.worlds.tidy import furnish

SURFACES = ("table", "coffee_table")
SCALE = (2.5, 2.85)
"""How many times as large as a parcel for one hand the box is."""
EDGE_GAP_M = (0.03, 0.08)
"""From the front edge of what it stands on to the box."""
SIDE_GAP_M = 0.15
"""From the sides of what it stands on at least: room for an arm."""
PERSON_M = 0.6
"""From the middle of the person to that of the box at least."""
DROP_M = 0.001
"""MuJoCo told one box that stood exactly on a table to be half a metre deep in it."""
ATTEMPTS_MAX = 100
YAW_SD = 0.08
"""How far it is turned from the edge, rad."""


def build_movers(seed: int) -> Home:
    """Build the home that belongs to a seed; the same seed always gives the same home."""
    rng = np.random.default_rng([seed, 0x6D6F76])
    return furnish("movers", seed, lambda spec, layout: (add_box(spec, layout, rng),), rng)


def add_box(spec: mujoco.MjSpec, layout: Layout, rng: np.random.Generator) -> PlacedThing:
    """Put a large box on one of the surfaces."""
    places = {place.name: place for place in layout.places}
    place = places[str(rng.choice(SURFACES))]
    scale = float(rng.uniform(*SCALE))
    box = add_thing(
        spec,
        "box",
        str(rng.choice(kind_of("box").colours)),
        position=_spot(place, layout.person, scale, rng),
        yaw=place.yaw + 0.5 * np.pi + float(rng.normal(0.0, YAW_SD)),
        rng=rng,
        scale=scale,
    )
    give_matter(spec, box, rng)
    return box


def _spot(
    place: Place, person: tuple[float, float], scale: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return where a box stands near the front edge of a place, m, shape (3,)."""
    half_length, half_depth = 0.07 * scale, 0.052 * scale
    free = max(0.5 * place.size[1] - half_length - SIDE_GAP_M, 0.0)
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    for _ in range(ATTEMPTS_MAX):
        ahead = 0.5 * place.size[0] - half_depth - float(rng.uniform(*EDGE_GAP_M))
        left = float(rng.uniform(-free, free))
        x = place.centre[0] + cos * ahead - sin * left
        y = place.centre[1] + sin * ahead + cos * left
        if np.hypot(x - person[0], y - person[1]) > PERSON_M:
            break
    return np.array([x, y, place.height + DROP_M])
