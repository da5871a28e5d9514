"""A fall is told from leaning and sinking, not from bowing and squatting."""

import numpy as np
import pytest

from yanshi.core.messages import BaseEstimate, RobotState
from yanshi.senses.balance import Balance, tilt_and_rate

TICK_S = 0.02


def turned(axis: np.ndarray, angle: float) -> np.ndarray:
    """Return the unit quaternion of a turn."""
    return np.append(np.cos(0.5 * angle), np.sin(0.5 * angle) * axis / np.linalg.norm(axis))


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.append(a[0] * b[0] - a[1:] @ b[1:], vector)


def measured(orientation: np.ndarray, spin: np.ndarray) -> RobotState:
    zeros = np.zeros(3)
    return RobotState(
        t_ns=0,
        joint_position=zeros,
        joint_velocity=zeros,
        joint_torque=zeros,
        orientation_wxyz=orientation,
        angular_velocity=spin,
        acceleration=zeros,
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


def is_falling(tilt: float, rate: float, height: float) -> bool:
    balance = Balance()
    state, base = leaning(tilt, rate), at_height(height)
    return [balance.update(state, base) for _ in range(3)][-1]


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
    assert is_falling(np.deg2rad(tilt_deg), rate, height) is verdict


def test_one_strange_measurement_is_no_fall():
    balance = Balance()
    steady, strange = leaning(0.0, 0.0), leaning(1.5, 3.0)
    verdicts = [balance.update(s, at_height(0.75)) for s in (steady, strange, steady, strange)]
    assert not any(verdicts)


@pytest.mark.parametrize("way", np.linspace(0.0, 2.0 * np.pi, 9))
def test_falls_in_all_directions_are_alike(way):
    tilt, rate = tilt_and_rate(leaning(0.8, 1.7, float(way)))
    assert (tilt, rate) == (pytest.approx(0.8), pytest.approx(1.7))
