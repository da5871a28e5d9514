"""What are graspable things made of? Mass, inertia, friction, and contacts that a hand can hold.

`worlds.things` draws a thing as light as physics allows, which is right for what is only looked
at. What a hand is to lift gets its mass where its shape has it, the friction of its material, and
contacts that are stiff enough.

MuJoCo regularises friction: what is held creeps. With its defaults (pyramidal cones, friction as
soft as the normal force) a cube of 5 cm and 100 g falls out of two pads that press it with 8 N.
Friction 100 times as stiff (`impratio`; with elliptic cones, as `bodies.mujoco_body` sets them,
too) holds it between two pads; between the round fingers of a Dex3 it still sinks in by
millimetres and turns, because a contact is as soft as the thing is light. A shorter time constant
cures that and costs nothing; MuJoCo's `noslip` pass, with which a step takes a ninth longer, is
not needed.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from yanshi.core.errors import UnknownNameError
from yanshi.worlds.shapes import MESH
from yanshi.worlds.things import PlacedThing

CONTACT_TIME_S = 0.006
"""Time constant of a thing's contacts: three steps of 2 ms; MuJoCo wants at least two."""
CONTACT_IMPEDANCE = (0.95, 0.99, 0.001, 0.5, 2.0)
"""MuJoCo's `solimp`: nearly rigid from 1 mm of depth on."""
CONTACT_WEIGHT = 1000.0
"""MuJoCo's `solmix`: the two above count, not those of what the thing touches. Not by a higher
`priority`, which would take the friction of a finger's rubber away as well."""
FRICTION_STIFFNESS = 100.0
"""MuJoCo's `impratio`: how much stiffer friction is than the normal force."""
FURNITURE_FRICTION = 0.2
"""Lower than that of any thing: MuJoCo takes the larger one of two, so the thing's own counts on
furniture, and the finger's (1.0 in the G1's model) in a hand."""
PATCH_M = 0.005
"""Torsional friction, m. Assumed: the pad of a finger touches with a patch of about 1 cm."""
ROLLING_M = 0.002
"""Rolling friction, m, of what is round. Assumed: a ball comes to rest on a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What things of one kind weigh and how they slide."""

    mass_kg: tuple[float, float]
    """The lightest and the heaviest."""
    friction: float
    """Static, dry, on furniture and on other things with less of it."""


# Masses: estimates from size and material; a can and a bottle may be empty or full. Friction: the
# usual tables of static, dry friction where they have the pair (wood on wood 0.25 to 0.5, metal on
# wood 0.2 to 0.6, leather on wood 0.3 to 0.4), the middle of the range. All others are assumed.
MATTER: dict[str, Matter] = {
    kind: Matter(mass_kg=mass, friction=friction)
    for kind, mass, friction in (
        ("cube", (0.06, 0.15), 0.40),  # Wood on wood.
        ("ball", (0.05, 0.15), 0.80),  # Rubber. Assumed.
        ("cup", (0.20, 0.35), 0.40),  # Glazed. Assumed.
        ("bowl", (0.20, 0.35), 0.40),  # Glazed. Assumed.
        ("bottle", (0.03, 0.50), 0.35),  # Polyethylene terephthalate. Assumed.
        ("can", (0.02, 0.35), 0.40),  # Metal on wood.
        ("apple", (0.12, 0.22), 0.40),  # Assumed.
        ("banana", (0.10, 0.18), 0.45),  # Assumed.
        ("walnut", (0.02, 0.03), 0.45),  # Assumed.
        ("sausage", (0.06, 0.12), 0.35),  # Assumed.
        ("book", (0.25, 0.45), 0.35),  # Leather on wood.
        ("tray", (0.30, 0.45), 0.40),  # Wood on wood.
        ("box", (0.50, 4.00), 0.40),  # Cardboard; with what is in it. Assumed.
    )
}


def set_contact(geom: mujoco.MjsGeom, friction: float) -> None:
    """Give a touched geom contacts that hold, whatever touches it."""
    geom.solmix = CONTACT_WEIGHT
    geom.friction = (friction, PATCH_M, ROLLING_M)
    geom.condim = max(geom.condim, 4)
    geom.solref = (CONTACT_TIME_S, 1.0)
    geom.solimp = CONTACT_IMPEDANCE


def smooth_furniture(spec: mujoco.MjSpec, body: str) -> None:
    """Let things slide on a piece of furniture as their own matter does."""
    for geom in spec.body(body).geoms:
        geom.friction[0] = FURNITURE_FRICTION


def set_solver(spec: mujoco.MjSpec) -> None:
    """Give a world the kind of friction that holds."""
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = FRICTION_STIFFNESS


def give_matter(spec: mujoco.MjSpec, thing: PlacedThing, rng: np.random.Generator) -> None:
    """Make a thing of what its kind is made of.

    The mass is spread over its mesh, if it has one, which is hollow where the thing is; else over
    its touched shapes by their volume.

    Args:
        spec: The world with the thing in it; changed in place.
        thing: What `add_thing` returned.
        rng: Where its mass within the kind's range comes from.

    Raises:
        UnknownNameError: Nothing is known of this kind's matter.
    """
    if thing.kind not in MATTER:
        raise UnknownNameError("kind of graspable thing", thing.kind, MATTER)
    matter = MATTER[thing.kind]
    mass_kg = float(rng.uniform(*matter.mass_kg))
    geoms = spec.body(thing.body).geoms
    touched = [geom for geom in geoms if geom.contype]
    heavy = [geom for geom in geoms if geom.type == MESH] or touched
    whole = sum(_volume(geom) for geom in heavy)
    for geom in geoms:
        geom.mass = 0.0
    for geom in heavy:
        geom.mass = mass_kg * _volume(geom) / whole
        if geom.type == MESH:
            # MuJoCo's own way takes a mesh for convex, which fills half of a cup.
            spec.mesh(geom.meshname).inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_EXACT
    for geom in touched:
        set_contact(geom, matter.friction)


def _volume(geom: mujoco.MjsGeom) -> float:
    """Return a shape's volume, m³; that of a mesh, of which a thing has one, is taken as 1."""
    a, b, c = geom.size
    ends = geom.fromto[:3] - geom.fromto[3:]
    length = 2.0 * b if np.isnan(ends).any() else float(np.linalg.norm(ends))
    volumes = {
        mujoco.mjtGeom.mjGEOM_BOX: 8.0 * a * b * c,
        mujoco.mjtGeom.mjGEOM_SPHERE: 4.0 / 3.0 * np.pi * a**3,
        mujoco.mjtGeom.mjGEOM_ELLIPSOID: 4.0 / 3.0 * np.pi * a * b * c,
        mujoco.mjtGeom.mjGEOM_CYLINDER: np.pi * a**2 * length,
        mujoco.mjtGeom.mjGEOM_CAPSULE: np.pi * a**2 * (length + 4.0 / 3.0 * a),
        mujoco.mjtGeom.mjGEOM_MESH: 1.0,
    }
    return float(volumes[geom.type])
