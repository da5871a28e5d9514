"""The simulator's pelvis is the truth that the legs' reckoning is compared with."""

import numpy as np
import pytest

from yanshi.bodies.push import Pusher, read_push
from yanshi.bodies.simulation import Simulation, simulate
from yanshi.core.messages import BaseEstimate
from yanshi.policies.walker import Velocity, Walker
from yanshi.robots.g1.spec import G1
from yanshi.senses.odometry import Odometry

TOUR: tuple[tuple[float, Velocity], ...] = (
    (1.0, (0.0, 0.0, 0.0)),
    (4.0, (0.5, 0.0, 0.0)),
    (2.5, (0.0, 0.0, 0.7)),
    (3.0, (0.4, 0.0, -0.4)),
    (2.0, (0.0, 0.2, 0.0)),
    (2.0, (-0.3, 0.0, 0.0)),
    (1.0, (0.0, 0.0, 0.0)),
)


def walk(simulation: Simulation) -> tuple[list[BaseEstimate], np.ndarray, np.ndarray]:
    """Walk the tour; return estimates, true positions (n, 3) and true velocities (n, 3)."""
    body, walker = simulation.body, Walker(G1)
    odometry = Odometry(simulation.kinematics, simulation.floor_plan.start)
    estimates, positions, velocities = [], [], []
    for seconds, velocity in TOUR:
        for _ in range(round(seconds / 0.02)):
            state = body.read()
            estimates.append(odometry.update(state))
            positions.append(body.data.body("pelvis").xpos.copy())
            velocities.append(body.data.joint("pelvis").qvel[:3].copy())
            body.write(walker.step(state, velocity))
            body.advance(0.02)
    return estimates, np.array(positions), np.array(velocities)


@pytest.fixture(scope="module")
def tour():
    return walk(simulate("empty", 5))


def test_the_position_drifts_by_less_than_three_percent_of_the_way(tour):
    estimates, truth, _ = tour
    found = np.array([estimate.position for estimate in estimates])
    way = np.linalg.norm(np.diff(truth[:, :2], axis=0), axis=1).sum()
    error = np.linalg.norm(found - truth, axis=1)
    assert way > 3.5
    assert error.max() < 0.03 * way


def test_the_height_of_the_pelvis_comes_from_the_legs(tour):
    estimates, truth, _ = tour
    error = [estimate.position[2] - z for estimate, z in zip(estimates, truth[:, 2], strict=True)]
    assert np.abs(error).mean() < 0.005
    assert np.abs(error).max() < 0.03


def test_the_velocity_is_in_the_heading_frame(tour):
    estimates, _, truth = tour
    found = np.array([estimate.velocity for estimate in estimates])
    turned = []
    for estimate, (x, y, z) in zip(estimates, truth, strict=True):
        cos, sin = np.cos(estimate.yaw), np.sin(estimate.yaw)
        turned.append((cos * x + sin * y, -sin * x + cos * y, z))
    error = np.abs(found - np.array(turned))
    assert error[:, :2].mean() < 0.08
    walking = slice(150, 240)  # Straight ahead.
    assert found[walking, 0].mean() == pytest.approx(np.mean(turned[walking], axis=0)[0], abs=0.04)


def test_a_start_elsewhere_turns_and_shifts_the_same_way():
    """Reckoning knows no map: another start moves the whole track rigidly."""
    simulation, walker = simulate("empty", 5), Walker(G1)
    one = Odometry(simulation.kinematics, (0.0, 0.0, 0.0))
    other = Odometry(simulation.kinematics, (1.0, 2.0, np.pi / 2))
    for _ in range(100):
        state = simulation.body.read()
        x, y, z = one.update(state).position
        np.testing.assert_allclose(other.update(state).position, (1.0 - y, 2.0 + x, z), atol=1e-9)
        simulation.body.write(walker.step(state, (0.5, 0.0, 0.3)))
        simulation.body.advance(0.02)
    assert x > 0.3


def test_a_standing_robot_stays_where_it_is():
    simulation = simulate("empty", 2)
    odometry = Odometry(simulation.kinematics, (0.5, -0.5, 0.3))
    state = simulation.body.read()
    for _ in range(50):
        base = odometry.update(state)
    np.testing.assert_allclose(base.position[:2], (0.5, -0.5), atol=1e-12)
    np.testing.assert_allclose(base.velocity, 0.0, atol=1e-9)
    assert base.yaw == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("way", ["ahead", "left", "back"])
def test_a_limp_robot_that_falls_and_rolls_is_followed_on_what_touches_the_floor(way):
    simulation = simulate("empty", 5)
    body, odometry = simulation.body, Odometry(simulation.kinematics, simulation.floor_plan.start)
    pusher = Pusher(body, [read_push(f"25@0.2:{way}")], "torso_link")
    truth = body.data.body("pelvis").xpos
    start, first = truth.copy(), odometry.update(body.read(), has_feet=False).position
    heights = []
    body.stop()
    for tick in range(150):
        pusher.tick(tick * 20_000_000)
        body.advance(0.02)
        estimate = odometry.update(body.read(), has_feet=False)
        heights.append((estimate.position[2], truth[2]))
    assert truth[2] < 0.2
    moved, believed = (truth - start)[:2], (estimate.position - first)[:2]
    assert np.linalg.norm(moved) > 0.15
    assert np.linalg.norm(believed - moved) < 0.085
    told, true = np.array(heights)[20:].T
    np.testing.assert_allclose(told, true, atol=0.06)
    np.testing.assert_array_equal(estimate.velocity, 0.0)
