"""Putting down: free spots of furniture, poses of palms, and what became of a thing."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.skills.rig import SHELF, TABLE, Rig, thing

from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import NO_LEAN, TIP_DOWN, Approach, Lean
from yanshi.core.errors import UnreachableError
from yanshi.core.messages import BaseEstimate, RobotState, Scene, Solid, Thing
from yanshi.robots.g1.spec import G1
from yanshi.skills import release
from yanshi.skills.ground import edge_distance
from yanshi.skills.hands import Held, hands_of, map_from_pelvis, open_fingers
from yanshi.skills.motion import here
from yanshi.skills.release import (
    APART_M,
    BESIDE_M,
    EDGE_M,
    ELSEWHERE_M,
    FALL_M,
    LEDGE_M,
    LOST_S,
    NEARER_MAX_M,
    NEARER_STEP_M,
    RIM_AIR_M,
    Disc,
    Goal,
    _as_thing,
    _come_down,
    _goal_in_reach,
    _still_holds,
    _way_above,
    approaches_to,
    best_spot_over,
    free_disc,
    free_spot,
    goal_upon,
    let_go_at,
    look_after,
    look_for_slipped,
    palm_with_thing_at,
    what_became,
    without_held,
)
from yanshi.skills.skill import Percept
from yanshi.skills.stances import spots, standing, was_tried


def solid_thing(name: str, x: float, y: float, size=(0.08, 0.08, 0.1), z: float = 0.8) -> Thing:
    """Return a thing that stands on something at a height, seen from near."""
    solid = Solid(shape="box", position=(x, y, z + 0.5 * size[2]), size=size, yaw=0.0)
    return replace(thing(name, *solid.position), solid=solid)


def end_of(rig: Rig, flow):
    """Follow a flow in physics to its end and return what it returns."""
    try:
        target = next(flow)
    except StopIteration as end:
        return end.value
    while True:
        rig.body.write(target)
        rig.body.advance(0.02)
        try:
            target = flow.send(rig.percept())
        except StopIteration as end:
            return end.value


def spot_of(percept, place, radius):
    return free_disc(percept.scene, here(percept), place, radius)


def percept_of(*things: Thing, at=(0.0, 0.0)) -> Percept:
    n = len(G1.joint_names)
    state = RobotState(
        t_ns=0,
        joint_position=G1.default_position,
        joint_velocity=np.zeros(n),
        joint_torque=np.zeros(n),
        orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
        angular_velocity=np.zeros(3),
        acceleration=(0.0, 0.0, 9.81),
    )
    base = BaseEstimate(
        t_ns=0,
        position=(*at, 0.7),
        orientation_wxyz=(1.0, 0.0, 0.0, 0.0),
        velocity=np.zeros(3),
    )
    return Percept(state=state, base=base, scene=Scene(t_ns=0, things=things))


things = st.lists(
    st.tuples(st.floats(-0.35, 0.35), st.floats(-0.7, 0.7), st.floats(0.1, 0.35)), max_size=9
)


@settings(max_examples=40, deadline=None)
@given(things, st.sampled_from([TABLE, SHELF]), st.floats(0.03, 0.07))
def test_a_free_spot_is_on_the_furniture_and_clear_of_what_stands_there(rows, place, radius):
    cos, sin = np.cos(place.yaw), np.sin(place.yaw)
    there = [
        solid_thing(
            "red box",
            place.centre[0] + cos * u - sin * v,
            place.centre[1] + sin * u + cos * v,
            (width, width, 0.1),
            place.height,
        )
        for u, v, width in rows
    ]
    goal = spot_of(percept_of(*there), place, radius)
    if not isinstance(goal, Goal):
        assert goal.reason == "no_space"
        assert len(rows) > 1
        return
    x, y, z = goal.point
    assert z == pytest.approx(place.height + FALL_M)
    smaller = replace(place, size=tuple(side - 2.0 * EDGE_M + 1e-6 for side in place.size))
    assert edge_distance(smaller, (x, y)) == 0.0
    # As far as it may be moved towards the edge its side is still on it.
    wide = 2.0 * (radius + LEDGE_M + goal.nearer)
    smaller = replace(place, size=tuple(side - wide + 1e-6 for side in place.size))
    assert goal.nearer == 0.0 or edge_distance(smaller, (x, y)) == 0.0
    assert 0.0 <= goal.nearer <= NEARER_MAX_M
    for other in there:
        reach = 0.5 * np.hypot(*other.solid.size[:2])
        apart = np.hypot(x - other.position[0], y - other.position[1])
        assert apart >= radius + reach + APART_M - 1e-9


def test_a_free_spot_lies_near_the_edge_towards_the_robot():
    for at in ((0.5, 0.3), (0.5, -0.5)):
        goal = spot_of(percept_of(at=at), TABLE, 0.04)
        front = TABLE.centre[0] - 0.5 * TABLE.size[0]
        assert EDGE_M <= goal.point[0] - front < 0.25
        assert abs(goal.point[1] - at[1]) < 0.25


def test_on_a_full_table_there_is_no_space_and_people_and_doubtful_things_take_none():
    full = solid_thing("red box", *TABLE.centre, (0.7, 1.4, 0.1))
    outcome = spot_of(percept_of(full), TABLE, 0.04)
    assert (outcome.kind, outcome.reason, outcome.facts) == ("failed", "no_space", ("table",))
    for other in (replace(full, kind="person"), replace(full, confidence=0.3)):
        assert isinstance(spot_of(percept_of(other), TABLE, 0.04), Goal)


@pytest.mark.parametrize("side", [LEFT, RIGHT])
def test_what_is_in_the_hand_takes_no_room_on_the_table_below_it(rig: Rig, side):
    hand = hands_of(rig.tools)[side]
    at = (1.68, -0.23 if side == LEFT else 0.23)
    empty = percept_of(at=at)
    palm = map_from_pelvis(empty) @ hand.arm.pelvis_from_palm(empty.state.joint_position)
    held = solid_thing("red cube", *palm[:2, 3], z=palm[2, 3])
    seen = percept_of(held, at=at)
    narrow = replace(TABLE, size=(0.7, 0.3))
    hand.held = Held(
        name="red cube",
        palm_from_thing=np.eye(4),
        size=(0.07, 0.07, 0.07),
        approach=Approach.ABOVE,
        grip_height=0.03,
    )
    goal, free = (
        free_spot(without_held(percept.scene, hand, percept), percept, place=narrow, hand=hand)
        for percept in (seen, empty)
    )
    assert goal == free
    assert spot_of(seen, narrow, 0.05) != spot_of(empty, narrow, 0.05)


def test_in_is_above_the_rim_and_on_is_above_the_top(rig: Rig):
    tray = solid_thing("red tray", 1.8, 0.2, (0.3, 0.2, 0.04))
    for is_inside, air in ((True, RIM_AIR_M), (False, FALL_M)):
        goal = goal_upon(rig.tools, tray, is_inside=is_inside)
        assert goal.point == pytest.approx((1.8, 0.2, 0.84 + air))
        assert goal.place is TABLE
    unmeasured = goal_upon(rig.tools, thing("red bowl", 1.8, 0.2, 0.83), is_inside=True)
    assert unmeasured.point[2] > 0.85
    on_the_floor = goal_upon(rig.tools, thing("red bowl", -1.0, 0.2, 0.03), is_inside=True)
    assert (on_the_floor.reason, on_the_floor.facts) == ("out_of_reach", ("red bowl",))


@pytest.mark.parametrize("side", [LEFT, RIGHT])
@pytest.mark.parametrize("heading", [-0.6, 0.0, 0.4])
@pytest.mark.parametrize("lean", [NO_LEAN, Lean(roll=-0.7), Lean(tip=0.1)])
def test_a_palm_is_where_the_held_thing_stands_on_the_point(rig: Rig, side, heading, lean):
    held = replace(rig.hold(side, "red cube"), lean=lean)
    hands_of(rig.tools)[side].held = held
    level = np.eye(4)
    level[:2, :2] = [[0.0, -1.0], [1.0, 0.0]]
    point = (1.8, 0.2, 0.81)
    palm = palm_with_thing_at(hands_of(rig.tools)[side], level, heading, point)
    middle = (palm @ held.palm_from_thing)[:3, 3]
    np.testing.assert_allclose(middle - (0.0, 0.0, 0.03), point, atol=1e-12)
    assert palm[2, 3] > middle[2]  # From above.
    fingers = palm[:2, 0] / np.linalg.norm(palm[:2, 0])
    wanted = heading + 0.5 * np.pi
    np.testing.assert_allclose(fingers, (np.cos(wanted), np.sin(wanted)), atol=1e-9)
    # As it was taken, so it stands upright again.
    assert palm[2, 1] * (1.0 if side == LEFT else -1.0) == pytest.approx(
        np.cos(lean.roll) * np.cos(TIP_DOWN + lean.tip)
    )


def test_what_is_seen_elsewhere_did_not_stay_where_it_was_put():
    x, y = TABLE.centre
    point = (x, y, 0.75)
    stays = percept_of(thing("red ball", x + 0.02, y, 0.79))
    rolled = percept_of(thing("red ball", x + 0.5, y, 0.04))
    other = percept_of(thing("red cup", x + 0.5, y, 0.8))
    assert what_became(stays, "red ball", point).kind == "done"
    outcome = what_became(rolled, "red ball", point)
    assert (outcome.kind, outcome.reason, outcome.facts) == ("failed", "not_stayed", ("red ball",))
    assert what_became(rolled, "red ball", point, "fell_from_hand").reason == "fell_from_hand"
    assert what_became(other, "red ball", point).kind == "done"
    # Two seconds ago it may have been in the hand still.
    late = replace(rolled, state=replace(rolled.state, t_ns=2_000_000_000))
    assert what_became(late, "red ball", point).kind == "done"


def test_nothing_is_put_near_what_room_is_made_for():
    percept = percept_of(at=(0.5, 0.0))
    goal = spot_of(percept, TABLE, 0.04)
    x, y, _ = goal.point
    elsewhere = free_disc(percept.scene, here(percept), TABLE, 0.04, spare=[(x, y, 0.25)])
    assert np.hypot(elsewhere.point[0] - x, elsewhere.point[1] - y) >= 0.25 + 0.04


@pytest.mark.parametrize(("height", "sides"), [(0.45, False), (0.75, True), (1.0, True)])
def test_from_the_side_nothing_is_put_on_low_furniture(height, sides):
    assert (Approach.SIDE in approaches_to(height)) is sides
    assert Approach.ABOVE in approaches_to(height)


def test_what_is_let_go_stands_in_the_way_of_the_hand_that_left_it(rig: Rig):
    rig.hold(RIGHT, "red cube")
    hand = hands_of(rig.tools)[RIGHT]
    palm = palm_with_thing_at(hand, np.eye(4), 0.4, (1.0, 2.0, 0.8))
    left = _as_thing(hand.held, palm)
    assert left.name == "red cube"
    room = (2.0 * BESIDE_M, 2.0 * BESIDE_M, 0.0)
    assert left.solid.size == pytest.approx(np.add(hand.held.size, room))
    assert left.solid.position == pytest.approx((1.0, 2.0, 0.83))


def test_what_is_put_down_and_not_seen_any_more_is_told_to_be_unseen(rig: Rig):
    x, y = TABLE.centre

    def told(*seen: Thing) -> list[str]:
        """Return what is said when that alone is seen, for as long as it looks."""
        rig.remarks.clear()
        look = look_after(rig.tools, percept_of(*seen), "red ball", (x, y, 0.8))
        try:
            next(look)
            while True:
                t_ns = 3_000_000_000
                later = percept_of(*(replace(t, t_ns=t_ns) for t in seen))
                look.send(replace(later, state=replace(later.state, t_ns=t_ns)))
        except StopIteration as end:
            _, outcome = end.value
        assert outcome.kind == "done"
        return [remark.reason for remark in rig.remarks]

    assert told() == ["put_unseen"]
    assert told(thing("red ball", x + 0.02, y, 0.83)) == []
    assert told(thing("red apple", x, y, 0.83)) == []  # From above it may look like one.
    assert told(thing("red cup", x + 0.5, y, 0.83)) == ["put_unseen"]
    assert told(thing("person", x, y, 0.9)) == ["put_unseen"]


def test_an_empty_hand_is_known_to_be_empty_after_a_second_and_not_before(rig: Rig):
    rig.hold(RIGHT, "red can")
    start_ns = rig.percept().state.t_ns
    flow = _still_holds(rig.tools, rig.percept(), hands_of(rig.tools)[RIGHT])
    percept, is_held = end_of(rig, flow)
    assert not is_held
    assert (percept.state.t_ns - start_ns) * 1e-9 == pytest.approx(LOST_S, abs=0.03)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (("red can", 0.04, 0.0), "done"),
        (("red can", 0.04, -0.7), "slipped"),  # On the floor below.
        (("red cup", 0.04, 0.0), "slipped"),
        (None, "slipped"),
    ],
)
def test_what_slips_out_over_its_goal_is_looked_for_there(rig: Rig, seen, outcome):
    x, y = TABLE.centre
    if seen is not None:
        name, beside, above = seen
        rig.lurking = [(thing(name, x + beside, y, 0.85 + above), np.pi)]
    _, lost = end_of(rig, look_for_slipped(rig.tools, rig.percept(), "red can", (x, y, 0.81)))
    assert (lost.reason or lost.kind) == outcome


def test_a_hand_that_comes_down_empty_leaves_as_if_it_had_let_go(rig: Rig, monkeypatch):
    rig.hold(RIGHT, "red can")
    hand, percept = hands_of(rig.tools)[RIGHT], rig.percept()
    hand.angles = percept.state.joint_position[hand.arm.joints]
    hand.closure = np.ones(3)
    here_point = (here(percept)[0] + 0.35, here(percept)[1] - 0.2, 0.95)
    spot = best_spot_over(rig.tools, percept, hand, Goal(point=(1.75, 0, 0.8), place=TABLE), [])
    left: list[Thing] = []

    def withdraw(tools, percept, hand, spot, things):
        """Note what the hand leaves behind."""
        left.extend(things)
        return percept
        yield

    monkeypatch.setattr(release, "withdraw", withdraw)
    flow = let_go_at(rig.tools, percept, hand, here_point, spot, [], feel_m=0.05)
    _, ended = end_of(rig, flow)
    assert ended == "slipped"
    assert [t.name for t in left] == ["red can"]
    assert hand.held is None
    assert hand.closure == pytest.approx(open_fingers())


def test_where_the_arm_does_not_come_to_a_point_a_little_nearer_will_do(rig: Rig):
    rig.hold(RIGHT, "red can")
    hand, percept = hands_of(rig.tools)[RIGHT], rig.percept()
    hand.angles = percept.state.joint_position[hand.arm.joints]
    x, y, z = point = (1.75, 0.0, 0.8)
    spot = best_spot_over(rig.tools, percept, hand, Goal(point=point, place=TABLE), [])
    there = standing(rig.tools, percept, spot)

    def end_of_way(farther: float, nearer: float) -> np.ndarray:
        """Return where the thing ends that is to stand so much beyond the point."""
        ask = partial(_way_above, rig.tools, there, hand, (x + farther, y, z), spot.stance.heading)
        palm, _ = ask([], nearer)
        return (palm @ hand.held.palm_from_thing)[:3, 3]

    def reaches(farther: float, nearer: float) -> bool:
        try:
            end_of_way(farther, nearer)
        except UnreachableError:
            return False
        return True

    limit = next(m for m in np.arange(0.0, 0.3, 0.01) if not reaches(m, 0.0))
    assert not reaches(limit + 0.05, 0.04)
    before, end = end_of_way(limit - 0.01, 0.0), end_of_way(limit + 0.05, 0.1)
    assert end[0] == pytest.approx(before[0], abs=NEARER_STEP_M + 1e-6)  # No nearer than needed.
    assert end[1:] == pytest.approx(before[1:], abs=0.01)


@pytest.mark.parametrize(("nearer", "times"), [(0.08, 2), (0.03, 1), (0.0, 1)])
def test_where_the_palm_stays_off_it_comes_down_once_more_as_much_nearer(
    rig: Rig, monkeypatch, nearer, times
):
    rig.hold(RIGHT, "red can")
    hand, percept = hands_of(rig.tools)[RIGHT], rig.percept()
    hand.angles = percept.state.joint_position[hand.arm.joints]
    off_m, ends = iter([0.05, 0.004]), []

    def palm_off(percept, hand, palm):
        """Tell first that the palm is 5 cm off, as at the end of its reach."""
        ends.append((palm @ hand.held.palm_from_thing)[:3, 3])
        return next(off_m)

    monkeypatch.setattr(release, "palm_off", palm_off)
    point = (1.75, 0.0, 0.8)
    spot = best_spot_over(rig.tools, percept, hand, Goal(point=point, place=TABLE), [])
    x, y = here(percept)
    here_point = (x + 0.35, y - 0.2, 0.95)
    flow = _come_down(rig.tools, percept, hand, here_point, spot, [], nearer)
    _, found = end_of(rig, flow)
    assert found is not None
    assert len(ends) == times
    if times == 2:
        assert np.hypot(*(ends[0] - ends[1])[:2]) == pytest.approx(0.05, abs=0.002)
        assert ends[1][0] < ends[0][0] - 0.04


@pytest.mark.parametrize("has_others", [True, False])
def test_where_no_stance_reaches_a_point_another_one_is_chosen_if_there_is_one(
    rig: Rig, has_others
):
    rig.hold(RIGHT, "red can")
    hand = hands_of(rig.tools)[RIGHT]
    far, near = (Goal(point=(x, 0.0, 0.8), place=TABLE) for x in (2.25, 1.75))
    missed: list[Disc] = []

    def goal_in(scene, percept, spare):
        return near if spare and has_others else far

    percept = rig.percept()
    hand.angles = percept.state.joint_position[hand.arm.joints]
    flow = _goal_in_reach(rig.tools, percept, hand, far, goal_in, (), missed)
    _, goal, spot = end_of(rig, flow)
    assert missed == [(2.25, 0.0, ELSEWHERE_M)]
    assert goal is (near if has_others else far)
    assert (spot is not None) is has_others


def test_who_has_tried_all_stances_for_a_goal_says_so_instead_of_trying_one_again(rig: Rig):
    rig.hold(RIGHT, "red can")
    hand, percept = hands_of(rig.tools)[RIGHT], rig.percept()
    hand.angles = percept.state.joint_position[hand.arm.joints]
    ask = partial(best_spot_over, rig.tools, percept, hand, Goal(point=(1.75, 0, 0.8), place=TABLE))
    tried = [ask([])]
    for _ in range(2):
        spot = ask(tried)
        assert not was_tried(spot, tried)
        tried.append(spot)
    everywhere = spots(
        rig.tools,
        percept.scene,
        here(percept),
        (1.75, 0.0),
        TABLE,
        grips=[(Approach.ABOVE, 0.83)],
        sides=[RIGHT],
    )
    with pytest.raises(UnreachableError, match="were tried"):
        ask(everywhere)
