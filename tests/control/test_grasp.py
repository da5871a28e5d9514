"""Symmetry judges grasps: what is turned or mirrored is taken turned or mirrored."""

import numpy as np
import pytest

from yanshi.control.clearance import Box
from yanshi.control.fingers import CAGE, OPEN
from yanshi.control.grasp import GraspConfig, Shape, Thing, best_grasps
from yanshi.control.kinematics import LEFT, RIGHT
from yanshi.control.palm import NO_LEAN, Approach
from yanshi.core.errors import UnreachableError

MIRROR = np.diag([1.0, -1.0, 1.0, 1.0])


def pose(x, y, z, yaw=0.0):
    T = np.eye(4)
    T[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    T[:3, 3] = (x, y, z)
    return T


def thing(shape=Shape.BOX, size=(0.05, 0.05, 0.05), x=0.35, y=-0.1, z=0.05, yaw=0.0):
    return Thing(shape=shape, pelvis_from_thing=pose(x, y, z, yaw), size=size)


CAN = (0.066, 0.066, 0.12)


@pytest.mark.parametrize("seed", range(3))
def test_a_cube_turned_by_a_quarter_is_taken_as_well(seed):
    straight = best_grasps(thing(yaw=0.2), seed=seed)
    turned = best_grasps(thing(yaw=0.2 + 0.5 * np.pi), seed=seed)
    assert straight[0].score > 0.9
    for a, b in zip(straight, turned, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-9)


def test_a_mirrored_thing_is_taken_by_the_other_hand_mirrored():
    size = (0.05, 0.08, 0.10)
    a = best_grasps(thing(size=size, y=-0.1, yaw=0.3), sides=[RIGHT], n=80)
    b = best_grasps(thing(size=size, y=0.1, yaw=-0.3), sides=[LEFT], n=80)
    assert len(a) == len(b) > 4
    unmatched = list(b)
    for grasp in a:
        mirrored = MIRROR @ grasp.pelvis_from_palm @ MIRROR
        before = MIRROR @ grasp.pelvis_from_palm_before @ MIRROR
        twin = next(
            other for other in unmatched if np.allclose(other.pelvis_from_palm, mirrored, atol=1e-9)
        )
        np.testing.assert_allclose(twin.pelvis_from_palm_before, before, atol=1e-9)
        assert twin.score == pytest.approx(grasp.score)
        assert twin.approach is grasp.approach
        unmatched.remove(twin)


def test_a_seed_gives_the_same_grasps_again_and_another_one_others():
    can = thing(Shape.CYLINDER, CAN)
    headings = [[grasp.heading for grasp in best_grasps(can, seed=s, n=40)] for s in (1, 1, 2)]
    assert headings[0] == headings[1] != headings[2]


def test_low_things_are_taken_from_above_and_tall_ones_from_the_side_too():
    assert {g.approach for g in best_grasps(thing(), n=50)} == {Approach.ABOVE}
    can = best_grasps(thing(Shape.CYLINDER, CAN), n=500)
    assert {g.approach for g in can} == {Approach.ABOVE, Approach.SIDE}


def test_digits_meet_the_narrow_faces_of_a_box():
    """8 cm is at the hand's end: the fingers point along the 5 cm."""
    best = best_grasps(thing(size=(0.05, 0.08, 0.05), yaw=0.4))[0]
    assert abs(np.cos(best.heading - 0.4)) == pytest.approx(1.0, abs=1e-6)


def test_faces_askew_to_the_digits_cost_and_round_things_have_none():
    cube = best_grasps(thing(size=(0.055,) * 3, yaw=0.4), n=500)
    best = cube[0].score
    for grasp in cube:
        askew = abs((grasp.heading - 0.4 + 0.25 * np.pi) % (0.5 * np.pi) - 0.25 * np.pi)
        assert grasp.score <= best * (1.0 - askew / (0.25 * np.pi)) + 1e-9
    ball = best_grasps(thing(Shape.SPHERE, (0.055,) * 3), n=500)
    upright = [grasp for grasp in ball if grasp.lean == NO_LEAN]
    assert len({round(grasp.score, 9) for grasp in upright}) == 2  # One for each height of grip.


def test_the_palm_stays_above_what_it_takes_from_above():
    tall = thing(Shape.CYLINDER, (0.06, 0.06, 0.2))
    grasps = [g for g in best_grasps(tall, n=500) if g.approach is Approach.ABOVE]
    assert grasps
    for grasp in grasps:
        assert grasp.pelvis_from_palm[2, 3] > 0.05 + 0.1


@pytest.mark.parametrize("approach", list(Approach))
def test_the_hand_comes_from_where_the_approach_says(approach):
    grasps = best_grasps(thing(Shape.CYLINDER, CAN), n=500)
    grasp = next(g for g in grasps if g.approach is approach)
    way = grasp.pelvis_from_palm[:3, 3] - grasp.pelvis_from_palm_before[:3, 3]
    to_thing = np.array([0.35, -0.1, 0.05]) - grasp.pelvis_from_palm[:3, 3]
    if approach is Approach.ABOVE:
        np.testing.assert_allclose(way, (0.0, 0.0, -0.1), atol=1e-12)
        assert grasp.closure == CAGE
    else:
        assert way[2] == pytest.approx(0.0, abs=1e-12)
        assert way @ to_thing > 0.0
        assert grasp.closure == OPEN
    np.testing.assert_array_equal(
        grasp.pelvis_from_palm[:3, :3], grasp.pelvis_from_palm_before[:3, :3]
    )


def test_the_hand_stays_above_what_the_thing_stands_on():
    config = GraspConfig()
    for shape, size in ((Shape.BOX, (0.05,) * 3), (Shape.CYLINDER, CAN)):
        bottom = 0.05 - 0.5 * size[2]
        for grasp in best_grasps(thing(shape, size), n=500):
            height = grasp.pelvis_from_palm[2, 3] - bottom
            least = 0.08 if grasp.approach is Approach.ABOVE else config.side_grip[0]
            assert height >= least


def test_a_neighbour_spoils_the_grasps_on_its_side():
    beside = Box(pelvis_from_box=pose(0.35, 0.0, 0.1), half_size=np.array([0.03, 0.03, 0.1]))
    can = thing(Shape.CYLINDER, CAN)
    free = best_grasps(can, sides=[RIGHT], n=500)
    crowded = best_grasps(can, sides=[RIGHT], neighbours=[beside], n=500)
    assert len(crowded) < len(free)
    assert crowded[0].score <= free[0].score + 1e-9
    for grasp in crowded:
        palm = grasp.pelvis_from_palm[:3, 3]
        assert np.hypot(palm[0] - 0.35, palm[1]) > 0.04


BALL = (0.07, 0.07, 0.07)
BOTTLE = np.array([0.035, 0.035, 0.11])
ROUND = [0.0, 0.5 * np.pi, np.pi, -0.5 * np.pi, 2.0]


def bottle_beside(angle):
    """Return a bottle of 22 cm that touches a ball of 7 cm which stands on the same board."""
    x, y = 0.35 + 0.07 * np.cos(angle), -0.1 + 0.07 * np.sin(angle)
    return Box(pelvis_from_box=pose(x, y, 0.05 - 0.035 + 0.11), half_size=BOTTLE)


@pytest.mark.parametrize("angle", ROUND)
def test_the_palm_leans_away_from_a_tall_neighbour_that_an_upright_one_would_be_in(angle):
    ball, bottle = thing(Shape.SPHERE, BALL), bottle_beside(angle)
    with pytest.raises(UnreachableError):
        best_grasps(ball, neighbours=[bottle], config=GraspConfig(rolls=(0.0,)))
    grasps = best_grasps(ball, neighbours=[bottle], n=100)
    away = np.array([0.35, -0.1]) - bottle.pelvis_from_box[:2, 3]
    for grasp in grasps:
        palm, before = grasp.pelvis_from_palm[:2, 3], grasp.pelvis_from_palm_before[:2, 3]
        assert (palm - (0.35, -0.1)) @ away > 0.0
        assert (before - palm) @ away > 0.0  # It comes from there, too.
        assert np.all(grasp.pelvis_from_palm[2, 3] > 0.05 + 0.04)


def test_where_there_is_air_the_palm_does_not_lean():
    best = best_grasps(thing(Shape.SPHERE, BALL))[0]
    assert best.lean == NO_LEAN
    leans = best_grasps(thing(Shape.SPHERE, BALL), n=500)
    assert {np.sign(grasp.lean.roll) for grasp in leans} == {-1.0, 0.0, 1.0}


def test_low_things_are_taken_lower_with_straight_fingers_that_point_farther_down():
    def lowest(height):
        size = (0.04, 0.12, height)
        grasps = best_grasps(thing(size=size, z=0.5 * height), n=500)
        return min(grasps, key=lambda grasp: abs(grasp.lean.roll))

    low, high = lowest(0.035), lowest(0.05)
    assert (low.closure, high.closure) == (OPEN, CAGE)
    assert low.pelvis_from_palm[2, 0] < high.pelvis_from_palm[2, 0] < 0.0
    assert low.score > 0.5


def test_reach_is_asked_for_where_the_hand_comes_from_too():
    """An arm that ends 12 cm above the thing's middle does not come down on it from 10 cm."""
    with pytest.raises(UnreachableError, match="Another stance"):
        best_grasps(thing(), reach=lambda side, pose: float(pose[2, 3] < 0.05 + 0.12))


def test_reach_chooses_among_the_grasps_and_is_asked_for_few():
    asked = []

    def reach(side, pelvis_from_palm):
        asked.append(side)
        return 0.5 if side == LEFT else 0.0

    grasps = best_grasps(thing(), reach=reach, n=3)
    assert [g.side for g in grasps] == [LEFT] * 3
    assert grasps[0].score == pytest.approx(0.5 * best_grasps(thing())[0].score)
    assert len(asked) < len(best_grasps(thing(), n=500))


def test_what_no_arm_reaches_is_refused():
    with pytest.raises(UnreachableError, match="Another stance"):
        best_grasps(thing(), reach=lambda side, pose: 0.0)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        (Shape.BOX, (0.15, 0.2, 0.1)),
        (Shape.FLAT, (0.15, 0.21, 0.02)),
        (Shape.SPHERE, (0.02, 0.02, 0.02)),
        (Shape.SPHERE, (0.12, 0.12, 0.12)),
    ],
)
def test_what_does_not_fit_the_hand_is_refused_with_what_would(shape, size):
    with pytest.raises(UnreachableError, match="3 to 9 cm wide"):
        best_grasps(thing(shape, size))
