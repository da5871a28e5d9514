"""One robot's observation is compared with the fleet's, which training saw."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yanshi.bodies.simulation import simulate
from yanshi.core.frames import rotation_matrix
from yanshi.policies.observation import Observation, gravity
from yanshi.train import observation as fleet

TERMS = fleet.layout(
    [("a", 3, 0.25, 3), ("b", 1, 2.0, 1), ("c", 2, 1.0, 2), ("d", 4, 0.05, 5), ("e", 2, 1.0, 1)]
)


def test_a_robot_sees_what_a_robot_of_a_fleet_sees():
    rng = np.random.default_rng(0)
    seen = np.zeros(TERMS[-1].stop, np.float32)
    one, many = Observation(TERMS, seen), fleet.Observation(TERMS, 2)
    for tick in range(40):
        if tick % 13 == 0:
            one.forget()
            many.start(np.array([0, 1]))
        values = {term.name: rng.normal(size=term.width) for term in TERMS}
        one.add(values)
        wanted = many.add({name: np.stack([value, value]) for name, value in values.items()})
        np.testing.assert_allclose(seen, wanted[0], rtol=1e-6)


def test_the_newest_comes_first_and_the_past_keeps_its_scale():
    term = fleet.layout([("a", 1, 0.5, 3)])
    seen = np.zeros(3, np.float32)
    observation = Observation(term, seen)
    for value in (2.0, 4.0, 6.0, 8.0):
        observation.add({"a": [value]})
    np.testing.assert_array_equal(seen, [4.0, 3.0, 2.0])


@given(st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_gravity_is_the_worlds_down_in_the_robots_own_frame(q):
    orientation = np.array(q) / np.linalg.norm(q)
    down = rotation_matrix(orientation).T @ [0.0, 0.0, -1.0]
    np.testing.assert_allclose(gravity(orientation), down, atol=1e-12)


def test_a_robot_on_its_feet_sees_gravity_straight_down():
    state = simulate("empty", 0).body.read()
    np.testing.assert_allclose(gravity(state.orientation_wxyz), [0.0, 0.0, -1.0], atol=0.03)
