"""Messages: what one part of Yanshi may tell another. Frozen, stamped, SI units.

Every array is read-only and owned by its message (or shared with other messages), so a logger,
a policy and the web view can hold the same message safely. `t_ns` is the time of *measurement*
on the run's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

_freeze = object.__setattr__


def read_only(values: ArrayLike) -> NDArray[np.float64]:
    """Return `values` as a float64 array nobody can write to; a copy unless it is one already."""
    if (
        isinstance(values, np.ndarray)
        and values.dtype == np.float64
        and values.base is None
        and not values.flags.writeable
    ):
        return values
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointTarget:
    """Where the joints should go next, in the order of `RobotSpec.joint_names`."""

    t_ns: int
    """When the target was computed, on the run's clock."""
    position: NDArray[np.float64]
    """Joint angles in rad, shape (n_joints,)."""
    stiffness: NDArray[np.float64]
    """Proportional gains in N·m/rad, shape (n_joints,)."""
    damping: NDArray[np.float64]
    """Derivative gains in N·m·s/rad, shape (n_joints,)."""

    def __post_init__(self) -> None:
        _freeze(self, "position", read_only(self.position))
        _freeze(self, "stiffness", read_only(self.stiffness))
        _freeze(self, "damping", read_only(self.damping))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobotState:
    """What the robot's own sensors measured at one instant."""

    t_ns: int
    """When the sensors were read, on the run's clock; not when this arrived."""
    joint_position: NDArray[np.float64]
    """Joint angles in rad, shape (n_joints,)."""
    joint_velocity: NDArray[np.float64]
    """Joint speeds in rad/s, shape (n_joints,)."""
    joint_torque: NDArray[np.float64]
    """Motor torques in N·m, shape (n_joints,)."""
    orientation_wxyz: NDArray[np.float64]
    """Pelvis IMU: its rotation in a level frame fixed at switch-on, unit quaternion."""
    angular_velocity: NDArray[np.float64]
    """Pelvis IMU: rotation rate in the pelvis frame, rad/s, shape (3,)."""
    acceleration: NDArray[np.float64]
    """Pelvis IMU: specific force in the pelvis frame, m/s², shape (3,); +9.81 up at rest."""

    def __post_init__(self) -> None:
        for name in (
            "joint_position",
            "joint_velocity",
            "joint_torque",
            "orientation_wxyz",
            "angular_velocity",
            "acceleration",
        ):
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BaseEstimate:
    """Where the robot believes its pelvis is on the map, from its own senses."""

    t_ns: int
    position: NDArray[np.float64]
    """Pelvis in the map frame, m, shape (3,); z up from the floor."""
    orientation_wxyz: NDArray[np.float64]
    """Rotation map ← pelvis, unit quaternion."""
    velocity: NDArray[np.float64]
    """Pelvis velocity in the pelvis' heading frame (x ahead, y left, z up), m/s, shape (3,)."""
    position_sd: float = 0.0
    """Standard deviation of the place on the floor in the direction known worst, m; 0 where none
    is kept."""

    def __post_init__(self) -> None:
        for name in ("position", "orientation_wxyz", "velocity"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def yaw(self) -> float:
        """Heading on the map, rad, counter-clockwise from the map's x axis."""
        w, x, y, z = self.orientation_wxyz
        return float(np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One RGB-D picture of the head camera."""

    t_ns: int
    rgb: NDArray[np.uint8]
    """Colours, shape (height, width, 3)."""
    depth: NDArray[np.float32]
    """Distance along the optical axis in m, shape (height, width); 0 where unknown."""
    focal_length_px: float
    """Focal length, the same in x and y; the principal point is the middle of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """The estimated shape of a thing that stands upright, seen from near."""

    shape: str
    """`box`, `cylinder` (upright) or `sphere`."""
    position: tuple[float, float, float]
    """Its middle, m, in the frame of whoever tells it."""
    size: tuple[float, float, float]
    """Edges or diameters along its own axes, z up, m."""
    yaw: float
    """Its turn about the vertical, rad."""
    is_tapered: bool = False
    """Whether its upper end is much thinner than the rest: a bottle's neck."""
    is_cut: bool = False
    """Whether its upper end was out of the picture: it is at least so high, or as its kind is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that the eyes have seen, with its place on the map."""

    kind: str
    """What it is, e.g. `cup`, or `person`."""
    colour: str
    """Its main colour, e.g. `red`; empty for a person."""
    position: tuple[float, float, float]
    """Its middle in the map frame, m."""
    confidence: float
    """How sure the eyes are, 0 to 1."""
    t_ns: int
    """When it was seen last."""
    solid: Solid | None = None
    """Its shape on the map; None until it was seen from near. Of a person, the open hand that is
    held out."""
    kind_shares: Mapping[str, float] = field(default_factory=dict)
    """How much of what was seen speaks for each kind; empty: all of it for `kind`."""
    colour_shares: Mapping[str, float] = field(default_factory=dict)
    """The same for colours."""

    def likeness(self, name: str) -> float:
        """Return how much of what was seen speaks for a name, `red cup` or `cup`, 0 to 1."""
        colour, _, kind = name.rpartition(" ")
        likely = (self.kind_shares or {self.kind: 1.0}).get(kind, 0.0)
        if colour:
            likely *= (self.colour_shares or {self.colour: 1.0}).get(colour, 0.0)
        return likely

    @property
    def name(self) -> str:
        """Colour and kind as the plan language writes them: `red cup`, `person`."""
        return f"{self.colour} {self.kind}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything the eyes remember, and how old it is."""

    t_ns: int
    """When the newest picture behind this scene was taken."""
    things: tuple[Thing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan: a skill and what it is to be done with."""

    skill: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.skill, *self.arguments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One to six steps, in order."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return "; ".join(str(step) for step in self.steps)
