"""Robots on their feet, about the origin: left standing by a walker, or handed over to one."""

import mujoco
import numpy as np
import pytest

from yanshi.robots.g1.spec import G1
from yanshi.train.fleet import FleetPhysics, gravity_in, heading
from yanshi.train.g1_fleet import FEET, INDICES, training_model
from yanshi.train.standing import handed_robots, standing_robots


@pytest.fixture(scope="module")
def standing():
    return standing_robots(walks=2, seed=3)


def test_they_stand_upright_and_nearly_still(standing):
    state = standing.state
    assert len(state) >= 6
    assert (gravity_in(state[:, 4:8])[:, 2] < -0.99).all()
    assert (np.abs(state[:, 3] - G1.standing_height) < 0.04).all()
    assert (np.abs(state[:, 43:]).max(axis=1) < 1.0).all()


def test_their_feet_are_about_the_origin_and_face_ahead(standing):
    model = training_model(FleetPhysics())
    data = mujoco.MjData(model)
    for state in standing.state:
        data.qpos[:] = state[1 : 1 + model.nq]
        mujoco.mj_kinematics(model, data)
        feet = np.array([data.body(foot).xpos for foot in FEET])
        yaws = heading(np.array([data.body(foot).xquat for foot in FEET]))
        np.testing.assert_allclose(feet.mean(axis=0)[:2], 0.0, atol=2e-3)
        assert abs(yaws.mean()) < 0.01
        assert (np.abs(feet[:, 2] - feet[:, 2].mean()) < 0.01).all()


def test_after_a_walk_nobody_stands_quite_in_the_stance(standing):
    away = np.abs(standing.state[:, 8:37] - G1.default_position[INDICES]).max(axis=1)
    assert (away > 0.02).all()
    assert np.ptp(away) > 0.005
    assert np.abs(standing.target - standing.state[:, 8:37]).max() < 0.8


def test_robots_that_are_handed_over_are_on_their_feet_but_do_not_rest():
    handed = handed_robots(rises=2, pushes=9, seed=4)
    state = handed.state
    assert 4 <= len(state) <= 11
    assert handed.target.shape == (len(state), len(INDICES))
    assert (state[:, 3] > 0.5).all()
    assert (gravity_in(state[:, 4:8])[:, 2] < -0.7).all()
    assert np.abs(state[:, 40:43]).max() > 0.5
