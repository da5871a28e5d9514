"""The riser is judged by what it asks of the motors, and by whether the robot stands afterwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import ContractError
from yanshi.policies.contract import policy_folder
from yanshi.policies.riser import DEFAULT_RISER, Riser, restrained
from yanshi.robots.g1.spec import G1

TICK_S = 0.02
ANGLES = arrays(float, len(G1.joint_names), elements=st.floats(-3.0, 3.0))
needs_weights = pytest.mark.skipif(
    not (policy_folder(DEFAULT_RISER) / "policy.toml").exists(), reason="no riser was trained yet"
)


def bounded(wish: np.ndarray, before: np.ndarray, at: np.ndarray, speed: np.ndarray) -> np.ndarray:
    return restrained(
        wish,
        before,
        at,
        speed,
        share=0.35,
        step=0.16,
        stiffness=G1.stiffness,
        damping=G1.damping,
        torque=0.75 * G1.limits.torque,
    )


@given(ANGLES, ANGLES, ANGLES, ANGLES)
def test_no_wish_asks_a_motor_for_more_torque_than_allowed(
    wish: np.ndarray, before: np.ndarray, at: np.ndarray, speed: np.ndarray
):
    target = bounded(wish, before, at, speed)
    torque = G1.stiffness * (target - at) - G1.damping * speed
    assert (np.abs(torque) <= 0.75 * G1.limits.torque + 1e-9).all()


@given(ANGLES, ANGLES)
def test_where_torque_allows_it_a_target_creeps_towards_the_wish(
    wish: np.ndarray, before: np.ndarray
):
    # A joint that is at its last target and at rest: every motor may hold a step of 0.16 rad.
    still = np.zeros_like(wish)
    moved = bounded(wish, before, before, still) - before
    assert (np.abs(moved) <= 0.16 + 1e-12).all()
    assert (moved * (wish - before) >= 0.0).all()
    near = np.abs(wish - before) < 0.4
    np.testing.assert_allclose(moved[near], 0.35 * (wish - before)[near], atol=1e-12)


def test_a_walker_is_no_riser(simulation: Simulation):
    with pytest.raises(ContractError, match="not a riser"):
        Riser(G1, simulation.kinematics, policy_folder("g1_walk_ppo"))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate("empty", 0)


@pytest.fixture
def riser(simulation: Simulation) -> Riser:
    return Riser(G1, simulation.kinematics)


@needs_weights
def test_its_pelvis_is_as_high_as_the_simulators(riser: Riser):
    body = simulate("empty", 1).body
    body.advance(0.2)
    high = float(body.data.body("pelvis").xpos[2])
    assert riser.pelvis_height(body.read()) == pytest.approx(high, abs=0.01)


@needs_weights
def test_it_gets_up_from_its_back_and_says_so(riser: Riser):
    body = simulate("empty", 2).body
    body.data.qpos[2:7] = 0.3, np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0
    body.stop()
    body.advance(2.0)
    assert not riser.is_up(body.read())
    riser.reset(body.read())
    while not riser.is_up(body.read()):
        before = body.data.ctrl.copy() if riser.elapsed_s else None
        target = riser.step(body.read())
        if before is not None:
            assert np.abs(target.position - before).max() < 1.0
        body.write(target)
        body.advance(TICK_S)
        assert riser.elapsed_s < 10.0
    assert body.data.body("pelvis").xpos[2] > 0.62
    assert riser.elapsed_s > 1.0, "nobody should have to jump aside"


@needs_weights
def test_a_pause_makes_it_begin_with_where_the_joints_are(riser: Riser):
    body = simulate("empty", 3).body
    for _ in range(5):
        body.write(riser.step(body.read()))
        body.advance(TICK_S)
    body.advance(0.5)
    state = body.read()
    target = riser.step(state)
    assert riser.elapsed_s == pytest.approx(TICK_S)
    assert np.abs(target.position - state.joint_position).max() < 0.17
