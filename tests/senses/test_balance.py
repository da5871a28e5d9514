"""A fall is told by a rule and by what was learnt, not from bowing and squatting."""

from dataclasses import replace

import numpy as np
import pytest

from yanshi.core.errors import AssetError, ContractError, UnknownNameError
from yanshi.core.messages import BaseEstimate, RobotState
from yanshi.robots.g1.spec import G1
from yanshi.senses.balance import (
    JOINTS,
    LAGS,
    N_FELT,
    Balance,
    BalanceConfig,
    FallWatch,
    Feeling,
    is_past_return,
    tilt_and_rate,
)

WIDTH = len(LAGS) * N_FELT


def turned(axis: np.ndarray, angle: float) -> np.ndarray:
    """Return the unit quaternion of a turn."""
    return np.append(np.cos(0.5 * angle), np.sin(0.5 * angle) * axis / np.linalg.norm(axis))


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.append(a[0] * b[0] - a[1:] @ b[1:], vector)


def measured(orientation: np.ndarray, spin: np.ndarray) -> RobotState:
    joints = np.zeros(len(G1.joint_names))
    return RobotState(
        t_ns=0,
        joint_position=G1.default_position,
        joint_velocity=joints,
        joint_torque=joints,
        orientation_wxyz=orientation,
        angular_velocity=spin,
        acceleration=np.zeros(3),
    )


def at_height(height: float) -> BaseEstimate:
    return BaseEstimate(
        t_ns=0,
        position=[0.0, 0.0, height],
        orientation_wxyz=[1.0, 0.0, 0.0, 0.0],
        velocity=[0.0, 0.0, 0.0],
    )


def leaning(tilt: float, rate: float, way: float = 0.3, yaw: float = 1.1) -> RobotState:
    """Return a robot that faces `yaw` and leans towards `way`, ever faster."""
    axis = np.array([-np.sin(way), np.cos(way), 0.0])
    heading = turned(np.array([0.0, 0.0, 1.0]), yaw)
    return measured(product(heading, turned(axis, tilt)), rate * axis)


def write_watch(path, layers):
    arrays = {}
    for number, (weight, bias) in enumerate(layers):
        arrays |= {f"weight_{number}": weight, f"bias_{number}": bias}
    np.savez(path, **arrays)
    return FallWatch(path)


@pytest.fixture
def watch(tmp_path):
    """Return a maker of networks that always answer the same."""

    def make(probability: float) -> FallWatch:
        logit = np.log(probability / (1.0 - probability))
        return write_watch(tmp_path / "watch.npz", [(np.zeros((1, WIDTH)), np.array([logit]))])

    return make


def test_the_rate_of_tilt_is_what_the_tilt_does_a_moment_later():
    rng = np.random.default_rng(3)
    for _ in range(50):
        orientation = rng.normal(size=4)
        orientation /= np.linalg.norm(orientation)
        spin = rng.normal(size=3)
        tilt, rate = tilt_and_rate(measured(orientation, spin))
        dt = 1e-6
        later = product(orientation, turned(spin, float(np.linalg.norm(spin)) * dt))
        assert rate == pytest.approx(
            (tilt_and_rate(measured(later, spin))[0] - tilt) / dt, abs=1e-3
        )


def test_an_upright_robot_has_no_tilt_and_no_rate_however_it_turns():
    assert tilt_and_rate(measured(np.array([1.0, 0.0, 0.0, 0.0]), np.ones(3))) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("tilt_deg", "rate", "height", "verdict"),
    [
        (0.0, 0.0, 0.75, False),
        (40.0, 0.5, 0.45, False),  # A deep squat with a lean of 0.7 rad.
        (25.0, 4.0, 0.7, False),  # Pushed, and not lost yet.
        (45.0, -2.0, 0.6, False),  # On its way back.
        (45.0, 1.5, 0.6, True),
        (70.0, 0.0, 0.5, True),
        (120.0, 0.0, 0.1, True),
        (5.0, 0.0, 0.3, True),  # The knees gave way.
    ],
)
def test_what_counts_is_where_the_lean_will_be_and_how_low_the_pelvis_is(
    tilt_deg, rate, height, verdict
):
    assert is_past_return(np.deg2rad(tilt_deg).item(), rate, height, BalanceConfig()) is verdict


@pytest.mark.parametrize(("tilt_deg", "verdict"), [(25.0, False), (70.0, True)])
def test_the_rule_tells_what_the_network_does_not(watch, tilt_deg, verdict):
    balance = Balance(G1, watch=watch(0.01))
    state, base = leaning(np.deg2rad(tilt_deg), 1.0), at_height(0.7)
    assert [balance.update(state, base) for _ in range(3)] == [False, verdict, verdict]


