"""Find what a plan names: on the map, in memory, or by looking for it."""

from collections.abc import Sequence

import numpy as np

from yanshi.control.route import wrap
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Thing
from yanshi.skills.behaviour import Behaviour
from yanshi.skills.ground import floor_of, pose_before_place
from yanshi.skills.motion import here, stand, tick, turn_to, walk_to
from yanshi.skills.skill import Outcome, Percept, Tools

SURE = 0.6
"""Confidence from which a sighting is acted on: two good looks."""
LOOK_S = 1.0
"""How long to look at a place: several pictures."""
SEARCH_TURN_SPEED = 0.6
"""rad/s; slow enough that each picture is sharp and overlaps the last."""
LOST_M = 0.12
"""A place known no better than this (standard deviation) is not known well enough to go on from."""


def is_place(tools: Tools, name: str) -> bool:
    """Whether the map has a place of this name."""
    return any(place.name == name for place in tools.floor_plan.places)


def matches(scene: Scene, name: str, sure: float = SURE) -> tuple[Thing, ...]:
    """Return the things that a name may mean: `red cup` only red cups, `cup` all of them."""
    colour, _, kind = name.rpartition(" ")
    return tuple(
        thing
        for thing in scene.things
        if thing.kind == kind
        and (not colour or thing.colour == colour)
        and thing.confidence >= sure
    )


def choose(things: Sequence[Thing], name: str) -> Thing | Outcome:
    """Return the thing meant, or the question which one; nearness does not decide."""
    names = sorted({thing.name for thing in things})
    if len(names) > 1:
        return Outcome(kind="asked", reason="which", facts=tuple(names))
    return max(things, key=lambda thing: thing.confidence)


def find(tools: Tools, percept: Percept, name: str) -> Behaviour[tuple[Percept, Thing | Outcome]]:
    """Look for a thing or a person until it is seen well.

    First in memory, then all round, then at each surface that things may stand on.

    Returns:
        The newest percept, and the thing, or why there is none: `which` asks back,
        `not_found` says that it was looked for in vain.
    """
    if known := matches(percept.scene, name):
        return percept, choose(known, name)
    percept = yield from _look_around_for(tools, percept, name)
    if known := matches(percept.scene, name):
        return percept, choose(known, name)
    for place_name in _surfaces_by_distance(tools, percept):
        percept = yield from _look_at_surface(tools, percept, place_name, name)
        if known := matches(percept.scene, name):
            return percept, choose(known, name)
    return percept, Outcome(kind="failed", reason="not_found", facts=(name,))


def get_bearings(tools: Tools, percept: Percept) -> Behaviour[Percept]:
    """Find out where the robot is: look ahead, then all round, until its place is known well.

    Where one turn shows too little of what is on the map, it goes on with what it believes.
    """
    end_ns = percept.state.t_ns + round(LOOK_S * 1e9)
    while _is_lost(percept) and percept.state.t_ns < end_ns:
        percept = yield tick(tools, percept)
    turned, last = 0.0, percept.base.yaw
    while _is_lost(percept) and turned < 2.0 * np.pi:
        percept = yield tick(tools, percept, (0.0, 0.0, SEARCH_TURN_SPEED))
        turned += wrap(percept.base.yaw - last)
        last = percept.base.yaw
    return percept


def _is_lost(percept: Percept) -> bool:
    return percept.base.position_sd > LOST_M


def position_of(
    tools: Tools, percept: Percept, name: str
) -> Behaviour[tuple[Percept, tuple[float, float, float] | Outcome]]:
    """Return where a place, thing or person is on the map, looking for it if need be."""
    if is_place(tools, name):
        place = tools.floor_plan.place(name)
        return percept, (*place.centre, place.height if place.has_surface else 0.6 * place.height)
    percept, found = yield from find(tools, percept, name)
    return percept, found if isinstance(found, Outcome) else found.position


def _look_around_for(tools: Tools, percept: Percept, name: str) -> Behaviour[Percept]:
    """Turn once round on the spot, but only until a match has been seen well."""
    turned, last = 0.0, percept.base.yaw
    while turned < 2.0 * np.pi and not matches(percept.scene, name):
        percept = yield tick(tools, percept, (0.0, 0.0, SEARCH_TURN_SPEED))
        turned += wrap(percept.base.yaw - last)
        last = percept.base.yaw
    percept = yield from stand(tools, percept, 0.5)
    return percept


def _look_at_surface(
    tools: Tools, percept: Percept, place_name: str, name: str
) -> Behaviour[Percept]:
    """Walk to the front of a place and look at it, breaking off when a match is seen well."""
    place = tools.floor_plan.place(place_name)
    try:
        floor = floor_of(tools.floor_plan, percept.scene)
        pose = pose_before_place(tools.floor_plan, floor, place, here(percept))
        walk = walk_to(tools, percept, pose)
        target = next(walk)
        while not matches(percept.scene, name):
            percept = yield target
            target = walk.send(percept)
    except StopIteration:
        percept = yield from stand(tools, percept, LOOK_S)
    except UnreachableError:
        return percept
    return percept


def _surfaces_by_distance(tools: Tools, percept: Percept) -> list[str]:
    x, y = here(percept)
    surfaces = [place for place in tools.floor_plan.places if place.has_surface]
    surfaces.sort(key=lambda p: np.hypot(p.centre[0] - x, p.centre[1] - y))
    return [place.name for place in surfaces]


def face(tools: Tools, percept: Percept, point: tuple[float, float]) -> Behaviour[Percept]:
    """Turn on the spot towards a point."""
    x, y = here(percept)
    yaw = float(np.arctan2(point[1] - y, point[0] - x))
    percept = yield from turn_to(tools, percept, yaw)
    return percept
