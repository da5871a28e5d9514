"""Where on the floor to stand for a place, a thing or a person."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from yanshi.control.route import Box, Disc, Floor, Point
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.skills.skill import Percept
from yanshi.worlds.floor_plan import FloorPlan, Place

ROBOT_RADIUS_M = 0.38
"""Half the width of the way that the robot needs, elbows and sway included."""
PERSON_RADIUS_M = 0.3
STAND_OFF_M = 0.43
"""From the edge of a place to the pelvis."""
ROOM_M = STAND_OFF_M - 0.08
"""With less room about a spot than this nobody stands there."""
PERSON_STAND_OFF_M = 0.9
THING_STAND_OFF_M = 0.45
"""From a thing on the floor to the pelvis."""
END_M = 0.1
"""How far from the end of a place's front the robot stands to look along it."""
ON_PLACE_MARGIN_M = 0.12
"""How far beyond a place's box a thing may seem to lie and still be on it."""

Pose = tuple[float, float, float]
"""x, y in m and yaw in rad on the map."""


def floor_of(plan: FloorPlan, scene: Scene) -> Floor:
    """Return the floor with the furniture of the plan, what is forbidden and the people seen."""
    boxes = [Box(centre=p.centre, size=p.size, yaw=p.yaw) for p in plan.places if p.is_solid]
    boxes += [Box(centre=zone.centre, size=zone.size, yaw=0.0) for zone in plan.keep_out]
    people = [thing.position for thing in scene.things if thing.kind == "person"]
    discs = [Disc(centre=(x, y), radius=PERSON_RADIUS_M) for x, y, _ in people]
    return Floor(plan.size, boxes, discs)


def without_people(scene: Scene) -> Scene:
    """Return what would be seen if nobody stood there."""
    return replace(scene, things=tuple(t for t in scene.things if t.kind != "person"))


def with_people_and_without(percept: Percept) -> Iterator[tuple[Percept, bool]]:
    """Yield what is known, then, where people are, the same without them, and whether it is that.

    What can be done only without them can be done once they have made room.
    """
    yield percept, False
    alone = without_people(percept.scene)
    if alone != percept.scene:
        yield replace(percept, scene=alone), True


def pose_before_place(plan: FloorPlan, floor: Floor, place: Place, here: Point) -> Pose:
    """Return where to stand before a place, facing it: its front, else a side with room.

    Raises:
        UnreachableError: No side can be got to.
    """
    return _first_reachable(floor, here, [_side_pose(place, 0, 0.0), *_other_sides(place, None)])


def pose_before_thing(plan: FloorPlan, floor: Floor, thing: Thing, here: Point) -> Pose:
    """Return where to stand before a thing, facing it, as near as its furniture allows.

    Raises:
        UnreachableError: No spot beside it can be got to.
    """
    x, y, _ = thing.position
    if thing.kind == "person":
        return pose_before_person(floor, (x, y), here)
    place = place_under(plan, thing)
    if place is None or not place.is_solid:
        return _first_reachable(floor, here, _ring((x, y), THING_STAND_OFF_M, here))
    sides = _other_sides(place, (x, y))
    front = _side_pose(place, 0, _lateral(place, 0, (x, y)))
    poses = sorted((front, *sides), key=lambda pose: np.hypot(pose[0] - x, pose[1] - y))
    facing = [(px, py, float(np.arctan2(y - py, x - px))) for px, py, _ in poses]
    return _first_reachable(floor, here, facing)


def ends_of_front(floor: Floor, place: Place, here: Point) -> tuple[Pose, ...]:
    """Return where to stand at the near and the far end of a place's front, facing it.

    Empty where there is no room to step from one to the other; nobody has looked whether a way
    leads there.
    """
    half = max(0.5 * place.size[1] - END_M, 0.0)
    ends = [_side_pose(place, 0, lateral) for lateral in (half, -half)]
    between = np.linspace(ends[0][:2], ends[1][:2], 10)
    if any(floor.clearance((float(x), float(y))) < ROOM_M for x, y in between):
        return ()
    return _nearest_first(ends, here)


def poses_at_other_sides(floor: Floor, place: Place, here: Point) -> tuple[Pose, ...]:
    """Return where to stand at the sides of a place that are not its front, the nearest first.

    A shelf has none. Nobody has looked whether a way leads there.
    """
    if place.boards:
        return ()
    poses = [p for p in _other_sides(place, None) if floor.clearance(p[:2]) >= ROOM_M]
    return _nearest_first(poses, here)


