"""What is pushed: the simulator judges a can, geometry the room behind things."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import TABLE, Ghost, Rig, SightedRig, thing

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.skills.motion import stand
from yanshi.skills.push import (
    EDGE_M,
    LEAST_M,
    Push,
    _what_became,
    half_extent,
    push_spot,
    push_spots,
    room_behind,
)
from yanshi.skills.skill import DONE
from yanshi.worlds import goals
from yanshi.worlds.floor_plan import Place

BOARD = Place(
    name="table", centre=(0.0, 0.0), size=(0.6, 1.2), yaw=0.0, height=0.75, has_surface=True
)


def box(name: str, x: float, y: float, size=(0.06, 0.06, 0.08), yaw: float = 0.0) -> Thing:
    """Return a thing that stands 75 cm high, seen from near."""
    solid = Solid(shape="box", position=(x, y, 0.75 + 0.5 * size[2]), size=size, yaw=yaw)
    return replace(thing(name, *solid.position), solid=solid)


def test_a_can_is_pushed_along_the_furniture_and_nothing_else_is_moved():
    rig = SightedRig(seed=8)
    assert rig.carry_out(Push(("white can",), rig.tools)).kind == "done"
    rig.stand(1.0)
    assert goals.shifted("white can").is_met(rig.witness)
    assert goals.undisturbed("white can").is_met(rig.witness)
    assert not goals.lifted("white can", 0.02).is_met(rig.witness)
    assert not rig.witness.has_fallen


@pytest.mark.parametrize(("yaw", "room"), [(0.0, 0.27), (np.pi, 0.27), (0.5 * np.pi, 0.57)])
def test_the_room_behind_a_thing_ends_before_the_edge(yaw, room):
    assert room_behind(BOARD, box("red cube", 0.0, 0.0), yaw, []) == pytest.approx(room - EDGE_M)


def test_a_slanting_way_ends_at_the_edge_that_it_comes_to_first():
    cube = box("red cube", 0.2, 0.0)
    cube = replace(cube, solid=replace(cube.solid, shape="cylinder"))
    room = room_behind(BOARD, cube, np.pi / 4.0, [])
    assert room == pytest.approx(0.1 * np.sqrt(2.0) - 0.03 - EDGE_M)


@pytest.mark.parametrize(
    ("other", "is_in_the_way"),
    [
        (box("blue can", 0.15, 0.0), True),
        (box("blue can", 0.15, 0.06), True),
        (box("blue can", 0.15, 0.12), False),
        (box("blue can", 0.0, 0.07), True),
        (box("blue can", -0.15, 0.0), True),
        (box("blue can", -0.35, 0.0), False),
        (replace(thing("person", 0.15, 0.0, 0.9)), False),
        (thing("blue can", 0.15, 0.0, 1.05), False),
    ],
    ids=[
        *("behind", "askew behind", "far beside", "close beside", "before", "far before"),
        *("a person", "on the board above"),
    ],
)
def test_what_stands_in_the_way_of_a_thing_or_of_the_fist_takes_its_room(other, is_in_the_way):
    cube = box("red cube", 0.0, 0.0)
    free = room_behind(BOARD, cube, 0.0, [])
    assert (room_behind(BOARD, cube, 0.0, [other]) < free) is is_in_the_way


def test_how_far_a_thing_reaches_depends_on_its_shape_and_turn():
    size = (0.2, 0.04, 0.05)
    for yaw in (0.0, 0.7):
        long = box("red book", 0.0, 0.0, size, yaw)
        assert half_extent(long, yaw) == pytest.approx(0.1)
        assert half_extent(long, yaw + 0.5 * np.pi) == pytest.approx(0.02)
        round_one = replace(long, solid=replace(long.solid, shape="sphere"))
        assert half_extent(round_one, 0.3) == pytest.approx(0.1)


def test_what_cannot_be_pushed_is_looked_at_from_near_before_it_is_given_up():
    x = TABLE.centre[0] + 0.5 * TABLE.size[0] - 0.05
    wall = [thing("blue can", 1.8 + dx, dy) for dx in (-0.1, 0.0, 0.1) for dy in (-0.1, 0.1)]
    for seen in ([thing("red cube", x, 0.0)], [thing("red cube", 1.8, 0.0), *wall]):
        ghost = Ghost(sees=lambda _, seen=seen: seen)
        outcome = ghost.go(lambda tools, percept: Push(("red cube",), tools).act(percept))
        assert outcome.kind == "failed"
        assert outcome.reason in ("no_room_behind", "out_of_reach")
        assert ghost.away(seen[0].position) < 1.2


def test_what_seems_out_of_reach_from_afar_is_pushed_if_from_near_it_is_not(monkeypatch):
    far, near = thing("red cube", TABLE.centre[0], 0.1), box("red cube", 1.74, 0.1)
    chosen = []

    def just_so(tools, percept, thing, spot):
        chosen.append(spot)
        yield from stand(tools, percept, 0.1)
        return percept, DONE

    monkeypatch.setattr("yanshi.skills.push._push_from", just_so)
    ghost = Ghost(sees=lambda ghost: [near if ghost.away((1.74, 0.1)) < 1.2 else far])
    push = Push(("red cube",), ghost.tools)
    assert ghost.go(lambda _, percept: push.act(percept)) == DONE
    (spot,) = chosen
    assert np.hypot(spot.pose[0] - 1.74, spot.pose[1] - 0.1) < 0.7


def test_a_stance_from_which_the_arm_does_not_come_behind_it_is_passed_over(rig: Rig, monkeypatch):
    cube, percept = box("red cube", 1.74, 0.1), rig.percept()
    first, *others = push_spots(rig.tools, Scene(t_ns=0), (0.0, 0.0), cube, TABLE)
    bad = first.stance

    def plan(tools, percept, hand, thing, stance, *_, **__):
        if stance == bad:
            raise UnreachableError("It does not.")

    monkeypatch.setattr("yanshi.skills.push.plan_push", plan)
    spot = push_spot(rig.tools, percept, cube, TABLE, [])
    assert spot in others
    assert spot.stance != bad
    assert push_spot(rig.tools, percept, cube, TABLE, [spot]) != spot


def test_where_a_person_alone_is_in_the_way_it_asks_for_room():
    cube = box("red cube", 1.74, 0.1)
    crowd = [thing("person", x, y, 1.0) for x in (1.0, 1.4) for y in (-1.5, -0.8, 0.0, 0.8, 1.5)]
    ghost = Ghost(sees=lambda _: [cube, *crowd])
    push = Push(("red cube",), ghost.tools)
    outcome = ghost.go(lambda _, percept: push.act(percept))
    assert (outcome.kind, outcome.reason) == ("failed", "somebody_there")


def test_with_both_hands_full_nothing_is_pushed(rig: Rig):
    rig.hold(LEFT, "red can")
    rig.hold(RIGHT, "blue ball")
    outcome = rig.carry_out(Push(("cup",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "hands_full")


@pytest.mark.parametrize(
    ("now", "reason"),
    [((0.1, 0.0), ""), ((0.02, 0.0), "not_moved"), (None, "pushed_unseen")],
    ids=["moved", "stayed", "gone"],
)
def test_whether_it_has_moved_is_told_by_what_is_seen(rig: Rig, now, reason):
    percept, before = rig.percept(), box("red cube", 0.0, 0.0)
    things = () if now is None else (box("red cube", *now),)
    percept = replace(percept, scene=Scene(t_ns=0, things=things))
    outcome = _what_became(percept, before, before, 0.0, 0.1)
    assert outcome.reason == reason
    assert outcome.kind == ("failed" if reason else "done")


def test_a_fist_comes_to_the_near_side_and_upright_if_it_can(rig: Rig):
    can = thing("red can", 1.74, 0.1)
    ways = push_spots(rig.tools, Scene(t_ns=0), (0.0, 0.0), can, TABLE)
    assert ways
    for way in ways:
        x, y, yaw = way.pose
        to = np.arctan2(can.position[1] - y, can.position[0] - x)
        assert abs((to - yaw + np.pi) % (2.0 * np.pi) - np.pi) < 1.0
        assert room_behind(TABLE, can, yaw, []) > LEAST_M
    lying = [way.stance.approach is Approach.ABOVE for way in ways]
    assert lying == sorted(lying)


@pytest.mark.parametrize("name", ["ball", "green apple", "walnut"])
def test_what_rolls_is_not_pushed(rig: Rig, name):
    outcome = rig.carry_out(Push((name,), rig.tools))
    assert (outcome.kind, outcome.reason, outcome.facts) == ("failed", "rolls", (name,))
    assert rig.body.data.time == 0.0


def test_a_person_is_not_pushed():
    rig = Rig(seen=[thing("person", 1.5, 0.0, 1.0)])
    outcome = rig.carry_out(Push(("person",), rig.tools))
    assert (outcome.kind, outcome.reason) == ("failed", "out_of_reach")
    assert np.linalg.norm(rig.position) < 0.05
