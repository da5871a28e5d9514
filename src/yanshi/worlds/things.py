"""What loose things are there? Their kinds, colours and bodies.

`KINDS` and `COLOURS` are the one vocabulary of things: the plan language, the eyes and the
worlds all take it from here.
"""

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from yanshi.core.errors import ConfigError, UnknownNameError
from yanshi.worlds import shapes
from yanshi.worlds.shapes import Maker, Rgba

COLOURS: tuple[str, ...] = (
    "red",
    "green",
    "blue",
    "yellow",
    "orange",
    "purple",
    "white",
    "brown",
)

PAINTS: dict[str, tuple[float, float, float]] = {
    "red": (0.80, 0.07, 0.08),
    "green": (0.10, 0.55, 0.16),
    "blue": (0.08, 0.24, 0.78),
    "yellow": (0.95, 0.80, 0.08),
    "orange": (0.97, 0.45, 0.04),
    "purple": (0.47, 0.14, 0.62),
    "white": (0.93, 0.93, 0.91),
    "brown": (0.40, 0.23, 0.11),
}
"""Red, green, blue from 0 to 1 of each colour before a thing's own variation."""

SCALE_MIN, SCALE_MAX = 0.93, 1.08
"""How much smaller or larger than usual a thing may be."""

HEIGHT_ERROR_M = 0.01
"""How far off a measured height may be."""

