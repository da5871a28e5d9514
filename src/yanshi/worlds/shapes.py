"""How are things shaped? Builders that draw a thing's body from primitives and small meshes.

A thing has geoms that are *seen* (group 0, no contacts) and geoms that are *touched* (group 4,
which no camera draws): the seen ones may be pretty and hollow, the touched ones stay few, so
that a resting thing costs the physics almost nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

SEEN_GROUP = 0
TOUCHED_GROUP = 4

SPHERE = mujoco.mjtGeom.mjGEOM_SPHERE
CAPSULE = mujoco.mjtGeom.mjGEOM_CAPSULE
CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
ELLIPSOID = mujoco.mjtGeom.mjGEOM_ELLIPSOID
BOX = mujoco.mjtGeom.mjGEOM_BOX
MESH = mujoco.mjtGeom.mjGEOM_MESH

ROLLING_FRICTION = (0.9, 0.01, 0.002)
"""Sliding, torsional (m) and rolling (m) friction; the last one lets a ball come to rest."""

Rgba = tuple[float, float, float, float]
METAL: Rgba = (0.72, 0.73, 0.75, 1.0)
PAPER: Rgba = (0.93, 0.90, 0.82, 1.0)
STALK: Rgba = (0.30, 0.20, 0.10, 1.0)


def yaw_quaternion(yaw: float) -> NDArray[np.float64]:
    """Return the unit quaternion (wxyz) of a turn about z."""
    return np.array([np.cos(yaw / 2.0), 0.0, 0.0, np.sin(yaw / 2.0)])


def lathe(
    profile: Sequence[tuple[float, float]], segments: int = 20
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Turn a profile about the z axis into a closed mesh.

    Args:
        profile: (radius, z) in m from the outside's bottom on the axis, up and round to a last
            point on the axis; the first and last radius must be 0.
        segments: Corners of a circle.

    Returns:
        Vertices (n, 3) and triangles (m, 3), seen counter-clockwise from outside.
    """
    angle = np.linspace(0.0, 2.0 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    vertices = [np.array([[0.0, 0.0, profile[0][1]]])]
    for radius, z in profile[1:-1]:
        vertices.append(np.hstack([radius * ring, np.full((segments, 1), z)]))
    vertices.append(np.array([[0.0, 0.0, profile[-1][1]]]))
    rings, here = len(profile) - 2, np.arange(segments)
    after, last = (here + 1) % segments, 1 + (len(profile) - 2) * segments
    faces = [np.stack([np.zeros(segments), 1 + after, 1 + here], axis=1)]
    for index in range(rings - 1):
        low, high = 1 + index * segments, 1 + (index + 1) * segments
        faces.append(np.stack([low + here, low + after, high + after], axis=1))
        faces.append(np.stack([low + here, high + after, high + here], axis=1))
    top = 1 + (rings - 1) * segments
    faces.append(np.stack([top + here, top + after, np.full(segments, last)], axis=1))
    return np.vstack(vertices), np.vstack(faces).astype(np.int32)


def wrinkled(radii: tuple[float, float, float]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return a closed ellipsoid mesh with the ridges and the seam of a walnut."""
    stacks, segments = 14, 22
    theta = np.linspace(0.0, np.pi, stacks)
    vertices, faces = lathe([(np.sin(t), -np.cos(t)) for t in theta], segments)
    polar = np.arccos(np.clip(vertices[:, 2], -1.0, 1.0))
    around = np.arctan2(vertices[:, 1], vertices[:, 0])
    ridges = np.sin(polar) * np.sin(6.0 * around + 2.5 * np.sin(3.0 * polar))
    seam = np.exp(-((np.abs(np.sin(around)) / 0.16) ** 2)) * np.sin(polar)
    bumps = 0.93 + 0.055 * ridges + 0.06 * seam
    return vertices * bumps[:, None] * np.array(radii), faces


@dataclass(slots=True)
class Maker:
    """Draws one thing: its spec, its body, its colour and how large it is."""

    spec: mujoco.MjSpec
    body: mujoco.MjsBody
    name: str
    paint: Rgba
    scale: float
    rng: np.random.Generator
    touched: list[mujoco.MjsGeom] = field(default_factory=list)

    def seen(
        self,
        shape: mujoco.mjtGeom,
        size: Sequence[float],
        position: Sequence[float] = (0.0, 0.0, 0.0),
        *,
        rgba: Rgba | None = None,
        quaternion: ArrayLike = (1.0, 0.0, 0.0, 0.0),
    ) -> mujoco.MjsGeom:
        """Add a geom that cameras see and nothing touches; lengths in m at scale 1."""
        return self.body.add_geom(
            type=shape,
            size=[*(self.scale * np.asarray(size)), 0.0, 0.0][:3],
            pos=self.scale * np.asarray(position),
            quat=quaternion,
            rgba=self.paint if rgba is None else rgba,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
            mass=0.0,
        )

    def seen_rod(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius: float,
        *,
        rgba: Rgba | None = None,
    ) -> None:
        """Add a seen capsule between two points."""
        self.body.add_geom(
            type=CAPSULE,
            size=[self.scale * radius, 0.0, 0.0],
            fromto=self.scale * np.array([*start, *end]),
            rgba=self.paint if rgba is None else rgba,
            contype=0,
            conaffinity=0,
            group=SEEN_GROUP,
            mass=0.0,
        )

    def seen_mesh(
        self, mesh: tuple[NDArray[np.float64], NDArray[np.int32]], *, part: str = "shell"
    ) -> None:
        """Add a seen mesh in the thing's own colour; its vertices are in m at scale 1."""
        name = f"{self.name}_{part}"
        self.spec.add_mesh(
            name=name,
            uservert=(self.scale * mesh[0]).ravel().tolist(),
            userface=mesh[1].ravel().tolist(),
        )
        geom = self.seen(MESH, (0.0, 0.0, 0.0))
        geom.meshname = name

    def touch(
        self,
        shape: mujoco.mjtGeom,
        size: Sequence[float],
        position: Sequence[float] = (0.0, 0.0, 0.0),
        *,
        quaternion: ArrayLike = (1.0, 0.0, 0.0, 0.0),
        rolls: bool = False,
    ) -> mujoco.MjsGeom:
        """Add a geom that is touched and never seen; `rolls` gives it rolling friction."""
        geom = self.body.add_geom(
            type=shape,
            size=[*(self.scale * np.asarray(size)), 0.0, 0.0][:3],
            pos=self.scale * np.asarray(position),
            quat=quaternion,
            group=TOUCHED_GROUP,
            friction=ROLLING_FRICTION,
            condim=6 if rolls else 4,
        )
        self.touched.append(geom)
        return geom

    def touch_rod(self, start: Sequence[float], end: Sequence[float], radius: float) -> None:
        """Add a touched capsule between two points, with rolling friction."""
        geom = self.touch(CAPSULE, (radius, 0.0), rolls=True)
        geom.fromto = self.scale * np.array([*start, *end])

    def touch_foot(self, radius: float, bottom: float) -> None:
        """Add the square, touched foot of a round thing: a box rests where a disc trembles."""
        half = 0.7 * radius
        self.touch(BOX, (half, half, 0.003), (0.0, 0.0, bottom + 0.003))

    def touch_ring(self, radius: float, half_height: float, z: float, *, lean: float = 0.0) -> None:
        """Add eight touched boards round a hollow; `lean` tips them outward, rad."""
        half_width = radius * np.tan(np.pi / 8.0) * 1.05
        for angle in np.arange(8) * np.pi / 4.0:
            turn, tip = yaw_quaternion(angle), np.zeros(4)
            mujoco.mju_axisAngle2Quat(tip, np.array([0.0, 1.0, 0.0]), lean)
            quaternion = np.zeros(4)
            mujoco.mju_mulQuat(quaternion, turn, tip)
            position = (radius * np.cos(angle), radius * np.sin(angle), z)
            size = (0.0025, half_width, half_height)
            self.touch(BOX, size, position, quaternion=quaternion)

    def weigh(self, mass_kg: float) -> None:
        """Share the mass among the touched geoms, half of it in the first one."""
        for index, geom in enumerate(self.touched):
            others = len(self.touched) - 1
            geom.mass = mass_kg if not others else mass_kg * (0.5 if index == 0 else 0.5 / others)


def make_cube(maker: Maker) -> None:
    """A plain cube 6 cm wide."""
    half = 0.03
    maker.seen(BOX, (half, half, half))
    maker.touch(BOX, (half, half, half))


def make_ball(maker: Maker) -> None:
    """7 cm across, with a pale stripe."""
    maker.seen(SPHERE, (0.035,))
    maker.seen(CYLINDER, (0.0353, 0.003), rgba=PAPER, quaternion=(0.924, 0.383, 0.0, 0.0))
    maker.touch(SPHERE, (0.035,), rolls=True)


def make_cup(maker: Maker) -> None:
    """A hollow mug 9 cm high with a handle."""
    r, h, wall = 0.04, 0.045, 0.004
    outside = [(0.0, -h), (r * 0.88, -h), (r * 0.95, -h + 0.006), (r, h)]
    inside = [(r - wall, h), (r - wall, -h + 0.008), (0.0, -h + 0.008)]
    maker.seen_mesh(lathe(outside + inside))
    arc = [(r + 0.026 * np.cos(a), 0.0, 0.028 * np.sin(a)) for a in np.linspace(-1.5, 1.5, 6)]
    for start, end in zip(arc, arc[1:], strict=False):
        maker.seen_rod(start, end, 0.0055)
    maker.touch_foot(r * 0.95, -h)
    maker.touch_ring(r - 0.002, h - 0.004, 0.004)


def make_bowl(maker: Maker) -> None:
    """A hollow bowl 15 cm across and 6 cm high."""
    r, h = 0.075, 0.03
    outside = [(0.0, -h), (0.032, -h), (0.036, -h + 0.008), (0.06, -0.006), (0.071, 0.012), (r, h)]
    inside = [(r - 0.004, h), (0.066, 0.012), (0.053, -0.006), (0.03, -h + 0.011), (0.0, -h + 0.01)]
    maker.seen_mesh(lathe(outside + inside, 24))
    maker.touch_foot(0.036, -h)
    maker.touch_ring(0.056, 0.03, 0.002, lean=0.62)


def make_bottle(maker: Maker) -> None:
    """A bottle 22 cm high with shoulders, a neck and a pale cap."""
    r, h = 0.034, 0.11
    body = [(0.0, -h), (r * 0.92, -h), (r, -h + 0.006), (r, 0.025)]
    neck = [(r * 0.85, 0.045), (0.016, 0.066), (0.0135, 0.075), (0.0135, 0.1), (0.0, 0.1)]
    maker.seen_mesh(lathe(body + neck))
    maker.seen(CYLINDER, (0.0165, 0.011), (0.0, 0.0, h - 0.011), rgba=(0.85, 0.85, 0.86, 1.0))
    maker.seen(CYLINDER, (r + 0.0006, 0.024), (0.0, 0.0, -0.03), rgba=PAPER)
    maker.touch(CYLINDER, (r, 0.0715), (0.0, 0.0, -h + 0.0735))
    maker.touch(CYLINDER, (0.0165, 0.036), (0.0, 0.0, h - 0.036))
    maker.touch_foot(r, -h)


def make_can(maker: Maker) -> None:
    """A drink can 12 cm high with metal ends."""
    r, h = 0.033, 0.06
    maker.seen(CYLINDER, (r, h - 0.006))
    maker.seen(CYLINDER, (r * 0.93, 0.004), (0.0, 0.0, h - 0.004), rgba=METAL)
    maker.seen(CYLINDER, (r * 0.93, 0.004), (0.0, 0.0, -h + 0.004), rgba=METAL)
    maker.seen(BOX, (0.011, 0.005, 0.001), (0.008, 0.0, h), rgba=(0.55, 0.56, 0.58, 1.0))
    maker.touch(CYLINDER, (r, h - 0.001), (0.0, 0.0, 0.001))
    maker.touch_foot(r, -h)


def make_plate(maker: Maker) -> None:
    """A plate 21 cm across with a raised rim."""
    r, h = 0.105, 0.011
    outside = [(0.0, -h), (0.06, -h), (0.066, -h + 0.002), (r, h - 0.002), (r, h)]
    inside = [(r - 0.004, h), (0.068, -h + 0.008), (0.0, -h + 0.006)]
    maker.seen_mesh(lathe(outside + inside, 28))
    maker.touch_foot(0.062, -h)
    maker.touch_ring(0.085, 0.02, 0.0, lean=1.11)


def make_tray(maker: Maker) -> None:
    """A tray 30 by 20 cm with a rim 3 cm high all round."""
    x, y, h, floor, rim = 0.15, 0.10, 0.015, 0.004, 0.004
    parts = [((x, y, floor), (0.0, 0.0, floor - h))]
    for sign in (-1.0, 1.0):
        parts.append(((rim, y, h), (sign * (x - rim), 0.0, 0.0)))
        parts.append(((x, rim, h), (0.0, sign * (y - rim), 0.0)))
    for size, position in parts:
        maker.seen(BOX, size, position)
        maker.touch(BOX, size, position)


def make_apple(maker: Maker) -> None:
    """An apple 7.5 cm across with a dimple and a stalk."""
    profile = [(0.0, -0.027), (0.010, -0.034), (0.020, -0.034), (0.031, -0.022), (0.0375, 0.0)]
    profile += [(0.0365, 0.014), (0.029, 0.028), (0.018, 0.034), (0.008, 0.031), (0.0, 0.023)]
    maker.seen_mesh(lathe(profile))
    maker.seen_rod((0.0, 0.0, 0.024), (0.004, 0.0, 0.041), 0.0018, rgba=STALK)
    maker.touch(ELLIPSOID, (0.0375, 0.0375, 0.034), rolls=True)


def make_banana(maker: Maker) -> None:
    """A banana that lies on its side: an arc of capsules with dark ends."""
    angle = np.linspace(-0.95, 0.95, 8)
    arc = [(0.09 * np.cos(a) - 0.073, 0.09 * np.sin(a), 0.0) for a in angle]
    radii = (0.0105, 0.0155, 0.018, 0.0185, 0.018, 0.0155, 0.0105)
    for start, end, radius in zip(arc, arc[1:], radii, strict=False):
        maker.seen_rod(start, end, radius)
    maker.seen(SPHERE, (0.0085,), arc[0], rgba=STALK)
    maker.seen_rod(arc[-1], (arc[-1][0] - 0.012, arc[-1][1] + 0.012, 0.0), 0.0065, rgba=STALK)
    for first, last in ((0, 2), (2, 5), (5, 7)):
        maker.touch_rod(arc[first], arc[last], 0.0175)


def make_walnut(maker: Maker) -> None:
    """A large walnut: an ellipsoid 5 to 6 cm long with ridges and a seam."""
    radii = (0.031, 0.027, 0.0265)
    maker.seen_mesh(wrinkled(radii))
    maker.touch(ELLIPSOID, (0.030, 0.0262, 0.0257), rolls=True)


def make_sausage(maker: Maker) -> None:
    """A sausage 15 cm long, slightly bent, with tied ends."""
    points = [(0.004, -0.056, 0.0), (-0.003, -0.02, 0.0), (-0.003, 0.02, 0.0), (0.004, 0.056, 0.0)]
    for start, end in zip(points, points[1:], strict=False):
        maker.seen_rod(start, end, 0.017)
    for sign in (-1.0, 1.0):
        maker.seen(SPHERE, (0.006,), (0.004, sign * 0.076, 0.0), rgba=STALK)
    maker.touch_rod((0.0, -0.056, 0.0), (0.0, 0.056, 0.0), 0.017)


def make_book(maker: Maker) -> None:
    """A book that lies flat: two covers, a spine and pale pages."""
    x, y, z = 0.075, 0.105, 0.016
    for sign in (-1.0, 1.0):
        maker.seen(BOX, (x, y, 0.0025), (0.0, 0.0, sign * (z - 0.0025)))
    maker.seen(BOX, (0.003, y, z), (-x + 0.003, 0.0, 0.0))
    maker.seen(BOX, (x - 0.006, y - 0.004, z - 0.004), (0.002, 0.0, 0.0), rgba=PAPER)
    maker.seen(BOX, (0.03, 0.03, 0.0006), (0.005, 0.055, z), rgba=PAPER)
    maker.touch(BOX, (x, y, z))


def make_box(maker: Maker) -> None:
    """A parcel 14 by 10 by 9 cm with a lid and a strip of tape."""
    x, y, z = 0.07, 0.052, 0.045
    maker.seen(BOX, (x - 0.003, y - 0.003, z - 0.006), (0.0, 0.0, -0.006))
    maker.seen(BOX, (x, y, 0.011), (0.0, 0.0, z - 0.011))
    maker.seen(BOX, (x + 0.0006, 0.009, 0.0115), (0.0, 0.0, z - 0.0108), rgba=PAPER)
    maker.touch(BOX, (x, y, z))
