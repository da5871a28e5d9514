"""Where to stand is geometry; rooms are drawn by hand."""

from dataclasses import replace

import numpy as np
import pytest
from tests.skills.rig import DOOR, ROOM, SHELF, TABLE, Rig, thing

from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene
from yanshi.skills import ground
from yanshi.worlds.floor_plan import FloorPlan, Place

EMPTY = Scene(t_ns=0)


def test_one_stands_before_the_middle_of_a_front_and_faces_it():
    floor = ground.floor_of(ROOM, EMPTY)
    x, y, yaw = ground.pose_before_place(ROOM, floor, TABLE, (0.0, 0.0))
    assert (x, y) == pytest.approx((2.0 - 0.35 - ground.STAND_OFF_M, 0.0))
    assert np.cos(yaw) == pytest.approx(1.0)


def test_a_blocked_front_leaves_the_sides():
    wall = Place(name="sofa", centre=(1.2, 0.0), size=(0.5, 1.4), yaw=0.0, height=0.5)
    plan = FloorPlan(name="r", size=(6.0, 6.0), places=(TABLE, wall), start=(0.0, 0.0, 0.0))
    x, y, _ = ground.pose_before_place(plan, ground.floor_of(plan, EMPTY), TABLE, (0.0, 0.0))
    assert abs(y) > 0.7
    assert ground.edge_distance(TABLE, (x, y)) == pytest.approx(ground.STAND_OFF_M)


def test_a_thing_on_a_table_is_approached_from_its_nearest_edge():
    floor = ground.floor_of(ROOM, EMPTY)
    cup = thing("red cup", 1.8, 0.4)
    x, y, yaw = ground.pose_before_thing(ROOM, floor, cup, (0.0, 0.0))
    assert ground.edge_distance(TABLE, (x, y)) == pytest.approx(ground.STAND_OFF_M)
    assert np.hypot(x - 1.8, y - 0.4) < 0.7
    assert np.arctan2(0.4 - y, 1.8 - x) == pytest.approx(yaw)


@pytest.mark.parametrize("bearing", [0.0, 1.5, -2.0])
def test_a_person_is_faced_from_the_side_that_is_asked_for(bearing):
    floor = ground.floor_of(ROOM, EMPTY)
    person = (-0.5, 0.0)
    x, y, yaw = ground.pose_before_person(floor, person, (0.8, 0.3), distance=1.1, bearing=bearing)
    assert np.hypot(x - person[0], y - person[1]) == pytest.approx(1.1)
    assert np.cos(np.arctan2(y - person[1], x - person[0]) - bearing) > np.cos(0.14)
    assert np.cos(np.arctan2(person[1] - y, person[0] - x) - yaw) == pytest.approx(1.0)


def test_a_person_is_faced_from_arms_length_and_walked_round():
    person = thing("person", -1.0, 0.5, 1.0)
    scene = Scene(t_ns=0, things=(person,))
    floor = ground.floor_of(ROOM, scene)
    x, y, yaw = ground.pose_before_thing(ROOM, floor, person, (0.0, 0.0))
    assert np.hypot(x + 1.0, y - 0.5) == pytest.approx(ground.PERSON_STAND_OFF_M)
    assert np.arctan2(0.5 - y, -1.0 - x) == pytest.approx(yaw)
    assert floor.clearance((-1.0, 0.5)) == 0.0


def test_the_door_in_the_wall_is_no_obstacle_but_has_a_front():
    floor = ground.floor_of(ROOM, EMPTY)
    _, y, yaw = ground.pose_before_place(ROOM, floor, DOOR, (0.0, 0.0))
    assert -2.6 < y < -2.3
    assert np.sin(yaw) == pytest.approx(-1.0)


def test_things_over_a_surface_are_on_it_and_others_are_not():
    assert ground.place_under(ROOM, thing("red cup", 1.8, 0.4)) is TABLE
    assert ground.place_under(ROOM, thing("red cup", 0.2, 2.5)) is SHELF
    assert ground.place_under(ROOM, thing("red cup", 0.0, 0.0)) is None
    assert ground.place_under(ROOM, thing("red cup", 1.8, 0.4, 0.05)) is None


def test_a_walled_in_place_is_unreachable():
    ring = tuple(
        Place(name=f"wall{i}", centre=(x, y), size=size, yaw=0.0, height=2.0)
        for i, (x, y, size) in enumerate(
            (
                (0.5, 0.0, (0.2, 4.0)),
                (2.0, 2.0, (3.2, 0.2)),
                (2.0, -2.0, (3.2, 0.2)),
            )
        )
    )
    plan = FloorPlan(name="r", size=(6.0, 6.0), places=(TABLE, *ring), start=(0.0, 0.0, 0.0))
    with pytest.raises(UnreachableError):
        ground.pose_before_place(plan, ground.floor_of(plan, EMPTY), TABLE, (-1.0, 0.0))


def test_people_are_left_out_only_where_there_are_some():
    percept, cube, person = Rig().percept(), thing("red cube", 1.8, 0.0), thing("person", 1.0, 0.0)
    for seen, scenes in (([cube], [[cube]]), ([cube, person], [[cube, person], [cube]])):
        known = replace(percept, scene=Scene(t_ns=0, things=tuple(seen)))
        found = list(ground.with_people_and_without(known))
        assert [list(one.scene.things) for one, _ in found] == scenes
        assert [is_alone for _, is_alone in found] == [False, True][: len(scenes)]