@pytest.mark.parametrize(
    ("probability", "tilt_deg", "verdict"), [(0.995, 25.0, True), (0.9, 25.0, False)]
)
def test_the_network_tells_what_the_rule_does_not(watch, probability, tilt_deg, verdict):
    balance = Balance(G1, watch=watch(probability))
    state, base = leaning(np.deg2rad(tilt_deg), 1.0), at_height(0.7)
    assert [balance.update(state, base) for _ in range(3)] == [False, verdict, verdict]
    balance.reset()
    assert not balance.update(state, base)


def test_a_robot_that_hardly_leans_is_not_asked_about(watch):
    balance = Balance(G1, watch=watch(0.995))
    state, base = leaning(np.deg2rad(18.0), 0.0), at_height(0.7)
    assert not any(balance.update(state, base) for _ in range(5))


def test_one_strange_measurement_is_no_fall(watch):
    balance = Balance(G1, watch=watch(0.01))
    steady, strange = leaning(0.0, 0.0), leaning(1.5, 3.0)
    verdicts = [balance.update(s, at_height(0.75)) for s in (steady, strange, steady, strange)]
    assert not any(verdicts)


@pytest.mark.parametrize("way", np.linspace(0.0, 2.0 * np.pi, 9))
def test_falls_in_all_directions_are_alike(way):
    tilt, rate = tilt_and_rate(leaning(0.8, 1.7, float(way)))
    assert (tilt, rate) == (pytest.approx(0.8), pytest.approx(1.7))


def test_what_is_seen_is_what_was_felt_now_and_a_moment_ago():
    feeling, rng = Feeling(G1), np.random.default_rng(0)
    felt = []
    for tick in range(9):
        state = leaning(float(rng.uniform(0.0, 0.5)), float(rng.normal()))
        seen = feeling.update(state, at_height(0.7)).reshape(len(LAGS), N_FELT)
        felt.append(feeling.now.copy())
        for lag, then in zip(LAGS, seen, strict=True):
            np.testing.assert_array_equal(then, felt[max(0, tick - lag)])
    feeling.reset()
    fresh = feeling.update(state, at_height(0.6)).reshape(len(LAGS), N_FELT)
    assert (fresh == fresh[0]).all()


def test_a_robot_feels_the_same_whichever_way_it_faces():
    one, other = (
        Feeling(G1).update(leaning(0.4, 1.2, yaw=yaw), at_height(0.7)) for yaw in (0.2, 2.9)
    )
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_angles_are_felt_from_the_stance():
    bent = G1.default_position.copy()
    bent[G1.joint_index("left_knee")] += 0.3
    state = replace(leaning(0.0, 0.0), joint_position=bent)
    felt = Feeling(G1).update(state, at_height(0.7))[10:N_FELT]
    assert felt[JOINTS.index("left_knee")] == pytest.approx(0.3)
    assert np.count_nonzero(felt) == 1


def test_a_network_answers_as_its_layers_say(tmp_path):
    rng = np.random.default_rng(1)
    layers = [
        (rng.normal(size=(8, WIDTH)).astype(np.float32), rng.normal(size=8).astype(np.float32)),
        (rng.normal(size=(1, 8)).astype(np.float32), rng.normal(size=1).astype(np.float32)),
    ]
    watch = write_watch(tmp_path / "watch.npz", layers)
    for seen in rng.normal(size=(20, WIDTH)).astype(np.float32):
        (w1, b1), (w2, b2) = layers
        logit = (w2 @ np.tanh(w1 @ seen + b1) + b2)[0]
        assert watch.probability(seen) == pytest.approx(1.0 / (1.0 + np.exp(-logit)), abs=1e-5)


def test_a_network_of_other_senses_is_refused(tmp_path):
    with pytest.raises(ContractError, match=f"from {WIDTH} numbers to 1"):
        write_watch(tmp_path / "watch.npz", [(np.zeros((1, 7)), np.zeros(1))])


def test_a_network_that_is_not_there_is_asked_for(tmp_path):
    with pytest.raises(AssetError, match="yanshi train balance"):
        FallWatch(tmp_path / "none.npz")


def test_a_robot_without_a_waist_is_refused():
    kept = tuple(name for name in G1.joint_names if not name.startswith("waist"))
    with pytest.raises(UnknownNameError, match="waist_yaw"):
        Balance(replace(G1, joint_names=kept))
