"""The arm's own kinematics judge every stance that the map returns."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.control.arm import Arm
from yanshi.control.kinematics import LEFT, RIGHT, Kinematics
from yanshi.control.palm import Approach, grip_in_palm, palm_turn
from yanshi.control.reach_map import TABLE_FILE, load_reach_map
from yanshi.core.errors import UnreachableError
from yanshi.policies.contract import load_contract, policy_folder
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1, HEAD_CAMERA

HEIGHTS = (0.35, 0.4, 0.6, 0.75, 0.85, 1.0, 1.15)


@pytest.fixture(scope="module")
def reach():
    return load_reach_map()


@pytest.fixture(scope="module")
def arms():
    kinematics = Kinematics(G1, load_g1(with_looks=False), G1_LINKS, HEAD_CAMERA)
    return [Arm(kinematics, load_g1(with_looks=False), side) for side in (LEFT, RIGHT)]


def assert_takes(arm, stance, height):
    """Solve the arm for a stance's grasp and measure where the grip comes."""
    joints = G1.default_position.copy()
    joints[G1.joint_index("waist_pitch")] = stance.lean
    turn = palm_turn(stance.approach, stance.side, stance.heading)
    grip = grip_in_palm(stance.approach, stance.side)
    thing = np.array([stance.ahead, stance.left, height - stance.height])
    goal = np.eye(4)
    goal[:3, :3], goal[:3, 3] = turn, thing - turn @ grip
    joints[arm.joints] = arm.solve(joints, goal)
    palm = arm.pelvis_from_palm(joints)
    assert np.linalg.norm(palm[:3, :3] @ grip + palm[:3, 3] - thing) < 0.01


@pytest.mark.parametrize("height", HEIGHTS)
def test_every_stance_brings_the_palm_to_the_thing(reach, arms, height):
    stances = reach.stances(height)
    assert stances
    for stance in stances:
        assert_takes(arms[stance.side], stance, height)


@pytest.mark.parametrize("height", [0.5, 0.8, 1.0])
def test_a_palm_that_goes_on_ahead_comes_to_all_of_the_way(reach, arms, height):
    stances = reach.stances(height, along=0.15)
    assert stances
    assert len(stances) < len(reach.stances(height))
    for stance in stances:
        for far in (0.0, 0.05, 0.15):
            assert_takes(arms[stance.side], replace(stance, ahead=stance.ahead + far), height)


def test_every_posture_for_a_thing_where_it_is_brings_the_palm_to_it(reach, arms):
    rng = np.random.default_rng(0)
    taken = 0
    for _ in range(40):
        ahead, left, height = rng.uniform((0.15, -0.4, 0.6), (0.5, 0.4, 1.1))
        for stance in reach.here(ahead, left, height)[:5]:
            assert (stance.ahead, stance.left) == (ahead, left)
            assert_takes(arms[stance.side], stance, height)
            taken += 1
    assert taken > 40


@pytest.mark.parametrize("approach", list(Approach))
def test_knees_stay_bent_unless_a_thing_is_too_high_for_that(reach, approach):
    for height in (0.85, 0.95, 1.05):
        assert reach.stances(height, approach=approach)[0].height < 0.74
    assert reach.stances(1.14, approach=approach)[0].height > 0.74


def test_stances_are_postures_that_the_walker_knows(reach):
    settings = load_contract(policy_folder("g1_walk"), G1).settings
    for height in HEIGHTS:
        for stance in reach.stances(height):
            assert settings["posture_min"][0] <= stance.height <= settings["posture_max"][0]
            least = np.interp(
                stance.height, settings["stance_heights"], settings["stance_lean_min"]
            )
            assert least <= stance.lean <= settings["stance_lean_max"]


def test_the_other_hand_has_the_mirrored_stance(reach):
    stances = reach.stances(0.8)
    keys = {(s.side, s.ahead, s.left, s.heading, s.height, s.lean, s.approach) for s in stances}
    for side, ahead, left, heading, *rest in keys:
        assert (LEFT + RIGHT - side, ahead, -left, -heading, *rest) in keys


def test_a_table_is_reached_standing_and_a_low_one_squatting_or_leaning(reach):
    high, low = reach.stances(0.85)[0], reach.stances(0.38)[0]
    assert high.height > 0.7
    assert low.height < 0.55
    assert low.lean >= 0.1


def test_the_best_comes_first_and_keeps_what_was_asked(reach):
    stances = reach.stances(0.8, ahead_min=0.3, approach=Approach.SIDE)
    scores = [stance.score for stance in stances]
    assert scores == sorted(scores, reverse=True)
    assert all(s.ahead >= 0.3 and s.approach is Approach.SIDE for s in stances)


def test_how_far_the_pelvis_must_stay_may_hang_on_the_posture(reach):
    assert reach.stances(0.8, ahead_min=lambda height, lean: 0.3) == reach.stances(
        0.8, ahead_min=0.3
    )

    def ahead_min(height: float, lean: float) -> float:
        return 0.2 + 0.4 * lean + 0.3 * (0.76 - height)

    stances = reach.stances(0.7, ahead_min=ahead_min)
    assert all(s.ahead >= ahead_min(s.height, s.lean) for s in stances)
    assert any(s.ahead < ahead_min(0.46, 0.5) for s in stances)
    leaning = reach.stances(0.7, ahead_min=lambda height, lean: 0.0 if lean else 1.0)
    assert {s.lean for s in leaning} <= {s.lean for s in stances} - {0.0}


def test_what_no_stance_reaches_is_refused(reach):
    with pytest.raises(UnreachableError, match="No stance takes a thing 2.00 m"):
        reach.stances(2.0)
    with pytest.raises(UnreachableError, match="from where the pelvis can be"):
        reach.stances(0.8, ahead_min=0.9)
    assert reach.here(1.0, 0.0, 0.8) == []


def test_the_table_is_small():
    assert TABLE_FILE.stat().st_size < 300_000
