"""Observations: where each number lies, what lies in the past, and what it is in a mirror."""

import numpy as np

from yanshi.train.observation import Observation, layout, mirror_of

TERMS = layout([("gravity", 3, 1.0, 2), ("turn_command", 1, 2.0, 1), ("joint_position", 2, 0.5, 3)])


def tick(number, n=2):
    """Return values that say which tick they are of."""
    return {
        "gravity": np.full((n, 3), number + 0.1),
        "turn_command": np.full((n, 1), number + 0.2),
        "joint_position": np.full((n, 2), number + 0.3),
    }


def test_terms_lie_one_after_the_other_with_all_their_history():
    assert [(term.start, term.stop) for term in TERMS] == [(0, 6), (6, 7), (7, 13)]


def test_the_newest_tick_comes_first_and_values_are_scaled():
    seen = Observation(TERMS, 2)
    for number in (1, 2, 3):
        values = seen.add(tick(number))
    np.testing.assert_allclose(values[1, :6], [3.1] * 3 + [2.1] * 3, rtol=1e-6)
    np.testing.assert_allclose(values[1, 6], 6.4, rtol=1e-6)
    np.testing.assert_allclose(values[1, 7:], np.repeat([1.65, 1.15, 0.65], 2), rtol=1e-6)


def test_the_first_tick_of_an_episode_stands_for_its_past():
    seen = Observation(TERMS, 2)
    seen.add(tick(1))
    seen.start(np.array([1]))
    values = seen.add(tick(2))
    np.testing.assert_allclose(values[0, 7:], np.repeat([1.15, 0.65, 0.65], 2), rtol=1e-6)
    np.testing.assert_allclose(values[1, 7:], [1.15] * 6, rtol=1e-6)


def test_a_saved_past_goes_on():
    seen, other = Observation(TERMS, 2), Observation(TERMS, 2)
    seen.add(tick(1))
    other.load_state_dict(seen.state_dict())
    np.testing.assert_array_equal(seen.add(tick(2)), other.add(tick(2)))


def test_a_mirror_of_a_mirror_is_the_thing_itself_with_all_its_history():
    twins = {
        "gravity": (np.array([0, 1, 2]), np.array([1.0, -1.0, 1.0], np.float32)),
        "joint_position": (np.array([1, 0]), np.array([-1.0, -1.0], np.float32)),
    }
    twin, sign = mirror_of(TERMS, twins)
    values = np.arange(13.0)
    mirrored = sign * values[twin]
    np.testing.assert_array_equal(sign * mirrored[twin], values)
    np.testing.assert_array_equal(mirrored[3:6], [3, -4, 5])
    np.testing.assert_array_equal(mirrored[11:], [-12, -11])
