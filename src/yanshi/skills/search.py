"""Find what a plan names: on the map, in memory, or by looking for it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from yanshi.control.route import wrap
from yanshi.core.messages import Scene, Thing
from yanshi.skills.behaviour import Behaviour, as_far_as
from yanshi.skills.ground import (
    ends_of_front,
    floor_of,
    is_on,
    place_under,
    pose_before_place,
    pose_before_thing,
    poses_at_other_sides,
)
from yanshi.skills.motion import here, stand, step_to, tick, turn_to, walk_to
from yanshi.skills.skill import Outcome, Percept, Tools
from yanshi.worlds.floor_plan import Place
from yanshi.worlds.things import can_be_as_high, shape_of

SURE = 0.6
"""Confidence from which a sighting is acted on: two good looks."""
CONVINCED, CONVINCES = 0.9, 0.8
"""A thing that is there so surely, and for whose name so much of the evidence speaks, needs no look
from near. Of 59 things in 6 homes 34 were found so, none wrongly; of 397 names of nothing there
4 were. With 0.9 in the place of 0.8 those are 24 and 1, and more is walked to."""
LIKELY = 0.5
"""Of what is looked at from near so much must speak for its name."""
STILL_SHARE = 0.4
"""What less than this share of what spoke for a name speaks for now is another thing."""
ALIKE = 0.1
"""What is taken for a thing that is nowhere has so much that speaks for its name …"""
ALONE = 0.5
"""… and nothing else has more than this share of that."""
HINTS = 0.05
"""Furniture with what has so much that speaks for a name is searched before other."""
SAME_M = 0.1
"""What is looked at from near is within this of where it was seen from afar."""
LOW_M = 0.35
"""What seems to be higher and over no furniture is a door's handle, or nothing."""
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


def find(
    tools: Tools, percept: Percept, name: str, *, only_on: Place | None = None
) -> Behaviour[tuple[Percept, Thing | Outcome]]:
    """Look for a thing or a person until it is seen well.

    First in memory, then all round, then along the front of each surface that things may stand
    on, then from its other sides for what stands behind another; where something was seen that
    may hardly be it comes before where nothing was. What may be it, by a look from afar, is gone
    to and looked at from near. In the end what resembles it most is taken for it, and the robot
    says so.

    Args:
        tools: The run's.
        percept: What is known now.
        name: Of what is looked for.
        only_on: Furniture on which it was a moment ago: nothing else is walked along, and nothing
            else is taken for it.

    Returns:
        The newest percept, and the thing, called by the name that was asked for, or why there is
        none: `which` and `which_instead` ask back, `not_found` and `not_found_but` say that it was
        looked for in vain.
    """
    doubted: list[Thing] = []
    percept, known = yield from _make_sure(tools, percept, name, doubted)
    seek = partial(_seek, tools, name=name, doubted=doubted)
    surfaces = _surfaces(tools, percept) if only_on is None else [only_on]
    if not known:
        percept, known = yield from seek(percept, partial(_look_round, tools))
    for look_at in (_look_along, _look_behind):
        left = list(surfaces)
        while left and not known:
            place = _most_hopeful(tools, percept.scene, name, doubted, left)
            left.remove(place)
            percept, known = yield from seek(percept, partial(look_at, tools, place))
    if known:
        return percept, choose(known, name)
    if only_on is not None:
        return percept, _not_found(tools, percept, name)
    return (yield from _find_instead(tools, percept, name))


def _seek(
    tools: Tools,
    percept: Percept,
    look: Callable[[Percept], Behaviour[Percept]],
    *,
    name: str,
    doubted: list[Thing],
) -> Behaviour[tuple[Percept, tuple[Thing, ...]]]:
    """Look in one way, and at all that promises to be it meanwhile; see `_make_sure`."""
    is_promising = partial(_is_promising, tools, name, doubted)
    while True:
        percept = yield from _until(look(percept), percept, is_promising)
        is_broken_off = is_promising(percept)
        percept, known = yield from _make_sure(tools, percept, name, doubted)
        if known or not is_broken_off:
            return percept, known


def _make_sure(
    tools: Tools, percept: Percept, name: str, doubted: list[Thing]
) -> Behaviour[tuple[Percept, tuple[Thing, ...]]]:
    """Look at what may be it, first from here, then from near, until something is.

    Args:
        tools: The run's.
        percept: What is known now.
        name: What is looked for.
        doubted: What was looked at from near already; more is added.

    Returns:
        The newest percept, and what is meant by the name; nothing if nothing is.
    """
    is_sure = partial(_is_convincing, tools, name)
    glimpsed = _promising(tools, percept, name, doubted)
    if glimpsed and not is_sure(percept):
        percept = yield from _until(stand(tools, percept, LOOK_S), percept, is_sure)
        if not _promising(tools, percept, name, doubted):
            doubted += glimpsed
    while not (known := _convincing(tools, percept.scene, name)):
        hopes = _promising(tools, percept, name, doubted)
        if not hopes:
            break
        thing = max(hopes, key=lambda t: t.confidence * t.likeness(name))
        doubted.append(thing)
        percept = yield from _until(look_from_near(tools, percept, thing), percept, is_sure)
        if still := [t for t in _likely(percept.scene, name) if _is_among(t, [thing])]:
            return percept, tuple(still)
    return percept, known


