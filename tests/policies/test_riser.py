"""The riser is judged by what it asks of the motors, and by whether the robot stands afterwards."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yanshi.bodies.mujoco_body import MujocoBody
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.errors import ContractError
from yanshi.policies.contract import policy_folder
from yanshi.policies.riser import DEFAULT_RISER, Restraint, Riser, restrained
from yanshi.robots.g1.spec import G1

TICK_S = 0.02
SIDES = ("left", "right")
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


def test_targets_speed_up_without_a_jump_and_never_pass_their_rate():
    restraint = Restraint()
    time_s = np.linspace(0.0, 5.0, 5001)
    rates = restraint.rates(["left_knee", "left_elbow"])
    assert rates[1] < rates[0] == restraint.rate
    after = restraint.rates_after(time_s, rates)
    assert not after[0].any()
    assert (np.diff(after, axis=0) >= 0.0).all()
    assert np.diff(after, axis=0).max() < 0.01
    np.testing.assert_allclose(after[time_s < restraint.gather_s].max(), restraint.gather_rate)
    np.testing.assert_allclose(after[-1], rates)


def test_a_walker_is_no_riser(simulation: Simulation):
    with pytest.raises(ContractError, match="not a riser"):
        Riser(G1, simulation.kinematics, policy_folder("g1_walk_ppo"))


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate("empty", 0)


@pytest.fixture
def riser(simulation: Simulation) -> Riser:
    return Riser(G1, simulation.kinematics)


def lying_curled_up() -> MujocoBody:
    """Return a robot that lies limp on its back, knees and elbows bent."""
    body = simulate("empty", 4).body
    body.data.qpos[2:7] = 0.4, np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0
    for side in SIDES:
        body.data.joint(f"{side}_elbow").qpos[:] = 1.3
        body.data.joint(f"{side}_knee").qpos[:] = 1.5
    body.stop()
    body.advance(1.0)
    return body


def height(body: MujocoBody) -> float:
    return float(body.data.body("pelvis").xpos[2])


@needs_weights
def test_its_pelvis_is_as_high_as_the_simulators(riser: Riser):
    body = simulate("empty", 1).body
    body.advance(0.2)
    assert riser.pelvis_height(body.read()) == pytest.approx(height(body), abs=0.01)


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
    assert height(body) > 0.62
    assert riser.elapsed_s > 2.0, "nobody should have to jump aside"


@needs_weights
def test_it_slowly_draws_its_limbs_into_the_default_pose_before_it_rises(riser: Riser):
    body = lying_curled_up()
    sent = body.read().joint_position
    bent = [G1.joint_index(f"{side}_{joint}") for side in SIDES for joint in ("elbow", "knee")]
    assert (sent - G1.default_position)[bent].min() > 0.5
    while riser.elapsed_s < riser.restraint.gather_s - 0.5 * TICK_S:
        target = riser.step(body.read())
        assert np.abs(target.position - sent).max() <= riser.restraint.gather_rate * TICK_S + 1e-9
        sent = target.position
        body.write(target)
        body.advance(TICK_S)
    assert np.abs(sent - G1.default_position)[bent].max() < 0.1
    assert height(body) < 0.3


@needs_weights
def test_who_rests_in_a_tangle_spreads_its_limbs_and_begins_again(riser: Riser):
    state = lying_curled_up().read()
    restraint, config = riser.restraint, riser.config
    again_s = 2.0 * restraint.gather_s + config.patience_s
    for tick in range(round(again_s / TICK_S)):  # It never comes any higher.
        target = riser.step(replace(state, t_ns=tick * 20_000_000))
    elsewhere = np.abs(riser._apart - state.joint_position) > 0.4
    way = np.sign(riser._apart - state.joint_position)
    assert elsewhere.sum() > 6
    assert (np.sign(target.position - state.joint_position) == way)[elsewhere].all()
    assert riser.elapsed_s == pytest.approx(again_s)


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
