"""What does a standing person look like? A still figure made of primitives."""

from collections.abc import Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

from yanshi.worlds.layout import PERSON_RADIUS_M
from yanshi.worlds.shapes import (
    BOX,
    CAPSULE,
    CYLINDER,
    ELLIPSOID,
    SEEN_GROUP,
    SPHERE,
    TOUCHED_GROUP,
    Rgba,
    yaw_quaternion,
)

PERSON = "person"
"""Name of the person's body; its origin is on the floor between the feet."""
WALK_JOINTS = ("person_x", "person_y", "person_yaw")
"""Along the room's axes, m, and about the vertical, rad, from where the person stood at first."""
HOVER_M = 0.01
"""Height of the soles of a person who walks: no friction with the floor."""
PERSON_MIDDLE_M = 0.9
"""Height above the floor that counts as the middle of a person, tall or short."""
PALM_HEIGHT_M, PALM_AHEAD_M, PALM_ASIDE_M = 0.96, 0.42, 0.15
"""Where somebody 1.7 m tall holds an open hand out: its upper side above the floor, its middle
ahead of the body and to the right."""
PALM_M, PALM_THICK_M = (0.17, 0.12), 0.024
"""From the wrist to the bent fingertips, and across with the thumb spread out."""
RIM_M, RIM_UP_M = 0.008, 0.006
"""Radius of the rim that fingertips, thumb and heel of the hand make, and how far it rises above
the palm."""
SKIN_FRICTION = 0.8
"""Dry skin. Assumed."""

SKINS = ((0.95, 0.78, 0.66), (0.86, 0.66, 0.50), (0.70, 0.50, 0.36), (0.45, 0.30, 0.21))
HAIRS = ((0.08, 0.06, 0.05), (0.25, 0.16, 0.09), (0.55, 0.42, 0.22), (0.6, 0.6, 0.6))
TROUSERS = ((0.12, 0.14, 0.22), (0.22, 0.22, 0.23), (0.45, 0.38, 0.28), (0.20, 0.28, 0.40))


def add_person(
    spec: mujoco.MjSpec,
    *,
    position: tuple[float, float],
    yaw: float,
    rng: np.random.Generator,
    walks: bool = False,
    offers_hand: bool = False,
) -> tuple[float, float, float] | None:
    """Add a person of 1.55 to 1.85 m who stands on the floor and faces `yaw`.

    One who `walks` hovers a little and has joints, by which a `worlds.visitor.Visitor` moves it.
    One who `offers_hand` holds the right hand out, palm up and fingers a little bent, and keeps
    it there: things rest on it by their weight, and by friction.

    Returns:
        The middle of the upper side of the open hand, m; None where none is held out.
    """
    body = spec.worldbody.add_body(name=PERSON, pos=(*position, 0.0), quat=yaw_quaternion(yaw))
    if walks:
        body.pos[2] = HOVER_M
        cos, sin = np.cos(yaw), np.sin(yaw)
        for name, axis in zip(WALK_JOINTS, ((cos, -sin, 0.0), (sin, cos, 0.0)), strict=False):
            body.add_joint(name=name, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=axis)
        body.add_joint(name=WALK_JOINTS[2], type=mujoco.mjtJoint.mjJNT_HINGE, axis=(0.0, 0.0, 1.0))
    height = float(rng.uniform(1.55, 1.85))
    unit = height / 1.7
    skin = _shade(SKINS[rng.integers(len(SKINS))], rng)
    hair = _shade(HAIRS[rng.integers(len(HAIRS))], rng)
    trousers = _shade(TROUSERS[rng.integers(len(TROUSERS))], rng)
    red, green, blue = rng.uniform(0.12, 0.9, 3)
    shirt: Rgba = (red, green, blue, 1.0)

    def rod(start: Sequence[float], end: Sequence[float], radius: float, rgba: Rgba) -> None:
        body.add_geom(
            type=CAPSULE,
            size=(unit * radius, 0.0, 0.0),
            fromto=unit * np.array([*start, *end]),
            rgba=rgba,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
        )

    def part(
        shape: mujoco.mjtGeom, size: Sequence[float], middle: Sequence[float], rgba: Rgba
    ) -> None:
        body.add_geom(
            type=shape,
            size=unit * np.array([*size, 0.0, 0.0][:3]),
            pos=unit * np.asarray(middle),
            rgba=rgba,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
        )

    for side in (-1.0, 1.0):
        part(BOX, (0.12, 0.045, 0.035), (0.04, side * 0.1, 0.035), (0.12, 0.1, 0.1, 1.0))
        rod((0.0, side * 0.1, 0.1), (0.01, side * 0.1, 0.47), 0.058, trousers)
        rod((0.01, side * 0.1, 0.47), (0.0, side * 0.09, 0.86), 0.078, trousers)
        swing = float(rng.uniform(-0.06, 0.12))
        if offers_hand and side < 0.0:
            continue
        elbow = (swing * 0.5, side * 0.245, 1.13)
        rod((0.0, side * 0.195, 1.37), elbow, 0.048, shirt)
        rod(elbow, (swing + 0.04, side * 0.25, 0.9), 0.036, skin)
        part(ELLIPSOID, (0.04, 0.022, 0.055), (swing + 0.05, side * 0.25, 0.82), skin)
    part(ELLIPSOID, (0.115, 0.165, 0.13), (0.0, 0.0, 0.92), trousers)
    part(ELLIPSOID, (0.115, 0.165, 0.22), (0.0, 0.0, 1.08), shirt)
    part(ELLIPSOID, (0.12, 0.19, 0.19), (0.0, 0.0, 1.27), shirt)
    rod((0.0, -0.14, 1.38), (0.0, 0.14, 1.38), 0.06, shirt)
    rod((0.0, 0.0, 1.42), (0.005, 0.0, 1.5), 0.05, skin)
    part(ELLIPSOID, (0.095, 0.078, 0.115), (0.015, 0.0, 1.585), skin)
    part(ELLIPSOID, (0.1, 0.086, 0.1), (-0.008, 0.0, 1.615), hair)
    part(ELLIPSOID, (0.016, 0.012, 0.018), (0.108, 0.0, 1.575), skin)
    for side in (-1.0, 1.0):
        part(SPHERE, (0.011,), (0.1, side * 0.032, 1.6), (0.08, 0.06, 0.06, 1.0))
    body.add_geom(
        type=CYLINDER,
        size=(PERSON_RADIUS_M * 0.85, height / 2.0, 0.0),
        pos=(0.0, 0.0, height / 2.0),
        group=TOUCHED_GROUP,
    )
    if not offers_hand:
        return None
    _hold_out_hand(body, unit, shirt, skin)
    x, y, z = palm_in_person(unit)
    cos, sin = np.cos(yaw), np.sin(yaw)
    return (
        float(position[0] + cos * x - sin * y),
        float(position[1] + sin * x + cos * y),
        float(z),
    )


