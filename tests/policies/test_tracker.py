"""The dance is danced by the whole robot in physics; to fall is to fail."""

import numpy as np
import pytest

from yanshi.bodies.simulation import simulate
from yanshi.core.errors import ContractError
from yanshi.policies.contract import policy_folder
from yanshi.policies.contract_file import seal
from yanshi.policies.tracker import Tracker
from yanshi.robots.g1.spec import G1


@pytest.fixture(scope="module")
def rig():
    simulation = simulate("empty", 0)
    return simulation, Tracker(G1, simulation.kinematics, policy_folder("g1_dance"))


def test_the_motion_lasts_about_eleven_seconds_and_stays_in_the_limits(rig):
    _, dancer = rig
    indices = G1.joint_indices(dancer.contract.joint_names)
    assert 10.0 < dancer.duration_s < 20.0
    assert (dancer._position >= G1.limits.lower[indices] - 0.15).all()
    assert (dancer._position <= G1.limits.upper[indices] + 0.15).all()


def test_stored_speeds_are_the_rates_of_the_stored_angles(rig):
    """Angles and speeds come from two outputs of the network: swapped, they would disagree."""
    _, dancer = rig
    rates = np.gradient(dancer._position, 0.02, axis=0)
    error = np.abs(rates - dancer._velocity)[5:-5].mean()
    assert error < 0.1 * np.abs(dancer._velocity).mean()


def test_the_torso_is_turned_by_the_waist_as_in_physics(rig):
    simulation, dancer = rig
    body = simulation.body
    state = body.read()
    start_yaw = simulation.floor_plan.start[2]
    found = dancer._torso_now(state)
    cos, sin = np.cos(start_yaw), np.sin(start_yaw)
    world_from_start = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    truth = body.data.body("torso_link").xmat.reshape(3, 3)
    np.testing.assert_allclose(world_from_start @ found, truth, atol=0.02)


def test_it_ends_by_saying_so(rig):
    simulation, dancer = rig
    state = simulation.body.read()
    dancer.start(state)
    steps = 0
    while dancer.step(state) is not None:
        steps += 1
    assert steps == round(dancer.duration_s * dancer.contract.rate_hz)
    assert dancer.step(state) is None


def test_an_empty_stretch_is_refused(rig, tmp_path):
    simulation, _ = rig
    text = (policy_folder("g1_dance") / "policy.toml").read_text()
    (tmp_path / "policy.toml").write_text(text.replace("last_tick = 882", "last_tick = 330"))
    seal(tmp_path)
    with pytest.raises(ContractError, match="first_tick"):
        Tracker(G1, simulation.kinematics, tmp_path)