def _find_instead(
    tools: Tools, percept: Percept, name: str
) -> Behaviour[tuple[Percept, Thing | Outcome]]:
    """Look from near at what resembles most what was looked for in vain, and take it for that."""
    alike = [thing for thing in _alike(percept.scene, name) if _can_be(tools, thing)]
    if alike:
        percept = yield from look_from_near(tools, percept, alike[0])
        alike = [thing for thing in _alike(percept.scene, name) if _can_be(tools, thing)]
    if not alike:
        return percept, _not_found(tools, percept, name)
    so_called = [thing for thing in alike if thing in matches(percept.scene, name)]
    best, *others = so_called[:1] or alike  # What bears the name is meant before what does not.
    if others and others[0].likeness(name) > ALONE * best.likeness(name):
        facts = (name, *sorted({thing.name for thing in alike}))
        return percept, Outcome(kind="asked", reason="which_instead", facts=facts)
    found = called(best, name)
    reason = "unsure" if found.name == best.name else "taken_for"
    tools.remark(Outcome(kind="done", reason=reason, facts=(name, best.name)))
    return percept, found


def meant(scene: Scene, name: str) -> tuple[Thing, ...]:
    """Return the things that a name means, else the one that was taken for it, so called."""
    return matches(scene, name) or tuple(called(thing, name) for thing in _alike(scene, name)[:1])


def is_still(thing: Thing, before: Thing) -> bool:
    """Whether what is seen now may be what was called so before.

    By how it looks; or by its shape, for a cube may look like an apple from above and is none; or
    by its kind alone if it is upright and round, for from above a can shows its lid; or by its
    height, if it is as high as what it was called before and no such thing as it is called now is.
    The other way round it is another thing, however it looks.
    """
    if thing.solid is not None and not thing.solid.is_cut:
        height = thing.solid.size[2]
        if can_be_as_high(thing.kind, height) and not can_be_as_high(before.kind, height):
            return False
    if thing.likeness(before.name) >= STILL_SHARE * before.likeness(before.name):
        return True
    is_of_kind = thing.likeness(before.kind) >= STILL_SHARE * before.likeness(before.kind)
    if is_of_kind and shape_of(before.kind) == "cylinder":
        return True
    if thing.solid is None or thing.colour != before.colour:
        return False
    if thing.solid.shape == shape_of(before.kind) != shape_of(thing.kind):
        return True
    height = thing.solid.size[2]
    return can_be_as_high(before.kind, height) and not can_be_as_high(thing.kind, height)


def called(thing: Thing, name: str) -> Thing:
    """Return a thing by the name that somebody called it."""
    colour, _, kind = name.rpartition(" ")
    return replace(thing, kind=kind, colour=colour or thing.colour)


def _can_be(tools: Tools, thing: Thing) -> bool:
    """Whether a thing is where things are: on furniture or near the floor, not in the air."""
    is_borne = thing.position[2] < LOW_M or place_under(tools.floor_plan, thing) is not None
    return is_borne or thing.kind == "person"


def _likely(scene: Scene, name: str) -> list[Thing]:
    """Return the things that bear a name and look it more than not."""
    return [thing for thing in matches(scene, name) if thing.likeness(name) >= LIKELY]


def _convincing(tools: Tools, scene: Scene, name: str) -> tuple[Thing, ...]:
    """Return the things that are what a name says even if they were seen from afar alone."""
    sure = matches(scene, name, CONVINCED)
    return tuple(t for t in sure if t.likeness(name) >= CONVINCES and _can_be(tools, t))


def _is_convincing(tools: Tools, name: str, percept: Percept) -> bool:
    return bool(_convincing(tools, percept.scene, name))


def _promising(tools: Tools, percept: Percept, name: str, doubted: Sequence[Thing]) -> list[Thing]:
    """Return the things that may be what a name says and were not looked at from near yet."""
    likely = _likely(percept.scene, name)
    return [t for t in likely if _can_be(tools, t) and not _is_among(t, doubted)]


def _most_hopeful(
    tools: Tools, scene: Scene, name: str, doubted: Sequence[Thing], places: Sequence[Place]
) -> Place:
    """Return the place with what speaks most for a name, little as that is; else the first."""
    hints = [
        thing
        for thing in scene.things
        if thing.likeness(name) >= HINTS and _can_be(tools, thing) and not _is_among(thing, doubted)
    ]
    for thing in sorted(hints, key=lambda t: -t.confidence * t.likeness(name)):
        place = place_under(tools.floor_plan, thing)
        if place is not None and place in places:
            return place
    return places[0]


def _is_promising(tools: Tools, name: str, doubted: Sequence[Thing], percept: Percept) -> bool:
    is_sure = _is_convincing(tools, name, percept)
    return is_sure or bool(_promising(tools, percept, name, doubted))


