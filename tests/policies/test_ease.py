"""Targets change hands without a jump, and are the next policy's own in the end."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from yanshi.core.messages import JointTarget
from yanshi.policies.ease import Ease, EaseConfig, eased

ANGLES = hnp.arrays(np.float64, 5, elements=st.floats(-3.0, 3.0))


def target(position: np.ndarray) -> JointTarget:
    gains = np.ones(5)
    return JointTarget(t_ns=0, position=position, stiffness=gains, damping=gains)


@given(ANGLES, ANGLES)
def test_no_eased_target_moves_farther_than_a_step_and_all_move_towards_what_is_wanted(one, two):
    step = 0.1
    found = eased(one, two, step)
    assert np.abs(found - one).max() <= step + 1e-12
    assert (np.abs(two - found) <= np.abs(two - one) + 1e-12).all()


@given(ANGLES, ANGLES)
def test_targets_creep_until_they_have_caught_up_and_then_go_through_as_they_are(one, two):
    ease = Ease(one, EaseConfig(rate=5.0, period_s=0.02))
    last = one
    for _ in range(int(np.abs(two - one).max() / 0.1) + 2):
        position = ease(target(two)).position
        assert np.abs(position - last).max() <= 0.1 + 1e-12
        last = position
    far = two + 1.0
    np.testing.assert_array_equal(ease(target(far)).position, far)


def test_a_joint_that_has_caught_up_does_not_wait_for_the_others():
    ease = Ease(np.zeros(5), EaseConfig(rate=5.0, period_s=0.02))
    ease(target(np.array([0.0, 0.0, 0.0, 0.0, 3.0])))
    position = ease(target(np.array([-1.0, 1.0, 0.5, 0.0, 3.0]))).position
    np.testing.assert_allclose(position, [-1.0, 1.0, 0.5, 0.0, 0.2])


def test_a_target_within_reach_is_reached_at_once():
    near = np.full(5, 0.05)
    np.testing.assert_array_equal(Ease(np.zeros(5))(target(near)).position, near)
