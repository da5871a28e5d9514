"""The figure's legs reach where they should, and it knows where its weight and its limbs are."""

import numpy as np
import pytest

from yanshi.control.figure import Figure, Sole
from yanshi.robots.g1.links import G1_LINKS
from yanshi.robots.g1.model import load_g1
from yanshi.robots.g1.spec import G1

START = np.array([0.3, -0.2, G1.standing_height])


@pytest.fixture
def stance(figure):
    figure.pose(START, np.eye(3), G1.default_position)
    return figure.sole(0), figure.sole(1)


def test_the_soles_of_the_relaxed_stance_lie_on_the_floor(figure, stance):
    for side in (0, 1):
        np.testing.assert_allclose(figure.corners(side)[:, 2], 0.0, atol=2e-3)


def test_the_centre_of_mass_is_the_mean_of_the_links_by_their_mass(figure, stance):
    model, data = figure.model, figure._data
    wanted = (model.body_mass[:, None] * data.xipos).sum(axis=0) / model.body_mass.sum()
    np.testing.assert_allclose(figure.centre_of_mass, wanted, atol=1e-9)


@pytest.mark.parametrize("drop", [0.02, 0.08, 0.14])
def test_sinking_knees_bend_and_feet_and_weight_stay(figure, stance, drop):
    centre = figure.centre_of_mass[:2]
    figure.pose(START - (0.0, 0.0, drop), np.eye(3), G1.default_position)
    figure.settle(centre, {0: stance[0], 1: stance[1]})
    for side in (0, 1):
        np.testing.assert_allclose(figure.sole(side).position, stance[side].position, atol=1e-4)
        np.testing.assert_allclose(figure.sole(side).rotation, stance[side].rotation, atol=1e-3)
    np.testing.assert_allclose(figure.centre_of_mass[:2], centre, atol=1e-4)
    assert figure.position[2] == pytest.approx(START[2] - drop, abs=1e-3)
    knees = figure.joints[G1.joint_indices(["left_knee", "right_knee"])]
    assert knees[0] == pytest.approx(knees[1], abs=1e-3)
    assert knees[0] > 0.669 + 1.5 * drop


def test_a_leg_that_is_too_short_lets_the_pelvis_sink(figure, stance):
    ahead = Sole(position=stance[0].position + (0.35, 0.0, 0.0), rotation=stance[0].rotation)
    figure.pose(START + (0.0, 0.0, 0.05), np.eye(3), G1.default_position)
    figure.settle(None, {0: ahead, 1: stance[1]})
    assert figure.position[2] < START[2] - 0.01
    np.testing.assert_allclose(figure.sole(0).position, ahead.position, atol=2e-3)


def test_what_cannot_be_reached_ends_inside_the_limits(figure, stance):
    far = Sole(position=stance[0].position + (0.0, 1.5, 0.0), rotation=stance[0].rotation)
    figure.settle(stance[1].position[:2], {0: far, 1: stance[1]})
    assert (figure.joints >= G1.limits.lower - 1e-9).all()
    assert (figure.joints <= G1.limits.upper + 1e-9).all()
    assert np.isfinite(figure.qpos).all()


def test_an_arm_in_the_chest_is_seen_and_a_relaxed_one_is_not(figure):
    figure.pose(START, np.eye(3), G1.default_position)
    assert figure.collisions() == []
    joints = G1.default_position.copy()
    joints[G1.joint_index("left_shoulder_yaw")] = -1.5
    joints[G1.joint_index("left_elbow")] = 0.2
    figure.pose(START, np.eye(3), joints)
    assert any("torso_link" in links for *links, _ in figure.collisions())


def test_another_figure_of_the_same_robot_says_the_same(figure, stance):
    other = Figure(G1, load_g1(with_looks=False), G1_LINKS)
    other.pose(START, np.eye(3), G1.default_position)
    np.testing.assert_array_equal(other.qpos, figure.qpos)


def test_a_small_shift_of_the_weight_takes_few_iterations(figure, stance):
    centre = figure.centre_of_mass[:2] + (0.005, 0.02)
    figure.pose(START, np.eye(3), G1.default_position)
    figure.settle(centre, {0: stance[0], 1: stance[1]}, iterations=4)
    np.testing.assert_allclose(figure.centre_of_mass[:2], centre, atol=1e-4)
    for side in (0, 1):
        np.testing.assert_allclose(figure.sole(side).position, stance[side].position, atol=1e-4)
