"""The checker lets good routines pass and says what is wrong with which keyframe of bad ones."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from yanshi.control.reference import RATE_HZ, plan_reference
from yanshi.control.routine import read_routine
from yanshi.control.routine_check import check, inside_hull, zero_moment_point
from yanshi.policies.contract import policy_folder
from yanshi.robots.g1.spec import G1

STAND = "[[keyframe]]\ntakes = 1.0\n"


def complaints_of(path, figure):
    routine = read_routine(path, G1)
    return check(routine, plan_reference(routine, figure), figure)


@pytest.mark.parametrize("name", ["kungfu", "taichi", "salute", "kick", "warmup"])
def test_the_routines_that_come_with_us_are_beyond_complaint(name, figure):
    found = complaints_of(policy_folder(f"g1_{name}") / "routine.toml", figure)
    assert [complaint.en for complaint in found] == []


ON_ONE_FOOT = """
[[keyframe]]
takes = 1.2
weight = 1.0
[[keyframe]]
takes = 0.6
stands = "left"
{more}
[[keyframe]]
takes = 0.8
right.step = {step}
weight = {weight}
[[keyframe]]
takes = 1.2
weight = 1.0
[[keyframe]]
takes = 0.6
stands = "left"
[[keyframe]]
takes = 0.8
right.step = "stance"
weight = 0.95
"""


def one_foot(more="", step='"stance"', weight=1.0):
    return ON_ONE_FOOT.format(more=more, step=step, weight=weight) + STAND


WRONG = {
    "limit": ("[[keyframe]]\ntakes = 1\nleft.elbow = 130\n" + STAND, "left.elbow is 130°", 1),
    "speed": ("[[keyframe]]\ntakes = 0.1\nwaist.yaw = 60\n" + STAND, "waist.yaw turns", 0),
    "torque": (
        "[[keyframe]]\ntakes = 0.9\nleft.shoulder.roll = 80\nleft.elbow = 80\n"
        "[[keyframe]]\ntakes = 0.16\nleft.shoulder.roll = 20\nleft.elbow = 80\n" + STAND,
        "left.shoulder.roll would need",
        2,
    ),
    "touch": (
        "[[keyframe]]\ntakes = 1\nleft.shoulder.yaw = -85\nleft.elbow = 12\n" + STAND,
        "torso",
        1,
    ),
    "floor": (one_foot("right.hip.pitch = 5\nright.knee = 0"), "into the floor", 2),
    "reach": (one_foot(step="[0.0, 0.55, 0]", weight=0.5), "the right foot misses", 3),
    "stance": (one_foot().replace('step = "stance"\nweight = 0.95', ""), "do not end", 7),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_fault_is_found_and_its_keyframe_named(kind, write, figure):
    text, words, number = WRONG[kind]
    if kind == "stance":
        text = one_foot(step="[0.1, 0.26, 0]").replace('right.step = "stance"', "")
    found = [c for c in complaints_of(write(text), figure) if c.kind == kind]
    assert found
    hits = [c for c in found if words in c.en]
    assert hits
    assert any(abs(c.keyframe - number) <= 1 for c in hits)
    assert all("关键帧" in c.zh and "line" in c.en for c in found)


def test_standing_on_a_foot_that_bears_no_weight_is_out_of_balance(write, figure):
    text = "[[keyframe]]\ntakes = 1\n[[keyframe]]\ntakes = 0.6\nstands = 'left'\n"
    text += "[[keyframe]]\ntakes = 0.6\nright.step = 'stance'\n" + STAND
    found = [c for c in complaints_of(write(text), figure) if c.kind == "balance"]
    assert any(c.keyframe == 1 for c in found)


def test_the_same_shift_of_weight_is_too_quick_or_not(write, figure):
    def kinds(seconds):
        text = f"[[keyframe]]\ntakes = {seconds}\nweight = 0.95\n" + STAND
        return {c.kind for c in complaints_of(write(text), figure)}

    assert "balance" in kinds(0.35)
    assert kinds(1.2) == set()


def test_a_complaint_comes_once_for_a_joint_and_keyframe(write, figure):
    text = "[[keyframe]]\ntakes = 1\nleft.elbow = 130\nhold = 1\n" + STAND
    found = complaints_of(write(text), figure)
    assert len({(c.kind, c.en.split(":")[0].split(",")[0]) for c in found}) == len(found)
    assert len(found) <= 3


def test_the_zero_moment_point_runs_ahead_of_a_swinging_mass_as_in_the_books():
    t = np.arange(0.0, 4.0, 1.0 / RATE_HZ)
    omega, height = 2.0, 0.7
    centre = np.stack([0.1 * np.sin(omega * t), 0.0 * t, height + 0.0 * t], axis=1)
    wanted = 0.1 * np.sin(omega * t) * (1.0 + height * omega**2 / 9.81)
    found = zero_moment_point(centre)
    np.testing.assert_allclose(found[5:-5, 0], wanted[5:-5], atol=2e-3)
    np.testing.assert_allclose(found[:, 1], 0.0, atol=1e-12)


POINT = st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))


@given(st.lists(POINT, min_size=3, max_size=8), POINT)
def test_how_far_inside_a_hull_agrees_with_trying_all_directions(corners, point):
    corners, point = np.array(corners), np.array(point)
    centred = corners - corners.mean(axis=0)
    assume(np.linalg.svd(centred)[1][1] > 0.2)
    found = inside_hull(corners, point)
    angles = np.linspace(0.0, 2.0 * np.pi, 3600, endpoint=False)
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # The hull lies behind a line in every direction; the nearest line is the answer.
    wanted = ((corners @ ways.T).max(axis=0) - point @ ways.T).min()
    assert found == pytest.approx(wanted, abs=2e-3)


def test_the_example_in_the_documents_is_beyond_complaint(figure, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "routines.md").read_text(encoding="utf8")
    path = tmp_path / "example.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1], encoding="utf8")
    assert complaints_of(path, figure) == ()
