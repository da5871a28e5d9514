"""The robot's own kinematics and the mirror judge where it stands for a thing."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skills.rig import WALKER, Rig

from yanshi.bodies.simulation import simulate
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import Approach
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import Scene, Solid, Thing
from yanshi.policies.walker import UPRIGHT
from yanshi.robots.g1.spec import G1
from yanshi.skills.hands import hands_of
from yanshi.skills.skill import Tools
from yanshi.skills.stances import (
    AIR_M,
    HEADROOM_M,
    TALL_LEAN,
    TALL_M,
    _stances,
    boxes_about,
    foreseen,
    front_of,
    grips_of,
    least_lean,
    short_way_across,
    sinking,
    spots,
    standing,
)
from yanshi.worlds.floor_plan import FloorPlan, Place

KINEMATICS = simulate("empty", 0).kinematics
SCENE = Scene(t_ns=0)
TABLE = Place(
    name="table",
    centre=(1.5, 0.0),
    size=(0.7, 1.4),
    yaw=np.pi,
    height=0.75,
    has_surface=True,
    is_open_below=True,
)
SHELF = Place(
    name="shelf",
    centre=(0.0, 2.4),
    size=(0.36, 1.0),
    yaw=-np.pi / 2,
    height=1.0,
    has_surface=True,
    boards=(0.45, 0.75, 1.0),
)
LOW = replace(TABLE, height=0.45)
BOTH = (LEFT, RIGHT)


def tools_for(*places: Place) -> Tools:
    plan = FloorPlan(name="room", size=(6.0, 6.0), places=places, start=(0.0, 0.0, 0.0))
    return Tools(robot=G1, floor_plan=plan, walker=WALKER, kinematics=KINEMATICS)


def spots_on(place, target, *, top=0.12, sides=BOTH, here=(0.0, 0.0), places=None):
    """Return the spots for a thing of a height that stands on a place."""
    grips = grips_of(place.height, place.height + top)
    tools = tools_for(*(places or (place,)))
    return spots(tools, SCENE, here, target, place, grips=grips, sides=sides)


def from_pelvis(pose, point):
    """Return a point of the map as seen from a pelvis, ahead and to the left."""
    x, y, yaw = pose
    dx, dy = point[0] - x, point[1] - y
    return np.cos(yaw) * dx + np.sin(yaw) * dy, -np.sin(yaw) * dx + np.cos(yaw) * dy


ON_TABLE = [(TABLE, (1.28, 0.1)), (TABLE, (1.5, -0.6)), (LOW, (1.3, -0.2))]


@pytest.mark.parametrize(("place", "target"), ON_TABLE)
def test_a_thing_is_where_its_stance_wants_it(place, target):
    for spot in spots_on(place, target):
        ahead, left = from_pelvis(spot.pose, target)
        assert (ahead, left) == pytest.approx((spot.stance.ahead, spot.stance.left))
        back, aside = from_pelvis(spot.pose, spot.upright[:2])
        assert (back, aside) == pytest.approx((sinking(spot.stance.height), 0.0), abs=1e-9)


@pytest.mark.parametrize(("place", "target"), ON_TABLE)
def test_no_part_of_legs_and_trunk_is_where_the_furniture_is(place, target):
    """Every ball of the skin at the height of the board, by the joints' own kinematics."""
    low, high = place.height - 0.1, place.height
    for spot in spots_on(place, target):
        stance = spot.stance
        middles, _ = KINEMATICS.skin_in_pelvis(WALKER.posed(stance.height, stance.lean))
        radius = KINEMATICS.skin_radius
        cos, sin = np.cos(spot.pose[2]), np.sin(spot.pose[2])
        x = spot.pose[0] + cos * middles[:, 0] - sin * middles[:, 1]
        y = spot.pose[1] + sin * middles[:, 0] + cos * middles[:, 1]
        up = middles[:, 2] + stance.height
        gap = np.hypot(
            np.maximum(np.abs(x - place.centre[0]) - 0.5 * place.size[0], 0.0),
            np.maximum(np.abs(y - place.centre[1]) - 0.5 * place.size[1], 0.0),
        )
        is_level = (up + radius > low) & (up - radius < high) & (np.abs(middles[:, 1]) < 0.2)
        is_square = abs(np.sin(2.0 * spot.pose[2])) < 1e-6
        least = AIR_M - 0.001 if is_square else 0.0
        assert (gap - radius)[is_level].min() > least


