"""A robot that stands is kept where it came to rest: the signs by geometry, the rest by physics."""

from functools import cache

import numpy as np
import pytest

from yanshi.bodies.simulation import simulate
from yanshi.control.kinematics import Kinematics
from yanshi.core.messages import RobotState
from yanshi.policies.poise import Poise, PoiseConfig
from yanshi.policies.walker import UpperBody, Walker
from yanshi.robots.g1.spec import G1

TICK_S = 0.02
CONFIG = PoiseConfig()
STILL = (0.0, 0.0, 0.0)


@cache
def kinematics() -> Kinematics:
    return simulate("empty", 0).kinematics


def state(
    angle: float = 0.0, axis: tuple[float, float, float] = (0.0, 0.0, 1.0), spin: float = 0.0
):
    """Return a robot in its stance, turned about an axis through its pelvis."""
    n = len(G1.joint_names)
    return RobotState(
        t_ns=0,
        joint_position=G1.default_position,
        joint_velocity=np.zeros(n),
        joint_torque=np.zeros(n),
        orientation_wxyz=np.array([np.cos(0.5 * angle), *(np.sin(0.5 * angle) * np.array(axis))]),
        angular_velocity=np.array([0.0, 0.0, spin]),
        acceleration=np.array([0.0, 0.0, 9.81]),
    )


def held(*states: RobotState, seconds: float = 1.0) -> Poise:
    """Return an outer loop that has seen each state for a while."""
    poise = Poise(G1, kinematics(), TICK_S)
    for each in states:
        for _ in range(round(seconds / TICK_S)):
            poise.hold(each)
    return poise


@pytest.mark.parametrize(("axis", "ahead", "left"), [((0, 1, 0), 1.0, 0.0), ((-1, 0, 0), 0.0, 1.0)])
def test_who_is_off_by_so_much_seems_to_lean_that_way(axis, ahead, left):
    # Stiff legs that lean by an angle carry the pelvis by their length times its sine.
    height = -float(kinematics().soles_in_pelvis(G1.default_position)[..., 2].mean())
    lean = held(state(), state(0.06, axis)).lean
    wanted = CONFIG.lean * height * np.sin(0.06) * np.array([ahead, left])
    np.testing.assert_allclose(lean, wanted, atol=4e-3)


def test_who_has_turned_to_the_left_is_turned_back_at_the_hips():
    turned = held(state(0.3), state(0.4))
    assert turned.turn == pytest.approx(0.1 * CONFIG.turn)
    np.testing.assert_allclose(turned.lean, 0.0, atol=1e-9)
    assert held(state(3.1), state(-3.1)).turn == pytest.approx(2 * np.pi - 6.2, abs=1e-6)
    assert held(state(0.0), state(0.9)).turn == CONFIG.turn_max


def test_it_waits_until_the_robot_has_come_to_rest():
    poise = held(state(spin=1.0), state(0.2, spin=1.0))
    assert poise.turn == 0.0
    for _ in range(10):
        poise.hold(state(0.2))
    assert poise.turn == 0.0
    poise.hold(state(0.3))
    assert poise.turn == pytest.approx(0.1)


@pytest.mark.parametrize("angle", [0.4, float("nan")])
def test_who_was_pushed_away_is_not_pulled_back(angle):
    poise = held(state())
    poise.hold(state(angle, (0, 1, 0)))
    assert not poise.lean.any()
    assert poise.turn == 0.0


def test_released_it_asks_for_nothing():
    poise = held(state(), state(0.06, (0, 1, 0)))
    assert poise.lean.any()
    poise.release()
    assert not poise.lean.any()


def drift(walker: Walker, seed: int) -> float:
    """Return how far the pelvis of a standing robot gets while its arms wander, m."""
    body = simulate("empty", seed).body
    rng = np.random.default_rng(seed)
    arms = [i for i, name in enumerate(G1.joint_names) if "shoulder" in name or "elbow" in name]
    speed, angle = np.zeros(len(arms)), G1.default_position[arms].copy()
    walker.reset(body.read())
    places = []
    for _ in range(round(9.0 / TICK_S)):
        speed = np.clip(speed + rng.normal(0.0, 0.3, len(arms)), -1.5, 1.5)
        reach = 0.6 * G1.limits.upper[arms]
        angle = np.clip(angle + TICK_S * speed, 0.6 * G1.limits.lower[arms], reach)
        wish = UpperBody(joints=dict(zip(arms, angle.tolist(), strict=True)))
        body.write(walker.step(body.read(), STILL, wish))
        body.advance(TICK_S)
        places.append(body.data.body("pelvis").xpos[:2].copy())
    stood = np.array(places[100:])
    return float(np.linalg.norm(stood - stood[0], axis=1).max())


def test_with_it_a_standing_robot_stays_nearer_to_its_spot():
    with_it = [drift(Walker(G1, kinematics=kinematics()), seed) for seed in range(4)]
    without = [drift(Walker(G1), seed) for seed in range(4)]
    assert np.mean(with_it) < 0.85 * np.mean(without)