def palm_in_person(unit: float) -> NDArray[np.float64]:
    """Return where the middle of an open hand's upper side is in a person's frame, m, shape (3,).

    Args:
        unit: The person's height over 1.7 m. Short and tall people hold it less apart than they
            are.
    """
    return np.array([PALM_AHEAD_M * unit, -PALM_ASIDE_M * unit, PALM_HEIGHT_M * np.sqrt(unit)])


def _hold_out_hand(body: mujoco.MjsBody, unit: float, shirt: Rgba, skin: Rgba) -> None:
    """Give a person a right arm that is held out, with a palm that is seen and touched."""
    palm = palm_in_person(unit)
    along, across = 0.5 * np.array(PALM_M)
    shoulder, elbow = unit * np.array([[0.0, -0.195, 1.37], [0.08, -0.235, 1.1]])
    wrist = palm - (along, 0.0, 0.02)

    def touched(rgba: Rgba, **shape: object) -> None:
        geom = body.add_geom(rgba=rgba, group=SEEN_GROUP, **shape)
        geom.friction[0] = SKIN_FRICTION

    for start, end, radius, rgba in (
        (shoulder, elbow, 0.048, shirt),
        (elbow, wrist, 0.036, skin),
    ):
        size = (unit * radius, 0.0, 0.0)
        touched(rgba, type=CAPSULE, size=size, fromto=np.array([*start, *end]))
    thick = 0.5 * PALM_THICK_M
    touched(skin, type=BOX, size=(along, across, thick), pos=palm - (0.0, 0.0, thick))
    low = RIM_UP_M - RIM_M
    corners = palm + np.array(
        [(along, across, low), (along, -across, low), (-along, -across, low), (-along, across, low)]
    )
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        touched(skin, type=CAPSULE, size=(RIM_M, 0.0, 0.0), fromto=np.array([*start, *end]))


def _shade(rgb: tuple[float, float, float], rng: np.random.Generator) -> Rgba:
    """Return a colour near `rgb`."""
    shade = np.clip(np.asarray(rgb) * rng.uniform(0.9, 1.1), 0.0, 1.0)
    return (float(shade[0]), float(shade[1]), float(shade[2]), 1.0)