@pytest.mark.parametrize("target", [(1.28, 0.25), (1.3, -0.1)])
def test_a_mirrored_thing_has_the_mirrored_spots_for_the_other_hand(target):
    mirrored = (target[0], -target[1])
    for side in BOTH:
        ours = spots_on(TABLE, target, sides=[side])
        theirs = spots_on(TABLE, mirrored, sides=[LEFT + RIGHT - side])
        assert len(ours) == len(theirs) > 3
        assert [s.score for s in ours] == pytest.approx([s.score for s in theirs])
        x, y, yaw = ours[0].pose
        assert theirs[0].pose == pytest.approx((x, -y, -yaw))
        assert theirs[0].stance.heading == pytest.approx(-ours[0].stance.heading)


def test_what_may_be_nearer_than_it_seems_is_stood_for_as_if_it_were():
    """Never nearer to the table than for a thing that is there."""
    seems, nearer = (1.36, -0.2), 0.06
    grips = grips_of(LOW.height, LOW.height + 0.06)
    ask = partial(spots, tools_for(LOW), SCENE, (0.0, 0.0), place=LOW, grips=grips, sides=BOTH)
    with pytest.raises(UnreachableError):
        ask(seems)
    front = [spot for spot in ask(seems, nearer=nearer) if abs(spot.pose[2]) < 0.1]
    there = [spot for spot in ask((seems[0] - nearer, seems[1])) if abs(spot.pose[2]) < 0.1]
    assert front
    for one, other in zip(front, there, strict=True):
        assert one.pose == pytest.approx(other.pose)


def box_thing(size, yaw):
    """Return a box that was measured on the table."""
    solid = Solid(shape="box", position=(1.28, 0.1, 0.77), size=size, yaw=yaw)
    return Thing(
        kind="banana",
        colour="yellow",
        position=solid.position,
        confidence=0.9,
        t_ns=0,
        solid=solid,
    )


@given(st.floats(-np.pi, np.pi), st.floats(0.03, 0.08), st.floats(0.1, 0.2), st.booleans())
def test_fingers_close_the_short_way_across_a_long_thing(yaw, short, long, is_x_long):
    size = (long, short, 0.04) if is_x_long else (short, long, 0.04)
    across = short_way_across(box_thing(size, yaw))
    extent = [abs(e * f(across - yaw)) for e, f in zip(size, (np.cos, np.sin), strict=False)]
    assert sum(extent) == pytest.approx(short)


def test_what_fits_between_the_digits_either_way_may_be_taken_either_way():
    assert short_way_across(box_thing((0.05, 0.08, 0.05), 0.3)) is None
    assert short_way_across(replace(box_thing((0.05, 0.2, 0.05), 0.3), solid=None)) is None


@pytest.mark.parametrize("across", np.linspace(-1.4, 1.4, 8).tolist())
def test_who_takes_a_long_thing_stands_so_that_its_fingers_lie_across_it(across):
    ask = partial(spots, tools_for(TABLE), SCENE, (0.0, 0.0), (1.28, 0.1), TABLE, sides=BOTH)
    grips = [(Approach.ABOVE, 0.78)]

    def askew(spot):
        off = spot.pose[2] + spot.stance.heading - across
        return abs(off - np.pi * np.round(off / np.pi))

    best, any_way = ask(grips=grips, across=across)[0], ask(grips=grips)[0]
    assert askew(best) < 0.6
    assert askew(best) <= askew(any_way)


