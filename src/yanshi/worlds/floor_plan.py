"""The map: what anybody would know of the room before switching the robot on.

A floor plan is a survey, not a sense. It names the furniture and where it stands; loose
things and people are not on it and must be seen.
"""

from dataclasses import dataclass

from yanshi.core.errors import UnknownNameError
from yanshi.safety.plan_gate import KeepOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One piece of furniture on the map: an upright box."""

    name: str
    """As the plan language writes it: `table`, `shelf`, `door` …"""
    centre: tuple[float, float]
    """Its middle on the floor, m."""
    size: tuple[float, float]
    """Its length along and across `yaw`, m."""
    yaw: float
    """How it is turned, rad: its front faces this way, and that is where to stand."""
    height: float
    """Height of its top (of its main surface, for a table or a shelf), m."""
    has_surface: bool = False
    """Whether things may stand on it."""
    is_solid: bool = True
    """Whether one would walk into it; a door in the wall is not."""
    boards: tuple[float, ...] = ()
    """Heights of all its surfaces from the lowest up, m, when it has more than one."""
    is_open_below: bool = False
    """Whether knees go under its surface: that of a table."""
    is_container: bool = False
    """Whether things are dropped into it: a bin."""

    @property
    def surface_heights(self) -> tuple[float, ...]:
        """Heights at which things may stand on it, m."""
        return self.boards or ((self.height,) if self.has_surface else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorPlan:
    """A room: its walls, its furniture and where the robot is switched on."""

    name: str
    size: tuple[float, float]
    """Inner length along x and y, m; the map's origin is the middle of the floor."""
    places: tuple[Place, ...]
    start: tuple[float, float, float]
    """Where the robot stands at switch-on: x, y in m and yaw in rad."""
    keep_out: tuple[KeepOut, ...] = ()
    """Floor that it must not tread on."""

    def place(self, name: str) -> Place:
        """Return the place called `name`."""
        for place in self.places:
            if place.name == name:
                return place
        raise UnknownNameError("place", name, (place.name for place in self.places))