ANY_BUT_BROWN = tuple(colour for colour in COLOURS if colour != "brown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What all things of one kind share."""

    shape: str
    """What a hand may take it for: `box`, `cylinder` (upright) or `sphere`."""
    colours: tuple[str, ...]
    """Colours that this kind comes in."""
    mass_kg: float
    radius: float
    """Radius of the upright cylinder that holds it at scale 1, m."""
    half_height: float
    """Height of its middle above what it stands on at scale 1, m."""
    make: Callable[[Maker], None]
    """Draws it about its middle."""


THING_KINDS: dict[str, Kind] = {
    name: Kind(
        shape=shape, colours=colours, mass_kg=mass, radius=radius, half_height=half, make=make
    )
    for name, shape, colours, mass, radius, half, make in (
        ("cube", "box", ANY_BUT_BROWN, 0.10, 0.043, 0.030, shapes.make_cube),
        ("ball", "sphere", ANY_BUT_BROWN, 0.06, 0.035, 0.035, shapes.make_ball),
        ("cup", "cylinder", ANY_BUT_BROWN, 0.20, 0.070, 0.045, shapes.make_cup),
        ("bowl", "cylinder", ANY_BUT_BROWN, 0.22, 0.077, 0.030, shapes.make_bowl),
        ("bottle", "cylinder", ANY_BUT_BROWN, 0.30, 0.036, 0.110, shapes.make_bottle),
        ("can", "cylinder", ANY_BUT_BROWN, 0.25, 0.034, 0.060, shapes.make_can),
        ("plate", "cylinder", ANY_BUT_BROWN, 0.28, 0.107, 0.011, shapes.make_plate),
        ("apple", "sphere", ("red", "green"), 0.15, 0.038, 0.034, shapes.make_apple),
        ("banana", "box", ("yellow",), 0.12, 0.100, 0.0175, shapes.make_banana),
        ("walnut", "sphere", ("brown",), 0.02, 0.032, 0.0257, shapes.make_walnut),
        ("sausage", "box", ("red", "brown"), 0.08, 0.084, 0.017, shapes.make_sausage),
        ("book", "box", ANY_BUT_BROWN, 0.35, 0.130, 0.016, shapes.make_book),
        ("box", "box", ANY_BUT_BROWN, 0.15, 0.088, 0.045, shapes.make_box),
    )
}
"""What stands about in the world `home`."""

TRAY = Kind(
    shape="box",
    colours=ANY_BUT_BROWN,
    mass_kg=0.4,
    radius=0.181,
    half_height=0.015,
    make=shapes.make_tray,
)

KIND_FACTS: dict[str, Kind] = {**THING_KINDS, "tray": TRAY}
"""All kinds; what is only here stands in the world `tidy` alone."""

KINDS: tuple[str, ...] = tuple(KIND_FACTS)

NECKED = ("bottle",)
"""Kinds whose upper end is too thin to be gripped from above."""

HOLLOW = ("bowl", "tray")
"""Kinds inside of which another thing may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedThing:
    """One thing of a world, for those who may know the truth: judges and training data."""

    name: str
    """Colour and kind as the plan language writes them: `red cup`."""
    kind: str
    colour: str
    body: str
    """Name of its body in the model; the body's origin is the thing's middle."""
    radius: float
    """Radius of the upright cylinder that holds it, m."""


def kind_of(name: str) -> Kind:
    """Return what is known of a kind.

    Raises:
        UnknownNameError: There is no such kind.
    """
    if name not in KIND_FACTS:
        raise UnknownNameError("kind of thing", name, KINDS)
    return KIND_FACTS[name]


def shape_of(kind: str) -> str:
    """Return what a hand may take things of a kind for; empty for who is no thing, as a person."""
    return KIND_FACTS[kind].shape if kind in KIND_FACTS else ""


def can_be_as_high(kind: str, height: float) -> bool:
    """Whether a thing of a kind may stand so high, m, give or take what eyes measure wrongly."""
    if kind not in KIND_FACTS:
        return True
    usual = 2.0 * KIND_FACTS[kind].half_height
    return SCALE_MIN * usual - HEIGHT_ERROR_M <= height <= SCALE_MAX * usual + HEIGHT_ERROR_M


def vary_paint(colour: str, rng: np.random.Generator) -> Rgba:
    """Return a shade of the colour that still deserves its name."""
    if colour not in PAINTS:
        raise UnknownNameError("colour", colour, COLOURS)
    hue, saturation, value = colorsys.rgb_to_hsv(*PAINTS[colour])
    hue += rng.uniform(-0.012, 0.012)
    saturation *= rng.uniform(0.88, 1.0)
    value = min(1.0, value * rng.uniform(0.86, 1.06))
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return (red, green, blue, 1.0)


def add_thing(
    spec: mujoco.MjSpec,
    kind: str,
    colour: str,
    *,
    position: ArrayLike,
    yaw: float,
    rng: np.random.Generator,
    body: str | None = None,
    scale: float | None = None,
) -> PlacedThing:
    """Add a free thing to a world.

    Args:
        spec: The world; changed in place.
        kind: One of `KINDS`.
        colour: One of the kind's colours.
        position: The point that it stands on, m, shape (3,): its middle ends up above it.
        yaw: Its turn about z, rad.
        rng: Where its own size and shade come from.
        body: Name of its body; by default colour and kind, `red_cup`.
        scale: How large it is, usually 1; from `rng` if None.

    Raises:
        UnknownNameError: There is no such kind or colour.
        ConfigError: The kind does not come in that colour.
    """
    facts = kind_of(kind)
    if colour in COLOURS and colour not in facts.colours:
        known = ", ".join(facts.colours)
        raise ConfigError(f"No {colour} {kind} can be made. A {kind} may be: {known}.")
    paint = vary_paint(colour, rng)
    scale = float(rng.uniform(SCALE_MIN, SCALE_MAX)) if scale is None else scale
    name = body or f"{colour}_{kind}"
    middle = np.asarray(position, dtype=np.float64) + [0.0, 0.0, scale * facts.half_height]
    frame = spec.worldbody.add_body(name=name, pos=middle, quat=shapes.yaw_quaternion(yaw))
    frame.add_freejoint(name=name)
    maker = Maker(spec=spec, body=frame, name=name, paint=paint, scale=scale, rng=rng)
    facts.make(maker)
    maker.weigh(facts.mass_kg * scale**3)
    return PlacedThing(
        name=f"{colour} {kind}", kind=kind, colour=colour, body=name, radius=scale * facts.radius
    )
