"""What a walker that sees the arms does with their firmness."""

import numpy as np

from yanshi.bodies.simulation import simulate
from yanshi.policies.walker import AT_REST, UpperBody, Walker
from yanshi.robots.g1.spec import G1

ELBOW, KNEE = G1.joint_index("left_elbow"), G1.joint_index("left_knee")


def test_only_the_arms_that_are_asked_for_are_held_firmly_and_only_as_long():
    body = simulate("empty", 0).body
    walker = Walker(G1)
    state = body.read()
    usual = walker.step(state, (0.0, 0.0, 0.0))
    wish = UpperBody(joints={ELBOW: 0.3, KNEE: 0.1}, firmness=3.0)
    firm = walker.step(state, (0.0, 0.0, 0.0), wish)
    times = np.ones(len(G1.joint_names))
    times[ELBOW] = 3.0  # Legs are never lent.
    np.testing.assert_allclose(firm.stiffness, times * usual.stiffness)
    np.testing.assert_allclose(firm.damping, times * usual.damping)
    after = walker.step(state, (0.0, 0.0, 0.0), AT_REST)
    np.testing.assert_allclose(after.stiffness, usual.stiffness)


def test_firmer_arms_give_way_less_to_the_same_torque():
    body = simulate("empty", 0).body
    walker = Walker(G1)
    for firmness, moved in ((1.0, 2.0 / G1.stiffness[ELBOW]), (4.0, 0.5 / G1.stiffness[ELBOW])):
        walker.reset(body.read())
        for _ in range(40):
            wish = UpperBody(joints={ELBOW: 0.6}, effort={ELBOW: 2.0}, firmness=firmness)
            target = walker.step(body.read(), (0.0, 0.0, 0.0), wish)
        # A motor is a spring: the torque is asked for as an angle farther on.
        np.testing.assert_allclose(target.position[ELBOW] - 0.6, moved, atol=1e-9)


def test_who_bears_a_load_gets_a_firmer_waist_that_yaws_and_walks_as_ever():
    body = simulate("empty", 0).body
    walker = Walker(G1)
    usual = walker.step(body.read(), (0.0, 0.0, 0.0))
    wish = UpperBody(joints={ELBOW: 0.3}, waist_firmness=3.0)
    firm = walker.step(body.read(), (0.0, 0.0, 0.0), wish)
    times = np.ones(len(G1.joint_names))
    times[G1.joint_indices(["waist_roll", "waist_pitch"])] = 3.0
    np.testing.assert_allclose(firm.stiffness, times * usual.stiffness)
    after = walker.step(body.read(), (0.0, 0.0, 0.0), AT_REST)
    np.testing.assert_allclose(after.stiffness, usual.stiffness)