def _alike(scene: Scene, name: str) -> list[Thing]:
    """Return the things that a name may mean although they look more like others, best first."""
    things = [t for t in scene.things if t.confidence >= SURE and t.likeness(name) >= ALIKE]
    return sorted(things, key=lambda thing: -thing.likeness(name))


def _not_found(tools: Tools, percept: Percept, name: str) -> Outcome:
    """Say that a thing was not found, and where one of its kind is."""
    kind = name.split()[-1]
    others = [t for t in matches(percept.scene, kind) if t.name != name and _can_be(tools, t)]
    if not others:
        return Outcome(kind="failed", reason="not_found", facts=(name,))
    x, y = here(percept)
    other = min(others, key=lambda t: np.hypot(t.position[0] - x, t.position[1] - y))
    place = place_under(tools.floor_plan, other)
    facts = (name, other.name, place.name if place else "")
    return Outcome(kind="failed", reason="not_found_but", facts=facts)


def _is_among(thing: Thing, others: Sequence[Thing]) -> bool:
    """Whether a thing is where one of the others is."""
    return any(np.linalg.norm(np.subtract(thing.position, o.position)) < SAME_M for o in others)


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


def _look_round(tools: Tools, percept: Percept) -> Behaviour[Percept]:
    """Turn once round on the spot."""
    turned, last = 0.0, percept.base.yaw
    while turned < 2.0 * np.pi:
        percept = yield tick(tools, percept, (0.0, 0.0, SEARCH_TURN_SPEED))
        turned += wrap(percept.base.yaw - last)
        last = percept.base.yaw
    return (yield from stand(tools, percept, 0.5))


def _look_along(tools: Tools, place: Place, percept: Percept) -> Behaviour[Percept]:
    """Walk along the front of a place and look at it.

    What one thing hides at one end of the front shows at the other.
    """
    percept, _ = yield from as_far_as(percept, _walk_along(tools, place, percept))
    return percept


def _walk_along(tools: Tools, place: Place, percept: Percept) -> Behaviour[Percept]:
    """Walk before a front and along it, and look from both ends.

    Raises:
        UnreachableError: No way leads there.
    """
    floor = floor_of(tools.floor_plan, percept.scene)
    ends = ends_of_front(floor, place, here(percept))
    pose = ends[0] if ends else pose_before_place(tools.floor_plan, floor, place, here(percept))
    percept = yield from walk_to(tools, percept, pose)
    percept = yield from stand(tools, percept, LOOK_S)
    for pose in ends[1:]:
        percept = yield from step_to(tools, percept, pose)
        percept = yield from stand(tools, percept, LOOK_S)
    return percept


def _look_behind(tools: Tools, place: Place, percept: Percept) -> Behaviour[Percept]:
    """Look from its other sides at a place where one thing may hide another.

    Sides that no way leads to are left out.
    """
    if not any(is_on(place, thing) for thing in percept.scene.things):
        return percept
    floor = floor_of(tools.floor_plan, percept.scene)
    for pose in poses_at_other_sides(floor, place, here(percept)):
        percept, is_there = yield from as_far_as(percept, walk_to(tools, percept, pose))
        if is_there:
            percept = yield from stand(tools, percept, LOOK_S)
    return percept


def _until(
    behaviour: Behaviour[Percept], percept: Percept, is_enough: Callable[[Percept], bool]
) -> Behaviour[Percept]:
    """Do something, but only until that is enough."""
    try:
        target = next(behaviour)
        while not is_enough(percept):
            percept = yield target
            target = behaviour.send(percept)
    except StopIteration as end:
        percept = end.value
    return percept


def look_from_near(tools: Tools, percept: Percept, thing: Thing) -> Behaviour[Percept]:
    """Walk before a thing and look at it; from where the robot is if no way leads there."""
    percept, is_there = yield from as_far_as(percept, _walk_before(tools, percept, thing))
    if not is_there:
        percept = yield from face(tools, percept, thing.position[:2])
    return (yield from stand(tools, percept, LOOK_S))


def _walk_before(tools: Tools, percept: Percept, thing: Thing) -> Behaviour[Percept]:
    """Walk before a thing.

    Raises:
        UnreachableError: No way leads there.
    """
    floor = floor_of(tools.floor_plan, percept.scene)
    pose = pose_before_thing(tools.floor_plan, floor, thing, here(percept))
    return (yield from walk_to(tools, percept, pose))


def _surfaces(tools: Tools, percept: Percept) -> list[Place]:
    """Return what things may stand on, the nearest first."""
    x, y = here(percept)
    surfaces = [place for place in tools.floor_plan.places if place.has_surface]
    return sorted(surfaces, key=lambda p: np.hypot(p.centre[0] - x, p.centre[1] - y))


def face(tools: Tools, percept: Percept, point: tuple[float, float]) -> Behaviour[Percept]:
    """Turn on the spot towards a point."""
    x, y = here(percept)
    yaw = float(np.arctan2(point[1] - y, point[0] - x))
    percept = yield from turn_to(tools, percept, yaw)
    return percept