@cache
def ways_to_table():
    return spots_on(TABLE, (1.28, 0.1))


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(0.01, 1.0)), min_size=1, max_size=6))
def test_the_first_stance_that_is_good_enough_in_thought_is_taken_else_the_best(marks):
    ways = ways_to_table()[: len(marks)]

    def judge(spot):
        mark = marks[ways.index(spot)]
        if mark is None:
            raise UnreachableError("The arm does not come there.")
        return mark

    known = [mark for mark in marks if mark is not None]
    good = [mark for mark in known if mark > 0.5]
    wanted = good[0] if good else max(known, default=marks[0])
    assert marks[ways.index(foreseen(ways, judge, 0.5))] == wanted
    assert marks[ways.index(foreseen(ways, judge))] == (known[0] if known else None)


def test_who_stands_there_in_thought_is_as_the_spot_says_and_keeps_what_it_holds():
    rig = Rig()
    rig.hold(RIGHT, "red can")
    spot = spots_on(TABLE, (1.28, 0.1), sides=[LEFT])[0]
    now = rig.percept()
    there = standing(rig.tools, now, spot)
    assert there.base.yaw == pytest.approx(spot.pose[2])
    assert there.base.position == pytest.approx([*spot.pose[:2], spot.stance.height])
    left, right = (hands_of(rig.tools)[side].arm.joints for side in BOTH)
    joints = there.state.joint_position
    assert joints[left] == pytest.approx(hands_of(rig.tools).ready(LEFT))
    assert joints[right] == pytest.approx(now.state.joint_position[right])
    legs = [i for i, name in enumerate(G1.joint_names) if "knee" in name]
    posed = WALKER.posed(spot.stance.height, spot.stance.lean)
    assert joints[legs] == pytest.approx(posed[legs])
    assert now.base.position[0] == pytest.approx(0.0, abs=0.05)  # It has not moved.


def test_only_free_hands_are_offered_and_the_best_spot_comes_first():
    for side in BOTH:
        found = spots_on(TABLE, (1.28, 0.0), sides=[side])
        assert {spot.stance.side for spot in found} == {side}
        scores = [spot.score for spot in found]
        assert scores == sorted(scores, reverse=True)
    with pytest.raises(UnreachableError):
        spots_on(TABLE, (1.28, 0.0), sides=[])


def test_nothing_is_taken_from_above_under_a_board():
    target = (0.05, 2.27)
    lower, upper = SHELF.boards[1], SHELF.boards[2]
    assert upper - lower < HEADROOM_M + 0.1
    under = spots(
        tools_for(SHELF),
        SCENE,
        (0.0, 0.0),
        target,
        SHELF,
        grips=grips_of(lower, lower + 0.18),
        sides=BOTH,
    )
    assert {spot.stance.approach for spot in under} == {Approach.SIDE}
    on_top = spots(
        tools_for(SHELF),
        SCENE,
        (0.0, 0.0),
        target,
        SHELF,
        grips=grips_of(upper, upper + 0.06),
        sides=BOTH,
    )
    assert {spot.stance.approach for spot in on_top} == {Approach.ABOVE}


def test_a_shelf_is_come_to_from_its_front_alone_and_a_table_from_any_side():
    for x in (0.1, 0.44):
        for spot in spots_on(SHELF, (x, 2.26), top=0.18):
            assert spot.pose[1] < SHELF.centre[1] - 0.5 * SHELF.size[0]
    behind = spots_on(TABLE, (1.75, 0.0), here=(2.6, 0.0))
    assert behind[0].pose[0] > TABLE.centre[0] + 0.5 * TABLE.size[0]
    assert np.cos(behind[0].pose[2]) < -0.7


def test_a_low_table_is_squatted_for():
    best = spots_on(LOW, (1.3, 0.0), top=0.08)[0].stance
    assert best.height < 0.6 < spots_on(TABLE, (1.3, 0.0))[0].stance.height


@pytest.mark.parametrize(
    ("place", "target"),
    [
        (replace(TABLE, height=1.6), (1.28, 0.0)),
        (replace(TABLE, size=(2.6, 2.6), centre=(1.6, 0.0)), (1.6, 0.0)),
        (replace(TABLE, height=0.1), (1.28, 0.0)),
    ],
)
def test_what_is_too_high_too_deep_or_too_low_is_out_of_reach(place, target):
    with pytest.raises(UnreachableError, match="No stance before the table"):
        spots_on(place, target)