def pose_before_person(
    floor: Floor,
    person: Point,
    here: Point,
    *,
    distance: float = PERSON_STAND_OFF_M,
    bearing: float | None = None,
) -> Pose:
    """Return where to stand so far from a person, facing them.

    Args:
        floor: What is free.
        person: Where they are, m.
        here: Where the robot is, m.
        distance: From the person's middle to the pelvis, m.
        bearing: On which side of them, rad on the map; the near side if None.

    Raises:
        UnreachableError: No spot about the person can be got to.
    """
    if bearing is None:
        return _first_reachable(floor, here, _ring(person, distance, here))
    x, y = person[0] + np.cos(bearing), person[1] + np.sin(bearing)
    return _first_reachable(floor, here, _ring(person, distance, (float(x), float(y))))


def place_under(plan: FloorPlan, thing: Thing) -> Place | None:
    """Return the piece of furniture that a thing lies on, if any."""
    for place in plan.places:
        if is_on(place, thing):
            return place
    return None


def is_on(place: Place, thing: Thing) -> bool:
    """Whether a thing lies over a place's box and not on the floor beside it."""
    x, y, z = thing.position
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    dx, dy = x - place.centre[0], y - place.centre[1]
    along, across = cos * dx + sin * dy, -sin * dx + cos * dy
    margin = ON_PLACE_MARGIN_M
    is_over = (
        abs(along) < 0.5 * place.size[0] + margin and abs(across) < 0.5 * place.size[1] + margin
    )
    return bool(is_over and place.has_surface and z > 0.15)


def edge_distance(place: Place, point: Point) -> float:
    """Return the distance on the floor from a point to a place's box, 0 inside it."""
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    dx, dy = point[0] - place.centre[0], point[1] - place.centre[1]
    along = max(abs(cos * dx + sin * dy) - 0.5 * place.size[0], 0.0)
    across = max(abs(-sin * dx + cos * dy) - 0.5 * place.size[1], 0.0)
    return float(np.hypot(along, across))


def _other_sides(place: Place, towards: Point | None) -> list[Pose]:
    """Return poses at the left, right and back of a place."""
    if not place.is_solid:
        return []
    return [
        _side_pose(place, side, 0.0 if towards is None else _lateral(place, side, towards))
        for side in (1, 3, 2)
    ]


def _side_pose(place: Place, side: int, lateral: float) -> Pose:
    """Return a pose at one side (0 front, then counter-clockwise), `lateral` m off its middle."""
    out = place.yaw + side * 0.5 * np.pi
    reach = 0.5 * place.size[side % 2] + STAND_OFF_M
    x = place.centre[0] + reach * np.cos(out) - lateral * np.sin(out)
    y = place.centre[1] + reach * np.sin(out) + lateral * np.cos(out)
    return float(x), float(y), float(out + np.pi)


def _lateral(place: Place, side: int, towards: Point) -> float:
    """Return how far along a side the point nearest to `towards` lies from the side's middle."""
    out = place.yaw + side * 0.5 * np.pi
    dx, dy = towards[0] - place.centre[0], towards[1] - place.centre[1]
    free = max(0.5 * place.size[(side + 1) % 2] - 0.1, 0.0)
    return float(np.clip(-np.sin(out) * dx + np.cos(out) * dy, -free, free))


def _nearest_first(poses: Iterable[Pose], here: Point) -> tuple[Pose, ...]:
    return tuple(sorted(poses, key=lambda pose: np.hypot(pose[0] - here[0], pose[1] - here[1])))


def _ring(centre: Point, radius: float, here: Point) -> list[Pose]:
    """Return poses all round a point that face it, the nearest to `here` first."""
    nearest = np.arctan2(here[1] - centre[1], here[0] - centre[0])
    poses = []
    for turn in sorted(np.linspace(-np.pi, np.pi, 24, endpoint=False), key=abs):
        angle = nearest + turn
        x, y = centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)
        poses.append((float(x), float(y), float(angle + np.pi)))
    return poses


def _first_reachable(floor: Floor, here: Point, poses: Iterable[Pose]) -> Pose:
    """Return the first pose with enough room that a way leads to."""
    tried = 0
    for x, y, yaw in poses:
        if floor.clearance((x, y)) < ROOM_M:
            continue
        tried += 1
        try:
            floor.find_path(here, (x, y), ROBOT_RADIUS_M)
        except UnreachableError:
            continue
        return x, y, yaw
    raise UnreachableError(f"No way leads there; {tried} spots beside it have room to stand.")
