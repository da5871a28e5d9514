"""The lander asks for torques that the motors have, for a moment, whatever its network says."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from yanshi.core.errors import ContractError
from yanshi.core.messages import RobotState
from yanshi.policies.contract import policy_folder
from yanshi.policies.lander import DEFAULT_LANDER, Lander
from yanshi.robots.g1.spec import G1

N = len(G1.joint_names)
MS = 1_000_000
needs_weights = pytest.mark.skipif(
    not (policy_folder(DEFAULT_LANDER) / "policy.toml").exists(), reason="no lander was trained yet"
)
WITHIN = arrays(float, N, elements=st.floats(0.0, 1.0))
TURN = arrays(float, 3, elements=st.floats(-8.0, 8.0))
MOVED = np.array(["hand" not in name for name in G1.joint_names])


def falling(
    t_ns: int = 0,
    position: np.ndarray = G1.default_position,
    turn: np.ndarray | None = None,
    speed: float = 0.0,
) -> RobotState:
    """Return a robot that leans ahead by 45°."""
    return RobotState(
        t_ns=t_ns,
        joint_position=position,
        joint_velocity=np.full(N, speed),
        joint_torque=np.zeros(N),
        orientation_wxyz=np.array([np.cos(np.pi / 8), 0.0, np.sin(np.pi / 8), 0.0]),
        angular_velocity=np.zeros(3) if turn is None else turn,
        acceleration=np.zeros(3),
    )


@pytest.fixture(scope="module")
def lander() -> Lander:
    return Lander(G1)


def test_a_walker_is_no_lander():
    with pytest.raises(ContractError, match="not a lander"):
        Lander(G1, policy_folder("g1_walk_ppo"))


@needs_weights
@given(WITHIN, TURN, st.floats(-20.0, 20.0))
def test_no_target_leaves_the_limits_or_pulls_harder_than_the_motor(
    lander: Lander, share: np.ndarray, turn: np.ndarray, speed: float
):
    limits = G1.limits
    position = limits.lower + share * (limits.upper - limits.lower)
    position = np.minimum(position, limits.upper)  # It may be rounded beyond.
    lander.reset(falling())
    target = lander.step(falling(position=position, turn=turn, speed=speed))
    assert (target.position >= limits.lower).all()
    assert (target.position <= limits.upper).all()
    pull = target.stiffness * np.abs(target.position - position)
    assert (pull <= limits.torque + 1e-9).all()
    assert pull[MOVED].max() > 1.0
    assert not pull[~MOVED].any()


@needs_weights
def test_its_time_is_up_when_the_contract_says_so(lander: Lander):
    lander.reset(falling(3000 * MS))
    most = round(1000.0 * lander.limp_after_s)
    assert 200 < most < 1000
    assert not lander.is_over(falling((2999 + most) * MS))
    assert lander.is_over(falling((3000 + most) * MS))


@needs_weights
def test_a_new_fall_knows_nothing_of_the_last_one(lander: Lander):
    lander.reset(falling())
    first = lander.step(falling()).position
    again = lander.step(falling(20 * MS, speed=3.0)).position
    assert np.abs(again - first).max() > 0.01
    lander.reset(falling())
    np.testing.assert_array_equal(lander.step(falling()).position, first)


@needs_weights
def test_its_weights_are_small():
    assert sum(path.stat().st_size for path in Path(policy_folder(DEFAULT_LANDER)).iterdir()) < 1e6