def test_a_spot_that_no_way_leads_to_is_none():
    fence = Place(name="wall", centre=(0.5, 0.0), size=(0.1, 6.0), yaw=0.0, height=1.0)
    with pytest.raises(UnreachableError, match="No stance before the table"):
        spots_on(TABLE, (1.28, 0.0), places=(TABLE, fence))


def test_the_front_of_a_body_that_leans_comes_farther_out_at_the_chest():
    for pelvis, lean in ((0.7, 0.25), (0.56, 0.5)):
        upright = front_of(WALKER, KINEMATICS, (pelvis, 0.0), (0.9, 1.1))
        assert front_of(WALKER, KINEMATICS, (pelvis, lean), (0.9, 1.1)) > upright + 0.02
    assert front_of(WALKER, KINEMATICS, UPRIGHT, (3.0, 3.1)) == 0.1


@pytest.mark.parametrize("bottom", [0.45, 0.75])
def test_grips_lie_on_the_thing_and_low_things_are_not_taken_from_the_side(bottom):
    for top in (0.04, 0.06, 0.12, 0.22):
        grips = dict(grips_of(bottom, bottom + top))
        assert bottom < grips[Approach.ABOVE] < bottom + top + 0.01
        assert (Approach.SIDE in grips) is (top >= 0.09)
        if Approach.SIDE in grips:
            assert bottom + 0.06 < grips[Approach.SIDE] <= bottom + top - 0.02


def test_boxes_hold_the_furniture_and_the_things_where_they_are():
    solid = Solid(shape="box", position=(1.3, 0.2, 0.8), size=(0.05, 0.08, 0.1), yaw=0.4)
    thing = Thing(
        kind="box", colour="red", position=solid.position, confidence=0.9, t_ns=0, solid=solid
    )
    person = replace(thing, kind="person")
    turn, pelvis = 0.3, np.array([0.9, 0.0, 0.7])
    T = np.eye(4)
    T[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    T[:3, 3] = pelvis
    plan = tools_for(TABLE).floor_plan
    board, block = boxes_about(plan, [thing, person], np.linalg.inv(T))
    for box, middle, size in (
        (board, (1.5, 0.0, 0.7), (0.7, 1.4, 0.1)),
        (block, solid.position, solid.size),
    ):
        np.testing.assert_allclose((T @ box.pelvis_from_box)[:3, 3], middle, atol=1e-9)
        np.testing.assert_allclose(2.0 * box.half_size, size, atol=1e-9)
    assert boxes_about(plan, [thing], np.linalg.inv(T), reach=0.1) == []


def test_between_the_boards_of_a_shelf_there_is_air():
    """No box of a shelf holds a point between two boards, and every board is in one."""
    plan, T = tools_for(SHELF).floor_plan, np.eye(4)
    T[:3, 3] = (0.0, 1.8, 0.7)
    boxes = boxes_about(plan, [], np.linalg.inv(T))

    def is_solid(*point):
        held = [np.linalg.inv(T @ box.pelvis_from_box) @ (*point, 1.0) for box in boxes]
        return any(
            (np.abs(at[:3]) <= box.half_size).all() for at, box in zip(held, boxes, strict=True)
        )

    assert all(is_solid(0.1, 2.3, board - 0.01) for board in SHELF.boards)
    assert not any(is_solid(0.1, 2.3, board - 0.15) for board in SHELF.boards)
    assert is_solid(0.5, 2.3, 0.6)
    assert is_solid(0.1, 2.57, 0.6)


def test_at_its_full_height_it_leans_and_low_down_it_leans_more():
    assert least_lean(0.46) > least_lean(0.76) > least_lean(0.66) == 0.0


@pytest.mark.parametrize("approach", list(Approach))
def test_it_never_stands_upright_at_its_full_height(approach):
    found = _stances(tools_for(SHELF), 1.05, SHELF, 0.1, approach, 0.0)
    tall = [stance for stance in found if stance.height > TALL_M]
    assert tall
    assert all(stance.lean >= TALL_LEAN for stance in tall)
